"""The assignment *Measure*: its solution passes everything, and each mistake is told its own hint."""

import itertools
import math
from dataclasses import replace

import pytest
import torch
from assignment import Assignment
from exercises.measure import hidden_bicubic

from srcnn import checks, images
from srcnn.checks.judging import NotYet, Unanswered, agrees, judge
from srcnn.checks.measure_protocol import QUESTIONS

IT = Assignment("measure")
SOLUTION, PARTS, CASES, graded, answered = IT.solution, IT.parts, IT.cases, IT.graded, IT.answered
BORROWED = "the very function"
SHARED = {BORROWED, "changes what it was given"}  # hints that the engine gives to any question
SEEDS = range(2)  # a question's cases are drawn once for each, which takes most of the time
MORE = (2, 3, -1, 2**40)

of_every_seed = pytest.mark.parametrize(
    "seeds", [SEEDS, pytest.param(MORE, marks=pytest.mark.release)], ids=["two", "more"]
)


def test_it_has_eight_questions_of_twenty_points_that_rise():
    points = list(IT.points().values())
    assert list(PARTS) == list(QUESTIONS) == list(CASES) == list(range(1, 9))
    assert points == sorted(points)
    assert sum(points) == 20
    for number, part in PARTS.items():
        assert 2 <= len(CASES[number]) <= 4
        assert sum(case.points for case in CASES[number]) == points[number - 1]
        assert len({case.title for case in CASES[number]}) == len(CASES[number])
        assert f"checks.measure({number}, {QUESTIONS[number].name})" in part


