"""Plain: the training loop of public SRCNN code, with which :mod:`srcnn.benchmarks` compares this package's own.

A data set that opens a file for every crop, a ``Sequential`` in PyTorch's default memory layout, Adam. Chapter 9 says
what is slow in it.
"""

import random
from collections.abc import Generator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from srcnn import images


class PlainPairs(Dataset):
    """Crops of 33 x 33 at x3, each from a file that is opened, cut and resized when it is asked for.

    Args:
        files: the images.
        length: of the set; the files come again and again.
    """

    def __init__(self, files: Sequence[Path], length: int) -> None:
        self.files, self.length = files, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        place = random.random(), random.random()
        return images.plain_pair(self.files[index % len(self.files)], scale=3, crop=33, border=6, place=place)


def plain_network() -> nn.Sequential:
    """The paper's 9-1-5 network as public SRCNN code writes it; :class:`srcnn.model.SRCNN` computes the same."""
    return nn.Sequential(nn.Conv2d(1, 64, 9), nn.ReLU(), nn.Conv2d(64, 32, 1), nn.ReLU(), nn.Conv2d(32, 1, 5))


def plain_steps(
    files: Sequence[Path], *, steps: int, batch: int = 32, workers: int = 0
) -> Generator[Tensor, None, None]:
    """The training loop.

    Args:
        files: the images.
        steps: how many batches are taken.
        batch: crops a step.
        workers: processes that read files; 0 reads them in this one.

    Yields:
        The loss of each step.
    """
    loader = DataLoader(PlainPairs(files, steps * batch), batch_size=batch, shuffle=True, num_workers=workers)
    network, criterion = plain_network(), nn.MSELoss()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for low, high in loader:
        optimizer.zero_grad()
        loss = criterion(network(low), high)
        loss.backward()
        optimizer.step()
        yield loss.detach()
