"""The engine behind the checks: what counts as the same, what a wrong answer is told, what an answer may not borrow."""

import copy
import math
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from srcnn import checks, metrics
from srcnn.checks.judging import (
    Mistake,
    NotYet,
    Question,
    Right,
    Unanswered,
    agrees,
    forbidding,
    judge,
    recognize,
    to_plain,
)

t = torch.tensor
DOUBLE = Question(
    name="double",
    examples=lambda: [(t([1.0, 2.0]),), (t([[3.0], [5.0]]),)],
    reference=lambda x: 2 * x,
    mistakes=(
        Mistake("it is the square", lambda x: x**2),
        Mistake("it is the half", lambda x: x / 2),
        Mistake("it cannot be made of columns", lambda x: {1: 2 * x}[x.ndim]),
    ),
)
AREA = Question(name="area", examples=lambda: [(3, 4), (2, 2)], reference=lambda a, b: a * b)


@pytest.mark.parametrize(
    ("got", "wanted"),
    [
        (t([1.0, 2.0]), t([1.0, 2.0], dtype=torch.float64)),
        (t([1.0, 2.000009]), t([1.0, 2.0])),
        (t([1, 2]), t([1.0, 2.0])),
        (np.array([1.0, 2.0]), t([1.0, 2.0])),
        (t([1.0, 2.0], requires_grad=True), t([1.0, 2.0])),
        (t([math.nan, math.inf]), t([math.nan, math.inf])),
        (t(3.0), 3),
        (t([[3.0]]), 3.0),
        (np.float32(3), 3.0),
        (3, 3.0),
        (1e9 + 1, 1e9),
        (math.inf, math.inf),
        (math.nan, math.nan),
        ((1, 2.0), [1, 2]),
        ([t([1.0]), {"a": 2}], (t([1.0]), {"a": 2.0})),
        ("yes", "yes"),
        (True, True),
        (np.bool_(True), True),
        (t(True), True),
        (None, None),
    ],
)
def test_what_is_the_same(got, wanted):
    assert agrees(got, wanted, 1e-5)


@pytest.mark.parametrize(
    ("got", "wanted"),
    [
        (t([1.0, 2.0]), t([1.0, 2.001])),
        (t([1.0, 2.0]), t([[1.0, 2.0]])),
        (t([1.0]), t([1.0, 1.0])),
        ([1.0, 2.0], t([1.0, 2.0])),
        (t([math.nan]), t([1.0])),
        (1.0001, 1.0),
        (t([3.0, 3.0]), 3.0),
        (math.inf, -math.inf),
        (math.nan, 1.0),
        (1.0, math.nan),
        (1.0, math.inf),
        ("3", 3),
        (True, 1),
        (1, True),
        (None, 0),
        (0, None),
        ([1], [1, 2]),
        ([1, 2], [2, 1]),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": 2}),
        (1, [1]),
        ([1], {"a": 1}),
        ("yes", "no"),
        (..., 1),
        (print, 1.0),
    ],
)
def test_what_is_not_the_same(got, wanted):
    assert not agrees(got, wanted, 1e-5)


def test_the_tolerance_is_relative_above_1_and_absolute_below():
    assert agrees(1e6 + 9, 1e6, 1e-5)
    assert not agrees(1e6 + 11, 1e6, 1e-5)
    assert agrees(0.000009, 0.0, 1e-5)
    assert not agrees(0.000011, 0.0, 1e-5)
    assert agrees(t([1e6 + 9]), t([1e6]), 1e-5)
    assert not agrees(t([1e6 + 21]), t([1e6]), 1e-5)


def test_a_plain_value_is_no_view_of_an_array_and_has_no_gradient():
    array = np.zeros(2)
    value = to_plain(array)
    value[0] = 1
    assert array[0] == 0
    assert not to_plain(t([1.0], requires_grad=True)).requires_grad


def test_a_right_answer_is_right():
    assert judge(DOUBLE, lambda x: x + x) is None
    assert judge(AREA, lambda a, b: a * b) is None


