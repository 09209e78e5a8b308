"""Bundles that grade on a platform, and marks and pages in the form that it takes back.

    make handin FOR=moodle GRADES=folder EXPORT=worksheet.csv [POLICY=term.toml]
    make handin FOR=canvas GRADES=folder EXPORT=gradebook.csv COLUMN="Measure" [POLICY=term.toml TIMES=times.csv]
    make handin FOR=gradescope ASSIGNMENT=measure SEED=number [OUT=file.zip]
    make handin FOR=classroom50 ASSIGNMENT=measure [OUT=folder]

or ``PYTHONPATH=book python -m grader.handin moodle --grades folder --export worksheet.csv`` and so on.
"""

import argparse
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path

from grader import autograde, giveback, manual, term
from grader.adjust import LATE, amount
from grader.grades import reopen
from grader.platforms import classroom50, gradescope
from grader.words import Parser, yes
from srcnn.files import InputError

SHOWN = 20  # of those who need a person's eye; the report has them all
GROUP = {"id": ("id", "canvas_user_id"), "group": ("group", "group_name")}  # ours, and Canvas's export of a group set


def main(words: list[str] | None = None) -> int:
    """Carry the command out, and return the exit status."""
    try:
        options = _options(words)
        if options.platform in giveback.PLATFORMS:
            _give_back(options)
        else:
            _bundle(options)
    except (InputError, manual.Unmarked, OSError) as problem:
        print(f"handin: {problem}", file=sys.stderr)
        return 2
    return 0


def _options(words: list[str] | None) -> argparse.Namespace:
    parser = Parser("grader.handin", __doc__, "FOR")
    platforms = [*giveback.PLATFORMS, "gradescope", "classroom50"]
    parser.add_argument("platform", choices=platforms, help=f"one of {', '.join(platforms)}")
    back = parser.add_argument_group("marks into Moodle's or Canvas's export")
    back.add_argument("--grades", type=Path, help="the folder that `make grade` made")
    back.add_argument("--export", type=Path, help="Moodle's grading worksheet, or Canvas's gradebook")
    back.add_argument("--policy", type=Path, help="the term's file: when it was due, and what late work costs")
    back.add_argument(
        "--times", type=Path, help="a table with the columns id and submitted, where the export has no times"
    )
    back.add_argument(
        "--groups", type=Path, help="a table with the columns id and group (or Canvas's export of a group set)"
    )
    back.add_argument("--column", help="the assignment's name in Canvas, or the name of Moodle's column Grade")
    back.add_argument(
        "--scale",
        type=yes,
        default=False,
        metavar="yes",
        help="give marks in the platform's points, where it has another maximum",
    )
    back.add_argument(
        "--partial", type=yes, default=False, metavar="yes", help="go on although answers in words wait for marks"
    )
    back.add_argument("--missing", default="", help="what those get who handed in nothing: 0, say (left as it was)")
    bundle = parser.add_argument_group("bundles for Gradescope and Classroom 50")
    bundle.add_argument("--assignment", choices=sorted(autograde.NAMES), help="which one the bundle grades")
    bundle.add_argument("--seed", help="what the hidden tests draw from on Gradescope")
    bundle.add_argument(
        "--visibility",
        choices=gradescope.VISIBILITY,
        default="after_published",
        help="when students see their verdicts on Gradescope (%(default)s)",
    )
    bundle.add_argument("--out", type=Path, help="the bundle: a new file or folder")
    return parser.parse_args(words)


def _give_back(options: argparse.Namespace) -> None:
    if not options.grades or not options.export:
        raise InputError(f"GRADES= (made by `make grade`) and EXPORT= ({options.platform}'s own table) are wanted")
    grades = reopen(options.grades)
    missing = amount("MISSING", options.missing, grades.possible) if options.missing else None
    wishes = giveback.Wishes(options.column, options.scale, options.partial, missing)
    back = giveback.Return(grades, options.platform, options.export, wishes)
    if options.groups:
        back.groups({row["id"]: row["group"] for row in _table(options.groups, GROUP) if row["group"]})
    if options.policy:
        rule = term.read(options.policy)
        if options.platform == "canvas" and not options.times:
            told = "Canvas's export does not say when work was handed in: give TIMES=, a table with the columns id and "
            raise InputError(
                f"{told}submitted, or leave POLICY= away and let Canvas's own rule for late work take off points"
            )
        back.late(rule, _times(options.times, rule) if options.times else {})
    elif (grades.folder / LATE).exists():
        print(f"{grades.folder / LATE}, of an earlier run with POLICY=, still counts; remove it to undo that")
    grades.render()
    rows = back.fill()
    folder = back.save(rows)
    counts = Counter(row.status for row in rows)
    print(
        f"{options.platform}: {', '.join(f'{counts[status]} {status}' for status in giveback.ORDER if counts[status])}"
    )
    look = [row for row in rows if row.status in (giveback.LOST, giveback.HELD)]
    for row in look[:SHOWN]:
        print(f"  look at {row.id or row.result.student}: {row.why}")
    if len(look) > SHOWN:
        print(f"  and at {len(look) - SHOWN} more, which come first in the last of these files:")
    print(f"grades: {folder / f'{options.platform}-grades.csv'}, pages: {folder / f'{options.platform}-feedback.zip'}")
    print(f"what is said of each student: {folder / f'{options.platform}-report.csv'}")


def _table(path: Path, columns: dict[str, tuple[str, ...]]) -> list[dict[str, str]]:
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    rows = manual.rows_of(path)
    names = {key: next((name for name in known if rows and name in rows[0]), None) for key, known in columns.items()}
    for key, name in names.items():
        if name is None:
            raise InputError(f"{path}: the columns {' and '.join(columns)} are wanted, and {key} is not there")
    return [{key: (row[name] or "").strip() for key, name in names.items()} for row in rows]


def _times(path: Path, rule: term.Term) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for line, row in enumerate(_table(path, {"id": ("id",), "submitted": ("submitted",)}), start=2):
        if row["id"] in found:
            raise InputError(f"{path}, row {line}: the student {row['id']} is there twice")
        try:
            found[row["id"]] = rule.time(row["submitted"])
        except ValueError:
            told = f"{path}, row {line}: a time such as 2026-10-09T23:59 is wanted, and not {row['submitted']!r}"
            raise InputError(told) from None
    return found


def _bundle(options: argparse.Namespace) -> None:
    if not options.assignment:
        raise InputError(f"ASSIGNMENT= is wanted: {', '.join(sorted(autograde.NAMES))}")
    if options.platform == "classroom50":
        if options.seed:
            raise InputError("Classroom 50 publishes its bundles, so no seed is put into one; leave SEED= away")
        out = classroom50.write(options.assignment, options.out)
        print(f"bundle: {out}; copy it to CLASSROOM/autograders/{options.assignment} of your repository classroom50")
        return
    try:
        seed = int(options.seed or "")
    except ValueError:
        raise InputError(f"SEED= is a whole number, such as 20261, and not {options.seed!r}") from None
    out = gradescope.write(options.assignment, seed, options.visibility, options.out)
    print(f"bundle: {out}; it holds your seed, so give it to nobody but Gradescope")


if __name__ == "__main__":
    sys.exit(main())
