"""The time and memory that upscaling takes, a part of :mod:`srcnn.reproduce.benchmarks`.

Memory is what a process needed at most beyond what Python, torch and this package need for themselves; so each
measurement has a process of its own, which has upscaled nothing but a tiny picture before.
"""

import contextlib
import io
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import torch

from srcnn import cli, images, pretrained
from srcnn.files import InputError
from srcnn.images import Photograph
from srcnn.model import SRCNN
from srcnn.upscale import upscale

LIMIT = 2**30  # bytes that the command may need for a 12-megapixel photograph at x2


def upscaling(
    *,
    sides: Sequence[int] = (250, 500, 1_000, 2_000, 4_000),
    photograph: tuple[int, int] = (3_000, 4_000),
    repeats: int = 3,
) -> Generator[dict[str, Any], None, dict[str, Any]]:
    """Seconds and memory of upscaling by 2 with the shipped 9-1-5, each measurement in a process of its own.

    Args:
        sides: of the square photographs; the results are twice as high and wide.
        photograph: height and width of the one that the command ``srcnn upscale`` reads, enlarges and writes.
        repeats: turns.

    Yields:
        Lines that the command prints.

    Returns:
        The record of the part. Seconds are medians; memory is the largest seen, in bytes beyond what the interpreter
        needs for itself, beside the bytes of the two pictures.
    """
    with tempfile.TemporaryDirectory() as folder:
        names = [str(Path(folder) / name) for name in ("photo.jpg", "big.png")]
        images.write_photograph(names[0], tiled_sample(*photograph))
        tasks = {f"{side}": partial(upscale_once, side) for side in sides}
        tasks["command"] = partial(command_once, *names)
        seen: dict[str, list[dict[str, Any]]] = {name: [] for name in tasks}
        for turn in range(1, repeats + 1):
            for name, task in tasks.items():
                seen[name].append(_fresh(task))
            yield {"line": f"upscaling   turn {turn} of {repeats} is done"}
    rows = []
    for name, (height, width) in zip(tasks, [*((side, side) for side in sides), photograph], strict=True):
        millions, turns = height * width * 4 / 1e6, seen[name]
        seconds, peak = median(turn["seconds"] for turn in turns), max(turn["peak"] for turn in turns)
        pictures = height * width * 3 * 5  # bytes: three channels, and the result has four times as many pixels
        rows.append({"megapixels": millions, "seconds": round(seconds, 3), "peak": peak, "pictures": pictures})
        rows[-1]["seconds_per_megapixel"] = round(seconds / millions, 3)
        what = "srcnn upscale, files and all" if name == "command" else "upscaling"
        memory = f"{peak / 2**20:,.0f} MiB, the pictures' {pictures / 2**20:,.0f} among them"
        yield {"line": f"upscaling   {what}: {millions:g} megapixels in {seconds:.1f} s with {memory}"}
    whole = {**rows.pop(), "limit": LIMIT}
    return {"weights": "srcnn-9-1-5-x2", "scale": 2, "repeats": repeats, "sizes": rows, "photograph": whole}


def tiled_sample(height: int, width: int) -> Photograph:
    """A photograph of any size: one of the samples, again and again."""
    pixels = images.to_bytes(images.sample("coffee"))
    rows, columns = torch.arange(height) % pixels.shape[1], torch.arange(width) % pixels.shape[2]
    return Photograph(pixels[:, rows][:, :, columns])


def upscale_once(side: int) -> dict[str, float]:
    """Seconds of one upscaling, and the bytes that it needed at most beyond what the process had before."""
    model, before = _ready()
    large = tiled_sample(side, side)
    began = time.perf_counter()
    upscale(large, model, scale=2)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "peak": memory()[1] - before}


def command_once(photo: str, output: str, *, scale: int = 2, device: str = "cpu") -> dict[str, float]:
    """The same of the command ``srcnn upscale`` with its reading and writing, without the interpreter's start.

    Args:
        photo: the file.
        output: the result's.
        scale: by which it is enlarged.
        device: where; ``device_peak`` is the most bytes of a CUDA device.

    Returns:
        Seconds, and bytes of memory beyond what the process had before.

    Raises:
        InputError: the command failed.
    """
    _, before = _ready(scale, device)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    words = ["--overwrite", "--scale", str(scale), "--device", device]
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        if cli.main(["upscale", photo, "-o", output, *words]):
            raise InputError("`srcnn upscale` failed; its own message says why")
    on_device = torch.cuda.max_memory_reserved() if device == "cuda" else 0
    return {"seconds": time.perf_counter() - began, "peak": memory()[1] - before, "device_peak": on_device}


def _ready(scale: int = 2, device: str = "cpu") -> tuple[SRCNN, int]:
    """The network after a first small picture, and the bytes that the interpreter with all it loaded has by then."""
    model = pretrained.load(f"srcnn-9-1-5-x{scale}", scale=scale).model
    upscale(tiled_sample(32, 32), model, scale=scale, device=device)
    return model, memory()[0]


def memory() -> tuple[int, int]:
    """Bytes of memory that this process has now, and the most that it ever had.

    Raises:
        InputError: the system does not tell.
    """
    status = Path("/proc/self/status")
    if status.exists():  # Linux; its ru_maxrss would be no less than the parent's, as whose copy a process begins
        told = dict(line.split(":", 1) for line in status.read_text().splitlines())
        now, most = (int(told[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
        return now, most
    try:
        import resource
    except ModuleNotFoundError:
        raise InputError("memory can be measured on Linux and macOS only; name the other benchmarks") from None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS, in bytes; what it has now is not told
    return most, most


def _fresh(task: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a function returns in a process of its own, which inherits no memory from this one."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(task).result()
        except BrokenProcessPool:
            raise InputError("the process that upscaled was ended from outside; free some memory for it") from None
