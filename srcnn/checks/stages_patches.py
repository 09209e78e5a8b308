"""Questions on images and patches of the assignment *Three stages by hand*, and the mistakes that are known.

What is right, and what is wrong, is computed by torch's own layers, which an answer has to do without.
"""

import scipy.ndimage
import scipy.signal
import torch
import torch.nn.functional as F
from torch import Tensor

from srcnn.checks.judging import Mistake, Question

# whatever computes a convolution: an answer by hand may not use it
CONVOLUTIONS = (
    torch.conv1d,
    torch.conv2d,
    torch.conv3d,
    torch.convolution,
    torch.conv_transpose2d,
    scipy.signal.convolve,
    scipy.signal.convolve2d,
    scipy.signal.correlate,
    scipy.signal.correlate2d,
    scipy.signal.fftconvolve,
    scipy.signal.oaconvolve,
    scipy.ndimage.convolve,
    scipy.ndimage.correlate,
)


def numbers(*shapes: tuple[int, ...], seed: int = 0) -> tuple[Tensor, ...]:
    """Normally distributed numbers in these shapes, the same ones every time."""
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(shape, generator=generator) for shape in shapes)


def _cut(image: Tensor, size: int, stride: int = 1) -> Tensor:
    return F.unfold(image[None, None], size, stride=stride)[0].T  # (N, size * size)


def _squares(patches: Tensor) -> Tensor:
    """Patches given as rows (N, f * f), as squares (N, f, f)."""
    side = round(patches.shape[1] ** 0.5)
    return patches.reshape(-1, side, side)


PATCHES = Question(
    name="patches",
    examples=lambda: list(zip(numbers((4, 6), (5, 4)), (3, 2), strict=True)),
    reference=_cut,
    forbidden=(F.unfold, torch.conv2d, Tensor.unfold),
    mistakes=(
        Mistake("each column is a patch; each row should be", lambda i, s: _cut(i, s).T),
        Mistake(
            "the last row and the last column of positions are missing; how often does a patch fit into a line?",
            lambda i, s: _cut(i[:-1, :-1], s),
        ),
        Mistake(
            "each patch is still a square; write its pixels one after the other",
            lambda i, s: _squares(_cut(i, s)),
        ),
        Mistake(
            "the pixels of a patch are in column order; row order is asked for",
            lambda i, s: _squares(_cut(i, s)).mT.flatten(1),
        ),
        Mistake(
            "the positions are in column order; row order is asked for",
            lambda i, s: _squares(_cut(i.mT, s)).mT.flatten(1),
        ),
        Mistake("rows and columns are exchanged, both in the positions and in the patches", lambda i, s: _cut(i.mT, s)),
        Mistake(
            "the patches do not overlap; there should be one at every position where it fits",
            lambda i, s: _cut(i, s, s),
        ),
        Mistake(
            "the image is padded; take only the patches that fit into it",
            lambda i, s: _cut(F.pad(i, [s // 2] * 4), s),
        ),
    ),
)


def _filtered(image: Tensor, kernel: Tensor) -> Tensor:
    return F.conv2d(image[None, None], kernel[None, None])[0, 0]


def _as_matrices(image: Tensor, kernel: Tensor) -> Tensor:
    products = _squares(_cut(image, len(kernel))) @ kernel
    return products.sum((1, 2)).reshape(_filtered(image, kernel).shape)


FILTER_IMAGE = Question(
    name="filter_image",
    examples=lambda: [numbers((5, 7), (3, 3)), numbers((6, 5), (2, 2))],
    reference=_filtered,
    forbidden=CONVOLUTIONS,
    mistakes=(
        Mistake(
            "the filter is rotated by 180 degrees before it is applied; does a network do that?",
            lambda i, k: _filtered(i, k.flip(0, 1)),
        ),
        Mistake("rows and columns of the filter are exchanged", lambda i, k: _filtered(i, k.mT)),
        Mistake(
            "the image is padded; apply the filter only where all of it fits",
            lambda i, k: F.conv2d(F.pad(i, [len(k) // 2] * 4)[None, None], k[None, None])[0, 0],
        ),
        Mistake(
            "the last row and the last column of positions are missing; how often does a filter fit into a line?",
            lambda i, k: _filtered(i[:-1, :-1], k),
        ),
        Mistake(
            "it takes the mean of the products; a dot product is their sum",
            lambda i, k: _filtered(i, k) / k.numel(),
        ),
        Mistake(
            "patch and filter are multiplied as matrices; multiply them element by element",
            _as_matrices,
        ),
        Mistake(
            "the responses are in one line; arrange them in rows and columns again",
            lambda i, k: _filtered(i, k).flatten(),
        ),
        Mistake("rows and columns of the output are exchanged", lambda i, k: _filtered(i, k).mT),
    ),
)


def _laid_down(patches: Tensor, height: int, width: int) -> Tensor:
    """The sum of patches (N, f * f), (H, W)."""
    side = round(patches.shape[1] ** 0.5)
    return F.fold(patches.T[None], (height, width), side)[0, 0]


def _average(patches: Tensor, height: int, width: int) -> Tensor:
    return _laid_down(patches, height, width) / _laid_down(torch.ones_like(patches), height, width)


def _last_word(patches: Tensor, height: int, width: int) -> Tensor:
    picture, squares = patches.new_zeros(height, width), _squares(patches)
    side = squares.shape[1]
    for place, square in enumerate(squares):
        row, column = divmod(place, width - side + 1)
        picture[row : row + side, column : column + side] = square
    return picture


def _places_by_column(patches: Tensor, height: int, width: int) -> Tensor:
    return _average(_squares(patches).mT.flatten(1), width, height).mT


def _inside(patches: Tensor, height: int, width: int) -> Tensor:
    rim = round(patches.shape[1] ** 0.5) - 1
    return _average(patches, height, width)[rim : height - rim, rim : width - rim]


def _framed(patches: Tensor, height: int, width: int) -> Tensor:
    inside = _inside(patches, height, width)
    rim = round(patches.shape[1] ** 0.5) - 1
    return F.pad(inside, [rim] * 4)


AVERAGE = Question(
    name="average",
    examples=lambda: [(numbers((20, 9))[0], 6, 7), (numbers((20, 4))[0], 5, 6)],
    reference=_average,
    forbidden=(F.fold, torch.conv_transpose2d),
    mistakes=(
        Mistake(
            "near the edge of the image the values are too close to zero; how many patches cover a pixel there?",
            lambda p, h, w: _laid_down(p, h, w) / p.shape[1],
        ),
        Mistake("the patches are added up, but the sum is never divided by their number", _laid_down),
        Mistake("a pixel keeps its last estimate; take the mean of all its estimates", _last_word),
        Mistake(
            "the pixels of a patch are put back in column order; they are in row order",
            lambda p, h, w: _average(_squares(p).mT.flatten(1), h, w),
        ),
        Mistake("the positions are taken in column order; they are in row order", _places_by_column),
        Mistake(
            "it divides by the number of all patches; how many of them cover a pixel?",
            lambda p, h, w: _laid_down(p, h, w) / len(p),
        ),
        Mistake("the border is missing; its pixels have estimates too, only fewer", _inside),
        Mistake("the border is left at zero; its pixels have estimates too, only fewer", _framed),
    ),
)
