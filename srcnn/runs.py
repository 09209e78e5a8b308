"""Runs: a training run on disk, which can be killed at any moment and goes on as if nothing had been. Chapter 9.

A run's folder holds ``config.json``, ``history.jsonl`` (one line per 10 steps, or 100 in a long run),
``checkpoint.pt`` with the one before it, and, at the end, ``weights.safetensors``.
"""

import copy
import io
import json
import os
import pickle
import platform
import time
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from statistics import fmean

import torch

from srcnn import data, pretrained
from srcnn.color import channels
from srcnn.distributed import Group
from srcnn.evaluation import tutorial_psnr
from srcnn.files import InputError, atomic
from srcnn.model import SRCNN
from srcnn.pairs import RandomCrops, Shuffled, sub_images, zoomed
from srcnn.recipes import TrainConfig, command
from srcnn.resize import enlarge
from srcnn.training import Batches, Learner, Step, make_model, train

_CHECKPOINT = 500  # steps between two checkpoints; a multiple of the steps per line of the history
# what opening a checkpoint raises that is cut short or damaged
_DAMAGED = (
    zipfile.BadZipFile,
    pickle.UnpicklingError,
    RuntimeError,
    OSError,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
)


def make_batches(
    config: TrainConfig,
    model: SRCNN,
    *,
    device: torch.device | str = "cpu",
    root: str | os.PathLike | None = None,
    part: slice = slice(None),
) -> Batches:
    """The batches of a configuration, from its data set, on the device; or this part of each.

    Raises:
        InputError: the data are not there or too small, the way of cutting pairs is unknown, or another network is
            needed for it.
    """
    border = model.border if model.padding == "valid" else 0
    if config.pairs == "tutorial":
        if model.scale is None:
            raise InputError("the tutorial's pairs hold small images, which only --architecture subpixel enlarges")
        if config.zooms != "1":
            raise InputError("the tutorial's pairs have one size; leave out --set zooms, or take another recipe")
        side = config.crop * config.scale
        low, high = data.tutorial_pairs(config.data, "train", scale=config.scale, crop=side, root=root)
        return Shuffled(low.to(device), high.to(device), batch=config.batch, seed=config.seed, part=part)
    pictures = (channels(image, config.colour) for _, image in data.photographs(config.data, "train", root))
    pictures = zoomed(pictures, config.zooms)
    if config.pairs == "sub-images":
        if model.scale is not None:
            raise InputError("sub-images are enlarged already; --architecture subpixel goes with --recipe fast")
        low, high = sub_images(pictures, scale=config.scale, border=border, size=config.crop)
        return Shuffled(low.to(device), high.to(device), batch=config.batch, seed=config.seed, part=part)
    if config.pairs != "crops":
        raise InputError(f"pairs {config.pairs!r} is unknown; it is crops, sub-images or tutorial")
    return RandomCrops(
        pictures,
        scale=config.scale,
        size=config.crop,
        batch=config.batch,
        border=border,
        enlarged=model.scale is None,
        seed=config.seed,
        device=device,
        part=part,
    )


