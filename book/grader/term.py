"""A term: when assignments are due, what late work costs, who has longer, and how long data are kept.

All of it stands in one small file (TOML), which the instructors' pages explain line by line.
"""

import difflib
import math
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from grader.results import number
from srcnn.files import InputError

DAY = timedelta(days=1)
TABLES = {
    "": ("timezone", "late", "due", "extension", "accommodation", "keep"),
    "late": ("grace_minutes", "percent_a_day", "cap_percent", "of", "closed_after_days"),
    "extension": ("student", "assignment", "until", "reason"),
    "accommodation": ("student", "extra_days", "extra_hours", "reason"),
    "keep": ("until",),
}


@dataclass(frozen=True)
class Policy:
    """What late work costs.

    Attributes:
        grace: after the time that it is due, at no cost.
        percent: for each day that has begun, counted from the time that it was due.
        cap: the most that is taken away, in percent.
        of: ``earned`` or ``possible``: what the percentages are of.
        closed: days after which nothing is accepted without an extension; None: never.
    """

    grace: timedelta = timedelta(0)
    percent: float = 0.0
    cap: float = 100.0
    of: str = "earned"
    closed: float | None = None


@dataclass(frozen=True)
class Late:
    """What the rule says of one submission.

    Attributes:
        due: when it was due for this student.
        percent: that is taken away.
        reason: for the student to read; empty where it was in time.
        closed: it came after the last day, which a person decides on.
    """

    due: datetime
    percent: float = 0.0
    reason: str = ""
    closed: bool = False


@dataclass(frozen=True)
class Term:
    """The file, read.

    Attributes:
        zone: of the times that name none.
        policy: for late work.
        due: assignment -> when it is due.
        extensions: student and assignment ("" for all) -> until when.
        accommodations: student -> how much longer, for every assignment.
        keep: the last day on which personal data are kept.
    """

    zone: ZoneInfo
    policy: Policy
    due: dict[str, datetime]
    extensions: dict[tuple[str, str], datetime]
    accommodations: dict[str, timedelta]
    keep: date | None = None

    @property
    def students(self) -> set[str]:
        """All that the file names."""
        return {student for student, _ in self.extensions} | set(self.accommodations)

    def due_for(self, student: str, assignment: str) -> datetime:
        """When an assignment is due for a student: the latest of what the file gives them.

        Raises:
            InputError: the file does not say when it is due.
        """
        if assignment not in self.due:
            known = ", ".join(sorted(self.due)) or "no assignment"
            raise InputError(f"the term's file does not say when {assignment} is due (it has {known}): [due] wants it")
        times = [self.due[assignment] + self.accommodations.get(student, timedelta(0))]
        times += [self.extensions[key] for key in ((student, assignment), (student, "")) if key in self.extensions]
        return max(times, key=lambda time: time.astimezone(UTC))

    def late(self, student: str, assignment: str, submitted: datetime) -> Late:
        """What the rule says of a submission.

        Args:
            student: the platform's number, or whatever the file calls them.
            assignment: its name.
            submitted: when, with a time zone.
        """
        due, policy = self.due_for(student, assignment), self.policy
        over = submitted.astimezone(UTC) - due.astimezone(UTC)  # clocks that are put back make no day longer
        if over <= policy.grace:
            return Late(due)
        days = math.ceil(over / DAY)
        percent = min(policy.percent * days, policy.cap)
        told = f"{days} day{'' if days == 1 else 's'} late, begun days counted (due {stamp(due)}, "
        told += f"handed in {stamp(submitted.astimezone(self.zone))}): {number(percent)} % of the points "
        told += "that can be had" if policy.of == "possible" else "earned"
        return Late(due, percent, told, policy.closed is not None and over > policy.closed * DAY)

    def time(self, text: str) -> datetime:
        """A time as ISO 8601 writes it, in the term's zone if it names none.

        Raises:
            ValueError: it is none.
        """
        found = datetime.fromisoformat(text.strip())
        return found if found.tzinfo else found.replace(tzinfo=self.zone)


def stamp(time: datetime) -> str:
    """A time as people read it, with its zone."""
    return f"{time:%Y-%m-%d %H:%M} {time.tzname()}"


