"""Answers in words, marked without names: sheets for one or two markers, how far they agree, and what is to be settled.

    make blind GRADES=folder MARKERS="ann ben"     sheets, one for each marker, in GRADES/blind
    make blind GRADES=folder                       collect them: agreement, what to settle, and marks.csv

or ``PYTHONPATH=book python -m grader.blind folder --markers ann ben`` and the same without ``--markers``. Only
blind/codes.json knows whose a code is; give the markers their sheet and rubric.csv, and nothing else.
"""

import json
import random
import re
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from grader import agreement, manual
from grader.adjust import amount
from grader.grades import Grades, reopen
from grader.results import Result, number
from grader.words import Parser
from srcnn.files import InputError, write

COLUMNS = ["code", "question", "words", "answer", "points", "remark"]
SETTLE = ["code", "question", "answer", "points_1", "points_2", "remark_1", "remark_2", "settled", "reason"]
HIDDEN = "[…]"


@dataclass(frozen=True)
class Marked:
    """What one marker gave for one answer."""

    points: float
    remark: str


def hand_out(grades: Grades, markers: list[str], common: float) -> list[str]:
    """Write the sheets, and say what is in them.

    Args:
        grades: the folder of the grades.
        markers: one or two names; each gets a sheet of that name.
        common: percent of the answers that both mark; the others are shared out.

    Raises:
        InputError: there are sheets already, or a name cannot be a file's.
    """
    folder = grades.folder / "blind"
    if folder.exists():
        raise InputError(f"{folder} is there already: leave MARKERS= away to collect its sheets, or remove it")
    if not grades.tests.written:
        raise InputError(f"{grades.tests.name} has no answers in words")
    if len(markers) not in (1, 2) or len(set(markers)) < len(markers):
        raise InputError("one marker or two are wanted, with different names")
    for name in markers:
        if not re.fullmatch(r"[A-Za-z0-9-]{1,40}", name) or name in ("codes", "settle", "agreement", "rubric"):
            raise InputError(f"{name!r} names a file; letters, digits and - are wanted, such as ann")
    answers = [
        (result, n) for result in grades.results for n in grades.tests.written if result.written.get(n, "").strip()
    ]
    codes = _codes({result.key for result, _ in answers})
    sheets, hidden = _share(answers, codes, markers, common)
    folder.mkdir(mode=0o700)
    stored = {
        "markers": markers,
        "codes": codes,
        "handed": {name: [row[:2] for row in rows] for name, rows in sheets.items()},
    }
    write(folder / "codes.json", json.dumps(stored))
    rubric = [[n, what, number(points)] for n, each in grades.tests.written.items() for what, points in each.rows]
    write(folder / "rubric.csv", manual.table([["question", "what a reader looks for", "points"], *rubric]))
    for name, rows in sheets.items():
        write(folder / f"{name}.csv", manual.table([COLUMNS, *rows]))
    empty = len(grades.results) * len(grades.tests.written) - len(answers)
    told = [f"{folder / f'{name}.csv'}: {len(rows)} answers" for name, rows in sheets.items()]
    told += [f"names were hidden in {hidden} answers; a program does not see them all"] if hidden else []
    return told + ([f"{empty} have no answer in words: look at them, and mark them in marks.csv"] if empty else [])


def _codes(keys: set[str]) -> dict[str, str]:
    codes: dict[str, str] = {}
    while len(codes) < len(keys):
        codes.setdefault(secrets.token_hex(3).upper(), "")
    return dict(zip(sorted(keys), codes, strict=True))


def _share(
    answers: list[tuple[Result, int]], codes: dict[str, str], markers: list[str], common: float
) -> tuple[dict[str, list[list]], int]:
    """The rows of each sheet, in an order that tells nothing, and in how many answers a name was hidden."""
    draw = random.SystemRandom()
    answers = draw.sample(answers, len(answers))
    both = round(len(answers) * common / 100) if len(markers) == 2 else 0
    sheets: dict[str, list[list]] = {name: [] for name in markers}
    hidden = 0
    for k, (result, n) in enumerate(answers):
        text = _without_names(result.written[n], result.student)
        hidden += text != result.written[n]
        row = [codes[result.key], n, len(text.split()), text, "", ""]
        for name in markers if k < both else [markers[k % len(markers)]]:
            sheets[name].append(row)
    return {name: draw.sample(rows, len(rows)) for name, rows in sheets.items()}, hidden


def _without_names(answer: str, student: str) -> str:
    """An answer without addresses, and without what the submission's name says of its student."""
    answer = re.sub(r"[\w.+-]+@[\w-]+\.[\w.-]+", HIDDEN, answer)
    parts = {part for part in re.split(r"[\W_]+", student) if len(part) > 2 and part.casefold() not in ("late", "file")}
    parts -= {part for part in parts if "assignsubmission" in part}
    for part in sorted(parts):
        answer = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", HIDDEN, answer, flags=re.I)
    return answer


