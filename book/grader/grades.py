"""A folder of grades that is there already: opened again, and its pages made anew."""

import json
from dataclasses import dataclass
from pathlib import Path

from grader import report, suite
from grader.results import Result, stored
from grader.suite import TestSuite
from srcnn.files import InputError


@dataclass
class Grades:
    """What ``make grade`` left in a folder.

    Attributes:
        folder: where.
        run: which assignment, seed and tests; and what the summary says of the run.
        tests: of the assignment.
        results: of all submissions, with marks and adjustments once the pages have been made.
    """

    folder: Path
    run: dict
    tests: TestSuite
    results: list[Result]

    @property
    def possible(self) -> float:
        """Points of the whole assignment."""
        cases = sum(case.points for cases in self.tests.cases.values() for case in cases)
        return cases + sum(rubric.points for rubric in self.tests.written.values())

    def render(self) -> None:
        """Make the table and the pages anew, with the marks and adjustments that the folder has now."""
        report.write(self.folder, self.results, self.tests, self.run.get("facts", {}))


def reopen(folder: Path) -> Grades:
    """Open a folder of grades.

    Raises:
        InputError: it is none, it is empty, or the tests have changed since.
    """
    run = run_of(folder)
    tests = suite.load(run["assignment"])
    if run.get("tests") != tests.digest:
        raise InputError(
            f"the tests have changed since {folder} was made; `make regrade` grades it with those of today"
        )
    withdrawn = run.get("withdrawn", [])  # no longer among the submissions: kept, and in no table
    results = [result for result in stored(folder) if result.key not in withdrawn]
    if not results:
        raise InputError(f"{folder} has no results; run `make grade` to its end")
    return Grades(folder, run, tests, results)


def run_of(folder: Path) -> dict:
    """What ``make grade`` wrote of its run.

    Raises:
        InputError: the folder is none of its.
    """
    try:
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        return {**run, "assignment": run["assignment"]}
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{folder} is no folder that `make grade` made: it has no run.json") from None
