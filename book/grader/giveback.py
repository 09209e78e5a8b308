"""Marks and pages into a platform's own export, by its number for each student and never by a name."""

import io
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from grader import adjust, manual
from grader.grades import Grades
from grader.platforms import canvas, export, moodle
from grader.platforms.export import Export, Place
from grader.results import Result, number
from grader.term import Term
from srcnn.files import InputError, write

PLATFORMS = {"moodle": moodle, "canvas": canvas}
COLUMNS = ["id", "student", "key", "status", "before", "after", "why"]
GIVEN, HELD, UNCHANGED, LOST = "given", "held back", "unchanged", "nobody's"
ORDER = [LOST, HELD, GIVEN, UNCHANGED]


@dataclass(frozen=True)
class Wishes:
    """How marks are given back.

    Attributes:
        column: the grade's column, where the platform has several.
        scale: give marks in the platform's points where it has another maximum.
        partial: give them although answers in words wait for marks.
        missing: what those who handed in nothing get; None: what the export has for them stays.
    """

    column: str | None = None
    scale: bool = False
    partial: bool = False
    missing: float | None = None


@dataclass
class Row:
    """What is said of one student, or of a submission that belongs to nobody."""

    id: str
    status: str
    why: str = ""
    result: Result | None = None
    before: str = ""
    after: str = ""

    def cells(self) -> list[str]:
        """The row of the table of what was done, for one student."""
        who = ["", ""] if self.result is None else [self.result.student, self.result.key]
        return [self.id, *who, self.status, self.before, self.after, self.why]


