"""Answers as plain Python, apart from the code that was handed out: what two submissions can be compared by.

A program that looks for copied code takes a folder for each student and the common code in a folder of its own: JPlag's
root folder, ``--base-code`` and ``--old`` (its README, github.com/jplag/JPlag), compare50's submissions, ``--distro``
and ``--archive`` (cs50.readthedocs.io/projects/compare50).
"""

import ast
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from grader import collect
from grader.collect import Submission
from grader.suite import EXERCISES
from srcnn.checks import ASSIGNMENTS
from srcnn.files import write

MAGIC = re.compile(r"^(\s*)(%|!|\?|.*\?$)")  # a notebook's own commands


@dataclass(frozen=True)
class Work:
    """What somebody did in an assignment's notebook.

    Attributes:
        student, key: of the submission.
        cells: the code cells, as Python; what is no Python stands in comments.
        parsed: the same, parsed, without docstrings.
        docstrings: what was taken out.
        own: those that were not handed out so.
        answers: number of a question -> the function or assignment that answers it.
        stored: the notebook's cells as they are stored, of any shape, with outputs and metadata.
        garbled: how many cells are no Python.
    """

    student: str
    key: str
    cells: tuple[str, ...]
    parsed: tuple[ast.Module, ...] = field(repr=False)
    docstrings: tuple[str, ...]
    own: tuple[int, ...]
    answers: dict[int, ast.stmt] = field(repr=False)
    stored: tuple[dict, ...] = field(default=(), repr=False)
    garbled: int = 0

    def code(self) -> str:
        """The student's own cells as one file."""
        return "\n\n".join(f"# %% code cell {k + 1}\n{self.cells[k]}" for k in self.own) + "\n"


def work(submission: Submission, assignment: str, handed_out: frozenset[str] = frozenset()) -> Work:
    """What a submission has.

    Args:
        submission: what was handed in.
        assignment: the name of it.
        handed_out: the trees, as ast.dump gives them, of cells that everybody has.

    Raises:
        collect.Unreadable: it is no notebook.
    """
    cells, parsed, docstrings, garbled = [], [], [], 0
    for source in submission.notebook.cells:
        code, tree = python(source)
        garbled += tree is None
        cells.append(code)
        parsed.append(tree or ast.Module([], []))
        docstrings += _without_docstrings(parsed[-1])
    own = tuple(k for k, tree in enumerate(parsed) if cells[k].strip() and ast.dump(tree) not in handed_out)
    names = {question.name: number for number, question in ASSIGNMENTS[assignment].items()}
    answers = {names[name]: node for tree in parsed for name, node in _defined(tree) if name in names}
    stored = _stored(submission.data)
    python_parts = tuple(cells), tuple(parsed), tuple(docstrings)
    return Work(submission.student, submission.key, *python_parts, own, answers, stored, garbled)


def published(assignment: str) -> tuple[Work, Work]:
    """What students get, and the solution."""
    made = []
    for kind in ("student", "solution"):
        path = EXERCISES / assignment / f"{kind}.ipynb"
        made.append(work(Submission(kind, kind, path.name, path.read_bytes()), assignment))
    return made[0], made[1]


def python(source: str | list) -> tuple[str, ast.Module | None]:
    """A cell's source as Python, its magics in comments; all of it in comments, and no tree, where it is none."""
    source = "".join(map(str, source)) if isinstance(source, list) else str(source)
    code = "\n".join(MAGIC.sub(r"\1pass  # \2", line) for line in source.splitlines())
    try:
        return code, ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "\n".join(f"# {line}" for line in source.splitlines()), None


def _defined(tree: ast.Module) -> list[tuple[str, ast.stmt]]:
    found = []
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.append((node.name, node))
        elif isinstance(node, ast.Assign):
            found += [(target.id, node) for target in node.targets if isinstance(target, ast.Name)]
    return found


def _stored(data: bytes) -> tuple[dict, ...]:
    try:
        cells = json.loads(data.decode("utf-8-sig", "replace"))["cells"]
        return tuple(cell for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ()


def _without_docstrings(tree: ast.Module) -> list[str]:
    """Take the docstrings out of a tree, and return them."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and (
            told := ast.get_docstring(node)
        ):
            found.append(told)
            node.body = node.body[1:]
    return found


def export(out: Path, works: list[Work], assignment: str) -> None:
    """Write ``submissions/KEY/answers.py`` for each, ``base/base.py`` and ``old/solution/answers.py``."""
    base, solution = published(assignment)
    files = {f"submissions/{one.key}/answers.py": one.code() for one in works}
    files["base/base.py"] = "\n\n".join(base.cells) + "\n"
    common = {ast.dump(tree) for tree in base.parsed}
    own = [code for code, tree in zip(solution.cells, solution.parsed, strict=True) if ast.dump(tree) not in common]
    files["old/solution/answers.py"] = "\n\n".join(own) + "\n"
    for name, text in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        write(out / name, text)


def readable(found: list[Submission], assignment: str) -> tuple[list[Work], list[tuple[Submission, str]]]:
    """The work of those submissions that can be read, and the others with the reason."""
    handed_out = frozenset(ast.dump(tree) for tree in published(assignment)[0].parsed)
    works, others = [], []
    for submission in found:
        try:
            works.append(work(submission, assignment, handed_out))
        except collect.Unreadable as why:
            others.append((submission, str(why)))
    return works, others
