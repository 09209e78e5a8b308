"""Moodle's assignment activity: its submissions, its grading worksheet and its feedback files.

As Moodle's source has it (mod/assign): a folder, or a file, is called ``Full name_ID_assignsubmission_file``, with or
without ``_`` at the end (feedback/file/importziplib.php). The worksheet has ``Participant ID`` in the column Identifier
(gradingtable.php), and only Identifier, Grade, Last modified (grade) and the feedback's text are looked at when it
comes back (feedback/offline/importgradeslib.php).
"""

import re
from datetime import datetime

from grader.platforms.export import Export, Place, decimal, parsed

NAME = "Moodle"
WORKSHEET = "the grading worksheet is wanted, in English (Assignment, Submissions, Actions, Download grading worksheet)"
PART = re.compile(r"(?P<who>[^_/]*)_(?P<id>\d+)_(?:assignsubmission_)?(?:file|onlinetext)(?:_.*)?", re.I | re.S)
# as Moodle's strings for dates have it in English, with 12 and with 24 hours
FORMATS = (
    "%A, %d %B %Y, %I:%M %p", "%A, %d %B %Y, %H:%M", "%A, %d %B %Y, %I:%M:%S %p", "%A, %d %B %Y, %H:%M:%S",
    "%d/%m/%y, %H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S",
)  # fmt: skip


def ids(file: str) -> list[str]:
    """The participant's number in a submission's path: the outermost, for what is inside may be a student's making."""
    return [str(int(found["id"])) for part in file.split("/") if (found := PART.fullmatch(part))][:1]


def confirms(file: str, place: Place) -> bool:
    """Whether more than the number says that a submission is a student's; Moodle's own part leaves no doubt."""
    return False


def newest(file: str) -> int:
    """Which of several files of a student is the newest; Moodle has one folder for each student."""
    return 0


def places(export: Export, column: str | None = None) -> tuple[list[Place], int]:
    """The students of a grading worksheet, and where the grade goes.

    Args:
        export: the worksheet.
        column: name of the grade's column, where it is not Grade.

    Raises:
        InputError: it is no grading worksheet.
    """
    identifier = export.column("Identifier", WORKSHEET)
    grade = export.column(column or "Grade", WORKSHEET)
    export.column("Last modified (grade)", WORKSHEET)  # without it Moodle takes nothing
    export.column("Maximum Grade", f"{WORKSHEET}; where a scale is used instead, set the assignment to points")
    found = []
    for k, row in enumerate(export.rows):
        number = re.fullmatch(r"\s*\D*?(\d{1,18})\s*", row[identifier])
        if not number:
            continue
        cells = dict(zip(export.head, row, strict=True))
        locked = "Moodle says that its grade cannot be changed" if cells.get("Grade can be changed") == "No" else ""
        time = cells.get("Last modified (submission)", "").strip()
        most = decimal(cells.get("Maximum Grade", ""))
        found.append(Place(str(int(number[1])), k, row[grade], most, locked, "" if time == "-" else time))
    return found, grade


def time(text: str) -> datetime | None:
    """When a submission came, as the worksheet has it, in the downloader's zone; None: unreadable."""
    return parsed(text, FORMATS)


def kept(export: Export, grade: int) -> list[int]:
    """The columns that go back: all of them."""
    return list(range(len(export.head)))


def feedback(file: str, number: str) -> str:
    """The path of a student's page in the zip that Moodle's *Upload multiple feedback files in a zip* takes.

    Versions before 4.1 want ``_`` at the folder's end, and later ones take it.
    """
    who = next(found["who"] for part in file.split("/") if (found := PART.fullmatch(part)))
    return f"{who or 'Participant'}_{number}_assignsubmission_file_/feedback.html"
