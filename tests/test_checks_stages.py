"""The assignment *Three stages by hand*: its solution passes everything, and each mistake is told its own hint."""

import itertools

import pytest
import torch
from assignment import Assignment

from srcnn import checks, pretrained
from srcnn.checks.judging import NotYet, Unanswered, agrees, judge
from srcnn.checks.stages_layers import QUESTIONS, weights

IT = Assignment("stages")
SOLUTION, PARTS, CASES, graded, answered = IT.solution, IT.parts, IT.cases, IT.graded, IT.answered
SEEDS = range(7)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Tensors are tiny here, and threads that wait for each other cost more than they bring."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_it_has_eight_questions_of_twenty_points_that_rise():
    points = list(IT.points().values())
    assert list(PARTS) == list(QUESTIONS) == list(CASES) == list(range(1, 9))
    assert points == sorted(points)
    assert sum(points) == 20
    for number, part in PARTS.items():
        assert 2 <= len(CASES[number]) <= 4
        assert sum(case.points for case in CASES[number]) == points[number - 1]
        assert len({case.title for case in CASES[number]}) == len(CASES[number])
        assert f"checks.stages({number}, {QUESTIONS[number].name})" in part


@pytest.mark.parametrize("number", range(1, 8))
def test_the_worked_example_in_the_text_is_true(number):
    t = torch.tensor
    image = t([[1.0, 2, 3], [4, 5, 6]])
    said = {
        1: ((image, 2), t([[1.0, 2, 4, 5], [2, 3, 5, 6]]), "[[1, 2, 4, 5], [2, 3, 5, 6]]"),
        2: ((image, t([[0.0, 1], [0, 0]])), t([[2.0, 3]]), "[[2, 3]]"),
        3: (
            (t([[1.0, 2], [3, 4]]), t([[1.0, -1], [0, 1]]).view(2, 2, 1, 1), t([0.0, -3])),
            t([[0.0, 0], [0, 1]]),
            "[[0, 0], [0, 1]]",
        ),
        4: (
            (t([1.0, 2]).view(2, 1, 1), t([[1.0, 1], [1, -1]]).view(2, 2, 1, 1), torch.zeros(2)),
            t([3.0, 0]).view(2, 1, 1),
            "the output is 3 and 0",
        ),
        5: ((t([1.0]), t([4.0]), t([[2.0]]), 1.0), t([1.75]), "`[1.75]`"),
        6: ((t([[1.0] * 4, [3.0] * 4]), 2, 3), t([[1.0, 2, 3]] * 2), "[1., 2., 3.]"),
        7: (
            (t([1.0, 2]).view(2, 1, 1), t([3.0, -2]).view(1, 2, 1, 1), t([0.5])),
            t([-0.5]).view(1, 1, 1),
            "give -0.5",
        ),
    }
    arguments, wanted, words = said[number]
    assert agrees(SOLUTION[QUESTIONS[number].name](*arguments), wanted, 1e-6)
    assert words in PARTS[number]


@pytest.mark.parametrize("number", QUESTIONS)
def test_the_solution_passes_the_check_and_the_hidden_tests_of_every_seed(number):
    answer = SOLUTION[QUESTIONS[number].name]
    assert checks.stages(number, answer) == f"Question {number}: right."
    for seed in SEEDS:
        assert graded(number, answer, seed) == [None] * len(CASES[number])


@pytest.mark.parametrize(("number", "source"), IT.right)
def test_other_ways_to_be_right_pass_too(number, source):
    answer = answered(number, source)
    assert checks.stages(number, answer) == f"Question {number}: right."
    for seed in SEEDS:
        assert graded(number, answer, seed) == [None] * len(CASES[number])


@pytest.mark.parametrize("number", QUESTIONS)
def test_a_right_answer_may_be_in_double_precision(number):
    def answer(*arguments):
        return SOLUTION[QUESTIONS[number].name](*arguments).double()

    assert checks.stages(number, answer) == f"Question {number}: right."
    assert graded(number, answer, seed=1) == [None] * len(CASES[number])


