"""The exercises of chapter 1 that have a check: a matrix that averages, and an image in disguise."""

import torch
from torch import Tensor

from srcnn.checks.judging import Arguments, Mistake, Question
from srcnn.resize import shrink

_SCALE = 3


def _averaging(n: int, scale: int) -> Tensor:
    return torch.kron(torch.eye(n // scale), torch.ones(1, scale)) / scale


def _picking(n: int, scale: int) -> Tensor:
    """The matrix that keeps one pixel of every block."""
    return torch.eye(n)[::scale]


def _interleaved(n: int, scale: int) -> Tensor:
    """Means of pixels that lie n / scale apart."""
    return torch.eye(n // scale).repeat(1, scale) / scale


def _seen(n: int) -> Tensor:
    """The projection of a line of n pixels onto the part that downsampling sees."""
    stripes = torch.eye(n, dtype=torch.float64)[:, None].expand(n, _SCALE, n)
    line = shrink(stripes, _SCALE)[:, 0].T
    inverse: Tensor = torch.linalg.pinv(line)
    return inverse @ line


def _hidden(image: Tensor) -> Tensor:
    down, across = (_seen(n).to(image.dtype) for n in image.shape[-2:])
    return image - down @ image @ across


def _images() -> list[Arguments]:
    generator = torch.Generator().manual_seed(0)
    shapes = ((15, 30), (1, 12, 18))
    return [tuple(torch.rand(shape, dtype=torch.float64, generator=generator) for _ in range(2)) for shape in shapes]


QUESTIONS: dict[int, Question] = {
    1: Question(
        name="averaging",
        examples=lambda: [(6, 3), (12, 2), (12, 4)],
        reference=_averaging,
        mistakes=(
            Mistake("what does it do to a line whose pixels are all 1?", lambda n, s: s * _averaging(n, s)),
            Mistake(
                "the line is multiplied from the left; how many rows must the matrix have?",
                lambda n, s: _averaging(n, s).T,
            ),
            Mistake("it keeps one pixel of each group and drops the others; a mean needs all of them", _picking),
            Mistake("the pixels that it averages are not neighbors", _interleaved),
        ),
    ),
    2: Question(
        name="disguise",
        examples=_images,
        reference=lambda image, wanted: image + _hidden(wanted - image),
        mistakes=(
            Mistake("it is the second image; does it have the LR version of the first?", lambda image, wanted: wanted),
            Mistake("the LR version is right, but `wanted` has no influence on it", lambda image, wanted: image),
            Mistake("it is half of each; is its LR version that of the first image?", lambda a, b: (a + b) / 2),
            Mistake("downsampled, it becomes black; which part is missing?", lambda image, wanted: _hidden(wanted)),
            Mistake(
                "the LR version is right, but is the hidden part of the first image still in it?",
                lambda image, wanted: image + _hidden(wanted),
            ),
            Mistake(
                "it disguises the second image as the first", lambda image, wanted: wanted + _hidden(image - wanted)
            ),
        ),
    ),
}
