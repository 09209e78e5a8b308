"""The questions of *Measure* about bicubic interpolation and the protocol, with their known mistakes."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from srcnn import resize
from srcnn.checks.judging import Arguments, Mistake, Question

# Question 6


def inner(x: Tensor, a: float) -> Tensor:
    """The kernel up to a distance of 1 (Keys 1981)."""
    return (a + 2) * x**3 - (a + 3) * x**2 + 1


def outer(x: Tensor, a: float) -> Tensor:
    """The kernel from 1 to 2."""
    return a * (x**3 - 5 * x**2 + 8 * x - 4)


def _pieces(x: Tensor, near: Tensor, far: Tensor, beyond: Tensor | float = 0.0) -> Tensor:
    return torch.where(x <= 1, near, torch.where(x < 2, far, beyond))


def cubic(x: Tensor, a: float = -0.5) -> Tensor:
    """The kernel of bicubic interpolation (Keys 1981)."""
    x = x.abs()
    return _pieces(x, inner(x, a), outer(x, a))


def _tent(x: Tensor) -> Tensor:
    return (1 - x.abs()).clamp(min=0)


def _spline(x: Tensor) -> Tensor:
    """The cubic B-spline, which smooths and does not interpolate."""
    x = x.abs()
    near, far = (4 - 6 * x**2 + 3 * x**3) / 6, (2 - x).clamp(min=0) ** 3 / 6
    return torch.where(x <= 1, near, far)


def _of_distance(function: Callable[..., Any]) -> Callable[..., Any]:
    """A wrong kernel, given as a function of the distance, and the inner and the outer piece there."""
    return lambda x: function(x.abs(), inner(x.abs(), -0.5), outer(x.abs(), -0.5))


def _distances() -> list[Arguments]:
    line = torch.linspace(-2.75, 2.75, 23, dtype=torch.float64)
    return [(line,), (torch.tensor([[0.3, 1.6], [-1.2, 2.0], [-0.7, 4.0]]),)]


CUBIC = Question(
    name="cubic",
    examples=_distances,
    reference=cubic,
    mistakes=(
        Mistake("its parameter a is that of PyTorch and OpenCV, not -0.5", lambda x: cubic(x, -0.75)),
        Mistake("its parameter a is -1, not -0.5", lambda x: cubic(x, -1.0)),
        Mistake(
            "its parameter a has the wrong sign: between 1 and 2 the kernel should be negative", lambda x: cubic(x, 0.5)
        ),
        Mistake("its parameter a is 0, so the negative lobes are missing", lambda x: cubic(x, 0.0)),
        Mistake(
            "it is wrong to the left of its pixel: a distance has no sign",
            lambda x: _pieces(x, inner(x, -0.5), outer(x, -0.5)),
        ),
        Mistake(
            "beyond a distance of 2 its weights are not zero",
            _of_distance(lambda x, near, far: _pieces(x, near, far, beyond=far)),
        ),
        Mistake(
            "it uses the inner polynomial everywhere; from 1 to 2 there is another",
            _of_distance(lambda x, near, far: _pieces(x, near, near)),
        ),
        Mistake("the two polynomials are exchanged", _of_distance(lambda x, near, far: _pieces(x, far, near))),
        Mistake(
            "the outer polynomial is missing: from 1 to 2 the kernel is not zero",
            _of_distance(lambda x, near, far: _pieces(x, near, 0 * far)),
        ),
        Mistake("it is the kernel of linear interpolation", _tent),
        Mistake("it does not interpolate: what are its values at 0 and 1?", _spline),
    ),
)

# Question 7


def _mirror(index: Tensor, size: int) -> Tensor:
    """Positions beyond the ends, mirrored at the edge."""
    index = index % (2 * size)
    return torch.minimum(index, 2 * size - 1 - index)


def _reflect(index: Tensor, size: int) -> Tensor:
    """Mirrored at the center of the last pixel."""
    index = index % (2 * size - 2)
    return torch.minimum(index, 2 * size - 2 - index)


def _repeat(index: Tensor, size: int) -> Tensor:
    return index.clamp(0, size - 1)


def _row(row: Tensor, scale: int, *, kernel: Callable[..., Tensor] = cubic, edge: Callable[..., Tensor] = _mirror,
         center: Callable[..., Tensor] = lambda i, s, n: (i + 0.5) / s - 0.5, first: float = 0,
         flip: bool = False, reach: int = 1, outside: str = "edge") -> Tensor:  # fmt: skip
    """A row upsampled, and the ways to go wrong with it.

    Args:
        row: ``(n,)``.
        scale: how many new pixels there are for an old one.
        kernel: of a distance.
        edge: which pixel belongs to a position beyond the ends.
        first: by how many places the four pixels lie too far to the right.
        flip: whether left and right are exchanged.
        center: of new pixel i, by scale and size.
        reach: how much wider than the kernel's four the neighborhood is.
        outside: ``"edge"``, ``"zero"`` beyond the ends, or ``"inside"``: only pixels inside count, their weights are
            scaled to a sum of 1.
    """
    size = len(row)
    x = center(torch.arange(size * scale, dtype=torch.float64), scale, size)[:, None]
    near = x.floor().long() + torch.arange(-2 * reach + 1, 2 * reach + 1) + first
    distance = (2 * x.floor() + 1 - x if flip else x) - near
    weights = kernel(distance)
    inside = (near >= 0) & (near < size)
    if outside != "edge":
        weights = weights * inside
    if outside == "inside":
        weights = weights / weights.sum(1, keepdim=True)
    return (weights * row.double()[edge(near, size)]).sum(1).to(row.dtype)


def _widened(row: Tensor, scale: int) -> Tensor:
    return _row(row, scale, kernel=lambda d: cubic(d / scale) / scale, reach=scale)


def _rows() -> list[Arguments]:
    draw = torch.Generator().manual_seed(3)
    return [(torch.rand(n, generator=draw), scale) for n, scale in ((7, 3), (6, 2), (5, 4))]


_EDGE = "the ends are wrong: "
ENLARGE_ROW = Question(
    name="enlarge_row",
    examples=_rows,
    reference=_row,
    forbidden=(F.interpolate, resize.enlarge, resize.downscale),
    mistakes=(
        Mistake(
            "new pixel i is at i divided by the scale, so the left edges of pixels coincide; where are their centers?",
            lambda *a: _row(*a, center=lambda i, s, n: i / s),
        ),
        Mistake(
            "the first and the last centers coincide; the edges of the two rows should",
            lambda *a: _row(*a, center=lambda i, s, n: i * (n - 1) / (n * s - 1)),
        ),
        Mistake(
            "all new pixels lie half an old pixel too far to the right",
            lambda *a: _row(*a, center=lambda i, s, n: (i + 0.5) / s),
        ),
        Mistake(
            "all new pixels lie half a new pixel too far to the left; a pixel's center is half a pixel from its edge",
            lambda *a: _row(*a, center=lambda i, s, n: i / s - 0.5),
        ),
        Mistake(
            "its kernel has the parameter of PyTorch, a = -0.75", lambda *a: _row(*a, kernel=lambda d: cubic(d, -0.75))
        ),
        Mistake(
            _EDGE + "the last pixel is repeated, but the row should be mirrored",
            lambda *a: _row(*a, edge=_repeat),
        ),
        Mistake(
            _EDGE + "the row is mirrored at the center of the last pixel; mirror it at the edge",
            lambda *a: _row(*a, edge=_reflect),
        ),
        Mistake(
            _EDGE + "the row continues at its other end, but it should be mirrored",
            lambda *a: _row(*a, edge=lambda i, n: i % n),
        ),
        Mistake(
            _EDGE + "zeros are assumed beyond them, but the row should be mirrored",
            lambda *a: _row(*a, edge=_repeat, outside="zero"),
        ),
        Mistake(
            _EDGE + "only the pixels inside the row are used, but the row should be mirrored",
            lambda *a: _row(*a, edge=_repeat, outside="inside"),
        ),
        Mistake(
            "it repeats the nearest pixel; a new pixel is a weighted sum of four",
            lambda row, scale: row.repeat_interleave(scale),
        ),
        Mistake(
            "it interpolates linearly between two pixels; a new pixel is a weighted sum of four",
            lambda *a: _row(*a, kernel=_tent),
        ),
        Mistake("the weights of the left and right neighbors are exchanged", lambda *a: _row(*a, flip=True)),
        Mistake("the kernel is stretched by the scale; that belongs to downsampling", _widened),
        Mistake(
            "it uses the wrong four pixels: two lie on each side of the new pixel's center",
            lambda *a: _row(*a, first=1),
        ),
        Mistake(
            "it uses the wrong four pixels: two lie on each side of the new pixel's center",
            lambda *a: _row(*a, first=-1),
        ),
    ),
)
