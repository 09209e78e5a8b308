"""Questions of the assignment *Train and report*, chapters 9 to 12: what is asked, and the known mistakes."""

import math
from typing import Any

import torch
from torch import Tensor

from srcnn import evaluation, resize
from srcnn.checks import training_optimizer, training_statistics, variants
from srcnn.checks.judging import Arguments, Mistake, Question
from srcnn.checks.training_network import CUT_PAIR
from srcnn.checks.training_profile import PROFILE
from srcnn.checks.training_weights import TRAIN
from srcnn.color import quantize
from srcnn.metrics import psnr


def _scores(
    outputs: list[Tensor], targets: list[Tensor], shave: int, *, peak: float = 1, quantized: bool = True
) -> list[float]:
    ready = quantize if quantized else (lambda image: image)
    return [psnr(ready(o), t, peak=peak, shave=shave) for o, t in zip(outputs, targets, strict=True)]


def _gain(outputs: list[Tensor], enlarged: list[Tensor], targets: list[Tensor], shave: int, **options: Any) -> float:
    after, before = (_scores(images, targets, shave, **options) for images in (outputs, enlarged))
    return sum(after) / len(after) - sum(before) / len(before)


def _pooled(
    outputs: list[Tensor], enlarged: list[Tensor], targets: list[Tensor], shave: int, *, by_pixel: bool
) -> float:
    """The logarithm of a mean error, over images or over pixels."""
    totals = []
    for images in (outputs, enlarged):
        errors = [resize.shave(quantize(i) - t, shave).double().square() for i, t in zip(images, targets, strict=True)]
        joined = torch.cat([e.flatten() for e in errors]) if by_pixel else torch.stack([e.mean() for e in errors])
        totals.append(joined.mean().item())
    return 10 * math.log10(totals[1] / totals[0])


def _results() -> list[Arguments]:
    """Outputs, upsampled images and targets of several sizes, and the shave."""
    draw = torch.Generator().manual_seed(0)
    cases = []
    for sizes, shave in ([(1, 14, 17), (1, 20, 12)], 3), ([(1, 9, 9), (1, 16, 11), (1, 12, 24)], 2):
        outputs, enlarged, targets = [], [], []
        for number, size in enumerate(sizes):
            bytes_ = torch.randint(20, 256, size, generator=draw).float()
            noise = torch.randn((2, *size), generator=draw) * (3 + 9 * number)
            noise[..., 0, :] *= 4  # the border is worse than the rest, so that shaving it shows
            outputs.append((bytes_ + noise[0]) / 255)
            enlarged.append((bytes_ + (2 + number) * noise[1]) / 255)
            targets.append(bytes_ / 255)
        cases.append((outputs, enlarged, targets, shave))
    return cases


GAIN = Question(
    name="gain",
    examples=_results,
    reference=_gain,
    tolerance=1e-4,
    forbidden=(evaluation.evaluate, evaluation.mean_scores),
    mistakes=(
        Mistake("the sign is wrong: better images should give a positive gain", lambda *a: -_gain(*a)),
        Mistake("the outputs were not rounded to whole gray levels first", lambda *a: _gain(*a, quantized=False)),
        Mistake("nothing was shaved", lambda o, e, t, s: _gain(o, e, t, 0)),
        Mistake(
            "it takes the logarithm of a mean error; take the mean of the PSNRs of the images",
            lambda *a: _pooled(*a, by_pixel=False),
        ),
        Mistake(
            "it pools the pixels of all images; take the mean of the PSNRs of the images",
            lambda *a: _pooled(*a, by_pixel=True),
        ),
        Mistake("it is a sum over images; the mean is asked for", lambda o, *a: len(o) * _gain(o, *a)),
        Mistake(
            "it returns the PSNR of the outputs; the gain is its difference from bicubic interpolation's",
            lambda o, e, t, s: sum(_scores(o, t, s)) / len(o),
        ),
        Mistake("it is half as large as it should be: 10 or 20 times the logarithm?", lambda *a: _gain(*a) / 2),
        Mistake("it is twice as large as it should be: 10 or 20 times the logarithm?", lambda *a: 2 * _gain(*a)),
        Mistake(
            "it uses the natural logarithm; decibels need the logarithm to base 10", lambda *a: _gain(*a) * math.log(10)
        ),
        Mistake(
            "it returns a value for each image; their mean is asked for",
            lambda o, e, t, s: [a - b for a, b in zip(_scores(o, t, s), _scores(e, t, s), strict=True)],
        ),
        Mistake("only half of the border is shaved, or only two sides", lambda o, e, t, s: _gain(o, e, t, s // 2)),
    ),
)


def questions(code: str = "") -> dict[int, Question]:
    """The questions of a variant, by number."""
    drawn = variants.numbers("training", code)
    sgd_step = training_optimizer.question(drawn["momentum"], drawn["slow"])
    interval = training_statistics.question(drawn["level"])
    return {1: CUT_PAIR, 2: sgd_step, 3: GAIN, 4: interval, 5: PROFILE, 6: TRAIN}


QUESTIONS = questions()
