"""Experiments: the tables of the book, made again by name. Each result says which command makes it.

``srcnn reproduce tables`` measures bicubic and every shipped network on Set5, Set14, BSD100 and, in full-range grey,
BSD200, one file of ``data/results/`` each. Chapter 10 prints them. ``srcnn reproduce tutorial`` measures as the
tutorial does, for chapters 3 and 12.
"""

import json
import os
import shlex
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import torch

from srcnn import data, pretrained
from srcnn.evaluation import GREY_PROTOCOL, PROTOCOL, Quality, evaluate, mean, tutorial_psnr, upscaler
from srcnn.files import InputError, atomic, shipped
from srcnn.model import SRCNN
from srcnn.recipes import RECIPES
from srcnn.resize import enlarge
from srcnn.runs import make_batches
from srcnn.training import Learner, make_model, train

TEST_SETS = ("set5", "set14", "bsds300", "bsds500-test-grey")
SCALES = (2, 3, 4)
TUTORIAL_PROTOCOL = (
    "the tutorial's: full-range luma, 256 x 256 from the centre, bilinear shrink, no shave, PSNR of each batch's mean "
    "error, averaged over batches"
)


def measure(
    weights: str,
    dataset: str,
    scale: int,
    *,
    grey: bool = False,
    device: torch.device | str = "cpu",
    root: str | os.PathLike | None = None,
) -> dict:
    """Evaluate shipped weights, a file or ``"bicubic"`` on a set.

    Args:
        weights: shipped weights by name, a file, or ``"bicubic"``. A network for RGB is given RGB, and the luma of its
            result is measured.
        dataset: a registered set, ``sample``, ``leaves``, or a folder.
        scale: 2, 3 or 4.
        grey: full-range grey instead of luma; see :func:`srcnn.color.grey`.
        device: where the network computes.
        root: where image sets are looked for first.

    Returns:
        What ``--json`` writes; it has weights, data, scale, protocol, mean and per-image quality, and provenance.

    Raises:
        InputError: the weights or the data cannot be used, or the weights were trained for another scale.
    """
    method, view = enlarge, "grey" if grey else "luma"
    if weights != "bicubic":
        model = network(weights, scale).model
        if model.channels not in (1, 3) or (grey and model.channels == 3):
            wanted = "grey" if grey else "luma or RGB"
            raise InputError(
                f"{weights} works on {model.channels} channels; the protocol measures a network for {wanted}"
            )
        method, view = upscaler(model, device), "rgb" if model.channels == 3 else view
    table = evaluate(method, data.photographs(dataset, "test", root), scale=scale, view=view)
    return {
        "weights": str(weights),
        "data": f"{dataset}-grey" if grey else dataset,
        "scale": scale,
        "protocol": GREY_PROTOCOL if grey else PROTOCOL,
        "mean": _record(mean(table)),
        "images": {name: _record(quality) for name, quality in table.items()},
        "provenance": {
            "command": shlex.join(
                ["srcnn", "evaluate", "--weights", str(weights), "--data", dataset, "--scale", str(scale)]
                + ["--grey"] * grey
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
    training = loaded.card.get("training")
    if isinstance(training, dict) and training.get("colour") == "ycbcr":
        raise InputError(f"{weights} was trained for YCbCr, which only chapter 11 does; train with --set colour=rgb")
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
        dataset: ``"set5"``, ``"set14"``, ``"bsds300"`` (BSD100) or ``"bsds500-test-grey"`` (BSD200 in full-range grey).
        scale: 2, 3 or 4.

    Raises:
        InputError: it was never measured.
    """
    return stored(_file(weights, dataset, scale).removesuffix(".json"))


def stored(name: str) -> dict:
    """A measured record by the name of its file: ``"ablation-width"``, ``"benchmarks"``.

    Raises:
        InputError: it was never measured.
    """
    path = shipped("results", f"{name}.json")
    if not path.is_file():
        raise InputError(f"there is no result {path.name}; `make help` tells how the results are measured")
    return json.loads(path.read_text(encoding="utf-8"))


def _file(weights: str, dataset: str, scale: int) -> str:
    method = weights.removesuffix(f"-x{scale}")
    return f"{dataset}-x{scale}-{method}.json"


def tables(folder: Path, root: str | os.PathLike | None = None) -> Iterator[dict]:
    """Measure bicubic and every shipped network on every test set; yields each record after writing it."""
    for dataset in TEST_SETS:
        for scale in SCALES:
            for weights in methods(dataset, scale):
                name, grey = dataset.removesuffix("-grey"), dataset.endswith("-grey")
                record = measure(weights, name, scale, grey=grey, root=root)
                write_json(record, folder / _file(weights, dataset, scale))
                yield _told(record)


def _told(record: dict) -> dict:
    """The record with the line that the command prints."""
    where = f"{record['data']:18} x{record['scale']} {record['weights']:20}"
    return {**record, "line": f"{where} {record['mean']['psnr']:.2f} dB"}


def methods(dataset: str, scale: int) -> list[str]:
    """What is measured on a test set: bicubic and the shipped networks of the scale, those for grey on grey."""
    names = [name for name in pretrained.names() if name.endswith(f"x{scale}")]
    return ["bicubic", *(name for name in names if not (dataset.endswith("-grey") and "rgb" in name))]


def tutorial(folder: Path, root: str | os.PathLike | None = None) -> Iterator[dict]:
    """What bicubic, the tutorial's training and the shipped sub-pixel network reach in the tutorial's measure.

    The scores are told for several batch sizes: what the batch size alone does to them.
    """
    low, high = data.tutorial_pairs("bsds300", "test", scale=4, root=root)
    network_of_the_tutorial, seconds = _train_the_tutorial(root)
    shipped_network = pretrained.load("subpixel-x4")
    for weights, method, took in (
        ("bicubic-tutorial", lambda images: enlarge(images, 4), 0.0),
        ("recipe-tutorial", network_of_the_tutorial, seconds),
        ("subpixel-tutorial", shipped_network.model, shipped_network.card["seconds"]),
    ):
        with torch.inference_mode():
            output = torch.cat([method(part) for part in low.split(10)])
        scores = {str(batch): round(tutorial_psnr(output, high, batch=batch), 4) for batch in (1, 2, 4, 8, 16)}
        record = {
            "weights": weights,
            "data": "bsds300",
            "scale": 4,
            "protocol": TUTORIAL_PROTOCOL,
            "mean": {"psnr": scores["8"]},
            "batches": scores,
            "training_seconds": round(took, 1),
            "provenance": {"command": "srcnn reproduce tutorial", "srcnn": version("srcnn"), "torch": version("torch")},
        }
        write_json(record, folder / _file(weights, "bsds300", 4))
        yield _told(record)


def _train_the_tutorial(root: str | os.PathLike | None) -> tuple[SRCNN, float]:
    """The tutorial's recipe as written, and the seconds that it took."""
    config = RECIPES["tutorial"]
    model = make_model(config)
    learner, batches = Learner(model, config), make_batches(config, model, root=root)
    began = time.monotonic()
    for _ in train(learner, batches):
        pass
    return learner.result, time.monotonic() - began
