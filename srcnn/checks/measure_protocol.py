"""Questions of the assignment *Measure*, chapters 6 and 7: what is asked, and the known mistakes."""

import math
from collections.abc import Callable
from statistics import fmean, median

import torch
import torch.nn.functional as F
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio
from torch import Tensor

from srcnn import color, metrics
from srcnn.checks.judging import Arguments, Mistake, Question
from srcnn.checks.measure_bicubic import CUBIC, ENLARGE_ROW
from srcnn.checks.measure_score import SCORE

_NATURAL = "it uses the natural logarithm; decibels need the logarithm to base 10"


def _pairs(*sizes: tuple[int, ...]) -> list[tuple[Tensor, Tensor]]:
    """Pairs of an output and its original, bytes as floats; each pair, and each channel, has its own noise."""
    draw = torch.Generator().manual_seed(0)
    pairs = []
    for number, size in enumerate(sizes, 1):
        target = torch.randint(20, 180, size, generator=draw).float()
        noise = torch.randint(-3 * number, 5 * number, size, generator=draw) * torch.ones(size).cumsum(0)
        pairs.append((target + noise, target))
    return pairs


# Question 1

MSE = Question(
    name="mse",
    examples=lambda: _pairs((4, 4), (3, 5, 7)),
    reference=lambda output, target: metrics.mse(output, target, shave=0),
    forbidden=(metrics.mse, metrics.psnr, F.mse_loss, mean_squared_error),
    mistakes=(
        Mistake(
            "it is a sum, which grows with the number of pixels; the mean is asked for",
            lambda o, t: (o - t).square().sum().item(),
        ),
        Mistake("it takes absolute values instead of squares", lambda o, t: (o - t).abs().mean().item()),
        Mistake(
            "it takes a square root; the mean of the squares is asked for",
            lambda o, t: (o - t).square().mean().sqrt().item(),
        ),
        Mistake(
            "it takes the mean first and then the square, so positive and negative errors cancel",
            lambda o, t: (o - t).mean().square().item(),
        ),
        Mistake("it returns a value for each pixel; their mean is asked for", lambda o, t: (o - t).square()),
        Mistake("it is half as large as it should be", lambda o, t: (o - t).square().mean().item() / 2),
        Mistake(
            "it divides by height times width alone; each channel has its own values",
            lambda o, t: ((o - t).square().sum() / math.prod(o.shape[-2:])).item(),
        ),
        Mistake("it returns the mean error with its sign; where is the square?", lambda o, t: (o - t).mean().item()),
    ),
)

# Question 2


def _psnr(output: Tensor, target: Tensor, peak: float) -> float:
    return metrics.psnr(output, target, peak=peak, shave=0)


def _padded(output: Tensor, target: Tensor, peak: float, little: float) -> float:
    """The PSNR with something added to the error, against the division by zero."""
    return 10 * math.log10(peak**2 / (metrics.mse(output, target, shave=0) + little))


def _psnr_cases() -> list[Arguments]:
    bytes_, colors = _pairs((4, 4), (3, 5, 7))
    unit = tuple(image / 255 for image in colors)
    return [(*bytes_, 255), (*unit, 1), (unit[1], unit[1].clone(), 1)]


_EQUAL = "identical images have no error; what does the formula tend to?"
PSNR = Question(
    name="psnr",
    examples=_psnr_cases,
    reference=_psnr,
    forbidden=(metrics.psnr, peak_signal_noise_ratio),
    mistakes=(
        Mistake(_NATURAL, lambda *a: _psnr(*a) * math.log(10)),
        Mistake("the fraction is upside down: more error should give fewer decibels", lambda *a: -_psnr(*a)),
        Mistake("it is twice as large as it should be: 10 or 20 times the logarithm?", lambda *a: 2 * _psnr(*a)),
        Mistake("it is half as large as it should be: 10 or 20 times the logarithm?", lambda *a: _psnr(*a) / 2),
        Mistake("the error is squared, but the peak above it is not", lambda o, t, p: _psnr(o, t, math.sqrt(p))),
        Mistake("it uses 255 as the peak, whatever peak it is given", lambda o, t, p: _psnr(o, t, 255)),
        Mistake("it uses 1 as the peak, whatever peak it is given", lambda o, t, p: _psnr(o, t, 1)),
        *(
            Mistake(
                "it uses the largest value in this image as the peak; use the largest that a pixel can have",
                lambda o, t, p, which=which: _psnr(o, t, (o, t)[which].max().item()),
            )
            for which in (0, 1)
        ),
        Mistake(
            "it takes the mean of the channels' PSNRs; an image has one error, over all its channels",
            lambda o, t, p: fmean(_psnr(a, b, p) for a, b in zip(o, t, strict=True)) if o.ndim > 2 else _psnr(o, t, p),
        ),
        *(
            Mistake(_EQUAL, lambda o, t, p, value=value: value if torch.equal(o, t) else _psnr(o, t, p))
            for value in (100, 0, 99, -math.inf, math.nan)
        ),
        *(
            Mistake(_EQUAL, lambda o, t, p, little=10.0**-n: _padded(o, t, p, little))
            for n in (6, 7, 8, 9, 10, 12, 15, 16)
        ),
    ),
)

