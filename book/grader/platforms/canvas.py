"""Canvas: its submissions, its gradebook and its feedback files.

As Canvas's source has it: a file is called ``name_LATE_USER_ATTACHMENT_file`` (lib/content_zipper.rb; ``LATE`` only
where it is late, and ``anon_...`` instead of name and USER where grading is anonymous). A file that comes back belongs
to the first two parts that are numbers, and the attachment has to be one of the student's
(infer_comment_context_from_filename of the assignment's model). The gradebook is read by its column ID, and each column
of an assignment that it has is taken (lib/gradebook_importer.rb).
"""

import re
from datetime import datetime

from grader.platforms.export import Export, Place, decimal, parsed
from srcnn.files import InputError

NAME = "Canvas"
GRADEBOOK = "Canvas's gradebook is wanted (Grades, Export, Export Entire Gradebook)"
IDENTITY = ("Student", "LastName", "FirstName", "ID", "SIS User ID", "SIS Login ID", "Integration ID", "Root Account",
            "Section")  # fmt: skip
POSSIBLE = "Points Possible"
ENTRY = re.compile(r"(?!anon_)[^_]+(?:_LATE)?_([0-9]+)_(?:text|link)\.html")  # written in Canvas itself: no attachment


def _numbers(part: str) -> tuple[str, str] | None:
    """USER and ATTACHMENT of a file's name; None where there are none, as in anonymous grading."""
    first, *rest = part.split("_")
    found = [piece for piece in rest if re.fullmatch(r"[0-9]+", piece)][:2]
    return (found[0], found[1]) if len(found) == 2 and first != "anon" and not first.isdigit() else None


def ids(file: str) -> list[str]:
    """The numbers in a submission's path that may be the student's; where two are in the class, a person looks.

    Both of a part are among them, because people may call themselves ``Doe_9999`` in Canvas; see :func:`confirms`.
    """
    found = [number for part in file.split("/") if (numbers := _numbers(part)) for number in numbers]
    return found + [entry[1] for part in file.split("/") if (entry := ENTRY.fullmatch(part))]


def confirms(file: str, place: Place) -> bool:
    """Whether the name before the number is the student's, as Canvas writes it there."""
    start = re.compile(rf"{re.escape(_plain(place.name))}(?:_LATE)?_{place.id}_")
    return any(start.match(part) for part in file.split("/"))


def _plain(name: str) -> str:
    return re.sub(r"\W", "", re.sub(r"_(\d+)_", r"\1", name).lower())


def newest(file: str) -> int:
    """Which of several files of a student is the newest: Canvas counts attachments as they come."""
    return max((int(found[1]) for part in file.split("/") if (found := _numbers(part))), default=0)


def marked_late(file: str) -> bool:
    """Whether Canvas calls a submission late."""
    return any("LATE" in part.split("_") for part in file.split("/") if _numbers(part))


def places(export: Export, column: str | None = None) -> tuple[list[Place], int]:
    """The students of a gradebook, and where the grade goes.

    Args:
        export: the gradebook.
        column: name of the assignment, with or without its number in parentheses.

    Raises:
        InputError: it is no gradebook, or it is not clear which of its columns is meant.
    """
    identifier = export.column("ID", GRADEBOOK)
    export.column("Section", GRADEBOOK)
    grade = _assignment(export, column)
    named = export.column("Student" if "Student" in export.head else "LastName", GRADEBOOK)
    possible = next((row for row in export.rows if POSSIBLE in row[named]), None)
    most = decimal(possible[grade]) if possible else None
    found = []
    for k, row in enumerate(export.rows):
        number = row[identifier].strip()
        if not number.isascii() or not number.isdigit():
            continue
        locked = {"N/A": "Canvas has not assigned it to this student", "EX": "Canvas has this student excused"}
        name = row[named] if export.head[named] == "Student" else f"{row[named]}, {row[named + 1]}"
        found.append(Place(number, k, row[grade], most, locked.get(row[grade].strip().upper(), ""), name=name))
    return found, grade


def _assignment(export: Export, column: str | None) -> int:
    titled = {k: re.fullmatch(r"(.*) \((\d+)\)", name.strip(), re.S) for k, name in enumerate(export.head)}
    titled = {k: found for k, found in titled.items() if found}
    wanted = (column or "").strip().casefold()
    places = [k for k, found in titled.items() if wanted in (found[0].casefold(), found[1].strip().casefold())]
    if len(places) == 1:
        return places[0]
    names = ", ".join(found[0] for found in titled.values()) or "none with a number in parentheses"
    what = f"{len(places)} assignments {column!r}" if column else "no name of an assignment (COLUMN=) to look for"
    raise InputError(f"{export.path}: there is {what}; its assignments are {names}")


def time(text: str) -> datetime | None:
    """Canvas's gradebook has no times."""
    return parsed(text, ())


def kept(export: Export, grade: int) -> list[int]:
    """The columns that go back: who it is, and this assignment; an old grade of another one would be taken as new."""
    return [k for k, name in enumerate(export.head) if name.strip() in IDENTITY or k == grade]


def feedback(file: str, number: str) -> str:
    """The name of a student's page in the zip that Canvas's *Upload Submissions* takes; empty where it takes none."""
    mine = [part for part in file.split("/") if (found := _numbers(part)) and found[0] == number]
    if not mine:
        return ""
    pieces = mine[0].split("_")
    first = pieces.index(number)
    attachment = next(k for k in range(first + 1, len(pieces)) if re.fullmatch(r"[0-9]+", pieces[k]))
    return "_".join([*pieces[: attachment + 1], "feedback.html"])
