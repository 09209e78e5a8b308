"""The live figure that looks inside the network: all that it shows at a pixel is what PyTorch computes there."""

import re
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from browse import IN_CHROMIUM
from live_page import slide, told
from playwright.sync_api import expect

import srcnn
from srcnn import pretrained
from srcnn.images import png, sample
from srcnn.pairs import pair

pytestmark = IN_CHROMIUM
SOON = 60_000  # milliseconds; what never comes ends a test
PARTS = {"camera": (99, 189), "coins": (69, 120)}  # where the figure's part of a photograph begins
SIDE = 180
MODEL = pretrained.load("srcnn-9-1-5-x3").model.double().requires_grad_(False)
STATE = """() => {
  const { photo, seen, ...at } = document.querySelector(".live").state;
  const plain = (values) => (ArrayBuffer.isView(values) ? Array.from(values) : values);
  const all = Object.fromEntries(Object.entries(at).map(([name, value]) => [name, plain(value)]));
  const { h, w, share, groups, order, bicubic } = photo;
  const value = seen.output[at.row * w + at.column];
  return { ...all, value, psnr: seen.psnr, bicubic, share, groups, order, size: [h, w] };
}"""
WHOLE = """(name) => {
  const { photo, seen } = document.querySelector(".live").state;
  return [Array.from(name === "y" ? photo.y : seen[name]), photo.h, photo.w];
}"""


@pytest.fixture
def page(live_figure):
    page = live_figure("inside")
    expect(page.get_by_role("status")).to_contain_text("PSNR", timeout=SOON)
    return page


