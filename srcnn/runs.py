"""Runs: a training run on disk, which can be killed at any moment and goes on as if nothing had been. Chapter 10.

A run's folder holds ``config.json``, ``history.jsonl`` (one line per 10 steps, or 100 in a long run),
``checkpoint.pt`` with the one before it, and, at the end, ``weights.safetensors``. On a CPU a run that was stopped and
resumed ends in the same bits as one that was not; a GPU's sums may come in another order each time.
"""

import contextlib
import io
import json
import os
import time
import weakref
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

import torch

from srcnn import data, pretrained
from srcnn.color import channels
from srcnn.distributed import Group
from srcnn.files import InputError, Taken, atomic, hold, naming, read_history, sync, whole_zip, write
from srcnn.model import SRCNN
from srcnn.pairs import RandomCrops, Shuffled, downscaled, sub_images
from srcnn.recipes import TrainConfig, command_line, read_settings
from srcnn.training import Batches, Learner, Step, make_model, train
from srcnn.tutorial import tutorial_pairs

_CHECKPOINT = 500  # steps between two checkpoints; a multiple of the steps per line of the history


def make_batches(
    config: TrainConfig, model: SRCNN, *, device: torch.device | str = "cpu", shard: slice = slice(None)
) -> RandomCrops | Shuffled:
    """The batches of a configuration, from its data set, on the device; or this shard of each.

    Raises:
        InputError: the data are missing or too small, or the sampling is unknown or does not go with the network.
    """
    border = model.border if model.padding == "valid" else 0
    shuffled: dict[str, Any] = {"batch": config.batch_size, "seed": config.seed, "shard": shard}
    if config.sampling == "tutorial":
        if model.scale is None:
            raise InputError("the tutorial's pairs hold small images, which only --architecture subpixel enlarges")
        if config.scale_augmentation != "1":
            raise InputError("the tutorial's pairs have one size; leave out --scale-augmentation or change the recipe")
        side = config.patch_size * config.scale
        low, high = tutorial_pairs(config.data, "train", scale=config.scale, crop=side)
        return Shuffled(low.to(device), high.to(device), **shuffled)
    named = data.noticing_small(data.photographs(config.data, "train"), config.patch_size * (model.scale or 1))
    photographs = downscaled((channels(image, config.color) for _, image in named), config.scale_augmentation)
    if config.sampling == "sub-images":
        if model.scale is not None:
            raise InputError("sub-images are enlarged already; --architecture subpixel goes with --recipe fast")
        low, high = sub_images(photographs, scale=config.scale, border=border, size=config.patch_size)
        return Shuffled(low.to(device), high.to(device), **shuffled)
    if config.sampling != "crops":
        raise InputError(f"sampling {config.sampling!r} is unknown; it is crops, sub-images or tutorial")
    return RandomCrops(
        photographs,
        scale=config.scale,
        size=config.patch_size,
        border=border,
        enlarged=model.scale is None,
        device=device,
        **shuffled,
    )


def start(config: TrainConfig, device: torch.device | str = "cpu") -> tuple[Learner, Batches]:
    """A new network with its optimizer, and the batches it is to see: what :func:`srcnn.training.train` takes.

    Raises:
        InputError: as for :func:`make_batches`, :func:`~srcnn.training.make_model` and
            :class:`~srcnn.training.Learner`.
    """
    model = make_model(config)
    batches = make_batches(config, model, device=device)
    return Learner(model, config, device), batches