def test_a_value_is_judged_as_well_as_a_function():
    value = Question(name="peak", examples=lambda: [()], reference=lambda: 255)
    assert judge(value, 255) is None
    assert judge(value, t(255.0)) is None
    assert judge(value, 1) == "its value is wrong"
    with pytest.raises(Unanswered, match="write peak in the cell above"):
        judge(value, ...)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda x: x**2, "it is the square"),
        (lambda x: x / 2, "it is the half"),
        (lambda x: 2 * x if x.ndim > 1 else x**2, "it is the square"),  # wrong in one case alone
        (lambda x: None, "it returns nothing"),
        (lambda x: x.sum(), r"its shape is \(\); \(2,\) is expected"),
        (lambda x: [2 * v for v in x.tolist()], r"it returns several values; a tensor of shape \(2,\) is expected"),
        (lambda x: {"it": x}, "it returns a dictionary; a tensor"),
        (lambda x: 3, "it returns a number; a tensor"),
        (lambda x: "many", "a value of type str; a tensor"),
        (lambda x: 2 * x + t([0.0, 1.0]), "its shape is right, but 50% of its values are not"),
        (lambda x: 2 * x / t([1.0, 0.0]), "infinite or NaN"),
        (lambda x: y, "it stops with NameError: name 'y' is not defined"),  # noqa: F821
        (lambda x: 1 / 0, "it stops with ZeroDivisionError: division by zero"),
        (lambda x: next(iter([])), "it stops with StopIteration"),
        (lambda: 1, "it stops with TypeError"),
        (lambda x: x.mul_(2), "it changes what it was given"),
        (lambda x: 2 * ..., "three dots: an answer is still missing"),
    ],
)
def test_what_a_wrong_answer_is_told(answer, told):
    with pytest.raises(AssertionError, match=told):
        assert not judge(DOUBLE, answer), judge(DOUBLE, answer)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda a, b: [a, b], "it returns several values; a number is expected"),
        (lambda a, b: "12", "a value of type str; a number is expected"),
        (lambda a, b: a + b, "its value is wrong"),
        (lambda a, b: t([[12.0]]) if a == 3 else 4.5, "its value is wrong"),
    ],
)
def test_what_a_wrong_number_is_told(answer, told):
    with pytest.raises(AssertionError, match=told):
        assert not judge(AREA, answer), judge(AREA, answer)


def test_a_wrong_number_of_values_is_told():
    pair = Question(name="pair", examples=lambda: [(1,)], reference=lambda a: (a, a))
    assert judge(pair, lambda a: (a, a, a)) == "it returns 3 values; 2 are expected"
    assert judge(pair, lambda a: (a, 2)) == "its value is wrong"


def test_a_mistake_is_recognized_though_another_case_raises():
    def answer(x):
        return x**2 if x.ndim == 1 else 1 / 0

    assert judge(DOUBLE, answer) == "it is the square"
    assert (
        judge(DOUBLE, lambda x: x + 7 if x.ndim == 1 else 1 / 0) == "it stops with ZeroDivisionError: division by zero"
    )


def test_of_two_mistakes_the_one_that_explains_every_case_goes_first():
    cases = [(t([2.0]),), (t([3.0]),)]
    two = Question(
        name="two",
        examples=lambda: cases,
        reference=lambda x: 2 * x,
        mistakes=(Mistake("wrong from 3 on", lambda x: x**2), Mistake("always wrong", lambda x: x + 6)),
    )
    assert judge(two, lambda x: x**2) == "wrong from 3 on"
    tried = [((t([2.0]),), t([8.0])), ((t([3.0]),), t([9.0]))]
    assert recognize(two, tried, tried) == "always wrong"
    assert recognize(two, tried[1:], tried[:1]) == "always wrong"
    neither = [((t([2.0]),), t([1.0]))]
    assert recognize(two, neither, neither) is None


def test_a_mistake_that_cannot_be_made_with_some_case_is_passed_over():
    said = judge(DOUBLE, lambda x: 2 * x if x.ndim == 1 else x + 9)
    assert said == "its shape is right, but 100% of its values are not"


def test_the_traceback_of_an_answer_s_error_is_one_short_line():
    def answer(x):
        raise ValueError("first line\nsecond line" + "x" * 999)

    assert judge(DOUBLE, answer) == "it stops with ValueError: first line"
    assert len(judge(DOUBLE, lambda x: {}["x" * 9999])) < 260


def test_other_cases_than_the_examples_can_be_tried():
    assert judge(AREA, lambda a, b: a + b, [(2, 2), (0, 0)]) is None
    assert judge(AREA, lambda a, b: a + b, [(2, 3)])


def test_an_answer_cannot_spoil_the_cases_of_the_next():
    cases = [(t([1.0, 2.0]), [1, 2], {"a": t([1.0])})]
    kept = copy.deepcopy(cases)
    question = Question(name="it", examples=lambda: cases, reference=lambda x, y, z: 1)
    for spoil in (lambda x, y, z: x.zero_(), lambda x, y, z: y.append(3), lambda x, y, z: z.clear()):
        assert judge(question, lambda *a, spoil=spoil: (spoil(*a), 1)[1]) == (
            "it changes what it was given; work on a copy, or make a new tensor"
        )
    assert agrees(cases, kept, 0)


def test_where_many_answers_are_right_a_judge_decides():
    def accept(args, got):
        return None if got > args[0] else "it is too small"

    more = Question(name="more", examples=lambda: [(1,), (5,)], accept=accept)
    assert judge(more, lambda x: x + 0.1) is None
    assert judge(more, lambda x: 3) == "it is too small"
    assert judge(more, lambda x: 3 if x == 1 else 1 / 0) == "it stops with ZeroDivisionError: division by zero"


