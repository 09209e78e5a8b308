"""Checks: one line after each question of an assignment says that the answer is right, or what to reconsider.

``checks.measure(1, psnr)`` for the first question of the first assignment, and so on. A right answer is told so; a
wrong or missing one raises :class:`srcnn.checks.judging.NotYet`, which a notebook shows as one sentence, and where
"Run all" stops. These checks try a few examples. The grading tries others.
"""

from collections.abc import Callable
from importlib import import_module

from srcnn.checks import measure_protocol, stages_layers, training_report, troubleshoot_repository, variants
from srcnn.checks.judging import NotYet, Question, Right, Unanswered, judge

ASSIGNMENTS: dict[str, dict[int, Question]] = {
    "measure": measure_protocol.QUESTIONS,
    "stages": stages_layers.QUESTIONS,
    "training": training_report.QUESTIONS,
    "troubleshoot": troubleshoot_repository.QUESTIONS,
}


VARIANTS: dict[str, Callable[[str], dict[int, Question]]] = {"training": training_report.questions}
_variant = ""  # the code in the notebook that is running


def use(code: str) -> Right:
    """Let the checks that follow ask with the numbers of a variant.

    Args:
        code: as in the notebook, such as ``"7K3F-QM2A"``.

    Returns:
        A line that says so.

    Raises:
        NotYet: it is no code.
    """
    global _variant
    for assignment in VARIANTS:
        variants.numbers(assignment, code)
    _variant = code
    return Right(f"Variant {code}.")


def _check(assignment: str, number: int, answer: object) -> Right:
    questions = ASSIGNMENTS[assignment]
    if _variant and assignment in VARIANTS:
        questions = VARIANTS[assignment](_variant)
    if number not in questions:
        raise NotYet(f"There is no question {number}; they go from 1 to {max(questions)}.")
    try:
        complaint = judge(questions[number], answer)
    except Unanswered as missing:
        raise Unanswered(f"Question {number} waits for you: {missing}.") from None
    if complaint:
        end = "" if complaint.endswith("?") else "."
        raise NotYet(f"Question {number}, {questions[number].name}: {complaint}{end}")
    return Right(f"Question {number}: right.")


def measure(number: int, answer: object) -> Right:
    """Check an answer to a question of the assignment *Measure*, chapters 6 and 7.

    Args:
        number: of the question.
        answer: the function that it asks for.

    Returns:
        A line that says that it is right.

    Raises:
        NotYet: it is wrong, and the message says what to reconsider; or :class:`~srcnn.checks.judging.Unanswered`.
    """
    return _check("measure", number, answer)


def stages(number: int, answer: object) -> Right:
    """Check an answer to a question of *Three stages by hand*, chapters 3 to 5; as :func:`measure`."""
    return _check("stages", number, answer)


def training(number: int, answer: object) -> Right:
    """Check an answer to a question of *Train and report*, chapters 9 to 12; as :func:`measure`."""
    return _check("training", number, answer)


def troubleshoot(number: int, answer: object) -> Right:
    """Check an answer to a question of *A broken repository*, chapters 6 to 12; as :func:`measure`.

    Of the first two questions it sees the form alone, and says so.
    """
    told = _check("troubleshoot", number, answer)
    return (
        Right(f"Question {number}: complete; the grading sees whether it is right.")
        if number in troubleshoot_repository.FORM
        else told
    )


def exercise(number: str, answer: object) -> Right:
    """What a chapter says of an answer to one of its exercises; unlike the assignments' checks it stops no notebook.

    Args:
        number: chapter and exercise, such as ``"3.2"``.
        answer: the function, or the value, that the exercise asks for.

    Returns:
        One line that says that the answer is right or still missing, or what to reconsider.

    Raises:
        ValueError: there is no such exercise.
    """
    chapter, _, place = number.partition(".")
    try:
        question = import_module(f"srcnn.checks.chapter_{int(chapter):02}").QUESTIONS[int(place)]
    except (ImportError, KeyError, ValueError):
        raise ValueError(
            f"there is no exercise {number!r} with a check; the chapter names those that have one"
        ) from None
    try:
        complaint = judge(question, answer)
    except Unanswered as missing:
        return Right(f"Exercise {number} waits for you: {missing}.")
    return Right(f"Exercise {number}: {complaint or 'right'}{'' if (complaint or '').endswith('?') else '.'}")
