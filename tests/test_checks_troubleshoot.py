"""*A broken repository*: what is right is what the package does, and each mistake is found, priced and mended apart."""

import ast
import itertools
import json
import re

import forked
import pytest
import torch
from exercises import build, variants
from exercises.troubleshoot import hidden, planted
from grader import autograde, collect, suite
from grader.collect import Submission
from grader.confine import Limits, Protection

import srcnn
from srcnn import checks, pretrained
from srcnn.checks.judging import NotYet, agrees
from srcnn.checks.troubleshoot_repository import NAMES, QUESTIONS, REFERENCE, TOLERANCE, arguments

CASES = suite.load("troubleshoot").cases
MISTAKES = [(name, hint) for name, piece in planted.PIECES.items() for hint in piece.mistakes]
CODES = ["", *(variants.code(3, f"s{k}") for k in range(40))]


def run(cells: list[str]) -> dict:
    """What a notebook defines, without its checks and its setting-up."""
    space: dict = {}
    for cell in cells:
        if "find_spec" not in cell and not cell.startswith(("checks.", "print(")):
            exec(cell, space)
    return space


def notebook(kind: str, code: str = "") -> list[str]:
    cells = json.loads(build.notebooks(build.EXERCISES / "troubleshoot" / "assignment.py", code)[f"{kind}.ipynb"])[
        "cells"
    ]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def said(number: int, answer: object, code: str = "", seed: int = 1) -> list[str | None]:
    """What each hidden case says."""
    told: list[str | None] = []
    for case in CASES[number]:
        try:
            case(answer, seed, code)
            told.append(None)
        except AssertionError as complaint:
            told.append(str(complaint))
    return told


@pytest.fixture(scope="module")
def solution() -> dict:
    """What the solution defines."""
    return run(notebook("solution"))


def test_it_has_three_questions_of_20_points_and_three_cases_for_each_mistake():
    text = (build.EXERCISES / "troubleshoot" / "assignment.py").read_text(encoding="utf-8")
    worth = {int(n): float(p) for n, p in re.findall(r"^# ## Question (\d): .* \((\d+) points\)$", text, re.M)}
    assert worth == {number: sum(case.points for case in cases) for number, cases in CASES.items()}
    assert sum(worth.values()) == 20
    assert {len(cases) for cases in CASES.values()} == {planted.PLANTED}
    assert tuple(planted.PIECES) == NAMES == tuple(REFERENCE)


@pytest.mark.parametrize("name", NAMES)
def test_the_repository_without_mistakes_does_what_the_package_does(name):
    draw = torch.Generator().manual_seed(5)
    for _ in range(3):
        given = arguments(name, draw)
        assert agrees(planted.repository({})[name](*given), REFERENCE[name](*given), TOLERANCE)


def test_its_score_is_the_packages():
    network = srcnn.upscaler(pretrained.load("srcnn-9-1-5-x3").model)
    photographs = {str(k): srcnn.luma(rgb) for k, rgb in enumerate(planted.photographs())}
    score = srcnn.mean_scores(srcnn.evaluate(network, photographs.items(), scale=3)).psnr
    ours = planted.repository({})["evaluate"](planted.photographs(), 3, planted.weights())
    assert ours == pytest.approx(score, abs=1e-3)


@pytest.mark.parametrize(("name", "hint"), MISTAKES)
def test_a_mistake_shows_has_a_price_and_is_told_its_own_hint(name, hint):
    assert abs(planted.price(name, hint)) > 2 * hidden.NEAR
    broken = planted.repository({name: hint})
    code = next(code for code in CODES if planted.planted(code).get(name) == hint)
    place = list(planted.planted(code)).index(name)
    for seed in range(5):
        told = said(3, lambda which, *given: broken[which](*given), code, seed)
        assert told[place] == f"{name} is still broken: {hint}"
    others = [
        told[k]
        for k, other in enumerate(planted.planted(code))
        if k != place and other not in ("psnr", "luma", "compare")
    ]
    assert set(others) == {None}


def test_the_variants_plant_everything_and_eight_each():
    drawn = [planted.planted(code) for code in CODES]
    assert {len(broken) for broken in drawn} == {planted.PLANTED}
    assert len({tuple(sorted(broken.items())) for broken in drawn}) == len(drawn)
    counts = [sum(broken.get(name) == hint for broken in drawn) for name, hint in MISTAKES]
    assert min(counts) >= 3


def test_the_solution_passes_everything(solution):
    assert sorted(solution["found"]) == sorted(planted.planted())
    for number, question in QUESTIONS.items():
        answer = solution[question.name]
        assert said(number, answer) == [None] * planted.PLANTED
        told = checks.troubleshoot(number, answer)
        assert told == f"Question {number}: " + (
            "right." if number == 3 else "complete; the grading sees whether it is right."
        )
    assert solution["prices"] == pytest.approx({n: planted.price(n, h) for n, h in planted.planted().items()}, abs=6e-3)


