"""What comes of grading one submission, as it is stored and as the tables and pages read it."""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

BLANK = "not answered yet"


@dataclass
class CaseResult:
    """One hidden test case: its title and points, whether it passed, and what the student is told if not."""

    name: str
    possible: float
    passed: bool = False
    hint: str = ""

    @property
    def points(self) -> float:
        """All that are possible, or none."""
        return self.possible if self.passed else 0


@dataclass
class QuestionResult:
    """The cases of one question, and the reason where one and the same explains them all."""

    number: int
    cases: list[CaseResult]
    reason: str = ""

    @property
    def points(self) -> float:
        """Of all its cases."""
        return sum(case.points for case in self.cases)

    @property
    def possible(self) -> float:
        """The points of all its cases, passed or not."""
        return sum(case.possible for case in self.cases)


@dataclass
class Mark:
    """An answer in words, what a reader gave for it (None: not yet), and what it is marked by."""

    number: int
    answer: str
    points: float | None
    possible: float
    remark: str = ""
    rows: tuple[tuple[str, float], ...] = ()

    @property
    def words(self) -> int:
        """How many words the answer has."""
        return len(self.answer.split())


@dataclass(frozen=True)
class Adjustment:
    """What a person, or the rule for late work, adds to the points (below 0: takes away), and the reason."""

    points: float
    reason: str


@dataclass
class Result:
    """One submission's result.

    Attributes:
        student, key, file, digest: of the submission.
        status: ``graded``, ``not graded`` (with the reason) or ``failed``, the grader's own fault: it is tried again.
        reason: why it was not graded.
        remarks: what else the instructor should know, whatever the points are.
        notes: how it was read and graded, which matters where points are missing.
        questions: their cases.
        errors: number of a cell, counted from 1 -> what it stopped with.
        left_out: number of a cell -> why it was not run.
        written: number of a question -> the answer in words.
        seconds: that the grading took.
        protection: how the submission was kept in.
        marks: of the answers in words; they are stored in a table of their own.
        adjustments: of the points, by a person or for lateness; they are in tables of their own too.
    """

    student: str
    key: str
    file: str
    digest: str
    status: str = "graded"
    reason: str = ""
    remarks: list[str] = field(default_factory=list)
    questions: list[QuestionResult] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)
    left_out: dict[int, str] = field(default_factory=dict)
    written: dict[int, str] = field(default_factory=dict)
    seconds: float = 0
    protection: str = ""
    notes: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    adjustments: list[Adjustment] = field(default_factory=list)

    @property
    def points(self) -> float:
        """Of everything that has been graded or marked."""
        return sum(part.points or 0 for part in (*self.questions, *self.marks))

    @property
    def possible(self) -> float:
        """The points of everything, marked yet or not."""
        return sum(part.possible for part in (*self.questions, *self.marks))

    @property
    def mark(self) -> float:
        """What counts: the points with all adjustments, and never less than 0."""
        return max(0.0, self.points + sum(adjustment.points for adjustment in self.adjustments))

    @property
    def unclear(self) -> bool:
        """Whether a person should look at it: points may be missing for a reason that is not the student's."""
        missing = any(q.reason not in ("", BLANK) and not any(case.hint for case in q.cases) for q in self.questions)
        lost = any(q.points < q.possible for q in self.questions)
        odd = self.status != "graded" or self.left_out or self.remarks or missing or not self.points
        return bool(odd or (lost and (self.errors or self.notes)))

    def to_json(self) -> str:
        """The result as text, without what people give: marks and adjustments lie elsewhere."""
        return json.dumps(dataclasses.asdict(dataclasses.replace(self, marks=[], adjustments=[])), indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Result":
        """The result that :meth:`to_json` wrote."""
        stored = json.loads(text)
        for question in stored["questions"]:
            question["cases"] = [CaseResult(**case) for case in question["cases"]]
        stored["questions"] = [QuestionResult(**question) for question in stored["questions"]]
        for name in ("errors", "left_out", "written"):  # JSON has no numbers for keys
            stored[name] = {int(number): text for number, text in stored[name].items()}
        return cls(**stored)


def stored(out: Path) -> Iterator[Result]:
    """All results in a folder of grades, sorted by key."""
    for path in sorted((out / "results").glob("*.json")):
        yield Result.from_json(path.read_text(encoding="utf-8"))


def number(value: float) -> str:
    """Points as people write them: 3, 2.5."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
