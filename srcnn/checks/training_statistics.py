"""The question of *Train and report* on statistics, chapter 12: a bootstrap interval of a gain, with known mistakes."""

import torch
from torch import Tensor

from srcnn.checks.judging import Arguments, Mistake, Question

Interval = tuple[float, float, float]  # the mean, and its bounds


def _interval(ours: Tensor, theirs: Tensor, draws: Tensor, *, level: float, tails: float = 2) -> Interval:
    gains = ours - theirs
    return _around(gains.mean(), gains[draws].mean(1), level, tails)


def _around(middle: Tensor, means: Tensor, level: float, tails: float = 2) -> Interval:
    outside = (1 - level / 100) / tails
    low, high = (torch.quantile(means, q).item() for q in (outside, 1 - outside))
    return middle.item(), low, high


def _unpaired(ours: Tensor, theirs: Tensor, draws: Tensor, *, level: float) -> Interval:
    """Each method on images of its own."""
    means = ours[draws].mean(1) - theirs[draws.flip(0)].mean(1)
    return _around((ours - theirs).mean(), means, level)


def _normal(ours: Tensor, theirs: Tensor, draws: Tensor, *, level: float, resampled: bool) -> Interval:
    """The mean and so many standard errors, from the gains or from the resamples."""
    gains = ours - theirs
    error = gains[draws].mean(1).std() if resampled else gains.std() / len(gains) ** 0.5
    errors = {80.0: 1.282, 90.0: 1.645, 95.0: 1.96, 98.0: 2.326, 99.0: 2.576}  # as tables have them
    factor, middle = errors[level], gains.mean()
    return middle.item(), (middle - factor * error).item(), (middle + factor * error).item()


def _examples() -> list[Arguments]:
    draw = torch.Generator().manual_seed(0)
    cases = []
    for images, resamples in ((14, 400), (5, 300), (40, 500)):
        theirs = 24 + 6 * torch.rand(images, generator=draw, dtype=torch.float64)
        gains = 0.4 + 0.5 * torch.randn(images, generator=draw, dtype=torch.float64)
        gains[0] += 2  # a skewed sample, so that an interval is not the same on both sides
        cases.append((theirs + gains, theirs, torch.randint(images, (resamples, images), generator=draw)))
    return cases


def question(level: float) -> Question:
    """The question for an interval of this level, in percent."""
    other = 99 if level == 95 else 95  # with half of the rest at each end, 90 would look like the first mistake

    def right(*args: Tensor) -> Interval:
        return _interval(*args, level=level)

    return Question(
        name="interval",
        examples=_examples,
        reference=right,
        tolerance=1e-4,
        mistakes=(
            Mistake(
                f"it leaves {100 - level:g}% outside at each end; {level:g}% should be inside in all",
                lambda *a: _interval(*a, level=level, tails=1),
            ),
            Mistake(
                "it is the interval of single images' gains; the interval of the resamples' means is asked for",
                lambda o, t, d: _around((o - t).mean(), o - t, level),
            ),
            Mistake(
                "it has forgotten that both methods saw the same images: resample the differences",
                lambda *a: _unpaired(*a, level=level),
            ),
            Mistake(
                "it is a normal interval from the standard error; the interval of the resampled means is asked for",
                lambda *a: _normal(*a, level=level, resampled=False),
            ),
            Mistake(
                "it takes the resamples' standard deviation; take their percentiles, which need no bell curve",
                lambda *a: _normal(*a, level=level, resampled=True),
            ),
            Mistake(f"it is an interval of {other}%; {level:g}% are asked for", lambda *a: _interval(*a, level=other)),
            Mistake("the sign is wrong: ours minus theirs", lambda o, t, d: right(t, o, d)),
            Mistake("it has only the two ends; the mean gain comes first", lambda *a: right(*a)[1:]),
            Mistake(
                "the first value is the mean of the resamples; it should be that of the images",
                lambda o, t, d: ((o - t)[d].mean().item(), *right(o, t, d)[1:]),
            ),
            Mistake(
                "it takes medians of the resamples; take their means",
                lambda o, t, d: _around((o - t).mean(), (o - t)[d].median(1).values, level),
            ),
        ),
    )
