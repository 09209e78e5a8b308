"""What each command does with the words it was given: one call to the package, and the lines that it prints."""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from srcnn import data, fetch, pretrained, results
from srcnn.cli import answer
from srcnn.cli.device import fastest_device
from srcnn.cli.onnx_model import onnx_model
from srcnn.cli.progress import counter
from srcnn.files import InputError, shipped, writable, write


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
        bars: dict[str, Callable[..., Any]] = {}

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
        what = "1 file is" if wrong == 1 else f"{wrong} files are"
        raise InputError(f"{what} missing or damaged; `srcnn data fetch` mends that")


def evaluate(given: argparse.Namespace) -> None:
    """``srcnn evaluate``: a network beside bicubic, image by image."""
    if given.json and (target := writable(given.json)).exists() and target.suffix.lower() != ".json":
        raise InputError(f"{given.json} is there already and no .json file; give the figures another name")
    device = given.device or fastest_device()
    names = list(dict.fromkeys(["bicubic", given.weights]))
    records = results.measure(names, given.data, given.scale, gray=given.gray, device=device)
    if "found" in records[given.weights]["provenance"]:
        print(f"{given.weights}: {records[given.weights]['provenance']['found']}")
    print("\n".join(_table(records)))
    if given.json:
        results.write_json(records[given.weights], given.json)


def _table(columns: dict[str, dict[str, Any]]) -> list[str]:
    """One line per image and one for the mean; PSNR in dB and SSIM of each method side by side."""
    records = list(columns.values())
    wide = max(len(name) for name in ("mean", *records[0]["images"])) + 2
    widths = [max(len(Path(name).name), 14) + 2 for name in columns]
    lines = [" " * wide + "".join(f"{Path(n).name:>{w}}" for n, w in zip(columns, widths, strict=True))]
    for name in records[0]["images"]:
        rows = [record["images"][name] for record in records]
        lines.append(f"{name:{wide}}" + _cells(rows, widths))
    return [*lines, f"{'mean':{wide}}" + _cells([record["mean"] for record in records], widths)]


def _cells(rows: list[dict[str, Any]], widths: list[int]) -> str:
    return "".join(f"{row['psnr']:.2f} {row['ssim']:.4f}".rjust(w) for row, w in zip(rows, widths, strict=True))


def explain_figure(given: argparse.Namespace) -> None:
    """``srcnn explain``: which way of measuring gives a claimed figure."""
    for line in answer.told(given):
        print(line)


def export_run(given: argparse.Namespace) -> None:
    """``srcnn export``: a finished run becomes weights with a model card and its log, or an ONNX model."""
    output = Path(given.output)
    if given.onnx:
        _export_onnx(given, output)
        return
    if given.scale:
        raise InputError("--scale is for --onnx alone; a run knows its own")
    if output.suffix != ".safetensors":
        raise InputError(f"{output} must end in .safetensors; the card and the log are put beside it")
    for path in (output, output.with_suffix(".md"), output.with_suffix(".jsonl")):
        writable(path)
    for path in results.export(Path(given.folder), output, given.data or ["set5"]):
        print(path)


def _export_onnx(given: argparse.Namespace, output: Path) -> None:
    if output.suffix != ".onnx":
        raise InputError(f"{output} must end in .onnx")
    if given.data:
        raise InputError("--data is for the card that weights have; leave it out with --onnx")
    writable(output)
    run = Path(given.folder) / "weights.safetensors"
    loaded = pretrained.load(run if run.is_file() else given.folder, scale=given.scale)
    scale = given.scale or loaded.model.scale or loaded.card.get("scale")
    if scale is None:
        raise InputError(f"{given.folder} does not tell its scale; give --scale 2, 3 or 4")
    write(output, onnx_model(loaded.model, scale=scale).SerializeToString())
    print(output)


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
