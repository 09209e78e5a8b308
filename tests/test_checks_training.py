"""The assignment *Train and report*: its solution passes everything, and each mistake is told its own hint."""

import itertools
import re

import pytest
import torch
from assignment import Assignment
from exercises.training import hidden_weights

import srcnn
from srcnn import checks, pretrained
from srcnn.checks.judging import NotYet, Unanswered, agrees, judge
from srcnn.checks.training_report import QUESTIONS
from srcnn.checks.training_weights import LITTLE, judge_weights

IT = Assignment("training")
SOLUTION, PARTS, CASES, graded, answered = IT.solution, IT.parts, IT.cases, IT.graded, IT.answered
CLOSED = [number for number in QUESTIONS if number != 7]  # those that have one right answer
SEEDS = range(7)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """As the grading has it; and threads that wait for each other cost more than they bring to tensors so small."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def small(monkeypatch):
    """An examination with the budget of the visible check: seconds, where the real one takes half a minute."""
    monkeypatch.setattr(hidden_weights, "SQUARES", 4_000)
    monkeypatch.setattr(hidden_weights, "dead_leaves", lambda seed, size: srcnn.leaves.dead_leaves(seed, 60, leaves=99))
    hidden_weights.pictures.cache_clear()
    yield
    hidden_weights.pictures.cache_clear()


def test_it_has_eight_questions_of_24_points_and_the_last_is_for_a_reader():
    points = list(IT.points().values())
    assert list(PARTS) == [*QUESTIONS, 8] == [*CASES, 8]
    assert points[:7] == sorted(points[:7])
    assert (sum(points[:7]), points[7]) == (20, 4)
    for number in QUESTIONS:
        assert 2 <= len(CASES[number]) <= 4
        assert sum(case.points for case in CASES[number]) == points[number - 1]
        assert len({case.title for case in CASES[number]}) == len(CASES[number])
        assert f"checks.training({number}, {QUESTIONS[number].name})" in PARTS[number]


def test_the_written_answer_has_its_heading_and_a_rubric_that_adds_up():
    assert PARTS[8].count("\n# ### Your answer to question 8\n") == 2  # the student's and the model's
    assert sum(int(p) for p in re.findall(r"\| (\d) \|$", PARTS[8], re.M)) == 4
    (model,) = re.findall(r'tags=\["solution"\]\n# ### Your answer to question 8\n#\n(.*)', PARTS[8], re.S)
    assert 120 <= len(model.replace("#", " ").split()) <= 200


def test_the_bands_in_the_text_are_those_of_the_hidden_cases(monkeypatch):
    told = re.findall(r"^# \| ([\d.]+) dB \| (\d) \|$", PARTS[7], re.M)
    bands = [case.title.removeprefix("ahead by ") for case in CASES[7]]
    assert told == list(zip(bands, map(str, itertools.accumulate(case.points for case in CASES[7])), strict=True))
    for case, band in zip(CASES[7], map(float, bands), strict=True):
        monkeypatch.setattr(hidden_weights, "result", lambda train, seed, gain=band + 0.001: (gain, None))
        case(None, seed=1)
        monkeypatch.setattr(hidden_weights, "result", lambda train, seed, gain=band: (gain, None))
        with pytest.raises(AssertionError, match=rf"less than {band} dB ahead of bicubic"):
            case(None, seed=1)
    assert f"{hidden_weights.SQUARES:,} sub-images" in PARTS[7]
    assert f"for {LITTLE} sub-images and for 4,000" in PARTS[7].replace("\n# ", " ")


def test_the_worked_examples_in_the_text_are_true():
    assert SOLUTION["parameters"]((9, 1, 5), (64, 32), 1) == 8129
    assert SOLUTION["reach"]((9, 1, 5)) == (6, 13)
    low, high = SOLUTION["cut_pair"](torch.zeros(1, 100, 65), 3, 6)
    assert (low.shape, high.shape) == ((1, 99, 63), (1, 87, 51))
    rates = [SOLUTION["learning_rate"](step, 400, 0.01) for step in (0, 200, 300)]
    assert rates == pytest.approx([0.0005, 0.005, 0.00146], abs=5e-6)
    names = ("extraction.weight", "extraction.bias")
    state = [{name: torch.tensor(value) for name in names} for value in (1.0, 0.5, 2.0)]
    weights, velocities = SOLUTION["sgd_step"](*state, 0.1)
    assert [weights[name].item() for name in names] == pytest.approx([0.77, 0.977])
    assert velocities["extraction.bias"].item() == pytest.approx(2.3)


@pytest.mark.parametrize("number", CLOSED)
def test_the_solution_passes_the_check_and_the_hidden_tests_of_every_seed(number):
    answer = SOLUTION[QUESTIONS[number].name]
    assert checks.training(number, answer) == f"Question {number}: right."
    for seed in SEEDS:
        assert graded(number, answer, seed) == [None] * len(CASES[number])


@pytest.mark.release
def test_the_solution_trains_into_the_highest_band_whatever_the_seed_of_the_examination():
    train = SOLUTION["train"]
    assert checks.training(7, train) == "Question 7: right."
    trained = []

    def once(photographs, squares):
        trained.append(train(photographs, squares))
        return trained[-1]

    assert graded(7, once, seed=1) == [None] * 4
    for seed in (2, 3, 4):
        _, held_out = hidden_weights.pictures(seed)
        assert hidden_weights.mean_gain(trained[-1], held_out) > 0.9


def test_the_solution_trains_with_a_small_budget_without_a_complaint(small):
    assert checks.training(7, SOLUTION["train"]) == "Question 7: right."
    gain, complaint = hidden_weights.result.__wrapped__(SOLUTION["train"], 1)
    assert complaint is None
    assert gain > -1  # dB; the bands need the whole budget, and so `make test-all`


@pytest.mark.parametrize(("number", "source"), IT.right)
def test_other_ways_to_be_right_pass_too(number, source, small):
    answer = answered(number, source)
    assert checks.training(number, answer) == f"Question {number}: right."
    if number == 7:  # an ordinary Adam, which needs the real budget for a band; there is no complaint but that
        gain, complaint = hidden_weights.result.__wrapped__(answer, 1)
        assert complaint is None
        assert gain > -2
        return
    for seed in SEEDS:
        assert graded(number, answer, seed) == [None] * len(CASES[number])


@pytest.mark.parametrize(("number", "source", "hint"), IT.wrong)
def test_a_wrong_answer_gets_its_hint_in_the_check_and_in_the_hidden_tests(number, source, hint, small):
    answer = answered(number, source)
    with pytest.raises(NotYet, match=f"Question {number}, {QUESTIONS[number].name}: ") as told:
        checks.training(number, answer)
    assert hint in str(told.value)
    for seed in SEEDS if number in CLOSED else (1,):
        said = graded(number, answer, seed)
        assert [complaint for complaint in said if complaint and hint in complaint], said


@pytest.mark.parametrize("number", QUESTIONS)
def test_there_are_at_least_three_wrong_answers_with_different_hints(number):
    assert len({hint for _, hint in IT.answers.WRONG[number]}) >= 4


@pytest.mark.parametrize("number", CLOSED)
def test_every_mistake_shows_and_no_two_look_alike(number):
    question = QUESTIONS[number]
    cases = question.examples()
    made = {"right": [question.reference(*case) for case in cases]}
    made |= {mistake.hint: [mistake.wrong(*case) for case in cases] for mistake in question.mistakes}
    assert len(made) == len(question.mistakes) + 1
    for (one, first), (other, second) in itertools.combinations(made.items(), 2):
        assert any(not agrees(a, b, 10 * question.tolerance) for a, b in zip(first, second, strict=True)), (one, other)


@pytest.mark.parametrize("number", CLOSED)
def test_each_mistake_that_is_known_gets_its_own_hint(number):
    question = QUESTIONS[number]
    for mistake in question.mistakes:
        outcomes = iter([mistake.wrong(*case) for case in question.examples()])
        assert judge(question, lambda *_, o=outcomes: next(o)) == mistake.hint


@pytest.mark.parametrize("number", QUESTIONS)
def test_what_is_not_answered_waits_and_earns_nothing(number):
    with pytest.raises(Unanswered, match=f"write {QUESTIONS[number].name} in the cell above"):
        checks.training(number, lambda *_: ...)
    assert all("not been written" in said for said in graded(number, lambda *_: ..., seed=1))
    for test in CASES[number]:
        with pytest.raises(AssertionError, match=f"there is no {QUESTIONS[number].name}"):
            test(None, 1)


def test_weights_that_the_package_carries_earn_nothing_even_moved_a_little():
    carried = pretrained.load("srcnn-9-1-5-x3").model.state_dict()
    draw = torch.Generator().manual_seed(0)
    moved = {n: w + 0.05 * w.std() * torch.randn(w.shape, generator=draw) for n, w in carried.items() if w.numel() > 1}

    def train(photographs, squares):  # an honest look at the small budget, which would have been caught
        return SOLUTION["train"](photographs, squares) if squares <= LITTLE else carried | moved

    assert all("the package ships" in said for said in graded(7, train, seed=1))
    assert not hidden_weights.shipped(SOLUTION["train"](QUESTIONS[7].examples()[0][0], 640))


def test_an_error_in_training_is_told_with_the_budget_and_trains_no_second_time(small):
    calls = []

    def train(photographs, squares):
        calls.append(squares)
        raise ZeroDivisionError("division by zero")

    said = graded(7, train, seed=5)
    assert len(calls) == 1
    assert set(said) == {f"with {calls[0]} sub-images it stops with ZeroDivisionError: division by zero"}


def test_weights_on_other_devices_in_double_and_with_gradients_are_taken():
    weights = {n: w.double().requires_grad_() for n, w in pretrained.load("srcnn-9-1-5-x3").model.state_dict().items()}
    assert judge_weights(([], 4_000), weights) is None
