"""Reproduce: everything measured that the book prints, by the name that makes it again."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from srcnn import ablations, benchmarks, experiments, shipping

Experiment = Callable[[Path, str | os.PathLike | None], Iterator[dict]]

# Each writes its files into a folder, data/results or data/weights of the package unless another is given, and yields a
# record of what it wrote, with the line that the command prints.
EXPERIMENTS: dict[str, Experiment] = {
    "tables": experiments.tables,
    "tutorial": experiments.tutorial,
    "ablations": ablations.run,
    "benchmarks": benchmarks.run,
    "weights": shipping.ship,
}
