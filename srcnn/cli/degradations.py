"""Degradations: how a low-resolution image was made, where somebody reports the PSNR of bicubic or of a network.

Each library's "bicubic" is another filter, and the original may have been cropped or resized first. Chapters 6 and 7.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib import import_module
from importlib.metadata import version
from itertools import product
from types import ModuleType

import numpy as np
import skimage.transform
import torch
import torch.nn.functional as F
from torch import Tensor

from srcnn import images, resize
from srcnn.cli import explain
from srcnn.cli.explain import Ruler
from srcnn.color import luma, quantize
from srcnn.evaluation import upscaler
from srcnn.files import InputError
from srcnn.images import Photograph, to_bytes, to_float
from srcnn.model import SRCNN
from srcnn.upscale import upscale

Resize = Callable[[Tensor, int, int], Tensor]  # (C, H, W), a height and a width -> (C, height, width)


def _protocol(image: Tensor, height: int, width: int) -> Tensor:
    if height < image.shape[-2]:
        return resize.shrink(image, image.shape[-2] // height)
    return resize.enlarge(image, height // image.shape[-2])


def _torch(image: Tensor, height: int, width: int, *, antialias: bool) -> Tensor:
    return F.interpolate(image[None], size=(height, width), mode="bicubic", antialias=antialias)[0]


def _pillow(image: Tensor, height: int, width: int, *, kernel: str = "bicubic") -> Tensor:
    return to_float(torch.stack([images.pillow_resize(plane, height, width, kernel) for plane in to_bytes(image)]))


def _skimage(image: Tensor, height: int, width: int, *, smooth: bool | None = None) -> Tensor:
    # all channels at once: the result is clipped to the range of the whole array
    array = image.permute(1, 2, 0).numpy()
    large = skimage.transform.resize(array, (height, width, len(image)), order=3, anti_aliasing=smooth)
    return torch.from_numpy(large).permute(2, 0, 1)


def _opencv(image: Tensor, height: int, width: int, *, cv2: ModuleType, kernel: str = "INTER_CUBIC") -> Tensor:
    array = np.ascontiguousarray(to_bytes(image).permute(1, 2, 0).numpy())
    large = cv2.resize(array, (width, height), interpolation=getattr(cv2, kernel))
    return to_float(torch.from_numpy(large).reshape(height, width, -1).permute(2, 0, 1))


@cache
def kernels() -> dict[str, tuple[Resize, Resize]]:
    """The libraries' filters for shrinking and enlarging, by name and version; OpenCV's where it is installed."""
    pillow, pytorch, scikit = (
        f"{title} {version(title.lower()).partition('+')[0]}" for title in ("Pillow", "torch", "scikit-image")
    )
    found: dict[str, tuple[Resize, Resize]] = {
        "MATLAB's imresize": (_protocol, _protocol),
        f"{pytorch} with antialias": (partial(_torch, antialias=True),) * 2,
        f"{pytorch} without antialias": (partial(_torch, antialias=False),) * 2,
        pillow: (_pillow, _pillow),
        f"{pillow}, shrinking by BILINEAR": (partial(_pillow, kernel="bilinear"), _pillow),
        scikit: (_skimage, _skimage),
        f"{scikit} without anti_aliasing": (partial(_skimage, smooth=False), _skimage),
    }
    try:
        cv2 = import_module("cv2")
    except ImportError:
        return found
    large = partial(_opencv, cv2=cv2)
    return found | {
        f"OpenCV {cv2.__version__}, shrinking by {kernel}": (partial(large, kernel=kernel), large)
        for kernel in ("INTER_CUBIC", "INTER_LINEAR", "INTER_AREA")
    }


def untried() -> list[str]:
    """A sentence for each library that is not installed."""
    return [] if any("OpenCV" in name for name in kernels()) else ["OpenCV was not tried, because it is not installed."]


def _resized(image: Tensor, scale: int) -> Tensor:
    return _pillow(image, *(side - side % scale for side in image.shape[-2:]))


#: What is done to an original before anything else.
CUTS: dict[str, Callable[[Tensor, int], Tensor]] = {
    "cropped to a multiple of the scale": resize.modcrop,
    "cropped to a multiple of 12": lambda image, scale: resize.modcrop(image, 12),
    "resized by Pillow to a multiple of the scale": _resized,
}
#: What is made small. Luma is rounded only where the library works on bytes; a file holds bytes, small as large.
KINDS = ("luma", "files of 8 bits")


@dataclass(frozen=True)
class Degradation:
    """How an output came about: names of :func:`kernels`, :data:`KINDS` and :data:`CUTS`."""

    kernel: str
    kind: str
    cut: str = next(iter(CUTS))

    def __str__(self) -> str:
        cut = "" if self.cut == next(iter(CUTS)) else f", the original {self.cut}"
        return f"{self.kernel} on {self.kind}{cut}"


@dataclass(frozen=True)
class Way:
    """A degradation and the way of measuring what came of it."""

    how: Degradation
    ruler: Ruler

    def __str__(self) -> str:
        return f"{self.ruler}, made by {self.how}"


def _kinds(model: SRCNN | None) -> tuple[str, ...]:
    return KINDS if model is None or model.channels == 1 else KINDS[1:]  # a network for RGB has no luma to work on


def protocol(scale: int, *, model: SRCNN | None = None, metric: str = "PSNR") -> Way:
    """The way of the published tables."""
    return Way(Degradation(next(iter(kernels())), _kinds(model)[0]), explain.protocol(scale, metric=metric))


def statement(way: Way, images: int) -> str:
    """The way in two sentences that can stand in a paper."""
    return f"{explain.statement(way.ruler, images)} The low-resolution images were made by {way.how}."


def degradations(originals: Sequence[Tensor], scale: int, model: SRCNN | None) -> list[Degradation]:
    """Those that differ for these originals and this network, the published tables' first."""
    first, *others = CUTS
    multiples = {name: 12 if "12" in name else scale for name in others}
    sides = [side for image in originals for side in image.shape[-2:]]
    cuts = [first, *(name for name in others if any(side % multiples[name] for side in sides))]
    return [Degradation(*each) for each in product(kernels(), _kinds(model), cuts)]


