"""The live figure of the optimizers' valley: its paths are those of the optimizers that chapter 10 runs."""

import json
import math
import re
from functools import partial

import numpy as np
import pytest
import torch
from browse import IN_CHROMIUM
from live_page import BOOK, redrawn_in, slide, source, told
from pytorch_optimizer import SOAP

pytestmark = IN_CHROMIUM
NAMES = ("SGD", "momentum", "Adam", "SOAP")
# of the largest distance from the minimum so far; SOAP's package rounds its eigenvectors to float32
TOLERANCE = dict.fromkeys(NAMES, 1e-9) | {"SOAP": 1e-5}


@pytest.fixture(scope="module")
def chapter() -> dict:
    """What the chapter's own cells define: `walk`, `height` and `best_walk`."""
    names = {"math": math, "torch": torch}
    for start in ("def valley", "def walk"):
        exec(source("10_training", start), names)
    return names


@pytest.fixture
def page(live_figure):
    return live_figure("valley")


def walks(page) -> dict:
    """Name -> (path, rate) of what is drawn."""
    drawn = page.evaluate(
        "() => Object.entries(document.querySelector('.live').state.walks)"
        ".map(([name, { path, losses, rate }]) => [name, [...path], [...losses], rate])"
    )
    return {
        name: (np.array(path, float).reshape(-1, 2), np.array(losses, float), rate)
        for name, path, losses, rate in drawn
    }


def ground(degrees: int, condition: float, chapter: dict) -> tuple:
    """The Hessian and the start; the chapter's valley has the condition number 100."""
    _, turn = chapter["valley"](degrees)
    curvatures, start = torch.tensor([1.0, condition]).double(), torch.tensor([-2.0, 0.5]).double()
    return turn @ torch.diag(curvatures) @ turn.T, turn @ start


def makers(momentum: float) -> dict:
    return {
        "SGD": torch.optim.SGD,
        "momentum": partial(torch.optim.SGD, lr=0.1, momentum=momentum),
        "Adam": partial(torch.optim.Adam, betas=(momentum, 0.999)),
        "SOAP": partial(SOAP, betas=(momentum, 0.999), weight_decay=0.0, precondition_frequency=1),
    }


def assert_same(path: np.ndarray, expected: np.ndarray, name: str) -> None:
    assert path.shape == expected.shape
    finite = np.isfinite(expected).all(1)
    np.testing.assert_array_equal(np.isfinite(path).all(1), finite)
    path, expected = path[finite], expected[finite]
    scale = np.maximum.accumulate(np.hypot(*expected.T))
    error = np.hypot(*(path / scale[:, None] - expected / scale[:, None]).T)
    assert error.max() < TOLERANCE[name], (name, error.argmax(), error.max())


@pytest.mark.parametrize(
    ("degrees", "decades", "rate", "momentum", "steps"),
    [
        (45, 2.0, 8, 0.9, 30),
        (0, 2.0, 16, 0.9, 30),
        (17, 2.5, 12, 0.95, 100),
        (90, 0.3, 20, 0.9, 100),
        (30, 0.3, 24, 0.5, 30),  # SOAP's two eigenvectors change places
        (45, 2.5, 24, 0.9, 100),  # SGD and momentum diverge
        (10, 2.0, 13, 0.0, 5),
    ],
)
def test_every_path_is_the_optimizers(page, chapter, degrees, decades, rate, momentum, steps):
    settings = {"Angle": degrees, "Condition number": decades, "Momentum": momentum, "Steps": steps}
    for label, value in (settings | {"One rate for all": rate}).items():
        slide(page, label, value)
    H, start = ground(degrees, float(f"{10**decades:.2g}"), chapter)
    drawn = walks(page)
    assert list(drawn) == list(NAMES)
    for name, make in makers(momentum).items():
        path, losses, used = drawn[name]
        assert used == pytest.approx(10 ** ((rate - 20) / 8), rel=1e-12)
        expected = chapter["walk"](make, H, start, used, steps)
        assert_same(path, expected.numpy(), name)
        heights = chapter["height"](expected, H).numpy()
        finite = np.isfinite(heights)
        np.testing.assert_array_equal(np.isfinite(losses), finite)
        error = np.abs(losses[finite] - heights[finite]) / np.maximum.accumulate(heights[finite])
        assert error.max() < TOLERANCE[name], name
        words = re.search(rf"{name} ([\d.e+-]+|beyond any number)[,;]", told(page))[1]
        if np.isfinite(heights[-1]):
            assert float(words) == pytest.approx(heights[-1], rel=0.06)  # two digits
        else:
            assert words == "beyond any number"
        diverging = told(page).partition("Above the start: ")[2]
        assert (name in diverging) == (not heights[-1] <= 1.001 * heights[0])


