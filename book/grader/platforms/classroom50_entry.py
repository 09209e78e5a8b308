"""Grades one submission in Classroom 50, as its ``autograder.py``; ``make handin FOR=classroom50`` copies it there.

It needs nothing but Python: the rest it installs, once for a machine. An error ends it, and Classroom 50 shows that.
"""

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
COURSE = HERE / "course"


def run(words: list[str], **more: object) -> str:
    """What a command prints; an error where it fails."""
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, **more).stdout


def python(install: str) -> str:
    """The interpreter that has the package, in an environment of its own."""
    if sys.version_info < (3, 11):  # noqa: UP036 - it runs with whatever Python the runner has
        sys.exit('Python 3.11 or newer is needed; give the assignment the "python" of runtime.json')
    place = Path(os.environ.get("RUNNER_TEMP", HERE)) / "srcnn-venv"
    found = place / "bin" / "python"
    if not found.exists():
        run([sys.executable, "-m", "venv", str(place)])
        run(["bash", "-c", install.replace("@python", str(found)).replace("@course", str(COURSE))])
    return str(found)


def submitted() -> str:
    """When the graded commit was made."""
    seconds = int(run(["git", "-c", "safe.directory=*", "show", "-s", "--format=%ct", "HEAD"]))
    return stamp(datetime.datetime.fromtimestamp(seconds, datetime.UTC))


def stamp(time: datetime.datetime) -> str:
    """A time as the form wants it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def main() -> None:
    """Grade the checkout in which it runs, and write ``result.json`` and the text of the release."""
    settings = json.loads((HERE / "settings.json").read_text(encoding="utf-8"))
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]  # bubblewrap wants it, where users may not make namespaces
    words = [*root, "env", f"PATH={os.environ['PATH']}", f"PYTHONPATH={COURSE / 'book'}", python(settings["install"])]
    words += ["-P", "-m", "grader.platforms.classroom50", settings["assignment"], os.getcwd()]
    told = json.loads(run(words, cwd="/"))
    env = os.environ
    result = {
        "schema": "classroom50/result/v1",
        "classroom": env["CLASSROOM"],
        "assignment": env["ASSIGNMENT"],
        "assignment_type": env.get("ASSIGNMENT_TYPE") or "individual",
        "owner": env.get("OWNER") or env["USERNAME"],
        "submission": env["SUBMISSION_TAG"],
        "commit": env["COMMIT_URL"],
        "release": env["RELEASE_URL"],
        "review": env.get("REVIEW_URL") or env["COMMIT_URL"],
        "datetime": submitted(),
        "graded_at": stamp(datetime.datetime.now(datetime.UTC)),
        **told["result"],
    }
    for name, text in (("result.json", json.dumps(result, indent=2)), ("release-body.md", told["body"])):
        Path(name).unlink(missing_ok=True)  # a submission may have put a link there
        Path(name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