def collect(grades: Grades, apart: float) -> list[str]:
    """Collect the sheets: how far the markers agree, what is to be settled, and the marks that are clear.

    Args:
        grades: the folder of the grades.
        apart: points; where two differ by no more, the mean counts, and else a person settles it.

    Returns:
        Sentences for the instructor.

    Raises:
        InputError: a sheet is missing, or a row of it cannot be understood.
    """
    folder = grades.folder / "blind"
    try:
        stored = json.loads((folder / "codes.json").read_text(encoding="utf-8"))
    except OSError:
        raise InputError(f"{folder} has no sheets; MARKERS= makes them") from None
    keys = {code: key for key, code in stored["codes"].items()}
    sheets = [_sheet(folder / f"{name}.csv", stored["handed"][name], grades) for name in stored["markers"]]
    settled = _settled(folder / "settle.csv", grades)
    marks, open_rows = {}, []
    for place in dict.fromkeys(place for sheet in sheets for place in sheet):
        given = [sheet[place] for sheet in sheets if place in sheet]
        if None in given:
            continue
        if place in settled:
            marks[place] = settled[place]
        elif max(one.points for one in given) - min(one.points for one in given) <= apart:
            remark = "; ".join(dict.fromkeys(one.remark for one in given if one.remark))
            marks[place] = Marked(sum(one.points for one in given) / len(given), remark)
        else:
            open_rows.append((place, *given))
    _write_open(folder / "settle.csv", open_rows, keys, grades)
    told = agreement.write(folder / "agreement.csv", sheets, stored["markers"])
    told += _enter(grades, {(keys[code], n): mark for (code, n), mark in marks.items()})
    waiting = sum(mark is None for sheet in sheets for mark in sheet.values())
    told += [f"{waiting} answers in the sheets have no points yet"] if waiting else []
    if open_rows:
        told.append(
            f"{len(open_rows)} to settle: fill the column settled of {folder / 'settle.csv'}, and collect again"
        )
    return told


def _sheet(path: Path, handed: list, grades: Grades) -> dict[tuple[str, int], Marked | None]:
    """What a marker gave, of all that they were handed; None where they have not yet."""
    if not path.exists():
        raise InputError(f"there is no {path}; put the marker's sheet back there")
    sheet: dict[tuple[str, int], Marked | None] = dict.fromkeys(map(tuple, handed))
    for line, row in enumerate(manual.rows_of(path), start=2):
        where = f"{path}, row {line}"
        place = _place(where, row)
        if place not in sheet:
            raise InputError(f"{where}: {place[0]}, question {place[1]} was not in this sheet")
        if (row.get("points") or "").strip():
            if sheet[place] is not None:
                raise InputError(f"{where}: {place[0]}, question {place[1]} is there twice")
            points = amount(where, row["points"], grades.tests.written[place[1]].points)
            sheet[place] = Marked(points, (row.get("remark") or "").strip())
    return sheet


def _place(where: str, row: dict) -> tuple[str, int]:
    try:
        return row["code"].strip(), int(row["question"])
    except (KeyError, ValueError, AttributeError, TypeError):
        raise InputError(f"{where}: columns code, question and points are wanted") from None


def _settled(path: Path, grades: Grades) -> dict[tuple[str, int], Marked]:
    found = {}
    for line, row in enumerate(manual.rows_of(path), start=2):
        if (row.get("settled") or "").strip():
            place = _place(f"{path}, row {line}", row)
            points = amount(f"{path}, row {line}", row["settled"], grades.tests.written[place[1]].points)
            found[place] = Marked(points, (row.get("reason") or "").strip())
    return found


def _write_open(path: Path, rows: list, keys: dict[str, str], grades: Grades) -> None:
    """What is to be settled; what was settled before stays in the table."""
    before = [
        [row.get(name) or "" for name in SETTLE] for row in manual.rows_of(path) if (row.get("settled") or "").strip()
    ]
    by_key = {result.key: result for result in grades.results}
    made = [
        [code, n, _without_names(by_key[keys[code]].written[n], by_key[keys[code]].student),
         number(first.points), number(second.points), first.remark, second.remark, "", ""]
        for (code, n), first, second in rows
    ]  # fmt: skip
    if before or made:
        write(path, manual.table([SETTLE, *before, *made]))


def _enter(grades: Grades, marks: dict[tuple[str, int], Marked]) -> list[str]:
    """Put marks into marks.csv, but never over points that stand there and differ."""
    path = grades.folder / "marks.csv"
    manual.add(path, grades.results, grades.tests)  # each answer has a row from here on
    kept, entered, rows = 0, 0, manual.rows_of(path)
    for row in rows:
        mark = marks.get((row["key"], int(row["question"])))
        if mark is None:
            continue
        before = (row["points"] or "").strip()
        if before and before != number(mark.points):
            kept += 1
            continue
        entered += not before
        row["points"], row["remark"] = number(mark.points), row["remark"] or mark.remark
    write(path, manual.table([manual.COLUMNS, *([row[name] or "" for name in manual.COLUMNS] for row in rows)]))
    grades.render()
    told = [f"{entered} marks entered in {path}"]
    return told + ([f"{kept} stand there with other points, and were left as they are"] if kept else [])


def main(words: list[str] | None = None) -> int:
    """Carry the command out, and return the exit status."""
    parser = Parser("grader.blind", __doc__, "GRADES")
    parser.add_argument("grades", type=Path, help="the folder that `make grade` made")
    parser.add_argument("--markers", nargs="+", metavar="NAME", help="one or two; without it, sheets are collected")
    parser.add_argument("--common", default="100", help="percent of the answers that both mark (%(default)s)")
    parser.add_argument("--apart", default="0.5", help="points by which two marks may differ (%(default)s)")
    try:
        options = parser.parse_args(words)
        grades = reopen(options.grades)
        if options.markers:
            markers = [name for each in options.markers for name in each.split()]
            told = hand_out(grades, markers, amount("COMMON", options.common, 100))
        else:
            told = collect(grades, amount("APART", options.apart, grades.possible))
    except (InputError, manual.Unmarked, OSError) as problem:
        print(f"blind: {problem}", file=sys.stderr)
        return 2
    print("\n".join(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
