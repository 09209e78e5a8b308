"""Explain: which way of measuring gives a PSNR or SSIM that somebody reports. Chapters 3 and 10.

One output has a dozen PSNRs, decibels apart: of luma or of RGB, with the border or without. Each way is tried, and what
an output suffers from before it is measured (a shift by a pixel, swapped channels, another range) is looked for.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import fmean

import torch
from skimage.metrics import structural_similarity
from torch import Tensor

from srcnn.color import luma, rgb_to_ycbcr
from srcnn.files import InputError
from srcnn.images import listing
from srcnn.metrics import mse
from srcnn.resize import modcrop, shave

_FULL_RANGE = (0.299, 0.587, 0.114)  # luma of ITU-R BT.601, as JPEG, Pillow and OpenCV have it

#: What can be compared of two images, ``(3, H, W)`` in 0..1; gray files are used as they are, as luma.
VALUES: dict[str, Callable[[Tensor], Tensor]] = {
    "luma of 16 to 235, rounded": luma,
    "luma of 16 to 235, not rounded": lambda image: rgb_to_ycbcr(image)[:1],
    "luma of 0 to 255, rounded": lambda image: (_full_range(image) * 255 + 0.5 + 1e-9).floor() / 255,
    "luma of 0 to 255, not rounded": lambda image: _full_range(image),
    "RGB": lambda image: image,
}
_PER_CHANNEL = "RGB, mean of the channels' PSNR"
_GAUSSIAN = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
#: Of SSIM, with the options of scikit-image.
WINDOWS = {
    "Gaussian window of 11 x 11, whole windows": _GAUSSIAN,
    "Gaussian window of 11 x 11, image mirrored beyond its border": _GAUSSIAN | {"full": True},
    "uniform window of 7 x 7, as scikit-image has it": {},
}  # fmt: skip


@dataclass(frozen=True)
class Ruler:
    """A way of measuring.

    Attributes:
        metric: ``"PSNR"`` or ``"SSIM"``.
        values: what is compared, a name of :data:`VALUES`.
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
        parts = [self.values, f"{self.shave} pixels cut from each side" if self.shave else "the whole image"]
        return ", ".join(
            [*parts, *filter(None, (self.window,))] + ([self.mean] if self.mean != "mean over images" else [])
        )


def protocol(scale: int, *, metric: str = "PSNR") -> Ruler:
    """The ruler of the published tables."""
    return Ruler(metric, next(iter(VALUES)), scale, window=next(iter(WINDOWS)) if metric == "SSIM" else "")


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
    gray = all(len(output) == 1 for output, _ in pairs)
    values = {next(iter(VALUES)): luma} if gray else VALUES
    found = {}
    for (name, of), border in product(values.items(), (0, scale, scale + 6)):
        compared = [(of(output.double()), of(original.double())) for output, original in pairs]
        if metric == "SSIM":
            for window in WINDOWS:
                found[Ruler(metric, name, border, window=window)] = fmean(
                    _ssim(a, b, border, window) for a, b in compared
                )
            continue
        errors = [mse(a, b, shave=border) for a, b in compared]
        found[Ruler(metric, name, border)] = fmean(map(_decibels, errors))
        if len(pairs) > 1:
            found[Ruler(metric, name, border, mean="of the mean error")] = _decibels(fmean(errors))
        if name == "RGB":
            each = [_decibels(mse(a[c], b[c], shave=border)) for a, b in compared for c in range(len(a))]
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
    if not math.isfinite(number):
        raise InputError(f"{claimed!r} is no figure that can be claimed; give one such as 28.43 or 0.8215")
    return number


def matching(values: dict[Ruler, float], claimed: str) -> list[Ruler]:
    """The rulers whose value, rounded to as many digits as are claimed, is the claimed one.

    Args:
        values: of :func:`measure`.
        claimed: as it is printed, ``"28.43"``; its digits count.

    Raises:
        InputError: it is no number.
    """
    number = _number(claimed)
    digits = len(claimed.strip().partition(".")[2])
    return [ruler for ruler, value in values.items() if abs(value - number) <= 0.5 * 10**-digits + 1e-9]