def tutorial_epochs(
    run: "Run", steps: Iterator[Step], *, batch: int, root: str | os.PathLike | None = None
) -> Iterator[dict]:
    """What the tutorial prints after each epoch, and what it does not: bicubic in the same measure.

    Args:
        run: of the tutorial's recipe.
        steps: the run itself, or what hands its steps on.
        batch: images whose errors are averaged before the PSNR; see :func:`srcnn.evaluation.tutorial_psnr`.
        root: where data are looked for first.

    Yields:
        ``epoch``, ``epochs``, the mean ``loss`` of the epoch, ``psnr`` and ``bicubic`` in dB; on rank 0 alone.
    """
    config = run.learner.config
    side = config.crop * config.scale
    low, high = data.tutorial_pairs(config.data, "test", scale=config.scale, crop=side, root=root)
    count = len(data.paths(config.data, "train", root))
    epochs, losses = -(-config.steps * config.batch // count), []
    bicubic = tutorial_psnr(enlarge(low, config.scale), high, batch=batch)
    for step in steps:
        losses.append(float(step.loss))
        epoch = step.number * config.batch // count
        if epoch > (step.number - 1) * config.batch // count or step.number == config.steps:
            loss = float(run.group.mean(torch.tensor(fmean(losses), dtype=torch.float64)))
            losses.clear()
            if run.group.rank == 0:
                score = tutorial_psnr(run.learner.outputs(low, batch=batch), high, batch=batch)
                yield {"epoch": max(epoch, 1), "epochs": epochs, "loss": loss, "psnr": score, "bicubic": bicubic}


class Run:
    """A training run in a folder.

    Iterating trains and saves; each item is the :class:`~srcnn.training.Step` just done.

    Args:
        config: of the run.
        folder: made if it is missing.
        device: ``"cpu"``, ``"cuda"``, ``"mps"``.
        root: where data are looked for first.
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
        folder: str | os.PathLike,
        *,
        device: torch.device | str = "cpu",
        root: str | os.PathLike | None = None,
        resume: bool = False,
        group: Group | None = None,
    ) -> None:
        self.folder, self.group = Path(folder), group or Group()
        self.warning: str | None = None
        self._seconds, self._saved = 0.0, 0
        rank, size = self.group.rank, self.group.size
        with self.group.together():
            if config.batch % size:
                raise InputError(f"{size} processes cannot share a batch of {config.batch} equally; give a multiple")
            if rank == 0:
                self._check_folder(config, resume)
            model = make_model(config)
            part = slice(rank, None, size)  # equal shares, so that the mean of their gradients is the batch's
            self.batches = make_batches(config, model, device=device, root=root, part=part)
        self.learner = Learner(model, config, device, self.group)
        with self.group.together():
            if rank == 0:
                self._open_folder(config, resume)
        if size > 1:
            self._share_state()
        self.group.standing = self._standing

    def __iter__(self) -> Iterator[Step]:
        learner, config, writes = self.learner, self.learner.config, self.group.rank == 0
        began, losses = time.monotonic() - self._seconds, []
        stride = 10 if config.steps <= 5_000 else 100  # a long run's log should stay small
        with (self.folder / "history.jsonl" if writes else Path(os.devnull)).open("a", encoding="utf-8") as history:
            for step in train(learner, self.batches):
                self._seconds = time.monotonic() - began  # kept, so that a loop that stops here can be taken up again
                losses.append(step.loss)
                if step.number % stride == 0 or step.number == config.steps:
                    loss = float(f"{self.group.mean(torch.stack(losses).mean()).item():.6g}")
                    losses.clear()
                    rate, seconds = float(f"{step.learning_rate:.4g}"), round(self._seconds, 2)
                    line = {"step": step.number, "loss": loss, "learning_rate": rate, "seconds": seconds}
                    history.write(json.dumps(line) + "\n")
                if writes and (step.number % _CHECKPOINT == 0 or step.number == config.steps):
                    history.flush()  # the checkpoint must not be ahead of the history
                    self._save_checkpoint()
                yield step
        if writes:
            pretrained.save(learner.result, self.folder / "weights.safetensors", self.card())

    def card(self) -> dict:
        """The record that the weights carry: configuration, time, machine and versions."""
        config = self.learner.config
        return {
            "scale": config.scale,
            "command": command(config),
            "training": asdict(config),
            "seconds": round(self._seconds, 1),
            "machine": f"{self.group.size} x " * (self.group.size > 1) + machine(self.learner.device),
            "versions": {name: version(name) for name in ("srcnn", "torch", "pytorch-optimizer")},
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
        try:
            before = json.loads(file.read_text(encoding="utf-8"))
            if not isinstance(before, dict):
                raise ValueError
        except (ValueError, RecursionError):
            raise InputError(f"{file} is damaged; begin anew in another --out") from None
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
        if resume:
            self._load_checkpoint()
        else:
            self._claim_folder(config)
        self._seconds = self._trim_history()
        self._saved = self.learner.step

    def _share_state(self) -> None:
        """Give every rank the state of rank 0, which may be the only one that sees the folder."""
        content = io.BytesIO()
        torch.save(self.learner.state_dict(), content)
        content = io.BytesIO(self.group.share(content.getvalue()))
        if self.group.rank:
            self.learner.load_state_dict(torch.load(content, map_location=self.learner.device, weights_only=True))

    def _standing(self) -> str:
        """How far the run is and how to go on, for the last words of a group that lost a process."""
        what = f"the checkpoint of step {self._saved} in {self.folder} is whole"
        if not self._saved:
            what = f"no checkpoint is in {self.folder} yet"
        if self.group.rank:
            what = f"the newest checkpoint is in {self.folder}"
        return f"after step {self.learner.step}; {what}: the same command with --out {self.folder} --resume goes on"

    def _claim_folder(self, config: TrainConfig) -> None:
        file = self.folder / "config.json"
        try:
            with file.open("x", encoding="utf-8") as stream:  # "x": of two runs that begin at once, one gets the folder
                stream.write(json.dumps(asdict(config), indent=2) + "\n")
        except FileExistsError:
            raise InputError(f"another run has just begun in {self.folder}; give another --out") from None
        except OSError:
            file.unlink(missing_ok=True)
            raise

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
        """Go on from the newest checkpoint that is whole; from the first step where there is none yet."""
        fresh = copy.deepcopy(self.learner.state_dict())
        for name in ("checkpoint.pt", "checkpoint.previous.pt"):
            try:
                with zipfile.ZipFile(self.folder / name) as archive:  # torch.load does not look at the checksums
                    if archive.testzip():
                        raise zipfile.BadZipFile
                state = torch.load(self.folder / name, map_location=self.learner.device, weights_only=True)
                self.learner.load_state_dict(state)
                if type(self.learner.step) is not int:
                    raise TypeError
                return
            except FileNotFoundError:
                continue
            except _DAMAGED:
                self.learner.load_state_dict(fresh)  # whatever of the damaged one was taken already
                self.warning = f"{self.folder / name} is damaged and was passed over"

    def _trim_history(self) -> float:
        """Cut what the history says beyond the checkpoint, and tell the seconds up to there."""
        file = self.folder / "history.jsonl"
        kept = [line for line in read_history(file) if line["step"] <= self.learner.step] if file.exists() else []
        with atomic(file) as part:
            part.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        return kept[-1]["seconds"] if kept else 0.0


def read_history(path: str | os.PathLike) -> list[dict]:
    """The lines of a run's history: step, loss (mean over its steps), learning rate, seconds since the start.

    A last line that was cut short by a kill is left out, and so is all that follows a damaged one.

    Raises:
        InputError: there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no history {path}")
    lines = []
    for text in path.read_bytes().splitlines():
        try:
            line = json.loads(text)
            {key: line[key] + 0.0 for key in ("step", "loss", "learning_rate", "seconds")}
        except (ValueError, TypeError, LookupError, RecursionError):
            break
        lines.append(line)
    return lines


def machine(device: torch.device | str = "cpu") -> str:
    """What computed: the GPU's name, or the processor's with the number of threads."""
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [
            line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        name = models[0] if models else name
    return f"{name}, {torch.get_num_threads()} threads, {device.type}"
