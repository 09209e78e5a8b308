"""What the hidden tests share: drawing cases from the instructor's seed, and asking an oracle.

Each hidden test is a public function of ``hidden_*.py`` that takes a student's function and the seed. It raises
AssertionError with a sentence for the student, and tells no values.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from srcnn.questions import Question, Unanswered, judge

TOLERANCE = 1e-4  # sums of a hundred products in float32 agree to 1e-5, in whatever order they are taken


class Draw:
    """Random sizes and numbers, others for each seed and each test."""

    def __init__(self, seed: int, test: Callable) -> None:
        self.sizes = random.Random(f"{seed} {test.__name__}")
        self.generator = torch.Generator().manual_seed(self.sizes.getrandbits(48))

    def between(self, low: int, high: int) -> int:
        return self.sizes.randint(low, high)

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator)

    def uniform(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.generator)

    def sides(self, at_least: int) -> tuple[int, int]:
        """A height and a width that differ."""
        return tuple(self.sizes.sample(range(at_least, at_least + 7), 2))


def agree(
    question: Question,
    answer: Callable,
    cases: Iterable[tuple],
    right: Callable | None,
    **how,
) -> None:
    """Hold answers to those of an oracle; or, with ``accept``, to what that asks for."""
    # `own` is held where the answer runs
    how = {"right": right, "own": (), "tolerance": TOLERANCE} | how
    if answer is None:
        raise AssertionError(f"there is no {question.name} in the notebook")
    try:
        complaint = judge(replace(question, **how), answer, list(cases))
    except Unanswered:
        complaint = f"{question.name} has not been written yet"
    assert complaint is None, complaint


def telling(case: Callable[[], tuple], tells: Callable[[tuple], bool]) -> list[tuple]:
    """Three random cases that can tell right from wrong."""
    cases = list(islice(filter(tells, (case() for _ in range(300))), 3))
    if len(cases) < 3:
        raise RuntimeError(
            "hardly a case tells right from wrong: the oracle or a mistake has changed"
        )
    return cases


def tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.copy())


def double(*values: Tensor) -> list[np.ndarray]:
    return [value.double().numpy() for value in values]
