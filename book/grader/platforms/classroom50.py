"""Classroom 50: the folder of an assignment's autograder, and what runs in GitHub's runner.

As Classroom 50 documents it (its wiki, Advanced Autograding): ``autograder.py`` and what lies beside it go to
``CLASSROOM/autograders/ASSIGNMENT``; it runs in the student's checkout and writes ``result.json``, whose scores are
whole numbers; an exit status other than 0 is an error of ours, and no score.

The folder is published, and the student owns the repository in which it runs, so no secret can be kept there. Each run
draws a seed of its own, which nobody knows beforehand; the marks that count come from ``make grade`` with your seed.
"""

import json
import secrets
import shutil
import sys
from fractions import Fraction
from math import lcm
from pathlib import Path

from grader.platforms import bundle, container
from grader.results import Result, number
from grader.sandbox import NoSandbox
from srcnn.files import InputError

LARGEST = 10 * 2**20  # bytes of what Classroom 50 publishes, packed
ENTRY = Path(__file__).with_name("classroom50_entry.py")
RUNTIME = {"runs-on": "ubuntu-latest", "python": "3.12", "apt": ["bubblewrap"]}


def write(assignment: str, out: Path | None = None) -> Path:
    """Write the folder that is copied to ``CLASSROOM/autograders/ASSIGNMENT``, and ``runtime.json`` for the assignment.

    Args:
        assignment: its name.
        out: the folder; ``classroom50-ASSIGNMENT`` if not given.

    Returns:
        The folder.

    Raises:
        InputError: there is something of that name, or the bundle is larger than Classroom 50 fetches.
    """
    out = out or Path(f"classroom50-{assignment}")
    if out.exists():
        raise InputError(f"{out} is there already; give OUT= another name, or remove it")
    wanted = bundle.files(assignment)
    if sum(path.stat().st_size for path in wanted.values()) > LARGEST:
        raise InputError(f"the bundle is larger than the {LARGEST >> 20} MB that Classroom 50 fetches")
    try:
        for name, path in wanted.items():
            (out / "course" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, out / "course" / name)
        shutil.copyfile(ENTRY, out / "autograder.py")
        settings = {"assignment": assignment, "install": bundle.install("@course", "@python")}
        (out / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
        (out / "runtime.json").write_text(json.dumps(RUNTIME), encoding="utf-8")
    except OSError:
        shutil.rmtree(out, ignore_errors=True)
        raise
    return out


def report(result: Result, assignment: str) -> dict:
    """The part of Classroom 50's ``result.json`` that is about the answers, and the text of the release."""
    cases = [(question, case) for question in result.questions for case in question.cases]
    # its scores are whole numbers, and ours have halves
    times = lcm(*(Fraction(case.possible).limit_denominator(100).denominator for _, case in cases))
    tests = [
        {
            "test-name": f"Question {question.number}: {case.name}",
            "passed": case.passed,
            "score": round(case.points * times),
            "max-score": round(case.possible * times),
            "hint": "" if case.passed else case.hint or question.reason or result.reason,
        }
        for question, case in cases
    ]
    score = sum(test["score"] for test in tests), sum(test["max-score"] for test in tests)
    unit = "points" if times == 1 else f"points, each counted {times} times because Classroom 50 wants whole numbers"
    body = [f"### {score[0]} of {score[1]} ({number(result.points)} of {number(result.possible)} {unit})", ""]
    body += ["A trial with values drawn for this run alone. The mark comes from the grading after the due time.", ""]
    body += [f"- {line}" for line in container.told(result, assignment).splitlines()]
    body += [f"- {test['test-name']}: {'right' if test['passed'] else 'not yet. ' + test['hint']}" for test in tests]
    return {"result": {"score": score[0], "max-score": score[1], "tests": tests}, "body": "\n".join(body) + "\n"}


def main(assignment: str, folder: str) -> int:
    """Grade a checkout, and print what came of it as JSON."""
    try:
        result = container.grade(Path(folder), assignment, secrets.randbits(62), another_user=False)
    except NoSandbox as why:
        print(f"not graded, for no fault of the student's: {why}", file=sys.stderr)
        return 1
    print(json.dumps(report(result, assignment)))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
