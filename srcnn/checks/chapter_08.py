"""The exercises of chapter 8 that have a check: the work of valid convolutions, and tiles without a seam."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from srcnn.checks.judging import Arguments, Mistake, NotYet, Question

# Exercise 1


def _work(
    kernels: tuple[int, ...], widths: tuple[int, ...], side: int, *, at: str = "output", each: int = 1, power: int = 2
) -> int:
    """Multiply-adds of a valid network for luma, and the ways to miscount them.

    Args:
        kernels: the sides of the filters.
        widths: of all layers but the last.
        side: of the input patch.
        at: the size at which a layer is counted: its ``"output"``, its ``"input"``, the ``"first"`` or the ``"last"``.
        each: how much one multiply-add counts.
        power: the power to which a filter's side is raised.
    """
    last = side - sum(f - 1 for f in kernels)
    total, size = 0, side
    for f, inputs, outputs in zip(kernels, (1, *widths), (*widths, 1), strict=True):
        before, size = size, size - f + 1
        positions = {"output": size, "input": before, "first": side, "last": last}[at] ** 2
        total += each * f**power * inputs * outputs * positions
    return total


def _one_channel(kernels: tuple[int, ...], widths: tuple[int, ...], side: int) -> int:
    """As if every filter read one channel only."""
    total = 0
    for f, outputs in zip(kernels, (*widths, 1), strict=True):
        side -= f - 1
        total += f * f * outputs * side * side
    return total


def _weights_alone(kernels: tuple[int, ...], widths: tuple[int, ...], side: int) -> int:
    return sum(f * f * a * b for f, a, b in zip(kernels, (1, *widths), (*widths, 1), strict=True))


# Exercise 2

_DRAW = torch.Generator().manual_seed(8)
_FIVE = torch.randn(1, 1, 5, 5, generator=_DRAW, dtype=torch.float64) / 5
_THREE = torch.randn(1, 1, 3, 3, generator=_DRAW, dtype=torch.float64) / 3


def _small(y: Tensor) -> Tensor:
    return F.conv2d(y.double(), _FIVE).to(y.dtype)


def _two_layers(y: Tensor) -> Tensor:
    return F.conv2d(F.conv2d(y.double(), _FIVE).relu(), _THREE).to(y.dtype)


def _for_tiles(network: Callable[..., Tensor], largest: int) -> Callable[..., Tensor]:
    """The network, with memory for inputs of at most this side."""

    def limited(y: Tensor) -> Tensor:
        if max(y.shape[-2:]) > largest:
            raise NotYet(
                f"the network got {y.shape[-2]} x {y.shape[-1]} pixels at once; {largest} x {largest} are enough"
            )
        return network(y)

    return limited


def _padded_once(
    network: Callable[..., Tensor], y: Tensor, side: int, border: int, *, mode: str = "replicate"
) -> Tensor:
    """The whole image padded, and then cut into overlapping tiles."""
    padded, result = F.pad(y, [border] * 4, mode=mode), torch.zeros_like(y)
    needed = side + 2 * border
    for top in range(0, y.shape[2], side):
        for left in range(0, y.shape[3], side):
            tile = padded[..., top : top + needed, left : left + needed]
            result[..., top : top + side, left : left + side] = network(tile)
    return result


def _each_padded(
    network: Callable[..., Tensor], y: Tensor, side: int, border: int, *, mode: str = "replicate"
) -> Tensor:
    """Every tile padded by itself, as if it were an image."""
    result = torch.zeros_like(y)
    for top in range(0, y.shape[2], side):
        for left in range(0, y.shape[3], side):
            tile = F.pad(y[..., top : top + side, left : left + side], [border] * 4, mode=mode)
            result[..., top : top + side, left : left + side] = network(tile)
    return result


def _images() -> list[Arguments]:
    draw = torch.Generator().manual_seed(81)
    sizes = ((17, 21, 6, 2, _small), (12, 12, 4, 3, _two_layers), (9, 14, 5, 3, _two_layers))
    return [
        (_for_tiles(network, side + 2 * border), torch.rand(1, 1, h, w, generator=draw), side, border)
        for h, w, side, border, network in sizes
    ]


_SEAM = "the tiles have seams, because each is padded by itself; which pixels surround a tile in the image?"

QUESTIONS: dict[int, Question] = {
    1: Question(
        name="multiply_adds",
        examples=lambda: [((9, 1, 5), (64, 32), 33), ((5, 3, 3), (8, 4), 20), ((3, 3, 3, 5), (4, 6, 2), 17)],
        reference=_work,
        mistakes=(
            Mistake(
                "every layer is counted at the size of the patch; how large is each layer's output?",
                lambda *a: _work(*a, at="first"),
            ),
            Mistake(
                "a layer is counted at the size of its input; at how many positions does its filter fit?",
                lambda *a: _work(*a, at="input"),
            ),
            Mistake(
                "every layer is counted at the size of the last output; the earlier ones are larger",
                lambda *a: _work(*a, at="last"),
            ),
            Mistake(
                "it is twice as large as it should be; a multiply-add is two FLOPs, but count it once",
                lambda *a: _work(*a, each=2),
            ),
            Mistake("one channel of a filter has more than f weights", lambda *a: _work(*a, power=1)),
            Mistake("how many channels does a filter of the second layer read?", _one_channel),
            Mistake("this is the number of weights; at how many positions is each of them used?", _weights_alone),
        ),
        tolerance=0,
    ),
    2: Question(
        name="in_tiles",
        examples=_images,
        reference=_padded_once,
        mistakes=(
            Mistake(_SEAM, _each_padded),
            Mistake(_SEAM, lambda *a: _each_padded(*a, mode="constant")),
            Mistake(
                "beyond the border of the image it has zeros; the protocol repeats the border pixel",
                lambda *a: _padded_once(*a, mode="constant"),
            ),
            Mistake(
                "beyond the border it mirrors the image; the protocol repeats the border pixel",
                lambda *a: _padded_once(*a, mode="reflect"),
            ),
        ),
    ),
}
