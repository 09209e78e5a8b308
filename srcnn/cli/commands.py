"""What each command does with the words it was given: one call to the package, and the lines that it prints."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from tqdm import tqdm

from srcnn import data, distributed, fetch, images, pretrained, recipes, results
from srcnn.cli import answer
from srcnn.cli.device import fastest_device
from srcnn.files import InputError, shipped, writable
from srcnn.model import SRCNN
from srcnn.progress import counter, progress
from srcnn.recipes import TrainConfig
from srcnn.runs import Run
from srcnn.training import Step
from srcnn.tutorial import tutorial_epochs
from srcnn.upscale import Progress, targets, upscale


def data_sets(given: argparse.Namespace) -> None:
    """``srcnn data list``, ``fetch`` and ``verify``."""
    entries = [data.lookup(name) for name in given.sets or data.registry()]
    {"list": _list, "fetch": _fetch, "verify": _verify}[given.action](entries)
    if given.action == "list" and not given.sets:
        print(f"{'sample':14}{'here':24}Photographs of scikit-image that may be shown and shared.")
        print(f"{'leaves':14}{'here':24}Dead-leaves images, made from a seed.")


def _list(entries: list[data.DataSet]) -> None:
    for entry in entries:
        state = Counter(fetch.verify(entry.name).values())
        here = "here" if state["ok"] == len(entry.files) else f"{state['ok']} of {len(entry.files)} files here"
        print(f"{entry.name:14}{here:24}{entry.what} License: {entry.license}.")


def _fetch(entries: list[data.DataSet]) -> None:
    for entry in entries:
        with _download_bars() as show:
            place = fetch.fetch(entry.name, show)
        print(f"{entry.title}: all {len(entry.files)} files are right, in {place}")


@contextmanager
def _download_bars() -> Iterator[fetch.Progress]:
    """A bar for each address, one after another."""
    with ExitStack() as stack:
        bars: dict[str, Callable] = {}

        def show(url: str, done: int, total: int | None) -> None:
            if url not in bars:
                stack.close()
                bars[url] = stack.enter_context(counter("B", unit_scale=True, desc=url.rsplit("/", 1)[-1]))
            bars[url](done, total)

        yield show


def _verify(entries: list[data.DataSet]) -> None:
    wrong = 0
    for entry in entries:
        states = fetch.verify(entry.name)
        bad = {path: state for path, state in states.items() if state != "ok"}
        wrong += len(bad)
        print(f"{entry.name}: {len(states) - len(bad)} of {len(states)} files are right")
        for path, state in list(bad.items())[:10]:
            print(f"  {path}: {state}")
    if wrong:
        raise InputError(f"{wrong} files are missing or damaged; `srcnn data fetch` mends that")


def train(given: argparse.Namespace) -> None:
    """``srcnn train``, in one process or in several that ``torchrun`` started."""
    if given.resume and not given.out:
        raise InputError("--resume needs --out, the folder of the run to go on with")
    device = given.device or fastest_device(training=True)
    with distributed.process_group(device) as group:
        with group.agree_on_errors():
            config = _configuration(given)
            folder = given.out or _new_folder(config)
        config, folder = group.broadcast((config, folder))
        run = Run(config, folder, device=group.device, resume=given.resume, group=group)
        if group.rank == 0:
            _follow(run, given)
        else:
            for _ in _tutorial_epochs(run, run, given) if config.sampling == "tutorial" else run:
                pass


def _configuration(given: argparse.Namespace) -> TrainConfig:
    """The recipe with what the command line changes of it."""
    changes = {name: getattr(given, name) for name in recipes.kinds()}
    config = recipes.with_changes(given.recipe, **(changes | dict(given.set)))
    tutorial = config.sampling == "tutorial"
    if tutorial:
        config = replace(config, patch_size=256 // config.scale)
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
            f"Both PSNRs are the tutorial's: of the mean error of {given.testBatchSize} images at once, full-range "
            "luma, no shave. Another --testBatchSize moves them; compare them with nothing but each other."
        )
    else:
        for _ in steps:
            pass
    weights = run.folder / "weights.safetensors"
    card = run.card()
    print(f"{config.steps:,} steps in {card['seconds']:.0f} s, in {card['precision']}; measure them with")
    print(f"srcnn evaluate --weights {weights} --data set5 --scale {config.scale}")


def _tutorial_epochs(run: Run, steps: Iterable[Step], given: argparse.Namespace) -> Iterator[dict]:
    return tutorial_epochs(run.learner, steps, batch=given.testBatchSize, mean=run.group.all_reduce_mean)


def _new_folder(config: TrainConfig) -> Path:
    """A folder under ``runs/`` that is not there yet."""
    name = f"{config.recipe}-{config.architecture}-x{config.scale}"
    numbered = (Path("runs") / f"{name}{suffix}" for suffix in ("", *(f"-{n}" for n in range(2, 1000))))
    return next(folder for folder in numbered if not folder.exists())


def evaluate(given: argparse.Namespace) -> None:
    """``srcnn evaluate``: a network beside bicubic, image by image."""
    if given.json:
        writable(given.json)
    device = given.device or fastest_device()
    names = list(dict.fromkeys(["bicubic", given.weights]))
    records = results.measure(names, given.data, given.scale, gray=given.gray, device=device)
    if "found" in records[given.weights]["provenance"]:
        print(f"{given.weights}: {records[given.weights]['provenance']['found']}")
    print("\n".join(_table(records)))
    if given.json:
        results.write_json(records[given.weights], given.json)


def _table(columns: dict[str, dict]) -> list[str]:
    """One line per image and one for the mean; PSNR in dB and SSIM of each method side by side."""
    records = list(columns.values())
    wide = max(len(name) for name in ("mean", *records[0]["images"])) + 2
    widths = [max(len(Path(name).name), 14) + 2 for name in columns]
    lines = [" " * wide + "".join(f"{Path(n).name:>{w}}" for n, w in zip(columns, widths, strict=True))]
    for name in records[0]["images"]:
        rows = [record["images"][name] for record in records]
        lines.append(f"{name:{wide}}" + _cells(rows, widths))
    return [*lines, f"{'mean':{wide}}" + _cells([record["mean"] for record in records], widths)]


def _cells(rows: list[dict], widths: list[int]) -> str:
    return "".join(f"{row['psnr']:.2f} {row['ssim']:.4f}".rjust(w) for row, w in zip(rows, widths, strict=True))


def enlarge(given: argparse.Namespace) -> None:
    """``srcnn upscale``: one photograph to a file, or many into a folder."""
    photos, output = [Path(photo) for photo in given.photo], Path(given.output)
    many = len(photos) > 1 or photos[0].is_dir() or output.is_dir() or given.output.endswith(("/", os.sep))
    wanted = targets(photos, output) if many else {output: photos[0]}
    for target, photo in wanted.items():
        if target.exists() and photo.exists() and target.samefile(photo):
            raise InputError(f"{target} is the photograph itself; give another name for the result")
    if not many and output.exists() and not given.overwrite:
        writable(output)
        raise InputError(f"{output} is there already; --overwrite replaces it, or give another name")
    weights = given.weights or f"srcnn-9-1-5-x{given.scale}"
    model = None if weights == "bicubic" else pretrained.load(weights, scale=given.scale).model
    device = given.device or fastest_device()
    if many:
        _enlarge_many(wanted, model, given.scale, device, output, given.overwrite)
        return
    with counter("tile") as count:
        width, height = _enlarge_one(photos[0], output, model, given.scale, device, count)
    print(f"{output}: {width} x {height} pixels")


def _enlarge_one(
    photo: Path, output: Path, model: SRCNN | None, scale: int, device: str, count: Progress = lambda done, total: None
) -> tuple[int, int]:
    """Enlarge a photograph into a file; the result's width and height."""
    photograph = images.read_photograph(photo)
    images.check_output(output, photograph, scale=scale)
    large = upscale(photograph, model, scale=scale, device=device, progress=count)
    images.write_photograph(output, large)
    return large.pixels.shape[-1], large.pixels.shape[-2]