class Return:
    """Marks on their way back.

    Args:
        grades: the folder of the grades.
        platform: its name, one of :data:`PLATFORMS`.
        table: its export.
        wishes: how.

    Raises:
        InputError: the export cannot be used; one sentence says why.
    """

    def __init__(self, grades: Grades, platform: str, table: Path, wishes: Wishes) -> None:
        self.grades, self.name, self.wishes = grades, platform, wishes
        self.module = PLATFORMS[platform]
        self.export: Export = export.read(table)
        found, self.grade = self.module.places(self.export, wishes.column)
        self.places = {place.id: place for place in found}
        if len(self.places) < len(found):
            raise InputError(f"{table} has a student's number twice; export it anew")
        if not found:
            raise InputError(f"{table} has no student's number in its column for them; export it anew")
        self.lost: list[Row] = []
        self.notes: dict[str, list[str]] = defaultdict(list)
        self.held: dict[str, str] = {}
        self.mine = self._match()

    def _match(self) -> dict[str, Result]:
        """Number of a student -> the submission that counts."""
        mine: dict[str, list[Result]] = defaultdict(list)
        for result in self.grades.results:
            numbers = self.module.ids(result.file)
            known = list(dict.fromkeys(number for number in numbers if number in self.places))
            if len(known) > 1:  # Canvas counts students and files apart, so that a file's number may be a student's
                known = [one for one in known if self.module.confirms(result.file, self.places[one])] or known
            if len(known) == 1:
                mine[known[0]].append(result)
                continue
            why = f"its path has the numbers {' and '.join(known)}" if known else "its path has no student's number"
            if numbers and not known:
                why = f"{self.export.path.name} has no student with the number {' or '.join(dict.fromkeys(numbers))}"
            self.lost.append(Row("", LOST, f"{result.file}: {why}", result))
        return {who: self._newest(who, results) for who, results in mine.items()}

    def _newest(self, who: str, results: list[Result]) -> Result:
        """The submission that counts: the newest of those that could be graded; where that is not clear, none does."""
        good = [result for result in results if result.status == "graded"] or results
        good.sort(key=lambda result: (self.module.newest(result.file), result.file))
        if len(results) > 1:
            others = ", ".join(sorted(result.file for result in results if result is not good[-1]))
            self.notes[who].append(f"{good[-1].file} counts, and not {others}")
        if len(good) > 1 and self.module.newest(good[-2].file) == self.module.newest(good[-1].file):
            self.held[who] = f"there are {len(good)} submissions, and which one counts is not clear"
        return good[-1]

    def groups(self, members: dict[str, str]) -> None:
        """Give each member of a group what one of them handed in.

        Args:
            members: number of a student -> name of the group.
        """
        handed = defaultdict(set)
        for who in self.mine:
            if who in members:
                handed[members[who]].add(who)
        for who, group in members.items():
            if who not in self.places or who in self.mine or not handed[group]:
                continue
            other = sorted(handed[group])
            self.mine[who] = self.mine[other[0]]
            self.notes[who].append(f"handed in for the group {group} by {other[0]}")
            if len({self.mine[each].key for each in other}) > 1:
                self.held[who] = f"the group {group} handed in more than once ({', '.join(other)})"
            elif other[0] in self.held:
                self.held[who] = self.held[other[0]]

    def late(self, term: Term, times: dict[str, datetime]) -> None:
        """Write down what the rule for late work says of each submission.

        Args:
            term: with the rule.
            times: number of a student -> when they handed in, where the export does not say.
        """
        rows, name = {}, self.grades.tests.name
        for who, result in sorted(self.mine.items()):
            if (submitted := self._submitted(who, term, times)) is None:
                continue
            late = term.late(who, name, submitted)
            told = [late.due.isoformat(), number(late.percent), term.policy.of, late.reason]
            if result.key in rows:  # of a group: the rule is kindest to the member who has longest
                told = min(told, rows[result.key][3:], key=lambda each: float(each[1]))
            rows[result.key] = [result.key, who, submitted.isoformat(), *told]
            if late.closed:
                self.held[who] = "it came after the last day on which work is accepted"
            elif late.reason:
                self.notes[who].append(late.reason)
        for who in sorted(term.students - self.places.keys()):
            self.lost.append(
                Row(who, LOST, f"the term's file names the student {who}, whom {self.export.path.name} lacks")
            )
        write(self.grades.folder / adjust.LATE, manual.table([adjust.LATE_COLUMNS, *rows.values()]))

    def _submitted(self, who: str, term: Term, times: dict[str, datetime]) -> datetime | None:
        for each in (who, *self.module.ids(self.mine[who].file)):  # a group's time is its member's who handed in
            if each in times:
                return times[each]
        text = self.places[who].submitted
        found = self.module.time(text)
        if found is None:
            why = f"when it was handed in, {text!r}, cannot be read" if text else "nobody says when it was handed in"
            self.notes[who].append(f"{why}: nothing was taken off; a table of times (TIMES=) can say it")
            return None
        return found.replace(tzinfo=term.zone)

    def fill(self) -> list[Row]:
        """Put the marks into the export; what is said of each student, those first who need a person's eye.

        Raises:
            InputError: answers in words wait for marks, or the platform has another maximum.
        """
        waiting = sum(mark.points is None for result in self.grades.results for mark in result.marks)
        if waiting and not self.wishes.partial:
            table = self.grades.folder / "marks.csv"
            raise InputError(f"{waiting} answers in words wait for a mark: fill {table}, or give PARTIAL=yes")
        rows = [self._fill(place) for place in self.places.values()]
        return sorted([*self.lost, *rows], key=lambda row: (ORDER.index(row.status), row.id))

    def _fill(self, place: Place) -> Row:
        result = self.mine.get(place.id)
        row = Row(place.id, UNCHANGED, "; ".join(self.notes[place.id]), result, place.grade, place.grade)
        if result is None:
            row.why = row.why or "nothing was handed in"
            if self.wishes.missing is None or place.grade.strip():
                return row
            points = self.wishes.missing
        else:
            points = result.mark
            if why := self._hold(place, result):
                row.status, row.why = HELD, "; ".join(filter(None, [why, row.why]))
                return row
            if getattr(self.module, "marked_late", lambda _: False)(result.file) and not self._lowered(result):
                row.why = "; ".join(
                    filter(None, [row.why, f"{self.module.NAME} calls it late, and nothing was taken off"])
                )
        row.after = number(self._scaled(points, place))
        self.export.rows[place.row][self.grade] = row.after
        row.status = GIVEN
        return row

    def _lowered(self, result: Result) -> bool:
        return any(adjustment.points < 0 for adjustment in result.adjustments)

    def _hold(self, place: Place, result: Result) -> str:
        """Why a mark is not given but shown to a person; what a person decided is given."""
        if place.locked:
            return place.locked
        if any(adjustment.reason.startswith("a person gave") for adjustment in result.adjustments):
            return ""
        if result.status != "graded":
            return f"{result.status}: {result.reason}"
        return self.held.get(place.id, "")

    def _scaled(self, points: float, place: Place) -> float:
        most, possible = place.most, self.grades.possible
        if most is None or abs(most - possible) < 0.005:
            return points
        if not self.wishes.scale:
            told = f"{self.module.NAME} has {number(most)} points for it, and the assignment {number(possible)}"
            raise InputError(
                f"{told}: change that there, or give SCALE=yes to have each mark in {self.module.NAME}'s points"
            )
        return points * most / possible

    def save(self, rows: list[Row]) -> Path:
        """Write what goes back, and what is said of each student.

        Returns:
            The folder.
        """
        folder = self.grades.folder / "handin"
        folder.mkdir(exist_ok=True)
        self.export.write(folder / f"{self.name}-grades.csv", self.module.kept(self.export, self.grade))
        write(folder / f"{self.name}-feedback.zip", self._pages(rows))
        write(folder / f"{self.name}-report.csv", manual.table([COLUMNS, *(row.cells() for row in rows)]))
        return folder

    def _pages(self, rows: list[Row]) -> bytes:
        """The pages, but for marks that were held back: those would promise what was not given."""
        silent = {row.id for row in rows if row.status == HELD and row.result.status == "graded"}
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
            for who, result in sorted(self.mine.items()):
                if who in silent:
                    continue
                name = self.module.feedback(result.file, who) if who in self.module.ids(result.file) else ""
                if name:  # a group's page goes back where its file came from
                    archive.write(self.grades.folder / "feedback" / f"{result.key}.html", name)
        return data.getvalue()
