"""The exercises of chapter 9 that have a check: counting sub-images, and what commutes with the degradation."""

from collections.abc import Callable

import torch
from torch import Tensor

from srcnn.checks.judging import Arguments, Mistake, Question
from srcnn.resize import enlarge, shrink

Change = Callable[[Tensor], Tensor]


def _count(height: int, width: int, scale: int) -> int:
    rows, columns = ((n // scale * scale - 33) // 14 + 1 for n in (height, width))
    return rows * columns


def _gap(change: Change, image: Tensor, scale: int) -> Tensor:
    def degrade(x: Tensor) -> Tensor:
        return enlarge(shrink(x, scale), scale)

    return (degrade(change(image)) - change(degrade(image)))[..., 24:-24, 24:-24].abs()


def _mirrored(x: Tensor) -> Tensor:
    return x.flip(-1)


def _turned(x: Tensor) -> Tensor:
    return torch.rot90(x, 1, (-2, -1))


def _moved(x: Tensor) -> Tensor:
    return x.roll(1, -1)


def _shifted(x: Tensor) -> Tensor:
    return x.roll(6, -1)


def _squared(x: Tensor) -> Tensor:
    return x.square()


def _cases() -> list[Arguments]:
    image = torch.rand(1, 72, 72, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    changes = (_mirrored, _turned, _moved, _shifted, _squared)
    return [(change, image, scale) for scale in (2, 3) for change in changes]


QUESTIONS: dict[int, Question] = {
    1: Question(
        name="count",
        examples=lambda: [(321, 481, 3), (427, 640, 4), (512, 512, 2), (33, 47, 3), (256, 199, 4)],
        reference=_count,
        mistakes=(
            Mistake(
                "modcrop comes first, and may cost the last place of a line",
                lambda height, width, scale: ((height - 33) // 14 + 1) * ((width - 33) // 14 + 1),
            ),
            Mistake(
                "the place at 0 counts as well",
                lambda height, width, scale: (
                    ((height // scale * scale - 33) // 14) * ((width // scale * scale - 33) // 14)
                ),
            ),
            Mistake(
                "a patch must lie inside as a whole",
                lambda height, width, scale: (height // scale * scale // 14) * (width // scale * scale // 14),
            ),
        ),
    ),
    2: Question(
        name="commutes",
        examples=_cases,
        reference=lambda change, image, scale: bool(_gap(change, image, scale).max() < 1e-5),
        mistakes=(
            Mistake(
                "compare two ways to the input, not the image with the changed image",
                lambda change, image, scale: bool((change(image) - image).abs().max() < 1e-5),
            ),
            Mistake(
                "it is the other way round",
                lambda change, image, scale: bool(_gap(change, image, scale).max() >= 1e-5),
            ),
        ),
    ),
}
