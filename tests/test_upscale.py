"""upscale: a photograph comes out larger, its colors bicubic, its luma the network's, whatever the tiles."""

import subprocess
import sys

import pytest
import torch
from devices import DEVICES

from srcnn import InputError
from srcnn.color import rgb_to_ycbcr
from srcnn.evaluation import upscaler
from srcnn.images import Photograph, sample, to_bytes, to_float
from srcnn.model import SRCNN, SubPixelSRCNN, initialize
from srcnn.pretrained import load
from srcnn.resize import enlarge
from srcnn.upscale import LARGEST, _margin, check_size, upscale


def sharpener(**options) -> SRCNN:
    """An SRCNN of random weights that keeps the picture: its own answer is a tenth of the output."""
    model = initialize(SRCNN((9, 3, 5), (6, 4), **options), "torch", seed=0)
    with torch.no_grad():
        for layer in (model.extraction, model.mapping, model.reconstruction):
            middle = layer.weight.shape[-1] // 2
            layer.weight.mul_(0.1)
            for channel in range(model.channels):
                layer.weight[channel, channel, middle, middle] += 1
    return model


METHODS = {
    "bicubic": (None, 3),
    "luma": (sharpener(), 3),
    "color": (sharpener(channels=3), 2),
    "sub-pixel": (initialize(SubPixelSRCNN(4, (9, 3, 5), (6, 4)), "torch", seed=1), 4),
    "sub-pixel that repeats edges": (
        initialize(SubPixelSRCNN(2, (9, 3, 5), (6, 4), padding="replicate"), "torch", seed=1),
        2,
    ),
}
CAT = to_bytes(sample("chelsea")[:, 90:143, 100:171])  # 53 x 71: no tile fits exactly
ALPHA = CAT[1:2].clamp(min=8)  # nothing is wholly unseen
PHOTOGRAPHS = {
    "gray": Photograph(to_bytes(sample("coins")[:, 60:113, 100:171])),
    "rgb": Photograph(CAT),
    "rgb with alpha": Photograph(CAT, alpha=CAT[1:2].flip(2)),
    "gray with alpha": Photograph(CAT[:1], alpha=CAT[1:2].flip(1)),
}


def assert_alike(tiled: Photograph, whole: Photograph, *, share: float) -> None:
    """That two results are apart by one level at most, and equal in that share of their values."""
    for ours, expected in ((tiled.pixels, whole.pixels), (tiled.alpha, whole.alpha)):
        assert (ours is None) == (expected is None)
        if expected is not None:
            difference = (ours.int() - expected.int()).abs()
            assert difference.max() <= 1
            assert (difference == 0).float().mean() > share


@pytest.mark.parametrize("tile", [1, 24, 64, 100])
@pytest.mark.parametrize("kind", PHOTOGRAPHS)
@pytest.mark.parametrize("method", METHODS)
def test_tiles_leave_no_trace(method, kind, tile):
    model, scale = METHODS[method]
    photograph = PHOTOGRAPHS[kind]
    if tile == 1:  # a pixel a tile: as slow as it is strict, so on a corner of the picture
        photograph = Photograph(
            photograph.pixels[:, :9, :7], photograph.alpha if photograph.alpha is None else photograph.alpha[:, :9, :7]
        )
    whole = upscale(photograph, model, scale=scale, tile=10_000)
    tiled = upscale(photograph, model, scale=scale, tile=tile)
    # float32 sums may run in another order in another shape: a value within 1e-6 of .5 may round the other way
    assert_alike(tiled, whole, share=0.999)


@pytest.mark.parametrize("method", METHODS)
def test_a_gray_photograph_becomes_what_the_same_picture_in_rgb_becomes(method):
    model, scale = METHODS[method]
    gray = PHOTOGRAPHS["gray"].pixels
    ours = upscale(Photograph(gray), model, scale=scale).pixels
    assert ours.shape == (1, 53 * scale, 71 * scale)
    colors = upscale(Photograph(gray.expand(3, -1, -1)), model, scale=scale).pixels
    assert (ours.int() - colors.int()).abs()[: 1 if method == "color" else 3].max() <= 1


