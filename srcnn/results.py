"""Results: measured records, as the commands write them and the book prints them. Chapter 10.

A record is what ``srcnn evaluate --json`` writes; those of the book travel with the package, under ``data/results/``.
Each says which command makes it again; :mod:`srcnn.reproduce` makes all of them.
"""

import hashlib
import json
import os
import shlex
from collections.abc import Sequence
from importlib.metadata import version

import torch

from srcnn import data, pretrained
from srcnn.evaluation import GRAY_PROTOCOL, PROTOCOL, Scores, evaluate_all, mean_scores, upscaler
from srcnn.files import InputError, shipped, write
from srcnn.resize import enlarge


def measure(
    weights: Sequence[str], dataset: str, scale: int, *, gray: bool = False, device: torch.device | str = "cpu"
) -> dict[str, dict]:
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
    upscalers = dict.fromkeys(weights, enlarge)
    color_spaces = dict.fromkeys(weights, "gray" if gray else "luma")
    found = {name: {} for name in weights}
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


def _rounded(scores: Scores) -> dict:
    """Rounded far below what the book prints, far above what processors disagree about."""
    return {"psnr": round(scores.psnr, 4), "ssim": round(scores.ssim, 5)}


def write_json(record: dict, path: str | os.PathLike) -> None:
    """Write a record whole or not at all."""
    write(path, json.dumps(record, indent=1) + "\n")


def results(weights: str, dataset: str, scale: int) -> dict:
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


def stored(name: str) -> dict:
    """A measured record by the name of its file: ``"ablation-width"``, ``"benchmarks"``.

    Raises:
        InputError: it was never measured.
    """
    path = shipped("results", f"{name}.json")
    if not path.is_file():
        raise InputError(f"there is no result {path.name}; `make help` tells how the results are measured")
    return json.loads(path.read_text(encoding="utf-8"))


def file_name(weights: str, dataset: str, scale: int) -> str:
    """The file's name of a record in ``data/results/``."""
    method = weights.removesuffix(f"-x{scale}")
    return f"{dataset}-x{scale}-{method}.json"


def methods(dataset: str, scale: int) -> list[str]:
    """What is measured on a test set: bicubic and the shipped networks of the scale, those for gray on gray."""
    names = [name for name in pretrained.names() if name.endswith(f"x{scale}")]
    return ["bicubic", *(name for name in names if not (dataset.endswith("-gray") and "rgb" in name))]
