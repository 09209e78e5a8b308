"""The exercises of chapter 12 that have a check: the sign test, and a mean gain with its interval."""

from math import comb
from statistics import fmean, stdev

from scipy import stats

from srcnn.checks.judging import Arguments, Mistake, Question


def _one_side(wins: int, n: int) -> float:
    return float(sum(comb(n, k) for k in range(max(wins, n - wins), n + 1)) / 2**n)


def _gain(new: dict[str, float], old: dict[str, float], *, normal: bool = False, of_one: bool = False) -> list[float]:
    """The mean gain with half its interval; wrong with the ``normal`` factor, or with the spread ``of_one`` image."""
    gains = [new[name] - old[name] for name in new if name in old]
    factor = stats.norm.ppf(0.975) if normal else stats.t.ppf(0.975, len(gains) - 1)
    return [fmean(gains), factor * stdev(gains) / (1 if of_one else len(gains) ** 0.5)]


def _unpaired(new: dict[str, float], old: dict[str, float]) -> list[float]:
    names = [name for name in new if name in old]
    variance = sum(stdev(scores[name] for name in names) ** 2 for scores in (new, old))
    factor = stats.t.ppf(0.975, len(names) - 1)
    return [fmean(new[n] - old[n] for n in names), factor * (variance / len(names)) ** 0.5]


def _scores() -> list[Arguments]:
    old = {"baby": 33.91, "bird": 32.57, "butterfly": 24.04, "head": 32.88, "woman": 28.56}
    new = {"woman": 30.92, "butterfly": 27.58, "bird": 34.91, "head": 33.55, "baby": 35.01}
    return [(new, old), ({**new, "extra": 99.0}, old), ({"a": 31.0, "b": 30.0}, {"b": 29.5, "a": 29.0})]


QUESTIONS: dict[int, Question] = {
    1: Question(
        name="sign_test",
        examples=lambda: [(62, 100), (38, 100), (5, 5), (50, 100), (0, 7)],
        reference=lambda wins, n: min(1.0, 2 * _one_side(wins, n)),
        mistakes=(
            Mistake("either method could have won: count both sides", _one_side),
            Mistake(
                "results that are even more uneven count as well",
                lambda wins, n: min(1.0, 2 * comb(n, wins) / 2**n),
            ),
            Mistake(
                "few wins are as uneven as many; which side does the sum run over?",
                lambda wins, n: min(1.0, 2 * sum(comb(n, k) for k in range(wins, n + 1)) / 2**n),
            ),
        ),
        tolerance=1e-9,
    ),
    2: Question(
        name="paired_gain",
        examples=_scores,
        reference=_gain,
        mistakes=(
            Mistake(
                "with few images the normal distribution's factor is too small",
                lambda new, old: _gain(new, old, normal=True),
            ),
            Mistake("the images are the same, so take differences first", _unpaired),
            Mistake(
                "the mean of n images is less uncertain than one of them", lambda new, old: _gain(new, old, of_one=True)
            ),
        ),
    ),
}
