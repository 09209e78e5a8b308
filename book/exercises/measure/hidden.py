"""Hidden test cases of *Measure* on errors, luma and borders; those of questions 6 to 8 are in hidden_bicubic.py.

The oracles are scikit-image, plain loops and closed forms.
"""

import math
import statistics
from collections.abc import Callable

import skimage.color
import skimage.metrics
import torch
from exercises.draw import Draw, agree, case, double, tensor
from torch import Tensor

from srcnn.checks.judging import agrees, recognize, to_plain
from srcnn.checks.measure_protocol import QUESTIONS


def _pair(draw: Draw, *shape: int, noise: float) -> tuple[Tensor, Tensor]:
    """Bytes and a noisy version of them, as floats; every channel, and every row, has its own noise."""
    target = 20 + 180 * draw.uniform(*shape)
    target = target.round()
    uneven = 0.4 + draw.uniform(*shape[:-1], 1)
    return (target + noise * uneven * (draw.normal(*shape) + 0.4)).round(), target


def _shapes(draw: Draw) -> list[tuple[int, ...]]:
    """Of an image with rows and columns, one with a channel, and one with three."""
    return [draw.sides(3), (1, *draw.sides(3)), (3, *draw.sides(3))]


# Question 1


def _error(output: Tensor, target: Tensor) -> float:
    return float(skimage.metrics.mean_squared_error(*double(target, output)))


@case(question=1, points=0.5, title="the same error at every pixel")
def same_error_everywhere(mse: Callable, draw: Draw) -> None:
    cases = []
    for shape in _shapes(draw):
        target = (200 * draw.uniform(*shape)).round()
        cases.append((target + draw.sizes.choice((-1, 1)) * draw.between(2, 9), target))
    agree(
        QUESTIONS[1],
        mse,
        cases,
        lambda output, target: (output - target).flatten()[0].item() ** 2,
        tolerance=1e-5,
    )


@case(question=1, points=0.5, title="noisy images in bytes")
def noisy_bytes(mse: Callable, draw: Draw) -> None:
    cases = [_pair(draw, *shape, noise=9) for shape in _shapes(draw)]
    agree(QUESTIONS[1], mse, cases, _error, tolerance=1e-5)


@case(question=1, points=1, title="images in 0 to 1")
def unit_range(mse: Callable, draw: Draw) -> None:
    cases = [
        (output / 255, target / 255) for output, target in (_pair(draw, *shape, noise=30) for shape in _shapes(draw))
    ]
    agree(QUESTIONS[1], mse, cases, _error, tolerance=1e-7)  # of values about 0.01


# Question 2


def _decibels(output: Tensor, target: Tensor, peak: float) -> float:
    return float(skimage.metrics.peak_signal_noise_ratio(*double(target, output), data_range=peak))


def _scaled(draw: Draw, *shape: int, peak: float) -> tuple[Tensor, Tensor, float]:
    output, target = _pair(draw, *shape, noise=draw.between(4, 25))
    return output * peak / 255, target * peak / 255, peak


@case(question=2, points=0.5, title="an error whose PSNR is known")
def known_decibels(psnr: Callable, draw: Draw) -> None:
    """An error that is the same everywhere has its PSNR on paper."""
    cases = []
    for shape in _shapes(draw):
        target = draw.between(20, 60) + 150 * draw.uniform(*shape)
        cases.append((target.round() + draw.between(2, 30), target.round(), 255))
    agree(
        QUESTIONS[2],
        psnr,
        cases,
        lambda output, target, peak: 20 * math.log10(peak / (output - target).flatten()[0].item()),
        tolerance=1e-5,
    )


@case(question=2, points=1, title="any images and peaks")
def any_peak(psnr: Callable, draw: Draw) -> None:
    peaks = (1, 255, draw.sizes.choice((100, 1023, 4095)))
    cases = [_scaled(draw, *shape, peak=peak) for shape, peak in zip(_shapes(draw), peaks, strict=True)]
    agree(QUESTIONS[2], psnr, cases, _decibels, tolerance=1e-5)


@case(question=2, points=0.5, title="identical images")
def equal_pictures(psnr: Callable, draw: Draw) -> None:
    cases = []
    for shape in _shapes(draw):
        picture = draw.uniform(*shape)
        cases.append((picture, picture.clone(), 1))
    hint = QUESTIONS[2].mistakes[-1].hint

    def accept(args: tuple, got: object) -> str | None:
        return None if agrees(got, math.inf, 0) else hint

    agree(QUESTIONS[2], psnr, cases, None, accept=accept)


# Question 3


def _luma(rgb: Tensor) -> Tensor:
    ycbcr = skimage.color.rgb2ycbcr(rgb.double().numpy(), channel_axis=0)
    return tensor(ycbcr[:1] / 255)


