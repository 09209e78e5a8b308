"""The live figure of tiles: the page's outputs, seams and work are those of the chapter's own code on the package."""

import io
import re

import numpy as np
import pytest
import torch
from browse import IN_CHROMIUM
from live_page import defined, plane, redrawn_in, settled, slide, told
from PIL import Image
from playwright.sync_api import expect

import srcnn
from srcnn import images, pretrained
from srcnn.upscale import _margin

pytestmark = IN_CHROMIUM
HIGH, WIDE = 144, 168  # of the part
TOLERANCE = 1e-5  # of values in 0..1: float32, in another order
MODELS = {scale: pretrained.load(f"srcnn-9-1-5-x{scale}").model for scale in (2, 3, 4)}


tiled, reach = defined("16_photographs", "tiled"), defined("16_photographs", "reach")


@pytest.fixture
def page(live_figure):
    page = live_figure("tiles")
    settled(page)
    return page


def set_to(page, *, scale: int | None = None, side: int | None = None, overlap: int | None = None) -> str:
    """Move controls, and give what is told."""
    if scale:
        page.get_by_label(f"x{scale}").check()
    if side:
        slide(page, "LR tile size", side)
    if overlap is not None:
        slide(page, "LR overlap", overlap)
    settled(page)
    return told(page)


def part(name: str) -> torch.Tensor:
    """The middle of a photograph, as the page has it."""
    high = srcnn.luma(images.sample(name))
    top, left = (high.shape[-2] - HIGH) // 2, (high.shape[-1] - WIDE) // 2
    return high[:, top : top + HIGH, left : left + WIDE]


def seam(words: str) -> float:
    """Gray levels of the largest difference; 0 where the page tells that there is none."""
    return 0.0 if "no seam" in words else float(re.search(r"output is ([\d.]+) gray levels", words)[1])


# scale, side and overlap: each scale, without overlap and with one too little, enough, more; tiles that end within
# the part or with it, the smallest, and the largest, which is the whole part at x4
SETTINGS = [
    (3, 24, 0), (3, 24, 3), (3, 24, 4), (3, 12, 8), (3, 17, 1),
    (2, 12, 0), (2, 24, 4), (2, 30, 5), (4, 12, 2), (4, 13, 3), (4, 30, 0),
]  # fmt: skip


def test_outputs_and_differences_are_those_of_the_chapters_function(page):
    for k, (scale, side, overlap) in enumerate(SETTINGS):
        name = ("coffee", "chelsea")[k % 2]
        page.get_by_label("Photograph", exact=True).select_option(name)
        words = set_to(page, scale=scale, side=side, overlap=overlap)
        method = srcnn.upscaler(MODELS[scale])
        low = srcnn.shrink(part(name), scale)
        whole, output = method(low, scale), tiled(low, side, overlap, method, scale)
        for found, wanted in {"low": low, "whole": whole, "output": output, "difference": output - whole}.items():
            np.testing.assert_allclose(plane(page, found), wanted.ravel(), atol=2 * TOLERANCE, err_msg=found)
        assert seam(words) == pytest.approx(255 * (output - whole).abs().max().item(), abs=0.011)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_chapters_overlap_and_the_packages_leave_no_seam_and_one_pixel_less_leaves_one(page, scale):
    enough = reach(MODELS[scale].border, scale)
    assert enough <= _margin(MODELS[scale], scale) <= 8
    for name, side in (("coffee", 24), ("coins", 12)):
        page.get_by_label("Photograph", exact=True).select_option(name)
        seams = [seam(set_to(page, scale=scale, side=side, overlap=overlap)) for overlap in range(9)]
        assert seams[:enough] == sorted(seams[:enough], reverse=True)
        assert seams[0] > 10
        assert min(seams[:enough]) > 0.05
        assert max(seams[enough:]) == 0
        assert np.abs(plane(page, "difference")).max() < TOLERANCE


