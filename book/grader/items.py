"""Item analysis: how hard each question was, whether it tells strong students from weak, which mistakes were made.

The tables have no names and no words of a student, so that they can be kept and shared when the grades are deleted.
"""

import re
import statistics
from collections import Counter
from dataclasses import dataclass

from grader import manual
from grader.results import BLANK, QuestionResult, Result
from grader.session import clean
from grader.suite import TestSuite
from srcnn.checks import ASSIGNMENTS

FEWEST = 10  # submissions; with fewer a correlation says next to nothing
EASY, HARD, WEAK = 0.9, 0.3, 0.2  # the customary limits of difficulty and discrimination
UNANSWERED, STOPPED, OTHER = "no answer", "it stops with an error", "another mistake"


@dataclass(frozen=True)
class Item:
    """A question, answered by functions or in words, over all submissions that were graded.

    Attributes:
        number: of the question.
        name: what it asks for, or ``in words``.
        possible: points.
        count: submissions.
        difficulty: mean share of the points, from 0 (nobody has any) to 1; the field calls it so, though 1 is easiest.
        spread: standard deviation of that share.
        full: how many have all points.
        none: how many have none.
        discrimination: corrected item-total correlation (corrected point-biserial where there are only all points or
            none): Pearson's, of the points of this question with those of all others. None where it is not defined.
        notes: what an instructor may want to look at.
    """

    number: int
    name: str
    possible: float
    count: int
    difficulty: float
    spread: float
    full: int
    none: int
    discrimination: float | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Slip:
    """A mistake of a question: what was told to those who made it, how many they are, and their share."""

    number: int
    name: str
    kind: str
    hint: str
    count: int
    share: float


def analyze(results: list[Result], suite: TestSuite) -> tuple[list[Item], float | None]:
    """The items, and Cronbach's alpha of the whole, or None where it is not defined.

    Only graded submissions count. An answer in words counts once all of them are marked.
    """
    columns = _columns([result for result in results if result.status == "graded"], suite)
    items = [_item(key, possible, points, columns) for key, (possible, points) in columns.items()]
    return items, _alpha([points for _, points in columns.values()])


def _columns(graded: list[Result], suite: TestSuite) -> dict[tuple[int, str], tuple[float, list[float]]]:
    """Number and name -> points that are possible, and those of each submission."""
    columns = {}
    for number, cases in suite.cases.items():
        points = [sum(q.points for q in result.questions if q.number == number) for result in graded]
        columns[number, ASSIGNMENTS[suite.name][number].name] = sum(case.points for case in cases), points
    for number, rubric in suite.written.items():
        marks = [mark.points for result in graded for mark in result.marks if mark.number == number]
        if len(marks) == len(graded) and None not in marks:
            columns[number, "in words"] = rubric.points, marks
    return columns


def _item(key: tuple[int, str], possible: float, points: list[float], columns: dict) -> Item:
    others = [values for other, (_, values) in columns.items() if other != key]
    rest = [sum(values[k] for values in others) for k in range(len(points))]
    shares = [value / possible for value in points] if possible else [0.0] * len(points)
    mean = statistics.fmean(shares) if shares else 0.0
    related = correlation(points, rest)
    return Item(
        *key,
        possible=possible,
        count=len(points),
        difficulty=mean,
        spread=statistics.stdev(shares) if len(shares) > 1 else 0.0,
        full=sum(value == possible for value in points),
        none=sum(value == 0 for value in points),
        discrimination=related,
        notes=tuple(_notes(mean, related, len(points))),
    )


def _notes(mean: float, related: float | None, count: int) -> list[str]:
    if count < FEWEST:
        return [f"fewer than {FEWEST} submissions: too few to judge a question by"]
    notes = []
    if related is None:
        notes.append("everybody has the same points, here or elsewhere: it tells nobody apart")
    elif related < 0:
        notes.append("those who are better elsewhere are worse here: is its key right, and its text clear?")
    elif related < WEAK:
        notes.append("it hardly tells strong from weak")
    if mean > EASY:
        notes.append("nearly everybody solves it")
    if mean < HARD:
        notes.append("few solve it")
    return notes


def correlation(x: list[float], y: list[float]) -> float | None:
    """Pearson's correlation, or None where one of the two does not vary."""
    try:
        return statistics.correlation(x, y)
    except statistics.StatisticsError:
        return None


def _alpha(columns: list[list[float]]) -> float | None:
    """Cronbach's alpha: k / (k - 1) times what is left of 1 without the items' own share of the total's variance."""
    totals = [sum(row) for row in zip(*columns, strict=True)]
    if len(columns) < 2 or len(totals) < 2 or not (whole := statistics.variance(totals)):
        return None
    own = sum(statistics.variance(values) for values in columns)
    return len(columns) / (len(columns) - 1) * (1 - own / whole)


def slips(results: list[Result], suite: TestSuite) -> list[Slip]:
    """How often each known mistake was made, those that nobody made too, and how often something else went wrong.

    A student counts once for a question and a mistake, however many test cases show it.
    """
    graded = [result for result in results if result.status == "graded"]
    found = []
    for number in suite.cases:
        question = ASSIGNMENTS[suite.name][number]
        hints = dict.fromkeys(clean(mistake.hint) for mistake in question.mistakes)
        known = {_shape(hint): hint for hint in hints} | {hint: hint for hint in hints}
        counts: Counter[str] = Counter()
        for result in graded:
            counts.update({told for q in result.questions if q.number == number for told in _told(q, known)})
        rows = [("known", hint) for hint in hints] + [("other", hint) for hint in (UNANSWERED, STOPPED, OTHER)]
        found += [
            Slip(number, question.name, kind, hint, counts[hint], counts[hint] / len(graded) if graded else 0.0)
            for kind, hint in rows
        ]
    return found


def _told(question: QuestionResult, known: dict[str, str]) -> set[str]:
    hints = {case.hint or question.reason or BLANK for case in question.cases if not case.passed}
    return {known.get(hint) or known.get(_shape(hint)) or _kind(hint) for hint in hints}


def _shape(hint: str) -> str:
    """A hint without its numbers, which differ from variant to variant."""
    return re.sub(r"\d+(\.\d+)?", "#", hint)


def _kind(hint: str) -> str:
    """What sort of mistake it is; the words themselves may be a student's own, of an error's text."""
    if hint.startswith("it stops with"):
        return STOPPED
    missing = ("is not in the notebook", "is not there", "was deleted again", "has not been written", BLANK)
    return UNANSWERED if any(words in hint for words in missing) else OTHER


def table(items: list[Item]) -> str:
    """The items as CSV."""
    head = ["question", "name", "possible", "submissions", "difficulty", "standard_deviation", "full", "none",
            "discrimination", "notes"]  # fmt: skip
    rows = [
        [i.number, i.name, i.possible, i.count, round(i.difficulty, 3), round(i.spread, 3), i.full, i.none,
         "" if i.discrimination is None else round(i.discrimination, 3), "; ".join(i.notes)]
        for i in items
    ]  # fmt: skip
    return manual.table([head, *rows])


def slips_table(found: list[Slip]) -> str:
    """The mistakes as CSV."""
    head = ["question", "name", "kind", "mistake", "submissions", "share"]
    rows = [[s.number, s.name, s.kind, s.hint, s.count, round(s.share, 3)] for s in found]
    return manual.table([head, *rows])
