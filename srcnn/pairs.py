"""Pairs: photographs to batches of (low resolution, original), cut on the device that trains.

Every image is decoded and shrunk once, whole; a batch is then one gather from memory. The usual way, a DataLoader that
decodes and resizes files for every batch, spends more time on that than on the network. Chapter 9.

A batch is a function of the seed and the step number alone, so a run that was killed goes on as if nothing had been.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from srcnn.files import InputError, free_memory
from srcnn.resize import downscale, enlarge, modcrop, shave, shrink


def pair(image: Tensor, scale: int, *, enlarged: bool) -> tuple[Tensor, Tensor]:
    """The network's input and its target for one image.

    Args:
        image: ``(C, H, W)``, in 0..1.
        scale: 2, 3 or 4.
        enlarged: whether the input is enlarged to the target's size (SRCNN) or stays small (the sub-pixel variant).

    Returns:
        The input, ``(C, H, W)`` or ``(C, H/scale, W/scale)``, and the target ``(C, H, W)``, after modcrop.
    """
    high = modcrop(image, scale)
    low = shrink(high, scale)
    return (enlarge(low, scale) if enlarged else low), high


def downscaled(images: Iterable[Tensor], factors: str) -> Iterator[Tensor]:
    """Every image at several sizes; see :attr:`srcnn.recipes.TrainConfig.scale_augmentation`.

    Args:
        images: ``(C, H, W)`` each, in 0..1.
        factors: above 0 and at most 1, joined by hyphens.

    Yields:
        The images, each downscaled by every factor.

    Raises:
        InputError: a factor is none.
    """
    try:
        numbers = [float(factor) for factor in factors.split("-")]
    except ValueError:
        numbers = [0.0]
    if not all(0 < number <= 1 for number in numbers):
        raise InputError(f"scale_augmentation {factors!r}: its factors are above 0 and at most 1, such as 1-0.8-0.6")
    for image in images:
        yield from (downscale(image, number) for number in numbers)


class RandomCrops:
    """Batches of random crops, turned and mirrored at random, from tensors that live on the device.

    Args:
        images: ``(C, H, W)`` each, in 0..1; those smaller than a crop are passed over.
        scale: 2, 3 or 4.
        size: side of the input crop in its own pixels; 33 in the paper.
        batch: crops a step.
        border: pixels that the network's valid convolutions lose on each side; the target loses them too.
        enlarged: as for :func:`pair`.
        seed: of the positions and turns.
        device: where the tensors live.
        shard: of every batch, the pairs to cut; several processes share a batch by it.

    Raises:
        InputError: no image is large enough for one crop, or memory does not hold them all.
    """

    def __init__(
        self,
        images: Iterable[Tensor],
        *,
        scale: int,
        size: int,
        batch: int,
        border: int,
        enlarged: bool,
        seed: int,
        device: torch.device | str = "cpu",
        shard: slice = slice(None),
    ) -> None:
        ratio = 1 if enlarged else scale
        whole = (pair(image, scale, enlarged=enlarged) for image in images if min(image.shape[-2:]) >= scale)
        pairs = list(_fitting((low, high) for low, high in whole if min(low.shape[-2:]) >= size))
        if not pairs:
            raise InputError(f"no image is large enough for one crop of {size * ratio} pixels")
        self.batch, self.seed, self.device, self._shard = batch, seed, torch.device(device), shard
        self._low = CropGather([low for low, _ in pairs], size, start=0, ratio=1, device=device)
        self._high = CropGather(
            [high for _, high in pairs], size - 2 * border, start=border, ratio=ratio, device=device
        )
        positions = [(low.shape[-2] - size + 1, low.shape[-1] - size + 1) for low, _ in pairs]
        self._columns = torch.tensor([columns for _, columns in positions])
        self._ends = torch.tensor([rows * columns for rows, columns in positions]).cumsum(0)

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """The batch of one step: inputs ``(N, C, size, size)`` and their targets, on the device."""
        return self.gather(self.choose(step).to(self.device))

    def choose(self, step: int, seeds: Sequence[int] = ()) -> Tensor:
        """Which crops a step takes, ``(4, N)`` on the CPU: image, row, column and turn of each.

        Args:
            step: its number, from 0.
            seeds: of several batches, which then stand one after the other; the own one where none is given.
        """
        draws = [self._draw(seed, step) for seed in seeds or (self.seed,)]
        place, turn = (torch.cat(each) for each in zip(*draws, strict=True))
        image = torch.searchsorted(self._ends, place, right=True)  # every position of every image is equally likely
        place = place - torch.where(image > 0, self._ends[image - 1], 0)
        row, column = place // self._columns[image], place % self._columns[image]
        return torch.stack([image, row, column, turn])

    def gather(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """The crops of :meth:`choose`, which is on the device by then."""
        return self._low(*chosen), self._high(*chosen)

    def _draw(self, seed: int, step: int) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(_mix(seed, step))
        place = torch.randint(int(self._ends[-1]), (self.batch,), generator=generator)
        turn = torch.randint(8, (self.batch,), generator=generator)
        return place[self._shard], turn[self._shard]


def _fitting(pairs: Iterable[tuple[Tensor, Tensor]]) -> Iterator[tuple[Tensor, Tensor]]:
    """The pairs, as long as there is memory to put them all into one row afterward."""
    taken = 0
    for number, (low, high) in enumerate(pairs, 1):
        taken += low.nbytes + high.nbytes
        free = free_memory()
        if free is not None and free < taken:
            raise InputError(
                f"memory is short after {number} training images, which take {taken / 1e6:,.0f} MB and as much again "
                "to be put together; use fewer (photos:100 takes 100 of a folder), or leave out --scale-augmentation"
            )
        yield low, high


class CropGather:
    """Equal squares from images of unequal size, all of a batch by one index into one long row of pixels.

    Args:
        images: ``(C, H, W)`` each.
        side: of the squares, in the pixels of the network's input.
        start: rows and columns by which a square begins later than its place says: the border of valid convolutions.
        ratio: how many of the images' pixels one of the input's is, down and across.
        device: where the pixels live.
    """

    def __init__(self, images: list[Tensor], side: int, *, start: int, ratio: int, device: torch.device | str) -> None:
        self._pixels = torch.cat([i.flatten(1) for i in images], dim=1).to(device)  # (C, all pixels)
        sizes = torch.tensor([i[0].numel() for i in images])
        self._offset = (sizes.cumsum(0) - sizes).to(device)
        self._width = torch.tensor([i.shape[-1] for i in images], device=device)
        self._start, self._ratio = start, ratio
        grid = torch.arange(side * ratio, device=device)
        square = torch.stack(torch.meshgrid(grid, grid, indexing="ij"))  # (2, side, side): row and column
        turned = [torch.rot90(s, k, (1, 2)) for s in (square, square.flip(2)) for k in range(4)]
        self._square = torch.stack(turned)  # (8, 2, side, side): the symmetries of a square

    def __call__(self, image: Tensor, row: Tensor, column: Tensor, turn: Tensor) -> Tensor:
        """Squares ``(N, C, side * ratio, side * ratio)``.

        Args:
            image: ``(N,)``, which of the images.
            row: ``(N,)``, of the square's upper edge, in the input's pixels.
            column: ``(N,)``, of its left edge.
            turn: ``(N,)``, 0..7: which of a square's eight symmetries.
        """
        square = self._square[turn]  # (N, 2, side, side)
        top, left = ((place + self._start) * self._ratio for place in (row, column))
        rows = square[:, 0] + top[:, None, None]
        columns = square[:, 1] + left[:, None, None]
        index = self._offset[image][:, None, None] + rows * self._width[image][:, None, None] + columns
        return self._pixels[:, index].movedim(0, 1)  # (N, C, side, side)


class Shuffled:
    """Batches from a fixed set of equal pairs, each pair once an epoch in an order drawn for that epoch.

    Args:
        low: inputs ``(M, C, h, w)``.
        high: targets ``(M, C, H, W)``.
        batch: pairs a step; the last batch of an epoch goes on into the next.
        seed: of the orders.
        shard: as for :class:`RandomCrops`.
    """

    def __init__(self, low: Tensor, high: Tensor, *, batch: int, seed: int, shard: slice = slice(None)) -> None:
        self._low, self._high, self._batch, self._seed, self._shard = low, high, batch, seed, shard
        # two, because a batch may end one epoch and begin the next
        self._order = lru_cache(maxsize=2)(self._draw)

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """The batch of one step: inputs ``(N, C, h, w)`` and targets ``(N, C, H, W)``."""
        return self.gather(self.choose(step).to(self._low.device))

    def choose(self, step: int) -> Tensor:
        """Which pairs a step takes, ``(N,)`` on the CPU."""
        count = len(self._low)
        number = torch.arange(step * self._batch, (step + 1) * self._batch)
        index = torch.cat(
            [
                self._order(epoch)[number[number // count == epoch] % count]
                for epoch in (number // count).unique().tolist()
            ]
        )
        return index[self._shard]

    def gather(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """The pairs of :meth:`choose`, which is on the device by then."""
        return self._low[chosen], self._high[chosen]

    def _draw(self, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed(_mix(self._seed, epoch))
        return torch.randperm(len(self._low), generator=generator)


def sub_images(
    images: Iterable[Tensor], *, scale: int, border: int, size: int = 33, stride: int = 14
) -> tuple[Tensor, Tensor]:
    """The paper's training set: overlapping squares on a grid, cut as the authors' script cuts them.

    On the 91 images at x3 this gives 21,884 pairs, not the 24,800 of the text. Chapter 9.

    Args:
        images: ``(C, H, W)`` each, in 0..1; those smaller than a square give none.
        scale: 2, 3 or 4.
        border: pixels that the network loses on each side; 6 leaves the paper's 21 x 21 targets.
        size: side of the input.
        stride: step of the grid.

    Returns:
        Inputs ``(M, C, size, size)`` and targets ``(M, C, size - 2*border, size - 2*border)``.

    Raises:
        InputError: no image is large enough for one square.
    """
    lows: list[Tensor] = []
    highs: list[Tensor] = []
    for image in images:
        if min(side - side % scale for side in image.shape[-2:]) < size:
            continue
        low, high = pair(image, scale, enlarged=True)
        inner = shave(high, border)
        for cut, into, side in ((low, lows, size), (inner, highs, size - 2 * border)):
            squares = cut.unfold(1, side, stride).unfold(2, side, stride)  # (C, rows, columns, side, side)
            into.append(squares.flatten(1, 2).movedim(0, 1))
    if not lows:
        raise InputError(f"no image is large enough for one sub-image of {size} x {size} pixels")
    return torch.cat(lows), torch.cat(highs)


def _mix(seed: int, number: int) -> int:
    """One seed out of two numbers; the factor is a large prime, so that neighbors stay apart."""
    return (seed * 1_000_003 + number) % 2**63
