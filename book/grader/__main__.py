"""Grade the submissions of an assignment.

    make grade SUBMISSIONS=folder SEED=number

or ``python book/exercises/grading/grade.py folder --seed number``. Each submission runs in a sandbox of its own:
bubblewrap, or a container where ``--container IMAGE`` names an image that has Python and the package (the Containerfile
beside this file makes one: ``podman build -t srcnn-grader -f book/exercises/grading/Containerfile .``). The grading can
be stopped at any time (Ctrl-C) and goes on where it was when it is started again with the same words.

What comes of it, in the folder --out: grades.csv, feedback/ (a page for each student), summary.html, results/ (what the
others are made of), and marks.csv where answers in words wait for marks: fill its column points and start again.
"""

import argparse
import json
import multiprocessing
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import fields, replace
from pathlib import Path

import psutil
import torch

import box
import marking
import marks
import report
import submissions
from box import NoSandbox
from marking import Bundle
from marks import number
from sandbox import Limits, Protection
from srcnn.files import atomic
from submissions import Submission


class Wrong(Exception):
    """The command cannot be carried out; one sentence says why."""


def main(words: list[str] | None = None) -> int:
    """Grade, and return the exit status."""
    options = _options(words)
    try:
        _grade(options)
    except (Wrong, NoSandbox, marks.Unmarked, OSError) as problem:
        print(f"grade: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped; what is graded is kept, and the same command goes on from there", file=sys.stderr)
        return 130
    return 0


def _interrupt(*_: object) -> None:
    """End the grading processes, whose sandboxes end with them; what is graded is stored."""
    for process in multiprocessing.active_children():
        process.kill()
    raise KeyboardInterrupt


def _options(words: list[str] | None) -> argparse.Namespace:
    head, _, rest = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="grade", description=head, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("submissions", type=Path, help="folder or zip file: NAME.ipynb, or a folder NAME, per student")
    parser.add_argument("--seed", required=True, help="what the hidden tests draw from: a whole number, kept secret")
    parser.add_argument("--out", type=Path, help="folder for what comes of it (the submissions' name and -grades)")
    parser.add_argument("--assignment", choices=sorted(marking.NAMES), help="which one (recognized if not given)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time (%(default)s)")
    parser.add_argument("--container", metavar="IMAGE", help="run each submission in a container of this image")
    parser.add_argument(
        "--unprotected", action="store_true", help="no sandbox: submissions can read and write what you can"
    )
    for field in fields(Limits):
        parser.add_argument(f"--{field.name}", type=field.type, metavar="N", help=f"limit: {_limit(field.name)}")
    return parser.parse_args(words)


def _limit(name: str) -> str:
    """What a limit is, from the words of its class, and its values."""
    lines = Limits.__doc__.splitlines()
    told = next(line for line in lines if line.strip().startswith(f"{name}:")).split(": ", 1)[1].rstrip(".")
    usual = getattr(Limits(), name)
    others = ((which, getattr(limits, name)) for which, limits in marking.LIMITS.items())
    return f"{told} ({usual}{''.join(f', {value} for {which}' for which, value in others if value != usual)})"


def _grade(options: argparse.Namespace) -> None:
    place, seed = options.submissions, _seed(options.seed)
    out = options.out or place.resolve().with_name(f"{place.resolve().stem}-grades")
    found = _found(place, out)
    name = options.assignment or _assignment(found, place)
    try:
        tests = marking.bundle(name)
    except FileNotFoundError as missing:
        raise Wrong(missing) from None
    given = {f.name: getattr(options, f.name) for f in fields(Limits) if getattr(options, f.name) is not None}
    if options.jobs < 1 or any(value <= 0 for value in given.values()):
        raise Wrong("--jobs and the limits are numbers above 0")
    limits = replace(marking.LIMITS.get(name, Limits()), **given)
    _prepare(out, {"assignment": name, "seed": seed, "tests": tests.digest})
    report.write(out, list(_stored(out)), tests, {})  # marks that cannot be read are told before the work, not after it
    waiting = [submission for submission in found if not _done(out, submission)]
    protection = box.choose(options.container, options.unprotected, limits) if waiting else None
    kept = len(found) - len(waiting)
    print(f"{name}: {len(found)} submissions, {kept} of them graded before", flush=True)
    if protection:
        print(f"protection: {protection}", flush=True)
    for count, result in enumerate(_results(waiting, tests, seed, protection, limits, options.jobs), start=kept + 1):
        result["protection"] = str(protection)
        with atomic(out / "results" / f"{result['key']}.json") as temporary:
            temporary.write_text(json.dumps(result, indent=1), encoding="utf-8")
        told = f"{number(result['total'])} of {number(result['possible'])}"
        told += "" if result["status"] == "graded" else f", {result['status']}: {result['reason']}"
        print(f"[{count}/{len(found)}] {result['student']}: {told}", flush=True)
    results = list(_stored(out))
    report.write(out, results, tests, _facts(results, tests, seed, limits))
    failed = sum(result["status"] == "failed" for result in results)
    if failed:
        print(f"{failed} could not be run for a reason that is not theirs; the same command tries them again")
    print(f"grades: {out / 'grades.csv'}, summary: {out / 'summary.html'}")


def _seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Wrong(f"the seed is a whole number, such as 20261; {text!r} is none") from None


