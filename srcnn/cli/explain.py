"""Explain: which way of measuring gives a PSNR or SSIM that somebody reports. Chapters 7 and 12.

One output has a dozen PSNRs, decibels apart: of luma or of RGB, with the border or without. Each way is tried, and what
an output suffers from before it is measured (a shift by a pixel, swapped channels, another range) is looked for.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import TypeVar

import torch
from skimage.metrics import structural_similarity
from torch import Tensor
from torch.nn.functional import pad

from srcnn import resize
from srcnn.color import luma, rgb_to_ycbcr
from srcnn.data import listing
from srcnn.files import InputError
from srcnn.metrics import mse, psnr, ssim
from srcnn.resize import modcrop

_FULL_RANGE = (0.299, 0.587, 0.114)  # luma of ITU-R BT.601, as JPEG, Pillow and OpenCV have it
_OVER_256 = (64.738, 129.057, 25.064)  # studio luma's matrix for sums over 256; white becomes 234

Way = TypeVar("Way")  # a Ruler, or one with the degradation that it was applied to


def _weighted(image: Tensor, weights: tuple[float, ...], unit: float) -> Tensor:
    """A weighted sum of the bytes over a unit; in thousandths, whole numbers, so that no half is rounded by chance."""
    thousandths = torch.tensor(weights, dtype=torch.float64).mul(1000).round()
    return torch.einsum("c,chw->hw", thousandths, image.mul(255).round())[None] / (1000 * unit)


def _padded(output: Tensor, target: Tensor, *, peak: float, shave: int, mode: str) -> float:
    """SSIM with a window around every pixel: at the border it looks at what continues the image."""
    a, b = (pad(resize.shave(image, shave)[None], (5, 5, 5, 5), mode=mode)[0] for image in (output, target))
    return ssim(a, b, peak=peak, shave=0)


def _uniform(output: Tensor, target: Tensor, *, peak: float, shave: int) -> float:
    a, b = (resize.shave(image, shave).numpy() for image in (target, output))
    return float(structural_similarity(a, b, data_range=peak, channel_axis=0))


#: What can be compared of two images, ``(3, H, W)`` in 0..1. A gray file among color files is luma as it is, and
#: otherwise R = G = B.
VALUES: dict[str, Callable[[Tensor], Tensor]] = {
    "luma of 16 to 235, rounded": luma,
    "luma of 16 to 235, not rounded": lambda image: rgb_to_ycbcr(image)[:1],
    "luma of 0 to 255, rounded": lambda image: (_weighted(image, _FULL_RANGE, 1) + 0.5).floor() / 255,
    "luma of 0 to 255, not rounded": lambda image: _weighted(image, _FULL_RANGE, 255),
    "luma of 16 to 234 (a matrix over 256), not rounded": lambda image: (
        _weighted(image, _OVER_256, 256 * 255) + 16 / 255
    ),
    "RGB": lambda image: image,
}
#: The only values of gray files; nobody knows their range.
GRAY = "gray values as they are"
_PER_CHANNEL = "RGB, mean of the channels' PSNR"
#: Of SSIM; the first is that of the published tables.
WINDOWS: dict[str, Callable[..., float]] = {
    "Gaussian window of 11 x 11, whole windows": ssim,
    "Gaussian window of 11 x 11, repeated border, as MATLAB's ssim has it": partial(_padded, mode="replicate"),
    "Gaussian window of 11 x 11, mirrored border, as torchmetrics 1.4.2 and later have it": partial(
        _padded, mode="reflect"
    ),
    "uniform window of 7 x 7, as scikit-image has it": _uniform,
}


@dataclass(frozen=True)
class Ruler:
    """A way of measuring.

    Attributes:
        metric: ``"PSNR"`` or ``"SSIM"``.
        values: what is compared, a name of :data:`VALUES`, or :data:`GRAY`.
        shave: pixels cut from every side first.
        mean: over several images, ``"mean over images"``, or ``"of the mean error"``: one PSNR of the mean over all of
            their squared errors.
        window: of SSIM, a name of :data:`WINDOWS`.
    """

    metric: str
    values: str
    shave: int
    mean: str = "mean over images"
    window: str = ""

    def __str__(self) -> str:
        border = f"{self.shave} pixels cut from each side" if self.shave else "the whole image"
        mean = "" if self.mean == "mean over images" else self.mean
        return ", ".join(filter(None, (self.values, border, self.window, mean)))


def protocol(scale: int, *, metric: str = "PSNR", gray: bool = False) -> Ruler:
    """The ruler of the published tables, which take a gray file for luma."""
    return Ruler(
        metric, GRAY if gray else next(iter(VALUES)), scale, window=next(iter(WINDOWS)) if metric == "SSIM" else ""
    )


def measure(pairs: Sequence[tuple[Tensor, Tensor]], *, scale: int, metric: str = "PSNR") -> dict[Ruler, float]:
    """Every ruler's value.

    Args:
        pairs: output and original, ``(3, H, W)`` or ``(1, H, W)`` each, of one size and kind, in 0..1.
        scale: 2, 3 or 4; borders of 0, ``scale`` and ``scale + 6`` pixels are tried.
        metric: ``"PSNR"`` in dB, or ``"SSIM"``.

    Raises:
        InputError: an output has not the size or the channels of its original, or is too small for a border.
    """
    for output, original in pairs:
        if output.shape != original.shape:
            theirs, ours = (" x ".join(map(str, image.shape[:0:-1])) for image in (output, original))
            raise InputError(
                f"an output of {theirs} pixels, {len(output)} channels, and an original of {ours}, {len(original)} "
                "channels: only equal ones can be compared"
            )
        if min(output.shape[-2:]) <= 2 * (scale + 6) + 11:
            raise InputError(
                f"an image of {output.shape[-1]} x {output.shape[-2]} pixels is too small for every border"
            )
    gray = all(len(output) == 1 for output, _ in pairs)  # of which every PSNR is that of the bytes as they are
    values = {GRAY: luma} if gray else VALUES
    found = {}
    for (name, of), border in product(values.items(), (0, scale, scale + 6)):
        compared = [
            tuple(of(image.double() if of is luma else image.double().expand(3, -1, -1)) for image in pair)
            for pair in pairs
        ]
        if metric == "SSIM":
            for window, measured in WINDOWS.items():
                ruler = Ruler(metric, name, border, window=window)
                found[ruler] = fmean(measured(a, b, peak=1, shave=border) for a, b in compared)
            continue
        found[Ruler(metric, name, border)] = fmean(psnr(a, b, peak=1, shave=border) for a, b in compared)
        if len(pairs) > 1:
            error = fmean(mse(a, b, shave=border) for a, b in compared)
            found[Ruler(metric, name, border, mean="of the mean error")] = (
                -10 * math.log10(error) if error else math.inf
            )
        if name == "RGB":
            each = [psnr(x, y, peak=1, shave=border) for a, b in compared for x, y in zip(a, b, strict=True)]
            found[Ruler(metric, _PER_CHANNEL, border)] = fmean(each)
    return found


def metric_of(claimed: str) -> str:
    """``"PSNR"``, or ``"SSIM"`` for figures of at most 1.

    Raises:
        InputError: it is no figure.
    """
    return "SSIM" if _number(claimed) <= 1 else "PSNR"


def _number(claimed: str) -> float:
    try:
        number = float(claimed)
    except ValueError:
        number = math.nan
    if not -1 <= number < 1_000:  # what an SSIM can be at least, and no PSNR of real images at most
        raise InputError(f"{claimed!r} is no figure that can be claimed; give one such as 28.43 or 0.8215")
    return number


def matching(values: dict[Way, float], claimed: str) -> list[Way]:
    """The ways whose value, rounded to as many digits as are claimed, is the claimed one.

    Args:
        values: of :func:`measure`, here or in :mod:`srcnn.cli.degradations`.
        claimed: as it is printed, ``"28.43"``; its digits count.

    Raises:
        InputError: it is no number.
    """
    number = _number(claimed)
    digits = len(claimed.strip().partition(".")[2])
    return [way for way, value in values.items() if abs(value - number) <= 0.5 * 10**-digits + 1e-9]


def compared(output: Path, original: Path) -> Iterator[tuple[Path, Path]]:
    """The files to compare: two, or those of one name in two folders.

    Yields:
        A pair of files, the output first.

    Raises:
        InputError: a folder holds no image, or an image that the other has not.
    """
    if not output.is_dir() or not original.is_dir():
        yield output, original
        return
    originals = {path.stem: path for path in listing(original)}
    for path in listing(output):
        if path.stem not in originals:
            raise InputError(f"{path} has no original of that name in {original}")
        yield path, originals[path.stem]


def aligned(output: Tensor, original: Tensor, scale: int) -> tuple[Tensor, int]:
    """The original in the output's size: without the rows that the scale does not divide, or its middle.

    Returns:
        The original, and the pixels that the output lost on each side.

    Raises:
        InputError: the two are not of one image.
    """
    if len(output) != len(original):
        raise InputError(f"{len(output)} channels cannot be compared with {len(original)}; save both as RGB or as gray")
    if min(original.shape[-2:]) < scale:
        raise InputError(f"an original of {original.shape[-1]} x {original.shape[-2]} pixels has nothing to compare")
    whole = original if output.shape == original.shape else modcrop(original, scale)
    if output.shape[-2:] == tuple(side - side % 12 for side in original.shape[-2:]):  # BasicSR's GTmod12
        whole = modcrop(original, 12)
    rows, columns = (b - a for a, b in zip(output.shape[-2:], whole.shape[-2:], strict=True))
    if rows == columns >= 0 and rows % 2 == 0:
        return resize.shave(whole, rows // 2), rows // 2
    theirs, ours = (f"{image.shape[-1]} x {image.shape[-2]}" for image in (output, whole))
    raise InputError(f"an output of {theirs} pixels is not of an original of {ours} (a multiple of {scale})")


def troubles(output: Tensor, original: Tensor) -> Iterator[str]:
    """What an output suffers from besides its method: a sentence for each thing whose mending wins half a decibel.

    Args:
        output: ``(3, H, W)`` or ``(1, H, W)``, in 0..1, more than 16 pixels a side.
        original: of the same shape.

    Yields:
        A sentence.
    """
    before = psnr(output, original, peak=1, shave=8)

    def gain(mended: Tensor) -> float:
        return psnr(mended, original, peak=1, shave=8) - before

    moves = [move for move in product((-1, 0, 1), repeat=2) if move != (0, 0)]
    best = max(moves, key=lambda move: gain(output.roll(move, (1, 2))))
    if (won := gain(output.roll(best, (1, 2)))) > 0.2:  # little in a smooth image, and nothing in a sound one
        told = " and ".join(filter(None, (("", "down", "up")[best[0]], ("", "right", "left")[best[1]])))
        yield f"The output is shifted by a pixel: moved {told} it wins {won:.1f} dB."
    mendings = {
        "The output has studio range, 16 to 235, and the original full range": (output - 16 / 255) * 255 / 219,
        "The output has full range and the original studio range, 16 to 235": output * 219 / 255 + 16 / 255,
        "The output is brighter by a gamma of 2.2": output.clamp(min=0) ** 2.2,
        "The output is darker by a gamma of 2.2": output.clamp(min=0) ** (1 / 2.2),
    }
    if len(output) == 3:
        mendings["Red and blue are swapped (BGR)"] = output.flip(0)
    for name, mended in mendings.items():
        if (won := gain(mended)) > 0.5:
            yield f"{name}: mended it wins {won:.1f} dB."


def statement(ruler: Ruler, images: int) -> str:
    """The ruler in a sentence that can stand in a paper."""
    border = f"after cutting {ruler.shave} pixels from each side" if ruler.shave else "over the whole image"
    what = f"the {ruler.values}" if ruler.values.startswith("luma") else ruler.values
    how = f" with a {ruler.window}" if ruler.window else ""
    over = ""
    if images > 1:
        over = f", as the mean over {images} images" if ruler.mean == "mean over images" else (
            f", of the mean squared error over {images} images"
        )  # fmt: skip
    return f"{ruler.metric} was computed from 8-bit images on {what}{how}, {border}{over}."
