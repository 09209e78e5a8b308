"""The question of *Train and report* about training pairs, chapter 9, with its known mistakes."""

import torch
import torch.nn.functional as F
from torch import Tensor

from srcnn import pairs
from srcnn.checks.judging import Mistake, Question
from srcnn.resize import modcrop, shave, shrink


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
            "the target has the right size, but it was cut at the upper left corner, so it does not match the output",
            lambda x, s, b: (_cut(x, s, b)[0], _corner(modcrop(x, s), b)),
        ),
        Mistake(
            "the input has lost its border; only the target loses it",
            lambda x, s, b: tuple(shave(y, b) for y in pairs.pair(x, s, enlarged=True)),
        ),
        Mistake(
            "the border is cut off before the image is downsampled; downsample the whole image, then cut the target",
            _cut_before,
        ),
        Mistake(
            "the input has not been upsampled; it should have its final size",
            lambda x, s, b: (shrink(modcrop(x, s), s), _cut(x, s, b)[1]),
        ),
        Mistake("input and target are exchanged", lambda x, s, b: _cut(x, s, b)[::-1]),
        Mistake(
            "the image was resized to make its sides divisible, which blurs it; crop it instead",
            _resized,
        ),
        Mistake(
            "it was downsampled without antialiasing, which is PyTorch's default; see chapter 6, "
            '"Downsampling: first filter, then sample"',
            _torch_bicubic,
        ),
        Mistake(
            "it is cropped at the top and on the left; modcrop crops at the bottom and on the right",
            lambda x, s, b: _cropped_at("upper left", x, s, b),
        ),
        Mistake(
            "it is cropped on all sides; modcrop crops at the bottom and on the right",
            lambda x, s, b: _cropped_at("middle", x, s, b),
        ),
    ),
)