@pytest.mark.parametrize("name", ["srcnn-9-1-5-x4", "srcnn-9-5-5-x4"])
def test_black_stays_black_in_a_gray_photograph(name):
    """Taken for luma as it is, black would be darker than anything the network has seen; it made 9 and 16 of it."""
    flat = torch.zeros(1, 24, 24, dtype=torch.uint8)
    large = upscale(Photograph(flat), load(name).model, scale=4).pixels
    assert large[:, 24:-24, 24:-24].max() == 0


@pytest.mark.parametrize("hidden", [(0, 0, 0), (0, 0, 255), (255, 255, 255)])
def test_what_is_hidden_under_transparency_does_not_shine_at_the_rim(hidden):
    """A disc of one color: wherever some of it is seen, it has that color, whatever lies around it unseen."""
    row = torch.arange(40) - 19.5
    inside = (row**2 + row[:, None] ** 2).sqrt() < 12
    color = torch.tensor((255, 200, 0))[:, None, None]
    pixels = torch.where(inside, color, torch.tensor(hidden)[:, None, None]).byte()
    large = upscale(Photograph(pixels, inside[None].byte() * 255), load("srcnn-9-1-5-x3").model, scale=3)
    off = (large.pixels.int() - color).abs().amax(0)
    assert large.alpha.unique().numel() > 30
    assert off[large.alpha[0] > 0].max() <= 4


def test_a_photograph_that_is_all_unseen_or_all_seen_keeps_its_colors():
    for value in (0, 7, 8, 255):
        large = upscale(Photograph(CAT, torch.full_like(CAT[:1], value)), None, scale=2)
        assert torch.equal(large.pixels, upscale(Photograph(CAT), None, scale=2).pixels)