def test_what_is_asked_for_cannot_be_borrowed_under_any_name():
    from srcnn.metrics import mse as another_name

    image = torch.ones(3, 3)
    question = Question(
        name="mse",
        examples=lambda: [(image, 0 * image)],
        reference=lambda a, b: 1.0,
        forbidden=(metrics.mse, F.mse_loss, F.conv2d, torch.Tensor.unfold),
    )
    told = "it calls the very function that is asked for; write that yourself"
    for borrow in (
        lambda a, b: metrics.mse(a, b, shave=0),
        lambda a, b: another_name(a, b, shave=0),
        lambda a, b: metrics.psnr(a, b, peak=1, shave=0),  # which calls it
        lambda a, b: F.mse_loss(a, b).item(),
        lambda a, b: torch.nn.MSELoss()(a, b).item(),
        lambda a, b: torch.nn.functional.conv2d(a[None, None], b[None, None]).item(),
        lambda a, b: torch.conv2d(a[None, None], b[None, None]).item(),
        lambda a, b: a.unfold(0, 3, 1).mean().item(),
    ):
        assert judge(question, borrow) == told
    assert judge(question, lambda a, b: (a - b).square().mean()) is None
    assert metrics.mse(image, 0 * image, shave=0) == 1  # and afterwards all is as it was
    assert F.mse_loss(image, 0 * image) == 1


def test_what_is_forbidden_comes_back_after_an_error():
    def fail():
        with forbidding([metrics.mse, F.conv2d]):
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert metrics.mse(torch.ones(2, 2), torch.ones(2, 2), shave=0) == 0
    assert F.conv2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2)) == 4


def test_a_notebook_shows_one_sentence_and_no_traceback():
    assert NotYet("Question 1 waits.")._render_traceback_() == ["Question 1 waits."]
    assert repr(Right("Question 1: right.")) == "Question 1: right."


@pytest.mark.parametrize("name", checks.ASSIGNMENTS)
def test_a_check_says_which_question_it_judged(name):
    check, questions = getattr(checks, name), checks.ASSIGNMENTS[name]
    assert 3 <= len(questions) <= 8
    assert list(questions) == list(range(1, len(questions) + 1))
    with pytest.raises(NotYet, match=f"There is no question 99; they go from 1 to {len(questions)}."):
        check(99, print)
    for number, question in questions.items():
        with pytest.raises(
            Unanswered, match=rf"^Question {number} waits for you: write {question.name} in the cell above"
        ):
            check(number, lambda *_: ...)
        with pytest.raises(NotYet, match=rf"^Question {number}, {question.name}: it returns nothing; .*\?$"):
            check(number, lambda *_: None)
        with pytest.raises(NotYet, match=rf"^Question {number}, {question.name}: it stops with KeyError: 1\.$"):
            check(number, lambda *_: {}[1])


def test_what_students_import_needs_neither_grader_nor_notebook():
    code = "import sys, srcnn.checks; print(*{'grader', 'jupytext', 'nbformat', 'IPython'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


# The exercises of the chapters

CHAPTERS = {
    path.stem[-2:]: import_module(f"srcnn.checks.{path.stem}").QUESTIONS
    for path in sorted(Path(checks.__file__).parent.glob("chapter_*.py"))
}
EXERCISES = [
    (f"{int(chapter)}.{number}", question) for chapter, asked in CHAPTERS.items() for number, question in asked.items()
]


@pytest.mark.parametrize(("number", "question"), EXERCISES, ids=[number for number, _ in EXERCISES])
def test_an_exercise_tells_right_from_missing_and_from_each_known_mistake(number, question, monkeypatch):
    chapter, place = number.split(".")
    # the reference may call what an answer may not
    monkeypatch.setitem(CHAPTERS[f"{int(chapter):02}"], int(place), replace(question, forbidden=()))
    answer = question.reference if next(iter(question.examples())) != () else question.reference()
    assert checks.exercise(number, answer) == f"Exercise {number}: right."
    assert checks.exercise(number, ...) == checks.exercise(number, lambda *args: ...)
    assert checks.exercise(number, ...).startswith(f"Exercise {number} waits for you: ")
    assert len({mistake.hint for mistake in question.mistakes}) >= 2
    for mistake in question.mistakes:
        told = checks.exercise(number, mistake.wrong if callable(answer) else mistake.wrong())
        assert told.startswith(f"Exercise {number}: {mistake.hint}"), told


@pytest.mark.parametrize("number", ["0.1", "3", "3.99", "99.1", "", "x.y", "3.x"])
def test_an_exercise_that_does_not_exist_is_told(number):
    with pytest.raises(ValueError, match="there is no exercise"):
        checks.exercise(number, ...)


def test_an_exercise_stops_no_notebook(monkeypatch):
    def broken(*args):
        raise RuntimeError("so it goes")

    number = EXERCISES[0][0]
    assert "it stops with RuntimeError: so it goes" in checks.exercise(number, broken)
