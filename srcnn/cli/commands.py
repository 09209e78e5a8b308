"""What each command does with the words it was given: one call to the package, and the lines that it prints."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch
from tqdm import tqdm

from srcnn import data, fetch, images, pretrained, results
from srcnn.cli import explain
from srcnn.cli.device import fastest_device
from srcnn.files import InputError, shipped, writable
from srcnn.model import SRCNN
from srcnn.progress import counter
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
        return "there is not enough memory for this; fewer or smaller images, or a smaller batch, need less"
    return " ".join(str(error).split())


def explain_figure(given: argparse.Namespace) -> None:
    """``srcnn explain``: which way of measuring gives a claimed figure."""
    metric, pairs = explain.metric_of(given.claimed), {}
    for output, original in explain.compared(Path(given.output), Path(given.original)):
        theirs, truth = images.read(output), images.read(original)
        truth, lost = explain.aligned(theirs, truth, given.scale)
        pairs[output] = theirs, truth
        if lost:
            print(f"{output}: {lost} pixels were lost on each side, as by valid convolutions; replicate the edges.")
    values = explain.measure(list(pairs.values()), scale=given.scale, metric=metric)
    for output, pair in pairs.items():
        for trouble in explain.troubles(*pair):
            print(f"{output}: {trouble}")
    found = explain.matching(values, given.claimed)
    unit = " dB" if metric == "PSNR" else ""
    paper = explain.protocol(given.scale, metric=metric)
    print(f"{given.claimed}{unit} is" if found else f"no way of measuring gives {given.claimed}{unit}; the nearest are")
    nearest = sorted(values, key=lambda ruler: abs(values[ruler] - float(given.claimed)))[:3]
    for ruler in found or nearest:
        print(f"  {metric} of {ruler}{f': {values[ruler]:.4f}{unit}' if not found else ''}")
    print(f"the published tables have the {metric} of {paper}: {values[paper]:.4f}{unit}")
    print(explain.statement(paper if paper in found or not found else found[0], len(pairs)))


def export_run(given: argparse.Namespace) -> None:
    """``srcnn export``: a finished run becomes weights with a model card and its log."""
    output = Path(given.output)
    if output.suffix != ".safetensors":
        raise InputError(f"{output} must end in .safetensors; the card and the log are put beside it")
    for path in (output, output.with_suffix(".md"), output.with_suffix(".jsonl")):
        writable(path)
    for path in results.export(Path(given.folder), output, given.data or ["set5"]):
        print(path)


def reproduce(given: argparse.Namespace) -> None:
    """``srcnn reproduce``: the book's measured tables again."""
    from srcnn.reproduce import EXPERIMENTS  # here, because nobody else needs the benchmarks and what they import

    if given.experiment not in EXPERIMENTS:
        raise InputError(f"there is no experiment {given.experiment!r}; they are {', '.join(EXPERIMENTS)}")
    options = {"parts": given.parts, "budget": given.budget, "limits": dict(given.limit or ()), "dry": given.dry}
    options = {name: value for name, value in options.items() if value}
    if given.experiment != "gpu" and options:
        raise InputError("--parts, --budget, --limit and --dry are for gpu alone; leave them out")
    if given.experiment == "gpu" and not given.out:
        raise InputError("gpu writes a log and checkpoints beside its record; give --out a folder")
    folder = Path(given.out) if given.out else shipped("weights" if given.experiment == "weights" else "results")
    if not given.out and (Path(data.__file__).parent / "_data").is_dir():
        raise InputError(
            "the package is installed, not a checkout, and keeps the book's own figures; give --out a folder"
        )
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; make it first")
    for record in EXPERIMENTS[given.experiment](folder, **options):
        print(record["line"], flush=True)
