"""Traits of a notebook that few others have: the same answer, the same rare names, the same cells, the same run.

Two people who each solve a task write alike, so a trait that many have says nothing. One that two of a hundred have is
a reason to talk to both.
"""

import ast
import hashlib
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations

from grader.answers import Work
from srcnn.checks import variants

LARGE = 30  # nodes of an answer's tree; smaller ones are alike by chance
SHARE, LEAST = 0.05, 3  # a trait is rare when so large a share of the class has it at most, or so few
NAMES = 3  # rare names that two must share
WORDS = 5  # of a comment that could not be anybody's

# what two notebooks share -> how it is told, and how much it counts; two are reported from 2 on
KINDS = {
    "run": ("parts of one and the same run (times of execution)", 3),
    "account": ("run under the same account", 3),
    "variant": ("the same code of a variant", 3),
    "cell": ("cells with the same identifier, which a program draws at random", 3),
    "answer": ("the same answer, names included", 2),
    "comment": ("the same comment", 2),
    "shape": ("the same answer with other names", 1),
    "name": ("the same rare names", 1),
    "output": (
        "the same output, which few others have",
        0,
    ),  # right answers give the same, so it is told and not counted
}


@dataclass(frozen=True)
class Trait:
    """Something that a notebook has: its kind, a value to compare, and how a person is told what it is."""

    kind: str
    value: str
    told: str = field(compare=False)


@dataclass
class Pair:
    """Two notebooks and what they share."""

    first: Work
    second: Work
    shared: dict[str, list[str]]

    @property
    def weight(self) -> int:
        """How much what they share counts; two answers count twice, more than two no more."""
        return sum(KINDS[kind][1] * min(len(told), 2) for kind, told in self.shared.items())


def of(one: Work, base: Work, solution: Work) -> Iterator[Trait]:
    """The traits of a notebook, those of what was handed out and of the published solution left out."""
    known = {ast.dump(node) for node in (*base.answers.values(), *solution.answers.values())}
    for number, node in one.answers.items():
        if len(list(ast.walk(node))) < LARGE or ast.dump(node) in known:
            continue
        yield Trait("answer", f"{number} {ast.dump(node)}", f"question {number}")
        yield Trait("shape", f"{number} {ast.dump(renamed(node))}", f"question {number}")
    common = names(base) | names(solution)
    yield from (Trait("name", name, name) for name in names(one) - common if len(name) > 3)
    told = comments(base) | comments(solution)
    yield from (Trait("comment", words, f"“{words[:80]}”") for words in comments(one) - told)
    yield from _metadata(one, {each for cell in base.stored for each in _identifiers(cell)})
    yield from _outputs(one)
    if code := variants.found("\n".join(one.cells)):
        yield Trait("variant", code, code)


def renamed(node: ast.stmt) -> ast.Module:
    """Code with every local name replaced by its number of appearance."""
    node = ast.parse(ast.unparse(node))
    numbers: dict[str, str] = {}
    local = {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}
    local |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    for each in ast.walk(node):
        for place in ("id", "arg"):
            name = getattr(each, place, None)
            if name in local and not isinstance(each, ast.keyword):
                setattr(each, place, numbers.setdefault(name, f"v{len(numbers)}"))
    return node


def names(one: Work) -> set[str]:
    """The names that somebody gave: to variables, arguments and functions."""
    found = set()
    for k in one.own:
        for node in ast.walk(one.parsed[k]):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
            elif isinstance(node, ast.arg):
                found.add(node.arg)
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                found.add(node.name)
    return found


def comments(one: Work) -> set[str]:
    """The words of longer comments and docstrings."""
    found = {*one.docstrings}
    for k in one.own:
        try:
            tokens = list(tokenize.generate_tokens(io.StringIO(one.cells[k]).readline))
        except (tokenize.TokenError, SyntaxError):
            continue
        found |= {token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}
    return {" ".join(text.split()).casefold() for text in found if len(text.split()) >= WORDS}


def _identifiers(cell: dict) -> set[str]:
    """What programs drew for a cell: nbformat's id, and Colab's own."""
    metadata = cell.get("metadata") if isinstance(cell.get("metadata"), dict) else {}
    return {str(each) for each in (cell.get("id"), metadata.get("id")) if each}


def _metadata(one: Work, handed_out: set[str]) -> Iterator[Trait]:
    for number, cell in enumerate(one.stored, start=1):
        where = f"code cell {number}"
        for identifier in _identifiers(cell) - handed_out:
            # a handed-out notebook's ids are counted, cell-00; a drawn one has at least eight letters and digits
            if len(identifier) >= 8 and not re.fullmatch(r"cell-\d+", identifier):
                yield Trait("cell", identifier, where)
        metadata = cell.get("metadata") if isinstance(cell.get("metadata"), dict) else {}
        # Colab's executionInfo has a timestamp and a user; JupyterLab's execution has the times of its messages
        info, times = metadata.get("executionInfo"), metadata.get("execution")
        if isinstance(info, dict) and info.get("timestamp"):
            yield Trait("run", f"colab {info['timestamp']}", where)
        if isinstance(info, dict) and isinstance(info.get("user"), dict) and info["user"].get("userId"):
            yield Trait("account", str(info["user"]["userId"]), "Colab")
        if isinstance(times, dict) and times:
            yield Trait("run", f"jupyter {sorted(map(str, times.items()))}", where)


def _outputs(one: Work) -> Iterator[Trait]:
    for number, cell in enumerate(one.stored, start=1):
        for text in outputs(cell):
            if re.search(r"\d\.\d", text) or text.startswith("image "):
                digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
                yield Trait("output", digest, f"code cell {number}: {' '.join(text.split())[:60]}")


def outputs(cell: dict) -> list[str]:
    """What a cell has stored as its outputs: texts, and images as the digest of their bytes; no errors."""
    found = []
    for output in cell.get("outputs") or []:
        if not isinstance(output, dict) or output.get("output_type") == "error":
            continue
        data = output.get("data") if isinstance(output.get("data"), dict) else {}
        image = data.get("image/png")
        text = output.get("text") or data.get("text/plain") or ""
        text = "".join(map(str, text)) if isinstance(text, list) else str(text)
        if image:
            digest = hashlib.sha256("".join(map(str, image)).strip().encode()).hexdigest()[:16]
            text = f"image {digest}"
        if text.strip():
            found.append(text)
    return found


def pairs(works: list[Work], base: Work, solution: Work) -> list[Pair]:
    """Pairs that share rare traits, those that share most first."""
    holders: dict[Trait, list[int]] = defaultdict(list)
    for k, one in enumerate(works):
        for trait in dict.fromkeys(of(one, base, solution)):
            holders[trait].append(k)
    most = max(LEAST, round(SHARE * len(works)))
    shared: dict[tuple[int, int], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for trait, those in holders.items():
        if 2 <= len(those) <= most:
            for two in combinations(those, 2):
                shared[two][trait.kind].append(trait.told)
    found = []
    for (a, b), kinds in shared.items():
        if len(kinds.get("name", ())) < NAMES:
            kinds.pop("name", None)
        kinds["shape"] = [told for told in kinds.get("shape", ()) if told not in kinds.get("answer", ())]
        told = {kind: sorted(kinds[kind]) for kind in KINDS if kinds.get(kind)}
        pair = Pair(works[a], works[b], told)
        if pair.weight >= 2:
            found.append(pair)
    return sorted(found, key=lambda pair: (-pair.weight, pair.first.key, pair.second.key))
