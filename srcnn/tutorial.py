"""Tutorial: how the tutorial that this course grew from makes pairs and measures, its mistakes included. Chapter 15.

None of it is part of the paper's protocol, and nothing else in the package uses it but the recipe ``tutorial``.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from srcnn import data, images
from srcnn.files import InputError
from srcnn.resize import enlarge
from srcnn.training import Learner, Step


def tutorial_pair(path: str | Path, *, scale: int, crop: int = 256) -> tuple[Tensor, Tensor]:
    """A training pair exactly as the tutorial makes it.

    Pillow's full-range luma, the central square, and a *bilinear* downsampling rounded to bytes: ``Resize()`` was left
    at its default although the text says bicubic.

    Args:
        path: an image file.
        scale: 2, 3 or 4.
        crop: side of the square; its remainder by the scale is cut.

    Returns:
        The low-resolution image ``(1, crop/scale, crop/scale)`` and the original ``(1, crop, crop)``, float32, in 0..1.

    Raises:
        InputError: the file is unusable or smaller than the square.
    """
    side = crop - crop % scale
    luma = images.full_range_luma(path)
    height, width = luma.shape
    if min(width, height) < side:
        raise InputError(f"{path} has {width} x {height} pixels; the tutorial cuts {side} x {side} from the center")
    left, top = round((width - side) / 2), round((height - side) / 2)
    high = luma[top : top + side, left : left + side]
    low = images.pillow_resize(high, side // scale, side // scale, "bilinear")
    return images.to_float(low)[None], images.to_float(high)[None]


def tutorial_pairs(name: str, split: str, *, scale: int, crop: int = 256) -> tuple[Tensor, Tensor]:
    """All pairs of a registered set or a folder; see :func:`tutorial_pair`.

    Returns:
        Inputs ``(N, 1, h, w)`` and targets ``(N, 1, scale*h, scale*w)``, float32, in 0..1.

    Raises:
        InputError: as for :func:`srcnn.data.photographs`, or an image is smaller than the square that is cut.
    """
    pairs = (tutorial_pair(path, scale=scale, crop=crop) for path in data.paths(name, split))
    lows, highs = zip(*pairs, strict=True)
    return torch.stack(lows), torch.stack(highs)


def tutorial_psnr(outputs: Tensor, targets: Tensor, *, batch: int) -> float:
    """The tutorial's measure: the PSNR of each batch's mean error, averaged over batches.

    It moves by 1 dB with the batch size alone, so it can be compared with nothing but itself. Chapter 15.

    Args:
        outputs: ``(N, 1, H, W)``, in 0..1, neither rounded nor shaved.
        targets: the originals, same shape.
        batch: images a batch.

    Returns:
        dB.
    """
    errors = [
        (o.double() - t.double()).square().mean()
        for o, t in zip(outputs.split(batch), targets.split(batch), strict=True)
    ]
    return fmean(-10 * error.log10().item() for error in errors)


def tutorial_epochs(
    learner: Learner,
    steps: Iterable[Step],
    *,
    batch: int,
    mean: Callable[[Tensor], Tensor] = lambda value: value,
) -> Iterator[dict[str, Any]]:
    """What the tutorial prints after each epoch, and what it does not: bicubic in the same measure.

    Args:
        learner: of a run of the tutorial's recipe.
        steps: the steps of the run, which are taken one by one.
        batch: images whose errors are averaged before the PSNR; see :func:`tutorial_psnr`.
        mean: over the processes that train together, of a 0-dimensional tensor.

    Yields:
        ``epoch``, ``epochs``, the mean ``loss`` of the epoch, ``psnr`` and ``bicubic`` in dB.
    """
    config = learner.config
    low, high = tutorial_pairs(config.data, "test", scale=config.scale, crop=config.patch_size * config.scale)
    count = len(data.paths(config.data, "train"))
    epochs, losses = -(-config.steps * config.batch_size // count), []
    bicubic = tutorial_psnr(enlarge(low, config.scale), high, batch=batch)
    for step in steps:
        losses.append(float(step.loss))
        epoch = step.number * config.batch_size // count
        if epoch > (step.number - 1) * config.batch_size // count or step.number == config.steps:
            loss = float(mean(torch.tensor(fmean(losses), dtype=torch.float64)))
            losses.clear()
            psnr = tutorial_psnr(learner.predict(low, batch=batch), high, batch=batch)
            yield {"epoch": max(epoch, 1), "epochs": epochs, "loss": loss, "psnr": psnr, "bicubic": bicubic}