def compared(output: Path, original: Path) -> Iterator[tuple[Path, Path]]:
    """The files to compare: two, or those of one name in two folders.

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


def troubles(output: Tensor, original: Tensor) -> Iterator[str]:
    """What an output suffers from besides its method: a sentence for each thing whose mending wins half a decibel.

    Args:
        output: ``(3, H, W)`` or ``(1, H, W)``, in 0..1; it may be smaller than the original.
        original: of as many channels.
    """
    rows, columns = (b - a for a, b in zip(output.shape[-2:], original.shape[-2:], strict=True))
    if rows or columns:
        if rows == columns > 0 and rows % 2 == 0:
            yield (
                f"The output is {rows} pixels smaller than the original in both directions: valid convolutions lose "
                f"{rows // 2} on each side. Compare it with the middle of the original, or replicate the edges."
            )
        else:
            yield "Output and original differ in size; crop the original to a multiple of the scale first."
        return
    before = _decibels(mse(output, original, shave=8))
    moves = [(down, right) for down, right in product((-1, 0, 1), repeat=2) if (down, right) != (0, 0)]
    best = max(moves, key=lambda move: -mse(output.roll(move, (1, 2)), original, shave=8))
    moved = output.roll(best, (1, 2))
    if _decibels(mse(moved, original, shave=8)) > before + 0.2:  # little in a smooth image, and nothing in a sound one
        told = ", ".join(f"{abs(n)} {word}" for n, word in zip(best, ("rows", "columns"), strict=True) if n)
        yield f"The output is shifted by a pixel: moved by {told} it wins {_gain(moved, original, before)}."
    if len(output) == 3 and _decibels(mse(output.flip(0), original, shave=8)) > before + 0.5:
        yield f"Red and blue are swapped (BGR): in order it wins {_gain(output.flip(0), original, before)}."
    for name, mended in {
        "The output has studio range, 16 to 235, and the original full range": (output - 16 / 255) * 255 / 219,
        "The output has full range and the original studio range, 16 to 235": output * 219 / 255 + 16 / 255,
        "The output is brighter by a gamma of 2.2": output.clamp(min=0) ** 2.2,
        "The output is darker by a gamma of 2.2": output.clamp(min=0) ** (1 / 2.2),
    }.items():
        if _decibels(mse(mended, original, shave=8)) > before + 0.5:
            yield f"{name}: converted it wins {_gain(mended, original, before)}."


def cropped(output: Tensor, original: Tensor, scale: int) -> Tensor:
    """The original without the rows and columns that the scale does not divide, unless the output has them as well.

    Raises:
        InputError: the original is smaller than the scale.
    """
    if min(original.shape[-2:]) < scale:
        raise InputError(f"an original of {original.shape[-1]} x {original.shape[-2]} pixels has nothing to compare")
    return original if output.shape[-2:] == original.shape[-2:] else modcrop(original, scale)


def aligned(output: Tensor, original: Tensor, scale: int) -> tuple[Tensor, Tensor]:
    """The pair in one size: the original as :func:`cropped` gives it, or its middle.

    Raises:
        InputError: they are not of one image.
    """
    original = cropped(output, original, scale)
    if len(output) != len(original):
        raise InputError(f"{len(output)} channels cannot be compared with {len(original)}; save both as RGB or as gray")
    lost = {b - a for a, b in zip(output.shape[-2:], original.shape[-2:], strict=True)}
    if len(lost) == 1 and (border := lost.pop()) >= 0 and border % 2 == 0:
        return output, shave(original, border // 2)
    theirs, ours = (f"{image.shape[-1]} x {image.shape[-2]}" for image in (output, original))
    raise InputError(f"an output of {theirs} pixels is not of an original of {ours} (a multiple of {scale})")


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


def _full_range(image: Tensor) -> Tensor:
    weights = torch.tensor(_FULL_RANGE, dtype=image.dtype)
    return torch.einsum("c,chw->hw", weights, image)[None]


def _decibels(error: float) -> float:
    return -10 * math.log10(error) if error else math.inf


def _gain(mended: Tensor, original: Tensor, before: float) -> str:
    return f"{_decibels(mse(mended, original, shave=8)) - before:.1f} dB"


def _ssim(output: Tensor, original: Tensor, border: int, window: str) -> float:
    a, b = (shave(image, border).numpy() for image in (original, output))
    options = WINDOWS[window]
    value = structural_similarity(a, b, data_range=1, channel_axis=0, **options)
    return float(value[1].mean() if options.get("full") else value)
