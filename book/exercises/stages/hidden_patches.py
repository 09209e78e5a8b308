"""Hidden test cases of *Three stages by hand* on patches; the oracles are NumPy's, SciPy's and plain loops."""

from collections.abc import Callable

import numpy as np
import scipy.signal
import torch
from exercises.draw import Draw, agree, case, double, tensor
from torch import Tensor

from srcnn.checks.stages_layers import QUESTIONS

# Question 1


@case(question=1, points=0.5, title="images into which few patches fit")
def few_places(patches: Callable, draw: Draw) -> None:
    """Images with a single position, one row of positions, or one column."""
    cases = []
    for size in draw.sizes.sample(range(2, 9), 3):
        more = draw.between(1, 4)
        for shape in ((size, size), (size, size + more), (size + more, size)):
            cases.append((draw.normal(*shape), size))
    agree(QUESTIONS[1], patches, cases, _windows)


@case(question=1, points=0.5, title="patches of one pixel")
def one_pixel(patches: Callable, draw: Draw) -> None:
    cases = [(draw.normal(*draw.sides(1)), 1) for _ in range(3)]
    agree(QUESTIONS[1], patches, cases, lambda image, size: image.reshape(-1, 1))


@case(question=1, points=1, title="all patches of images of many shapes")
def all_patches(patches: Callable, draw: Draw) -> None:
    sizes = (2, 3, draw.between(2, 9), draw.between(2, 9))
    cases = [(draw.normal(*draw.sides(size + 1)), size) for size in sizes]
    agree(QUESTIONS[1], patches, cases, _windows)


def _windows(image: Tensor, size: int) -> Tensor:
    windows = np.lib.stride_tricks.sliding_window_view(image.numpy(), (size, size))
    return tensor(windows.reshape(-1, size**2))


# Question 2


@case(question=2, points=0.5, title="symmetric filters")
def symmetric_filters(filter_image: Callable, draw: Draw) -> None:
    cases = []
    for size in draw.sizes.sample(range(2, 6), 3):
        kernel = draw.normal(size, size)
        kernel = (kernel + kernel.flip(0)) / 2
        kernel = (kernel + kernel.flip(1)) / 2
        cases.append((draw.normal(*draw.sides(size + 1)), (kernel + kernel.T) / 2))
    cases.append((draw.normal(5, 5), torch.ones(5, 5)))  # a single position
    agree(QUESTIONS[2], filter_image, cases, _correlated)


@case(question=2, points=0.5, title="filters with a single 1 which shift the image")
def shifts(filter_image: Callable, draw: Draw) -> None:
    cases = []
    for size in (3, 4, 5):
        kernel = torch.zeros(size, size)
        places = [(i, j) for i in range(size) for j in range(size) if i != j and i + j != size - 1]
        kernel[draw.sizes.choice(places)] = 1  # where a rotated filter and a transposed one have it elsewhere
        cases.append((draw.normal(*draw.sides(size + 1)), kernel))
    agree(QUESTIONS[2], filter_image, cases, _shifted)


def _shifted(image: Tensor, kernel: Tensor) -> Tensor:
    (row, column), size = kernel.nonzero()[0].tolist(), len(kernel)
    return image[row : row + image.shape[0] - size + 1, column : column + image.shape[1] - size + 1]


@case(question=2, points=1, title="any filter on any image")
def any_filter(filter_image: Callable, draw: Draw) -> None:
    cases = [(draw.normal(*draw.sides(size + 1)), draw.normal(size, size)) for size in (1, 2, 3, draw.between(2, 7))]
    agree(QUESTIONS[2], filter_image, cases, _correlated)


def _correlated(image: Tensor, kernel: Tensor) -> Tensor:
    return tensor(scipy.signal.correlate2d(*double(image, kernel), mode="valid"))


# Question 6


@case(question=6, points=1, title="unchanged patches give the image back")
def unchanged_patches(average: Callable, draw: Draw) -> None:
    cases = []
    sides = [(size, *draw.sides(size + 1)) for size in (2, 3, draw.between(4, 5))]
    for size, height, width in [*sides, (4, 4, 9), (3, 3, 3)]:
        cases.append((_windows(draw.normal(height, width), size), height, width))
    agree(QUESTIONS[6], average, cases, _averaged)


@case(question=6, points=1, title="one patch among black ones")
def one_voice(average: Callable, draw: Draw) -> None:
    cases = _random_patches(draw)
    for patches, _, _ in cases:
        speaks = draw.between(0, len(patches) - 1)
        patches[:speaks] = patches[speaks + 1 :] = 0
    agree(QUESTIONS[6], average, cases, _averaged)


@case(question=6, points=1, title="patches that contradict each other")
def contradictions(average: Callable, draw: Draw) -> None:
    agree(QUESTIONS[6], average, _random_patches(draw), _averaged)


def _random_patches(draw: Draw) -> list[tuple[Tensor, int, int]]:
    cases = []
    for size in (1, 2, 3, draw.between(2, 5)):
        height, width = draw.sides(2 * size)
        places = (height - size + 1) * (width - size + 1)
        cases.append((draw.normal(places, size**2), height, width))
    return cases


def _averaged(patches: Tensor, height: int, width: int) -> Tensor:
    estimates = [[[] for _ in range(width)] for _ in range(height)]  # of each pixel
    size = round(patches.shape[1] ** 0.5)
    for place, patch in enumerate(patches.tolist()):
        top, left = divmod(place, width - size + 1)
        for pixel, value in enumerate(patch):
            estimates[top + pixel // size][left + pixel % size].append(value)
    return torch.tensor([[sum(some) / len(some) for some in row] for row in estimates])
