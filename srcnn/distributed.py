"""Distributed: one training run on several processes, of one machine or of many. See "The commands".

``torchrun`` starts the processes and gives each its number (its *rank*) in environment variables. All draw the same
batch, each computes the gradients of its own share, and the mean of their gradients is that of the whole batch.
"""

import os
import re
import signal
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from srcnn.files import InputError

_NAMES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
_CONNECTION_ERRORS = re.compile(
    "gloo|NCCL|Connection|Timed out"
)  # in the errors of torch that have no class of their own
_TIMEOUT = timedelta(minutes=10)  # for a process that says nothing; a dead one is noticed at once


class WorkerLost(RuntimeError):
    """Another process of the group is gone; the message tells how to go on."""


@dataclass
class Group:
    """The processes that share a run; alone, nothing is exchanged.

    Attributes:
        rank: number of this process; only rank 0 reads and writes the run's folder, and prints.
        size: how many there are.
        device: of this process.
        progress_note: says how far the run is and how to go on with it, should a process be lost.
    """

    rank: int = 0
    size: int = 1
    device: str = "cpu"
    progress_note: Callable[[], str] = lambda: "before the first step"

    def broadcast(self, value: Any) -> Any:
        """Rank 0's value, on every rank."""
        values = [value]
        if self.size > 1:
            dist.broadcast_object_list(values, src=0)
        return values[0]

    def all_reduce_mean(self, value: Tensor) -> Tensor:
        """The mean of the ranks' values."""
        if self.size > 1:
            dist.all_reduce(value)
        return value / self.size

    def wrap_ddp(self, network: nn.Module) -> nn.Module:
        """The network, whose gradients are those of the whole group after ``backward``."""
        if self.size == 1:
            return network
        # DDP warns of the stride of an axis of length 1, such as the one filter of the last layer
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
        return nn.parallel.DistributedDataParallel(network)

    @contextmanager
    def agree_on_errors(self) -> Iterator[None]:
        """Ends every rank where one of them raises: rank 0 raises the first error, the others end silently."""
        error = None
        try:
            yield
        except (InputError, OSError) as caught:
            if self.size == 1:
                raise
            error = caught
        if self.size > 1:
            errors: list[Exception | None] = [None] * self.size
            dist.all_gather_object(errors, error)
            first = next(filter(None, errors), None)
            if first:
                _end_group()
                raise first if self.rank == 0 else SystemExit(2)


def is_main_process() -> bool:
    """Whether this process is rank 0, which alone prints what all ranks find wrong."""
    try:
        return _rank_from_environment()[0] == 0
    except InputError:
        return True


@contextmanager
def process_group(device: str) -> Iterator[Group]:
    """Meet the other processes that ``torchrun`` started; without it, be a group of one.

    Args:
        device: ``"cpu"`` or ``"cuda"``, of which each process of a machine takes its own; alone, any device.

    Yields:
        The group.

    Raises:
        InputError: the environment variables are not those of torchrun, or there are not enough CUDA devices.
        WorkerLost: another process is gone, or was silent for ten minutes.
    """
    rank, size, local = _rank_from_environment()
    if size == 1:
        yield Group(device=device)
        return
    if not dist.is_available():
        raise InputError("this PyTorch was built without torch.distributed; train in one process, without torchrun")
    kind = device.partition(":")[0]
    if kind not in ("cpu", "cuda"):
        raise InputError(f"several processes cannot share a run on {kind}; give --device cpu")
    group = Group(rank, size, f"cuda:{local}" if kind == "cuda" else kind)
    notice = _TerminationNotice(group, local)
    try:
        notice.store, *_ = next(dist.rendezvous("env://", timeout=_TIMEOUT))  # type: ignore[attr-defined]  # not listed
        backend = "cpu:gloo,cuda:nccl" if kind == "cuda" else "gloo"
        dist.init_process_group(backend, store=notice.store, rank=rank, world_size=size, timeout=_TIMEOUT)
        with group.agree_on_errors():
            if kind == "cuda" and local >= torch.cuda.device_count():
                raise InputError(f"there are {torch.cuda.device_count()} CUDA devices; start no more")
        if kind == "cuda":
            torch.cuda.set_device(local)
        yield group
    except BaseException as error:
        notice.claim()  # first of all: from here on the SIGTERM that torchrun sends does nothing
        lost = isinstance(error, dist.DistError) or (
            isinstance(error, RuntimeError) and _CONNECTION_ERRORS.search(str(error))
        )
        mine = (lost or dist.is_initialized()) and notice.first()  # what ends all alike needs no asking who speaks
        if kind == "cpu":  # NCCL would wait for a lost one
            with suppress(RuntimeError):
                _end_group()
        if not lost:
            raise
        cause = str(error).partition("\n")[0][:200]
        raise WorkerLost(f"a worker was lost {group.progress_note()} ({cause})") if mine else SystemExit(1) from None
    _end_group()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end_group() -> None:
    """Ends the threads of a group; beside living ones a process may be aborted as it ends, with another status."""
    if dist.is_initialized():
        dist.destroy_process_group()


class _TerminationNotice:
    """Lets one of the processes that are left say how to go on, even where its main thread waits for a dead one."""

    def __init__(self, group: Group, local: int) -> None:
        self.store: Any = None  # torch.distributed's, once there is one
        self._group, self._local, self._leaving = group, local, threading.Lock()
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        # torchrun sends SIGTERM when a worker was lost; a handler would not run while NCCL or gloo waits, a thread does
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.set_wakeup_fd(self._writer.fileno())
        threading.Thread(target=self._listen, daemon=True).start()

    def claim(self) -> None:
        """From here on the main thread alone speaks."""
        self._leaving.acquire()  # for good; where the thread has it, this waits for the end

    def first(self) -> bool:
        """Whether this process is the one to speak, which is rank 0 where that is left."""
        if self._group.rank:
            time.sleep(2)  # rank 0 knows best what was saved
        try:
            return self.store.add("notice", 1) == 1 or self._group.rank == 0
        except (AttributeError, RuntimeError):  # no store yet, or its machine is the lost one
            return self._local == 0

    def _listen(self) -> None:
        while self._reader.recv(1)[0] != signal.SIGTERM:
            pass
        if self._leaving.acquire(blocking=False):
            if self.first():
                words = f"srcnn: ended from outside, as when a worker is lost, {self._group.progress_note()}\n"
                os.write(2, words.encode())
            os._exit(128 + signal.SIGTERM)  # the main thread may hang; the folder is whole at any moment


def _rank_from_environment() -> tuple[int, int, int]:
    """Rank, size of the group, and number of this process on its machine, as torchrun tells them."""
    values = {name: os.environ.get(name, "") for name in _NAMES}
    if not values["RANK"] and not values["WORLD_SIZE"]:
        return 0, 1, 0
    numbers = [int(values[name]) for name in _NAMES[:3] if values[name].isdecimal()]
    if not all(values.values()) or len(numbers) < 3 or numbers[0] >= numbers[1]:
        told = ", ".join(f"{name}={value or 'nothing'}" for name, value in values.items())
        raise InputError(f"{told} make no group of processes; start them with torchrun, or unset RANK and WORLD_SIZE")
    return numbers[0], numbers[1], numbers[2]
