"""Make of each assignment's one source what students get, the solution, and the grader's tests: ``make exercises``.

A source is ``book/exercises/NAME.py``: a notebook as text (jupytext's percent format) with the marks of otter-assign,
which says what is a solution and what a hidden test. Its first code cell, ``# SET-UP``, stands for the chapters'. Out
come student/NAME.ipynb and solution/NAME.ipynb, which know nothing of otter, and bundle/NAME/question_N.py.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from notebooks import METADATA

from srcnn.files import atomic

ROOT = Path(__file__).resolve().parents[2]
EXERCISES = ROOT / "book" / "exercises"
CHAPTER = ROOT / "book" / "01_asking.ipynb"
ASSIGNMENTS = ("measure", "stages", "training")
PLACE = "# SET-UP"
PROMPT = "Write here."  # ends the cell for an answer in words
# lines that lead otter and say nothing to a reader
LED = (
    (r'^ *""" # BEGIN PROMPT\n.*?^ *""" *# END PROMPT\n?', ""),
    (r"^ *# (?:BEGIN|END) SOLUTION(?: NO PROMPT)?\n?", ""),
    (r" *# SOLUTION(?: NO PROMPT)?$", ""),
    (r"^<!-- (?:BEGIN|END) QUESTION -->\n+", ""),
)


def sources() -> list[Path]:
    """The sources that are there, in the order of the course."""
    paths = (EXERCISES / f"{name}.py" for name in ASSIGNMENTS)
    return [path for path in paths if path.exists()]


def made(source: Path) -> dict[str, str]:
    """What comes of a source: path below ``book/exercises`` -> text.

    Raises:
        SystemExit: the source's marks are not in order; the message says what otter found.
    """
    name = source.stem
    with tempfile.TemporaryDirectory() as folder:
        master, out = Path(folder, f"{name}.ipynb"), Path(folder, "out")
        notebook = jupytext.read(source)
        notebook.metadata = nbformat.from_dict(METADATA)
        nbformat.write(notebook, master)
        command = [sys.executable, "-m", "otter", "assign", "--no-run-tests", "--no-pdfs"]
        done = subprocess.run([*command, master, out], capture_output=True, text=True)
        if done.returncode:
            told = done.stderr.strip().splitlines()[-1:] or ["it does not say why"]
            raise SystemExit(f"{source}: otter assign stops: {told[0]}")
        return {
            f"student/{name}.ipynb": _notebook(out / "student" / master.name),
            f"solution/{name}.ipynb": _notebook(out / "autograder" / master.name),
            **{
                f"bundle/{name}/{test.name}": _tests(test)
                for test in sorted((out / "autograder" / "tests").glob("*.py"))
            },
        }


def _notebook(path: Path) -> str:
    """A notebook of otter's as the course's own are: no marks, no outputs, no metadata, and ids that stay."""
    solution = path.parent.name == "autograder"
    cells = []
    for cell in nbformat.read(path, as_version=4).cells:
        text = cell.source
        for mark, instead in LED:
            text = re.sub(mark, instead, text, flags=re.M | re.S)
        text = setup_cell() if text.strip() == PLACE else text.strip()
        if text and not (solution and text.endswith(PROMPT)):
            new = getattr(nbformat.v4, f"new_{cell.cell_type}_cell")
            cells.append(new(text, id=f"cell-{len(cells):02}"))
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def setup_cell() -> str:
    """The first code cell of the chapters, which installs the package where it is missing."""
    cells = nbformat.read(CHAPTER, as_version=4).cells
    return next(cell.source for cell in cells if cell.cell_type == "code")


def _tests(path: Path) -> str:
    lines = [line.rstrip() for line in path.read_text(encoding="utf-8").splitlines()]
    return "\n".join(lines).rstrip() + "\n"


def write(files: dict[str, str], name: str) -> None:
    """Write what was made of one assignment, and remove tests of questions that are no more."""
    for place, text in files.items():
        path = EXERCISES / place
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic(path) as part:
            part.write_text(text, encoding="utf-8")
    for path in (EXERCISES / "bundle" / name).glob("question_*.py"):
        if str(path.relative_to(EXERCISES)) not in files:
            path.unlink()


if __name__ == "__main__":
    for source in sources():
        files = made(source)
        write(files, source.stem)
        print(*files, sep="\n")
