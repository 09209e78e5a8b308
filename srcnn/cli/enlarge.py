"""``srcnn upscale``: one photograph to a file, or many into a folder."""

import argparse
import errno
import os
import sys
from pathlib import Path

from tqdm import tqdm

from srcnn import images, pretrained
from srcnn.cli.device import fastest_device
from srcnn.cli.errors import out_of_memory, sentence
from srcnn.cli.progress import counter
from srcnn.files import InputError, writable
from srcnn.model import SRCNN
from srcnn.upscale import Progress, targets, upscale


def enlarge(given: argparse.Namespace) -> None:
    """Enlarge what the command line names."""
    photos, output = [Path(photo) for photo in given.photo], Path(given.output)
    many = len(photos) > 1 or photos[0].is_dir() or output.is_dir() or given.output.endswith(("/", os.sep))
    wanted = targets(photos, output) if many else {output: photos[0]}
    for target, photo in wanted.items():
        if os.path.exists(target) and os.path.exists(photo) and target.samefile(photo):
            raise InputError(f"{target} is the photograph itself; give another name for the result")
    if not many and output.exists() and not given.overwrite:
        writable(output)
        raise InputError(f"{output} is there already; --overwrite replaces it, or give another name")
    weights = given.weights or f"srcnn-9-1-5-x{given.scale}"
    model = None if weights == "bicubic" else pretrained.load(weights, scale=given.scale).model
    device = given.device or fastest_device()
    if many:
        _many(wanted, model, given.scale, device, output, given.overwrite)
        return
    with counter("tile") as count:
        width, height = _one(photos[0], output, model, given.scale, device, count)
    print(f"{output}: {width} x {height} pixels")


def _one(
    photo: Path, output: Path, model: SRCNN | None, scale: int, device: str, count: Progress = lambda done, total: None
) -> tuple[int, int]:
    """Enlarge a photograph into a file; the result's width and height."""
    photograph = images.read_photograph(photo)
    images.check_output(output, photograph, scale=scale)
    large = upscale(photograph, model, scale=scale, device=device, progress=count)
    images.write_photograph(output, large)
    return large.pixels.shape[-1], large.pixels.shape[-2]


def _many(
    wanted: dict[Path, Path], model: SRCNN | None, scale: int, device: str, folder: Path, overwrite: bool
) -> None:
    """Enlarge what is missing in the folder; what cannot be is told, and the others go on."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made: {error.strerror}; give another folder") from None
    missing = {target: photo for target, photo in wanted.items() if overwrite or not os.path.isfile(target)}
    done = failed = 0
    try:
        with tqdm(missing.items(), unit="photograph", disable=None, leave=False) as bar:
            for target, photo in bar:
                try:
                    _one(photo, target, model, scale, device)
                    done += 1
                except (InputError, OSError, MemoryError, RuntimeError) as error:
                    if not _its_own(error):
                        raise
                    failed += 1
                    told = sentence(error)
                    tqdm.write(f"srcnn: {told if str(photo) in told else f'{photo}: {told}'}", file=sys.stderr)
    except KeyboardInterrupt:
        again = "begins anew" if overwrite else "goes on with the rest"
        raise KeyboardInterrupt(
            f"{done} of {len(missing)} photographs are enlarged; the same command {again}"
        ) from None
    there = f", {len(wanted) - len(missing)} were there already" if len(wanted) > len(missing) else ""
    print(f"{folder}: {done} of {len(wanted)} photographs enlarged{there}")
    if failed:
        raise InputError(f"{failed} of {len(wanted)} photographs could not be enlarged; why stands above")


def _its_own(error: Exception) -> bool:
    """Whether an error concerns one photograph; a full disk concerns all, and a mistake of ours is not hidden."""
    if isinstance(error, OSError):
        return error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    return isinstance(error, InputError) or out_of_memory(error)
