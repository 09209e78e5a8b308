"""The exercises of chapter 14 that have a check: phases as channels, and what the sub-pixel network costs."""

import torch
from torch import Tensor

from srcnn.checks.judging import Arguments, Mistake, Question


def _phases(image: Tensor, s: int) -> Tensor:
    return torch.stack([image[a::s, b::s] for a in range(s) for b in range(s)])


def _images() -> list[Arguments]:
    generator = torch.Generator().manual_seed(0)
    return [(torch.rand(6, 8, generator=generator), 2), (torch.rand(6, 12, generator=generator), 3)]


def _cost(s: int) -> list[float]:
    first, last = 81 * 64 + 64 * 32, 800 * s**2
    return [first + last + 96 + s**2, (first + last) / s**2]


QUESTIONS: dict[int, Question] = {
    1: Question(
        name="unshuffle",
        examples=_images,
        reference=_phases,
        mistakes=(
            Mistake(
                "channel s*a + b belongs to row a and column b of a block; here rows and columns are exchanged",
                lambda image, s: torch.stack([image[a::s, b::s] for b in range(s) for a in range(s)]),
            ),
            Mistake(
                "a phase takes every s-th pixel; these are neighboring blocks",
                lambda image, s: image.view(s, image.shape[0] // s, s, -1).permute(0, 2, 1, 3).flatten(0, 1),
            ),
        ),
        forbidden=(torch.nn.functional.pixel_unshuffle, torch.pixel_unshuffle),
    ),
    2: Question(
        name="cost",
        examples=lambda: [(2,), (3,), (4,), (8,)],
        reference=_cost,
        mistakes=(
            Mistake(
                "which layers work at every LR pixel, and which result pixels share them?",
                lambda s: [_cost(s)[0], 81 * 64 + 64 * 32 + 800 * s**2],
            ),
            Mistake("every filter of the last layer has a bias too", lambda s: [_cost(s)[0] - s**2 + 1, _cost(s)[1]]),
            Mistake("parameters include biases", lambda s: [_cost(s)[0] - 96 - s**2, _cost(s)[1]]),
        ),
    ),
}
