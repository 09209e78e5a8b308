"""Experiments: the tables of the book, made again by name. Each result says which command makes it.

``srcnn reproduce tables`` measures bicubic and every shipped network on Set5, Set14 and BSD100, one file of
``data/results/`` each. Chapter 10 prints them. ``srcnn reproduce tutorial`` measures bicubic as the tutorial does, for
chapter 3.
"""

import json
import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import torch

from srcnn import data, pretrained
from srcnn.evaluation import PROTOCOL, Quality, evaluate, mean, tutorial_psnr, upscaler
from srcnn.files import InputError, atomic, shipped
from srcnn.resize import enlarge

TEST_SETS = ("set5", "set14", "bsds300")
SCALES = (2, 3, 4)


def measure(
    weights: str, dataset: str, scale: int, *, device: torch.device | str = "cpu", root: str | os.PathLike | None = None
) -> dict:
    """Evaluate shipped weights, a file or ``"bicubic"`` on a set.

    Returns:
        The record that ``--json`` writes: weights, data, scale, protocol, mean and per-image quality, provenance.

    Raises:
        InputError: the weights or the data cannot be used, or the weights were trained for another scale.
    """
    method = enlarge
    if weights != "bicubic":
        model = network(weights, scale).model
        if model.channels != 1:
            raise InputError(f"{weights} works on {model.channels} channels; the protocol measures a network for luma")
        method = upscaler(model, device)
    table = evaluate(method, data.photographs(dataset, "test", root), scale=scale)
    return {
        "weights": str(weights),
        "data": dataset,
        "scale": scale,
        "protocol": PROTOCOL,
        "mean": _record(mean(table)),
        "images": {name: _record(quality) for name, quality in table.items()},
        "provenance": {
            "command": shlex.join(
                ["srcnn", "evaluate", "--weights", str(weights), "--data", dataset, "--scale", str(scale)]
            ),
            "srcnn": version("srcnn"),
            "torch": version("torch"),
            "data_sha256": data.fingerprint(dataset, "test", root),
        },
    }


def network(weights: str, scale: int) -> pretrained.Pretrained:
    """Weights by name or from a file, for one scale.

    Raises:
        InputError: see :func:`srcnn.pretrained.load`; or they were trained for another scale.
    """
    loaded = pretrained.load(weights)
    trained = loaded.model.scale or loaded.card.get("scale", scale)
    if trained not in SCALES:
        raise InputError(f"{weights} was trained for x{trained}; only 2, 3 and 4 can be used here")
    if trained != scale:
        raise InputError(f"{weights} was trained for x{trained}, not x{scale}; give --scale {trained}")
    return loaded


def _record(quality: Quality) -> dict:
    """Rounded far below what the book prints, far above what processors disagree about."""
    return {"psnr": round(quality.psnr, 4), "ssim": round(quality.ssim, 5)}


def write_json(record: dict, path: str | os.PathLike) -> None:
    """Write a record whole or not at all."""
    with atomic(path) as part:
        part.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def results(weights: str, dataset: str, scale: int) -> dict:
    """A measured record that travels with the package.

    Args:
        weights: ``"bicubic"`` or a name from :func:`srcnn.pretrained.names`; ``"bicubic-tutorial"`` for bicubic in
            the tutorial's measure.
        dataset: ``"set5"``, ``"set14"`` or ``"bsds300"`` (BSD100).
        scale: 2, 3 or 4.

    Raises:
        InputError: it was never measured.
    """
    path = shipped("results", _file(weights, dataset, scale))
    if not path.is_file():
        raise InputError(f"there is no result {path.name}; `make results` measures all")
    return json.loads(path.read_text(encoding="utf-8"))


def _file(weights: str, dataset: str, scale: int) -> str:
    method = weights.removesuffix(f"-x{scale}")
    return f"{dataset}-x{scale}-{method}.json"


def tables(folder: Path, root: str | os.PathLike | None = None) -> Iterator[dict]:
    """Measure bicubic and every shipped network on every test set; yields each record after writing it."""
    shipped_weights = pretrained.names()
    for dataset in TEST_SETS:
        for scale in SCALES:
            for weights in ("bicubic", *(name for name in shipped_weights if name.endswith(f"x{scale}"))):
                record = measure(weights, dataset, scale, root=root)
                write_json(record, folder / _file(weights, dataset, scale))
                yield record


def export(
    run: Path, output: Path, datasets: Sequence[str] = ("set5",), root: str | os.PathLike | None = None
) -> list[Path]:
    """Turn a finished run into weights to share: a safetensors file, its card in Markdown, and the log beside it.

    Args:
        run: the folder of the run.
        output: the ``.safetensors`` file.
        datasets: sets whose scores the card tells, beside bicubic's.
        root: where image sets are looked for first.

    Returns:
        The files written.

    Raises:
        InputError: the run is not finished, or a set is not there.
    """
    weights = run / "weights.safetensors"
    if not weights.is_file():
        raise InputError(f"{run} holds no finished run; `srcnn train --resume --out {run}` ends it")
    loaded = pretrained.load(weights)
    history = run / "history.jsonl"
    if not history.is_file() or not {"scale", "training", "command"} <= set(loaded.card):
        raise InputError(f"{run} lacks its history or the record in its weights; train anew in another --out")
    scale = loaded.card["scale"]
    scores = {}
    for dataset in datasets:
        ours, bicubic = (measure(str(w), dataset, scale, root=root)["mean"] for w in (weights, "bicubic"))
        scores[dataset] = {"psnr": ours["psnr"], "ssim": ours["ssim"], "bicubic_psnr": bicubic["psnr"]}
    card = {**loaded.card, "scores": scores}
    card_file, log = output.with_suffix(".md"), output.with_suffix(".jsonl")
    told = pretrained.describe(output.stem, loaded.model, card)
    pretrained.save(loaded.model, output, card)
    for path, text in ((card_file, told), (log, history.read_text(encoding="utf-8"))):
        with atomic(path) as part:
            part.write_text(text, encoding="utf-8")
    return [output, card_file, log]


def tutorial(folder: Path, root: str | os.PathLike | None = None) -> Iterator[dict]:
    """Measure bicubic in the tutorial's measure at several batch sizes: what the batch size alone does to a score."""
    low, high = data.tutorial_pairs("bsds300", "test", scale=4, root=root)
    output = enlarge(low, 4)
    scores = {str(batch): round(tutorial_psnr(output, high, batch=batch), 4) for batch in (1, 2, 4, 8, 16)}
    record = {
        "weights": "bicubic-tutorial",
        "data": "bsds300",
        "scale": 4,
        "protocol": "the tutorial's: full-range luma, 256 x 256 from the centre, bilinear shrink, no shave, PSNR of "
        "each batch's mean error, averaged over batches",
        "mean": {"psnr": scores["8"]},
        "batches": scores,
        "provenance": {"command": "srcnn reproduce tutorial", "srcnn": version("srcnn"), "torch": version("torch")},
    }
    write_json(record, folder / _file("bicubic-tutorial", "bsds300", 4))
    yield record


EXPERIMENTS: dict[str, Callable[..., Iterator[dict]]] = {"tables": tables, "tutorial": tutorial}
