"""Results: measured records, as the commands write them and the book prints them, and weights with theirs. Chapter 12.

A record is what ``srcnn evaluate --json`` writes; those of the book travel with the package, under ``data/results/``.
Each says which command makes it again; :mod:`srcnn.reproduce` makes all of them. Weights to share go with a card that
tells their scores.
"""

import hashlib
import json
import os
import shlex
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from srcnn import data, pretrained
from srcnn.evaluation import GRAY_PROTOCOL, PROTOCOL, Scores, Upscaler, evaluate_all, mean_scores, upscaler
from srcnn.files import InputError, shipped, write
from srcnn.model import SRCNN
from srcnn.resize import enlarge


def measure(
    weights: Sequence[str], dataset: str, scale: int, *, gray: bool = False, device: torch.device | str = "cpu"
) -> dict[str, dict[str, Any]]:
    """Evaluate networks, or bicubic interpolation, on a set; each image is read once.

    Args:
        weights: shipped weights by name, files, or ``"bicubic"``. A network for RGB is given RGB, and the luma of its
            output is measured.
        dataset: a registered set, ``sample``, ``leaves``, or a folder.
        scale: 2, 3 or 4.
        gray: full-range gray instead of luma; see :func:`srcnn.color.gray`.
        device: where the networks compute.

    Returns:
        For each of the weights what ``--json`` writes: weights, data, scale, protocol, mean and per-image scores, and
        provenance.

    Raises:
        InputError: the weights or the data cannot be used, or the weights were trained for another scale.
    """
    upscalers: dict[str, Upscaler] = dict.fromkeys(weights, enlarge)
    color_spaces = dict.fromkeys(weights, "gray" if gray else "luma")
    found: dict[str, dict[str, Any]] = {name: {} for name in weights}
    for name in weights:
        if name == "bicubic":
            continue
        loaded = pretrained.load(name, scale=scale)
        model = loaded.model
        found[name] = {"found": loaded.card["found"]} if "found" in loaded.card else {}
        if model.channels not in (1, 3) or (gray and model.channels == 3):
            wanted = "gray" if gray else "luma or RGB"
            raise InputError(f"{name} works on {model.channels} channels; the protocol measures a network for {wanted}")
        upscalers[name] = upscaler(model, device)
        if model.channels == 3:
            color_spaces[name] = "rgb"
    digest = hashlib.sha256()
    photographs = data.hashed(data.photographs(dataset, "test"), digest)
    tables = evaluate_all(upscalers, photographs, scale=scale, color_spaces=color_spaces)
    return {
        name: {
            "weights": str(name),
            "data": f"{dataset}-gray" if gray else dataset,
            "scale": scale,
            "protocol": GRAY_PROTOCOL if gray else PROTOCOL,
            "mean": _rounded(mean_scores(table)),
            "images": {image: _rounded(scores) for image, scores in table.items()},
            "provenance": {
                "command": _command(name, dataset, scale, gray),
                "srcnn": version("srcnn"),
                "torch": version("torch"),
                "data_sha256": digest.hexdigest(),
                **found[name],
            },
        }
        for name, table in tables.items()
    }


def _command(weights: str, dataset: str, scale: int, gray: bool) -> str:
    """The command line that measures this record."""
    words = ["srcnn", "evaluate", "--weights", str(weights), "--data", dataset, "--scale", str(scale)]
    return shlex.join([*words, "--gray"] if gray else words)


def _rounded(scores: Scores) -> dict[str, Any]:
    """Rounded far below what the book prints, far above what processors disagree about."""
    return {"psnr": round(scores.psnr, 4), "ssim": round(scores.ssim, 5)}


