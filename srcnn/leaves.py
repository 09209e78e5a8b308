"""Leaves: dead-leaves pictures, training data without a single photograph.

Discs and quadrilaterals of random gray fall on each other like leaves until hardly any ground is left. Their sizes
follow a power law, so the picture has edges at every scale and, like photographs, no scale of its own (Lee, Mumford
and Huang 2001). Everybody may show and share them, and there is no end of them. Chapter 9.
"""

import math

import torch
from torch import Tensor

_SMALLEST, _LARGEST = 1.5, 100.0  # radii in pixels of the finished picture


def dead_leaves(seed: int, size: int = 256, *, leaves: int = 4000) -> Tensor:
    """One picture from a seed; drawn at double size and box-shrunk, so that edges are soft as in a photograph.

    Args:
        seed: any whole number of 0 or more; the same number gives the same picture on any machine.
        size: height and width in pixels.
        leaves: how many fall.

    Returns:
        ``(1, size, size)``, float32, luma in 16/255..235/255.
    """
    generator = torch.Generator().manual_seed(seed)
    canvas = torch.full((2 * size, 2 * size), 0.5)
    draws = torch.rand(leaves, 12, generator=generator, dtype=torch.float64)
    for u in draws.tolist():
        radius = 2 * _radius(u[0])
        # centers may lie outside, so that the border is no different from the middle
        row, column = (v * (2 * size + 2 * radius) - radius for v in u[1:3])
        top, left = max(0, math.floor(row - radius)), max(0, math.floor(column - radius))
        bottom, right = min(2 * size, math.ceil(row + radius) + 1), min(2 * size, math.ceil(column + radius) + 1)
        if top >= bottom or left >= right:
            continue
        y = torch.arange(top, bottom, dtype=torch.float64)[:, None] - row
        x = torch.arange(left, right, dtype=torch.float64)[None] - column
        inside = x * x + y * y <= radius**2 if u[3] < 0.5 else _quadrilateral(y, x, radius, u[4:9])
        canvas[top:bottom, left:right][inside] = u[9]
    picture = canvas.view(size, 2, size, 2).mean(dim=(1, 3))  # the box filter of a camera's pixel
    return (16 + 219 * picture)[None] / 255


def _radius(u: float) -> float:
    """A radius with density proportional to r^-3 between the smallest and the largest, by inversion."""
    low, high = _SMALLEST**-2, _LARGEST**-2
    return float((low - u * (low - high)) ** -0.5)


def _quadrilateral(y: Tensor, x: Tensor, radius: float, u: list[float]) -> Tensor:
    """Mask of a convex quadrilateral whose corners lie on the circle of that radius."""
    turn = 2 * math.pi * u[4]
    # one corner in each quarter of the circle, at least a little apart from the next
    angles = [turn + math.pi / 2 * (k + 0.8 * u[k]) for k in range(4)]
    corners = [(radius * math.sin(a), radius * math.cos(a)) for a in angles]
    inside = torch.ones(torch.broadcast_shapes(y.shape, x.shape), dtype=torch.bool)
    for (y0, x0), (y1, x1) in zip(corners, corners[1:] + corners[:1], strict=True):
        inside &= (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) >= 0
    return inside
