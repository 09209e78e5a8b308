"""The exercises of chapter 7 that have a check: decibels of a mean error, and the output of least expected error."""

import math

import torch
from torch import Tensor

from srcnn.checks.judging import Arguments, Mistake, Question


def _errors(scores: list[float]) -> list[float]:
    return [10 ** (-score / 10) for score in scores]


def _of_the_mean_error(scores: list[float]) -> float:
    return -10 * math.log10(sum(_errors(scores)) / len(scores))


def _of_the_mean_root(scores: list[float]) -> float:
    return -20 * math.log10(sum(error**0.5 for error in _errors(scores)) / len(scores))


def _mean(originals: Tensor, probabilities: Tensor) -> Tensor:
    return (probabilities[:, None, None] * originals).sum(0)


def _median(originals: Tensor, probabilities: Tensor) -> Tensor:
    values, order = originals.sort(0)
    place = (probabilities[order].cumsum(0) < 0.5).sum(0, keepdim=True)
    return values.gather(0, place)[0]


def _cheapest(originals: Tensor, probabilities: Tensor, error: str) -> Tensor:
    return (_mean if error == "squared" else _median)(originals, probabilities)


def _equally_likely(originals: Tensor, probabilities: Tensor, error: str) -> Tensor:
    return originals.mean(0) if error == "squared" else originals.median(0).values


def _originals() -> list[Arguments]:
    generator = torch.Generator().manual_seed(0)
    originals = torch.rand(5, 6, 7, generator=generator, dtype=torch.float64)
    probabilities = torch.tensor([0.42, 0.13, 0.05, 0.17, 0.23], dtype=torch.float64)  # no part of them adds up to half
    return [(originals, probabilities, error) for error in ("squared", "absolute")]


QUESTIONS: dict[int, Question] = {
    1: Question(
        name="batch_psnr",
        examples=lambda: [([24.0, 28.0, 40.0],), ([31.5, 27.25],), ([30.0, 30.0, 30.0, 33.0],)],
        reference=_of_the_mean_error,
        mistakes=(
            Mistake("that averages decibels; what does the program average?", lambda scores: sum(scores) / len(scores)),
            Mistake("that averages errors; the program averages their squares", _of_the_mean_root),
            Mistake(
                "that adds up the squared errors; their mean is wanted", lambda s: -10 * math.log10(sum(_errors(s)))
            ),
            Mistake("the sign is wrong; smaller errors score higher", lambda scores: -_of_the_mean_error(scores)),
        ),
        tolerance=1e-6,
    ),
    2: Question(
        name="cheapest",
        examples=_originals,
        reference=_cheapest,
        mistakes=(
            Mistake("are all originals equally likely?", _equally_likely),
            Mistake(
                "are all originals equally likely? And do both errors ask for the same?",
                lambda originals, probabilities, error: originals.mean(0),
            ),
            Mistake(
                "the likeliest original is right most often; does it also cost least on average?",
                lambda originals, probabilities, error: originals[probabilities.argmax()],
            ),
            Mistake(
                "for absolute errors the mean is not the cheapest; remember the five hairs",
                lambda originals, probabilities, error: _mean(originals, probabilities),
            ),
            Mistake(
                "are the two errors the wrong way round?",
                lambda originals, probabilities, error: _cheapest(
                    originals, probabilities, "absolute" if error == "squared" else "squared"
                ),
            ),
        ),
    ),
}
