"""Grading processes, side by side: each has one submission at a time, and none ends the others' work.

Processes and not threads, because a check may exchange functions of the package for a while
(:func:`srcnn.checks.judging.forbidding`).
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

import psutil
import torch

from grader import autograde, suite
from grader.collect import Submission
from grader.confine import Limits, Protection
from grader.results import Result


def results(
    waiting: list[Submission], name: str, seed: int, protection: Protection, limits: Limits, jobs: int
) -> Iterator[Result]:
    """Results as they come. A grading process that dies is the fault of one submission: then they go one by one."""
    how = name, seed, protection, limits
    left = {submission.key: submission for submission in waiting}
    try:
        with _pool(jobs) as pool:
            futures = {pool.submit(_one, submission, *how): submission for submission in waiting}
            for future in as_completed(futures):
                result = future.result()
                del left[futures[future].key]
                yield result
    except BrokenProcessPool:
        for submission in left.values():
            try:
                with _pool(1) as pool:
                    yield pool.submit(_one, submission, *how).result()
            except BrokenProcessPool:
                yield _failed(submission, "the process that graded it was killed; is there enough memory?")


def _pool(jobs: int) -> ProcessPoolExecutor:
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
    """Raised where our own tests do not end; an Exception would be taken for the student's fault."""


def _one(submission: Submission, name: str, seed: int, protection: Protection, limits: Limits) -> Result:
    def ring(*_: object) -> None:
        raise _Stuck

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 2 * limits.total + 600)
    try:
        return autograde.grade(submission, suite.load(name), seed, protection, limits)
    except _Stuck:
        return _failed(submission, "the tests themselves did not come to an end")
    except Exception as error:  # a fault of ours, which must not end the others' grading
        return _failed(submission, f"{type(error).__name__} in the grader: {error}"[:500])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _failed(submission: Submission, reason: str) -> Result:
    result = autograde.blank(submission)
    result.status, result.reason = "failed", reason
    return result
