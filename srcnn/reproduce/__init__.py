"""Reproduce: everything measured that the book prints, by the name that makes it again."""

from collections.abc import Callable, Iterator
from typing import Any

from srcnn.reproduce import (
    ablations,
    benchmarks,
    copies,
    gpu,
    optimizers,
    processors,
    speedrun,
    tables,
    tutorial,
    weights,
)

# Each writes its files into a folder, data/results or data/weights of a checkout unless another is given, and yields a
# record of what it wrote, with the line that the command prints.
EXPERIMENTS: dict[str, Callable[..., Iterator[dict[str, Any]]]] = {
    "tables": tables.run,
    "copies": copies.run,
    "tutorial": tutorial.run,
    "ablations": ablations.run,
    "optimizers": optimizers.run,
    "benchmarks": benchmarks.run,
    "speedrun": speedrun.run,
    "processors": processors.run,
    "gpu": gpu.run,
    "weights": weights.run,
}
