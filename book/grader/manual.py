"""Marks that are given by hand, in a table beside the results; and how tables are written."""

import csv
import io
from pathlib import Path

from grader.results import Mark, Result, number
from grader.suite import TestSuite
from srcnn.files import InputError, write

COLUMNS = ["key", "student", "question", "words", "answer", "points", "remark"]


class Unmarked(InputError):
    """The table of marks cannot be used; the text names the row."""


def add(path: Path, results: list[Result], suite: TestSuite) -> None:
    """Add to each result the marks of its answers in words, and to the table a row for each answer that has none.

    Args:
        path: of the table.
        results: of all submissions.
        suite: the tests of the assignment.

    Raises:
        Unmarked: there is a row that cannot be understood.
    """
    if not suite.written:
        return
    rows = rows_of(path)
    given = read(path, suite)
    for result in results:
        result.marks = []
        for question, rubric in suite.written.items():
            answer = result.written.get(question, "")
            points, remark = given.get((result.key, question), (None, ""))
            mark = Mark(question, answer, points, rubric.points, remark, rubric.rows)
            if (result.key, question) not in given:
                row = [result.key, result.student, question, mark.words, answer, "", ""]
                rows.append(dict(zip(COLUMNS, row, strict=True)))
            result.marks.append(mark)
    kept = [["" if row.get(column) is None else row[column] for column in COLUMNS] for row in rows]
    write(path, table([COLUMNS, *kept]))


def read(path: Path, suite: TestSuite) -> dict[tuple[str, int], tuple[float | None, str]]:
    """The marks that a table has: key of the submission and number of the question -> points and remark.

    Raises:
        Unmarked: there is a row that cannot be understood.
    """
    return dict(_mark(path, line, row, suite) for line, row in enumerate(rows_of(path), start=2))


def rows_of(path: Path) -> list[dict]:
    """The rows of a table, as any spreadsheet may have stored them; none where there is no table.

    Raises:
        Unmarked: it is no table; a quotation mark is missing, say.
    """
    if not path.exists():
        return []
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    head = text.split("\n", 1)[0]
    try:
        return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count)))
    except csv.Error as error:
        raise Unmarked(f"{path} is no table that can be read ({error}); a quotation mark may be missing") from None


def _mark(path: Path, line: int, row: dict, suite: TestSuite) -> tuple[tuple[str, int], tuple[float | None, str]]:
    try:
        question, given = int(row["question"]), row["points"].strip().replace(",", ".")
        points = float(given) if given else None
        if points is not None and not 0 <= points <= suite.written[question].points:
            raise ValueError
        return (row["key"], question), (points, row.get("remark") or "")
    except (KeyError, ValueError, AttributeError, TypeError):
        most = ", ".join(f"{number(rubric.points)} for question {n}" for n, rubric in suite.written.items())
        raise Unmarked(
            f"{path}, row {line}: columns key, question and points are wanted, and points from 0 to {most}"
        ) from None


def table(rows: list[list]) -> str:
    """Rows as CSV, with nothing in it that a spreadsheet takes for a formula."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