def pairs(
    originals: Sequence[Tensor], scale: int, how: Degradation, model: SRCNN | None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Output and original as they are compared.

    Args:
        originals: ``(3, H, W)`` or ``(1, H, W)``, in 0..1.
        scale: 2, 3 or 4.
        how: the degradation.
        model: a network, or None for the library's own enlargement.

    Yields:
        Two images of one shape, of 8 bits, in 0..1; one channel where the degradation is of luma.
    """
    shrink, enlarge = kernels()[how.kernel]
    for original in originals:
        truth = CUTS[how.cut](original, scale)
        truth = luma(truth) if how.kind == "luma" else truth
        height, width = truth.shape[-2:]
        low = shrink(truth, height // scale, width // scale)
        if how.kind == "luma":
            output = upscaler(model)(low, scale) if model else enlarge(low, height, width)
        elif model:
            output = to_float(upscale(Photograph(to_bytes(low)), model, scale=scale).pixels)
        else:
            output = enlarge(quantize(low), height, width)
        yield quantize(output), truth


def measure(
    originals: Sequence[Tensor],
    *,
    scale: int,
    model: SRCNN | None,
    metric: str = "PSNR",
    progress: Callable[[list[Degradation]], Iterable[Degradation]] = iter,
) -> dict[Way, float]:
    """The value of every way of measuring for every degradation.

    Args:
        originals: ``(3, H, W)`` or ``(1, H, W)``, in 0..1.
        scale: 2, 3 or 4.
        model: a network, or None for bicubic.
        metric: ``"PSNR"`` or ``"SSIM"``.
        progress: is given the degradations and gives them back, one after the other.

    Raises:
        InputError: an original is too small.
    """
    for image in originals:
        least = 2 * (scale + 6) + 24  # the largest border, a window, and what a cut may take
        if min(image.shape[-2:]) < least:
            size = f"{image.shape[-1]} x {image.shape[-2]} pixels"
            raise InputError(
                f"an original of {size} is too small to be measured; at least {least} x {least} are needed"
            )

    def named(ruler: Ruler) -> Ruler:  # made as luma, or taken for it
        return replace(ruler, values=next(iter(explain.VALUES))) if ruler.values == explain.GRAY else ruler

    return {
        Way(how, named(ruler)): value
        for how in progress(degradations(originals, scale, model))
        for ruler, value in explain.measure(
            list(pairs(originals, scale, how, model)), scale=scale, metric=metric
        ).items()
    }
