"""Platforms' tables, the term's file and tables of marks, as spreadsheets and people leave them."""

from functools import partial
from pathlib import Path
from random import Random

from grader import handin, manual, term
from grader.platforms import canvas, export, moodle

from fuzz.guard import Case
from fuzz.mutate import damaged

MOODLE = (
    "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,Last modified (submission),"
    "Last modified (grade),Feedback comments\n"
    'Participant 123,Jane Doe,j@x.org,"Submitted for grading - ",,10.00,Yes,"Thursday, 1 October 2026, 10:00 PM",-,\n'
    'Participant 124,Bob Ray,b@x.org,"No submission - ",,10.00,No,-,-,\n'
)
CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Stages (77),Final Grade\n    Points Possible,,,,,10.00,(read only)\n"
    '"Doe, Jane",101,s1,jdoe,One,,\n"Ray, Bob",102,s2,bray,One,EX,\n'
)
TERM = """timezone = "Europe/Berlin"
[due]
stages = 2026-10-09T23:59:00
[late]
grace_minutes = 10
percent_a_day = 10
cap_percent = 50
of = "earned"
closed_after_days = 7
[[extension]]
student = "jane-1"
assignment = "stages"
until = 2026-10-12
reason = "illness"
[[accommodation]]
student = "bob-1"
extra_days = 2
reason = "office"
[keep]
until = 2027-03-31
"""
MARKS = "key,student,question,words,answer,points,remark\njane-1,jane,1,7,an answer,2,good\n"
VALUES = (
    "", "x", "-1", "1e400", "nan", "inf", "9" * 5000, "٣", "1,5", "=1+1", "\0",
    '"', "a" * 140_000, "\u202f", "true", "[]",
    "{}", "2026-13-40", "0001-01-01", "9999-12-31", "1e308", "'Mars/Phobos'", '"../../etc/passwd"',
    '"' + "x" * 300 + '"', "1979-05-27T00:32:00-07:00",
)  # fmt: skip


def prepare(place: Path) -> None:
    """Nothing is needed."""


def case(chance: Random, place: Path, tools: None) -> Case:
    """A table or file, through its reader; or the command that puts marks into it."""
    kind = chance.choice((MOODLE, CANVAS, TERM, MARKS))
    text = _exchanged(chance, kind) if chance.random() < 0.7 else kind
    content = text.encode(chance.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1")), "replace")
    if chance.random() < 0.5:
        content = damaged(content, chance, [b"PK\3\4", b"\xd0\xcf\x11\xe0", CANVAS.encode()])
    path = Path("export.csv")
    path.write_bytes(content)
    if chance.random() < 0.15:
        words = [
            chance.choice(("moodle", "canvas")),
            "--export",
            "export.csv",
            "--grades",
            chance.choice((".", "nowhere", "export.csv")),
        ]
        words += chance.choice(
            ([], ["--policy", "export.csv"], ["--times", "export.csv"], ["--missing", chance.choice(VALUES)])
        )
        return Case(lambda: _quiet(words))
    column = chance.choice((None, "Stages", "Stages (77)", "", "Grade", chance.choice(VALUES)))
    work = {MOODLE: _moodle, CANVAS: partial(_canvas, column=column), TERM: _term, MARKS: _marks}[kind]
    return Case(partial(work, path))


def _exchanged(chance: Random, text: str) -> str:
    """A cell, a value or a line is another one."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        lines = text.splitlines()
        at = chance.randrange(len(lines))
        mark = " = " if " = " in lines[at] else chance.choice((",", ","))
        cells = lines[at].split(mark)
        cells[chance.randrange(len(cells))] = chance.choice(VALUES)
        lines[at] = mark.join(cells)
        if chance.random() < 0.2:
            lines.insert(at, lines[chance.randrange(len(lines))])
        text = "\n".join(lines) + "\n"
    return text.replace(",", ";") if chance.random() < 0.1 else text


def _quiet(words: list[str]) -> int:
    return handin.main(words)


def _moodle(path: Path) -> None:
    table = export.read(path)
    found, _ = moodle.places(table)
    for place in found:
        moodle.time(place.submitted)
    table.write(Path(".written"))
    Path(".written").unlink()


def _canvas(path: Path, column: str | None) -> None:
    table = export.read(path)
    _, grade = canvas.places(table, column)
    table.write(Path(".written"), canvas.kept(table, grade))
    Path(".written").unlink()


def _term(path: Path) -> None:
    term.read(path)


def _marks(path: Path) -> None:
    manual.rows_of(path)
