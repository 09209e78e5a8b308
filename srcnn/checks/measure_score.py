"""The question of *Measure* about the whole protocol, with its known mistakes."""

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from srcnn import color, evaluation, metrics
from srcnn.checks.judging import Arguments, Mistake, Question
from srcnn.images import sample
from srcnn.resize import enlarge, modcrop, shrink

_Step = Callable[..., Any]  # of the protocol, in the place of the right one


def _same(image: Tensor) -> Tensor:
    return image


def _score(rgb: Tensor, scale: int, *, view: _Step = color.luma, crop: _Step = modcrop,
           small: _Step = shrink, between: _Step = _same, large: _Step = enlarge, after: _Step = color.quantize,
           peak: float = 1, shave: int | None = None) -> float:  # fmt: skip
    high = crop(view(rgb), scale)
    output = after(large(between(small(high, scale)), scale))
    return metrics.psnr(output, high, peak=peak, shave=scale if shave is None else shave)


def _unrounded(rgb: Tensor) -> Tensor:
    return color.rgb_to_ycbcr(rgb)[:1]


def _full_range(rgb: Tensor) -> Tensor:
    return color.quantize((rgb * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(0, keepdim=True))


def _plain(image: Tensor, size: list[int]) -> Tensor:
    """PyTorch's bicubic with its defaults."""
    return F.interpolate(image[None], size=size, mode="bicubic")[0]


def _plain_small(image: Tensor, scale: int) -> Tensor:
    return _plain(image, [side // scale for side in image.shape[-2:]])


def _plain_large(image: Tensor, scale: int) -> Tensor:
    return _plain(image, [side * scale for side in image.shape[-2:]])


def _luma_last(rgb: Tensor, scale: int) -> float:
    high = modcrop(rgb, scale)
    output = color.luma(color.quantize(enlarge(shrink(high, scale), scale)))
    return metrics.psnr(output, color.luma(high), peak=1, shave=scale)


def _resized(image: Tensor, scale: int) -> Tensor:
    """The nearest multiple of the scale, by resizing instead of cropping."""
    size = [side // scale * scale for side in image.shape[-2:]]
    return color.quantize(F.interpolate(image[None], size=size, mode="bicubic", antialias=True)[0])


def _other_corner(image: Tensor, scale: int) -> Tensor:
    return image[..., image.shape[-2] % scale :, image.shape[-1] % scale :]


def _photographs() -> list[Arguments]:
    """Parts of photographs whose sides the scale does not divide; two are blurred, so that rounding shows in them.

    No value is so near to half a gray level that single precision could round it the other way.
    """
    cases = []
    places = ("coffee", 99, 192, 3, 2), ("astronaut", 26, 171, 2, 1), ("rocket", 248, 292, 4, 3)
    for name, top, left, scale, blur in places:
        piece = sample(name)[:, top : top + 49 // blur + 5, left : left + 59 // blur + 6]
        cases.append((color.quantize(enlarge(piece, blur))[:, :49, :59].clone(), scale))
    return cases


SCORE = Question(
    name="score",
    examples=_photographs,
    reference=_score,
    tolerance=1e-4,  # relative, 0.004 dB: a pixel or two that are rounded the other way are no mistake
    forbidden=(evaluation.evaluate,),
    mistakes=(
        Mistake("nothing was shaved", lambda *a: _score(*a, shave=0)),
        *(
            Mistake(
                "the luma is full-range gray; the protocol uses studio range",
                lambda *a, view=view: _score(*a, view=view),
            )
            for view in (color.gray, _full_range)
        ),
        Mistake("the error is that of red, green and blue; the protocol uses luma", lambda *a: _score(*a, view=_same)),
        Mistake(
            "the color image was upsampled and then converted to luma; the protocol computes the luma first", _luma_last
        ),
        Mistake("the output was not rounded to whole gray levels", lambda *a: _score(*a, after=_same)),
        Mistake("the luma was not rounded to whole gray levels", lambda *a: _score(*a, view=_unrounded)),
        Mistake(
            "the low-resolution image was rounded; the protocol rounds only the luma and the output",
            lambda *a: _score(*a, between=color.quantize),
        ),
        Mistake("the peak does not fit images in 0..1", lambda *a: _score(*a, peak=255)),
        Mistake(
            "it is cropped at the top and on the left; modcrop crops at the bottom and on the right",
            lambda *a: _score(*a, crop=_other_corner),
        ),
        *(
            Mistake("the original was resized to a multiple of the scale; it should be cropped", wrong)
            for wrong in (
                lambda *a: _score(*a, crop=_resized),
                lambda *a: _score(*a, crop=lambda x, s: color.quantize(_plain(x, [n // s * s for n in x.shape[-2:]]))),
            )
        ),
        Mistake("it was downsampled without antialiasing", lambda *a: _score(*a, small=_plain_small)),
        Mistake("it was upsampled by another bicubic, PyTorch's default", lambda *a: _score(*a, large=_plain_large)),
        Mistake(
            "it was downsampled and upsampled by PyTorch's default bicubic",
            lambda *a: _score(*a, small=_plain_small, large=_plain_large),
        ),
        Mistake(
            "the output was compared with its own input, not with the original",
            lambda rgb, scale: math.inf,
        ),
    ),
)
