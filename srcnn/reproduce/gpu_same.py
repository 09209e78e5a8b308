"""Whether a GPU gives what a CPU gives, the parts 1 to 4 of "gpu": tests, tables, the same bits, resuming."""

import hashlib
import itertools
import json
import os
import re
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import deque
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from subprocess import STDOUT, run
from typing import Any

import torch

from srcnn import pretrained, runs
from srcnn.evaluation import evaluate_all, upscaler
from srcnn.files import InputError, read_history
from srcnn.recipes import TrainConfig, with_changes
from srcnn.reproduce.gpu_graph import arithmetic, convolution_arithmetic
from srcnn.reproduce.gpu_place import Place, Rows, context, crops, images_of, join_group, told_as_error
from srcnn.results import results
from srcnn.runs import Run
from srcnn.training import Learner, make_model, train

_TESTS = Path(__file__).resolve().parents[2] / "tests"


def tests(place: Place) -> Rows:
    """Do the tests pass that need a CUDA device?

    Only the files that have such tests are read, because the others need libraries that a machine with a GPU may lack.

    Yields:
        A row for each test.

    Raises:
        InputError: this is no checkout, or pytest itself failed.
    """
    marked = re.compile(r"mark\.gpu|from devices import")
    files = sorted(path for path in _TESTS.glob("test_*.py") if marked.search(path.read_text(encoding="utf-8")))
    if not files:
        raise InputError(f"there are no tests in {_TESTS}; run this in a checkout")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["-m", "gpu", "-p", "no:cacheprovider", f"--junitxml={report}", "-o", "addopts=", "-rs"]
        # beside other versions of the libraries than the book's, a new warning is no fault
        done = run([sys.executable, "-m", "pytest", "-W", "default", *options, *files], stderr=STDOUT, check=False)
        cases = list(ET.parse(report).iter("testcase")) if report.exists() else []
    for case in cases:
        kinds = {child.tag: child.get("message", "") for child in case}
        outcome = next((kind for kind in ("failure", "error", "skipped") if kind in kinds), "passed")
        name = f"{case.get('classname')}::{case.get('name')}"
        yield {"test": name, "outcome": outcome, "seconds": float(case.get("time", 0)), "told": kinds.get(outcome)}
    outcomes = [next((child.tag for child in case), "passed") for case in cases]
    failed = sum(outcome in ("failure", "error") for outcome in outcomes)
    counts = {"passed": outcomes.count("passed"), "failed": failed, "skipped": outcomes.count("skipped")}
    if done.returncode and not failed:
        raise InputError(f"pytest ended with status {done.returncode}; the log says why")
    line = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    return {**counts, "line": line}


def tables(place: Place, *, test: str, weights: Sequence[str], scales: Sequence[int]) -> Rows:
    """Are the tables the same, with TF32 and without?

    Args:
        place: of the measurement.
        test: the set.
        weights: shipped names; all of a scale where there are none.
        scales: of the tables.

    Yields:
        A row for each network at each scale and precision.
    """
    images, worst = images_of(test, "test"), {"float32": 0.0, "tf32": 0.0}
    for scale in scales:
        names = weights or [name for name in pretrained.names() if name.endswith(f"x{scale}")]
        for name in names:
            model = pretrained.load(name, scale=scale).model
            methods = {"cpu": upscaler(model)}
            for precision in worst:
                within = partial(arithmetic, precision, torch.device(place.device))
                methods[precision] = upscaler(model, place.device, arithmetic=within)
            space = "rgb" if model.channels == 3 else "luma"
            scores = evaluate_all(methods, images, scale=scale, color_spaces=dict.fromkeys(methods, space))
            stored = _stored(name, test, scale)
            for precision in worst:
                found = {image: score.psnr for image, score in scores[precision].items()}
                here = max(abs(found[image] - scores["cpu"][image].psnr) for image in found)
                book = max(abs(found[image] - psnr) for image, psnr in stored.items()) if stored else None
                worst[precision] = max(worst[precision], here, book or 0.0)
                yield {
                    "weights": name,
                    "scale": scale,
                    "precision": precision,
                    "arithmetic": convolution_arithmetic(precision, torch.device(place.device)),
                    "psnr": fmean(found.values()),
                    "from_cpu": here,
                    "from_book": book,
                }
    line = ", ".join(f"{precision} within {value:.5f} dB" for precision, value in worst.items())
    return {"data": test, "largest": worst, "line": line}


def _stored(name: str, test: str, scale: int) -> dict[str, float]:
    """The PSNR of every image in the book's own table, nothing where there is none."""
    try:
        return {image: scores["psnr"] for image, scores in results(name, test, scale)["images"].items()}
    except InputError:
        return {}


