"""The question of *Train and report* on a profile, chapter 11: where time can be saved, with known mistakes."""

import random
from collections.abc import Callable

from srcnn.checks.judging import Mistake, Question

Row = tuple[str, int, float, float, float]  # name, calls, microseconds, operations and bytes of one call
NAMES = ("conv2d", "conv2d_backward", "mul", "add", "copy", "relu", "mse_loss", "index_select", "matmul", "sum")


def _roofline(row: Row, peak: float, bandwidth: float) -> float:
    """The least seconds of one call, equation (11.1)."""
    _, _, _, operations, moved = row
    return max(operations / peak, moved / bandwidth)


def _saving(rows: list[Row], peak: float, bandwidth: float, *, least: Callable[..., float] = _roofline,
            unit: float = 1e-6, by: Callable[[Row], float] | None = None,
            calls: bool = True) -> tuple[str, float, float]:  # fmt: skip
    """Name, share of the time and Amdahl's factor of the operation on which most time can be saved."""

    def spent(row: Row) -> float:
        return (row[1] if calls else 1) * row[2] * unit

    def saved(row: Row) -> float:
        return spent(row) - (row[1] if calls else 1) * least(row, peak, bandwidth)

    best = max(rows, key=by or saved)
    total = sum(map(spent, rows))
    return best[0], spent(best) / total, total / (total - saved(best))


def _alone(rows: list[Row], peak: float, bandwidth: float) -> tuple[str, float, float]:
    """The factor of that operation by itself, not of the whole."""
    name, share, _ = _saving(rows, peak, bandwidth)
    row = next(row for row in rows if row[0] == name)
    return name, share, row[2] * 1e-6 / _roofline(row, peak, bandwidth)


def _gone(rows: list[Row], peak: float, bandwidth: float) -> tuple[str, float, float]:
    """The factor if that operation took no time."""
    name, share, _ = _saving(rows, peak, bandwidth)
    return name, share, 1 / (1 - share)


def _percent(rows: list[Row], peak: float, bandwidth: float) -> tuple[str, float, float]:
    name, share, factor = _saving(rows, peak, bandwidth)
    return name, 100 * share, factor


def profile(draw: random.Random, waits: str) -> tuple[list[Row], float, float]:
    """A profile of a processor, its peak and its bandwidth.

    One operation can save most, one takes longest and is nearly at its bound, and one has the slowest single call.

    Args:
        draw: of the numbers.
        waits: for what the first of them waits at its bound, ``operations`` or ``bytes``.
    """
    peak, bandwidth = draw.uniform(1e12, 2e13), draw.uniform(1e11, 9e11)
    usual = draw.uniform(20e-6, 60e-6)  # seconds of a call at its bound
    # calls, and how many times as slow as its bound
    kinds = [(draw.randint(90, 120), draw.uniform(4, 5)), (draw.randint(700, 800), draw.uniform(1.02, 1.1))]
    kinds += [(draw.randint(3, 6), draw.uniform(18, 22))]
    kinds += [(draw.randint(8, 20), draw.uniform(1.2, 3)) for _ in range(draw.randint(2, 5))]
    rows = []
    for place, (name, (calls, slower)) in enumerate(zip(draw.sample(NAMES, len(kinds)), kinds, strict=True)):
        least = usual * (1 if place < 3 else draw.uniform(0.7, 1.3))
        bound = draw.choice(("operations", "bytes")) if place else waits
        operations, moved = (least * rate * (1 if bound == kind else draw.uniform(0.2, 0.6))
                             for kind, rate in (("operations", peak), ("bytes", bandwidth)))  # fmt: skip
        rows.append((name, calls, round(1e6 * least * slower, 3), float(round(operations)), float(round(moved))))
    draw.shuffle(rows)
    return rows, peak, bandwidth


PROFILE = Question(
    name="saving",
    examples=lambda: [profile(random.Random(waits), waits) for waits in ("operations", "bytes", "operations")],
    reference=_saving,
    mistakes=(
        Mistake(
            "it names the operation that takes longest; ask on which one most time can be saved",
            lambda *a: _saving(*a, by=lambda row: row[1] * row[2]),
        ),
        Mistake(
            "it leaves out how often an operation is called; the times are those of one call",
            lambda *a: _saving(*a, calls=False),
        ),
        Mistake(
            "it names the operation with the slowest single call; how often is each called?",
            lambda *a: _saving(*a, by=lambda row: row[2]),
        ),
        Mistake(
            "it bounds the time by the arithmetic alone; an operation may wait for memory, equation (11.1)",
            lambda *a: _saving(*a, least=lambda row, peak, bandwidth: row[3] / peak),
        ),
        Mistake(
            "it bounds the time by the memory alone; an operation may wait for arithmetic, equation (11.1)",
            lambda *a: _saving(*a, least=lambda row, peak, bandwidth: row[4] / bandwidth),
        ),
        Mistake(
            "it adds the two times of the roofline model; the larger one is the bound, equation (11.1)",
            lambda *a: _saving(*a, least=lambda row, peak, bandwidth: row[3] / peak + row[4] / bandwidth),
        ),
        Mistake("the factor is that of the operation alone; how much faster is the whole?", _alone),
        Mistake("the factor is as if the operation took no time; it still takes its bound", _gone),
        Mistake(
            "the share is in percent; a fraction of 1 is asked for",
            _percent,
        ),
    ),
)
