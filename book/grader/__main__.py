"""Grade the submissions of an assignment.

    make grade SUBMISSIONS=folder SEED=number

or ``PYTHONPATH=book python -m grader folder --seed number``. Each submission runs in a sandbox of its own: bubblewrap,
or a container where ``--container IMAGE`` names an image that has Python and the package (the Containerfile beside this
file makes one: ``podman build -t srcnn-grader -f book/grader/Containerfile .``). The grading can be stopped at any time
(Ctrl-C) and goes on where it was when it is started again with the same words.

What comes of it, in the folder --out: grades.csv, feedback/ (a page for each student), summary.html, results/ (what the
others are made of), and marks.csv where answers in words wait for marks: fill its column points and start again. A mark
that a person knows better goes into overrides.csv there (columns key, question, points, reason).
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import signal
import sys
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path

from exercises import variants as handed_out
from exercises.training import photographs

from grader import adjust, autograde, collect, manual, pool, report, sandbox, suite
from grader.collect import Submission
from grader.confine import Limits
from grader.results import Result, number, stored
from grader.suite import TestSuite
from grader.words import Parser
from srcnn.checks import variants
from srcnn.files import InputError, write


class UsageError(Exception):
    """The command cannot be carried out; one sentence says why."""


def main(words: list[str] | None = None) -> int:
    """Grade, and return the exit status."""
    try:
        _grade(_options(words))
    except (UsageError, InputError, sandbox.NoSandbox, manual.Unmarked, OSError) as problem:
        print(f"grade: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped; what is graded is kept, and the same command goes on from there", file=sys.stderr)
        return 130
    return 0


def interrupt(*_: object) -> None:
    """End the grading processes, whose sandboxes end with them; what is graded is stored."""
    for process in multiprocessing.active_children():
        process.kill()
    raise KeyboardInterrupt


def _options(words: list[str] | None) -> argparse.Namespace:
    parser = Parser("grader", __doc__, "SUBMISSIONS")
    parser.add_argument("submissions", type=Path, help="folder or zip file, as the learning platform exports it")
    parser.add_argument("--seed", required=True, help="what the hidden tests draw from: a whole number, kept secret")
    parser.add_argument("--out", type=Path, help="folder for what comes of it (the submissions' name and -grades)")
    parser.add_argument("--assignment", choices=sorted(autograde.NAMES), help="which one (recognized if not given)")
    parser.add_argument(
        "--photographs",
        type=Path,
        metavar="FOLDER",
        help="what Train and report is tried on (scenes drawn from the seed)",
    )
    parser.add_argument(
        "--variants",
        type=Path,
        metavar="TABLE",
        help="variants.csv, to see whether each code was given out, and to one",
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time (%(default)s)")
    parser.add_argument("--container", metavar="IMAGE", help="run each submission in a container of this image")
    parser.add_argument(
        "--unprotected", action="store_true", help="no sandbox: submissions can read and write what you can"
    )
    for field in fields(Limits):
        others = [(name, getattr(limits, field.name)) for name, limits in autograde.LIMITS.items()]
        usual = ", ".join([str(field.default), *(f"{v} for {name}" for name, v in others if v != field.default)])
        told = f"limit: {field.metadata['help']} ({usual})"
        parser.add_argument(f"--{field.name}", type=field.type, metavar="N", help=told)
    return parser.parse_args(words)


def _grade(options: argparse.Namespace) -> None:
    place, seed = options.submissions, _seed(options.seed)
    whole = place.resolve()
    out = options.out or whole.with_name(f"{whole.name if whole.is_dir() else whole.stem}-grades")
    found = _found(place, out)
    try:
        tests = suite.load(options.assignment or _assignment(found, place))
    except FileNotFoundError as missing:
        raise UsageError(missing) from None
    found = [submission.of(tests.name) for submission in found]
    given = {f.name: getattr(options, f.name) for f in fields(Limits) if getattr(options, f.name) is not None}
    if options.jobs < 1 or any(value <= 0 for value in given.values()):
        raise UsageError("--jobs and the limits are numbers above 0")
    limits = replace(autograde.LIMITS.get(tests.name, Limits()), **given)
    tried = _photographs(options.photographs, tests.name)
    doubts, table = _doubts(options.variants, found, tests.name)
    run = {"assignment": tests.name, "seed": seed, "tests": tests.digest, "photographs": tried, "variants": table}
    _prepare(out, run)
    manual.read(out / "marks.csv", tests)  # marks that cannot be read are told before the work, not after it
    adjust.read(out, tests)
    waiting = [submission for submission in found if not _done(out, submission)]
    protection = sandbox.choose(options.container, options.unprotected, limits) if waiting else None
    kept = len(found) - len(waiting)
    print(f"{tests.name}: {len(found)} submissions, {kept} of them graded before", flush=True)
    if protection:
        print(f"protection: {protection}", flush=True)
    results = pool.results(waiting, tests.name, seed, protection, limits, options.jobs)
    for count, result in enumerate(results, start=kept + 1):
        result.protection = str(protection)
        result.notes += doubts.get(result.key, [])
        write(out / "results" / f"{result.key}.json", result.to_json())
        told = f"{number(result.points)} of {number(result.possible)}"
        told += "" if result.status == "graded" else f", {result.status}: {result.reason}"
        print(f"[{count}/{len(found)}] {result.student}: {told}", flush=True)
    results, withdrawn = _split(list(stored(out)), found)
    facts = _facts(results, tests, seed, limits)
    report.write(out, results, tests, facts)
    # with these the pages can be made anew, and the submissions found when they are to be deleted
    more = {"facts": facts, "withdrawn": [r.key for r in withdrawn], "submissions": str(place.resolve())}
    write(out / "run.json", json.dumps({**run, **more}))
    if withdrawn:
        names = ", ".join(result.student for result in withdrawn)
        print(f"{len(withdrawn)} graded before are no longer among the submissions, and in no table: {names}")
    failed = sum(result.status == "failed" for result in results)
    if failed:
        print(f"{failed} could not be run for a reason that is not theirs; the same command tries them again")
    print(f"grades: {out / 'grades.csv'}, summary: {out / 'summary.html'}")


def _seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"the seed is a whole number, such as 20261; {text!r} is none") from None


def _found(place: Path, out: Path) -> list[Submission]:
    if not place.exists():
        raise UsageError(f"there is no folder {place}")
    if place.is_file() and place.suffix.lower() != ".zip":
        raise UsageError(f"{place} is neither a folder nor a zip file; give the folder that has the submissions in it")
    if place.is_dir() and out.resolve().is_relative_to(place.resolve()):
        raise UsageError(f"{out} is inside the folder of the submissions; give --out another place")
    found = collect.find(place)
    if not found or all(submission.problem for submission in found):
        raise UsageError(f"there are no submissions in {place}: files NAME.ipynb, or folders with one, are wanted")
    return found


def _assignment(found: list[Submission], place: Path) -> str:
    votes: Counter = Counter()
    for submission in found:
        try:
            votes[collect.assignment(submission.notebook, collect.NAMES)] += 1
        except collect.Unreadable:
            continue
    del votes[None]
    if not votes.total():
        raise UsageError(f"no submission in {place} shows which assignment it is of; say it with --assignment")
    return votes.most_common(1)[0][0]


def _photographs(folder: Path | None, assignment: str) -> str:
    """Set the instructor's photographs for all that are graded, and say which they are."""
    os.environ.pop(photographs.FOLDER, None)
    if folder is None:
        return ""
    if assignment != "training":
        raise UsageError("only Train and report is tried on photographs; leave --photographs out")
    try:
        found = photographs.digest(folder)
    except InputError as problem:
        raise UsageError(problem) from None
    os.environ[photographs.FOLDER] = str(folder.resolve())
    return found


