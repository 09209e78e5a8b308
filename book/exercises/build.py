"""Make of each assignment's source what students get and the solution: ``make exercises``.

A source is ``book/exercises/NAME/assignment.py``, a notebook as text (jupytext's percent format). Its first code cell,
``# SET-UP``, stands for the chapters' own. Only the solution has what is between ``# BEGIN SOLUTION`` and
``# END SOLUTION``, only students have what is between ``# BEGIN PROMPT`` and ``# END PROMPT``, in a string; a cell with
the tag ``solution`` or ``student`` is in that notebook alone.
"""

import re
from pathlib import Path

import jupytext
import nbformat

from srcnn.files import write

EXERCISES = Path(__file__).resolve().parent
CHAPTER = EXERCISES.parent / "01_super_resolution.ipynb"
METADATA = {  # no more, so that every machine makes the same
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
}
KINDS = ("student", "solution")
SOLUTION = re.compile(r"^ *# BEGIN SOLUTION\n(.*?)^ *# END SOLUTION\n?", re.M | re.S)
PROMPT = re.compile(r'^ *""" +# BEGIN PROMPT\n(.*?)^ *""" +# END PROMPT\n?', re.M | re.S)


def sources() -> list[Path]:
    """The sources, in the order of the course, which is that of their names."""
    return sorted(EXERCISES.glob("*/assignment.py"))


def notebooks(source: Path) -> dict[str, str]:
    """What is made of a source: the text of ``student.ipynb`` and of ``solution.ipynb``.

    Raises:
        SystemExit: a mark in the source has no partner; the message names the cell.
    """
    cells = jupytext.read(source).cells
    return {f"{kind}.ipynb": _notebook(cells, kind, source) for kind in KINDS}


def _notebook(cells: list, kind: str, source: Path) -> str:
    kept, dropped = (SOLUTION, PROMPT) if kind == "solution" else (PROMPT, SOLUTION)
    made = []
    for cell in cells:
        if not set(cell.metadata.get("tags", [kind])) & {kind}:
            continue
        text = dropped.sub("", kept.sub(r"\1", cell.source)).strip()
        if left := re.search(r"# (BEGIN|END) (SOLUTION|PROMPT)", text):
            raise SystemExit(f"{source}: {left[0]} has no partner in the cell that begins {text.splitlines()[0]!r}")
        text = setup_cell() if text == "# SET-UP" else text
        made.append(getattr(nbformat.v4, f"new_{cell.cell_type}_cell")(text, id=f"cell-{len(made):02}"))
    notebook = nbformat.v4.new_notebook(cells=made, metadata=METADATA)
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def setup_cell() -> str:
    """The first code cell of the chapters, which installs the package where it is missing."""
    return next(cell.source for cell in nbformat.read(CHAPTER, as_version=4).cells if cell.cell_type == "code")


if __name__ == "__main__":
    for source in sources():
        for name, text in notebooks(source).items():
            write(source.parent / name, text)
            print((source.parent / name).relative_to(EXERCISES))
