"""The assignment *Train and report*: its solution passes everything, and each mistake is told its own hint."""

import itertools
import re

import pytest
import torch
from assignment import Assignment
from exercises import variants as variants_of_a_course
from exercises.training import hidden_weights, photographs
from lanes import one_in

import srcnn
from srcnn import checks, pretrained
from srcnn.checks import training_report, variants
from srcnn.checks.judging import NotYet, Unanswered, agrees, judge
from srcnn.checks.training_report import QUESTIONS
from srcnn.checks.training_weights import LITTLE, judge_weights
from srcnn.files import InputError

IT = Assignment("training")
SOLUTION, PARTS, CASES, graded, answered = IT.solution, IT.parts, IT.cases, IT.graded, IT.answered
CLOSED = [number for number in QUESTIONS if number != 6]  # those that have one right answer
SEEDS = range(7)
# a wrong answer to the question that trains takes seconds
WRONG = [*(case for case in IT.wrong if case[0] in CLOSED), *one_in(3, (case for case in IT.wrong if case[0] == 6))]


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
    monkeypatch.setattr(photographs, "SCENES", 1)
    hidden_weights.pictures.cache_clear()
    yield
    hidden_weights.pictures.cache_clear()


def test_it_has_seven_questions_of_24_points_and_the_last_is_for_a_reader():
    points = list(IT.points().values())
    assert list(PARTS) == [*QUESTIONS, 7] == [*CASES, 7]
    assert points[:6] == sorted(points[:6])
    assert (sum(points[:6]), points[6]) == (20, 4)
    for number in QUESTIONS:
        assert 2 <= len(CASES[number]) <= 4
        assert sum(case.points for case in CASES[number]) == points[number - 1]
        assert len({case.title for case in CASES[number]}) == len(CASES[number])
        assert f"checks.training({number}, {QUESTIONS[number].name})" in PARTS[number]


def test_the_written_answer_has_its_heading_and_a_rubric_that_adds_up():
    assert PARTS[7].count("\n# ### Your answer to question 7\n") == 2  # the student's and the model's
    assert sum(int(p) for p in re.findall(r"\| (\d) \|$", PARTS[7], re.M)) == 4
    (model,) = re.findall(r'tags=\["solution"\]\n# ### Your answer to question 7\n#\n(.*)', PARTS[7], re.S)
    assert 120 <= len(model.replace("#", " ").split()) <= 200


@pytest.mark.parametrize("kind", hidden_weights.BANDS)
def test_the_bands_in_the_text_are_those_of_the_hidden_cases(monkeypatch, kind):
    told = re.findall(r"^# \| (\d) \| (\d+)% \| (\d+)% \|$", PARTS[6], re.M)
    sums = itertools.accumulate(case.points for case in CASES[6])
    assert [int(points) for points, *_ in told] == list(sums)
    if kind == "photographs":
        monkeypatch.setenv(photographs.FOLDER, "somewhere")
    for case, (_, *bands) in zip(CASES[6], told, strict=True):
        band = int(bands[kind == "photographs"]) / 100
        monkeypatch.setattr(hidden_weights, "result", lambda train, seed, share=band + 0.001: (share, None))
        case(None, seed=1)
        monkeypatch.setattr(hidden_weights, "result", lambda train, seed, share=band: (share, None))
        with pytest.raises(AssertionError, match=rf"less than {band:.0%} of that of the shipped weights"):
            case(None, seed=1)
    assert f"{hidden_weights.SQUARES:,} sub-images" in PARTS[6]
    assert f"for {LITTLE} sub-images and for 4,000" in PARTS[6].replace("\n# ", " ")


def test_the_worked_examples_in_the_text_are_true():
    low, high = SOLUTION["cut_pair"](torch.zeros(1, 100, 65), 3, 6)
    assert (low.shape, high.shape) == ((1, 99, 63), (1, 87, 51))
    names = ("extraction.weight", "extraction.bias")
    state = [{name: torch.tensor(value) for name in names} for value in (1.0, 0.5, 2.0)]
    weights, velocities = SOLUTION["sgd_step"](*state, 0.1)
    assert [weights[name].item() for name in names] == pytest.approx([0.77, 0.977])
    assert velocities["extraction.bias"].item() == pytest.approx(2.3)
    draws = torch.tensor([[0, 0, 1], [1, 1, 2], [0, 1, 2], [2, 2, 0]])
    gains = torch.tensor([1.0, 2.0, 6.0], dtype=torch.float64)
    means = sorted([4 / 3, 10 / 3, 3, 13 / 3])
    ends = means[0] + 3 * 0.025 * (means[1] - means[0]), means[-1] - 3 * 0.025 * (means[-1] - means[-2])
    assert SOLUTION["interval"](30 + gains, torch.full((3,), 30.0), draws) == pytest.approx((3, *ends))
    profile = [("conv2d", 2, 900.0, 8e8, 4e6), ("add", 30, 50.0, 1e6, 8e6)]
    name, *values = SOLUTION["saving"](profile, 1e12, 4e11)
    assert (name, values) == ("add", pytest.approx([0.4545, 1.375], abs=1e-4))