def _doubts(table: Path | None, found: list[Submission], assignment: str) -> tuple[dict[str, list[str]], str]:
    """What a person should know of the codes in a class, by the submissions' keys; and which table says it."""
    if table is None:
        return {}, ""
    if assignment not in variants.CHOICES:
        raise UsageError(f"{assignment} has no variants; leave --variants out")
    owners, codes = handed_out.given(table), {}
    for submission in found:
        try:
            codes[submission.key] = variants.found("\n".join(submission.notebook.cells))
        except collect.Unreadable:
            continue
    count, doubts = Counter(codes.values()), {}
    for key, code in codes.items():
        told = (
            f"its variant {code} was never given out" if code else "it has no variant, and was graded by the common one"
        )
        if code in owners:
            told = (
                f"its variant is that of {owners[code]}, and {count[code]} notebooks have it" if count[code] > 1 else ""
            )
        doubts[key] = [told] if told else []
    return doubts, hashlib.sha256(table.read_bytes()).hexdigest()


def _prepare(out: Path, run: dict) -> None:
    """Make the folder of the results, or see that it is one of the same run."""
    file = out / "run.json"
    if file.exists():
        before = json.loads(file.read_text(encoding="utf-8"))
        other = [key for key in run if before.get(key, "") != run[key]]
        if other:
            words = {
                "tests": "other tests (has the repository changed?)",
                "photographs": "other photographs",
                "variants": "another table of variants",
            }
            told = " and ".join(words.get(key, f"another {key}, {before.get(key)}") for key in other)
            raise UsageError(f"{out} has results of {told}; give --out another folder, or remove this one")
    elif out.exists() and (not out.is_dir() or any(path.name != ".run.json.part" for path in out.iterdir())):
        raise UsageError(f"{out} has something else in it; give --out a new folder")
    out.mkdir(mode=0o700, parents=True, exist_ok=True)  # grades are nobody else's business
    write(file, json.dumps(run))  # first, so that a folder that a kill left is known as this run's
    (out / "results").mkdir(exist_ok=True)


def _split(results: list[Result], found: list[Submission]) -> tuple[list[Result], list[Result]]:
    """The results of what is among the submissions, and those of what was withdrawn; their files are kept."""
    keys = {submission.key for submission in found}
    return [r for r in results if r.key in keys], [r for r in results if r.key not in keys]


def _done(out: Path, submission: Submission) -> bool:
    path = out / "results" / f"{submission.key}.json"
    if not path.exists():
        return False
    result = Result.from_json(path.read_text(encoding="utf-8"))
    return result.digest == submission.digest and result.status != "failed"


def _facts(results: list[Result], tests: TestSuite, seed: int, limits: Limits) -> dict[str, str]:
    protections = Counter(result.protection for result in results)
    return {
        "protection": "; ".join(protections) or "none was needed",
        "limits": f"{limits.cell:g} s of the processor a cell, {limits.call:g} s a call, {limits.total:g} s in all, "
        f"{limits.memory} MB of memory, {limits.processes} processes, {limits.output} MB of output",
        "seed": str(seed),
        "tests": tests.digest[:16],
        "time": f"{sum(result.seconds for result in results) / 60:.0f} minutes of grading",
    }


if __name__ == "__main__":
    signal.signal(signal.SIGINT, interrupt)
    sys.exit(main())
