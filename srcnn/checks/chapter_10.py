"""The exercises of chapter 10 that have a check: a learning rate from Caffe, and a step of Adam."""

import torch
from torch import Tensor

from srcnn.checks.judging import Arguments, Mistake, Question


def _adam(w: Tensor, g: Tensor, m: Tensor, v: Tensor, step: int, rate: float) -> list[Tensor]:
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    return [w - rate * (m / (1 - 0.9**step)) / ((v / (1 - 0.999**step)).sqrt() + 1e-8), m, v]


def _uncorrected(w: Tensor, g: Tensor, m: Tensor, v: Tensor, step: int, rate: float) -> list[Tensor]:
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    return [w - rate * m / (v.sqrt() + 1e-8), m, v]


def _without_root(w: Tensor, g: Tensor, m: Tensor, v: Tensor, step: int, rate: float) -> list[Tensor]:
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    return [w - rate * (m / (1 - 0.9**step)) / ((v / (1 - 0.999**step)) + 1e-8), m, v]


def _uphill(w: Tensor, g: Tensor, m: Tensor, v: Tensor, step: int, rate: float) -> list[Tensor]:
    new, m, v = _adam(w, g, m, v, step, rate)
    return [2 * w - new, m, v]


def _steps() -> list[Arguments]:
    generator = torch.Generator().manual_seed(0)

    def draw() -> Tensor:
        return torch.randn(3, 4, generator=generator)

    return [(draw(), draw(), 0 * draw(), 0 * draw(), 1, 0.01), (draw(), draw(), draw(), draw() ** 2, 7, 0.1)]


QUESTIONS: dict[int, Question] = {
    1: Question(
        name="translated",
        examples=lambda: [(1e-4, 48), (1e-5, 33), (2e-4, 21)],
        reference=lambda rate, side: rate * (side - 12) ** 2 / 2,
        mistakes=(
            Mistake("are all pixels of the input also in the output?", lambda rate, side: rate * side**2 / 2),
            Mistake("Caffe divides by twice the batch; where is the two?", lambda rate, side: rate * (side - 12) ** 2),
            Mistake("a border is lost on both sides of each dimension", lambda rate, side: rate * (side - 6) ** 2 / 2),
            Mistake(
                "which way round? Caffe's gradient is the longer one", lambda rate, side: rate * 2 / (side - 12) ** 2
            ),
        ),
        tolerance=1e-9,
    ),
    2: Question(
        name="adam_step",
        examples=_steps,
        reference=_adam,
        mistakes=(
            Mistake("averages that start at zero are too small in the first steps", _uncorrected),
            Mistake("divide by the root of the averaged square, not by the square", _without_root),
            Mistake("the step goes against the gradient", _uphill),
        ),
    ),
}