@pytest.mark.parametrize("number", QUESTIONS)
def test_the_worked_example_in_the_text_is_true(number):
    t = torch.tensor
    rows = t([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
    ten = torch.full((4, 4), 10 ** (10 / 20))  # an error of -10 dB for the peak 1
    arguments, wanted, words = {
        1: ((t([[1.0, 2], [3, 4]]), t([[1.0, 4], [3, 8]])), 5, "(0 + 4 + 0 + 16) / 4 = 5"),
        2: ((torch.ones(3, 3), torch.zeros(3, 3), 255), 48.13, "it is 48.13 dB"),
        3: ((t([[[1.0, 1]], [[1, 0]], [[1, 0]]]),), t([[[0.9216, 0.3195]]]), "= 0.9216 and pure red"),
        4: ((rows, 1), t([[5.0]]), "the single pixel 5"),
        5: (([ten / 100, ten / 10**2.5], [0 * ten] * 2, 1), 35, "has 30 dB and another has 40 dB, the score is 35 dB"),
        6: ((t([0, 0.5, 1, 1.5]),), t([1, 0.5625, 0, -0.0625]), "are 1, 0.5625, 0 and -0.0625"),
        7: ((t([0.0, 1]), 2), t([-0.0938, 0.2031, 0.7969, 1.0938]), "`[-0.0938, 0.2031, 0.7969, 1.0938]`"),
        8: ((images.sample("coffee"), 3), 28.40, "it is 28.40 dB"),
    }[number]
    assert agrees(SOLUTION[QUESTIONS[number].name](*arguments), wanted, 2e-4)
    assert words in PARTS[number]


@pytest.mark.parametrize("number", QUESTIONS)
@of_every_seed
def test_the_solution_passes_the_check_and_the_hidden_tests_of_every_seed(number, seeds):
    answer = SOLUTION[QUESTIONS[number].name]
    assert checks.measure(number, answer) == f"Question {number}: right."
    for seed in seeds:
        assert graded(number, answer, seed) == [None] * len(CASES[number])


@pytest.mark.parametrize(("number", "source"), IT.right)
@of_every_seed
def test_other_ways_to_be_right_pass_too(number, source, seeds):
    answer = answered(number, source)
    assert checks.measure(number, answer) == f"Question {number}: right."
    for seed in seeds:
        assert graded(number, answer, seed) == [None] * len(CASES[number])


@pytest.mark.parametrize("number", QUESTIONS)
@pytest.mark.parametrize(
    "form", [torch.as_tensor, lambda x: torch.as_tensor(x).double(), lambda x: torch.as_tensor(x).numpy()]
)
def test_a_right_answer_may_be_a_tensor_of_single_or_double_precision_or_an_array(number, form):
    def answer(*arguments):
        return form(SOLUTION[QUESTIONS[number].name](*arguments))

    assert checks.measure(number, answer) == f"Question {number}: right."
    assert graded(number, answer, seed=1) == [None] * len(CASES[number])


@pytest.mark.parametrize(("number", "source", "hint"), IT.wrong)
@of_every_seed
def test_a_wrong_answer_gets_its_hint_in_the_check_and_in_the_hidden_tests(number, source, hint, seeds):
    known = {mistake.hint for mistake in QUESTIONS[number].mistakes if hint in mistake.hint}
    assert len(known) == (hint not in SHARED)
    answer = answered(number, source)
    with pytest.raises(NotYet, match=f"Question {number}, {QUESTIONS[number].name}: ") as told:
        checks.measure(number, answer)
    assert hint in str(told.value)
    for seed in seeds:
        said = graded(number, answer, seed)
        assert [complaint for complaint in said if complaint and hint in complaint], said


@pytest.mark.parametrize("number", QUESTIONS)
def test_there_are_at_least_three_wrong_answers_with_different_hints(number):
    assert len({hint for _, hint in IT.answers.WRONG[number]} - SHARED) >= 3


@pytest.mark.parametrize("number", QUESTIONS)
def test_every_mistake_shows_and_no_two_look_alike(number):
    question = QUESTIONS[number]
    cases = question.examples()
    made = [("right", [question.reference(*case) for case in cases])]
    made += [(mistake.hint, [mistake.wrong(*case) for case in cases]) for mistake in question.mistakes]
    for (one, first), (other, second) in itertools.combinations(made, 2):
        alike = all(agrees(a, b, 10 * question.tolerance) for a, b in zip(first, second, strict=True))
        assert not alike or one == other, (one, other)


@pytest.mark.parametrize("number", QUESTIONS)
def test_each_mistake_that_is_known_gets_its_own_hint(number):
    question = QUESTIONS[number]
    for mistake in question.mistakes:
        outcomes = iter([mistake.wrong(*case) for case in question.examples()])
        assert judge(question, lambda *_, o=outcomes: next(o)) == mistake.hint


@pytest.mark.parametrize("number", QUESTIONS)
def test_what_is_not_answered_waits_and_earns_nothing(number):
    with pytest.raises(Unanswered, match=f"write {QUESTIONS[number].name} in the cell above"):
        checks.measure(number, lambda *_: ...)
    assert all("not been written" in said for said in graded(number, lambda *_: ..., seed=1))
    for test in CASES[number]:
        with pytest.raises(AssertionError, match=f"there is no {QUESTIONS[number].name}"):
            test(None, 1)


@pytest.mark.parametrize("number", QUESTIONS)
def test_an_answer_that_ignores_its_arguments_earns_nothing(number):
    right = QUESTIONS[number].reference(*QUESTIONS[number].examples()[0])
    for constant in (
        right,
        torch.zeros_like(torch.as_tensor(right)),
        0.0,
        "the answer",
        [right],
        None,
        {},
        torch.ones(1, 4),
    ):
        said = graded(number, lambda *_, constant=constant: constant, seed=1)
        assert None not in said
        assert all(isinstance(s, str) and len(s) < 200 and "\n" not in s for s in said)


@pytest.mark.parametrize("seeds", [SEEDS, pytest.param(range(2, 12), marks=pytest.mark.release)], ids=["two", "more"])
def test_no_pixel_of_the_last_question_is_rounded_by_chance(seeds):
    """A gray level and a half that single precision computes as a little less would make a right answer wrong."""
    cases = QUESTIONS[8].examples()
    for seed in seeds:
        cases += hidden_bicubic._pieces("whole_multiples", seed, (3,), divides=True)
        cases += hidden_bicubic._pieces("other_scales", seed, (2, 4), divides=False)
    for rgb, scale in cases:
        for values in hidden_bicubic._steps(rgb, scale):
            assert (abs(values % 1 - 0.5) >= 1e-4).all()
        for answer in (QUESTIONS[8].reference, SOLUTION["score"]):
            for picture in (rgb, rgb.double()):
                assert answer(picture, scale) == pytest.approx(hidden_bicubic._score(rgb, scale), abs=1e-5)


def test_infinity_for_every_picture_earns_the_equal_ones_alone():
    assert [s is None for s in graded(2, lambda *_: math.inf, seed=1)] == [False, False, True]


@pytest.mark.parametrize("number", QUESTIONS)
def test_an_answer_that_raises_is_told_so(number):
    def answer(*_):
        raise KeyError("nothing\nof this")

    assert all("it stops with KeyError" in said for said in graded(number, answer, seed=1))


@pytest.mark.parametrize("number", QUESTIONS)
def test_other_seeds_draw_other_cases_and_one_seed_always_the_same(number):
    def record(seed):
        seen = []

        def answer(*arguments):
            seen.append(arguments)
            return QUESTIONS[number].reference(*arguments)

        for test in CASES[number]:
            test(answer, seed)
        return seen

    first, again, other = record(0), record(0), record(1)
    assert agrees(first, again, 0)
    assert not agrees(first, other, 0)


def test_partial_credit_is_for_what_is_right():
    """A wrong edge spoils no new pixel far from it, a border of 0 no other border, an offset no difference."""
    edge = next(source for source, hint in IT.answers.WRONG[7] if "the last pixel is repeated" in hint)
    assert [said is None for said in graded(7, answered(7, edge), seed=0)] == [True, False, False]
    minus_zero = next(source for source, hint in IT.answers.WRONG[4] if hint == "-0")
    assert [said is None for said in graded(4, answered(4, minus_zero), seed=0)] == [True, True, False]
    offset = next(source for source, hint in IT.answers.WRONG[3] if "begin" in hint)
    assert [said is None for said in graded(3, answered(3, offset), seed=0)] == [False, True, False]
    corner = next(source for source, hint in IT.answers.WRONG[8] if "at the top" in hint)
    assert [said is None for said in graded(8, answered(8, corner), seed=0)] == [True, False, False]


def test_the_check_and_the_hidden_tests_have_different_cases():
    seen = []
    question = replace(QUESTIONS[7], forbidden=())
    judge(question, lambda *a: seen.append(a) or question.reference(*a))
    for test in CASES[7]:
        test(lambda *a: seen.append(a) or question.reference(*a), 0)
    assert not any(agrees(list(a), list(b), 0) for a, b in itertools.combinations(seen, 2))