def test_what_is_handed_out_is_broken_in_eight_places_and_says_which_in_the_grading():
    cells = notebook("student")
    space = run([cell for cell in cells if not cell.startswith('"""')])
    broken = planted.planted()
    told = said(3, lambda name, *given: space[name](*given))
    assert all(isinstance(each, str) for each in told)
    assert [
        f"{name} is still broken: {hint}" for name, hint in broken.items() if name not in ("compare", "psnr", "luma")
    ] == [each for each, name in zip(told, broken, strict=True) if name not in ("compare", "psnr", "luma")]
    with pytest.raises(NotYet, match="at least one of the twelve functions does not yet"):
        checks.troubleshoot(3, lambda name, *given: space[name](*given))
    assert not any(hint in "\n".join(cells) for _, hint in MISTAKES)


def test_a_variant_s_notebook_has_its_own_repository_and_is_graded_by_it(solution):
    code = CODES[1]
    cells = notebook("student", code)
    own = planted.planted(code)
    assert any(cell == planted.source(own) for cell in cells)
    assert ast.parse(planted.mended(own))
    assert said(1, sorted(own), code) == [None] * planted.PLANTED
    assert sum(each is None for each in said(1, solution["found"], code)) == len(set(own) & set(planted.planted()))
    assert said(2, {name: planted.price(name, hint) for name, hint in own.items()}, code) == [None] * planted.PLANTED


def test_prices_are_right_to_a_hundredth_and_a_turned_sign_is_told():
    right = {name: planted.price(name, hint) for name, hint in planted.planted().items()}
    near = {name: price + 0.9 * hidden.NEAR for name, price in right.items()}
    assert said(2, lambda: near) == [None] * planted.PLANTED
    assert all("its price is another" in told for told in said(2, {n: p + 0.5 + abs(p) / 10 for n, p in right.items()}))
    assert all("the sign is wrong" in told for told in said(2, {n: -p for n, p in right.items()}))


@pytest.mark.parametrize(
    ("number", "answer", "hint"),
    [
        (1, "luma", "no list of names"),
        (1, ["luma"] * 8, "1 names; 8 different ones"),
        (1, list(NAMES), "12 names; 8 different ones"),
        (1, [*NAMES[:7], "lumen"], "lumen is none of the twelve"),
        (2, ["luma"], "no dictionary"),
        (2, dict.fromkeys(NAMES[:3], 1.0), "3 names; 8 different ones"),
        (2, dict.fromkeys(NAMES[:8], "1 dB"), "no finite number"),
        (2, dict.fromkeys(NAMES[:8], float("nan")), "no finite number"),
    ],
)
def test_an_answer_of_another_form_is_told_in_the_check_and_in_the_grading(number, answer, hint):
    with pytest.raises(NotYet, match=hint):
        checks.troubleshoot(number, answer)
    assert all(hint in told for told in said(number, answer))


@pytest.mark.parametrize("number", QUESTIONS)
def test_what_is_not_there_earns_nothing(number):
    for answer, hint in ((None, "there is no"), (lambda *_: ..., "has not been written yet")):
        assert all(hint in told for told in said(number, answer))


def test_the_packages_own_functions_are_no_mending(solution):
    space = dict(solution)
    exec("def luma(rgb):\n    return srcnn.luma(rgb)", space)
    with pytest.raises(NotYet, match="the very function that is asked for"):
        checks.troubleshoot(3, lambda name, *given: space[name](*given))


@pytest.mark.parametrize("code", ["", CODES[1]])
def test_the_grader_gives_the_solution_all_points_and_the_notebook_that_is_handed_out_none(code, monkeypatch):
    forked.install(monkeypatch)
    own = planted.planted(code)
    solved = notebook("solution", code)
    place = next(k for k, cell in enumerate(solved) if cell.startswith("found ="))
    solved[place] = f"found = {sorted(own)}"
    place = next(k for k, cell in enumerate(solved) if cell.startswith("prices ="))
    solved[place] = f"prices = { ({name: planted.price(name, hint) for name, hint in own.items()}) }"
    for cells, points in ((solved, 20), (notebook("student", code), 0)):
        made = [{"cell_type": "code", "source": cell, "metadata": {}, "outputs": []} for cell in cells]
        data = json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}).encode()
        handed = Submission("a", "a", "a.ipynb", data)
        result = autograde.grade(handed, suite.load("troubleshoot"), 3, Protection("none"), Limits())
        assert (result.points, result.remarks, result.errors) == (points, [], {})


@pytest.mark.parametrize("name", checks.ASSIGNMENTS)
@pytest.mark.parametrize("kind", build.KINDS)
def test_a_notebook_is_known_for_its_own_assignment(name, kind):
    """This one defines luma, mse, psnr and shave, which *Measure* asks for."""
    read = collect.read((build.EXERCISES / name / f"{kind}.ipynb").read_bytes())
    assert collect.assignment(read, autograde.NAMES) == name


def test_no_two_mistakes_of_a_function_look_alike():
    for name, piece in planted.PIECES.items():
        made = {"right": planted.repository({})} | {hint: planted.repository({name: hint}) for hint in piece.mistakes}
        given = arguments(name, torch.Generator().manual_seed(9))
        for (one, first), (other, second) in itertools.combinations(made.items(), 2):
            assert not agrees(first[name](*given), second[name](*given), TOLERANCE), (one, other)
