"""An invented class of five, as Moodle and Canvas export it, to try everything before the term.

    make rehearsal OUT=folder

or ``PYTHONPATH=book python -m grader.rehearsal folder``. It writes moodle.zip and worksheet.csv, canvas.zip,
gradebook.csv and times.csv, and term.toml. One of the five has everything right, one the same a day late, one lacks two
answers, one file broke off, and one handed in nothing.
"""

import json
import shutil
import sys
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

from grader import manual
from grader.suite import EXERCISES
from grader.words import Parser
from srcnn.files import InputError

ASSIGNMENT = "measure"
DUE = datetime(2026, 10, 9, 23, 59)
LACKS = ("def enlarge_row(", "def score(")  # the last two questions
TERM = f"""timezone = "Europe/Berlin"     # of every time below, and of the person who downloads the worksheet

[due]
{ASSIGNMENT} = {DUE.isoformat()}

[late]
grace_minutes = 15            # at no cost
percent_a_day = 10            # for each day that has begun
cap_percent = 50              # and never more
of = "earned"                 # percent of the points earned; "possible": of those that can be had
closed_after_days = 14        # later work is shown to you, and gets no mark by itself

[[extension]]
student = 105                 # the platform's number, as in the worksheet or the gradebook
assignment = "{ASSIGNMENT}"        # leave it away for all of them
until = 2026-10-20T23:59:00

[[accommodation]]
student = 103
extra_days = 2                # for every assignment

[keep]
until = 2027-03-31            # the last day on which personal data are kept
"""
STUDENTS = {101: "Ada", 102: "Bo", 103: "Cy", 104: "Di", 105: "Ed"}


def write(folder: Path) -> None:
    """Write the class.

    Args:
        folder: a new one.

    Raises:
        InputError: there is something of that name, or the solution's notebook has not been made.
    """
    solution = EXERCISES / ASSIGNMENT / "solution.ipynb"
    if folder.exists():
        raise InputError(f"{folder} is there already; give OUT= another name, or remove it")
    if not solution.exists():
        raise InputError(f"there is no {solution}; `make exercises` makes it")
    whole = json.loads(solution.read_text(encoding="utf-8"))
    partly = {**whole, "cells": [cell for cell in whole["cells"] if not _lacks(cell)]}
    text = json.dumps(whole)
    handed = {101: text, 102: text, 103: json.dumps(partly), 104: text[: len(text) // 2]}
    try:
        folder.mkdir(parents=True)
        _moodle(folder, handed)
        _canvas(folder, handed)
        (folder / "term.toml").write_text(TERM, encoding="utf-8")
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _lacks(cell: dict) -> bool:
    return "".join(cell["source"]).startswith(LACKS)


def _handed_in(number: int) -> datetime:
    return DUE + timedelta(hours=26 if number == 102 else -3)


def _moodle(folder: Path, handed: dict[int, str]) -> None:
    with zipfile.ZipFile(folder / "moodle.zip", "w") as archive:
        for number, text in handed.items():
            archive.writestr(f"{STUDENTS[number]} Example_{number}_assignsubmission_file_/{ASSIGNMENT}.ipynb", text)
    head = ["Identifier", "Full name", "Email address", "Status", "Grade", "Maximum Grade", "Grade can be changed"]
    rows = [[*head, "Last modified (submission)", "Last modified (grade)", "Feedback comments"]]
    for number, name in STUDENTS.items():
        when = _handed_in(number).strftime("%A, %d %B %Y, %I:%M %p") if number in handed else "-"
        state = "Submitted for grading - Not graded" if number in handed else "No submission - Not graded"
        row = [f"Participant {number}", f"{name} Example", f"{name.lower()}@school.example", state, "", "20.00", "Yes"]
        rows.append([*row, when, "-", ""])
    # the platform's own table, in which a dash is a dash
    (folder / "worksheet.csv").write_text(manual.table(rows).replace("'-", "-"), encoding="utf-8")


def _canvas(folder: Path, handed: dict[int, str]) -> None:
    with zipfile.ZipFile(folder / "canvas.zip", "w") as archive:
        for number, text in handed.items():
            late = "_LATE" if _handed_in(number) > DUE else ""
            archive.writestr(
                f"example{STUDENTS[number].lower()}{late}_{number}_{number + 7000}_{ASSIGNMENT}.ipynb", text
            )
    rows = [
        ["Student", "ID", "SIS Login ID", "Section", "Measure (4711)"],
        ["    Points Possible", "", "", "", "20.00"],
    ]
    rows += [[f"Example, {name}", number, name.lower(), "A", ""] for number, name in STUDENTS.items()]
    (folder / "gradebook.csv").write_text(manual.table(rows), encoding="utf-8")
    times = [["id", "submitted"], *([number, _handed_in(number).isoformat()] for number in handed)]
    (folder / "times.csv").write_text(manual.table(times), encoding="utf-8")


def main(words: list[str] | None = None) -> int:
    """Write the class, and return the exit status."""
    parser = Parser("grader.rehearsal", __doc__.partition("\n\n")[0], "OUT")
    parser.add_argument("out", type=Path, help="a new folder")
    try:
        options = parser.parse_args(words)
        write(options.out)
    except (InputError, OSError) as problem:
        print(f"rehearsal: {problem}", file=sys.stderr)
        return 2
    print(f"an invented class: {', '.join(sorted(path.name for path in options.out.iterdir()))} in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
