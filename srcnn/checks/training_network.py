"""Questions of *Train and report* about the network and its pairs, chapters 8 and 9, with their known mistakes."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from srcnn import pairs
from srcnn.checks.judging import Mistake, Question
from srcnn.resize import modcrop, shave, shrink

# Question 1


def _layers(kernels: tuple, widths: tuple, channels: int) -> Iterator[tuple[int, int, int]]:
    """Side, inputs and outputs of each layer."""
    sizes = (channels, *widths, channels)
    return zip(kernels, sizes, sizes[1:], strict=False)


PARAMETERS = Question(
    name="parameters",
    examples=lambda: [((9, 1, 5), (64, 32), 1), ((3, 1, 5), (4, 6), 3), ((9, 3, 3, 5), (16, 8, 4), 2)],
    reference=lambda k, w, c: sum(f * f * n * m + m for f, n, m in _layers(k, w, c)),
    mistakes=(
        Mistake("the biases are missing", lambda k, w, c: sum(f * f * n * m for f, n, m in _layers(k, w, c))),
        Mistake(
            "a filter has more numbers than its side says; how many places has it?",
            lambda k, w, c: sum(f * n * m + m for f, n, m in _layers(k, w, c)),
        ),
        Mistake(
            "each filter is counted as one plane; how many maps does it look at?",
            lambda k, w, c: sum(f * f * m + m for f, n, m in _layers(k, w, c)),
        ),
        Mistake(
            "the last layer has no biases here; is there one number for each channel of the output?",
            lambda k, w, c: sum(f * f * n * m + m for f, n, m in _layers(k, w, c)) - c,
        ),
        Mistake(
            "the channels of the picture are taken for one; they come in at the first layer and out at the last",
            lambda k, w, c: sum(f * f * n * m + m for f, n, m in _layers(k, w, 1)),
        ),
        Mistake(
            "there is one bias for each filter, not one for each of its planes",
            lambda k, w, c: sum((f * f + 1) * n * m for f, n, m in _layers(k, w, c)),
        ),
    ),
)

# Question 2


def _reach(kernels: tuple) -> tuple[int, int]:
    lost = sum(kernels) - len(kernels)
    return lost // 2, lost + 1


REACH = Question(
    name="reach",
    examples=lambda: [((9, 1, 5),), ((9, 5, 5),), ((3, 3, 3, 3),), ((7,),)],
    reference=_reach,
    mistakes=(
        Mistake("that border is lost in all; how much of it on each side?", lambda k: (sum(k) - len(k), _reach(k)[1])),
        Mistake("the pixel in the middle is seen too", lambda k: (_reach(k)[0], 2 * _reach(k)[0])),
        Mistake(
            "the sides are simply added up; how many pixels does a filter of side 1 add to what is seen?",
            lambda k: (_reach(k)[0], sum(k)),
        ),
        Mistake("only the largest filter counts; what do the others see?", lambda k: (_reach(k)[0], max(k))),
        Mistake("only the largest filter counts; what do the others take?", lambda k: (max(k) // 2, max(k))),
        Mistake("the two numbers are exchanged", lambda k: _reach(k)[::-1]),
        Mistake(
            "the border is too wide: a filter of side 1 takes nothing from the picture",
            lambda k: (sum(k) // 2, _reach(k)[1]),
        ),
    ),
)

# Question 3


def _cut(image: Tensor, scale: int, border: int) -> tuple[Tensor, Tensor]:
    low, high = pairs.pair(image, scale, enlarged=True)
    return low, shave(high, border)


def _resized(image: Tensor, scale: int, border: int) -> tuple[Tensor, Tensor]:
    """Makes the sides divisible by resizing."""
    size = modcrop(image, scale).shape[-2:]
    return _cut(F.interpolate(image[None], size, mode="bicubic", antialias=True)[0], scale, border)


def _torch_bicubic(image: Tensor, scale: int, border: int) -> tuple[Tensor, Tensor]:
    high = modcrop(image, scale)
    size = [side // scale for side in high.shape[-2:]]
    low = F.interpolate(F.interpolate(high[None], size, mode="bicubic"), high.shape[-2:], mode="bicubic")
    return low[0], shave(high, border)


def _cut_before(image: Tensor, scale: int, border: int) -> tuple[Tensor, Tensor]:
    """Cuts the border off first and the multiple of the scale afterwards."""
    return pairs.pair(shave(image, border), scale, enlarged=True)


def _cropped_at(corner: str, image: Tensor, scale: int, border: int) -> tuple[Tensor, Tensor]:
    top, left = (side % scale // (1 if corner == "upper left" else 2) for side in image.shape[-2:])
    height, width = modcrop(image, scale).shape[-2:]
    return _cut(image[..., top : top + height, left : left + width], scale, border)


def _corner(image: Tensor, border: int) -> Tensor:
    return image[..., : image.shape[-2] - 2 * border, : image.shape[-1] - 2 * border]


CUT_PAIR = Question(
    name="cut_pair",
    examples=lambda: [
        (torch.rand(1, 29, 23, generator=torch.Generator().manual_seed(0)), 3, 2),
        (torch.rand(3, 19, 22, generator=torch.Generator().manual_seed(1)), 4, 1),
    ],
    reference=_cut,
    forbidden=(pairs.pair, pairs.sub_images),
    mistakes=(
        Mistake(
            "the target is as large as the input; what do the valid convolutions leave?",
            lambda x, s, b: pairs.pair(x, s, enlarged=True),
        ),
        Mistake(
            "the target has the right size, but it was cut at the upper left corner: it does not lie under the output",
            lambda x, s, b: (_cut(x, s, b)[0], _corner(modcrop(x, s), b)),
        ),
        Mistake(
            "the input has lost its border; only the target loses it",
            lambda x, s, b: tuple(shave(y, b) for y in pairs.pair(x, s, enlarged=True)),
        ),
        Mistake(
            "the border is cut off before the picture is shrunk; shrink the whole picture, and cut the target only",
            _cut_before,
        ),
        Mistake(
            "the input is still small; it should have its final size",
            lambda x, s, b: (shrink(modcrop(x, s), s), _cut(x, s, b)[1]),
        ),
        Mistake("input and target are exchanged", lambda x, s, b: _cut(x, s, b)[::-1]),
        Mistake(
            "the picture was resized to make its sides divisible, which softens it; cut the rest off",
            _resized,
        ),
        Mistake(
            "it was shrunk without smoothing, as torch's bicubic does unless told otherwise; see chapter 6",
            _torch_bicubic,
        ),
        Mistake(
            "what is too much was cut off at the top and on the left; modcrop cuts at the bottom and on the right",
            lambda x, s, b: _cropped_at("upper left", x, s, b),
        ),
        Mistake(
            "what is too much was cut off on all sides; modcrop cuts at the bottom and on the right",
            lambda x, s, b: _cropped_at("middle", x, s, b),
        ),
    ),
)