# Question 3

_BT601, _BT709 = (0.299, 0.587, 0.114), (0.2126, 0.7152, 0.0722)


def _luma(rgb: Tensor, weights: tuple[float, ...] = _BT601, low: float = 16 / 255, span: float = 219 / 255) -> Tensor:
    return low + span * torch.einsum("c,chw->hw", torch.tensor(weights, dtype=rgb.dtype), rgb)[None]


def _colors() -> list[Arguments]:
    """Random colors, with black and white among them; no two channels alike."""
    rgb = torch.randint(0, 256, (3, 5, 4), generator=torch.Generator().manual_seed(1)).float() / 255
    rgb[:, 0, 0], rgb[:, 0, 1] = 0, 1
    return [(rgb,)]


LUMA = Question(
    name="luma",
    examples=_colors,
    reference=lambda rgb: color.rgb_to_ycbcr(rgb)[:1],
    forbidden=(color.luma, color.rgb_to_ycbcr),
    mistakes=(
        Mistake("it is full-range gray: white is 1, where luma in studio range has 235/255", color.gray),
        Mistake(
            "it is full-range gray: white is 1, where luma in studio range has 235/255",
            lambda x: _luma(x, low=0, span=1),
        ),
        Mistake("black is 0; where does the studio range begin?", lambda x: _luma(x, low=0)),
        Mistake("it exceeds the studio range; what is white?", lambda x: _luma(x, span=1)),
        Mistake(
            "white is below 235/255: the range ends at 235, but its width is 219", lambda x: _luma(x, span=203 / 255)
        ),
        Mistake("its values are in 0..255; 0..1 is asked for", lambda x: 255 * _luma(x)),
        Mistake("16 is added to values in 0..1, where it should be 16/255", lambda x: _luma(x, low=16)),
        *(
            Mistake("the weights are those of BT.709, the standard for HDTV; the protocol uses BT.601", wrong)
            for wrong in (lambda x: _luma(x, _BT709), lambda x: _luma(x, _BT709, 0, 1))
        ),
        *(
            Mistake("it gives the three color channels the same weight", wrong)
            for wrong in (lambda x: x.mean(0, keepdim=True), lambda x: _luma(x, (1 / 3,) * 3))
        ),
        Mistake("the channels are red, green, blue; it reads them as blue, green, red", lambda x: _luma(x.flip(0))),
        Mistake("it is rounded to bytes; rounding is a separate step, which comes later", color.luma),
    ),
)

# Question 4


def _cut(image: Tensor, top: int, bottom: int) -> Tensor:
    height, width = image.shape[-2:]
    return image[..., top : height - bottom, top : width - bottom]


def _blackened(image: Tensor, border: int) -> Tensor:
    black = torch.zeros_like(image)
    _cut(black, border, border).copy_(_cut(image, border, border))
    return black


def _shave_cases() -> list[Arguments]:
    draw = torch.Generator().manual_seed(2)
    sizes = ((11, 14), 3), ((3, 12, 9), 2), ((1, 5, 6), 0)
    return [(torch.rand(size, generator=draw), border) for size, border in sizes]


