"""What ``srcnn train`` does with the words it was given."""

import argparse
import shlex
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from srcnn import data, distributed, recipes
from srcnn.cli.device import fastest_device
from srcnn.cli.progress import progress
from srcnn.files import InputError
from srcnn.recipes import TrainConfig
from srcnn.runs import Run
from srcnn.training import Step
from srcnn.tutorial import tutorial_epochs


def train(given: argparse.Namespace) -> None:
    """``srcnn train``, in one process or in several that ``torchrun`` started."""
    if given.resume and not given.out:
        raise InputError("--resume needs --out, the folder of the run to go on with")
    device = given.device or fastest_device(training=True)
    with distributed.process_group(device) as group:
        with group.agree_on_errors():
            config = _configuration(given)
            folder = given.out or _new_folder(config, given)
        config, folder = group.broadcast((config, folder))
        run = Run(config, folder, device=group.device, resume=given.resume, group=group)
        if group.rank == 0:
            try:
                _follow(run, given)
            except KeyboardInterrupt:
                raise KeyboardInterrupt(f"`{_resuming(run.folder, given)}` goes on") from None
        else:
            for _ in _tutorial_epochs(run, run, given) if config.sampling == "tutorial" else run:
                pass


def _configuration(given: argparse.Namespace) -> TrainConfig:
    """The recipe with what the command line changes of it."""
    changes = {name: getattr(given, name) for name in recipes.kinds()} | recipes.current_names(dict(given.set))
    recipe, begun = given.recipe, Path(given.out or "") / "config.json"
    if given.resume and not recipe and begun.is_file():
        written = {name: str(value) for name, value in recipes.read_settings(begun).items()}
        recipe = written.pop("recipe", None)
        try:
            recipes.with_changes(recipe or "fast")
            stored = {name: recipes.parse_setting(name, value) for name, value in written.items()}
        except InputError as error:
            raise InputError(f"{begun} is damaged ({error}); begin anew in another --out") from None
        changes = {name: stored.get(name) if value is None else value for name, value in changes.items()}
    config = recipes.with_changes(recipe or "fast", **changes)
    tutorial = config.sampling == "tutorial"
    if tutorial:
        config = replace(config, patch_size=256 // config.scale)
        if given.patch_size not in (None, config.patch_size):
            raise InputError(
                f"--patch-size is {config.patch_size} with the tutorial's sampling at x{config.scale}, whose crops "
                f"have 256 pixels, not {given.patch_size}; leave it out"
            )
    if given.testBatchSize and not tutorial:
        raise InputError("--testBatchSize goes with --recipe tutorial, which alone measures its images while it trains")
    if given.nEpochs:
        if given.steps or not tutorial:
            raise InputError("--nEpochs goes with --recipe tutorial and without --steps; the other recipes count steps")
        count = len(data.paths(config.data, "train"))
        config = replace(config, steps=-(-given.nEpochs * count // config.batch_size))
    return config


def _follow(run: Run, given: argparse.Namespace) -> None:
    """Train, and tell how it goes."""
    config = run.learner.config
    if run.warning:
        print(f"srcnn: {run.warning}", file=sys.stderr)
    print(recipes.command_line(config))
    steps = progress(run, config.steps, start=run.learner.step, text=lambda step: f"loss {float(step.loss):.6f}")
    if config.sampling == "tutorial":
        for epoch in _tutorial_epochs(run, steps, given):
            tqdm.write(
                f"epoch {epoch['epoch']:2} of {epoch['epochs']}: average loss {epoch['loss']:.4f}, "
                f"average PSNR {epoch['psnr']:.2f} dB (bicubic {epoch['bicubic']:.2f} dB)"
            )
        print(
            f"Both PSNRs are the tutorial's: of the mean error of {given.testBatchSize or 8} images at once, "
            "full-range luma, no shave. Another --testBatchSize moves them; compare them with nothing but each other."
        )
    else:
        for _ in steps:
            pass
    weights = run.folder / "weights.safetensors"
    card = run.card()
    print(f"{config.steps:,} steps in {card['seconds']:.0f} s, in {card['precision']}; measure them with")
    print(f"srcnn evaluate --weights {weights} --data set5 --scale {config.scale}")


def _tutorial_epochs(run: Run, steps: Iterable[Step], given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    return tutorial_epochs(run.learner, steps, batch=given.testBatchSize or 8, mean=run.group.all_reduce_mean)


def _resuming(folder: Path, given: argparse.Namespace) -> str:
    """The command that goes on with a run."""
    where = [word for name in ("device", "root") if (value := getattr(given, name)) for word in (f"--{name}", value)]
    return shlex.join(["srcnn", "train", "--resume", "--out", str(folder), *where])


def _new_folder(config: TrainConfig, given: argparse.Namespace) -> Path:
    """A folder under ``runs/`` that is not there yet."""
    name = f"{config.recipe}-{config.architecture}-x{config.scale}"
    numbered = (Path("runs") / f"{name}{suffix}" for suffix in ("", *(f"-{n}" for n in range(2, 1000))))
    folder = next(numbered)
    while folder.exists():
        if (folder / "config.json").exists() and not (folder / "weights.safetensors").exists():
            goes_on = f"`{_resuming(folder, given)}` goes on with it"
            print(f"srcnn: {folder} holds a run that has not ended; {goes_on}", file=sys.stderr)
        folder = next(numbered)
    return folder
