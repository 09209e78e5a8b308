"""What changes a mark after the program has counted the points: an instructor's overrides, and the rule for late work.

Both stand in tables beside the results, ``overrides.csv`` and ``late.csv``, so that grading again keeps them.
"""

from dataclasses import dataclass
from pathlib import Path

from grader import manual
from grader.results import Adjustment, Result, number
from grader.suite import TestSuite
from srcnn.files import InputError

OVERRIDES, LATE = "overrides.csv", "late.csv"
LATE_COLUMNS = ["key", "id", "submitted", "due", "percent", "of", "reason"]
TOTAL = "total"


@dataclass(frozen=True)
class Override:
    """What a person gives for a question (or for everything, where it is None), and why."""

    question: int | None
    points: float
    reason: str


def read(out: Path, suite: TestSuite) -> dict[str, list[Override]]:
    """The overrides of a folder of grades: key of the submission -> what a person gives.

    Raises:
        InputError: a row cannot be understood; the text names it.
    """
    path = out / OVERRIDES
    given: dict[str, list[Override]] = {}
    for line, row in enumerate(manual.rows_of(path), start=2):
        one = _override(f"{path}, row {line}", row, suite)
        mine = given.setdefault(row["key"].strip(), [])
        if any(other.question == one.question for other in mine):
            raise InputError(f"{path}, row {line}: {row['key']} has this question twice; keep one of the rows")
        mine.append(one)
    return given


def _override(where: str, row: dict, suite: TestSuite) -> Override:
    wanted = {str(n): sum(case.points for case in cases) for n, cases in suite.cases.items()}
    wanted[TOTAL] = sum(wanted.values()) + sum(rubric.points for rubric in suite.written.values())
    if not {"key", "question", "points", "reason"} <= {name for name in row if name}:
        raise InputError(f"{where}: the columns key, question, points and reason are wanted")
    if not (row["key"] or "").strip():
        raise InputError(f"{where}: a key is wanted, the submission's name in the folder results")
    question, reason = (row["question"] or "").strip(), (row["reason"] or "").strip()
    if question not in wanted:
        told = f"{', '.join(str(n) for n in suite.cases)} or {TOTAL}"
        raise InputError(f"{where}: {question!r} is no question; {told} is wanted (answers in words: marks.csv)")
    points = amount(where, row["points"], wanted[question])
    if not reason:
        raise InputError(f"{where}: a reason is wanted; the student reads it")
    return Override(None if question == TOTAL else int(question), points, reason)


def amount(where: str, text: str | None, most: float) -> float:
    """A number of points that somebody wrote.

    Raises:
        InputError: it is none from 0 to ``most``.
    """
    try:
        points = float((text or "").strip().replace(",", "."))
    except ValueError:
        points = -1.0
    if not 0 <= points <= most:
        raise InputError(f"{where}: points from 0 to {number(most)} are wanted, and not {text!r}")
    return points


def add(out: Path, results: list[Result], suite: TestSuite) -> None:
    """Add to each result what changes its points. The rule for late work counts after overrides of single questions.

    Args:
        out: the folder of the grades.
        results: of all submissions, with the marks of their answers in words.
        suite: the tests of the assignment.

    Raises:
        InputError: a row of the tables cannot be understood, or belongs to no submission.
    """
    overrides = read(out, suite)
    late = {row.get("key"): row for row in manual.rows_of(out / LATE)}
    for key in overrides.keys() - {result.key for result in results}:
        raise InputError(
            f"{out / OVERRIDES}: there is no submission {key}; the names in {out / 'results'} are the keys"
        )
    for result in results:
        result.adjustments = []
        mine = overrides.get(result.key, [])
        for one in sorted((one for one in mine if one.question is not None), key=lambda one: one.question):
            _change(result, one, sum(q.points for q in result.questions if q.number == one.question))
        if result.key in late:
            _lower(result, late[result.key], f"{out / LATE}, {result.key}")
        for one in mine:
            if one.question is None:
                _change(result, one, result.mark)


def _change(result: Result, one: Override, before: float) -> None:
    what = "everything" if one.question is None else f"question {one.question}"
    told = f"a person gave {number(one.points)} for {what}: {one.reason}"
    result.adjustments.append(Adjustment(one.points - before, told))


def _lower(result: Result, row: dict, where: str) -> None:
    percent = amount(where, row.get("percent"), 100)
    if percent:
        base = result.possible if row.get("of") == "possible" else result.mark
        result.adjustments.append(Adjustment(-min(result.mark, base * percent / 100), row.get("reason") or "late"))
