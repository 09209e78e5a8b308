"""Hidden tests of *Measure* on bicubic interpolation and the protocol; each public function of an answer and a seed is one.

The oracle is SciPy's Hermite spline: bicubic interpolation is the cubic that has, at each pixel, the pixel's value and
half the difference of its neighbours for a slope. Luma and PSNR are scikit-image's.
"""

import functools
import math
from collections.abc import Callable

import numpy as np
import skimage.color
import skimage.metrics
import torch
from hidden import Draw, agree, telling, tensor
from scipy.interpolate import CubicHermiteSpline
from torch import Tensor

from srcnn import images, quantize
from srcnn.checks_measure import QUESTIONS
from srcnn.questions import recognise, same
from srcnn.resize import enlarge

# Question 6


def _spline(row: np.ndarray) -> CubicHermiteSpline:
    """Bicubic interpolation between the inner samples of a row, at 0, 1, 2, ..."""
    places = np.arange(len(row))
    return CubicHermiteSpline(places[1:-1], row[1:-1], (row[2:] - row[:-2]) / 2)


IMPULSE = _spline(np.eye(9)[4])  # what a single 1 among zeros becomes


def _kernel(x: Tensor) -> Tensor:
    return tensor(IMPULSE(np.clip(x.double().numpy(), -3, 3) + 4))


def nearer_than_one(cubic: Callable, seed: int) -> None:
    draw = Draw(seed, nearer_than_one)
    cases = [(draw.uniform(draw.between(5, 9)),), (draw.uniform(3, 4).double(),)]
    agree(QUESTIONS[6], cubic, cases, _kernel, tolerance=1e-5)


def from_one_to_two(cubic: Callable, seed: int) -> None:
    draw = Draw(seed, from_one_to_two)
    cases = [(1 + draw.uniform(draw.between(5, 9)),), (1 + draw.uniform(3, 4).double(),)]
    agree(QUESTIONS[6], cubic, cases, _kernel, tolerance=1e-5)


def any_distance(cubic: Callable, seed: int) -> None:
    """Left and right, far away, and at the whole numbers."""
    draw = Draw(seed, any_distance)
    whole = torch.arange(-4, 5).double()
    far = 8 * draw.uniform(draw.between(20, 30)) - 4
    grid = 6 * draw.uniform(4, 5).double() - 3
    far[:4] = torch.tensor([-1.5, 2.4, -0.4, 1.7])  # whatever is drawn, each piece is there
    grid[0, :4] = torch.tensor([-1.6, 2.3, -0.6, 1.2])
    agree(QUESTIONS[6], cubic, [(whole,), (far,), (grid,)], _kernel, tolerance=1e-5)


# Question 7


def _enlarged(row: Tensor, scale: int) -> Tensor:
    mirrored = np.pad(row.double().numpy(), 2 if len(row) < 4 else 4, mode="symmetric")
    if len(row) < 4:
        mirrored = np.pad(mirrored, 2, mode="edge")  # beyond the reach of four pixels
    centres = (np.arange(len(row) * scale) + 0.5) / scale - 0.5
    return tensor(_spline(mirrored)(centres + 4))


def _rows(draw: Draw, *lengths: int) -> list[tuple[Tensor, int]]:
    scales = draw.sizes.sample((2, 3, 4, 5), len(lengths))
    return [(draw.uniform(n), scale) for n, scale in zip(lengths, scales, strict=True)]


def far_from_the_ends(enlarge_row: Callable, seed: int) -> None:
    draw = Draw(seed, far_from_the_ends)

    def accept(args: tuple, got: object) -> str | None:
        row, scale = args
        if getattr(got, "shape", None) != (len(row) * scale,):
            return f"a tensor of shape {(len(row) * scale,)} is wanted for a row of {len(row)} and the scale {scale}"
        inside = slice(2 * scale, -2 * scale)
        if same(got[inside], _enlarged(row, scale)[inside], 1e-5):
            return None
        known = recognise(QUESTIONS[7], [(args, got)], [(args, got)])
        return known or "it is wrong where all four pixels lie inside the row"

    cases = _rows(draw, *(draw.between(7, 12) for _ in range(3)))
    agree(QUESTIONS[7], enlarge_row, cases, None, accept=accept)


