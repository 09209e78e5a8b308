"""What comes of a grading: a table for the register, a page for each student, a summary for the instructor."""

import statistics
from collections import Counter
from pathlib import Path

import jinja2

from grader import adjust, items, manual
from grader.results import BLANK, Result, number
from grader.suite import TestSuite
from srcnn.checks import ASSIGNMENTS
from srcnn.files import write as write_file

TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).resolve().parent / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
TEMPLATES.filters["number"] = number


def write(out: Path, results: list[Result], suite: TestSuite, facts: dict[str, str]) -> None:
    """Write ``grades.csv``, ``feedback/``, ``summary.html``, the item analysis, and ``marks.csv`` for answers in words.

    Args:
        out: the folder.
        results: of all submissions.
        suite: the tests of the assignment.
        facts: what the summary says of the run.
    """
    results = sorted(results, key=lambda result: (result.student.casefold(), result.key))
    manual.add(out / "marks.csv", results, suite)
    adjust.add(out, results, suite)
    titles = {n: f"Question {n}" for n in {*suite.cases, *suite.written}}
    titles |= {n: f"{titles[n]}, {question.name}" for n, question in ASSIGNMENTS[suite.name].items() if n in titles}
    page = TEMPLATES.get_template("feedback.html")
    (out / "feedback").mkdir(exist_ok=True)
    for result in results:
        text = page.render(r=result, titles=titles, title=suite.title)
        write_file(out / "feedback" / f"{result.key}.html", text)
    write_file(out / "grades.csv", _table(results, suite))
    told = TEMPLATES.get_template("summary.html").render(
        results=results, titles=titles, title=suite.title, facts=facts, **_statistics(results, suite)
    )
    write_file(out / "summary.html", told)
    _write_items(out, results, suite)


def _write_items(out: Path, results: list[Result], suite: TestSuite) -> None:
    """Write ``items.csv``, ``mistakes.csv`` and ``items.html``, which have no names."""
    found, alpha = items.analyze(results, suite)
    slips = items.slips(results, suite)
    made: dict[tuple[int, str], list[items.Slip]] = {}
    for slip in slips:
        if slip.count:
            made.setdefault((slip.number, slip.name), []).append(slip)
    unseen = sum(slip.kind == "known" and not slip.count for slip in slips)
    count = sum(result.status == "graded" for result in results)
    page = TEMPLATES.get_template("items.html").render(
        title=suite.title, items=found, alpha=alpha, count=count, mistakes=made, unseen=unseen
    )
    write_file(out / "items.csv", items.table(found))
    write_file(out / "mistakes.csv", items.slips_table(slips))
    write_file(out / "items.html", page)


def _table(results: list[Result], suite: TestSuite) -> str:
    head = ["student", "file", "status", "total", "possible"]
    head += [f"question_{n}" for n in suite.cases] + [f"written_{n}" for n in suite.written]
    rows = [[*head, "adjusted", "reason", "feedback"]]
    for r in results:
        points = {question.number: number(question.points) for question in r.questions}
        row = [r.student, r.file, r.status, number(r.mark), number(r.possible)]
        row += [points.get(n, "0") for n in suite.cases]
        row += ["" if mark.points is None else number(mark.points) for mark in r.marks]
        adjusted = "; ".join(f"{number(a.points)} points: {a.reason}" for a in r.adjustments)
        rows.append([*row, adjusted, "; ".join(reasons(r)), f"feedback/{r.key}.html"])
    return manual.table(rows)


def reasons(result: Result) -> list[str]:
    """All that explains a result beside the hints: why nothing was graded, what is missing, what was left out."""
    told = [result.reason] if result.reason else []
    questions: dict[str, list[str]] = {}
    for question in result.questions:
        if question.reason:
            questions.setdefault(question.reason, []).append(str(question.number))
    told += [f"question {', '.join(numbers)}: {reason}" for reason, numbers in questions.items()]
    told += [f"cell {n} was left out: {why}" for n, why in result.left_out.items()]
    told += [f"cell {n}: {why}" for n, why in result.errors.items()]
    return told + result.remarks + result.notes


def _statistics(results: list[Result], suite: TestSuite) -> dict:
    """What the summary shows."""
    totals = [result.mark for result in results]
    possible = max((result.possible for result in results), default=0)
    bins = Counter(min(int(10 * total / possible), 9) if possible else 0 for total in totals)
    hints = Counter(
        (question.number, hint)
        for result in results
        for question in result.questions
        for hint in {case.hint for case in question.cases} - {"", BLANK}
    )
    questions = []
    for n in suite.cases:
        those = [question for result in results for question in result.questions if question.number == n]
        worth = sum(question.possible for question in those)
        questions.append({
            "number": n,
            "mean": sum(question.points for question in those) / worth if worth else 0,
            "full": sum(question.points == question.possible for question in those),
            "none": sum(question.points == 0 for question in those),
        })  # fmt: skip
    look = [(result, reasons(result)) for result in results if result.unclear]
    return {
        "bins": [bins[k] for k in range(10)],
        "tallest": max(bins.values(), default=1),
        "possible": possible,
        "mean": statistics.fmean(totals) if totals else 0,
        "median": statistics.median(totals) if totals else 0,
        "questions": questions,
        "hints": hints.most_common(15),
        "look": look,
        "unmarked": sum(mark.points is None for result in results for mark in result.marks),
    }