@pytest.mark.parametrize(("number", "source", "hint"), IT.wrong)
def test_a_wrong_answer_gets_its_hint_in_the_check_and_in_the_hidden_tests(number, source, hint):
    assert sum(hint in mistake.hint for mistake in QUESTIONS[number].mistakes) == (hint != "the very function")
    answer = answered(number, source)
    with pytest.raises(NotYet, match=f"Question {number}, {QUESTIONS[number].name}: ") as told:
        checks.stages(number, answer)
    assert hint in str(told.value)
    for seed in SEEDS:
        said = graded(number, answer, seed)
        assert [complaint for complaint in said if complaint and hint in complaint], said


@pytest.mark.parametrize("number", QUESTIONS)
def test_there_are_at_least_three_wrong_answers_with_different_hints(number):
    assert len({hint for _, hint in IT.answers.WRONG[number]} - {"the very function"}) >= 3


@pytest.mark.parametrize("number", QUESTIONS)
def test_every_mistake_shows_and_no_two_look_alike(number):
    question = QUESTIONS[number]
    cases = question.examples()
    made = {"right": [question.reference(*case) for case in cases]}
    for mistake in question.mistakes:
        made[mistake.hint] = []
        for case in cases:
            try:
                made[mistake.hint].append(mistake.wrong(*case))
            except RuntimeError:  # a matrix that fits the other way round only if it is square
                made[mistake.hint].append(NotYet)
    for (one, first), (other, second) in itertools.combinations(made.items(), 2):
        assert any(not agrees(a, b, 100 * question.tolerance) for a, b in zip(first, second, strict=True)), (one, other)


@pytest.mark.parametrize("number", QUESTIONS)
def test_each_mistake_that_is_known_gets_its_own_hint(number):
    question = QUESTIONS[number]
    for mistake in question.mistakes:
        if mistake.hint.startswith("the matrix should be transposed"):
            cases = question.examples()[1:]  # those where it can be made
        else:
            cases = question.examples()
        outcomes = iter([mistake.wrong(*case) for case in cases])
        assert judge(question, lambda *_, o=outcomes: next(o), cases) == mistake.hint


@pytest.mark.parametrize("number", QUESTIONS)
def test_what_is_not_answered_waits_and_earns_nothing(number):
    with pytest.raises(Unanswered, match=f"write {QUESTIONS[number].name} in the cell above"):
        checks.stages(number, lambda *_: ...)
    assert all("not been written" in said for said in graded(number, lambda *_: ..., seed=1))
    for test in CASES[number]:
        with pytest.raises(AssertionError, match=f"there is no {QUESTIONS[number].name}"):
            test(None, 1)


@pytest.mark.parametrize("number", QUESTIONS)
def test_an_answer_that_ignores_its_arguments_earns_nothing(number):
    right = QUESTIONS[number].reference(*QUESTIONS[number].examples()[0])
    for constant in (right, torch.zeros_like(right), 0.0, "the answer", [right], None):
        said = graded(number, lambda *_, constant=constant: constant, seed=2)
        assert None not in said
        assert all(isinstance(s, str) and len(s) < 160 for s in said)


@pytest.mark.parametrize("number", QUESTIONS)
def test_zeros_in_the_right_shape_earn_nothing(number):
    def answer(*arguments):
        return torch.zeros_like(QUESTIONS[number].reference(*arguments))

    assert None not in graded(number, answer, seed=3)


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

    first, again, other = record(5), record(5), record(6)
    assert all(agrees(list(a), list(b), 0) for a, b in zip(first, again, strict=True))
    assert not all(agrees(list(a), list(b), 0) for a, b in zip(first, other, strict=False))


def test_partial_credit_for_padding_with_zeros_is_the_inside():
    (source, _), *_ = IT.answers.WRONG[8]
    said = graded(8, answered(8, source), seed=0)
    assert said[0] is None
    assert None not in said[1:]


def test_the_random_weights_are_those_of_a_network():
    drawn = weights((5, 1, 3), (4, 3), seed=2)
    assert pretrained.from_state_dict(drawn, "test").kernels == (5, 1, 3)