@case(question=3, points=0.5, title="images without color")
def grays(luma: Callable, draw: Draw) -> None:
    cases = []
    for _ in range(3):
        gray = draw.uniform(*draw.sides(3))
        gray[0, 0], gray[0, 1] = 0, 1
        cases.append((gray.repeat(3, 1, 1),))
    agree(QUESTIONS[3], luma, cases, lambda rgb: (16 + 219 * rgb[:1]) / 255, tolerance=1e-5)


@case(question=3, points=0.5, title="what a single color channel adds")
def differences(luma: Callable, draw: Draw) -> None:
    """What red, green or blue adds to black, wherever black is."""
    cases = []
    for channel in draw.sizes.sample(range(3), 3):
        rgb = torch.zeros(3, *draw.sides(3))
        rgb[channel] = draw.uniform(*rgb.shape[1:])
        rgb[:, 0, 0] = 0
        cases.append((rgb,))

    def accept(args: tuple, got: object) -> str | None:
        wanted, got = _luma(*args), to_plain(got)
        if not isinstance(got, Tensor) or got.shape != wanted.shape:
            return f"a tensor of shape {tuple(wanted.shape)} is expected"
        if agrees(got - got[0, 0, 0], wanted - 16 / 255, 1e-5):
            return None
        known = recognize(QUESTIONS[3], [(args, got)], [(args, got)])
        return known or "the weight of red, of green or of blue is wrong"

    agree(QUESTIONS[3], luma, cases, None, accept=accept)


@case(question=3, points=1, title="any colors")
def any_colors(luma: Callable, draw: Draw) -> None:
    cases = [(draw.uniform(3, *draw.sides(3)),) for _ in range(3)]
    cases[0][0][:, :2, 0] = torch.tensor([0.0, 1.0])  # black and white are among them
    agree(QUESTIONS[3], luma, cases, _luma, tolerance=1e-5)


# Question 4


def _shaved(image: Tensor, border: int) -> Tensor:
    rows, columns = (torch.tensor([i for i in range(size) if border <= i < size - border]) for size in image.shape[-2:])
    return image.index_select(-2, rows).index_select(-1, columns)


def _bordered(draw: Draw, *channels: int, border: int) -> tuple[Tensor, int]:
    return draw.uniform(*channels, *draw.sides(4 * border + 1)), border


@case(question=4, points=0.5, title="images of rows and columns")
def rows_and_columns(shave: Callable, draw: Draw) -> None:
    cases = [_bordered(draw, border=border) for border in (2, draw.between(3, 5), 1)]
    agree(QUESTIONS[4], shave, cases, _shaved)


@case(question=4, points=1, title="images with channels")
def channels(shave: Callable, draw: Draw) -> None:
    cases = [_bordered(draw, n, border=b) for n, b in ((3, 2), (1, 3), (7, 2))]
    agree(QUESTIONS[4], shave, cases, _shaved)


@case(question=4, points=0.5, title="a border of 0")
def nothing_to_cut(shave: Callable, draw: Draw) -> None:
    cases = [(draw.uniform(*shape), 0) for shape in _shapes(draw)]
    agree(QUESTIONS[4], shave, cases, lambda image, border: image)


# Question 5


def _set(draw: Draw, pictures: int, peak: float) -> tuple[list[Tensor], list[Tensor], float]:
    """Images of many sizes, whose errors differ by far."""
    noises = draw.sizes.sample((3, 9, 20, 45, 90), pictures)
    noises.sort(reverse=draw.between(0, 1) == 1)  # the median is neither the first image's nor the last one's
    channels = draw.sizes.choice(([], [1], [3]))
    pairs = [_pair(draw, *channels, *draw.sides(4 + n), noise=n) for n in noises]
    outputs, targets = ([p * peak / 255 for p in side] for side in zip(*pairs, strict=True))
    return outputs, targets, peak


def _mean(outputs: list[Tensor], targets: list[Tensor], peak: float) -> float:
    return statistics.fmean(_decibels(o, t, peak) for o, t in zip(outputs, targets, strict=True))


@case(question=5, points=0.5, title="a set of one image")
def one_picture(mean_psnr: Callable, draw: Draw) -> None:
    cases = [_set(draw, 1, peak) for peak in (255, 1)]
    agree(QUESTIONS[5], mean_psnr, cases, _mean, tolerance=1e-5)


@case(question=5, points=1.5, title="sets of many sizes")
def several_pictures(mean_psnr: Callable, draw: Draw) -> None:
    cases = [_set(draw, n, peak) for n, peak in ((3, 255), (draw.between(4, 5), 1), (3, 1))]
    agree(QUESTIONS[5], mean_psnr, cases, _mean, tolerance=1e-5)
