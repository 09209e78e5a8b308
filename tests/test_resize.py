"""Resize, against MATLAB's own images, Pillow's bicubic, and the kernel written out as a loop."""

import numpy as np
import pytest
import torch
from PIL import Image

from srcnn import images
from srcnn.resize import downscale, enlarge, modcrop, shrink

SCALES = (2, 3, 4)


def _noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def _kernel(x: float) -> float:
    """Keys' cubic with a = -0.5."""
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def _naive_line(line: list[float], size: int) -> list[float]:
    """MATLAB's imresize of one line: a kernel widened when shrinking, weights that sum to 1, a mirror at each end."""
    step = len(line) / size
    wide = max(step, 1.0)
    out = []
    for i in range(size):
        center = (i + 0.5) * step - 0.5
        places = range(int(np.floor(center - 2 * wide)), int(np.ceil(center + 2 * wide)) + 1)
        weights = [_kernel((place - center) / wide) for place in places]
        mirrored = [place % (2 * len(line)) for place in places]
        mirrored = [place if place < len(line) else 2 * len(line) - 1 - place for place in mirrored]
        out.append(sum(w * line[m] for w, m in zip(weights, mirrored, strict=True)) / sum(weights))
    return out


def _naive(image: torch.Tensor, height: int, width: int) -> torch.Tensor:
    rows = [_naive_line(row, width) for row in image.double().tolist()]
    columns = [_naive_line(list(column), height) for column in zip(*rows, strict=True)]
    return torch.tensor(columns, dtype=torch.float64).T


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 7)])
def test_both_ways_are_the_kernel_written_out_with_mirrored_edges(scale, size):
    low, high = _noise(*size).double(), _noise(size[0] * scale, size[1] * scale).double()
    # torch takes its weights in double for double images; 1e-6 leaves room for one that takes them in float32
    torch.testing.assert_close(enlarge(low, scale), _naive(low, *high.shape), rtol=0, atol=1e-6)
    torch.testing.assert_close(shrink(high, scale), _naive(high, *low.shape), rtol=0, atol=1e-6)


@pytest.mark.parametrize("scale", SCALES)
def test_away_from_the_border_both_ways_are_pillows_bicubic(scale):
    high = _noise(24 * scale, 20 * scale)
    low = shrink(high, scale)
    for ours, source, margin in ((low, high, 3), (enlarge(low, scale), low, 3 * scale)):  # Pillow has no mirror
        size = (ours.shape[1], ours.shape[0])
        theirs = np.asarray(Image.fromarray(source.numpy()).resize(size, Image.Resampling.BICUBIC))
        inner = (slice(margin, -margin),) * 2
        torch.testing.assert_close(ours[inner], torch.from_numpy(theirs.copy())[inner])  # float32 against float32


def _matlab_column_pass(image: torch.Tensor, scale: int) -> torch.Tensor:
    """Height alone, rounded to whole numbers as MATLAB rounds, halves up; what is constant along a row stays so."""
    columns = image.movedim(-1, 0)[..., None].expand(-1, -1, -1, scale)  # (W, C, H, s)
    out = shrink(columns, scale)[..., 0].movedim(0, -1)  # (C, H/s, W)
    return (out + 0.5 + 1e-9).floor().clamp(0, 255)


@pytest.mark.data
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", ["baby", "bird", "butterfly", "head", "woman"])
def test_shrunk_set5_is_matlabs(data_root, name, scale):
    """Byte for byte, once bytes are rounded and clipped between the two passes, as MATLAB does it.

    The course rounds nothing on the way: without that, 80 to 90 % of the pixels are equal and a few are off by two.
    """
    stored = data_root / "reference" / "Set5_LR_bicubic_matlab" / f"X{scale}" / f"{name}x{scale}.png"
    if not stored.is_file():
        pytest.skip(f"MATLAB's images are not in {data_root}: SRCNN_DATA must name a folder with reference/ in it")
    matlab = images.read_photograph(stored).pixels.double()
    original = modcrop(images.read_photograph(data_root / "Set5" / f"{name}.bmp").pixels, scale).double()
    two_passes = _matlab_column_pass(_matlab_column_pass(original, scale).mT, scale).mT
    assert torch.equal(two_passes, matlab), f"gray levels off: {_histogram(two_passes - matlab)}"


def _histogram(errors: torch.Tensor) -> dict[float, int]:
    values, counts = errors.unique(return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


@pytest.mark.parametrize("scale", SCALES)
def test_a_constant_stays_itself_up_to_the_edge(scale):
    image = torch.full((3, 5 * scale, 4 * scale), 0.7)
    torch.testing.assert_close(shrink(image, scale), torch.full((3, 5, 4), 0.7))
    torch.testing.assert_close(enlarge(image, scale), torch.full((3, 5 * scale**2, 4 * scale**2), 0.7))


@pytest.mark.parametrize("scale", SCALES)
def test_a_ramp_is_enlarged_to_a_ramp_away_from_the_border(scale):
    out = enlarge(torch.arange(20.0).expand(8, 20), scale)
    places = (torch.arange(20.0 * scale) + 0.5) / scale - 0.5
    inner = slice(2 * scale, -2 * scale)
    torch.testing.assert_close(out[:, inner], places[inner].expand(8 * scale, -1))  # Keys' kernel is exact for lines


@pytest.mark.parametrize("resize", [shrink, enlarge])
def test_channels_and_images_of_a_batch_do_not_mix(resize):
    batch = _noise(2, 3, 6, 8)
    one_by_one = torch.stack([torch.stack([resize(channel, 2) for channel in image]) for image in batch])
    torch.testing.assert_close(resize(batch, 2), one_by_one)


def test_modcrop_cuts_below_and_to_the_right():
    image = torch.arange(7 * 11).view(7, 11)
    assert torch.equal(modcrop(image, 3), image[:6, :9])
    assert torch.equal(modcrop(image.expand(2, 3, 7, 11), 4), image[:4, :8].expand(2, 3, 4, 8))


def test_modcrop_of_less_than_one_pixel_is_refused():
    with pytest.raises(ValueError, match="9 x 2 pixels is smaller than the scale 3"):
        modcrop(torch.zeros(1, 2, 9), 3)


def test_shrinking_what_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="8 x 9 pixels do not divide by 3: modcrop first"):
        shrink(torch.zeros(1, 9, 8), 3)


@pytest.mark.parametrize("shape", [(12, 1), (12, 3), (1, 12), (3, 12), (40, 2)])
def test_an_image_that_becomes_one_pixel_wide_or_high_is_resized_as_any_other(shape):
    image = _noise(1, *shape)
    size = tuple(max(1, round(side / 3)) for side in shape)
    expected = np.asarray(Image.fromarray(image[0].numpy()).resize(size[::-1], Image.Resampling.BICUBIC))
    np.testing.assert_allclose(downscale(image, 1 / 3)[0], expected.clip(0, 1), atol=1e-6)
