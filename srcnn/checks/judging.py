"""Questions: how an answer to an exercise is judged, and how a mistake is recognized.

A mistake is a function too: what somebody computes who makes it. An answer that agrees with a mistake, and not with the
right answer, gets that mistake's hint. :mod:`srcnn.checks` shows the verdict to students.
"""

import contextlib
import copy
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

Arguments = tuple[Any, ...]  # of one case of a question


class NotYet(Exception):
    """An answer that is missing or wrong; a notebook shows its one sentence and no traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class Unanswered(NotYet):
    """An answer that is not there yet."""


class Right(str):
    """A verdict that a notebook shows without quotation marks."""

    __repr__ = str.__str__


@dataclass(frozen=True)
class Mistake:
    """A mistake that people make.

    Attributes:
        hint: what to reconsider; it does not tell the answer.
        wrong: the answer of somebody who makes it, as a function of the same arguments.
    """

    hint: str
    wrong: Callable[..., object]


@dataclass(frozen=True)
class Question:
    """One question of an assignment.

    Attributes:
        name: of the function, or of the value, that is asked for.
        examples: makes the arguments of the visible check, a tuple a case. A value has one case, ``()``.
        reference: gives the right answer for the same arguments.
        mistakes: those that are recognized, the likeliest first.
        tolerance: the difference that is forgiven, relative where a number is above 1.
        forbidden: functions that the answer must do without, because they are what is asked for.
        accept: judges instead of ``reference`` where many answers are right: given the arguments and what the answer
            returned, it gives a complaint or None.
    """

    name: str
    examples: Callable[[], Iterable[Arguments]]
    reference: Callable[..., object] | None = None
    mistakes: tuple[Mistake, ...] = ()
    tolerance: float = 1e-5
    forbidden: tuple[Callable[..., Any], ...] = ()
    accept: Callable[[Arguments, object], str | None] | None = None


class _Without(TorchFunctionMode):
    """Refuses some of torch's functions, by whatever name they were imported."""

    def __init__(self, functions: set[Callable[..., Any]]) -> None:
        super().__init__()
        self.functions = functions

    def __torch_function__(self, func: Any, types: Any, args: Arguments = (), kwargs: Any = None) -> Any:
        if func in self.functions:
            _borrowed()
        return func(*args, **(kwargs or {}))


def _borrowed(*args: object, **kwargs: object) -> None:
    from srcnn.checks.judging import NotYet  # this code runs in the place of another function, among that one's globals

    raise NotYet("it calls the very function that is asked for; write that yourself")


@contextlib.contextmanager
def forbidding(functions: Iterable[Callable[..., Any]]) -> Iterator[None]:
    """Within it the functions complain when they are called, so that an answer cannot borrow what it should compute."""
    functions = tuple(functions)
    # A function's code object is exchanged, which holds under every name that it was imported by, and in all threads of
    # the process. A closure's code cannot be exchanged for one without its variables; none is among those excluded.
    python = [f for f in functions if hasattr(f, "__code__") and not f.__code__.co_freevars]
    torchs = set(functions) - set(python)
    codes = [function.__code__ for function in python]
    try:
        for function in python:
            function.__code__ = _borrowed.__code__
        with _Without(torchs) if torchs else contextlib.nullcontext():  # the mode costs time at every call of torch
            yield
    finally:
        for function, code in zip(python, codes, strict=True):
            function.__code__ = code


def to_plain(value: object) -> object:
    """A value as the judge compares it: arrays and numbers of NumPy become tensors and numbers."""
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    return value.detach().cpu() if isinstance(value, Tensor) else value


def agrees(got: object, wanted: object, tolerance: float) -> bool:
    """Whether two values agree: shapes and kinds exactly, numbers up to the tolerance."""
    got, wanted = to_plain(got), to_plain(wanted)
    if isinstance(wanted, Tensor) and wanted.ndim:
        if not isinstance(got, Tensor) or got.shape != wanted.shape:
            return False
        return torch.allclose(got.double(), wanted.double(), rtol=tolerance, atol=tolerance, equal_nan=True)
    if isinstance(wanted, list):
        return (
            isinstance(got, list) and len(got) == len(wanted) and all(map(agrees, got, wanted, [tolerance] * len(got)))
        )
    if isinstance(wanted, dict):
        return (
            isinstance(got, dict) and set(got) == set(wanted) and all(agrees(got[k], wanted[k], tolerance) for k in got)
        )
    got, wanted = (v.item() if isinstance(v, Tensor) and v.numel() == 1 else v for v in (got, wanted))
    if isinstance(wanted, (bool, str)) or not isinstance(wanted, (int, float)):
        return type(got) is type(wanted) and got == wanted
    if isinstance(got, bool) or not isinstance(got, (int, float)):
        return False
    if math.isnan(wanted):
        return math.isnan(got)
    return math.isclose(got, wanted, rel_tol=tolerance, abs_tol=tolerance)


