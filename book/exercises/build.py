"""Make of each assignment's source what students get and the solution: ``make exercises``.

A source is ``book/exercises/NAME/assignment.py``, a notebook as text (jupytext's percent format). Its first code cell,
``# SET-UP``, stands for the chapters' own. Only the solution has what is between ``# BEGIN SOLUTION`` and
``# END SOLUTION``, only students have what is between ``# BEGIN PROMPT`` and ``# END PROMPT``, in a string; a cell with
the tag ``solution`` or ``student`` is in that notebook alone. In text, ``<<expression>>`` stands for a number of the
variant (srcnn/checks/variants.py), and a cell ``# VARIANT`` for the line that tells the checks which one it is.
"""

import re
import sys
from pathlib import Path

import jupytext
import nbformat

from srcnn.checks import variants
from srcnn.files import write

EXERCISES = Path(__file__).resolve().parent
sys.path[:0] = [str(EXERCISES.parent)] * (str(EXERCISES.parent) not in sys.path)  # it is run as a script, too
CHAPTER = EXERCISES.parent / "01_super_resolution.ipynb"
METADATA = {  # no more, so that every machine makes the same
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
}
KINDS = ("student", "solution")
NUMBER = re.compile(r"<<(.+?)>>", re.S)
SOLUTION = re.compile(r"^ *# BEGIN SOLUTION\n(.*?)^ *# END SOLUTION\n?", re.M | re.S)
PROMPT = re.compile(r'^ *""" +# BEGIN PROMPT\n(.*?)^ *""" +# END PROMPT\n?', re.M | re.S)


def sources() -> list[Path]:
    """The sources, in the order of the course, which is that of their names."""
    return sorted(EXERCISES.glob("*/assignment.py"))


def notebooks(source: Path, code: str = "") -> dict[str, str]:
    """What is made of a source: the text of ``student.ipynb`` and of ``solution.ipynb``.

    Args:
        source: the file.
        code: of a variant; its text is then the variant's, the solution's code stays that of the common one.

    Raises:
        SystemExit: a mark in the source has no partner; the message names the cell.
    """
    cells = jupytext.read(source).cells
    return {f"{kind}.ipynb": _notebook(cells, kind, source, code) for kind in KINDS}


def _notebook(cells: list, kind: str, source: Path, code: str) -> str:
    kept, dropped = (SOLUTION, PROMPT) if kind == "solution" else (PROMPT, SOLUTION)
    made, name = [], source.parent.name
    for cell in cells:
        if not set(cell.metadata.get("tags", [kind])) & {kind}:
            continue
        text = dropped.sub("", kept.sub(r"\1", cell.source)).strip()
        if left := re.search(r"# (BEGIN|END) (SOLUTION|PROMPT)", text):
            raise SystemExit(f"{source}: {left[0]} has no partner in the cell that begins {text.splitlines()[0]!r}")
        text = setup_cell() if text == "# SET-UP" else text
        if name == "troubleshoot":
            text = _with_repository(text, code)
        if text == "# VARIANT":
            if not code:
                continue
            text = f'checks.use("{code}")  # your variant: its numbers are yours, so leave this line as it is'
        if cell.cell_type == "markdown":
            text = NUMBER.sub(lambda found: _number(found[1], source, code), text)
        made.append(getattr(nbformat.v4, f"new_{cell.cell_type}_cell")(text, id=f"cell-{len(made):02}"))
    notebook = nbformat.v4.new_notebook(cells=made, metadata=METADATA)
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def _with_repository(text: str, code: str) -> str:
    """A cell of *A broken repository* with the variant's repository, or the mended functions, in their place."""
    from exercises.troubleshoot import planted

    broken = planted.planted(code)
    return text.replace("# REPOSITORY", planted.source(broken)).replace("# MENDED", planted.mended(broken))


def _number(expression: str, source: Path, code: str) -> str:
    try:
        numbers = variants.numbers(source.parent.name, code)
        return f"{eval(expression, {'__builtins__': {}}, numbers):.4g}"
    except (NameError, SyntaxError, TypeError, ValueError):
        raise SystemExit(f"{source}: <<{expression}>> is no number of this assignment's variants") from None


def setup_cell() -> str:
    """The first code cell of the chapters, which installs the package where it is missing."""
    return next(cell.source for cell in nbformat.read(CHAPTER, as_version=4).cells if cell.cell_type == "code")


if __name__ == "__main__":
    for source in sources():
        for name, text in notebooks(source).items():
            write(source.parent / name, text)
            print((source.parent / name).relative_to(EXERCISES))
