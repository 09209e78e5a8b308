"""What a bundle carries to grade on a platform: the package, the grader, and the tests of one assignment."""

import re
import shlex
import tomllib
from pathlib import Path

from grader.suite import EXERCISES
from srcnn.files import InputError

ROOT = EXERCISES.parents[1]
PACKAGE = ("pyproject.toml", "constraints.txt", "README.md", "LICENSE")
CONTAINER = Path(__file__).resolve().parents[1] / "Containerfile"


def files(assignment: str) -> dict[str, Path]:
    """Path in the bundle -> file of ours. No solution is among them.

    Raises:
        InputError: the assignment's notebook has not been made.
    """
    exercise = EXERCISES / assignment
    if not (exercise / "student.ipynb").exists():
        raise InputError(f"there is no {exercise / 'student.ipynb'}; `make exercises` makes it")
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    wanted = [ROOT / name for name in (*PACKAGE, *wheel["packages"], *wheel["force-include"])]
    wanted += [EXERCISES / "draw.py", exercise / "student.ipynb", *exercise.glob("hidden*.py"), CONTAINER.parent]
    found = [file for each in wanted for file in (sorted(each.rglob("*")) if each.is_dir() else [each])]
    return {
        file.relative_to(ROOT).as_posix(): file
        for file in found
        if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".pyc"
    }


def install(course: str, python: str) -> str:
    """The command that installs the package and what the grader needs, as the grader's own container has it.

    Args:
        course: where the bundle's files are.
        python: the interpreter.
    """
    text = CONTAINER.read_text(encoding="utf-8").replace("\\\n", " ")
    words = re.search(r"^RUN pip (install .*)$", text, re.M)[1].split()
    places = {"/course": f"{course}[grade]", "/course/constraints.txt": f"{course}/constraints.txt"}
    return shlex.join([python, "-m", "pip", *(places.get(word, word) for word in words)])
