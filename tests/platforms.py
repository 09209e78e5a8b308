"""A class of 300 as Moodle and Canvas export it, what each student deserves, and what the platforms would import.

The two importers follow the platforms' source, and know nothing of the code under test: Moodle's
mod/assign/feedback/offline/importgradeslib.php and mod/assign/feedback/file/importziplib.php, Canvas's
lib/gradebook_importer.rb, lib/content_zipper.rb and infer_comment_context_from_filename of its assignments.
"""

import csv
import io
import json
import random
import re
import zipfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from grader import autograde, collect, suite
from grader.results import CaseResult, QuestionResult, Result

NAME = "measure"
ZONE = ZoneInfo("Europe/Berlin")
DUE = datetime(2026, 10, 24, 23, 59, tzinfo=ZONE)  # in the following night clocks are put back
POLICY = """
timezone = "Europe/Berlin"
[due]
measure = 2026-10-24T23:59:00
[late]
grace_minutes = 15
percent_a_day = 10
cap_percent = 50
closed_after_days = 14
"""
# hours after the due time -> percent that are taken away, counted by hand: 15 minutes cost nothing; days of 24 hours
# that have begun cost 10 each and 50 at most
LATENESS = {-30: 0, -0.02: 0, 0.2: 0, 0.5: 10, 23.9: 10, 24.5: 20, 47: 20, 49: 30, 71: 30, 97: 50, 200: 50}
FIRST = [
    "Jane",
    "Zoë",
    "José",
    "李",
    "Anne-Marie",
    "O'Neil",
    "Nguyễn",
    "Max",
    "Mary Ann",
    "Björn",
    "=cmd",
    "R2D2",
    "Al.",
]
LAST = ["Doe", "Müller", "García Márquez", "小龍", "van der Berg", "D'Arcy", "Smith-Jones", "Ørsted", "Łoś", "X", "7"]


@dataclass
class Student:
    """One of the class.

    Attributes:
        id: the platform's number.
        name: first and last.
        kind: of what was handed in, see :func:`a_class`.
        passed: which hidden test cases pass, by place.
        hours: after the due time.
        before: what the platform has as grade.
        attachments: Canvas's numbers of the files.
        deserves: the mark, or None where the grade must stay as it was.
    """

    id: int
    name: tuple[str, str]
    kind: str = "plain"
    passed: list[int] = field(default_factory=list)
    hours: float = -30
    before: str = ""
    attachments: list[int] = field(default_factory=list)
    deserves: float | None = None

    @property
    def submitted(self) -> datetime:
        """In Berlin; added on the clock of the world, not on that of the wall."""
        utc = ZoneInfo("UTC")
        return (DUE.astimezone(utc) + timedelta(hours=self.hours)).astimezone(ZONE)


def points(passed: list[int]) -> float:
    """Of the cases at some places."""
    cases = [case for cases in suite.load(NAME).cases.values() for case in cases]
    return sum(case.points for k, case in enumerate(cases) if k in passed)


def notebook(passed: list[int], note: str = "") -> bytes:
    """A notebook that says which cases it passes, for :func:`graded`."""
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
             for source in (f"passed = {sorted(passed)}  # {note}", "checks.measure(1, mse)")]  # fmt: skip
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}).encode()


def graded(place: Path, out: Path) -> None:
    """Results as the grader stores them, without running anything: the files say what they pass."""
    tests = suite.load(NAME)
    (out / "results").mkdir(parents=True)
    run = {"assignment": NAME, "seed": 1, "tests": tests.digest, "facts": {"seed": "1"}}
    (out / "run.json").write_text(json.dumps(run))
    for submission in collect.find(place):
        (out / "results" / f"{submission.key}.json").write_text(result_of(submission).to_json())


def result_of(submission: collect.Submission) -> Result:
    """The result that a file of :func:`notebook` asks for."""
    result = autograde.blank(submission)
    passed: list[int] = []
    try:
        cells = submission.notebook.cells
        assert "checks.measure" in cells[1]
        passed = json.loads(re.search(r"passed = (\[.*?\])", cells[0])[1])
    except (collect.Unreadable, AssertionError, IndexError) as why:
        result.status, result.reason = "not graded", str(why) or "nothing belongs to the assignment measure"
    result.questions = questions(passed)
    return result


def questions(passed: list[int]) -> list[QuestionResult]:
    """The results of all cases, of which those at some places pass."""
    made, k = [], 0
    for n, cases in suite.load(NAME).cases.items():
        made.append(QuestionResult(n, [CaseResult(c.title, c.points, k + i in passed) for i, c in enumerate(cases)]))
        k += len(cases)
    return made


