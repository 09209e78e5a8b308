"""explain: the way of measuring that gave a figure is found, and what else is wrong with an output is told."""

import math
import random

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torchmetrics.image import PeakSignalNoiseRatio
from torchmetrics.image import StructuralSimilarityIndexMeasure as StructuralSimilarity

from srcnn import images
from srcnn.cli import explain
from srcnn.cli.explain import Ruler, aligned, matching, measure, protocol, statement, troubles
from srcnn.color import quantize
from srcnn.files import InputError
from srcnn.resize import enlarge, shrink

STUDIO = "luma of 16 to 235, rounded"


def crop(chance: random.Random, side: int = 60) -> torch.Tensor:
    picture = images.sample(chance.choice(("astronaut", "coffee", "chelsea", "rocket")))
    top, left = (chance.randrange(n - side + 1) for n in picture.shape[-2:])
    return picture[:, top : top + side, left : left + side]


def enlarged(picture: torch.Tensor, scale: int = 3) -> torch.Tensor:
    return quantize(enlarge(shrink(picture, scale), scale))


def by_others(output: torch.Tensor, original: torch.Tensor, values: str, border: int) -> float:
    """PSNR by NumPy and scikit-image alone."""
    a, b = (
        np.round(image.permute(1, 2, 0).double().numpy() * 255)[border : -border or None, border : -border or None]
        for image in (original, output)
    )
    if values.startswith("luma of 16 to 235"):
        a, b = (16 + (65.481 * i[..., 0] + 128.553 * i[..., 1] + 24.966 * i[..., 2]) / 255 for i in (a, b))
    elif values.startswith("luma of 16 to 234"):
        a, b = (16 + i @ (64.738, 129.057, 25.064) / 256 for i in (a, b))
    elif values.startswith("luma of 0"):
        a, b = (i @ (0.299, 0.587, 0.114) for i in (a, b))
    if values.endswith(", rounded"):
        a, b = np.floor(a + 0.5 + 1e-9), np.floor(b + 0.5 + 1e-9)
    if values.startswith("RGB,"):
        return float(np.mean([peak_signal_noise_ratio(a[..., c], b[..., c], data_range=255) for c in range(3)]))
    return float(peak_signal_noise_ratio(a, b, data_range=255))


@pytest.mark.parametrize("case", range(300))
def test_the_ruler_is_among_the_answers_and_hardly_another(case):
    chance = random.Random(case)
    scale = chance.choice((2, 3, 4))
    original = crop(chance)
    output = enlarged(original, scale)
    values = chance.choice([*explain.VALUES, explain._PER_CHANNEL])
    border = chance.choice((0, scale, scale + 6))
    claimed = f"{by_others(output, original, values, border):.2f}"
    answers = matching(measure([(output, original)], scale=scale), claimed)
    assert Ruler("PSNR", values, border) in answers
    assert len(answers) <= 4, [str(answer) for answer in answers]


def ssim_map(a: np.ndarray, b: np.ndarray, mode: str) -> np.ndarray:
    """Wang et al. 2004, equation 13, for values of 0 to 1; beyond the border what SciPy calls by that mode."""
    taps = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    taps /= taps.sum()

    def mean(image: np.ndarray) -> np.ndarray:
        return correlate1d(correlate1d(image, taps, 0, mode=mode), taps, 1, mode=mode)

    ma, mb = mean(a), mean(b)
    va, vb, vab = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    c1, c2 = 0.01**2, 0.03**2
    return (2 * ma * mb + c1) * (2 * vab + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2))


@pytest.mark.parametrize("seed", range(5))
def test_the_windows_of_ssim(seed):
    chance = random.Random(seed)
    original = crop(chance)
    output = enlarged(original)
    values = measure([(output, original)], scale=3, metric="SSIM")
    a, b = (explain.VALUES[STUDIO](image.double())[0].numpy() for image in (original, output))
    whole, repeated, mirrored, uniform = (values[Ruler("SSIM", STUDIO, 0, window=window)] for window in explain.WINDOWS)
    assert whole == pytest.approx(ssim_map(a, b, "nearest")[5:-5, 5:-5].mean(), abs=1e-9)
    assert repeated == pytest.approx(ssim_map(a, b, "nearest").mean(), abs=1e-9)
    assert mirrored == pytest.approx(ssim_map(a, b, "mirror").mean(), abs=1e-9)
    assert uniform == pytest.approx(structural_similarity(a, b, data_range=1), abs=1e-9)


@pytest.mark.parametrize("values", explain.VALUES)
@pytest.mark.parametrize("border", [0, 3, 9])
def test_torchmetrics_gives_the_same_scores(values, border):
    original = crop(random.Random(border))
    pair = [
        explain.VALUES[values](image.double())[None, :, border : 60 - border, border : 60 - border]
        for image in (enlarged(original), original)
    ]
    window = {"window": next(name for name in explain.WINDOWS if "torchmetrics" in name)}
    for metric, judge, further in (("PSNR", PeakSignalNoiseRatio, {}), ("SSIM", StructuralSimilarity, window)):
        ours = measure([(enlarged(original), original)], scale=3, metric=metric)
        theirs = judge(data_range=1.0)(*pair).item()  # its sums have 32 bits
        assert ours[Ruler(metric, values, border, **further)] == pytest.approx(theirs, abs=1e-5)