class Run:
    """A training run in a folder.

    Iterating trains and saves; each item is the :class:`~srcnn.training.Step` just done.

    Args:
        config: of the run.
        folder: made if it is missing.
        device: as for :class:`~srcnn.training.Learner`.
        resume: go on from the folder's checkpoint; without it a folder that holds a run is refused.
        group: the processes that share the run, of which only rank 0 needs the folder; see :mod:`srcnn.distributed`.

    Raises:
        InputError: the folder cannot be used, holds another run, the data are not there, or the processes cannot
            share a batch equally.

    Attributes:
        learner: the state of the training.
        batches: see :func:`make_batches`.
        group: the processes.
        folder: of the run.
        warning: something the caller should tell the user, or None.
    """

    def __init__(
        self,
        config: TrainConfig,
        folder: str | os.PathLike[str],
        *,
        device: torch.device | str = "cpu",
        resume: bool = False,
        group: Group | None = None,
    ) -> None:
        self.folder, self.group = Path(folder), group or Group()
        self.warning: str | None = None
        self._seconds, self._saved = 0.0, 0
        self._release: weakref.finalize[[], Run] | None = None
        rank, size = self.group.rank, self.group.size
        with self.group.agree_on_errors():
            if config.batch_size % size:
                raise InputError(f"{size} processes cannot share a batch of {config.batch_size}; give a multiple")
            if rank == 0:
                self._check_folder(config, resume)
            model = make_model(config)
            shard = slice(rank, None, size)  # equal shares, so that the mean of their gradients is the batch's
            self.batches = make_batches(config, model, device=device, shard=shard)
        self.learner = Learner(model, config, device, wrap=self.group.wrap_ddp, processes=size)
        with self.group.agree_on_errors():
            if rank == 0:
                self._open_folder(config, resume)
        if size > 1:
            self._share_state()
        self.group.progress_note = self._progress_note

    def __iter__(self) -> Iterator[Step]:
        learner, config, writes = self.learner, self.learner.config, self.group.rank == 0
        began, losses = time.monotonic() - self._seconds, []
        stride = 10 if config.steps <= 5_000 else 100  # a long run's log should stay small
        with self._log() as history:
            for step in train(learner, self.batches):
                self._seconds = time.monotonic() - began  # kept, so that a loop that stops here can be taken up again
                losses.append(step.loss)
                if step.number % stride == 0 or step.number == config.steps:
                    loss = float(f"{self.group.all_reduce_mean(torch.stack(losses).mean()).item():.6g}")
                    losses.clear()
                    if learner.has_diverged(loss):
                        what = f"the training has diverged, with a loss of {loss:g} at step {step.number}"
                        raise InputError(f"{what}; begin anew with a lower --lr ({self._last_checkpoint()})")
                    rate, seconds = float(f"{step.learning_rate:.4g}"), round(self._seconds, 2)
                    line = {"step": step.number, "loss": loss, "learning_rate": rate, "seconds": seconds}
                    history.write(json.dumps(line) + "\n")
                if writes and (step.number % _CHECKPOINT == 0 or step.number == config.steps):
                    sync(history)  # the checkpoint must not be ahead of it
                    self._save_checkpoint()
                yield step
            if writes:
                pretrained.save(learner.final, self.folder / "weights.safetensors", self.card())

    @contextlib.contextmanager
    def _log(self) -> Iterator[TextIO]:
        """The open history, which rank 0 alone writes; no other process gets the folder meanwhile."""
        if self.group.rank == 0 and not (self._release and self._release.alive):
            self._hold()
        path = self.folder / "history.jsonl" if self.group.rank == 0 else Path(os.devnull)
        try:
            with naming(path), path.open("a", encoding="utf-8") as history:
                yield history
        finally:
            if self._release:
                self._release()

    def card(self) -> dict[str, Any]:
        """The record that the weights carry: configuration, time, machine and versions."""
        config, machine = self.learner.config, pretrained.hardware_name(self.learner.device)
        cuda = {"cuda": torch.version.cuda} if self.learner.device.type == "cuda" else {}
        return {
            "scale": config.scale,
            "command": command_line(config),
            "training": asdict(config),
            "seconds": round(self._seconds, 1),
            "precision": self.learner.precision,
            "machine": machine if self.group.size == 1 else f"{self.group.size} x {machine}",
            "versions": {name: version(name) for name in ("srcnn", "torch", "pytorch-optimizer")} | cuda,
        }

    def _check_folder(self, config: TrainConfig, resume: bool) -> None:
        file = self.folder / "config.json"
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(f"{self.folder} is a file; --out names a folder")
        if not file.exists():
            if resume:
                raise InputError(f"{self.folder} holds no run to resume; leave out --resume to begin one")
            return
        if not resume:
            raise InputError(f"{self.folder} holds a run already; --resume goes on with it, or give another --out")
        before = read_settings(file)
        now = json.loads(json.dumps(asdict(config)))
        changed = [key for key in now if now[key] != before.get(key)]
        if changed:
            told = ", ".join(f"{key} {before.get(key)} there and {now[key]} here" for key in changed)
            raise InputError(f"{self.folder} holds a run with other settings: {told}; resume it with its own")

    def _open_folder(self, config: TrainConfig, resume: bool) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.folder} cannot be made: {error.strerror}; give another --out") from None
        if not resume:
            try:  # new: of two runs that begin at once, one gets the folder
                write(self.folder / "config.json", json.dumps(asdict(config), indent=2) + "\n", new=True)
            except FileExistsError:
                raise InputError(f"another run has just begun in {self.folder}; give another --out") from None
        self._hold()
        if resume:
            self._load_checkpoint()
        self._seconds, self._saved = self._trim_history(), self.learner.step

    def _share_state(self) -> None:
        """Give every rank the state of rank 0, which may be the only one that sees the folder."""
        content = io.BytesIO()
        torch.save(self.learner.state_dict(), content)
        content = io.BytesIO(self.group.broadcast(content.getvalue()))
        if self.group.rank:
            self.learner.load_state_dict(torch.load(content, map_location=self.learner.device, weights_only=True))

    def _progress_note(self) -> str:
        """How far the run is and how to go on, for the last words of a group that lost a process."""
        goes_on = f"the same command with --out {self.folder} --resume goes on"
        return f"after step {self.learner.step}; {self._last_checkpoint()}: {goes_on}"

    def _last_checkpoint(self) -> str:
        if self.group.rank:
            return f"the newest checkpoint is in {self.folder}"
        found = f"the checkpoint of step {self._saved} in {self.folder} is whole"
        return found if self._saved else f"no checkpoint is in {self.folder} yet"

    def _hold(self) -> None:
        """Keep the run from other processes until the training ends, or this process."""
        try:
            release = hold(self.folder / "config.json")  # which nothing replaces
        except Taken:
            raise InputError(
                f"another process is at work on {self.folder}; wait for it, or give another --out"
            ) from None
        self._release = weakref.finalize(self, release or (lambda: None))

    def _save_checkpoint(self) -> None:
        newest = self.folder / "checkpoint.pt"
        with atomic(newest) as part:
            content = io.BytesIO()  # torch.save itself answers a full disk by a RuntimeError
            torch.save(self.learner.state_dict(), content)
            part.write_bytes(content.getbuffer())
            if newest.exists():  # kept: a full disk or a broken one must not cost the whole run
                os.replace(newest, self.folder / "checkpoint.previous.pt")
        self._saved = self.learner.step

    def _load_checkpoint(self) -> None:
        """Go on from the newest checkpoint that is whole; from the first step where none was saved yet.

        A whole checkpoint that does not fit, and the last one that is damaged, end the run before anything is written.
        """
        damaged = []
        for path in (self.folder / "checkpoint.pt", self.folder / "checkpoint.previous.pt"):
            if not path.exists():
                continue
            if not whole_zip(path):  # torch.load does not look at the checksums
                damaged.append(path)
                continue
            try:
                state = torch.load(path, map_location=self.learner.device, weights_only=True)
                self.learner.load_state_dict(state)
            except (MemoryError, torch.OutOfMemoryError):
                raise
            except Exception as error:  # whatever torch raises; the file is whole, so it is another run's
                cause = str(error).partition("\n")[0][:200]
                raise InputError(
                    f"{path} does not fit this run and was left as it is ({type(error).__name__}: {cause}); resume it "
                    "with the settings and the version of PyTorch that it was made with, or give another --out"
                ) from None
            if damaged:
                self.warning = f"{damaged[0]} is damaged and was passed over"
            before = state.get("precision", self.learner.precision)
            if before != self.learner.precision:
                self.warning = f"the run was computed in {before} and goes on in {self.learner.precision}"
            return
        if damaged:
            names = " and ".join(map(str, damaged))
            raise InputError(f"{names}: damaged, and no checkpoint is left to go on from; begin anew in another --out")

    def _trim_history(self) -> float:
        """Cut what the history says beyond the checkpoint, and tell the seconds up to there."""
        file = self.folder / "history.jsonl"
        lines = read_history(file) if file.exists() else []
        kept = [line for line in lines if line["step"] <= self.learner.step]
        write(file, "".join(json.dumps(line) + "\n" for line in kept))
        return kept[-1]["seconds"] if kept else 0.0