@pytest.mark.parametrize("number", CLOSED)
def test_the_solution_passes_the_check_and_the_hidden_tests_of_every_seed(number):
    answer = SOLUTION[QUESTIONS[number].name]
    assert checks.training(number, answer) == f"Question {number}: right."
    for seed in SEEDS:
        assert graded(number, answer, seed) == [None] * len(CASES[number])


@pytest.mark.release
def test_the_solution_trains_into_the_highest_band_whatever_the_seed_of_the_examination():
    train = SOLUTION["train"]
    assert checks.training(6, train) == "Question 6: right."
    trained = []

    def once(photographs, squares):
        trained.append(train(photographs, squares))
        return trained[-1]

    assert graded(6, once, seed=1) == [None] * 4
    for seed in (2, 3, 4):
        _, held_out = hidden_weights.pictures(seed)
        assert hidden_weights.share(trained[-1], held_out) > hidden_weights.BANDS["scenes"][-1]


def test_the_solution_trains_with_a_small_budget_without_a_complaint(small):
    assert checks.training(6, SOLUTION["train"]) == "Question 6: right."
    gain, complaint = hidden_weights.result.__wrapped__(SOLUTION["train"], 1)
    assert complaint is None
    assert gain > -1  # the bands need the whole budget, and so `make test-all`


@pytest.mark.parametrize(("number", "source"), IT.right)
def test_other_ways_to_be_right_pass_too(number, source, small):
    answer = answered(number, source)
    assert checks.training(number, answer) == f"Question {number}: right."
    if number == 6:  # an ordinary Adam, which needs the real budget for a band; there is no complaint but that
        gain, complaint = hidden_weights.result.__wrapped__(answer, 1)
        assert complaint is None
        assert gain > -2
        return
    for seed in SEEDS:
        assert graded(number, answer, seed) == [None] * len(CASES[number])


@pytest.mark.parametrize(("number", "source", "hint"), WRONG)
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


def disguised(weights: dict, draw: torch.Generator) -> dict:
    """The same network: hidden channels in another order, scaled, and scaled back by the next layer."""
    made = dict(weights)
    for layer, following in (("extraction", "mapping"), ("mapping", "reconstruction")):
        order = torch.randperm(len(made[f"{layer}.bias"]), generator=draw)
        scale = 0.25 + 4 * torch.rand(len(order), generator=draw)
        made[f"{layer}.weight"] = made[f"{layer}.weight"][order] * scale.view(-1, 1, 1, 1)
        made[f"{layer}.bias"] = made[f"{layer}.bias"][order] * scale
        made[f"{following}.weight"] = made[f"{following}.weight"][:, order] / scale.view(1, -1, 1, 1)
    return made


@pytest.mark.parametrize("way", ["as they are", "moved a little", "in another order"])
def test_weights_that_the_package_carries_earn_nothing_in_any_disguise(way):
    carried = pretrained.load("srcnn-9-1-5-x3").model.state_dict()
    draw = torch.Generator().manual_seed(0)
    given = carried
    if way != "as they are":
        noise = {n: 0.05 * w.std() * torch.randn(w.shape, generator=draw) for n, w in carried.items() if w.numel() > 1}
        given = carried | {n: carried[n] + moved for n, moved in noise.items()}
    if way == "in another order":
        given = disguised(given, draw)
        low = torch.rand(1, 1, 30, 30, generator=draw)
        outputs = [hidden_weights.network(w)(low) for w in (disguised(carried, draw), carried)]
        assert torch.allclose(*outputs, atol=1e-4)  # it is the same network

    def train(photographs, squares):  # an honest look at the small budget, which would have been caught
        return SOLUTION["train"](photographs, squares) if squares <= LITTLE else given

    assert all("the package ships" in said for said in graded(6, train, seed=1))
    assert not hidden_weights.shipped(SOLUTION["train"](QUESTIONS[6].examples()[0][0], 640))


def test_nobody_trains_on_what_is_graded_and_every_seed_has_other_scenes(monkeypatch):
    monkeypatch.setattr(photographs, "SCENES", 2)
    train, scenes = hidden_weights.pictures.__wrapped__(1)
    others = hidden_weights.pictures.__wrapped__(2)[1]
    assert len(scenes) == photographs.SCENES
    for name, scene in scenes.items():
        assert scene.shape == (1, photographs.SIDE, photographs.SIDE)
        assert scene.min() >= 16 / 255 - 1e-6
        assert scene.max() <= 235 / 255 + 1e-6
        assert torch.equal(scene, (scene * 255).round() / 255)
        assert not torch.equal(scene, others[name])
        assert all(scene.shape != one.shape or not torch.equal(scene, one) for one in train)
    again = hidden_weights.pictures.__wrapped__(1)[1]
    assert all(torch.equal(scenes[name], again[name]) for name in scenes)