def write_json(record: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a record whole or not at all; an infinite PSNR, of equal images, as ``null``, for JSON has no word."""
    finite = json.loads(json.dumps(record), parse_constant=lambda _: None)
    write(path, json.dumps(finite, indent=1) + "\n")


def results(weights: str, dataset: str, scale: int) -> dict[str, Any]:
    """A measured record that travels with the package.

    Args:
        weights: ``"bicubic"`` or a name from :func:`srcnn.pretrained.names`; ``"bicubic-tutorial"`` for bicubic in
            the tutorial's measure.
        dataset: ``"set5"``, ``"set14"``, ``"bsds300"`` (BSD100) or ``"bsds500-test-gray"`` (BSD200 in full-range gray).
        scale: 2, 3 or 4.

    Raises:
        InputError: it was never measured.
    """
    return stored(file_name(weights, dataset, scale).removesuffix(".json"))


def stored(name: str) -> dict[str, Any]:
    """A measured record by the name of its file: ``"ablation-width"``, ``"benchmarks"``.

    Raises:
        InputError: it was never measured.
    """
    path = shipped("results", f"{name}.json")
    if not path.is_file():
        raise InputError(f"there is no result {path.name}; `make help` tells how the results are measured")
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


def file_name(weights: str, dataset: str, scale: int) -> str:
    """The file's name of a record in ``data/results/``."""
    method = weights.removesuffix(f"-x{scale}")
    return f"{dataset}-x{scale}-{method}.json"


def methods(dataset: str, scale: int) -> list[str]:
    """What is measured on a test set: bicubic and the shipped networks of the scale, those for gray on gray."""
    names = [name for name in pretrained.names() if name.endswith(f"x{scale}")]
    return ["bicubic", *(name for name in names if not (dataset.endswith("-gray") and "rgb" in name))]


def export(run: Path, output: Path, datasets: Sequence[str] = ("set5",)) -> list[Path]:
    """Turn a finished run into weights to share: a safetensors file, its card in Markdown, and the log beside it.

    Args:
        run: the folder of the run.
        output: the ``.safetensors`` file.
        datasets: sets whose scores the card tells, beside bicubic's.

    Returns:
        The files written.

    Raises:
        InputError: the run is not finished, or a set is not there.
    """
    weights = run / "weights.safetensors"
    if not weights.is_file():
        begun = (run / "config.json").is_file()
        told = (
            f"`srcnn train --resume --out {run}` ends it"
            if begun
            else "give the folder that was --out of `srcnn train`"
        )
        raise InputError(f"{run} holds no finished run; {told}")
    loaded = pretrained.load(weights)
    history = run / "history.jsonl"
    if not history.is_file() or not {"scale", "training", "command"} <= set(loaded.card):
        raise InputError(f"{run} lacks its history or the record in its weights; train anew in another --out")
    scale = loaded.card["scale"]
    scores = {}
    for dataset in datasets:
        ours, bicubic = (record["mean"] for record in measure([str(weights), "bicubic"], dataset, scale).values())
        scores[dataset] = {"psnr": ours["psnr"], "ssim": ours["ssim"], "bicubic_psnr": bicubic["psnr"]}
    card = {**loaded.card, "scores": scores}
    card_file, log = output.with_suffix(".md"), output.with_suffix(".jsonl")
    told = model_card(output.stem, loaded.model, card)
    pretrained.save(loaded.model, output, card)
    write(card_file, told)
    write(log, history.read_text(encoding="utf-8"))
    return [output, card_file, log]


def model_card(name: str, model: SRCNN, card: dict[str, Any]) -> str:
    """The model card, as Markdown: what a reader should know before using these weights."""
    training = card["training"]
    weights = sum(p.numel() for p in model.parameters())
    made = [training["data"], f"{training['steps']:,}", training["batch_size"], training["seed"]]
    made += [f"{card['seconds']:.0f} s", card["machine"]]
    rows = [f"| {d} | {s['psnr']:.2f} | {s['ssim']:.4f} | {s['bicubic_psnr']:.2f} |" for d, s in card["scores"].items()]
    return f"""# {name}

{type(model).__name__} {"-".join(map(str, model.kernels))}, {weights:,} numbers, enlarges by {card["scale"]}.

| trained on | steps | pairs a step | seed | time | machine |
|---|---|---|---|---|---|
| {" | ".join(map(str, made))} |

Made by `{card["command"]}` with {", ".join(f"{k} {v}" for k, v in card["versions"].items())};
the log is {name}.jsonl.

| set | PSNR, dB | SSIM | bicubic, dB |
|---|---|---|---|
{chr(10).join(rows)}

Measured on luma by the protocol of the published tables. For photographs that were shrunk by bicubic interpolation:
on noise, JPEG blocks or another blur the network sharpens those too. It restores what is likely, not what was there,
so its detail is no evidence of anything.

License: MIT, as the code. The training images may not be redistributed; no pixel of them is in these weights.
"""
