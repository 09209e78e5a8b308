"""Gradescope: the autograder's zip, and what runs in its container.

As Gradescope documents it (gradescope-autograders.readthedocs.io, Specifications and Submission Metadata): the zip has
setup.sh and run_autograder at its root and is unpacked to /autograder/source; the submission is in
/autograder/submission; results go to /autograder/results/results.json, where each test may have a visibility.

Everything runs as root there, so a submission could read the tests beside it. It does not: it runs in bubblewrap where
the container allows that, and else as a user without rights, to whom /autograder is closed.
"""

import json
import sys
import zipfile
from pathlib import Path

from grader.platforms import bundle, container
from grader.results import Result
from grader.sandbox import NoSandbox
from srcnn import files
from srcnn.files import InputError

VISIBILITY = ("visible", "after_due_date", "after_published", "hidden")
HOME = Path("/autograder")
SETTINGS = "settings.json"
PYTHON = "/opt/srcnn/bin/python"
SETUP = f"""#!/usr/bin/env bash
# Runs once, as root, when Gradescope builds the image.
set -euo pipefail
chmod -R go= {HOME}/source
apt-get update
for version in 3.13 3.12 3.11; do
    if apt-get install -y "python$version" "python$version-venv"; then break; fi
done
apt-get install -y bubblewrap || true  # where it does not start, another user does
"python$version" -m venv /opt/srcnn
INSTALL
"""
RUN = f"""#!/usr/bin/env bash
# Runs as root for each submission. Nobody else can look into {HOME} from here on: tests, seed and earlier results.
set -euo pipefail
chmod 700 {HOME}
cd /
PYTHONPATH={HOME}/source/book exec {PYTHON} -P -m grader.platforms.gradescope
"""


def write(assignment: str, seed: int, visibility: str, out: Path | None = None) -> Path:
    """Write the zip for *Configure Autograder*.

    Args:
        assignment: its name.
        seed: that the hidden tests draw from; it is in the zip, in a file that only root can read.
        visibility: of the tests' results, one of :data:`VISIBILITY`.
        out: the zip; ``gradescope-ASSIGNMENT.zip`` if not given.

    Returns:
        The zip.

    Raises:
        InputError: the file is there already, or cannot be written.
    """
    out = out or Path(f"gradescope-{assignment}.zip")
    if out.exists():
        raise InputError(f"{out} is there already; give OUT= another name, or remove it")
    settings = {"assignment": assignment, "seed": seed, "visibility": visibility}
    setup = SETUP.replace("INSTALL", bundle.install(f"{HOME}/source", PYTHON))
    with files.atomic(out) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text, mode in (
            ("setup.sh", setup, 0o755),
            ("run_autograder", RUN, 0o755),
            (SETTINGS, json.dumps(settings), 0o600),
        ):
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.external_attr = (0o100000 | mode) << 16
            archive.writestr(entry, text, zipfile.ZIP_DEFLATED)
        for name, path in bundle.files(assignment).items():
            archive.write(path, name)
    out.chmod(0o600)
    return out


def report(result: Result, assignment: str, visibility: str) -> dict:
    """A result in Gradescope's form. What could not be read is said where the student sees it at once.

    Args:
        result: of the submission.
        assignment: its name.
        visibility: of the tests.
    """
    tests = [
        {
            "name": f"Question {question.number}: {case.name}",
            "number": f"{question.number}.{k}",
            "score": case.points,
            "max_score": case.possible,
            "status": "passed" if case.passed else "failed",
            "output": "" if case.passed else case.hint or question.reason or result.reason,
            "visibility": visibility,
        }
        for question in result.questions
        for k, case in enumerate(question.cases, start=1)
    ]
    text = container.told(result, assignment)
    return {
        "output": text, "output_format": "text", "stdout_visibility": "hidden", "execution_time": round(result.seconds),
        "tests": tests,
        "extra_data": {"status": result.status, "protection": result.protection},
    }  # fmt: skip


def main(home: Path = HOME) -> int:
    """Grade the submission that is there. Without a sandbox there are no results, and Gradescope shows a failure."""
    settings = json.loads((home / "source" / SETTINGS).read_text(encoding="utf-8"))
    name = settings["assignment"]
    try:
        result = container.grade(home / "submission", name, settings["seed"], another_user=True)
    except NoSandbox as why:
        print(f"not graded, for no fault of the student's: {why}", file=sys.stderr)
        return 1
    told = json.dumps(report(result, name, settings["visibility"]))
    (home / "results").mkdir(exist_ok=True)
    files.write(home / "results" / "results.json", told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