SHAVE = Question(
    name="shave",
    examples=_shave_cases,
    reference=lambda image, border: _cut(image, border, border),
    mistakes=(
        Mistake(
            "with a border of 0 nothing is left: what is -0 in a Python slice?",
            lambda image, b: image[..., b:-b, b:-b],
        ),
        *(
            Mistake("it cuts the first two dimensions; in a tensor with three, these are channels and rows", wrong)
            for wrong in (
                lambda image, b: image[b:-b, b:-b],
                lambda image, b: image[b : image.shape[0] - b, b : image.shape[1] - b],
            )
        ),
        Mistake("it cuts only at the top and on the left", lambda image, b: _cut(image, b, 0)),
        Mistake("it cuts only at the bottom and on the right", lambda image, b: _cut(image, 0, b)),
        Mistake(
            "it cuts half of the border off each side; cut the whole border off each side",
            lambda im, b: _cut(im, b // 2, b - b // 2),
        ),
        Mistake("it cuts twice the border off each side", lambda image, b: _cut(image, 2 * b, 2 * b)),
        Mistake("it makes the border black; cut it off", _blackened),
        Mistake("it cuts only rows; what about columns?", lambda im, b: im[..., b : im.shape[-2] - b, :]),
        Mistake("it cuts only columns; what about rows?", lambda im, b: im[..., b : im.shape[-1] - b]),
    ),
)

# Question 5


def _each(outputs: list[Tensor], targets: list[Tensor], peak: float) -> list[float]:
    return [_psnr(o, t, peak) for o, t in zip(outputs, targets, strict=True)]


def _pooled(outputs: list[Tensor], targets: list[Tensor], peak: float, *, mean: Callable[..., float]) -> float:
    """The logarithm of an error of all images together."""
    errors = [(o - t).double().square() for o, t in zip(outputs, targets, strict=True)]
    return 10 * math.log10(peak**2 / mean(errors))


def _sets() -> list[Arguments]:
    cases = []
    for peak, sizes in (255, ((6, 5), (4, 9), (8, 8))), (1, ((1, 4, 4), (1, 12, 7), (1, 5, 6), (1, 3, 3))):
        outputs, targets = ([image * peak / 255 for image in side] for side in zip(*_pairs(*sizes), strict=True))
        cases.append((outputs, targets, peak))
    return cases


MEAN_PSNR = Question(
    name="mean_psnr",
    examples=_sets,
    reference=lambda *a: fmean(_each(*a)),
    mistakes=(
        Mistake(
            "it takes the logarithm of a mean error; take the mean of the PSNRs of the images",
            lambda *a: _pooled(*a, mean=lambda errors: fmean(e.mean().item() for e in errors)),
        ),
        Mistake(
            "it pools the pixels of all images; take the mean of the PSNRs of the images",
            lambda *a: _pooled(*a, mean=lambda errors: torch.cat([e.flatten() for e in errors]).mean().item()),
        ),
        Mistake(
            "it takes the logarithm of a mean error; take the mean of the PSNRs of the images",
            lambda *a: _pooled(*a, mean=lambda errors: fmean(e.mean().sqrt().item() for e in errors) ** 2),
        ),
        Mistake("it is a sum; the mean is asked for", lambda *a: sum(_each(*a))),
        Mistake("it uses only the first image; is the return inside the loop?", lambda *a: _each(*a)[0]),
        Mistake("it uses only the last image", lambda *a: _each(*a)[-1]),
        Mistake("it is the median; the mean is asked for", lambda *a: median(_each(*a))),
        Mistake("it returns a value for each image; their mean is asked for", _each),
        Mistake("it weights the images by their size; each image counts once", lambda *a: _by_size(*a)),
        Mistake("it uses 255 as the peak, whatever peak it is given", lambda o, t, p: fmean(_each(o, t, 255))),
        Mistake("it uses 1 as the peak, whatever peak it is given", lambda o, t, p: fmean(_each(o, t, 1))),
        Mistake(_NATURAL, lambda *a: fmean(_each(*a)) * math.log(10)),
    ),
)


def _by_size(outputs: list[Tensor], targets: list[Tensor], peak: float) -> float:
    sizes = [output.numel() for output in outputs]
    return sum(n * value for n, value in zip(sizes, _each(outputs, targets, peak), strict=True)) / sum(sizes)


QUESTIONS = {1: MSE, 2: PSNR, 3: LUMA, 4: SHAVE, 5: MEAN_PSNR, 6: CUBIC, 7: ENLARGE_ROW, 8: SCORE}
