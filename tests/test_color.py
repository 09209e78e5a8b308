"""Color, against scikit-image's rgb2ycbcr."""

import pytest
import torch
from skimage.color import rgb2ycbcr

from srcnn.color import channels, gray, luma, quantize, rgb_to_ycbcr, ycbcr_to_rgb


def _colors(count: int = 100_000) -> torch.Tensor:
    """Random 8-bit colors, (3, 1, count), in 0..1."""
    return torch.randint(256, (3, 1, count), generator=torch.Generator().manual_seed(0)).float() / 255


@pytest.mark.parametrize(("level", "expected"), [(0.0, 16.0), (1.0, 235.0)])
def test_luma_of_black_is_16_and_of_white_235(level, expected):
    assert torch.equal(luma(torch.full((3, 2, 2), level)) * 255, torch.full((1, 2, 2), expected))


def test_primaries_have_the_lumas_of_the_standard():
    # 16 + 65.481, 128.553, 24.966, rounded
    assert (luma(torch.eye(3)[:, None]) * 255).flatten().tolist() == [81, 145, 41]


def test_ycbcr_is_that_of_scikit_image():
    colors = _colors()
    theirs = torch.from_numpy(rgb2ycbcr(colors.movedim(0, -1).double().numpy())).movedim(-1, 0)
    # double against double; scikit-image spells the same coefficients
    torch.testing.assert_close(rgb_to_ycbcr(colors.double()) * 255, theirs, rtol=0, atol=1e-9)
    # float32: a few units of its last place at 255
    torch.testing.assert_close(rgb_to_ycbcr(colors).double() * 255, theirs, rtol=0, atol=1e-4)


def test_luma_is_scikit_images_rounded_to_bytes():
    colors = _colors()
    theirs = torch.from_numpy(rgb2ycbcr(colors.movedim(0, -1).double().numpy()))[..., 0]
    clear = ((theirs - theirs.floor()) - 0.5).abs() > 1e-4  # a tie may fall either way
    assert clear.float().mean() > 0.99
    assert torch.equal((luma(colors)[0] * 255).round()[clear], theirs.round().float()[clear])


def test_round_trip_gives_the_colors_back():
    colors = _colors()
    torch.testing.assert_close(ycbcr_to_rgb(rgb_to_ycbcr(colors)), colors)


def test_a_luma_out_of_range_is_not_clipped():
    ycbcr = torch.tensor([240.0, 128.0, 128.0]).view(3, 1, 1) / 255
    # white is 235: (240 - 16) / 219
    torch.testing.assert_close(ycbcr_to_rgb(ycbcr), torch.full((3, 1, 1), 224 / 219))


def test_gray_is_luma_already():
    gray = torch.rand(1, 4, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(luma(gray), gray)


def test_quantize_rounds_to_bytes_and_clips():
    values = torch.tensor([-0.2, 0.0, 0.49 / 255, 0.51 / 255, 1.0, 1.3])
    assert torch.equal(quantize(values) * 255, torch.tensor([0.0, 0.0, 0.0, 1.0, 255.0, 255.0]))


@pytest.mark.parametrize("convert", [rgb_to_ycbcr, ycbcr_to_rgb, luma])
@pytest.mark.parametrize("shape", [(2, 4, 4), (4, 4, 4), (4, 4), (1, 3, 4, 4)])
def test_what_is_no_rgb_image_is_refused_with_its_shape(convert, shape):
    with pytest.raises(ValueError, match=rf"\(3, H, W\), got \({shape[0]}, "):
        convert(torch.zeros(shape))


@pytest.mark.parametrize(
    ("rgb", "level"), [((1, 0, 0), 76), ((0, 1, 0), 150), ((0, 0, 1), 29), ((1, 1, 1), 255), ((0, 0, 0), 0)]
)
def test_full_range_gray_of_the_primaries_is_matlabs(rgb, level):
    """0.2989 R + 0.5870 G + 0.1140 B of 255, rounded."""
    image = torch.tensor(rgb, dtype=torch.float32)[:, None, None].expand(3, 2, 2)
    assert (gray(image) * 255).flatten().tolist() == [level] * 4


def test_full_range_gray_is_luma_stretched_from_16_and_235():
    image = torch.rand(3, 20, 20, generator=torch.Generator().manual_seed(0))
    stretched = (rgb_to_ycbcr(image)[:1] * 255 - 16) * 255 / 219
    assert (gray(image) * 255 - stretched).abs().max() < 0.52  # half a level by rounding, the rest by the constants
    assert gray(image[:1]) is not None
    assert torch.equal(gray(image[:1]), image[:1])


def test_a_network_for_color_sees_gray_as_three_equal_channels():
    image = torch.rand(1, 4, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(channels(image, "rgb"), torch.cat([image] * 3))
    assert torch.equal(channels(image, "luma"), image)
    ycbcr = channels(image, "ycbcr") * 255
    torch.testing.assert_close(ycbcr[1:], torch.full((2, 4, 5), 128.0))
    torch.testing.assert_close(ycbcr[:1], 16 + 219 * image)
