"""What the hidden test cases share: how they are declared, what they draw from the instructor's seed, common oracles.

A case is a function in ``NAME/hidden*.py`` of a student's answer and a :class:`Draw`, under the decorator :func:`case`.
It raises AssertionError with a sentence for the student, and tells no values.
"""

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch
from scipy.interpolate import CubicHermiteSpline
from torch import Tensor

from srcnn.checks.judging import Question, Unanswered, judge

TOLERANCE = 1e-4  # sums of a hundred products in float32 agree to 1e-5, in whatever order they are taken


class Draw:
    """Random sizes and numbers, others for each seed and each case.

    Args:
        seed: the instructor's.
        name: of the case.
        variant: the code in the student's notebook (srcnn/checks/variants.py), or nothing.
    """

    def __init__(self, seed: int, name: str, variant: str = "") -> None:
        self.seed, self.name, self.variant = seed, name, variant
        self.sizes = random.Random(f"{seed} {name}")
        self.generator = torch.Generator().manual_seed(self.sizes.getrandbits(48))

    def between(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return self.sizes.randint(low, high)

    def normal(self, *shape: int) -> Tensor:
        """Normally distributed numbers, float32."""
        return torch.randn(shape, generator=self.generator)

    def uniform(self, *shape: int) -> Tensor:
        """Numbers of 0..1, float32."""
        return torch.rand(shape, generator=self.generator)

    def sides(self, at_least: int) -> tuple[int, int]:
        """A height and a width that differ."""
        return tuple(self.sizes.sample(range(at_least, at_least + 7), 2))


@dataclass(frozen=True)
class Case:
    """A hidden test case: ``case(answer, seed, variant)`` raises AssertionError where the answer is wrong.

    Attributes:
        question: its number.
        points: for an answer that passes.
        title: what the case is about, as the student reads it.
        test: of the answer and a :class:`Draw`.
    """

    question: int
    points: float
    title: str
    test: Callable[[Callable, Draw], None]

    def __call__(self, answer: Callable | None, seed: int, variant: str = "") -> None:
        """Test an answer with the case's own draw."""
        self.test(answer, Draw(seed, self.test.__name__, variant))


def case(*, question: int, points: float, title: str) -> Callable[[Callable], Case]:
    """Make a function a hidden test case; the grader finds it in its module."""
    return lambda test: Case(question, points, title, test)


def agree(
    question: Question, answer: Callable | None, cases: Iterable[tuple], reference: Callable | None, **how
) -> None:
    """Hold answers to those of an oracle; or, with ``accept``, to what that asks for."""
    if answer is None:
        raise AssertionError(f"there is no {question.name} in the notebook")
    # what is forbidden is so in the sandbox, where the answer runs; the oracle may use it
    how = {"reference": reference, "forbidden": (), "tolerance": TOLERANCE} | how
    try:
        complaint = judge(replace(question, **how), answer, list(cases))
    except Unanswered:
        complaint = f"{question.name} has not been written yet"
    assert complaint is None, complaint


def telling(draw: Callable[[], tuple], tells: Callable[[tuple], bool]) -> list[tuple]:
    """Three random arguments that can tell right from wrong."""
    found = list(islice(filter(tells, (draw() for _ in range(300))), 3))
    if len(found) < 3:
        raise RuntimeError("hardly a case tells right from wrong: the oracle or a mistake has changed")
    return found


def tensor(values: np.ndarray) -> Tensor:
    """An array as a tensor with memory of its own."""
    return torch.from_numpy(values.copy())


def double(*values: Tensor) -> list[np.ndarray]:
    """Tensors as arrays of float64."""
    return [value.double().numpy() for value in values]


def spline(row: np.ndarray) -> CubicHermiteSpline:
    """Bicubic interpolation between the inner samples of a row, at 0, 1, 2, ...

    It is the cubic that has, at each pixel, the pixel's value, and half the difference of its neighbors for a slope.
    """
    places = np.arange(len(row))
    return CubicHermiteSpline(places[1:-1], row[1:-1], (row[2:] - row[:-2]) / 2)


IMPULSE = spline(np.eye(9)[4])  # what a single 1 among zeros becomes


def bicubic_matrix(old: int, new: int) -> np.ndarray:
    """How the pixels of a line become others, fewer or more: ``(new, old)``; antialiased, with mirrored ends."""
    step = old / new
    stretch = max(step, 1)
    matrix = np.zeros((new, old))
    for line, center in zip(matrix, (np.arange(new) + 0.5) * step - 0.5, strict=True):
        reach = np.arange(math.ceil(center - 2 * stretch), math.floor(center + 2 * stretch) + 1)
        taps = IMPULSE(np.clip((reach - center) / stretch, -3, 3) + 4)
        mirrored = np.pad(np.arange(old), 4 * old, mode="symmetric")[reach + 4 * old]
        np.add.at(line, mirrored, taps / taps.sum())
    return matrix