def same_bits(place: Place, *, training: dict[str, Any], optimizers: Sequence[str], steps: int) -> Rows:
    """Does one seed give the same bits twice, and what does it cost to make it?

    Args:
        place: of the measurement.
        training: changes of the recipe fast.
        optimizers: each is tried.
        steps: of a run.

    Yields:
        A row for each optimizer, with and without deterministic algorithms.
    """
    same = {}
    for deterministic, optimizer in itertools.product((False, True), optimizers):
        config = with_changes("fast", **training, optimizer=optimizer, steps=steps, deterministic=deterministic)
        row = {"optimizer": optimizer, "deterministic": deterministic, "steps": steps, "seed": config.seed}
        with told_as_error(row, ("same", "seconds", "sha256", "arithmetic")):  # torch may refuse to be deterministic
            both = place.fresh(two_runs, place, config)
            hashes = [run["sha256"] for run in both]
            row |= {"same": hashes[0] == hashes[1], "sha256": hashes, "arithmetic": both[0]["arithmetic"]}
            row["seconds"] = min(run["seconds"] for run in both)
            same[f"{optimizer}{', deterministic' if deterministic else ''}"] = row["same"]
        yield row
    line = "; ".join(f"{name}: {'the same' if equal else 'others'}" for name, equal in same.items())
    return {"same": same, "line": line}


def two_runs(place: Place, config: TrainConfig) -> list[dict[str, Any]]:
    """Train twice from one seed; a hash of the weights and the seconds of each. In a process that has not begun."""
    batches, found = crops(config, place.device), []
    for _ in range(3):  # the first one loads and chooses kernels, and is not counted
        learner = Learner(make_model(config), config, place.device)
        seconds = place.timed(partial(deque, train(learner, batches), maxlen=0))
        values = torch.cat([value.detach().cpu().flatten() for value in learner.model.parameters()])
        found.append({"seconds": seconds, "sha256": hashlib.sha256(values.numpy().tobytes()).hexdigest()})
        found[-1]["arithmetic"] = convolution_arithmetic(learner.precision, learner.device)
    return found[1:]


def resuming(
    place: Place, *, training: dict[str, Any], precisions: Sequence[str], stops: Sequence[int], checkpoint: int
) -> Rows:
    """Does a run that is killed on a CPU go on on CUDA, and back again?

    Args:
        place: of the measurement.
        training: changes of the recipe fast.
        precisions: each is tried.
        stops: the steps after which the process on the CPU, that on the device, and the last one on the CPU end; the
            first two are killed, the last one comes to the end.
        checkpoint: steps between two of them.

    Yields:
        A row for each precision.
    """
    for precision in precisions:
        config = with_changes("fast", **training, precision=precision, steps=stops[-1])
        with tempfile.TemporaryDirectory() as name:
            folder, legs = Path(name), []
            for number, stop in enumerate(stops):
                device = place.device if number == 1 else "cpu"
                legs.append(_leg(place, (config, folder / "run", device, stop, number > 0, checkpoint)))
            for _ in Run(config, folder / "whole"):
                pass
            lines = {kind: read_history(folder / kind / "history.jsonl") for kind in ("run", "whole")}
            networks = {kind: pretrained.load(folder / kind / "weights.safetensors").model for kind in lines}
        pairs = zip(*(network.parameters() for network in networks.values()), strict=True)
        difference = max(float((one - other).detach().abs().max()) for one, other in pairs)
        losses = {kind: fmean(line["loss"] for line in history[-10:]) for kind, history in lines.items()}
        row = {"precision": precision, "legs": legs, "lines": len(lines["run"]), "seed": config.seed}
        yield {**row, "loss": losses["run"], "loss_whole": losses["whole"], "difference": difference}
    return {"precisions": list(precisions), "line": f"went on in {', '.join(precisions)}"}


def _leg(place: Place, arguments: tuple[Any, ...]) -> dict[str, Any]:
    """What a process tells that trains until a step."""
    _, folder, device, stop, *_ = arguments
    told = folder.with_suffix(".json")
    told.unlink(missing_ok=True)
    process = context(place.device).Process(target=train_until, args=arguments)
    process.start()
    process.join()
    if process.exitcode not in (0, 9) or not told.exists():
        raise InputError(f"the run on {device} up to step {stop} ended with status {process.exitcode}")
    return {"device": device, "stop": stop, **json.loads(told.read_text(encoding="utf-8"))}


def train_until(config: TrainConfig, folder: Path, device: str, stop: int, resume: bool, checkpoint: int) -> None:
    """Train a run in its folder and die after a step, as if killed, unless it is the last."""
    join_group()
    runs._CHECKPOINT = checkpoint  # in this process alone; a run of its usual length would take minutes
    training = Run(config, folder, device=device, resume=resume)
    record = {"from": training.learner.step, "precision": training.learner.precision, "warning": training.warning}
    folder.with_suffix(".json").write_text(json.dumps(record), encoding="utf-8")
    for step in training:
        if step.number == stop < config.steps:
            os._exit(9)
