"""Measuring side by side: in turns, so that whatever else the machine does falls on all alike; medians are kept."""

from collections.abc import Callable, Generator, Mapping, Sequence
from statistics import median
from typing import Any

Part = Generator[dict[str, Any], None, dict[str, Any]]  # yields lines for the user, returns the record


def in_turns(tasks: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """Measure tasks in turns: first, second, ..., first, second, ...

    Args:
        tasks: name -> what does the work and tells its seconds.
        repeats: how often.

    Returns:
        Name -> seconds of every turn.
    """
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(repeats):
        for name, task in tasks.items():
            taken[name].append(task())
    return taken


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """The median over turns of one measurement divided by the other's of the same turn."""
    return round(median(a / b for a, b in zip(above, below, strict=True)), 3)