def drawn(page) -> dict:
    """What the figure shows, after it has been drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.evaluate(STATE)


def whole(page, name: str) -> torch.Tensor:
    """An image of the figure, "y" or "output": (1, H, W)."""
    values, *size = page.evaluate(WHOLE, name)
    return torch.tensor(values, dtype=torch.float64).view(1, *size)


def numbers(words: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.\d+", words)]


def go(page, row: int, column: int) -> dict:
    slide(page, "Row", row)
    slide(page, "Column", column)
    return drawn(page)


@dataclass
class Switches:
    """How a reader may change the network."""

    relu: bool = True
    zeros: bool = False
    first: int | None = None  # the map of layer 1 that is off
    second: int | None = None

    def set(self, page) -> None:
        page.get_by_label("Leave out both ReLUs").set_checked(not self.relu)
        page.get_by_label("zeros" if self.zeros else "border pixels repeated").check()
        for layer, off in ((1, self.first), (2, self.second)):
            page.get_by_label(f"Switch off this map of layer {layer}").set_checked(off is not None)
            if off is not None:
                slide(page, f"Map of layer {layer}", off)


def stages(y: torch.Tensor, switches: Switches) -> list[torch.Tensor]:
    """Responses and maps of layer 1, the same of layer 2, contributions, and output, each (n, H, W)."""

    def layer(x, conv, off):
        side = conv.kernel_size[0] // 2
        x = F.pad(x[None], [side] * 4, mode="constant" if switches.zeros else "replicate")
        response = F.conv2d(x, conv.weight, conv.bias)[0]
        activation = F.relu(response) if switches.relu else response
        if off is None:
            return response, activation
        keep = torch.ones(len(activation), 1, 1).double()
        keep[off] = 0
        return response, activation * keep

    responses, features = layer(y, MODEL.extraction, switches.first)
    further, mapped = layer(features, MODEL.mapping, switches.second)
    x = F.pad(mapped[None], [2] * 4, mode="constant" if switches.zeros else "replicate")
    contributions = F.conv2d(x, MODEL.reconstruction.weight.transpose(0, 1), groups=32)[0]
    output = contributions.sum(0, keepdim=True) + MODEL.reconstruction.bias
    return [responses, features, further, mapped, contributions, output]


def input_and_target(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """The part of a sample photograph that the figure shows: Y and X, (1, 180, 180)."""
    top, left = PARTS[name]
    luma = srcnn.quantize(srcnn.luma(sample(name)))  # the page keeps luma in 8 bits
    return pair(luma[:, top : top + SIDE, left : left + SIDE].double(), 3, enlarged=True)


def decibels(image: torch.Tensor, target: torch.Tensor) -> float:
    return srcnn.psnr(srcnn.quantize(image), target, peak=1, shave=3)


def window(image: torch.Tensor, row: int, column: int, side: int, mode: str) -> torch.Tensor:
    half = side // 2
    around = F.pad(image[None], [half] * 4, mode=mode)[0]
    return around[0, row : row + side, column : column + side]


def check(found: dict, y: torch.Tensor, switches: Switches) -> None:
    """All that is shown at one pixel. `y` is the input as the page has it, (1, H, W)."""
    height, width = y.shape[-2:]
    top, left = max(0, found["row"] - 12), max(0, found["column"] - 12)
    y = (
        y[:, top : found["row"] + 13, left : found["column"] + 13].clone().requires_grad_()
    )  # twice as far as it can see
    row, column = found["row"] - top, found["column"] - left
    responses, features, further, mapped, contributions, output = stages(y, switches)
    (gradient,) = torch.autograd.grad(output[0, row, column], y)
    y = y.detach()
    near = (slice(None), slice(max(0, row - 2), row + 3), slice(max(0, column - 2), column + 3))
    if switches.relu:  # float32 and double precision must agree on which units are on
        assert min(each[near].abs().min() for each in (responses, further)) > 1e-6
    close = {"rtol": 0, "atol": 1e-5}
    for name, maps in {"features": features, "mapped": mapped, "contributions": contributions}.items():
        np.testing.assert_allclose(found[name], maps[:, row, column].detach(), **close, err_msg=name)
    value = output[0, row, column].item()
    assert found["value"] == pytest.approx(value, abs=1e-5)
    assert sum(found["contributions"]) + found["bias"] == pytest.approx(value, abs=1e-5)
    assert found["dot"] + found["constant"] == pytest.approx(value, abs=1e-5)
    assert found["constant"] == pytest.approx(value - (gradient * y).sum().item(), abs=1e-5)
    patch = window(y, row, column, 9, "constant" if switches.zeros else "replicate")
    np.testing.assert_allclose(np.reshape(found["patch"], (9, 9)), patch, **close)
    np.testing.assert_allclose(np.reshape(found["around"], (13, 13)), window(y, row, column, 13, "constant"), **close)
    beside = window(gradient, row, column, 13, "constant")
    np.testing.assert_allclose(np.reshape(found["filter"], (13, 13)), beside, **close)
    assert gradient.abs().sum().item() == pytest.approx(beside.abs().sum().item())  # nothing lies farther away
    rows, columns = np.arange(found["row"] - 6, found["row"] + 7), np.arange(found["column"] - 6, found["column"] + 7)
    inside = np.outer((rows >= 0) & (rows < height), (columns >= 0) & (columns < width))
    assert found["within"] == inside.flatten().tolist()


PIXELS = [(72, 138), (0, 0), (179, 179), (0, 179), (3, 90), (100, 176), (179, 40), (61, 1)]
SETTINGS = {
    "as trained": Switches(),
    "zeros": Switches(zeros=True),
    "no ReLUs": Switches(relu=False),
    "no ReLUs, zeros": Switches(relu=False, zeros=True),
    "without map 36 of layer 1": Switches(first=36),
    "without map 0 of layer 2": Switches(second=0),
    "without maps 63 and 31": Switches(first=63, second=31, zeros=True),
    "without maps 11 and 21, no ReLUs": Switches(first=11, second=21, relu=False),
}


def test_each_pixel_and_the_whole_output_are_the_packages(page):
    y, x = input_and_target("camera")
    own = whole(page, "y")
    np.testing.assert_allclose(own, y, rtol=0, atol=2e-6)
    bicubic, normal = decibels(y, x), decibels(stages(y, Switches())[-1], x)
    for name, switches in SETTINGS.items():
        switches.set(page)
        for row, column in PIXELS if name in ("as trained", "zeros") else PIXELS[::2]:
            found = go(page, row, column)
            assert (found["row"], found["column"]) == (row, column)
            check(found, own, switches)
        output = stages(own, switches)[-1]
        np.testing.assert_allclose(whole(page, "output"), output, rtol=0, atol=1e-5, err_msg=name)
        score = decibels(output, x)
        assert found["psnr"] == pytest.approx(score, abs=0.01)
        assert found["bicubic"] == pytest.approx(bicubic, abs=0.01)
        scores = [score, bicubic] if name == "as trained" else [score, normal, bicubic]
        assert numbers(told(page).split("PSNR")[1]) == pytest.approx(scores, abs=0.015)


def test_the_oracle_is_the_packages_network():
    """`stages` is the network itself where nothing is switched, with either padding."""
    y, _ = input_and_target("camera")
    for zeros, padding in ((False, "replicate"), (True, "zeros")):
        network = srcnn.SRCNN((9, 1, 5), padding=padding).double()
        network.load_state_dict(MODEL.state_dict())
        torch.testing.assert_close(stages(y, Switches(zeros=zeros))[-1], network(y[None])[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", PARTS)
def test_maps_are_grouped_and_sorted_by_what_they_do_in_this_image(page, name):
    page.get_by_label("Photograph", exact=True).select_option(name)
    page.wait_for_function(f"document.querySelector('.live').state.photo.name === '{name}'")
    found = drawn(page)
    y, _ = input_and_target(name)
    np.testing.assert_allclose(whole(page, "y"), y, rtol=0, atol=2e-6)
    _, features, _, _, contributions, _ = stages(y, Switches())
    share = (features > 0).double().mean((1, 2))
    np.testing.assert_allclose(found["share"], share, rtol=0, atol=1e-4)
    often, never = int((share > 0.97).sum()), int((share == 0).sum())
    assert [count for _, count in found["groups"]] == [often, 64 - often - never, never]
    assert page.get_by_text(f"In this image {often} maps are active").count() == 1
    order = contributions.std((1, 2)).argsort(descending=True, stable=True)
    assert found["order"] == order.tolist()
    assert set(found["order"][:4]) == {21, 9, 2, 26}  # those that carry the input in chapter 5


def test_what_the_chapter_says_of_the_sky_and_of_an_outline(page):
    sky, outline = go(page, 20, 150), go(page, 72, 138)
    filters = [np.array(found["filter"]) for found in (sky, outline)]
    assert np.abs(filters[0] - filters[1]).max() > 0.3
    others = [255 * sum(found["contributions"][k] for k in found["order"][4:]) for found in (sky, outline)]
    assert abs(others[0]) < 1
    assert others[1] < -40
    assert sky["psnr"] > sky["bicubic"] + 1.5
    for switches in (Switches(relu=False), Switches(zeros=True)):  # both fall below bicubic interpolation
        switches.set(page)
        found = drawn(page)
        assert found["psnr"] < found["bicubic"] - 3


def test_the_status_and_the_captions_tell_what_is_drawn(page):
    for row, column in ((72, 138), (0, 0)):
        found = go(page, row, column)
        y, x = input_and_target("camera")
        output = stages(y, Switches())[-1]
        shown = re.search(
            r"Row (\d+), column (\d+): the input is ([\d.]+), the output ([\d.]+), the original ([\d.]+) gray levels. "
            r"Above zero are (\d+) of the 64 activations of layer 1 and (\d+) of the 32 of layer 2. "
            r"The bias and the four strongest maps give ([-\d.]+), the other 28 maps ([-\d.]+), together ([-\d.]+)\.",
            told(page),
        ).groups()
        shown = list(map(float, shown))
        _, features, _, mapped, contributions, _ = (stage[:, row, column] for stage in stages(y, Switches()))
        strong = 255 * (contributions[[21, 9, 2, 26]].sum() + MODEL.reconstruction.bias[0]).item()
        assert shown[:2] == [row, column]
        levels = [255 * image[0, row, column].item() for image in (y, output, x)]
        assert shown[2:5] == pytest.approx(levels, abs=0.06)
        assert shown[5:7] == [int((features > 0).sum()), int((mapped > 0).sum())]
        assert shown[7:] == pytest.approx([strong, levels[1] - strong, levels[1]], abs=0.06)
        slide(page, "Map of layer 1", 10)
        slide(page, "Map of layer 2", 24)
        found = drawn(page)
        weights, bias = MODEL.extraction.weight[10, 0], MODEL.extraction.bias[10]
        np.testing.assert_allclose(found["weights"], weights.flatten(), rtol=0, atol=1e-6)
        dot = (weights * window(y, row, column, 9, "replicate")).sum()
        words = page.get_by_text("Filter 10 of layer 1").inner_text()
        expected = [weights.min(), weights.max(), weights.abs().max(), dot, dot + bias]
        assert numbers(words) == pytest.approx([float(each) for each in expected], abs=0.006)
        words = page.get_by_text("The equivalent filter").inner_text()
        values = np.array(found["filter"])
        sums = [255 * found["dot"], 255 * (found["dot"] + found["constant"])]
        expected = [values.min(), values.max(), np.abs(values).max(), *sums]
        assert numbers(words) == pytest.approx(expected, abs=0.06)
        words = page.get_by_text("The other 28 maps add up to").inner_text()
        assert f"map 24 contributes {255 * contributions[24]:.1f}." in words


def test_a_pixel_is_pointed_at_clicked_and_moved_by_keyboard(page):
    view = page.locator(".live-view canvas")
    view.scroll_into_view_if_needed()
    box = view.bounding_box()

    def where(row, column):
        return box["x"] + (column + 0.5) * box["width"] / SIDE, box["y"] + (row + 0.5) * box["height"] / SIDE

    before = drawn(page)
    page.mouse.move(*where(30, 110))
    found = drawn(page)
    assert (found["row"], found["column"]) == (30, 110)
    assert page.get_by_label("Row", exact=True).input_value() == "30"
    page.mouse.move(5, 5)
    found = drawn(page)
    assert (found["row"], found["column"]) == (before["row"], before["column"])
    page.mouse.click(*where(179, 0))
    page.mouse.move(5, 5)
    found = drawn(page)
    assert (found["row"], found["column"]) == (179, 0)
    page.get_by_label("Column", exact=True).focus()
    page.keyboard.press("ArrowRight")
    assert drawn(page)["column"] == 1
    order = found["order"]
    first, second = (page.get_by_label(f"Map of layer {layer}", exact=True) for layer in (1, 2))
    for canvas, at, count, slider, expected in (  # which bar of how many stands for which map
        (0, 0, 64, first, np.argmax(found["share"])),
        (1, 31, 32, second, order[31]),
        (2, 1, 5, second, order[0]),  # after the bias
        (2, 4, 5, second, order[3]),
        (3, 0, 28, second, order[4]),
    ):
        bars = page.locator("canvas.live-bars").nth(canvas)
        width = bars.bounding_box()["width"]
        bars.click(position={"x": 40 + (at + 0.5) * (width - 42) / count, "y": 60})
        assert slider.input_value() == str(expected)


def test_own_photographs_and_files_that_are_none(page):
    choose = page.get_by_label("or your own")
    before = whole(page, "y")
    for name, content, words in (
        ("text.png", b"no image", "text.png is no image"),
        ("small.png", png(sample("coffee")[:, :20, :40]), "small.png has 40 x 20 pixels; at least 30 x 30"),
    ):
        choose.set_input_files({"name": name, "mimeType": "image/png", "buffer": content})
        expect(page.get_by_role("status")).to_contain_text(words, timeout=SOON)
        drawn(page)
        assert words in told(page)
        assert torch.equal(whole(page, "y"), before)
    crop = sample("coffee")[:, 100:140, 50:251]
    choose.set_input_files({"name": "mine.png", "mimeType": "image/png", "buffer": png(crop)})
    page.wait_for_function("document.querySelector('.live').state.photo.name === 'mine.png'")
    found = drawn(page)
    assert found["size"] == [39, 180]
    luma = srcnn.quantize(srcnn.luma(crop))[:, :39, 9:189]
    y, x = pair(luma.double(), 3, enlarged=True)
    np.testing.assert_allclose(whole(page, "y"), y, rtol=0, atol=2e-6)
    assert found["bicubic"] == pytest.approx(decibels(y, x), abs=0.01)
    assert page.get_by_label("Row", exact=True).get_attribute("max") == "38"
    flat = png(torch.full((1, 60, 60), 0.5))
    choose.set_input_files({"name": "flat.png", "mimeType": "image/png", "buffer": flat})
    page.wait_for_function("document.querySelector('.live').state.photo.name === 'flat.png'")
    assert "bicubic: infinite" in told(page)


def test_the_photograph_chosen_last_stays(page):
    """A file takes longer than a sample photograph that is chosen right after it; it must not come back over it."""
    page.evaluate(
        """async () => {
          const blob = await new OffscreenCanvas(1500, 1500).getContext("2d").canvas.convertToBlob();
          const [select, file] = document.querySelectorAll("input[type=file], select");
          const chosen = new DataTransfer();
          chosen.items.add(new File([blob], "late.png", { type: "image/png" }));
          file.files = chosen.files;
          file.dispatchEvent(new Event("change"));
          select.value = "coins";
          select.dispatchEvent(new Event("change"));
        }"""
    )
    page.wait_for_function("document.querySelector('.live').state.photo.name === 'coins'")
    page.wait_for_timeout(1500)
    assert page.evaluate("document.querySelector('.live').state.photo.name") == "coins"


def test_many_changes_at_once_end_in_the_last_and_a_new_width_and_theme_change_no_number(page):
    page.get_by_label("Switch off this map of layer 1").check()
    page.evaluate(
        """() => { const input = [...document.querySelectorAll("input[type=range]")].find((e) => e.max === "63");
          for (let k = 0; k < 200; k++) { input.value = k % 64; input.dispatchEvent(new Event("input")); } }"""
    )
    found = drawn(page)
    check(found, whole(page, "y"), Switches(first=199 % 64))
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.set_viewport_size({"width": 390, "height": 800})
    assert drawn(page)["features"] == found["features"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