def test_it_begins_as_figure_10_3_and_tunes_as_the_chapter_does(page):
    table = next(
        output["data"]["text/markdown"]
        for cell in json.loads((BOOK / "10_training.ipynb").read_text(encoding="utf-8"))["cells"]
        for output in cell.get("outputs", [])
        if "rotated by 45" in "".join(output.get("data", {}).get("text/markdown", ""))
    )
    rows = re.findall(r"\| (\w+) \| ([\d.]+) \| ([\d.]+) \|", "".join(table))
    assert [name for name, *_ in rows] == list(NAMES)
    for angle, column in ((45, 2), (0, 1)):
        slide(page, "Angle", angle)
        losses = ", ".join(f"{row[0]} {row[column]}" for row in rows)
        assert f"each with the best of 25 learning rates, the losses are {losses}; all start at 14.5" in told(page)


@pytest.mark.parametrize(("decades", "momentum", "steps"), [(2.5, 0.95, 100), (0.3, 0.9, 5), (1.4, 0.0, 20)])
def test_the_best_of_25_rates_is_the_chapters(page, chapter, decades, momentum, steps):
    for label, value in {"Angle": 30, "Condition number": decades, "Momentum": momentum, "Steps": steps}.items():
        slide(page, label, value)
    H, start = ground(30, float(f"{10**decades:.2g}"), chapter)
    chapter["walk"].__defaults__ = (steps,)  # `best_walk` leaves them as they are
    try:
        expected = {name: chapter["best_walk"](make, H, start) for name, make in makers(momentum).items()}
    finally:
        chapter["walk"].__defaults__ = (30,)
    for name, (path, *_) in walks(page).items():
        assert_same(path, expected[name].numpy(), name)


def test_only_adam_minds_the_angle(page):
    ends = {}
    for angle in (0, 1, 45, 80, 90):
        slide(page, "Angle", angle)
        ends[angle] = {name: losses[-1] for name, (_, losses, _) in walks(page).items()}
    for name in ("SGD", "momentum", "SOAP"):
        assert [end[name] for end in ends.values()] == pytest.approx([ends[0][name]] * 5, rel=1e-3)
    assert ends[1]["Adam"] > 10 * ends[0]["Adam"]
    assert ends[45]["Adam"] > 100 * ends[0]["Adam"]
    assert ends[90]["Adam"] == pytest.approx(ends[0]["Adam"], rel=1e-3)


def test_the_steps_are_scrubbed_and_the_words_follow(page):
    for step in (0, 7, 29):
        slide(page, "Up to step", step)
        assert told(page).startswith(f"After {step} of 30 steps")
        losses = {name: losses[step] for name, (_, losses, _) in walks(page).items()}
        for name, loss in losses.items():
            assert float(re.search(rf"{name} ([\d.e-]+)", told(page))[1]) == pytest.approx(loss, rel=0.06)
            label = page.get_by_role("img", name=f"The path of {name}").get_attribute("aria-label")
            assert f"{step} steps" in label
    slide(page, "Steps", 80)
    assert told(page).startswith("After 80 of 80 steps")
    page.get_by_label("Up to step").focus()
    page.keyboard.press("ArrowLeft")
    assert told(page).startswith("After 79 of 80 steps")


def test_the_rates_are_each_optimizers_own_again_on_demand(page):
    before = told(page)
    tick = page.get_by_label("Best of 25 rates for each")
    slide(page, "One rate for all", 12)
    assert not tick.is_checked()
    assert "all with the learning rate 0.10" in told(page)
    tick.check()
    assert told(page) == before


def test_many_inputs_at_once_end_at_the_last_and_each_is_quick(page):
    slide(page, "Steps", 100)
    assert redrawn_in(page.get_by_label("Angle"), range(90, -1, -1)) < 10
    last = told(page)
    slide(page, "Angle", 45)
    assert told(page) != last
    slide(page, "Angle", 0)
    assert told(page) == last


def test_it_is_drawn_anew_in_the_colors_and_the_size_of_the_page(page):
    canvas = page.locator("canvas").first
    image = "c => c.toDataURL()"
    page.add_style_tag(content="[data-theme=dark] { color: rgb(200, 210, 220); }")
    light = canvas.evaluate(image)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function("light => document.querySelector('canvas').toDataURL() !== light", arg=light)
    frame = canvas.evaluate("c => [...c.getContext('2d').getImageData(1, 0, 1, 1).data]")
    assert frame[:3] == pytest.approx([200, 210, 220], abs=2)
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_function("() => { const c = document.querySelector('canvas'); return c.width === c.clientWidth; }")
