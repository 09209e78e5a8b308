"""One submission's grade: its notebook is run in the sandbox, and otter-grader's tests run out here against it."""

import functools
import hashlib
import inspect
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from otter.test_files import GradingResults, TestCase, TestFile, create_test_file

import submissions
from box import NoSandbox
from sandbox import Limits, Protection
from session import Session, Stopped, clean
from srcnn.checks import ASSIGNMENTS
from srcnn.questions import NotYet
from submissions import Submission, Unreadable

LIMITS = {"training": Limits(cell=300, call=180, total=2400)}  # two trainings; the notebook states the 180 seconds
EXERCISES = Path(__file__).resolve().parents[1]
NAMES = {name: {question.name for question in questions.values()} for name, questions in ASSIGNMENTS.items()}
TITLE = re.compile(r"^# *(.+)$", re.M)
QUESTION = re.compile(r"^## *Question (\d+)[^\n]*?\((\d+(?:\.\d+)?) points?\)(.*?)(?=^## |\Z)", re.M | re.S)
ROW = re.compile(r"^\|([^|\n]+)\| *(\d+(?:\.\d+)?) *\|$", re.M)
# what honest answers do without; a submission that has it is shown to the instructor, and graded all the same
ODD = re.compile(
    r"__code__|__globals__|DisableTorchFunction|_pop_mode|srcnn\.questions|checks_\w+|gc\.get_|sys\._getframe|/proc/|ctypes"
    r"|ASSIGNMENTS|QUESTIONS"
)


@dataclass(frozen=True)
class Rubric:
    """What an answer in words is marked by.

    Attributes:
        points: of the whole answer.
        rows: what a reader looks for, and the points for it.
    """

    points: float
    rows: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Bundle:
    """The tests of an assignment.

    Attributes:
        name: of the assignment.
        title: as its notebook has it.
        files: number of a question -> its tests, a Python file in otter's format.
        written: number of a question that is answered in words -> what it is marked by.
        digest: changes when the tests do.
    """

    name: str
    title: str
    files: dict[int, Path]
    written: dict[int, Rubric] = field(default_factory=dict)
    digest: str = ""


def bundle(name: str, exercises: Path = EXERCISES) -> Bundle:
    """The tests of an assignment as ``make exercises`` has made them.

    Raises:
        FileNotFoundError: they are not there.
    """
    folder = exercises / "bundle" / name
    found = {int(path.stem.removeprefix("question_")): path for path in folder.glob("question_*.py")}
    if not found:
        raise FileNotFoundError(f"there are no tests in {folder}; `make exercises` makes them")
    parts = [*sorted(found.values()), *sorted(exercises.glob("hidden*.py"))]
    digest = hashlib.sha256(b"".join(part.name.encode() + b"\0" + part.read_bytes() for part in parts)).hexdigest()
    worth = {number: sum(case.points for case in _load(path).test_cases) for number, path in found.items()}
    data = (exercises / "student" / f"{name}.ipynb").read_bytes()
    text = submissions.words(data)
    written = {}
    for number, points, body in QUESTION.findall(text):
        if int(number) in submissions.read(data).written:
            rows = tuple((what.strip(), float(each)) for what, each in ROW.findall(body))
            # the points of a question are those of its tests and those of its words
            written[int(number)] = Rubric(float(points) - worth.get(int(number), 0), rows)
    return Bundle(name, TITLE.search(text)[1], dict(sorted(found.items())), written, digest)


def grade(submission: Submission, tests: Bundle, seed: int, protection: Protection, limits: Limits) -> dict:
    """Grade one submission.

    Args:
        submission: what was handed in.
        tests: of the assignment.
        seed: that the hidden tests draw their cases from.
        protection: how the submission is kept in.
        limits: what it may use.

    Returns:
        The result, of what JSON can say. Its ``status`` is ``graded``, ``not graded`` (with the reason) or ``failed``
        (the grader's own fault; it is tried again in the next run).
    """
    begun = time.monotonic()
    result = {"student": clean(submission.student, 200), "key": submission.key, "file": clean(submission.file, 300),
              "digest": submission.digest, "status": "graded", "reason": "", "remarks": [], "questions": [],
              "errors": {}, "left_out": {}, "written": {}}  # fmt: skip
    if submission.remark:
        result["remarks"].append(clean(submission.remark))
    try:
        notebook = _notebook(submission, tests.name)
        result["written"] = {str(number): text[:20000] for number, text in notebook.written.items()}
        if notebook.remark:
            result["remarks"].append(notebook.remark)
        odd = sorted(set(ODD.findall("\n".join(notebook.cells))))
        if odd:
            result["remarks"].append(f"its code has {', '.join(odd)}, which an answer can do without")
        files = _run(result, notebook.cells, tests, seed, protection, limits)
    except (Unreadable, NoSandbox) as problem:
        failed = isinstance(problem, NoSandbox)
        result |= {"status": "failed" if failed else "not graded", "reason": clean(str(problem), 900)}
        files = [_load(path) for path in tests.files.values()]
        result["questions"] = [_unanswered(number, file, "") for number, file in zip(tests.files, files, strict=True)]
    totals = GradingResults(files)
    result |= {"total": totals.total, "possible": totals.possible, "seconds": round(time.monotonic() - begun, 1)}
    return result


