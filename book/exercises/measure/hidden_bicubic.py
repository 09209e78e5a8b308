"""Hidden test cases of *Measure* on bicubic interpolation and the protocol.

The oracle is SciPy's Hermite spline, in draw.py; luma and PSNR are scikit-image's.
"""

import functools
from collections.abc import Callable

import numpy as np
import skimage.color
import skimage.metrics
import torch
from exercises.draw import IMPULSE, Draw, agree, bicubic_matrix, case, spline, telling, tensor
from torch import Tensor

from srcnn import images, quantize
from srcnn.checks.judging import agrees, recognize
from srcnn.checks.measure_protocol import QUESTIONS
from srcnn.resize import enlarge

# Question 6


def _kernel(x: Tensor) -> Tensor:
    return tensor(IMPULSE(np.clip(x.double().numpy(), -3, 3) + 4))


@case(question=6, points=0.5, title="distances up to 1")
def nearer_than_one(cubic: Callable, draw: Draw) -> None:
    cases = [(draw.uniform(draw.between(5, 9)),), (draw.uniform(3, 4).double(),)]
    agree(QUESTIONS[6], cubic, cases, _kernel, tolerance=1e-5)


@case(question=6, points=0.5, title="distances from 1 to 2")
def from_one_to_two(cubic: Callable, draw: Draw) -> None:
    cases = [(1 + draw.uniform(draw.between(5, 9)),), (1 + draw.uniform(3, 4).double(),)]
    agree(QUESTIONS[6], cubic, cases, _kernel, tolerance=1e-5)


@case(question=6, points=1, title="left and right near and far")
def any_distance(cubic: Callable, draw: Draw) -> None:
    """Left and right, far away, and at the whole numbers."""
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
    centers = (np.arange(len(row) * scale) + 0.5) / scale - 0.5
    return tensor(spline(mirrored)(centers + 4))


def _rows(draw: Draw, *lengths: int) -> list[tuple[Tensor, int]]:
    scales = draw.sizes.sample((2, 3, 4, 5), len(lengths))
    return [(draw.uniform(n), scale) for n, scale in zip(lengths, scales, strict=True)]


@case(question=7, points=1.5, title="new pixels far from the ends")
def far_from_the_ends(enlarge_row: Callable, draw: Draw) -> None:

    def accept(args: tuple, got: object) -> str | None:
        row, scale = args
        if getattr(got, "shape", None) != (len(row) * scale,):
            return f"a tensor of shape {(len(row) * scale,)} is expected for a row of {len(row)} and the scale {scale}"
        inside = slice(2 * scale, -2 * scale)
        if agrees(got[inside], _enlarged(row, scale)[inside], 1e-5):
            return None
        known = recognize(QUESTIONS[7], [(args, got)], [(args, got)])
        return known or "it is wrong where all four pixels lie inside the row"

    cases = _rows(draw, *(draw.between(7, 12) for _ in range(3)))
    agree(QUESTIONS[7], enlarge_row, cases, None, accept=accept)


@case(question=7, points=1.5, title="whole rows with their ends")
def whole_rows(enlarge_row: Callable, draw: Draw) -> None:
    cases = _rows(draw, *(draw.between(5, 12) for _ in range(3)))
    agree(QUESTIONS[7], enlarge_row, cases, _enlarged, tolerance=1e-5)


@case(question=7, points=1, title="rows of two to four pixels")
def short_rows(enlarge_row: Callable, draw: Draw) -> None:
    agree(QUESTIONS[7], enlarge_row, _rows(draw, 2, 3, 4), _enlarged, tolerance=1e-5)


# Question 8


def _resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    rows, columns = picture.shape
    return bicubic_matrix(rows, height) @ picture @ bicubic_matrix(columns, width).T


def _steps(rgb: Tensor, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """Luma and the upsampled image in 0..255, both before they are rounded."""
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
    with np.errstate(divide="ignore"):  # a patch of plain black is kept without an error
        return skimage.metrics.peak_signal_noise_ratio(high, output, data_range=255)


def _near_half(values: np.ndarray) -> bool:
    """Whether single precision might round one of them the other way."""
    return np.abs(values % 1 - 0.5).min() < 1e-4


@functools.cache  # one seed has the same cases for every student
def _pieces(name: str, seed: int, scales: tuple[int, ...], *, divides: bool) -> list[tuple]:
    """Parts of photographs, most of them blurred, so that rounding shows: every mistake is seen in each."""
    draw = Draw(seed, name)
    names = [name for split in images.SAMPLE.values() for name in split]
    color = [name for name in names if len(images.sample(name)) == 3]

    def case() -> tuple[Tensor, int]:
        photograph = images.sample(draw.sizes.choice(color))
        scale, (height, width) = draw.sizes.choice(scales), draw.sides(9)
        rest = (0, 0) if divides else (draw.between(1, scale - 1), draw.between(1, scale - 1))
        height, width = height * scale + rest[0], width * scale + rest[1]
        top, left = (draw.between(0, size - 64) for size in photograph.shape[-2:])
        piece = enlarge(photograph[:, top : top + 64, left : left + 64], draw.between(1, 3))
        return quantize(piece)[:, :height, :width].clone(), scale

    def tells(args: tuple) -> bool:
        right = _score(*args)
        if not 25 < right < 45 or any(map(_near_half, _steps(*args))):
            return False
        known = [m for m in QUESTIONS[8].mistakes if not (divides and "cropped" in m.hint)]
        return all(not agrees(m.wrong(*args), right, 5e-4) for m in known)

    return telling(case, tells)


@case(question=8, points=1.5, title="images whose sides are multiples of the scale")
def whole_multiples(score: Callable, draw: Draw) -> None:
    agree(QUESTIONS[8], score, _pieces(draw.name, draw.seed, (3,), divides=True), _score)


@case(question=8, points=1.5, title="images whose sides are not")
def ragged_pictures(score: Callable, draw: Draw) -> None:
    agree(QUESTIONS[8], score, _pieces(draw.name, draw.seed, (3,), divides=False), _score)


@case(question=8, points=1, title="other scales")
def other_scales(score: Callable, draw: Draw) -> None:
    agree(QUESTIONS[8], score, _pieces(draw.name, draw.seed, (2, 4), divides=False), _score)
