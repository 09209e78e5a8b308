"""The interpolation of the live pages: a browser resamples as the package, Pillow and PyTorch do."""

import json

import live
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from browse import IN_CHROMIUM
from PIL import Image

from srcnn.checks.measure_bicubic import cubic
from srcnn.resize import enlarge, shrink

pytestmark = IN_CHROMIUM
SCALES = (2, 3, 4)
CHANGES = [((36, 24), (12, 8)), ((7, 5), (21, 20)), ((41, 53), (17, 30))]
SIZES = [(1, 1), (1, 7), (2, 3), (5, 5), (13, 8), (24, 31)]
ABSOLUTE = {"rtol": 0, "atol": 1e-5}  # results are stored in float32


@pytest.fixture(scope="module")
def run(browser):
    """Calls a function of JavaScript with arguments."""
    page = browser.new_page()
    page.add_script_tag(
        content=(live.FOLDER / "resampling.js").read_text(encoding="utf-8").replace('"use strict";', "")
    )
    yield lambda function, *given: page.evaluate(f"(given) => ({function})(...JSON.parse(given))", json.dumps(given))
    page.close()


@pytest.fixture(scope="module")
def resampled(run):
    """A plane resampled in the browser."""

    def call(plane: torch.Tensor, height: int, width: int, **how) -> torch.Tensor:
        function = """(plane, h, w, height, width, { a, ...how }) => {
          if (a !== undefined) how.kernel = (x) => resampling.cubic(x, a);
          return Array.from(resampling.resample(Float32Array.from(plane), h, w, height, width, how));
        }"""
        values = run(function, plane.flatten().tolist(), *plane.shape, height, width, how)
        return torch.tensor(values).reshape(height, width)

    return call


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("a", [-1, -0.75, -0.5, -0.3, 0])
def test_the_kernel_is_the_packages(run, a):
    x = torch.linspace(-2.5, 2.5, 101).double()
    got = run("(x, a) => x.map((each) => resampling.cubic(each, a))", x.tolist(), a)
    torch.testing.assert_close(torch.tensor(got, dtype=torch.float64), cubic(x, a), rtol=0, atol=1e-12)


def test_without_a_parameter_the_kernel_is_the_published_one(run):
    assert run("() => [0.5, 1.5].map((x) => resampling.cubic(x))") == [0.5625, -0.0625]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("size", SIZES)
def test_a_plane_is_downsampled_and_upsampled_as_in_the_package(resampled, size, scale):
    low, high = noise(*size), noise(*(scale * side for side in size))
    torch.testing.assert_close(resampled(high, *size), shrink(high, scale), **ABSOLUTE)
    torch.testing.assert_close(resampled(low, *high.shape), enlarge(low, scale), **ABSOLUTE)


@pytest.mark.parametrize(("old", "new"), [((40, 60), (20, 20)), ((41, 53), (17, 30)), ((20, 24), (47, 31))])
def test_away_from_the_border_it_is_pillows_bicubic_at_any_size(resampled, old, new):
    plane = noise(*old)
    theirs = np.asarray(Image.fromarray(plane.numpy()).resize(new[::-1], Image.Resampling.BICUBIC))
    inner = tuple(slice(margin, -margin) for margin in (3 * max(1, -(-n // o)) for o, n in zip(old, new, strict=True)))
    torch.testing.assert_close(resampled(plane, *new)[inner], torch.tensor(theirs)[inner], **ABSOLUTE)


@pytest.mark.parametrize(("old", "new"), [*CHANGES, ((1, 3), (4, 1))])
def test_with_another_parameter_and_no_antialiasing_it_is_pytorchs_default(resampled, old, new):
    plane = noise(*old)
    theirs = F.interpolate(plane[None, None], size=new, mode="bicubic", align_corners=False)[0, 0]
    torch.testing.assert_close(resampled(plane, *new, a=-0.75, stretch=1, edge="repeat"), theirs, **ABSOLUTE)


@pytest.mark.parametrize(("old", "new"), [*CHANGES, ((9, 3), (4, 1))])
def test_with_weights_beyond_the_edge_dropped_it_is_pillows_bicubic_and_pytorchs_antialiasing(resampled, old, new):
    plane = noise(*old)
    got = resampled(plane, *new, edge="drop")
    pillow = np.asarray(Image.fromarray(plane.numpy()).resize(new[::-1], Image.Resampling.BICUBIC))
    torch.testing.assert_close(got, torch.tensor(pillow), **ABSOLUTE)
    if new[1] > 1:  # torch 2.13 resizes an image that becomes one column wide along one axis only
        theirs = F.interpolate(plane[None, None], size=new, mode="bicubic", antialias=True)[0, 0]
        torch.testing.assert_close(got, theirs, **ABSOLUTE)


@pytest.mark.parametrize("shift", [-0.5, 0.25, 2])
def test_the_grid_is_shifted_by_pixels_of_the_input(resampled, shift):
    """On a ramp, which the kernel reproduces, a value is its position."""
    ramp = torch.arange(48.0).expand(48, 48)
    got = resampled(ramp, 16, 16, shift=shift)[8, 4:-4]
    torch.testing.assert_close(got, 3 * torch.arange(4.0, 12) + 1 + shift, **ABSOLUTE)


def test_taps_tell_where_they_begin_and_add_up_to_one(run):
    first, last, weights = run("""() => {
      const all = resampling.taps(36, 12);
      return [all[5].first, all[5].first + all[5].weights.length - 1, all.map(({ weights }) => weights)];
    }""")
    assert (first, last) == (10, 22)  # 6 pixels on either side of pixel 16
    assert [round(81 * weight) for weight in weights[5][1:-1]] == [-1, -2, 0, 9, 21, 27, 21, 9, 0, -2, -1]  # chapter 6
    assert [sum(each) for each in weights] == pytest.approx([1] * 12, abs=1e-12)