def _found(place: Path, out: Path) -> list[Submission]:
    if not place.exists():
        raise Wrong(f"there is no folder {place}")
    if place.is_file() and place.suffix.lower() != ".zip":
        raise Wrong(f"{place} is neither a folder nor a zip file; give the folder that has the submissions in it")
    if place.is_dir() and out.resolve().is_relative_to(place.resolve()):
        raise Wrong(f"{out} is inside the folder of the submissions; give --out another place")
    found = submissions.find(place)
    if not found or all(submission.problem for submission in found):
        raise Wrong(f"there are no submissions in {place}: files NAME.ipynb, or folders with one, are wanted")
    return found


def _assignment(found: list[Submission], place: Path) -> str:
    votes: Counter = Counter()
    for submission in found:
        try:
            votes[submissions.assignment(submissions.read(submission.data), marking.NAMES)] += not submission.problem
        except submissions.Unreadable:
            continue
    del votes[None]
    if not votes.total():
        raise Wrong(f"no submission in {place} shows which assignment it is of; say it with --assignment")
    return votes.most_common(1)[0][0]


def _prepare(out: Path, run: dict) -> None:
    """Make the folder of the results, or see that it is one of the same run."""
    file = out / "run.json"
    if file.exists():
        before = json.loads(file.read_text(encoding="utf-8"))
        other = [key for key in run if before.get(key) != run[key]]
        if other:
            words = {"tests": "other tests (has the repository changed?)"}
            told = " and ".join(words.get(key, f"another {key}, {before.get(key)}") for key in other)
            raise Wrong(f"{out} has results of {told}; give --out another folder, or remove this one")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Wrong(f"{out} has something else in it; give --out a new folder")
    out.mkdir(mode=0o700, parents=True, exist_ok=True)  # grades are nobody else's business
    (out / "results").mkdir(exist_ok=True)
    with atomic(file) as temporary:
        temporary.write_text(json.dumps(run), encoding="utf-8")


def _stored(out: Path) -> Iterator[dict]:
    for path in sorted((out / "results").glob("*.json")):
        yield json.loads(path.read_text(encoding="utf-8"))


def _done(out: Path, submission: Submission) -> bool:
    path = out / "results" / f"{submission.key}.json"
    if not path.exists():
        return False
    result = json.loads(path.read_text(encoding="utf-8"))
    return result["digest"] == submission.digest and result["status"] != "failed"


def _results(waiting: list[Submission], *how: object) -> Iterator[dict]:
    """Results as they come. A grading process that dies is the fault of one submission: then they go one by one."""
    *rest, jobs = how
    left = {submission.key: submission for submission in waiting}
    try:
        with _pool(jobs) as pool:
            futures = {pool.submit(_one, submission, *rest): submission for submission in waiting}
            for future in as_completed(futures):
                result = future.result()
                del left[futures[future].key]
                yield result
    except BrokenProcessPool:
        for submission in list(left.values()):
            try:
                with _pool(1) as pool:
                    yield pool.submit(_one, submission, *rest).result()
            except BrokenProcessPool:
                yield _failed(submission, "the process that graded it was killed; is there enough memory?")


def _pool(jobs: int) -> ProcessPoolExecutor:
    # processes, because a check may exchange functions of the package for a while (srcnn.checks.judging.without)
    return ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=_begin)


def _begin() -> None:
    """Set up a grading process, which ends when the one that started it does, and its sandboxes with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    threading.Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    multiprocessing.parent_process().join()
    for process in psutil.Process().children(recursive=True):
        process.kill()
    os._exit(1)


class _Stuck(BaseException):
    """Raised where our own tests do not end; otter would take an Exception for the student's fault."""


def _one(submission: Submission, tests: Bundle, seed: int, protection: Protection, limits: Limits) -> dict:
    def ring(*_: object) -> None:
        raise _Stuck

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 2 * limits.total + 600)
    try:
        return marking.grade(submission, tests, seed, protection, limits)
    except _Stuck:
        return _failed(submission, "the tests themselves did not come to an end")
    except Exception as error:  # a fault of ours, which must not end the others' grading
        return _failed(submission, f"{type(error).__name__} in the grader: {error}"[:500])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _failed(submission: Submission, reason: str) -> dict:
    return {
        "student": marking.clean(submission.student, 200), "key": submission.key, "file": submission.file,
        "digest": submission.digest, "status": "failed", "reason": reason, "remarks": [], "questions": [],
        "errors": {}, "left_out": {}, "written": {}, "total": 0, "possible": 0, "seconds": 0,
    }  # fmt: skip


def _facts(results: list[dict], tests: Bundle, seed: int, limits: Limits) -> dict[str, str]:
    protections = Counter(result["protection"] for result in results)
    return {
        "protection": "; ".join(protections) or "none was needed",
        "limits": f"{limits.cell:g} s of the processor a cell, {limits.call:g} s a call, {limits.total:g} s in all, "
        f"{limits.memory} MB of memory, {limits.processes} processes, {limits.output} MB of output",
        "seed": str(seed),
        "tests": tests.digest[:16],
        "time": f"{sum(result['seconds'] for result in results) / 60:.0f} minutes of grading",
    }


if __name__ == "__main__":
    signal.signal(signal.SIGINT, _interrupt)
    sys.exit(main())