def test_an_instructor_s_folder_is_graded_on_in_place_of_scenes(tmp_path, monkeypatch):
    for name, size in (("b.png", (90, 500)), ("a.png", (70, 61))):
        values = torch.rand(3, *size, generator=torch.Generator().manual_seed(size[0]))
        (tmp_path / name).write_bytes(srcnn.images.png(srcnn.quantize(values)))
    (tmp_path / "notes.txt").write_text("mine")
    monkeypatch.setenv(photographs.FOLDER, str(tmp_path))
    found = hidden_weights.pictures.__wrapped__(1)[1]
    assert {name: tuple(values.shape) for name, values in found.items()} == {
        "a.png": (1, 70, 61),
        "b.png": (1, 90, 360),
    }
    whole = srcnn.luma(srcnn.images.read(tmp_path / "b.png"))
    assert torch.equal(found["b.png"], whole[:, :, 70:430])
    assert hidden_weights.kind() == "photographs"
    before = photographs.digest(tmp_path)
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    assert photographs.digest(tmp_path) != before


def test_a_folder_that_cannot_be_graded_on_is_told_in_one_sentence(tmp_path):
    with pytest.raises(InputError, match="nowhere is no folder"):
        photographs.load(tmp_path / "nowhere")
    with pytest.raises(InputError, match="has 0 photographs; at least 2 are wanted"):
        photographs.load(tmp_path)
    for name, size in (("a.png", (70, 61)), ("b.png", (30, 90))):
        (tmp_path / name).write_bytes(srcnn.images.png(torch.zeros(1, *size)))
    with pytest.raises(InputError, match=r"b\.png has 90 x 30 pixels; at least 60 on each side"):
        photographs.load(tmp_path)
    (tmp_path / "b.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"b\.png cannot be read as a photograph"):
        photographs.load(tmp_path)


VARIANT = "7K3F-QM2A"


def test_a_variant_has_other_numbers_one_oracle_and_hints_that_name_the_same_mistakes():
    common, own = (training_report.questions(code) for code in ("", VARIANT))
    numbers = [variants.numbers("training", code) for code in ("", VARIANT)]
    assert all(numbers[0][name] != numbers[1][name] for name in numbers[0])
    step = SOLUTION["sgd_step"]
    assert "the numbers are those of another variant" in judge(own[2], step)
    assert any("another variant" in str(said) for said in said_of(2, step, VARIANT))
    for number in (2, 4):
        right = own[number].reference
        assert judge(own[number], right) is None
        for seed in SEEDS[:2]:
            assert said_of(number, right, VARIANT, seed) == [None] * len(CASES[number])
        for code, asked in (("", common), (VARIANT, own)):
            for mistake in asked[number].mistakes:
                said = [told for seed in SEEDS[:2] for told in said_of(number, mistake.wrong, code, seed) if told]
                assert mistake.hint in said, (code, mistake.hint)


def said_of(number: int, answer, code: str, seed: int = 1) -> list:
    """What each hidden case says of an answer to a variant."""
    said = []
    for case in CASES[number]:
        try:
            case(answer, seed, code)
            said.append(None)
        except AssertionError as complaint:
            said.append(str(complaint))
    return said


@pytest.mark.parametrize("number", [2, 4])
@pytest.mark.parametrize("seed", range(12))
def test_no_two_mistakes_look_alike_in_any_variant(number, seed):
    code = variants_of_a_course.code(seed, "a student")
    question = training_report.questions(code)[number]
    cases = question.examples()
    made = {"right": [question.reference(*case) for case in cases]}
    made |= {mistake.hint: [mistake.wrong(*case) for case in cases] for mistake in question.mistakes}
    assert len(made) == len(question.mistakes) + 1
    for (one, first), (other, second) in itertools.combinations(made.items(), 2):
        assert any(not agrees(a, b, question.tolerance) for a, b in zip(first, second, strict=True)), (one, other)


def test_an_error_in_training_is_told_with_the_budget_and_trains_no_second_time(small):
    calls = []

    def train(photographs, squares):
        calls.append(squares)
        raise ZeroDivisionError("division by zero")

    said = graded(6, train, seed=5)
    assert len(calls) == 1
    assert set(said) == {f"with {calls[0]} sub-images it stops with ZeroDivisionError: division by zero"}


def test_weights_on_other_devices_in_double_and_with_gradients_are_taken():
    weights = {n: w.double().requires_grad_() for n, w in pretrained.load("srcnn-9-1-5-x3").model.state_dict().items()}
    assert judge_weights(([], 4_000), weights) is None
