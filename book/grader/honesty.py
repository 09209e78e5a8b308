"""Say which notebooks share what few others have, and which have outputs that their code did not make.

    make honesty SUBMISSIONS=folder

or ``PYTHONPATH=book python -m grader.honesty folder``. Nothing is run. What comes of it, in the folder --out:
honesty.html and honesty.csv; and for other programs submissions/KEY/answers.py, base/ with the code that was handed
out, and old/ with the published solution.
"""

import ast
import builtins
import re
import sys
from pathlib import Path

from grader import __main__ as grading
from grader import answers, manual, report, traits
from grader.answers import Work
from grader.words import Parser
from srcnn.checks import ASSIGNMENTS
from srcnn.files import InputError, write

RIGHT = re.compile(r"Question (\d+): right")


def stray(one: Work, assignment: str) -> list[str]:
    """Outputs that the notebook's code cannot have made, one sentence each."""
    found, names = [], _names(one)
    for number, cell in enumerate(one.stored, start=1):
        texts = traits.outputs(cell)
        _, tree = answers.python(cell.get("source", ""))
        if not texts or tree is None:
            continue
        silent = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        if all(isinstance(node, silent) for node in tree.body):
            shown = " ".join(texts[0].split())[:60]
            found.append(f"code cell {number} has an output ({shown}), and no code that could have made one")
        elif names and (unknown := sorted(_used(tree) - names)):
            found.append(f"code cell {number} has an output and uses {', '.join(unknown)}, which is nowhere defined")
        for question in sorted({int(n) for text in texts for n in RIGHT.findall(text)}):
            node = one.answers.get(question)
            known = ASSIGNMENTS[assignment].get(question)
            if known and (node is None or _unanswered(node)):
                what = "is not in the notebook" if node is None else "is not answered"
                found.append(f"code cell {number} says that question {question} is right, and {known.name} {what}")
    return found


def _names(one: Work) -> set[str]:
    """All names that the notebook defines somewhere, or Python does; none where that cannot be told."""
    found = {*dir(builtins), "In", "Out", "display", "get_ipython", "exit", "quit"}
    code = "\n".join(one.cells)
    if one.garbled or re.search(r"import \*|%run|%load|%%|\bexec\(|globals\(", code):
        return set()
    for node in (each for tree in one.parsed for each in ast.walk(tree)):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, (ast.arg, ast.ExceptHandler)):
            found.add(getattr(node, "arg", None) or getattr(node, "name", None) or "_")
    return found


def _used(tree: ast.Module) -> set[str]:
    """The names that running a cell needs; a function's own are needed when it is called."""
    waiting, found = [*tree.body], set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and not node.id.startswith("_"):
            found.add(node.id)
        waiting += ast.iter_child_nodes(node)
    return found


def _unanswered(node: ast.stmt) -> bool:
    """Whether nothing but three dots is in an answer."""
    body = node.body if isinstance(node, ast.FunctionDef) else [node]
    return all(isinstance(getattr(part, "value", None), ast.Constant) and part.value.value is ... for part in body)


def copied(one: Work, solution: Work) -> list[int]:
    """The questions whose answer is the published solution's, names included, where it is too long for chance."""
    return [
        number
        for number, node in sorted(one.answers.items())
        if number in solution.answers
        and ast.dump(node) == ast.dump(solution.answers[number])
        and len(list(ast.walk(node))) >= traits.LARGE
    ]


def write_report(out: Path, works: list[Work], others: list, assignment: str) -> int:
    """Write everything into a folder, and return how many pairs share something."""
    base, solution = answers.published(assignment)
    found = traits.pairs(works, base, solution)
    strays = [(one, told) for one in works if (told := stray(one, assignment))]
    same = [(one, numbers) for one in works if (numbers := copied(one, solution))]
    answers.export(out, works, assignment)
    page = report.TEMPLATES.get_template("honesty.html").render(
        assignment=assignment, pairs=found, kinds=traits.KINDS, strays=strays, same=same, count=len(works),
        others=[(submission.student, why) for submission, why in others],
        garbled=[one for one in works if one.garbled],
    )  # fmt: skip
    write(out / "honesty.html", page)
    rows: list[list] = [["kind", "weight", "student", "other", "what"]]
    for pair in found:
        what = "; ".join(f"{traits.KINDS[kind][0]}: {', '.join(told)}" for kind, told in pair.shared.items())
        rows.append(["pair", pair.weight, pair.first.student, pair.second.student, what])
    rows += [["output", "", one.student, "", each] for one, told in strays for each in told]
    rows += [["solution", "", one.student, "", f"questions {', '.join(map(str, n))}"] for one, n in same]
    rows += [["not read", "", submission.student, "", why] for submission, why in others]
    write(out / "honesty.csv", manual.table(rows))
    return len(found)


def main(words: list[str] | None = None) -> int:
    """Report, and return the exit status."""
    parser = Parser("grader.honesty", __doc__.split("\n", 1)[0], "SUBMISSIONS")
    parser.add_argument("submissions", type=Path, help="folder or zip file of an assignment, as for the grading")
    parser.add_argument("--out", type=Path, help="folder for what comes of it (the submissions' name and -honesty)")
    parser.add_argument("--assignment", choices=sorted(ASSIGNMENTS), help="which one (recognized if not given)")
    try:
        options = parser.parse_args(words)
        place = options.submissions
        out = options.out or place.resolve().with_name(f"{place.resolve().stem}-honesty")
        found = grading._found(place, out)
        assignment = options.assignment or grading._assignment(found, place)
        _empty(out)
        works, others = answers.readable(found, assignment)
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        count = write_report(out, works, others, assignment)
    except (grading.UsageError, InputError, OSError) as problem:
        print(f"honesty: {problem}", file=sys.stderr)
        return 2
    print(f"{assignment}: {len(works)} notebooks, {count} pairs that share something rare: {out / 'honesty.html'}")
    print(f"for JPlag: java -jar jplag.jar -l python3 {out}/submissions --base-code {out}/base --old {out}/old")
    print(f"for compare50: compare50 {out}/submissions/* -d {out}/base/base.py -a {out}/old/solution")
    return 0


def _empty(out: Path) -> None:
    if out.exists() and not (out / "honesty.csv").exists() and (not out.is_dir() or any(out.iterdir())):
        raise grading.UsageError(f"{out} has something else in it; give --out a new folder")


if __name__ == "__main__":
    sys.exit(main())