def test_the_work_is_that_of_the_tiles_that_the_network_is_given(page):
    for scale, side, overlap in SETTINGS:
        words = set_to(page, scale=scale, side=side, overlap=overlap)
        given = []

        def count(piece: torch.Tensor, by: int, given: list[int] = given) -> torch.Tensor:
            given.append(piece.numel() * by**2)
            return piece.repeat_interleave(by, -2).repeat_interleave(by, -1)

        tiled(torch.zeros(1, HIGH // scale, WIDE // scale), side, overlap, count, scale)
        computed, kept, extra = re.search(
            r"computes ([\d,]+) pixels, of which ([\d,]+) are kept: (\d+)%", words
        ).groups()
        assert int(computed.replace(",", "")) == sum(given)
        assert int(kept.replace(",", "")) == HIGH * WIDE
        assert float(extra) == pytest.approx(100 * sum(given) / (HIGH * WIDE) - 100, abs=0.51)
        assert f"{len(given)} tile" in words


def test_the_map_reaches_as_far_as_is_told(page):
    """Red where the tiles' output is brighter, blue where it is darker, and full color at the reach or beyond."""
    set_to(page, overlap=0)
    caption = page.locator("figcaption").nth(1).inner_text()
    low, high = re.search(r"blue -(\d+) .+ red \+(\d+)", caption).groups()
    assert low == high
    shown = (
        page.locator("canvas")
        .nth(1)
        .evaluate("c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)")
    )
    colors = np.array(shown).reshape(-1, 4)[:, :3]
    difference = 255 * plane(page, "difference")
    assert (difference > float(high)).any()
    assert (difference < -float(high)).any()
    assert {tuple(color) for color in colors[difference > float(high)]} == {(103, 0, 31)}
    assert {tuple(color) for color in colors[difference < -float(high)]} == {(5, 48, 97)}
    assert {tuple(color) for color in colors[np.abs(difference) < 1e-3]} == {(247, 247, 247)}


def test_the_last_of_many_requests_is_what_stays(page):
    page.get_by_label("LR overlap", exact=True).evaluate(
        """(input) => { for (let k = 0; k < 200; k++) { input.value = k % 9; input.dispatchEvent(new Event('input')); }
        input.value = 5; input.dispatchEvent(new Event('input')); }"""
    )
    page.get_by_label("x4").check()
    page.get_by_label("x2").check()
    settled(page)
    words = told(page)
    page.wait_for_timeout(300)
    assert told(page) == words
    assert words.startswith("x2, ")
    assert "overlap 5." in words


def test_it_answers_at_once_without_stopping_the_page(page):
    assert redrawn_in(page.locator("input[type=range]").nth(1), range(5)) < 10


def test_a_file_that_is_none_is_told_and_the_photograph_stays(page):
    words = told(page)
    choose = page.get_by_label("or your own")
    choose.set_input_files({"name": "text.png", "mimeType": "image/png", "buffer": b"no image"})
    expect(page.get_by_role("status")).to_contain_text("text.png is no image")
    glass, stream = Image.new("RGBA", (200, 200), "white"), io.BytesIO()
    glass.putpixel((100, 100), (255, 255, 255, 254))
    glass.save(stream, "PNG")
    choose.set_input_files({"name": "glass.png", "mimeType": "image/png", "buffer": stream.getvalue()})
    expect(page.get_by_role("status")).to_contain_text("glass.png has transparent pixels")
    small, right = (images.png(images.sample("coffee")[:, :side, :side]) for side in (150, 168))
    choose.set_input_files({"name": "small.png", "mimeType": "image/png", "buffer": small})
    expect(page.get_by_role("status")).to_contain_text("at least 168 x 168")
    assert set_to(page, overlap=0) == words
    choose.set_input_files({"name": "mine.png", "mimeType": "image/png", "buffer": right})
    expect(page.get_by_role("status")).not_to_have_text(words)
    settled(page)
    mine = srcnn.luma(images.sample("coffee")[:, :168, :168])[:, 12:156]
    np.testing.assert_allclose(plane(page, "low"), srcnn.shrink(mine, 3).ravel(), atol=TOLERANCE)


def test_it_works_with_the_keyboard_alone(page):
    page.get_by_label("LR overlap", exact=True).focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_role("status")).to_contain_text("overlap 4. The output equals the untiled one")
