"""The live figure of PixelShuffle: its image and its measures are those of the shipped sub-pixel networks."""

import base64
import json
import re
from functools import cache

import live
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from browse import IN_CHROMIUM, judge
from live_page import redrawn_in, slide, state, told

from srcnn import luma, modcrop, pretrained, psnr, quantize, shrink, upscaler
from srcnn.images import sample

pytestmark = IN_CHROMIUM
SIDE = live.PART
CLOSE = {"rtol": 0, "atol": 2e-6}  # float32: the package adds to a bias before PixelShuffle, the figure afterwards


@cache
def expected(name: str, scale: int, channel: int = 0, levels: float = 0) -> dict:
    """What the network gives with one bias of its last layer changed, measured as chapter 14 does."""
    high = modcrop(luma(sample(name)), scale)
    model = pretrained.load(f"subpixel-x{scale}").model
    with torch.no_grad():
        model.reconstruction.bias[channel] += levels / 255
        output = upscaler(model)(shrink(high, scale), scale)
    top, left = live.PARTS[name]
    part = (..., slice(top, top + SIDE), slice(left, left + SIDE))
    output, high = output[part], high[part]
    means = F.pixel_unshuffle(255 * (output.double() - high), scale).mean((1, 2))
    return {
        "image": output[0].double(),
        "channels": F.pixel_unshuffle(output, scale),
        "apart": means - means.mean(),
        "strength": means.std(correction=0).item(),
        "psnr": psnr(quantize(output), high, peak=1, shave=0),
    }


@pytest.fixture
def page(live_figure):
    return live_figure("shuffle")


def output(page):
    return page.get_by_role("application")


def reds(canvas) -> torch.Tensor:
    """The red of a canvas's pixels, (height, width)."""
    text = canvas.evaluate("""e => {
        const { data } = e.getContext("2d").getImageData(0, 0, e.width, e.height);
        return [...data].filter((_, i) => i % 4 === 0).join(" ");
    }""")
    return torch.tensor([int(n) for n in text.split()]).view(canvas.evaluate("e => e.height"), -1)


def point(page, canvas, y: float, x: float, size: float) -> None:
    """Move the pointer to a place of a canvas that is ``size`` units wide."""
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + x * box["width"] / size, box["y"] + y * box["width"] / size)


def test_the_numbers_that_come_with_the_page_are_the_networks_channels():
    text = live.subpixel()
    assert len(text) < 160_000
    data = json.loads(text.split(" = ", 1)[1].rstrip(";\n"))
    for name, each in data["photographs"].items():
        for scale in (2, 3, 4):
            channels = np.frombuffer(base64.b64decode(each["channels"][str(scale)]), "<f4").copy()
            right = expected(name, scale)["channels"]
            torch.testing.assert_close(torch.from_numpy(channels).view(right.shape), right)


@pytest.mark.parametrize(
    ("name", "scale", "channel", "levels"),
    [
        ("chelsea", 4, 5, 0),
        ("chelsea", 4, 5, 8),
        ("coins", 2, 3, -32),
        ("coins", 3, 6, 32),
        ("coins", 4, 15, 1),
        ("chelsea", 3, 0, -7),
    ],
)
def test_a_channel_that_is_off_gives_what_the_network_with_that_bias_gives(page, name, scale, channel, levels):
    page.get_by_label(name).check()
    page.get_by_label(f"x{scale}").check()
    slide(page, "Channel", channel)
    slide(page, "Added to it", levels)
    found, right, before = state(page), expected(name, scale, channel, levels), expected(name, scale)
    torch.testing.assert_close(
        torch.tensor(found["image"], dtype=torch.float64).view(SIDE, SIDE), right["image"], **CLOSE
    )
    torch.testing.assert_close(torch.tensor(found["apart"], dtype=torch.float64), right["apart"], rtol=0, atol=1e-3)
    numbers = [float(n) for n in re.findall(r"-?\d+\.\d\d", told(page))]
    pairs = [right["strength"], right["psnr"]]
    if levels:
        pairs = [right["strength"], before["strength"], right["psnr"], before["psnr"]]
        assert f"channel {channel} {'raised' if levels > 0 else 'lowered'} by {abs(levels)}," in told(page)
    assert numbers == pytest.approx(pairs, abs=0.0051)


