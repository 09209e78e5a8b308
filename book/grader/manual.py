"""Marks that are given by hand, in a table beside the results; and how tables are written."""

import csv
import io
from pathlib import Path

from marking import Bundle
from srcnn.files import atomic

COLUMNS = ["key", "student", "question", "words", "answer", "points", "remark"]


class Unmarked(ValueError):
    """The table of marks cannot be used; the text names the row."""


def add(path: Path, results: list[dict], tests: Bundle) -> None:
    """Add to each result the marks of its answers in words, and to the table a row for each answer that has none.

    Args:
        path: of the table.
        results: as :func:`marking.grade` gives them.
        tests: of the assignment.

    Raises:
        Unmarked: there is a row that cannot be understood.
    """
    for result in results:
        result["marks"] = []
    if not tests.written:
        return
    rows = _read(path) if path.exists() else []
    given = dict(_mark(path, line, row, tests) for line, row in enumerate(rows, start=2))
    for result in results:
        for question, rubric in tests.written.items():
            answer = result["written"].get(str(question), "")
            words = len(answer.split())
            row = [result["key"], result["student"], question, words, answer, "", ""]
            if (result["key"], question) not in given:
                rows.append(dict(zip(COLUMNS, row, strict=True)))
            points, remark = given.get((result["key"], question), (None, ""))
            mark = {"number": question, "answer": answer, "words": words, "points": points, "remark": remark}
            result["marks"].append({**mark, "possible": rubric.points, "rows": rubric.rows})
            result["total"] += points or 0
            result["possible"] += rubric.points
    kept = [["" if row.get(column) is None else row[column] for column in COLUMNS] for row in rows]
    write_text(path, table([COLUMNS, *kept]))


def _read(path: Path) -> list[dict]:
    """The rows, as any spreadsheet may have stored them."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    head = text.split("\n", 1)[0]
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count)))


def _mark(path: Path, line: int, row: dict, tests: Bundle) -> tuple[tuple[str, int], tuple[float | None, str]]:
    try:
        question, given = int(row["question"]), row["points"].strip().replace(",", ".")
        points = float(given) if given else None
        if points is not None and not 0 <= points <= tests.written[question].points:
            raise ValueError
        return (row["key"], question), (points, row.get("remark") or "")
    except (KeyError, ValueError, AttributeError, TypeError):
        most = ", ".join(f"{number(rubric.points)} for question {n}" for n, rubric in tests.written.items())
        raise Unmarked(
            f"{path}, row {line}: columns key, question and points are wanted, and points from 0 to {most}"
        ) from None


def number(value: float) -> str:
    """Points as people write them: 3, 2.5."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def table(rows: list[list]) -> str:
    """Rows as CSV, with nothing in it that a spreadsheet takes for a formula."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
