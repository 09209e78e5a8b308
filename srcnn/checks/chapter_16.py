"""The exercises of chapter 16 that have a check: the overlap of tiles, and color through a luma network."""

from collections.abc import Callable
from math import ceil

import torch
from torch import Tensor

from srcnn.checks.judging import Arguments, Mistake, Question
from srcnn.color import rgb_to_ycbcr, ycbcr_to_rgb
from srcnn.resize import enlarge

Method = Callable[[Tensor, int], Tensor]


def _color(low: Tensor, method: Method, scale: int) -> Tensor:
    split = rgb_to_ycbcr(low)
    return ycbcr_to_rgb(torch.cat([method(split[:1], scale), enlarge(split[1:], scale)]))


def _every_channel(low: Tensor, method: Method, scale: int) -> Tensor:
    return ycbcr_to_rgb(method(rgb_to_ycbcr(low), scale))


def _of_rgb(low: Tensor, method: Method, scale: int) -> Tensor:
    return torch.cat([method(low[:1], scale), enlarge(low[1:], scale)])


def _nearest(image: Tensor, scale: int) -> Tensor:
    """A method that is easily told from bicubic interpolation."""
    return image.repeat_interleave(scale, -1).repeat_interleave(scale, -2)


def _images() -> list[Arguments]:
    generator = torch.Generator().manual_seed(0)
    return [(torch.rand(3, 8, 10, generator=generator), _nearest, scale) for scale in (2, 3)]


QUESTIONS: dict[int, Question] = {
    1: Question(
        name="overlap",
        examples=lambda: [(6, 2), (6, 3), (6, 4), (8, 2), (0, 3), (16, 5)],
        reference=lambda border, scale: ceil((border - 0.5) / scale + 0.5) + 1,
        mistakes=(
            Mistake(
                "bicubic interpolation needs neighbors of its own beyond what the network needs",
                lambda border, scale: ceil(border / scale),
            ),
            Mistake(
                "these are pixels of the upsampled image; the tile is cut from the LR image",
                lambda border, scale: border,
            ),
            Mistake(
                "the last of the four taps is missing",
                lambda border, scale: ceil((border - 0.5) / scale + 0.5),
            ),
        ),
    ),
    2: Question(
        name="upsample_color",
        examples=_images,
        reference=_color,
        mistakes=(
            Mistake("the method is for the luma alone; chroma is upsampled by bicubic interpolation", _every_channel),
            Mistake("red is not luma: convert first", _of_rgb),
            Mistake(
                "convert back to RGB at the end", lambda low, method, scale: rgb_to_ycbcr(_color(low, method, scale))
            ),
        ),
    ),
}
