"""What both bundles do on their platform: grade one student's files, with the tests out of the submission's reach."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from grader import autograde, collect, sandbox, suite
from grader.confine import Limits, Protection, environment
from grader.results import Result, number

NOBODY = 65534


def protection(limits: Limits, another_user: bool) -> Protection:
    """How a submission is kept in here.

    Args:
        limits: of a submission.
        another_user: whether another user will do where bubblewrap does not start; only where everything that is
            secret is closed to other users.

    Raises:
        NoSandbox: nothing that would do starts here.
    """
    try:
        return sandbox.choose(None, False, limits)
    except sandbox.NoSandbox:
        if not another_user or os.geteuid() != 0:
            raise
    if why := _closed():
        raise sandbox.NoSandbox(f"bubblewrap does not start, and another user cannot use this Python: {why}")
    return Protection("user")


def _closed() -> str:
    """Why another user cannot use this Python; that would stop every cell, and look like the student's fault."""
    words = [sys.executable, "-P", "-c", "import bdb, torch, IPython.core.interactiveshell, srcnn.checks"]
    who = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    try:
        tried = subprocess.run(words, env=environment("/"), cwd="/", capture_output=True, text=True, check=False, **who)
    except OSError as error:
        return str(error)
    return tried.stderr.strip()[-300:] or f"exit code {tried.returncode}" if tried.returncode else ""


def grade(folder: Path, assignment: str, seed: int, *, another_user: bool) -> Result:
    """Grade what one student handed in.

    Args:
        folder: with the student's files.
        assignment: its name.
        seed: that the hidden tests draw from.
        another_user: see :func:`protection`.

    Raises:
        NoSandbox: nothing was graded, for no fault of the student's.
    """
    torch.set_num_threads(1)  # as the grader's own processes
    limits = autograde.LIMITS.get(assignment, Limits())
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(folder, Path(place) / "handed-in", symlinks=True, ignore=shutil.ignore_patterns(".git"))
        submission = collect.of_one(Path(place), assignment)
        tests = suite.load(assignment)
        result = autograde.grade(submission, tests, seed, protection(limits, another_user), limits)
    if result.status == "failed":
        raise sandbox.NoSandbox(result.reason)
    return result


def told(result: Result, assignment: str) -> str:
    """What a student may read at once: what was found and run, and no verdict on any answer."""
    lines = [f"Read: {result.file.removeprefix('handed-in/')}."] if result.file else []
    if result.reason:
        lines.append(f"It could not be graded: {result.reason}. Hand it in again.")
    lines += [f"Code cell {n} was left out: {why}." for n, why in result.left_out.items()]
    lines += [f"Code cell {n} stopped: {why}" for n, why in result.errors.items()]
    lines += [f"Question {q.number}: {q.reason}." for q in result.questions if q.reason and _missing(q.reason)]
    lines += [f"Note: {remark}." for remark in result.remarks]
    written = suite.load(assignment).written
    for n, rubric in written.items():
        words = len(result.written.get(n, "").split())
        found = f"an answer of {words} words was found" if words else "NO ANSWER was found"
        lines.append(f"Question {n}, in words: {found}; a person marks it ({number(rubric.points)} points).")
    return "\n".join(lines)


def _missing(reason: str) -> bool:
    return any(words in reason for words in ("is not in the notebook", "is not there", "not answered", "deleted again"))
