"""The hidden test cases and the rubrics of an assignment, found where ``book/exercises`` declares them."""

import functools
import hashlib
import importlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from exercises.draw import Case

from grader import written as in_words
from grader.notebook import Notebook, read

EXERCISES = Path(__file__).resolve().parents[1] / "exercises"
TITLE = re.compile(r"^# *(.+)$", re.M)
QUESTION = re.compile(r"^## *Question (\d+)[^\n]*?\((\d+(?:\.\d+)?) points?\)(.*?)(?=^## |\Z)", re.M | re.S)
ROW = re.compile(r"^\|([^|\n]+)\| *(\d+(?:\.\d+)?) *\|$", re.M)


@dataclass(frozen=True)
class Rubric:
    """What an answer in words is marked by.

    Attributes:
        points: of the whole answer.
        rows: what a reader looks for, and the points for it.
    """

    points: float
    rows: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class TestSuite:
    """All that an assignment is graded by.

    Attributes:
        name: of the assignment.
        title: as its notebook has it.
        cases: number of a question -> its hidden test cases.
        written: number of a question that is answered in words -> what it is marked by.
        digest: changes when the cases do.
        template: the notebook that students get.
    """

    __test__ = False  # of no interest to pytest

    name: str
    title: str
    cases: dict[int, tuple[Case, ...]]
    written: dict[int, Rubric] = field(default_factory=dict)
    digest: str = ""
    template: Notebook = field(default_factory=lambda: Notebook(()))


@functools.cache
def load(name: str) -> TestSuite:
    """The tests of an assignment.

    Raises:
        FileNotFoundError: its notebook has not been made.
    """
    folder = EXERCISES / name
    files = sorted(folder.glob("hidden*.py"))
    cases: dict[int, tuple[Case, ...]] = {}
    for file in files:
        for value in vars(importlib.import_module(f"exercises.{name}.{file.stem}")).values():
            if isinstance(value, Case):
                cases[value.question] = (*cases.get(value.question, ()), value)
    student = folder / "student.ipynb"
    if not student.exists():
        raise FileNotFoundError(f"there is no {student}; `make exercises` makes it")
    template = read(student.read_bytes())
    text, answered = template.words, in_words.asked(template)
    written = {
        n: Rubric(
            # a question's points are those of its cases and those of its words
            float(points) - sum(case.points for case in cases.get(n, ())),
            tuple((what.strip(), float(each)) for what, each in ROW.findall(body)),
        )
        for n, points, body in ((int(n), points, body) for n, points, body in QUESTION.findall(text))
        if n in answered
    }
    parts = b"".join(f.name.encode() + b"\0" + f.read_bytes() for f in (EXERCISES / "draw.py", *files))
    digest = hashlib.sha256(parts).hexdigest()
    return TestSuite(name, TITLE.search(text)[1], dict(sorted(cases.items())), written, digest, template)