def _enlarge_many(
    wanted: dict[Path, Path], model: SRCNN | None, scale: int, device: str, folder: Path, overwrite: bool
) -> None:
    """Enlarge what is missing in the folder; what cannot be is told, and the others go on."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made: {error.strerror}; give another folder") from None
    missing = {target: photo for target, photo in wanted.items() if overwrite or not target.exists()}
    failed = 0
    with tqdm(missing.items(), unit="photograph", disable=None, leave=False) as bar:
        for target, photo in bar:
            try:
                _enlarge_one(photo, target, model, scale, device)
            except (InputError, MemoryError, torch.OutOfMemoryError) as error:
                failed += 1
                told = sentence(error)
                tqdm.write(f"srcnn: {told if str(photo) in told else f'{photo}: {told}'}", file=sys.stderr)
    there = f", {len(wanted) - len(missing)} were there already" if len(wanted) > len(missing) else ""
    print(f"{folder}: {len(missing) - failed} of {len(wanted)} photographs enlarged{there}")
    if failed:
        raise InputError(f"{failed} of {len(wanted)} photographs could not be enlarged; why stands above")


def sentence(error: Exception) -> str:
    """What an error says to a user, in one line."""
    if isinstance(error, OSError) and error.strerror:
        return " ".join(f"{error.filename}: {error.strerror}".removeprefix("None: ").split())
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return "there is not enough memory for this; a smaller image or batch needs less"
    return " ".join(str(error).split())


def explain_figure(given: argparse.Namespace) -> None:
    """``srcnn explain``: which way of measuring gives a claimed figure."""
    for line in answer.told(given):
        print(line)


def export_run(given: argparse.Namespace) -> None:
    """``srcnn export``: a finished run becomes weights with a model card and its log."""
    output = Path(given.output)
    if output.suffix != ".safetensors":
        raise InputError(f"{output} must end in .safetensors; the card and the log are put beside it")
    for path in (output, output.with_suffix(".md"), output.with_suffix(".jsonl")):
        writable(path)
    for path in results.export(Path(given.folder), output, given.data):
        print(path)


def reproduce(given: argparse.Namespace) -> None:
    """``srcnn reproduce``: the book's measured tables again."""
    from srcnn.reproduce import EXPERIMENTS  # here, because nobody else needs the benchmarks and what they import

    if given.experiment not in EXPERIMENTS:
        raise InputError(f"there is no experiment {given.experiment!r}; they are {', '.join(EXPERIMENTS)}")
    folder = Path(given.out) if given.out else shipped("weights" if given.experiment == "weights" else "results")
    if not given.out and (Path(data.__file__).parent / "_data").is_dir():
        raise InputError(
            "the package is installed, not a checkout, and keeps the book's own figures; give --out a folder"
        )
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; make it first")
    for record in EXPERIMENTS[given.experiment](folder):
        print(record["line"], flush=True)
