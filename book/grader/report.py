"""What comes of a grading: a table for the register, a page for each student, a summary for the instructor."""

import statistics
from collections import Counter
from pathlib import Path

import jinja2

import marks
from marking import Bundle
from marks import number, table, write_text
from session import BLANK
from srcnn.checks import ASSIGNMENTS

TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).resolve().parent / "templates"),
    autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined,
)  # fmt: skip


TEMPLATES.filters["number"] = number


def write(out: Path, results: list[dict], tests: Bundle, facts: dict[str, str]) -> None:
    """Write ``grades.csv``, ``feedback/``, ``summary.html``, and ``marks.csv`` where answers are marked by hand.

    Args:
        out: the folder.
        results: of all submissions, as :func:`marking.grade` gives them.
        tests: of the assignment.
        facts: what the summary says of the run.
    """
    results = sorted(results, key=lambda result: (result["student"].casefold(), result["key"]))
    marks.add(out / "marks.csv", results, tests)
    titles = {number: f"Question {number}" for number in {*tests.files, *tests.written}}
    for number_, question in ASSIGNMENTS[tests.name].items():
        if number_ in titles:
            titles[number_] += f", {question.name}"
    page = TEMPLATES.get_template("feedback.html")
    (out / "feedback").mkdir(exist_ok=True)
    for result in results:
        write_text(out / "feedback" / f"{result['key']}.html", page.render(r=result, titles=titles, title=tests.title))
    write_text(out / "grades.csv", _table(results, tests))
    told = TEMPLATES.get_template("summary.html").render(
        results=results, titles=titles, title=tests.title, facts=facts, **_statistics(results, tests)
    )
    write_text(out / "summary.html", told)


def _table(results: list[dict], tests: Bundle) -> str:
    head = ["student", "file", "status", "total", "possible"]
    head += [f"question_{number}" for number in tests.files] + [f"written_{number}" for number in tests.written]
    rows = [[*head, "reason", "feedback"]]
    for r in results:
        points = {question["number"]: number(question["points"]) for question in r["questions"]}
        row = [r["student"], r["file"], r["status"], number(r["total"]), number(r["possible"])]
        row += [points.get(n, "0") for n in tests.files]
        row += ["" if mark["points"] is None else number(mark["points"]) for mark in r["marks"]]
        rows.append([*row, "; ".join(reasons(r)), f"feedback/{r['key']}.html"])
    return table(rows)


def reasons(result: dict) -> list[str]:
    """All that explains a result beside the hints: why nothing was graded, what is missing, what was left out."""
    told = [result["reason"]] if result["reason"] else []
    questions: dict[str, list[str]] = {}
    for question in result["questions"]:
        if question["reason"]:
            questions.setdefault(question["reason"], []).append(str(question["number"]))
    told += [f"question {', '.join(numbers)}: {reason}" for reason, numbers in questions.items()]
    told += [f"cell {n} was left out: {why}" for n, why in result["left_out"].items()]
    return told + result["remarks"]


def _statistics(results: list[dict], tests: Bundle) -> dict:
    """What the summary shows."""
    totals = [result["total"] for result in results]
    possible = max((result["possible"] for result in results), default=0)
    bins = Counter(min(int(10 * total / possible), 9) if possible else 0 for total in totals)
    hints = Counter(
        (question["number"], hint)
        for result in results
        for question in result["questions"]
        for hint in {case["hint"] for case in question["cases"]} - {"", BLANK}
    )
    questions = []
    for n in tests.files:
        those = [q for result in results for q in result["questions"] if q["number"] == n]
        worth = sum(q["possible"] for q in those)
        questions.append({
            "number": n,
            "mean": sum(q["points"] for q in those) / worth if worth else 0,
            "full": sum(q["points"] == q["possible"] for q in those),
            "none": sum(q["points"] == 0 for q in those),
        })  # fmt: skip
    look = [
        (result, reasons(result))
        for result in results
        if result["status"] != "graded" or result["left_out"] or result["remarks"] or not result["total"]
    ]
    return {
        "bins": [bins[k] for k in range(10)],
        "tallest": max(bins.values(), default=1),
        "possible": possible,
        "mean": statistics.fmean(totals) if totals else 0,
        "median": statistics.median(totals) if totals else 0,
        "questions": questions,
        "hints": hints.most_common(15),
        "look": look,
        "unmarked": sum(mark["points"] is None for result in results for mark in result["marks"]),
    }
