"""What every part of "gpu" is given: the device, the folder, its time; and a process of its own where it needs one."""

import os
import platform
import shutil
import subprocess
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context, parent_process
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from srcnn import data
from srcnn.evaluation import evaluate, mean_scores, upscaler
from srcnn.model import SRCNN
from srcnn.pairs import RandomCrops
from srcnn.pretrained import hardware_name
from srcnn.recipes import TrainConfig
from srcnn.runs import make_batches
from srcnn.training import make_model

#: A part yields rows, each a flat record, and returns its summary, with the ``line`` that the table prints.
Rows = Generator[dict[str, Any], None, dict[str, Any]]


@dataclass(frozen=True)
class Place:
    """Where and how long a part measures.

    Attributes:
        device: ``"cuda"``, or ``"cpu"`` in a dry run.
        folder: of the results.
        seconds: that it may take; what is over them is ended from outside.
        began: the clock when it began.
    """

    device: str
    folder: Path
    seconds: float
    began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds that are left of it."""
        return self.seconds - (time.monotonic() - self.began)

    def synchronize(self) -> None:
        """Wait until the device has done all it was given, without which a clock tells nothing."""
        if self.device == "cuda":
            torch.cuda.synchronize()

    def timed(self, work: Callable[[], Any]) -> float:
        """Seconds that a piece of work takes, until the device has done it."""
        self.synchronize()
        began = time.perf_counter()
        work()
        self.synchronize()
        return time.perf_counter() - began

    def turns(
        self, advance: Callable[[int], Any], *, turns: int, seconds: float, least: int = 10
    ) -> tuple[int, list[float]]:
        """Seconds a step, measured in several turns of as many steps as fill the time, in tens.

        Args:
            advance: does so many steps.
            turns: how many.
            seconds: that a turn should take.
            least: steps of a turn.

        Returns:
            The steps of a turn, and of each turn its seconds a step.
        """
        first = self.timed(lambda: advance(least)) / least
        steps = -(-max(least, min(5_000, int(seconds / first))) // least) * least
        return steps, [self.timed(lambda: advance(steps)) / steps for _ in range(turns)]

    def fresh(self, task: Callable[..., Any], *arguments: Any) -> Any:
        """What a function returns in a process of its own; see :func:`context`."""
        with ProcessPoolExecutor(1, mp_context=context(self.device), initializer=join_group) as pool:
            return pool.submit(task, *arguments).result()


def context(device: str) -> Any:
    """How a process begins: anew, or on a CPU as the copy of one that has loaded torch and computed nothing yet."""
    if device == "cuda" or os.name == "nt":
        return get_context("spawn")
    if parent_process() is not None:  # a part, which is such a copy itself
        return get_context("fork")
    chosen = get_context("forkserver")
    # an optimizer's first step loads torch._dynamo, the first image imageio: seconds, which are so spent once
    chosen.set_forkserver_preload(["srcnn.reproduce.gpu_child", "torch._dynamo", "pytorch_optimizer", "imageio.v3"])
    return chosen


def join_group() -> None:
    """Let this process end with the part that started it, even where another process was copied for it."""
    parent: Any = parent_process()  # None in none
    with suppress(OSError, AttributeError):  # Windows has no such groups
        os.setpgid(0, os.getpgid(parent.pid))


def machine(device: str) -> dict[str, Any]:
    """The card by name and driver, and the versions of all that computes."""
    record = {
        "device": hardware_name(device),
        "processor": hardware_name(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "driver": None,
        "memory": None,
        "capability": None,
    }
    if device == "cuda":
        card = torch.cuda.get_device_properties(0)
        record |= {"driver": _driver(), "memory": card.total_memory, "capability": f"{card.major}.{card.minor}"}
    return record


def _driver() -> str | None:
    """The driver's version, or None where nvidia-smi does not tell."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    query = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        told = subprocess.run(query, capture_output=True, text=True, timeout=30, check=True).stdout.split()
    except (OSError, subprocess.SubprocessError):
        return None
    return told[0] if told else None


@contextmanager
def told_as_error(row: dict[str, Any], keys: tuple[str, ...]) -> Iterator[None]:
    """What goes wrong in one cell of many, too little memory say, goes into its row, and the next one is measured."""
    row |= dict.fromkeys((*keys, "error"))
    try:
        yield
    except Exception as error:  # torch's of memory, of graphs and of compiling have no class in common
        traceback.print_exc()  # into the log
        row["error"] = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"


def crops(config: TrainConfig, device: str) -> RandomCrops:
    """Random crops of a configuration's data; another ``batch`` or ``seed`` may be set on a copy."""
    batches = make_batches(config, make_model(config), device=device)
    assert isinstance(batches, RandomCrops)  # as the recipe fast has it
    return batches


def images_of(spec: str, split: str) -> list[tuple[str, Tensor]]:
    """The images of a set, read once."""
    return list(data.photographs(spec, split))


def psnr_on(images: list[tuple[str, Tensor]], model: SRCNN, *, scale: int, device: str) -> float:
    """The mean PSNR by the protocol, in float32."""
    return mean_scores(evaluate(upscaler(model, device), images, scale=scale)).psnr


def per_second(seconds: list[float]) -> dict[str, float]:
    """Median and mean of seconds a step, and the median's steps a second."""
    middle = median(seconds)
    return {"median": middle, "mean": sum(seconds) / len(seconds), "per_second": 1 / middle}