def test_the_network_sharpens_luma_and_the_colors_are_bicubic():
    model, scale = METHODS["luma"]
    low = rgb_to_ycbcr(to_float(CAT // 2 + 64))  # no color near black or white, so that nothing is clipped
    large = rgb_to_ycbcr(to_float(upscale(Photograph(CAT // 2 + 64), model, scale=scale).pixels)) * 255
    # RGB was rounded by up to 0.5, which the rows of the color matrix add up to 0.43 of Y and 0.44 of Cb and Cr
    assert (large[:1] - 255 * upscaler(model)(low[:1], scale)).abs().max() < 0.45
    assert (large[1:] - 255 * enlarge(low[1:], scale)).abs().max() < 0.45
    assert (large[:1] - 255 * enlarge(low[:1], scale)).abs().max() > 2  # the network did something


def test_transparency_is_bicubic_and_the_rest_of_the_file_goes_along():
    photograph = Photograph(CAT, alpha=ALPHA, exif=b"Exif\0\0made by hand", icc=b"a profile")
    large = upscale(photograph, METHODS["luma"][0], scale=3)
    assert torch.equal(large.alpha, to_bytes(enlarge(to_float(ALPHA), 3)))
    assert torch.equal(large.pixels, upscale(Photograph(CAT), METHODS["luma"][0], scale=3).pixels)
    assert (large.exif, large.icc) == (photograph.exif, photograph.icc)


def test_a_color_network_sees_all_three_colors():
    model, scale = METHODS["color"]
    expected = to_bytes(upscaler(model)(to_float(CAT), scale))
    assert (upscale(Photograph(CAT), model, scale=scale).pixels.int() - expected.int()).abs().max() <= 1


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("device", DEVICES)
def test_every_device_makes_the_same_photograph(device, name):
    (model, scale), photograph = METHODS[name], Photograph(CAT, alpha=ALPHA)
    here, there = (upscale(photograph, model, scale=scale, device=place) for place in ("cpu", device))
    assert (here.pixels.int() - there.pixels.int()).abs().max() <= 1
    assert (here.alpha.int() - there.alpha.int()).abs().max() <= 1


@pytest.mark.parametrize("name", METHODS)
def test_all_of_a_tile_is_computed_on_the_device(name, monkeypatch):
    """On PyTorch's device without memory, where an operation that also gets a tensor of the CPU fails."""
    (model, scale), seen = METHODS[name], []

    def told(image, dtype):
        seen.append(image.device.type)
        return torch.zeros(image.shape, dtype=dtype)

    monkeypatch.setattr("srcnn.upscale.to_bytes", told)
    upscale(Photograph(CAT, alpha=ALPHA), model, scale=scale, device="meta")
    assert set(seen) == {"meta"}


def test_progress_counts_the_tiles():
    told = []
    upscale(Photograph(CAT), None, scale=3, tile=96, progress=lambda *counts: told.append(counts))
    assert told == [(number, 6) for number in range(1, 7)]  # 53 x 71 in squares of 32


def test_the_smallest_photograph_is_enlarged_and_a_smaller_one_refused():
    assert upscale(Photograph(CAT[:, :4, :5]), METHODS["luma"][0], scale=3).pixels.shape == (3, 12, 15)
    with pytest.raises(InputError, match="the photograph has 5 x 3 pixels; at least 4 x 4 are needed"):
        upscale(Photograph(CAT[:, :3, :5]), None, scale=3)


def test_a_result_too_large_is_refused_before_any_work():
    side = int(LARGEST**0.5) // 4
    check_size(side, side, 4)
    with pytest.raises(InputError, match=r"the result would be .* pixels; at most 600 megapixels are made"):
        check_size(side + 10, side + 10, 4)
    huge = torch.zeros(1, 1, 1, dtype=torch.uint8).expand(3, 30_000, 30_000)
    with pytest.raises(InputError, match="120000 x 120000"):
        upscale(Photograph(huge), None, scale=4)


def test_a_network_for_other_than_one_or_three_channels_is_refused():
    with pytest.raises(InputError, match="works on 2 channels; a photograph needs one for luma or for RGB"):
        upscale(Photograph(CAT), SRCNN((3, 1, 3), (4, 4), channels=2), scale=2)


def test_a_network_for_another_scale_is_refused():
    with pytest.raises(InputError, match="enlarges by 4, not by 3"):
        upscale(Photograph(CAT), METHODS["sub-pixel"][0], scale=3)


# 16 bits


def _deep(photograph: Photograph) -> Photograph:
    """The same picture in 16 bits: 65535 is 257 times 255."""
    values = [
        None if each is None else each.int().mul(257).to(torch.uint16) for each in (photograph.pixels, photograph.alpha)
    ]
    return Photograph(*values)


@pytest.mark.parametrize("kind", PHOTOGRAPHS)
@pytest.mark.parametrize("method", METHODS)
def test_16_bits_give_what_8_do_before_they_are_rounded(method, kind):
    """Half of one of 255 levels is lost by the rounding to 8 bits, and nothing else differs."""
    model, scale = METHODS[method]
    small = upscale(PHOTOGRAPHS[kind], model, scale=scale)
    large = upscale(_deep(PHOTOGRAPHS[kind]), model, scale=scale)
    for ours, expected in ((large.pixels, small.pixels), (large.alpha, small.alpha)):
        assert (ours is None) == (expected is None)
        if ours is not None:
            assert ours.dtype == torch.uint16
            assert (ours.double() / 257 - expected.double()).abs().max() <= 0.5 + 0.01  # float32 sums


@pytest.mark.parametrize("method", ["bicubic", "luma", "color"])  # the others do not keep the picture
def test_a_ramp_of_65536_levels_is_still_one_after_the_work(method):
    """65536 levels in, more than 40000 out; rounded to 8 bits on the way there would be 256."""
    model, scale = METHODS[method]
    ramp = torch.arange(65536, dtype=torch.int32).reshape(1, 256, 256).to(torch.uint16)
    large = upscale(Photograph(ramp), model, scale=scale).pixels
    assert large.int().unique().numel() > 40_000


@pytest.mark.parametrize("kind", PHOTOGRAPHS)
@pytest.mark.parametrize("method", METHODS)
def test_tiles_leave_no_trace_in_16_bits(method, kind):
    model, scale = METHODS[method]
    whole = upscale(_deep(PHOTOGRAPHS[kind]), model, scale=scale, tile=10_000)
    tiled = upscale(_deep(PHOTOGRAPHS[kind]), model, scale=scale, tile=64)
    # 1e-6 of 65535 is 0.07, so one value in 10 may round the other way
    assert_alike(tiled, whole, share=0.9)


@pytest.mark.parametrize("method", METHODS)
def test_gray_of_16_bits_becomes_what_the_same_picture_in_rgb_becomes(method):
    model, scale = METHODS[method]
    gray = _deep(PHOTOGRAPHS["gray"]).pixels
    ours = upscale(Photograph(gray), model, scale=scale).pixels.int()
    colors = upscale(Photograph(gray.expand(3, -1, -1)), model, scale=scale).pixels.int()
    # luma and back in float32: a millionth; 1 of 255 would be 257
    assert (ours - colors).abs()[: 1 if method == "color" else 3].max() <= 2


def test_no_hidden_color_shines_at_the_rim_in_16_bits():
    pixels = _deep(Photograph(CAT)).pixels.clone()
    alpha = torch.zeros(1, 53, 71, dtype=torch.uint16)
    alpha[:, 10:40, 10:60] = 65535
    alpha[:, 0, 0] = 8 * 257 - 1  # the largest that is not seen
    other = torch.where(alpha.int() < 8 * 257, 65535, pixels.int()).to(torch.uint16)
    assert torch.equal(
        upscale(Photograph(pixels, alpha), None, scale=2).pixels.int(),
        upscale(Photograph(other, alpha), None, scale=2).pixels.int(),
    )


MEMORY = """
import resource, sys, torch
from srcnn.images import Photograph
from srcnn.model import SRCNN
from srcnn.upscale import upscale
height, width = map(int, sys.argv[1:3])
pixels = torch.randint(0, 256, (3, height, width), dtype=torch.uint8)
model = SRCNN() if sys.argv[3] == "srcnn" else None
upscale(Photograph(pixels[:, :300, :300]), model, scale=2)  # what torch takes once
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
upscale(Photograph(pixels), model, scale=2)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux alone")
@pytest.mark.parametrize(
    ("size", "method", "bound"),
    [
        # 12 megapixels: the result has 144 MB; one float copy of it would have 576
        ((3000, 4000), "bicubic", 512),
        # 1.2 megapixels, because the whole network needs 40 s for 12: untiled, its first feature maps alone have 1.2 GB
        ((1000, 1200), "srcnn", 512),
    ],
    ids=["bicubic", "srcnn"],
)
def test_memory_holds_one_tile_and_the_two_pictures(size, method, bound):
    command = [sys.executable, "-c", MEMORY, *map(str, size), method]
    grown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    assert int(grown) / 1024 < bound, f"grew by {int(grown) / 1024:.0f} MiB"


@pytest.mark.parametrize(("scale", "wanted"), [(2, 3 + 4), (3, 2 + 4), (4, 2 + 4)])
def test_a_tiles_margin_counts_the_pixels_that_the_tile_has(scale, wanted):
    """9-1-5 reaches 6 pixels of the enlarged image: 3, 2 and 1.5 of the low-resolution one, and bicubic 4 more."""
    assert _margin(SRCNN(), scale) == wanted
    assert _margin(SubPixelSRCNN(scale), scale) == 6 + 4  # which sees the low-resolution image itself
    assert _margin(None, scale) == 4