def a_class(count: int, kinds: dict[str, bool], seed: int) -> list[Student]:
    """Students with every kind of name, lateness and file.

    Args:
        count: how many.
        kinds: what was handed in -> whether it can be graded.
        seed: of what is drawn.
    """
    draw = random.Random(seed)
    cases = sum(len(cases) for cases in suite.load(NAME).cases.values())
    numbers = draw.sample(range(1000, 99_999), count)
    made = []
    for k, number in enumerate(numbers):
        kind = list(kinds)[k % len(kinds)]
        name = draw.choice(FIRST), draw.choice(LAST)  # with 143 names some are there several times
        hours = list(LATENESS)[(k // len(kinds)) % len(LATENESS)]
        one = Student(number, name, kind, sorted(draw.sample(range(cases), draw.randint(0, cases))), hours)
        one.before = draw.choice(["", "", "3.00"])
        if kinds[kind]:
            one.deserves = round(points(one.passed) * (100 - LATENESS[hours]) / 100, 2)
        made.append(one)
    return made


def worksheet(students: list[Student], *, newline: str = "\n") -> str:
    """Moodle's grading worksheet."""
    head = "Identifier|Full name|ID number|Email address|Status|Grade|Maximum Grade|Grade can be changed|"
    head += "Last modified (submission)|Last modified (grade)|Feedback comments"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=newline)
    writer.writerow(head.split("|"))
    for one in students:
        when = one.submitted.strftime("%A, %d %B %Y, %I:%M %p").replace(" 0", " ")
        when = {"none": "-", "foreign time": "2026年10月5日 23:02"}.get(one.kind, when)
        change = "No" if one.kind == "locked" else "Yes"
        status = "No submission" if one.kind == "none" else "Submitted for grading - "
        row = [f"Participant {one.id}", " ".join(one.name), "", f"{one.id}@school.example", status, one.before]
        writer.writerow([*row, "20.00", change, when, "-", 'a comment, "quoted"'])
    return text.getvalue()


def moodle_imports(table: bytes, pages: bytes, known: set[int]) -> tuple[dict[int, float], dict[int, bytes]]:
    """Grades and pages that Moodle would take: participant -> grade, and participant -> the page."""
    rows = list(csv.DictReader(io.StringIO(table.decode(), newline="")))
    assert {"Identifier", "Grade", "Last modified (grade)"} <= set(rows[0])
    grades = {}
    for row in rows:
        who = row["Identifier"][len("Participant ") :]
        if who.isdigit() and int(who) in known and row["Grade"].strip():
            grades[int(who)] = float(row["Grade"])
    found = {}
    with zipfile.ZipFile(io.BytesIO(pages)) as archive:
        for entry in archive.namelist():
            for part in entry.split("/"):
                info = part.split("_", 4)
                if len(info) >= 5 and info[1].isdigit() and int(info[1]) in known and info[2].startswith("assign"):
                    assert int(info[1]) not in found
                    found[int(info[1])] = archive.read(entry)
                    break
            else:
                raise AssertionError(f"Moodle would leave out {entry}")
    return grades, found


def gradebook(students: list[Student], *, delimiter: str = ",") -> str:
    """Canvas's gradebook, with two assignments, the rows that are no student, and columns that cannot be changed."""
    head = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Essay (77)", "Measure (4711)", "Final Score"]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(head)
    writer.writerow(["", "", "", "", "", "", "Manual Posting", ""])
    writer.writerow(["    Points Possible", "", "", "", "", "10.00", "20.00", "(read only)"])
    for one in students:
        grade = {"excused": "EX", "unassigned": "N/A"}.get(one.kind, one.before)
        name = f"{one.name[1]}, {one.name[0]}"
        writer.writerow([name, one.id, f"s{one.id}", f"u{one.id}", "A and B", "7.50", grade, "80.00"])
    writer.writerow(["Student, Test", "100000", "", "f00", "A and B", "", "", ""])
    return text.getvalue()


def canvas_name(one: Student, attachment: int, file: str) -> str:
    """A file's name in Canvas's zip, as its zipper makes it."""
    name = re.sub(r"_(\d+)_", r"\1", f"{one.name[1]}, {one.name[0]}").lower()
    parts = [name, *(["LATE"] if one.hours > 0 else []), str(one.id)]
    file = re.sub(r'[\x00/\\:*?"<>|]+', "_", file)
    return f"{re.sub(r'[^_a-zA-Z0-9]', _word, '_'.join(parts))}_{attachment}_{file}"


def _word(found: re.Match) -> str:
    return found[0] if found[0].isalnum() else ""


def canvas_imports(
    table: bytes, pages: bytes, students: list[Student], *, delimiter: str = ","
) -> tuple[dict[int, str], dict[int, bytes]]:
    """Grades (or EX) and pages that Canvas would take: student -> grade, and student -> the page."""
    head, *rows = csv.reader(io.StringIO(table.decode(), newline=""), delimiter=delimiter)
    assert "Student" in head[0]
    assert "ID" in head[1]
    assert "Section" in head
    columns = [k for k in range(head.index("Section") + 1, len(head)) if not head[k].startswith(("Current", "Final"))]
    assert [head[k] for k in columns] == ["Measure (4711)"]
    known = {one.id: one for one in students}
    assert any("Points Possible" in row[0] and row[columns[0]] == "20.00" for row in rows)
    grades = {int(row[1]): row[columns[0]] for row in rows if row[1].isdigit() and int(row[1]) in known}
    found = {}
    with zipfile.ZipFile(io.BytesIO(pages)) as archive:
        for entry in archive.namelist():
            user, attachment = [part for part in entry.split("_") if re.fullmatch(r"\d+", part)][:2]
            assert int(attachment) in known[int(user)].attachments, entry
            assert int(user) not in found
            found[int(user)] = archive.read(entry)
    return grades, found