def read(path: Path) -> Term:
    """Read a term's file.

    Raises:
        InputError: it is missing, or something in it cannot be understood; one sentence says what.
    """
    try:
        stored = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"there is no file {path}") from None
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, or a value without end
        raise InputError(f"{path} is not TOML: {error}") from None
    _known(stored, "", path)
    zone = _zone(stored.get("timezone"), path)
    due = {name: _time(value, zone, f"{path}, due.{name}") for name, value in _table(stored, "due", path).items()}
    extensions: dict[tuple[str, str], datetime] = {}
    for row in _rows(stored, "extension", path):
        key = _student(row, path), str(row.get("assignment", ""))
        if key[1] and key[1] not in due:
            raise InputError(f"{path}: an extension is for {key[1]!r}, and [due] has {', '.join(due) or 'nothing'}")
        if key in extensions:
            raise InputError(f"{path}: student {key[0]} has two extensions for the same; keep one of them")
        extensions[key] = _time(row.get("until"), zone, f"{path}, extension of {key[0]}, until")
    accommodations: dict[str, timedelta] = {}
    for row in _rows(stored, "accommodation", path):
        student = _student(row, path)
        if student in accommodations:
            raise InputError(f"{path}: student {student} has two accommodations; keep one of them")
        days, hours = (_number(row.get(f"extra_{unit}", 0), f"{path}, extra_{unit}") for unit in ("days", "hours"))
        accommodations[student] = timedelta(days=days, hours=hours)
    keep = _table(stored, "keep", path).get("until")
    if keep is not None and (isinstance(keep, datetime) or not isinstance(keep, date)):
        raise InputError(f"{path}, keep.until: a day such as 2027-03-31 is wanted, without quotation marks")
    return Term(zone, _policy(_table(stored, "late", path), path), due, extensions, accommodations, keep)


def _known(table: dict, name: str, path: Path) -> None:
    for key in table.keys() - set(TABLES[name]):
        near = difflib.get_close_matches(key, TABLES[name], 1)
        told = f"; {near[0]} is meant, perhaps" if near else f"; {', '.join(TABLES[name])} are known"
        raise InputError(f"{path}: {f'[{name}] has' if name else 'there is'} {key!r}, which nothing reads{told}")


def _table(stored: dict, name: str, path: Path) -> dict:
    table = stored.get(name, {})
    if not isinstance(table, dict):
        raise InputError(f"{path}: {name} is written as a table, [{name}]")
    if name in TABLES:
        _known(table, name, path)
    return table


def _rows(stored: dict, name: str, path: Path) -> list[dict]:
    rows = stored.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path}: each {name} is written as [[{name}]], with two brackets")
    for row in rows:
        _known(row, name, path)
    return rows


def _zone(name: object, path: Path) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (TypeError, ValueError, OSError, KeyError):
        raise InputError(f'{path}: timezone = "Europe/Berlin" or the like is wanted, and not {name!r}') from None


def _time(value: object, zone: ZoneInfo, where: str) -> datetime:
    if not isinstance(value, datetime):
        raise InputError(f"{where}: a time such as 2026-10-09T23:59:00 is wanted, without quotation marks")
    return value if value.tzinfo else value.replace(tzinfo=zone)


def _student(row: dict, path: Path) -> str:
    student = row.get("student")
    if isinstance(student, bool) or not isinstance(student, (str, int)) or not str(student).strip():
        raise InputError(f"{path}: an extension or accommodation wants student = the platform's number")
    return str(student).strip()


def _number(value: object, where: str, most: float = math.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        least = f"from 0 to {number(most)}" if most < math.inf else "of 0 or more"
        raise InputError(f"{where}: a number {least} is wanted, and not {value!r}")
    return float(value)


def _policy(table: dict, path: Path) -> Policy:
    def value(key: str, default: float, most: float = math.inf) -> float:
        return _number(table.get(key, default), f"{path}, late.{key}", most)

    of = table.get("of", "earned")
    if of not in ("earned", "possible"):
        raise InputError(f'{path}, late.of: "earned" or "possible" is wanted, and not {of!r}')
    closed = value("closed_after_days", 0) if "closed_after_days" in table else None
    grace = timedelta(minutes=value("grace_minutes", 0))
    return Policy(grace, value("percent_a_day", 0, 100), value("cap_percent", 100, 100), of, closed)
