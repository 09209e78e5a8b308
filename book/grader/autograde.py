"""One submission's result: its notebook is run in the sandbox, and the hidden test cases run out here against it."""

import re
import time

from exercises.draw import Case

from grader import collect, written
from grader.collect import NAMES, Notebook, Submission, Unreadable
from grader.confine import Limits, Protection
from grader.results import CaseResult, QuestionResult, Result
from grader.sandbox import NoSandbox
from grader.session import Session, Stopped, clean
from grader.suite import TestSuite
from srcnn.checks import ASSIGNMENTS, variants
from srcnn.checks.judging import NotYet

LIMITS = {"training": Limits(cell=300, call=180, total=2400)}  # two trainings; the notebook states the 180 seconds
# what an answer stops with where it wants what is not in the sandbox: other libraries, files, the network
FOREIGN = re.compile(
    r"it stops with (?:ImportError|ModuleNotFoundError|OSError|FileNotFoundError|PermissionError|URLError)\b"
)
# what honest answers do without; a submission that has it is shown to the instructor, and graded all the same
ODD = re.compile(
    r"__code__|__globals__|DisableTorchFunction|_pop_mode|gc\.get_|sys\._getframe|/proc/|ctypes|ASSIGNMENTS|QUESTIONS"
    r"|checks(?:\.| import )(?!(?:measure|stages|training|troubleshoot|use)\b)\w+"
)


def grade(submission: Submission, suite: TestSuite, seed: int, protection: Protection, limits: Limits) -> Result:
    """Grade one submission.

    Args:
        submission: what was handed in.
        suite: the tests of the assignment.
        seed: that the hidden test cases draw from.
        protection: how the submission is kept in.
        limits: what it may use.
    """
    begun = time.monotonic()
    result = blank(submission)
    if submission.remark:
        result.notes.append(clean(submission.remark))
    try:
        notebook = _notebook(submission, suite.name)
        words, doubts = written.find(notebook, suite.template)
        result.written = {number: text[:20000] for number, text in words.items()}
        result.notes += [notebook.remark] if notebook.remark else []
        result.remarks += doubts
        odd = sorted(set(ODD.findall("\n".join(notebook.cells))))
        if odd:
            result.remarks.append(f"its code has {', '.join(odd)}, which an answer can do without")
        if doubt := variants.doubt("\n".join(notebook.cells)):
            result.remarks.append(doubt)
        _run(result, notebook.cells, suite, seed, protection, limits)
    except (Unreadable, NoSandbox) as problem:
        result.status = "failed" if isinstance(problem, NoSandbox) else "not graded"
        result.reason = clean(str(problem), 900)
        result.questions = [_unanswered(number, cases) for number, cases in suite.cases.items()]
    result.seconds = round(time.monotonic() - begun, 1)
    return result


def blank(submission: Submission) -> Result:
    """The result of a submission of which nothing has been graded yet."""
    file = clean(submission.file, 300)
    return Result(clean(submission.student, 200), submission.key, file, submission.digest)


def _notebook(submission: Submission, wanted: str) -> Notebook:
    notebook = submission.notebook
    found = collect.assignment(notebook, NAMES)
    if found is None:
        raise Unreadable(f"nothing in the notebook belongs to the assignment {wanted}")
    if found != wanted and not collect.assignment(notebook, {wanted: NAMES[wanted]}):
        raise Unreadable(f"this is the assignment {found}; {wanted} was to be handed in")
    return notebook


def _run(
    result: Result, cells: tuple[str, ...], suite: TestSuite, seed: int, protection: Protection, limits: Limits
) -> None:
    variant = variants.found("\n".join(cells))
    session = Session(cells, suite.name, protection, limits)
    try:
        result.questions = [
            _question(session, number, cases, (seed, variant), result) for number, cases in suite.cases.items()
        ]
    finally:
        session.close()
    result.errors, result.left_out = dict(sorted(session.errors.items())), dict(sorted(session.left_out.items()))


def _question(
    session: Session, number: int, cases: tuple[Case, ...], draw: tuple[int, str], result: Result
) -> QuestionResult:
    """The best of a question's answers, and among the result's notes what a person should know about it."""
    name, best, told = ASSIGNMENTS[session.assignment][number].name, None, []
    try:
        for answer, remark in session.answers(name, number):
            judged, doubts = _judged(session, answer, cases, draw)
            if best is None or judged.points > best.points:
                best, told = judged, [remark, *doubts]
            if best.points == best.possible:
                break
    except NotYet as missing:
        best = best or _unanswered(number, cases, clean(str(missing)))
    if best.points < best.possible:
        told.append(session.twice(name))
    result.notes += [f"question {number}: {one}" for one in dict.fromkeys(told) if one]
    return best


def _judged(
    session: Session, answer: object, cases: tuple[Case, ...], draw: tuple[int, str]
) -> tuple[QuestionResult, list[str]]:
    """What the test cases say of an answer, and what of it may be no fault of the student's."""
    judged, doubts = [], []
    for case in cases:
        hint = ""
        try:
            case(answer, *draw)
        except Exception as error:
            hint = _hint(error)
            if FOREIGN.match(hint):
                doubts.append(f"{hint}; perhaps only the sandbox lacks that")
        judged.append(CaseResult(case.title, case.points, not hint, hint))
    if session.broken:
        doubts.append(session.broken)
    hints = {case.hint for case in judged}
    return QuestionResult(cases[0].question, judged, hints.pop() if len(hints) == 1 else ""), doubts


def _unanswered(number: int, cases: tuple[Case, ...], reason: str = "") -> QuestionResult:
    return QuestionResult(number, [CaseResult(case.title, case.points) for case in cases], reason)


def _hint(error: Exception) -> str:
    """One sentence for the student; never a traceback, which would show the test."""
    text = clean(str(error))
    if isinstance(error, Stopped):
        return f"it stops with {type(error).__name__}: {text}" if text else f"it stops with {type(error).__name__}"
    if isinstance(error, (NotYet, AssertionError)):
        return text or "what it gives is not right"
    return f"what it gives could not be judged ({type(error).__name__}); is it of the kind that is asked for?"
