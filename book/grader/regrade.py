"""Grade again, with what changed and why: after a mistake in a test, a new edition, or a student's request.

    make regrade SUBMISSIONS=folder SEED=number GRADES=folder REASON="question 3 took a right answer for a wrong one"

or ``PYTHONPATH=book python -m grader.regrade folder --seed number --grades folder --reason "..."``; KEY=... (``--key``)
grades one submission again. What follows ``--`` is for the grader itself. Marks of answers in words, overrides and late
work stay as they are. The old results stay in GRADES/history, with a table of what changed; GRADES/regrades.csv is the
log.
"""

import getpass
import json
import shutil
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from grader import __main__ as grader
from grader import collect, manual, suite
from grader.grades import run_of
from grader.results import QuestionResult, Result, number, stored
from grader.words import Parser
from srcnn.files import InputError, write

DIFF = ["key", "student", "question", "before", "after", "why"]
LOG = ["time", "who", "reason", "submissions", "changed", "up", "down", "tests_before", "tests_after", "details"]


def begin(grades: Path, keys: list[str], reason: str) -> Path:
    """Put the old results aside, or find those that an interrupted run put aside.

    Args:
        grades: the folder of the grades.
        keys: submissions; all of them if empty.
        reason: for the log.

    Returns:
        The folder in ``history`` that has them.

    Raises:
        InputError: a submission is not there, or another run was interrupted and has to end first.
    """
    run, history = run_of(grades), grades / "history"
    tests = suite.load(run["assignment"])
    known = {path.stem for path in (grades / "results").glob("*.json")}
    for place in sorted(history.glob("[0-9]*")):
        if not (place / "diff.csv").exists():
            asked = json.loads((place / "request.json").read_text(encoding="utf-8"))
            if (asked["keys"], asked["reason"]) != (keys, reason):
                raise InputError(f"a regrade was interrupted; first end it, with REASON={asked['reason']!r} as before")
            return place
    for key in keys:
        if key not in known:
            raise InputError(f"there is no submission {key}; the names in {grades / 'results'} are the keys")
    if keys and run.get("tests") != tests.digest:
        raise InputError("the tests have changed, so all submissions are to be graded again; leave KEY= away")
    numbers = [int(place.name) for place in history.glob("[0-9]*")]
    place = history / f"{max(numbers, default=0) + 1:03}"
    part = history / f".{place.name}"
    shutil.rmtree(part, ignore_errors=True)
    (part / "results").mkdir(parents=True)
    for name in ("run.json", "grades.csv"):
        if (grades / name).exists():
            shutil.copy2(grades / name, part / name)
    for key in keys or sorted(known):
        shutil.copy2(grades / "results" / f"{key}.json", part / "results")
    asked = {"keys": keys, "reason": reason, "before": run.get("tests", ""), "after": tests.digest}
    write(part / "request.json", json.dumps(asked))
    part.rename(place)  # whole from here on; only now is anything taken away
    for path in (place / "results").iterdir():
        (grades / "results" / path.name).unlink()
    write(grades / "run.json", json.dumps({**run, "tests": tests.digest}))
    return place


def undo(grades: Path, place: Path) -> None:
    """Put everything back as it was, where nothing could be graded."""
    for path in (place / "results").iterdir():
        shutil.copy2(path, grades / "results" / path.name)
    shutil.copy2(place / "run.json", grades / "run.json")
    shutil.rmtree(place)


def end(grades: Path, place: Path, gone: list[str]) -> list[str]:
    """Write what changed, and add a line to the log.

    Args:
        grades: the folder of the grades.
        place: what :func:`begin` gave.
        gone: submissions that are not there any more, whose results stay.

    Returns:
        Sentences for the instructor.
    """
    before = {result.key: result for result in stored(place)}
    after = {result.key: result for result in stored(grades)}
    rows, moved = [], {}
    for key, old in before.items():
        if key in after:
            changed = _changes(old, after[key])
            rows += [[key, after[key].student, *row] for row in changed]
            if changed:
                moved[key] = after[key].points - old.points
    write(place / "diff.csv", manual.table([DIFF, *rows]))
    up, down = sum(change > 0 for change in moved.values()), sum(change < 0 for change in moved.values())
    asked = json.loads((place / "request.json").read_text(encoding="utf-8"))
    line = [
        datetime.now(UTC).isoformat(timespec="seconds"),
        getpass.getuser(),
        asked["reason"],
        len(before),
        len(moved),
    ]
    line += [up, down, asked["before"][:16], asked["after"][:16], f"history/{place.name}/diff.csv"]
    old = [[row.get(name) or "" for name in LOG] for row in manual.rows_of(grades / "regrades.csv")]
    write(grades / "regrades.csv", manual.table([LOG, *old, line]))
    told = [f"{len(moved)} of {len(before)} changed: {up} up, {down} down; see {place / 'diff.csv'}"]
    told += [
        f"  {key}: {number(change)} points"
        for key, change in sorted(moved.items(), key=lambda one: one[1])
        if change < 0
    ]
    if gone:
        told.append(f"{len(gone)} are not among the submissions any more and stay as they were: {', '.join(gone[:5])}")
    return told