def test_of_several_images_the_mean_and_the_mean_error_are_two_rulers():
    pairs = [(enlarged(each), each) for each in (crop(random.Random(n)) for n in range(3))]
    values = measure(pairs, scale=3)
    single = [by_others(output, original, STUDIO, 3) for output, original in pairs]
    assert values[Ruler("PSNR", STUDIO, 3)] == pytest.approx(np.mean(single), abs=0.002)
    pooled = -10 * math.log10(np.mean([10 ** (-value / 10) for value in single]))
    assert values[Ruler("PSNR", STUDIO, 3, mean="of the mean error")] == pytest.approx(pooled, abs=0.002)


def test_a_gray_file_is_used_as_it_is():
    original = crop(random.Random(0))[:1]
    values = measure([(enlarged(original), original)], scale=3)
    assert {ruler.values for ruler in values} == {explain.GRAY}
    a, b = (image[0, 3:-3, 3:-3].double().numpy() for image in (original, enlarged(original)))
    paper = protocol(3, gray=True)
    assert values[paper] == pytest.approx(peak_signal_noise_ratio(a, b, data_range=1), abs=1e-6)
    assert "from 8-bit images on gray values as they are, after" in statement(paper, 1)


def test_a_gray_file_among_color_files_is_measured_too():
    color = crop(random.Random(0))
    gray = images.sample("coins")[:, :60, :60]
    values = measure([(enlarged(each), each) for each in (color, gray)], scale=3)
    a, b = (measure([(enlarged(i), i)], scale=3)[protocol(3, gray=len(i) == 1)] for i in (color, gray))
    assert values[protocol(3)] == pytest.approx((a + b) / 2)
    whole = measure([(enlarged(gray).expand(3, -1, -1), gray.expand(3, -1, -1))], scale=3)[Ruler("PSNR", "RGB", 3)]
    both = measure([(enlarged(color), color)], scale=3)[Ruler("PSNR", "RGB", 3)] + whole
    assert values[Ruler("PSNR", "RGB", 3)] == pytest.approx(both / 2)


def told(output: torch.Tensor, original: torch.Tensor) -> str:
    return " ".join(troubles(output, original))


@pytest.mark.parametrize("seed", range(6))
def test_what_an_output_suffers_from_is_told_and_nothing_of_a_sound_one(seed):
    original = crop(random.Random(seed), 90)
    output = enlarged(original)
    assert told(output, original) == ""
    assert "shifted by a pixel: moved down and right it" in told(output.roll((-1, -1), (1, 2)), original)
    assert "shifted by a pixel: moved up it" in told(output.roll(1, 1), original)
    assert "The output has studio range" in told(output * 219 / 255 + 16 / 255, original)
    assert "the original studio range" in told(output, original * 219 / 255 + 16 / 255)
    assert "brighter by a gamma of 2.2" in told(output ** (1 / 2.2), original)
    assert "darker by a gamma of 2.2" in told(output**2.2, original)


def test_swapped_channels_are_told():
    original = images.sample("astronaut")[:, :90, 150:240]
    assert "Red and blue are swapped" in told(enlarged(original).flip(0), original)


def test_sizes_are_brought_together_or_refused():
    original = crop(random.Random(1), 61)
    output = enlarged(original[:, :60, :60])
    for theirs, ours, lost in (
        (output, original[:, :60, :60], 0),
        (original, original, 0),
        (output[:, 6:-6, 6:-6], original[:, 6:54, 6:54], 6),
    ):
        truth, border = aligned(theirs, original, 3)
        assert torch.equal(truth, ours)
        assert border == lost
    odd = crop(random.Random(1), 79)  # of which BasicSR keeps a multiple of 12
    truth, border = aligned(odd[:, :72, :72], odd, 2)
    assert torch.equal(truth, odd[:, :72, :72])
    assert border == 0
    assert aligned(odd[:, :78, :78], odd, 2)[0].shape == (3, 78, 78)
    with pytest.raises(InputError, match="an output of 60 x 59 pixels is not of an original of 60 x 60"):
        aligned(output[:, 1:], original, 3)
    with pytest.raises(InputError, match="1 channels cannot be compared with 3"):
        aligned(output[:1], original, 3)
    with pytest.raises(InputError, match="only equal ones can be compared"):
        measure([(output[:, 1:], output)], scale=3)
    with pytest.raises(InputError, match="is too small for every border"):
        measure([(output[:, :20, :20], output[:, :20, :20])], scale=3)


@pytest.mark.parametrize("claimed", ["", "much", "nan", "inf", "28,43"])
def test_what_is_no_figure_is_refused(claimed):
    with pytest.raises(InputError, match="is no figure that can be claimed; give one such as"):
        matching({}, claimed)


def test_the_digits_that_are_claimed_count():
    values = {protocol(3): 28.434, Ruler("PSNR", "RGB", 0): 28.46}
    assert matching(values, "28.4") == [protocol(3)]
    assert matching(values, "28") == list(values)
    assert matching(values, "28.43") == [protocol(3)]
    assert matching(values, "28.435") == []


def test_the_statement_says_what_the_ruler_is():
    assert statement(protocol(3), 1) == (
        "PSNR was computed from 8-bit images on the luma of 16 to 235, rounded, after cutting 3 pixels from each side."
    )
    assert "over the whole image, of the mean squared error over 5 images." in statement(
        Ruler("PSNR", "RGB", 0, mean="of the mean error"), 5
    )
