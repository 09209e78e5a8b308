"""What personal data of a term lie where, until when they are kept, and their deletion.

    make forget POLICY=term.toml GRADES="folder folder"               what there is, and when it is due
    make forget POLICY=term.toml GRADES="folder folder" DELETE=yes    delete it, from the day after keep.until on
    make forget POLICY=term.toml GRADES=folder KEY=key DELETE=yes     delete what there is of one student, at any time

or ``PYTHONPATH=book python -m grader.retain --policy term.toml folder`` and so on. With a folder of grades go the
submissions that it was made of. What is kept has no names: the number of submissions and the points for each question.
"""

import json
import shutil
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from grader import manual, term
from grader.grades import reopen, run_of
from grader.results import number, stored
from grader.session import clean
from grader.words import Parser, yes
from srcnn.files import InputError, write

LOG = ["day", "what", "files", "rule"]
TABLES = ("marks.csv", "overrides.csv", "late.csv")


@dataclass(frozen=True)
class Holding:
    """Personal data in one place.

    Attributes:
        grades: the folder of grades.
        submissions: what it was made of, or None where that is gone or not known.
    """

    grades: Path
    submissions: Path | None

    def places(self) -> list[tuple[Path, str]]:
        """Each place, and what is in it."""
        what = "marks, pages and results, with names; answers in words; the seed"
        found = [(self.grades, what)]
        return found + ([(self.submissions, "what students handed in, with names")] if self.submissions else [])


def find(grades: Path) -> Holding:
    """What belongs to a folder of grades.

    Raises:
        InputError: it is none, or a link to one.
    """
    run = run_of(grades)
    if grades.is_symlink():
        raise InputError(f"{grades} is a link; give the folder itself")
    place = Path(run["submissions"]) if run.get("submissions") else None
    return Holding(grades.resolve(), place if place and place.exists() and not place.is_symlink() else None)


def files(place: Path) -> list[Path]:
    """All files of a place."""
    return [path for path in place.rglob("*") if path.is_symlink() or not path.is_dir()] if place.is_dir() else [place]


def told(holding: Holding, until: date, today: date) -> list[str]:
    """What is there, and when it is to be deleted."""
    left = (until - today).days
    when = f"kept until {until}, {left} days from today" if left >= 0 else f"TO BE DELETED: it was kept until {until}"
    return [f"{place}: {len(files(place))} files ({what}); {when}" for place, what in holding.places()]


def delete(holding: Holding, rule: str, today: date) -> list[str]:
    """Delete everything of a holding, and leave a table without names and a line in the log, both beside it.

    Args:
        holding: what.
        rule: by which it is deleted, for the log.
        today: for the log.

    Raises:
        InputError: the place of the submissions holds more than them, so a person has to look.
    """
    if holding.submissions and (others := _others(holding)):
        told = f"{holding.submissions} has more in it than submissions, such as {others[0]}"
        raise InputError(f"{told}; take that out first, or delete the submissions by hand")
    beside = holding.grades.parent
    write(beside / f"{holding.grades.name}-points.csv", manual.table(_points(holding.grades)))
    lines = [[row.get(name) or "" for name in LOG] for row in manual.rows_of(beside / "deleted.csv")]
    done = []
    for place, what in reversed(holding.places()):  # the grades last: they know where the submissions are
        count = len(files(place))
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink()
        lines.append([today.isoformat(), f"{what.split(',')[0]} in {place.name}", str(count), rule])
        write(beside / "deleted.csv", manual.table([LOG, *lines]))
        done.append(f"deleted {count} files in {place}")
    return done


def _others(holding: Holding) -> list[str]:
    """What lies among the submissions and is none: a folder of downloads must not go because they lie in it."""
    if not holding.submissions.is_dir():
        return []
    known = {result.file.split("/")[0] for result in stored(holding.grades)}
    names = [path.name for path in sorted(holding.submissions.iterdir())]
    return [name for name in names if clean(name, 300) not in known and name not in (".DS_Store", "Thumbs.db")]


