"""The exercises of chapter 13 that have a check: a pooled standard deviation, and how many seeds a difference needs."""

from math import ceil
from statistics import fmean, stdev

from srcnn.checks.judging import Arguments, Mistake, Question


def _pooled(groups: list[list[float]]) -> float:
    squares = sum((len(group) - 1) * stdev(group) ** 2 for group in groups)
    return float((squares / sum(len(group) - 1 for group in groups)) ** 0.5)


def _groups() -> list[Arguments]:
    equal = [[32.31, 32.28, 32.29], [32.44, 32.41, 32.46], [31.9, 31.95, 31.8]]
    return [(equal,), ([[1.0, 2.0], [5.0, 5.5, 7.0, 4.0]],), ([[3.0, 9.0, 6.0]],)]


QUESTIONS: dict[int, Question] = {
    1: Question(
        name="pooled_deviation",
        examples=_groups,
        reference=_pooled,
        mistakes=(
            Mistake("variances are averaged, not standard deviations", lambda groups: fmean(map(stdev, groups))),
            Mistake(
                "a longer list knows its variance better: weigh by degrees of freedom",
                lambda groups: fmean(stdev(group) ** 2 for group in groups) ** 0.5,
            ),
            Mistake(
                "the means of the settings differ, and that is not part of the spread within a setting",
                lambda groups: stdev([value for group in groups for value in group]),
            ),
        ),
    ),
    2: Question(
        name="seeds_needed",
        examples=lambda: [(0.02, 0.01), (0.02, 0.05), (0.3, 0.1), (0.019, 0.013)],
        reference=lambda deviation, difference: ceil(2 * (3 * deviation / difference) ** 2),
        mistakes=(
            Mistake(
                "both means vary, so the variance of their difference is twice that of one",
                lambda deviation, difference: ceil((3 * deviation / difference) ** 2),
            ),
            Mistake(
                "the standard deviation of a mean falls with the root of n",
                lambda deviation, difference: ceil(2**0.5 * 3 * deviation / difference),
            ),
            Mistake(
                "a part of a training is no training: round up",
                lambda deviation, difference: int(2 * (3 * deviation / difference) ** 2),
            ),
        ),
    ),
}