def test_a_checkerboard_that_is_three_times_as_strong_costs_a_quarter_of_a_decibel(page):
    slide(page, "Channel", 5)
    slide(page, "Added to it", 8)
    found = state(page)
    assert 2.5 * found["before"]["strength"] < found["strength"] < 3 * found["before"]["strength"]
    assert 0.2 < found["before"]["psnr"] - found["psnr"] < 0.25


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_pixel_comes_from_the_channel_that_pixel_shuffle_takes(page, scale):
    page.get_by_label(f"x{scale}").check()
    few = SIDE // scale
    numbers = torch.arange(scale**2 * few**2).view(scale**2, few, few)
    shuffled = F.pixel_shuffle(numbers, scale)[0]
    values = expected("chelsea", scale)["image"]
    for row, column in ((0, 0), (0, 59), (59, 0), (59, 59), (31, 17), (14, 46)):
        point(page, output(page), row + 0.5, column + 0.5, SIDE)
        found = state(page)
        assert (found["row"], found["column"]) == (row, column)
        channel, i, j = np.unravel_index(shuffled[row, column].item(), numbers.shape)
        assert (found["channel"], *found["at"]) == (channel, i, j)
        a, b = divmod(int(channel), scale)
        assert f"position ({a}, {b}) in block ({i}, {j})" in told(page)
        assert f"pixel ({i}, {j}) of channel {scale} x {a} + {b} = {channel}, " in told(page)
        gray = float(re.search(r"([\d.]+) gray levels", told(page))[1])
        assert gray == pytest.approx(255 * values[row, column].item(), abs=0.051)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_pixel_of_a_channel_leads_to_its_place_in_the_output(page, scale):
    page.get_by_label(f"x{scale}").check()
    sources = page.get_by_label("The channels of the network's last layer")
    width, few = sources.evaluate("e => e.width"), SIDE // scale
    for channel, i, j in ((0, 0, 0), (scale**2 - 1, few - 1, few - 1), (1, 4, few - 2), (scale, few - 3, 2)):
        a, b = divmod(channel, scale)
        top, left = (3 + k * (4 * few + 6) for k in (a, b))
        point(page, sources, top + 4 * i + 2, left + 4 * j + 2, width)
        found = state(page)
        assert (found["channel"], *found["at"]) == (channel, i, j)
        assert (found["row"], found["column"]) == (scale * i + a, scale * j + b)
    former = state(page)
    point(page, sources, 1, 1, width)  # between channels
    assert state(page) == former


def test_arrow_keys_move_from_pixel_to_pixel(page):
    page.get_by_label("Added to it").focus()
    page.keyboard.press("Tab")
    assert output(page).evaluate("e => e === document.activeElement && e.matches(':focus-visible')")
    row, column = state(page)["row"], state(page)["column"]
    for key, down, right in (("ArrowUp", -1, 0), ("Shift+ArrowRight", 0, 8), ("ArrowLeft", 0, -1), ("ArrowDown", 1, 0)):
        page.keyboard.press(key)
        row, column = row + down, column + right
        assert told(page).startswith(f"The pixel in row {row}, column {column} has")
    for _ in range(9):
        page.keyboard.press("Shift+ArrowDown")
    assert told(page).startswith(f"The pixel in row 59, column {column} has")


def test_a_channel_that_a_smaller_scale_lacks_becomes_its_last(page):
    slide(page, "Channel", 15)
    slide(page, "Added to it", 10)
    page.get_by_label("x2").check()
    assert "channel 3 raised by 10," in told(page)
    assert page.get_by_label("Channel", exact=True).evaluate("e => [e.max, e.value, e.ariaValueText]") == [
        "3",
        "3",
        "3",
    ]
    assert state(page)["strength"] == pytest.approx(expected("chelsea", 2, 3, 10)["strength"], abs=1e-3)
    page.get_by_label("x4").check()
    assert "channel 3 raised by 10," in told(page)


def test_what_is_shown_is_the_output_and_its_channels(page):
    slide(page, "Added to it", 20)
    right = expected("chelsea", 4, 5, 20)
    shown = reds(output(page))
    zoom = len(shown) // SIDE
    pixels = shown[zoom // 2 :: zoom, zoom // 2 :: zoom]
    away = torch.ones(SIDE, SIDE).bool()
    away[26:34, 26:34] = False  # the marks are there
    assert ((pixels - 255 * right["image"]).abs()[away] < 0.51).all()
    sources = reds(page.get_by_label("The channels of the network's last layer"))
    for channel in (0, 5, 10, 15):
        a, b = divmod(channel, 4)
        top, left = 3 + 66 * a + 2, 3 + 66 * b + 2
        small = sources[top : top + 60 : 4, left : left + 60 : 4]
        assert ((small - 255 * right["channels"][channel]).abs() < 0.51).all(), channel
    corners = page.get_by_label("Mean error of each phase").evaluate("""e => Array.from({ length: 16 }, (_, k) => {
        const at = [36 * (k % 4) + 7, 36 * Math.floor(k / 4) + 6]; // beside the number, within the mark
        const [red, , blue] = e.getContext("2d").getImageData(...at, 1, 1).data;
        return red - blue;
    })""")
    for difference, apart in zip(corners, right["apart"].tolist(), strict=True):
        assert np.sign(difference) == np.sign(apart)
    assert np.argmax(corners) == 5


def test_a_redraw_takes_less_than_a_tenth_of_a_second(page):
    assert redrawn_in(page.locator("input[type=range]").nth(1), range(20)) < 10


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_usable_on_a_phone(live_figure, scheme):
    page = live_figure("shuffle", width=390)
    page.evaluate("scheme => document.documentElement.dataset.theme = scheme", scheme)
    slide(page, "Added to it", -32)
    assert judge(page, scheme) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    point(page, output(page), 59.5, 59.5, SIDE)
    assert (state(page)["row"], state(page)["column"]) == (59, 59)