def _changes(old: Result, new: Result) -> list[list[str]]:
    """A row for each question whose points differ, and one where the state does."""
    rows = []
    if old.status != new.status:
        rows.append(["", old.status, new.status, new.reason or old.reason])
    before, after = ({q.number: q for q in result.questions} for result in (old, new))
    for n in sorted(before.keys() | after.keys()):
        points = [_points(questions.get(n)) for questions in (before, after)]
        if points[0] != points[1]:
            rows.append([str(n), *points, _why(before.get(n), after.get(n))])
    return rows


def _points(question: QuestionResult | None) -> str:
    return "" if question is None else number(question.points)


def _why(old: QuestionResult | None, new: QuestionResult | None) -> str:
    verdicts = [{case.name: case for case in question.cases} if question else {} for question in (old, new)]
    told = []
    for name in dict.fromkeys([*verdicts[0], *verdicts[1]]):
        was, now = (each.get(name) for each in verdicts)
        if was is None or now is None:
            told.append(f"{name}: {'new' if was is None else 'gone'}")
        elif was.passed != now.passed:
            told.append(f"{name}: now right" if now.passed else f"{name}: now wrong ({now.hint or new.reason})")
        elif was.points != now.points:
            told.append(f"{name}: other points")
    return "; ".join(told)


def _keep_missing(grades: Path, place: Path, submissions: Path) -> list[str]:
    """Give back the results whose submissions are not there any more, so that nobody is lost; their keys."""
    there = {submission.key for submission in collect.find(submissions)} if submissions.exists() else set()
    gone = sorted({path.stem for path in (place / "results").iterdir()} - there) if there else []
    for key in gone:
        shutil.copy2(place / "results" / f"{key}.json", grades / "results")
    return gone


def main(words: list[str] | None = None) -> int:
    """Grade again, and return the exit status."""
    words = sys.argv[1:] if words is None else words
    mine, rest = (words[: words.index("--")], words[words.index("--") + 1 :]) if "--" in words else (words, [])
    parser = Parser("grader.regrade", __doc__, "SUBMISSIONS")
    parser.add_argument("submissions", type=Path, help="the same as before, or with what has been handed in since")
    parser.add_argument("--seed", required=True, help="the same as before")
    parser.add_argument("--grades", type=Path, required=True, help="the folder that `make grade` made")
    parser.add_argument("--reason", required=True, help="why, for the log")
    parser.add_argument("--key", action="append", default=[], help="grade this submission alone")
    try:
        options = parser.parse_args(mine)
        if not options.reason.strip():
            raise InputError("REASON= is wanted; it goes into the log")
        run = run_of(options.grades)
        if str(run.get("seed")) != options.seed.strip():
            raise InputError(f"{options.grades} was graded with another seed; a regrade takes the same one")
        place = begin(options.grades, options.key, options.reason.strip())
    except (InputError, OSError) as problem:
        print(f"regrade: {problem}", file=sys.stderr)
        return 2
    gone = _keep_missing(options.grades, place, options.submissions)
    command = [str(options.submissions), "--seed", options.seed, "--out", str(options.grades)]
    status = grader.main([*command, "--assignment", run["assignment"], *rest])
    asked = {path.name for path in (place / "results").iterdir()} - {f"{key}.json" for key in gone}
    if status == 2 and not any((options.grades / "results" / name).exists() for name in asked):
        undo(options.grades, place)
        print("regrade: nothing was graded, and the grades are as they were", file=sys.stderr)
    if status:
        return status
    told = end(options.grades, place, gone)
    print("\n".join(told))
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, grader.interrupt)
    sys.exit(main())
