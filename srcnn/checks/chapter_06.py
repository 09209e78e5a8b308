"""The exercises of chapter 6 that have a check: the frequency of an alias, and the phases of bicubic upsampling."""

import math

import torch
from torch import Tensor

from srcnn.checks.judging import Mistake, Question
from srcnn.checks.measure_bicubic import cubic


def _alias(f: float, scale: int) -> float:
    advance = f * scale % 1
    return min(advance, 1 - advance)


def _phases(scale: int, *, a: float = -0.5, shift: float = 0.5, first: int = -1, flip: bool = False) -> Tensor:
    """The weights of the new pixels that lie on old pixel 2, ``(scale, 4)``, with options for common mistakes.

    Args:
        scale: new pixels per old pixel, along one axis.
        a: the kernel's free parameter.
        shift: from the edge of a pixel to its center.
        first: the first of the four old pixels, counted from the one at or to the left of the new pixel.
        flip: whether to exchange left and right.
    """
    x = (2 * scale + torch.arange(scale, dtype=torch.float64) + shift) / scale - shift
    near = x.floor()[:, None] + torch.arange(first, first + 4)
    weights = cubic(x[:, None] - near, a)
    return weights.flip(1) if flip else weights


def _linear(scale: int) -> Tensor:
    x = (2 * scale + torch.arange(scale, dtype=torch.float64) + 0.5) / scale - 0.5
    return (1 - (x[:, None] - x.floor()[:, None] - torch.arange(-1, 3)).abs()).clamp(min=0)


QUESTIONS: dict[int, Question] = {
    1: Question(
        name="alias",
        examples=lambda: [(0.3, 3), (0.05, 3), (0.4, 2), (0.23, 4), (0.45, 4)],
        reference=_alias,
        mistakes=(
            Mistake("more than half a period per kept pixel: which slower wave has the same samples?",
                    lambda f, scale: f * scale % 1),
            Mistake("whole periods between two kept pixels cannot be seen", lambda f, scale: f * scale),
            Mistake("whole periods between two kept pixels cannot be seen", lambda f, scale: abs(1 - f * scale)),
            Mistake("this is in periods per old pixel; kept pixels lie farther apart",
                    lambda f, scale: _alias(f, scale) / scale),
            Mistake("the wave advances by more between kept pixels, not by less", lambda f, scale: f / scale),
            Mistake("the size is right, but a frequency is not negative here",
                    lambda f, scale: f * scale - math.floor(f * scale + 0.5)),
        ),
        tolerance=1e-9,
    ),
    2: Question(
        name="phases",
        examples=lambda: [(3,), (2,), (4,)],
        reference=_phases,
        mistakes=(
            Mistake("the kernel's parameter a is PyTorch's default, not the one that reproduces ramps",
                    lambda scale: _phases(scale, a=-0.75)),
            Mistake("new pixel i is put at i divided by the scale, which aligns the left edges; where are the centers?",
                    lambda scale: _phases(scale, shift=0.0)),
            Mistake("left and right are exchanged", lambda scale: _phases(scale, flip=True)),
            Mistake("the four weights start at the wrong old pixel", lambda scale: _phases(scale, first=0)),
            Mistake("the four weights start at the wrong old pixel", lambda scale: _phases(scale, first=-2)),
            Mistake("this is linear interpolation", _linear),
        ),
    ),
}  # fmt: skip
