"""What comes of a grading: a table for the register, a page for each student, a summary for the instructor."""

import csv
import io
import statistics
from collections import Counter
from pathlib import Path

import jinja2
from marking import Bundle

from srcnn.checks import ASSIGNMENTS
from srcnn.files import atomic

TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).resolve().parent / "templates"),
    autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined,
)  # fmt: skip
MARKS = ["key", "student", "question", "answer", "points", "remark"]


class Unmarked(ValueError):
    """The file of marks cannot be used; the text names the line."""


def number(value: float) -> str:
    """Points as people write them: 3, 2.5."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


TEMPLATES.filters["number"] = number


def write(out: Path, results: list[dict], tests: Bundle, facts: dict[str, str]) -> None:
    """Write ``grades.csv``, ``feedback/``, ``summary.html``, and ``marks.csv`` where answers are marked by hand.

    Args:
        out: the folder.
        results: of all submissions, as :func:`marking.grade` gives them.
        tests: of the assignment.
        facts: what the summary says of the run.
    """
    results = sorted(
        results, key=lambda result: (result["student"].casefold(), result["key"])
    )
    marks = _marks(out / "marks.csv", results, tests)
    for result in results:
        _add_marks(result, marks, tests)
    titles = {number: f"Question {number}" for number in {*tests.files, *tests.written}}
    for number_, question in ASSIGNMENTS[tests.name].items():
        if number_ in titles:
            titles[number_] += f", {question.name}"
    page = TEMPLATES.get_template("feedback.html")
    (out / "feedback").mkdir(exist_ok=True)
    for result in results:
        _text(
            out / "feedback" / f"{result['key']}.html",
            page.render(r=result, titles=titles, assignment=tests.name),
        )
    _text(out / "grades.csv", _table(results, tests))
    told = TEMPLATES.get_template("summary.html").render(
        results=results,
        titles=titles,
        assignment=tests.name,
        facts=facts,
        **_statistics(results, tests),
    )
    _text(out / "summary.html", told)


def _text(path: Path, text: str) -> None:
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _cell(value: object) -> object:
    """A value that a spreadsheet does not take for a formula."""
    return (
        f"'{value}"
        if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
        else value
    )


def _csv(rows: list[list]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [_cell(value) for value in row] for row in rows
    )
    return text.getvalue()


def _table(results: list[dict], tests: Bundle) -> str:
    head = ["student", "file", "status", "total", "possible"]
    head += [f"question_{number}" for number in tests.files] + [
        f"written_{number}" for number in tests.written
    ]
    rows = [[*head, "reason", "feedback"]]
    for r in results:
        points = {
            question["number"]: number(question["points"]) for question in r["questions"]
        }
        row = [
            r["student"],
            r["file"],
            r["status"],
            number(r["total"]),
            number(r["possible"]),
        ]
        row += [points.get(n, "0") for n in tests.files]
        row += [
            "" if mark["points"] is None else number(mark["points"]) for mark in r["marks"]
        ]
        rows.append([*row, "; ".join(reasons(r)), f"feedback/{r['key']}.html"])
    return _csv(rows)


def reasons(result: dict) -> list[str]:
    """All that explains a result beside the hints: why nothing was graded, what is missing, what was left out."""
    told = [result["reason"]] if result["reason"] else []
    told += [
        f"question {q['number']}: {q['reason']}" for q in result["questions"] if q["reason"]
    ]
    told += [f"cell {n} was left out: {why}" for n, why in result["left_out"].items()]
    return told + result["remarks"]


def _marks(path: Path, results: list[dict], tests: Bundle) -> dict[tuple[str, int], dict]:
    """The marks that were given by hand, and a row in their file for each answer that has none yet."""
    if not tests.written:
        return {}
    rows = []
    if path.exists():
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    marks = {}
    for line, row in enumerate(rows, start=2):
        try:
            question, given = int(row["question"]), row["points"].strip().replace(",", ".")
            points = float(given) if given else None
            if points is not None and not 0 <= points <= tests.written[question]:
                raise ValueError
        except (KeyError, ValueError, AttributeError, TypeError):
            raise Unmarked(
                f"{path}, row {line}: columns key, question and points are wanted, and points from 0 to "
                + ", ".join(
                    f"{number(most)} for question {n}" for n, most in tests.written.items()
                )
            ) from None
        marks[row["key"], question] = {"points": points, "remark": row.get("remark") or ""}
    known = set(marks)
    for result in results:
        for question in tests.written:
            if (result["key"], question) not in known:
                answer = result["written"].get(str(question), "")
                rows.append(
                    dict(
                        zip(
                            MARKS,
                            [result["key"], result["student"], question, answer, "", ""],
                            strict=True,
                        )
                    )
                )
    _text(
        path, _csv([MARKS, *[[row.get(column) or "" for column in MARKS] for row in rows]])
    )
    return marks


def _add_marks(result: dict, marks: dict, tests: Bundle) -> None:
    result["marks"] = []
    for question, possible in tests.written.items():
        answer = result["written"].get(str(question), "")
        mark = marks.get((result["key"], question), {"points": None, "remark": ""})
        result["marks"].append(
            {"number": question, "possible": possible, "answer": answer, **mark}
        )
        result["total"] += mark["points"] or 0
        result["possible"] += possible


def _statistics(results: list[dict], tests: Bundle) -> dict:
    """What the summary shows."""
    totals = [result["total"] for result in results]
    possible = max((result["possible"] for result in results), default=0)
    bins = Counter(
        min(int(10 * total / possible), 9) if possible else 0 for total in totals
    )
    hints = Counter(
        (question["number"], hint)
        for result in results
        for question in result["questions"]
        for hint in {case["hint"] for case in question["cases"] if case["hint"]}
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
        if result["status"] != "graded"
        or result["left_out"]
        or result["remarks"]
        or not result["total"]
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
        "unmarked": sum(
            mark["points"] is None for result in results for mark in result["marks"]
        ),
    }
