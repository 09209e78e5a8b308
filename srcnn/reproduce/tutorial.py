"""What bicubic, the tutorial's training and the shipped sub-pixel network score in the tutorial's measure."""

import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from srcnn import pretrained, runs
from srcnn.model import SRCNN
from srcnn.recipes import RECIPES
from srcnn.reproduce.tables import with_line
from srcnn.resize import enlarge
from srcnn.results import file_name, write_json
from srcnn.training import train
from srcnn.tutorial import tutorial_pairs, tutorial_psnr

PROTOCOL = (
    "the tutorial's: full-range luma, 256 x 256 from the center, bilinear shrink, no shave, PSNR of each batch's mean "
    "error, averaged over batches"
)


def run(folder: Path) -> Iterator[dict[str, Any]]:
    """Measure them for several test batch sizes, which alone move the scores.

    Args:
        folder: for one JSON file a record.

    Yields:
        Each record after it was written.
    """
    low, high = tutorial_pairs("bsds300", "test", scale=4)
    trained, seconds = _train()
    subpixel = pretrained.load("subpixel-x4")
    methods: tuple[tuple[str, Callable[[Tensor], Tensor], float], ...] = (
        ("bicubic-tutorial", lambda images: enlarge(images, 4), 0.0),
        ("recipe-tutorial", trained, seconds),
        ("subpixel-tutorial", subpixel.model, subpixel.card["seconds"]),
    )
    for weights, method, took in methods:
        with torch.inference_mode():
            output = torch.cat([method(part) for part in low.split(10)])
        scores = {str(batch): round(tutorial_psnr(output, high, batch=batch), 4) for batch in (1, 2, 4, 8, 16)}
        record = {
            "weights": weights,
            "data": "bsds300",
            "scale": 4,
            "protocol": PROTOCOL,
            "mean": {"psnr": scores["8"]},
            "batches": scores,
            "training_seconds": round(took, 1),
            "provenance": {"command": "srcnn reproduce tutorial", "srcnn": version("srcnn"), "torch": version("torch")},
        }
        write_json(record, folder / file_name(weights, "bsds300", 4))
        yield with_line(record)


def _train() -> tuple[SRCNN, float]:
    """The tutorial's recipe as written, and the seconds that it took."""
    learner, batches = runs.start(RECIPES["tutorial"])
    began = time.monotonic()
    for _ in train(learner, batches):
        pass
    return learner.final, time.monotonic() - began