def _points(grades: Path) -> list[list]:
    """What is kept: for each question, how many submissions there were and the points that they got, without names."""
    results = list(stored(grades))
    rows: list[list] = [["question", "possible", "submissions", "mean", "full", "none"]]
    for n in sorted({question.number for result in results for question in result.questions}):
        those = [question for result in results for question in result.questions if question.number == n]
        mean = sum(question.points for question in those) / len(those)
        full = sum(question.points == question.possible for question in those)
        rows.append([n, number(those[0].possible), len(those), f"{mean:.3f}", full, sum(not q.points for q in those)])
    return rows


def delete_one(grades: Path, key: str, today: date) -> list[str]:
    """Delete what there is of one submission, the export that it came in excepted.

    Raises:
        InputError: there is no such submission.
    """
    came = {result.key: result.file for result in stored(grades)}
    if key not in came:
        raise InputError(f"there is no submission {key}; the names in {grades / 'results'} are the keys")
    codes = grades / "blind" / "codes.json"
    code = json.loads(codes.read_text(encoding="utf-8"))["codes"].get(key, "") if codes.exists() else ""
    for table in [*(grades / name for name in TABLES), *grades.glob("history/*/diff.csv"), *grades.glob("blind/*.csv")]:
        _without(table, {key, code} - {""})
    for old in [
        grades / "results" / f"{key}.json",
        grades / "feedback" / f"{key}.html",
        *grades.glob(f"history/*/results/{key}.json"),
    ]:
        old.unlink(missing_ok=True)
    for old in [*grades.glob("history/*/grades.csv")]:
        old.unlink()  # it has a row for each student, by name
    shutil.rmtree(grades / "handin", ignore_errors=True)
    if any((grades / "results").glob("*.json")):
        reopen(grades).render()
    lines = [[row.get(name) or "" for name in LOG] for row in manual.rows_of(grades.parent / "deleted.csv")]
    line = [today.isoformat(), f"one submission in {grades.name}", "", "asked for by or for the student"]
    write(grades.parent / "deleted.csv", manual.table([LOG, *lines, line]))
    return [
        f"deleted what there was of {key} in {grades}",
        f"the export still has it: remove {came[key]} there, or it is graded again",
        "`make handin` writes its files anew",
    ]


def _without(table: Path, names: set[str]) -> None:
    rows = manual.rows_of(table)
    if any(row.get("key") in names or row.get("code") in names for row in rows):
        head = list(rows[0])
        kept = [row for row in rows if row.get("key") not in names and row.get("code") not in names]
        write(table, manual.table([head, *([row[name] or "" for name in head] for row in kept)]))


def main(words: list[str] | None = None, today: date | None = None) -> int:
    """Carry the command out, and return the exit status."""
    parser = Parser("grader.retain", __doc__, "GRADES")
    parser.add_argument("grades", type=Path, nargs="+", help="folders that `make grade` made")
    parser.add_argument("--policy", type=Path, required=True, help="the term's file, with keep.until")
    parser.add_argument("--key", help="what there is of this submission alone")
    parser.add_argument("--delete", type=yes, default=False, metavar="yes", help="delete, and not only tell")
    today = today or date.today()
    try:
        options = parser.parse_args(words)
        until, holdings = term.read(options.policy).keep, [find(grades) for grades in options.grades]
        if until is None:
            raise InputError(f"{options.policy} does not say how long data are kept: [keep] until = 2027-03-31, say")
        if options.key and len(holdings) != 1:
            raise InputError("KEY= wants one folder in GRADES=")
        lines = [line for holding in holdings for line in told(holding, until, today)]
        if options.delete and options.key:
            lines = delete_one(holdings[0].grades, options.key, today)
        elif options.delete:
            if today <= until:
                raise InputError(
                    f"{options.policy} keeps these data until {until}; change the rule there if that is wrong"
                )
            lines = [line for each in holdings for line in delete(each, f"kept until {until}", today)]
    except (InputError, manual.Unmarked, OSError) as problem:
        print(f"forget: {problem}", file=sys.stderr)
        return 2
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