def judge(question: Question, answer: object, cases: Iterable[Arguments] | None = None) -> str | None:
    """Judge an answer.

    Args:
        question: the question.
        answer: the function, or the value, that was asked for.
        cases: the arguments to try; the question's examples unless given.

    Returns:
        A complaint, one sentence, or None where the answer is right.

    Raises:
        Unanswered: there is no answer yet.
    """
    tried, complaint = [], None
    for args in question.examples() if cases is None else cases:
        got, complaint = _ask(question, answer, args)
        if complaint:
            break
        tried.append((args, got))
    if question.accept:
        return next(filter(None, (question.accept(args, got) for args, got in tried)), complaint)
    assert question.reference is not None  # one of the two judges
    rights = [question.reference(*args) for args, _ in tried]
    wrong = [k for k, (_, got) in enumerate(tried) if not agrees(got, rights[k], question.tolerance)]
    if not wrong:
        return complaint
    hint = recognize(question, [tried[k] for k in wrong], tried)
    return hint or complaint or _form(tried[wrong[0]][1], rights[wrong[0]])


def recognize(
    question: Question, wrong: list[tuple[Arguments, object]], tried: list[tuple[Arguments, object]]
) -> str | None:
    """The hint of the mistake that gives the same answers: to everything tried, or else to what went wrong."""
    for pairs in (tried, wrong):
        for mistake in question.mistakes:
            if all(agrees(got, _quietly(mistake.wrong, args), question.tolerance) for args, got in pairs):
                return mistake.hint
    return None


def _quietly(function: Callable[..., Any], args: Arguments) -> object:
    """What a mistake gives; some of them cannot be made with every argument."""
    try:
        return function(*copy.deepcopy(args))
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError):
        return NotYet


def _ask(question: Question, answer: object, args: Arguments) -> tuple[object, str | None]:
    """What the answer gives for these arguments, and a complaint where it gives nothing that could be judged."""
    given = copy.deepcopy(args)
    try:
        with forbidding(question.forbidden):
            got = answer(*given) if callable(answer) else answer
    except NotYet as refusal:
        return None, str(refusal)
    except Exception as error:  # whatever a student's code may raise
        return None, _stopped(error)
    if got is ...:
        raise Unanswered(f"write {question.name} in the cell above, in place of the three dots")
    if got is None:
        return None, "it returns nothing; does it end in a return statement?"
    if not agrees(list(given), list(args), 0):
        return None, "it changes what it was given; work on a copy, or make a new tensor"
    return got, None


def _stopped(error: Exception) -> str:
    """What an answer's exception says, in one line."""
    told = next(iter(str(error).splitlines()), "")
    if "ellipsis" in told:
        return "it computes with three dots: an answer is still missing, its own or an earlier one that it uses"
    return f"it stops with {type(error).__name__}" + (f": {told[:200]}" if told else "")


def _form(got: object, wanted: object) -> str:
    """What is wrong with the look of an answer, or that its values are."""
    got, wanted = to_plain(got), to_plain(wanted)
    if isinstance(wanted, Tensor) and wanted.ndim:
        if not isinstance(got, Tensor):
            return f"it returns {_kind(got)}; a tensor of shape {tuple(wanted.shape)} is expected"
        if got.shape != wanted.shape:
            return f"its shape is {tuple(got.shape)}; {tuple(wanted.shape)} is expected"
        if not torch.isfinite(got).all() and torch.isfinite(wanted).all():
            return "some of its values are infinite or NaN"
        share = (~torch.isclose(got.double(), wanted.double(), rtol=1e-5, atol=1e-5)).double().mean().item()
        return f"its shape is right, but {share:.0%} of its values are not"
    if type(got) is not type(wanted) and not {type(got), type(wanted)} <= {int, float, Tensor}:
        return f"it returns {_kind(got)}; {_kind(wanted)} is expected"
    if isinstance(wanted, list) and isinstance(got, list) and len(got) != len(wanted):
        return f"it returns {len(got)} values; {len(wanted)} are expected"
    return "its value is wrong"


def _kind(value: object) -> str:
    return {list: "several values", int: "a number", float: "a number", dict: "a dictionary"}.get(
        type(value), f"a value of type {type(value).__name__}"
    )
