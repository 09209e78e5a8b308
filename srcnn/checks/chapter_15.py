"""The exercises of chapter 15 that have a check: the score of a batch, and an initialization of every layer."""

import math
from collections.abc import Callable, Iterable
from statistics import fmean
from typing import Any

import torch
from torch import nn

from srcnn.checks.judging import Arguments, Mistake, Question


def _by_batch(errors: list[float], batch: int) -> float:
    groups = [errors[k : k + batch] for k in range(0, len(errors), batch)]
    return fmean(-10 * math.log10(fmean(group)) for group in groups)


def _nested() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Sequential(nn.Conv2d(1, 8, 9), nn.ReLU(), nn.Sequential(nn.Conv2d(8, 16, 5))))


def _flat() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(1, 64, 9), nn.Conv2d(64, 4, 5))


def _reached(args: Arguments, got: object) -> str | None:
    """What is wrong with a network whose convolutions should have been drawn anew."""
    make, std = args
    if not isinstance(got, nn.Module):
        return "it should return the network"
    pairs: Iterable[tuple[Any, Any]] = zip(make().modules(), got.modules(), strict=False)
    for old, new in pairs:
        if not isinstance(old, nn.Conv2d):
            continue
        if torch.equal(old.weight, new.weight):
            return "a convolution kept its weights; does the loop reach every level of the network?"
        if old.bias is None or not torch.equal(old.bias, new.bias):
            return "biases were to be left alone"
        if not 0.8 < new.weight.std().item() / std < 1.2:
            return "the weights' standard deviation is not the wanted one"
    return None


def _fresh(make: Callable[[], nn.Module], std: float, *, deep: bool = True, biases: bool = False) -> nn.Module:
    made = make()
    with torch.no_grad():
        for module in made.modules() if deep else made.children():
            if isinstance(module, nn.Conv2d):
                module.weight.normal_(0, std)
                if biases and module.bias is not None:
                    module.bias.normal_(0, std)
    return made


QUESTIONS: dict[int, Question] = {
    1: Question(
        name="batch_psnr",
        examples=lambda: [
            ([0.01, 0.0001, 0.002, 0.003], 2),
            ([0.01, 0.002, 0.0005, 0.004, 0.03], 2),
            ([0.1, 0.001], 8),
        ],
        reference=_by_batch,
        mistakes=(
            Mistake(
                "that is the protocol's score, image by image; the tutorial takes the logarithm of a batch's mean",
                lambda errors, batch: fmean(-10 * math.log10(error) for error in errors),
            ),
            Mistake(
                "one logarithm for all images is a batch of everything",
                lambda errors, batch: -10 * math.log10(fmean(errors)),
            ),
            Mistake(
                "the last images are left out where they fill no batch",
                lambda errors, batch: _by_batch(errors[: len(errors) // batch * batch], batch),
            ),
        ),
    ),
    2: Question(
        name="fresh",
        examples=lambda: [(_nested, 0.01), (_flat, 0.5)],
        reference=_fresh,
        accept=_reached,
        mistakes=(
            Mistake(
                "a convolution kept its weights; does the loop reach every level of the network?",
                lambda make, std: _fresh(make, std, deep=False),
            ),
            Mistake("biases were to be left alone", lambda make, std: _fresh(make, std, biases=True)),
        ),
    ),
}