def _notebook(submission: Submission, wanted: str) -> submissions.Notebook:
    if submission.problem:
        raise Unreadable(submission.problem)
    notebook = submissions.read(submission.data)
    found = submissions.assignment(notebook, NAMES)
    if found is None:
        raise Unreadable(f"nothing in the notebook belongs to the assignment {wanted}")
    if found != wanted and not submissions.assignment(notebook, {wanted: NAMES[wanted]}):
        raise Unreadable(f"this is the assignment {found}; {wanted} was to be handed in")
    return notebook


def _run(
    result: dict, cells: tuple[str, ...], tests: Bundle, seed: int, protection: Protection, limits: Limits
) -> list[TestFile]:
    session = Session(cells, tests.name, protection, limits)
    files = [_load(path) for path in tests.files.values()]
    try:
        for number, file in zip(tests.files, files, strict=True):
            result["questions"].append(_question(session, number, file, seed))
    finally:
        session.close()
    # the visible checks' verdicts are no news beside the grading's
    told = {n: text for n, text in session.errors.items() if not text.startswith(("NotYet", "Unanswered"))}
    result["errors"] = {str(number): text for number, text in sorted(told.items())}
    result["left_out"] = {str(number): text for number, text in sorted(session.left_out.items())}
    return files


def _load(path: Path) -> TestFile:
    for folder in (str(path.parents[2]), str(path.parent)):  # what the tests of several questions share
        if folder not in sys.path:
            sys.path.insert(0, folder)
    return create_test_file(str(path), None)


def _question(session: Session, number: int, file: TestFile, seed: int) -> dict:
    """Run the tests of one question."""
    session.broken = None
    asked = {name for case in file.test_cases for name in inspect.signature(case.body.test_func).parameters}
    environment: dict[str, object] = {"seed": seed}
    try:
        for name in sorted(asked - set(environment)):
            environment[name] = session.look(name, number)
    except NotYet as missing:
        return _unanswered(number, file, str(missing))
    raised: list[BaseException | None] = []
    for case in file.test_cases:
        case.body.test_func = _watched(case.body.test_func, raised)
    file.run(environment)
    cases = [
        {
            "name": _name(outcome.test_case),
            "points": outcome.test_case.points if outcome.passed else 0,
            "possible": outcome.test_case.points,
            "passed": outcome.passed,
            "hint": "" if outcome.passed else _hint(error),
        }
        for outcome, error in zip(file.test_case_results, raised, strict=True)
    ]
    hints = {case["hint"] for case in cases}
    return _summed(number, cases, hints.pop() if len(hints) == 1 else "")  # one and the same is said once


def _name(case: TestCase) -> str:
    """What a test case is about, in words: a source has them as the name of its function."""
    return case.body.test_func.__name__.removeprefix("test_").replace("_", " ")


def _watched(test: Callable, raised: list) -> Callable:
    """The test, which leaves what it raised in a list: otter's own message shows a line of the test."""

    @functools.wraps(test)
    def watched(*args: object, **kwargs: object) -> None:
        raised.append(None)
        try:
            test(*args, **kwargs)
        except Exception as error:
            raised[-1] = error
            raise

    return watched


def _hint(error: BaseException) -> str:
    """One sentence for the student; never a traceback, which would show the test."""
    text = clean(str(error))
    if isinstance(error, Stopped):
        return f"it stops with {type(error).__name__}: {text}" if text else f"it stops with {type(error).__name__}"
    if isinstance(error, (NotYet, AssertionError)):
        return text or "what it gives is not right"
    return f"what it gives could not be judged ({type(error).__name__}); is it of the kind that is asked for?"


def _unanswered(number: int, file: TestFile, reason: str) -> dict:
    cases = [
        {"name": _name(case), "points": 0, "possible": case.points, "passed": False, "hint": ""}
        for case in file.test_cases
    ]
    return _summed(number, cases, clean(reason))


def _summed(number: int, cases: list[dict], reason: str) -> dict:
    points, possible = (sum(case[key] for case in cases) for key in ("points", "possible"))
    return {"number": number, "points": points, "possible": possible, "reason": reason, "cases": cases}