def whole_rows(enlarge_row: Callable, seed: int) -> None:
    draw = Draw(seed, whole_rows)
    cases = _rows(draw, *(draw.between(5, 12) for _ in range(3)))
    agree(QUESTIONS[7], enlarge_row, cases, _enlarged, tolerance=1e-5)


def short_rows(enlarge_row: Callable, seed: int) -> None:
    draw = Draw(seed, short_rows)
    agree(QUESTIONS[7], enlarge_row, _rows(draw, 2, 3, 4), _enlarged, tolerance=1e-5)


# Question 8


def _matrix(old: int, new: int) -> np.ndarray:
    """How the pixels of a line become others, fewer or more: (new, old)."""
    step = old / new
    stretch = max(step, 1)
    matrix = np.zeros((new, old))
    for line, centre in zip(matrix, (np.arange(new) + 0.5) * step - 0.5, strict=True):
        reach = np.arange(
            math.ceil(centre - 2 * stretch), math.floor(centre + 2 * stretch) + 1
        )
        votes = IMPULSE(np.clip((reach - centre) / stretch, -3, 3) + 4)
        mirrored = np.pad(np.arange(old), 4 * old, mode="symmetric")[reach + 4 * old]
        np.add.at(line, mirrored, votes / votes.sum())
    return matrix


def _resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    rows, columns = picture.shape
    return _matrix(rows, height) @ picture @ _matrix(columns, width).T


def _steps(rgb: Tensor, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """Luma and the enlarged picture on the scale 0..255, both before they are rounded."""
    luma = skimage.color.rgb2ycbcr(rgb.double().numpy(), channel_axis=0)[0]
    height, width = (size // scale for size in luma.shape)
    high = np.rint(luma)[: height * scale, : width * scale]
    small = _resized(high, height, width)
    return luma, _resized(small, height * scale, width * scale)


def _score(rgb: Tensor, scale: int) -> float:
    luma, large = _steps(rgb, scale)
    inside = (slice(scale, -scale),) * 2
    high = np.rint(luma)[: len(large), : large.shape[1]][inside]
    output = np.rint(large).clip(0, 255)[inside]
    with np.errstate(divide="ignore"):  # a piece of plain black is kept without an error
        return skimage.metrics.peak_signal_noise_ratio(high, output, data_range=255)


def _near_half(values: np.ndarray) -> bool:
    """Whether single precision might round one of them the other way."""
    return np.abs(values % 1 - 0.5).min() < 1e-4


@functools.cache  # one seed has the same cases for every student
def _pieces(
    test: Callable, seed: int, scales: tuple[int, ...], *, divides: bool
) -> list[tuple]:
    """Pieces of photographs, most of them blurred, so that rounding shows: every mistake is seen in each."""
    draw = Draw(seed, test)
    names = [name for split in images.SAMPLE.values() for name in split]
    colour = [name for name in names if len(images.sample(name)) == 3]

    def case() -> tuple[Tensor, int]:
        photograph = images.sample(draw.sizes.choice(colour))
        scale, (height, width) = draw.sizes.choice(scales), draw.sides(9)
        rest = (
            (0, 0) if divides else (draw.between(1, scale - 1), draw.between(1, scale - 1))
        )
        height, width = height * scale + rest[0], width * scale + rest[1]
        top, left = (draw.between(0, size - 64) for size in photograph.shape[-2:])
        piece = enlarge(photograph[:, top : top + 64, left : left + 64], draw.between(1, 3))
        return quantize(piece)[:, :height, :width].clone(), scale

    def tells(args: tuple) -> bool:
        right = _score(*args)
        if not 25 < right < 45 or any(map(_near_half, _steps(*args))):
            return False
        known = [m for m in QUESTIONS[8].mistakes if not (divides and "cropped" in m.hint)]
        return all(not same(m.wrong(*args), right, 5e-4) for m in known)

    return telling(case, tells)


def whole_multiples(score: Callable, seed: int) -> None:
    agree(QUESTIONS[8], score, _pieces(whole_multiples, seed, (3,), divides=True), _score)


def ragged_pictures(score: Callable, seed: int) -> None:
    agree(QUESTIONS[8], score, _pieces(ragged_pictures, seed, (3,), divides=False), _score)


def other_scales(score: Callable, seed: int) -> None:
    agree(QUESTIONS[8], score, _pieces(other_scales, seed, (2, 4), divides=False), _score)
