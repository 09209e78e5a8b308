"""The training loop of public SRCNN code, and the throughput of this package's own beside it.

A data set that opens a file for every crop, a ``Sequential`` in PyTorch's default memory layout, Adam. Chapter 10 says
what is slow in it.
"""

import contextlib
import itertools
import random
import tempfile
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from srcnn import data, images
from srcnn.files import InputError
from srcnn.images import Photograph
from srcnn.recipes import with_changes
from srcnn.reproduce.timing import Part, in_turns, ratio
from srcnn.resize import shave
from srcnn.runs import start
from srcnn.training import Step, train


def plain_pair(
    path: str | Path, *, scale: int, crop: int, border: int, place: tuple[float, float]
) -> tuple[Tensor, Tensor]:
    """A training pair as public SRCNN code makes it for every crop anew, in bytes.

    The file is opened, Pillow's full-range luma taken, a square cut, downsampled and upsampled by Pillow's bicubic.

    Args:
        path: an image file.
        scale: 2, 3 or 4; divides ``crop``.
        crop: side of the square.
        border: pixels that valid convolutions lose on each side, and the target with them.
        place: of the square, down and across, each from 0 to below 1 of where it can lie.

    Returns:
        The upsampled square ``(1, crop, crop)`` and the original's inner ``(1, crop - 2*border, crop - 2*border)``,
        float32, in 0..1.

    Raises:
        InputError: the file is unusable or smaller than the square.
    """
    luma = images.full_range_luma(path)
    height, width = luma.shape
    if min(width, height) < crop:
        raise InputError(f"{path} has {width} x {height} pixels; squares of {crop} x {crop} are cut")
    top, left = (int(share * (side - crop + 1)) for share, side in zip(place, (height, width), strict=True))
    high = luma[top : top + crop, left : left + crop]
    small = images.pillow_resize(high, crop // scale, crop // scale, "bicubic")
    low = images.pillow_resize(small, crop, crop, "bicubic")
    return images.to_float(low)[None], images.to_float(shave(high, border))[None]


class PlainPairs(Dataset[tuple[Tensor, Tensor]]):
    """Crops of 33 x 33 at x3, each from a file that is opened, cut and resized when it is asked for.

    Args:
        files: the images.
        length: of the set; the files come again and again.
    """

    def __init__(self, files: Sequence[Path], length: int) -> None:
        self.files, self.length = files, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        place = random.random(), random.random()
        return plain_pair(self.files[index % len(self.files)], scale=3, crop=33, border=6, place=place)


def plain_network() -> nn.Sequential:
    """The paper's 9-1-5 network as public SRCNN code writes it; :class:`srcnn.model.SRCNN` computes the same."""
    return nn.Sequential(nn.Conv2d(1, 64, 9), nn.ReLU(), nn.Conv2d(64, 32, 1), nn.ReLU(), nn.Conv2d(32, 1, 5))


def plain_steps(
    files: Sequence[Path], *, steps: int, batch: int = 32, workers: int = 0
) -> Generator[Tensor, None, None]:
    """The training loop.

    Args:
        files: the images.
        steps: how many batches are taken.
        batch: crops a step.
        workers: processes that read files; 0 reads them in this one.

    Yields:
        The loss of each step.
    """
    loader = DataLoader(PlainPairs(files, steps * batch), batch_size=batch, shuffle=True, num_workers=workers)
    network, criterion = plain_network(), nn.MSELoss()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for low, high in loader:
        optimizer.zero_grad()
        loss = criterion(network(low), high)
        loss.backward()
        optimizer.step()
        yield loss.detach()


def throughput(
    *,
    source: str | None = None,
    batch: int = 32,
    repeats: int = 7,
    steps: int = 50,
    warm_up: int = 10,
    workers: Sequence[int] = (0, 2),
) -> Part:
    """Crops a second of a whole training step, beside a plain loop as public SRCNN code has it.

    Args:
        source: training images; T91 where it is there, else the sample photographs.
        batch: crops of 33 x 33 a step, with targets of 21 x 21.
        repeats: turns.
        steps: of a turn that are timed.
        warm_up: of a turn that are not; they use up what the loader's workers made ready while others were timed.
        workers: numbers of worker processes tried for the plain loop; the fastest is the one compared with.

    Yields:
        Lines that the command prints.

    Returns:
        The record of the part, crops a second of each, and ours divided by the plain loop's.
    """
    source = source or _training_set()
    total = repeats * (warm_up + steps)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        files = _files(source, Path(folder))
        loops: dict[str, Any] = {
            f"ours, {name}": _our_steps(name.lower(), source, total, batch) for name in ("SOAP", "Adam")
        }
        loops |= {
            f"plain loop, {number} workers": plain_steps(files, steps=total, batch=batch, workers=number)
            for number in workers
        }
        for loop in loops.values():
            stack.callback(loop.close)  # ends its workers before their files go
        tasks = {name: partial(_timed, loop, steps, warm_up) for name, loop in loops.items()}
        taken = in_turns(tasks, repeats)
    speeds = {name: round(median(batch * steps / seconds for seconds in turns), 1) for name, turns in taken.items()}
    plain = max((name for name in speeds if name.startswith("plain")), key=speeds.__getitem__)
    ratios = {
        "same optimizer": ratio(taken[plain], taken["ours, Adam"]),
        "as used": ratio(taken[plain], taken["ours, SOAP"]),
    }
    for name, speed in speeds.items():
        yield {"line": f"throughput  {name}: {speed:,.0f} crops/s"}
    told = ", ".join(f"{value:.2f} ({name})" for name, value in ratios.items())
    yield {"line": f"throughput  ours to {plain}: {told}"}
    seconds = {name: [round(each, 4) for each in turns] for name, turns in taken.items()}
    how = {"data": source, "batch": batch, "repeats": repeats, "steps": steps}
    return {**how, "crops_per_second": speeds, "plain": plain, "ratio": ratios, "seconds": seconds}


def _training_set() -> str:
    try:
        return "t91" if data.paths("t91", "train") else "sample"
    except InputError:
        return "sample"


def _files(source: str, folder: Path) -> list[Path]:
    """The image files of a training set; the sample photographs, which have none, are written into the folder."""
    if source != "sample":
        return data.paths(source, "train")
    for name in images.SAMPLE["train"]:
        images.write_photograph(folder / f"{name}.png", Photograph(images.to_bytes(images.sample(name))))
    return data.listing(folder)


def _our_steps(optimizer: str, source: str, steps: int, batch: int) -> Iterator[Step]:
    rate = 1e-3 if optimizer == "adam" else None
    changes: dict[str, Any] = {"optimizer": optimizer, "learning_rate": rate, "batch_size": batch, "patch_size": 33}
    config = with_changes("fast", data=source, steps=steps, **changes)
    return train(*start(config))


def _timed(loop: Iterator[object], steps: int, warm_up: int) -> float:
    """Seconds of some steps of a loop, after some that are not timed."""
    deque(itertools.islice(loop, warm_up), maxlen=0)
    began = time.perf_counter()
    deque(itertools.islice(loop, steps), maxlen=0)
    return time.perf_counter() - began
