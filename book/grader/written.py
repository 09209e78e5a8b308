"""Answers in words, found wherever a student put them: all words that the notebook did not come with.

A heading may be gone, bold or another one, the text in the next cell, in a code cell, or above. What is found in its
place is the answer; whatever is less clear than that is told, and nothing is taken for empty in silence.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from grader.inside import statements
from grader.notebook import Cell, Notebook

ANSWER = re.compile(r"^#+ *Your answer to question (\d+)", re.M | re.I)
PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)|<img\b[^>]*>")
WORDS = re.compile(r"^\s*%%(?:markdown|md|html|latex)\b[^\n]*\n")
FEW = 5  # words of a comment or a string in code, below which it is no answer


def asked(template: Notebook) -> list[int]:
    """The questions that the notebook which students get wants answered in words."""
    return sorted({int(number) for number in ANSWER.findall(template.words)})


def find(notebook: Notebook, template: Notebook) -> tuple[dict[int, str], list[str]]:
    """The answers in words: number of a question -> text, and what a person should know about them.

    Args:
        notebook: what was handed in.
        template: what students got.
    """
    found, remarks = {}, []
    given = {_bare(line) for cell in template.sheet for line in cell.source.splitlines()}
    codes = {cell.source.strip() for cell in template.sheet if cell.code}
    own = [_own(cell, given, codes) for cell in notebook.sheet]
    for number in asked(template):
        found[number], doubt = _answer(number, notebook.sheet, own)
        remarks += [f"the answer in words to question {number} {doubt}"] if doubt else []
    return found, remarks


def _answer(number: int, sheet: tuple[Cell, ...], own: list[str]) -> tuple[str, str]:
    """The answer to a question, and why it is in doubt."""
    heading = re.compile(rf"^\W*(?:<[^>]*>)?\W*(?:Question|Your answer to question) *{number}\b", re.M | re.I)
    after = re.compile(rf"^#+ *Question *{number + 1}\b", re.M | re.I)
    begin = next((k for k, cell in enumerate(sheet) if not cell.code and heading.search(cell.source)), None)
    first = len(sheet) if begin is None else begin
    last = next((k for k in range(first + 1, len(sheet)) if after.search(sheet[k].source)), len(sheet))
    inside = [k for k in range(first, last) if own[k]]
    words = [k for k in inside if not sheet[k].code]
    chosen = words or inside or [k for k in range(len(sheet)) if own[k] and not sheet[k].code]
    text = "\n\n".join(dict.fromkeys(part for k in chosen for part in own[k].split("\n\n"))).strip()
    if not text:
        # an empty cell that is still there was left empty; one that is gone may have become something else
        return "", "" if begin is not None and _waiting(sheet) else "was not found, and its cell is gone"
    if not re.search(r"\w", PICTURE.sub("", text)):
        return text, "is a picture; see the notebook"
    if not inside:
        return text, "was not found in its place; what the notebook says elsewhere was taken for it"
    if len(inside) > len(words):
        return text, "is in a code cell" if not words else "may go on in a code cell; see the notebook"
    return text, ""


def _waiting(sheet: tuple[Cell, ...]) -> bool:
    return any(not cell.code and ("Write here" in cell.source or ANSWER.search(cell.source)) for cell in sheet)


def _own(cell: Cell, given: set[str], codes: set[str]) -> str:
    """The words of a cell that the notebook did not come with."""
    source = cell.source
    if cell.code:
        if source.strip() in codes:
            return ""
        source = "\n\n".join(_of_code(source))
    lines = [line for line in source.splitlines() if not line.strip() or _bare(line) not in given]
    return "\n".join(lines).strip()


def _bare(line: str) -> str:
    """A line without what makes it a heading, bold or a comment."""
    return " ".join(re.sub(r"<[^>]*>|[#*_>`~:]", " ", line).split()).casefold()


def _of_code(source: str) -> Iterator[str]:
    """The words in a code cell: all of one that is no Python, else its long strings and comments."""
    if head := WORDS.match(source):
        yield source[head.end() :]
        return
    if statements.problem(source):
        if not any(_is_code(part) for part in statements.split(source)):
            yield source
        return
    comments = re.sub(r"(?m)^# ?", "", "\n".join(_comments(source)))
    texts = [comments, *_strings(source)]
    yield from (text for text in texts if len(text.split()) >= FEW)


def _is_code(part: str) -> bool:
    return bool(
        re.match(r"(?:def|class|import|from|for|while|if|with|return|@|%|!)\b|[\w.\[\], ]+=|[\w.]+\(", part.lstrip())
    )


def _comments(source: str) -> Iterator[str]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(statements.plain(source)).readline):
            if token.type == tokenize.COMMENT and not token.line[: token.start[1]].strip():
                yield token.string
    except (tokenize.TokenError, SyntaxError):
        return


def _strings(source: str) -> Iterator[str]:
    """Strings that stand alone, are printed, shown, or given a name; no docstrings."""
    for node in ast.parse(statements.plain(source)).body:
        value = getattr(node, "value", None)
        for part in value.args if isinstance(value, ast.Call) else [value]:
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield part.value
