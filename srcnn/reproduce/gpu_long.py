"""What a GPU makes affordable, the parts 8 to 10 of "gpu": many networks, the paper's own run, large photographs."""

import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from srcnn import images
from srcnn.files import InputError, atomic
from srcnn.pairs import RandomCrops
from srcnn.pretrained import hardware_name
from srcnn.recipes import TrainConfig, command_line, with_changes
from srcnn.reproduce.gpu_graph import GraphTrainer, convolution_arithmetic
from srcnn.reproduce.gpu_place import Place, Rows, crops, images_of, per_second, psnr_on, told_as_error
from srcnn.reproduce.many import ManySRCNN, many_trainer, psnr_of_each
from srcnn.reproduce.upscaling import command_once, tiled_sample
from srcnn.runs import make_batches
from srcnn.training import Learner, make_model, resolve_precision

_CHECKPOINT = "gpu-paper.pt"


_KEYS = ("steps", "turns", "median", "mean", "per_second", "networks_per_second")  # of a row, where it was measured


def many_networks(
    place: Place,
    *,
    training: dict[str, Any],
    counts: Sequence[int],
    layouts: Sequence[bool],
    turns: int,
    turn_seconds: float,
    distribution: int,
    test: str,
) -> Rows:
    """How many networks train at once, and how their scores are distributed over seeds.

    Args:
        place: of the measurement.
        training: changes of the recipe fast, with an optimizer that keeps networks apart.
        counts: of networks.
        layouts: whether channels lie together in memory; each is tried.
        turns: of each.
        turn_seconds: of a turn.
        distribution: networks whose scores are told; fewer, in halves, where there is no time for so many.
        test: the set that they are measured on, after their last step.

    Yields:
        A row for each number of networks in each form.

    Raises:
        InputError: no number of networks could be trained.
    """
    config = with_changes("fast", **training)
    batches, trainer = crops(config, place.device), None
    best: dict[int, dict[str, Any]] = {}
    for count in counts:
        for form, last in (*(("grouped", last) for last in layouts), ("matmul", False)):
            if place.left < 0.6 * place.seconds:  # the rest is for the distribution
                continue
            row: dict[str, Any] = {"networks": count, "form": form, "channels_last": last}
            row["precision"] = config.precision
            with told_as_error(row, _KEYS):
                endless = replace(config, steps=10**7, full_precision_share=0.0)
                how: dict[str, Any] = {"device": place.device, "form": form, "channels_last": last}
                trainer = many_trainer(endless, batches, range(count), **how)
                row |= _speed(place, trainer, count, turns, turn_seconds)
                if row["median"] < best.get(count, {}).get("median", float("inf")):
                    best[count] = row
            trainer = None  # its memory is wanted by the next one
            yield row
    if not best:
        raise InputError("no number of networks could be trained; the rows say why")
    fastest = max(best.values(), key=lambda row: row["networks_per_second"])
    told = _distribution(place, config, batches, fastest, distribution, test)
    device = torch.device(place.device)
    arithmetic = convolution_arithmetic(resolve_precision(config.precision, device), device)
    speed = f"{fastest['networks_per_second']:,.0f} networks x steps/s with {fastest['networks']}"
    line = f"{speed}; {told['networks']} seeds {told['mean']:.3f} dB, standard deviation {told['deviation']:.3f}"
    told |= {"fastest": fastest["networks"], "training": command_line(config), "arithmetic": arithmetic}
    return told | {"line": line}


def _speed(place: Place, trainer: GraphTrainer, count: int, turns: int, seconds: float) -> dict[str, Any]:
    """Steps a second in turns, after a few that are not counted, and networks times steps a second."""
    trainer.advance(5)
    steps, taken = place.turns(trainer.advance, turns=turns, seconds=seconds, least=5)
    speed = per_second(taken)
    return {"steps": steps, "turns": taken, **speed, "networks_per_second": count * speed["per_second"]}


def _distribution(
    place: Place, config: TrainConfig, batches: RandomCrops, fastest: dict[str, Any], wanted: int, test: str
) -> dict[str, Any]:
    """Train so many networks as there is time for to their end, and measure each."""
    tested, count = images_of(test, "test"), wanted
    while count > 1 and count * config.steps / fastest["networks_per_second"] > 0.8 * place.left:
        count //= 2
    options = {"device": place.device, "form": fastest["form"], "channels_last": fastest["channels_last"]}
    trainer = many_trainer(config, batches, range(count), **options)
    seconds = place.timed(lambda: trainer.advance(config.steps))
    networks = trainer.learner.final
    assert isinstance(networks, ManySRCNN)
    scores = psnr_of_each(networks, tested, scale=config.scale)
    deviation = statistics.stdev(scores) if count > 1 else None
    quantiles = statistics.quantiles(scores, n=20) if count > 1 else None
    record = {
        "networks": count,
        "seeds": [0, count - 1],
        "seconds": seconds,
        "psnr": scores,
        "mean": statistics.fmean(scores),
        "deviation": deviation or 0.0,
    }
    return {**record, "quantiles": quantiles, "lowest": min(scores), "highest": max(scores), "test": test}


def papers_run(
    place: Place,
    *,
    training: dict[str, Any],
    test: str,
    target: float,
    marks: Sequence[int],
    lot: int,
    every: float,
) -> Rows:
    """The paper's own training, plain SGD at its rate, from its first step to 8e8 backprops.

    A call that is too short leaves a checkpoint in the folder, from which the next call goes on.

    Args:
        place: of the measurement.
        training: changes of the recipe paper.
        test: the set whose score is told at the marks; nothing is decided by it.
        target: dB, the paper's.
        marks: numbers of steps after which it is measured.
        lot: steps between two looks at the clock.
        every: seconds between checkpoints.

    Yields:
        A row at each mark, those of earlier calls first.
    """
    config = with_changes("paper", **training)
    model, tested = make_model(config), images_of(test, "test")
    learner, path = Learner(model, config, place.device), place.folder / _CHECKPOINT
    rows, seconds = _gone_on_with(path, learner)
    yield from rows
    trainer = GraphTrainer(learner, make_batches(config, model, device=place.device))
    wanted, saved = sorted({*marks, config.steps}), time.monotonic()
    while learner.step < config.steps and place.left > 0:
        ahead = next(mark for mark in wanted if mark > learner.step)
        count = min(lot, ahead - learner.step)
        seconds += place.timed(partial(trainer.advance, count))
        if learner.step == ahead:
            psnr = psnr_on(tested, learner.final, scale=config.scale, device=place.device)
            rows.append({"steps": ahead, "backprops": ahead * config.batch_size, "seconds": seconds, "psnr": psnr})
            rows[-1] |= {"loss": float(trainer.loss), "seed": config.seed, "machine": hardware_name(place.device)}
            yield rows[-1]
        if time.monotonic() - saved > every:
            _save(path, learner, rows, seconds)
            saved = time.monotonic()
    _save(path, learner, rows, seconds)
    done, highest = learner.step, max((row["psnr"] for row in rows), default=None)
    told = f"highest {highest:.2f} dB" if rows else "not measured yet"
    return {
        "steps": done,
        "seconds": seconds,
        "reached": next((row["backprops"] for row in rows if row["psnr"] >= target), None),
        "highest": highest,
        "target": target,
        "test": test,
        "complete": done >= config.steps,
        "training": command_line(config),
        "arithmetic": convolution_arithmetic(learner.precision, torch.device(place.device)),
        "line": f"{done:,} of {config.steps:,} steps in {seconds:.0f} s, {told}",
    }


def _gone_on_with(path: Path, learner: Learner) -> tuple[list[dict[str, Any]], float]:
    """The rows and seconds up to the checkpoint, which the learner goes back to; none where there is none."""
    if not path.exists():
        return [], 0.0
    try:
        state = torch.load(path, map_location=learner.device, weights_only=True)
        if state["training"] != command_line(learner.config):
            raise ValueError(f"it is of {state['training']}")
        learner.load_state_dict(state["learner"])
        return json.loads(state["rows"]), state["seconds"]
    except Exception as error:  # whatever torch raises
        cause = str(error).partition("\n")[0][:200]
        raise InputError(f"{path} does not fit this run ({cause}); remove it, and the run begins anew") from None


def _save(path: Path, learner: Learner, rows: list[dict[str, Any]], seconds: float) -> None:
    with atomic(path) as part:
        record = {"training": command_line(learner.config), "rows": json.dumps(rows), "seconds": seconds}
        torch.save({**record, "learner": learner.state_dict()}, part)


def photographs(place: Place, *, sizes: Sequence[tuple[int, int]], scale: int, turns: int) -> Rows:
    """Seconds and memory of ``srcnn upscale``, beyond the interpreter's, on the device and on the machine's processor.

    Args:
        place: of the measurement.
        sizes: height and width of the photographs.
        scale: by which they are enlarged.
        turns: of each, every one in a process of its own.

    Yields:
        A row for each photograph on each device.
    """
    told = []
    for height, width in sizes:
        with tempfile.TemporaryDirectory() as folder:
            photo, output = str(Path(folder) / "photo.jpg"), str(Path(folder) / "large.png")
            images.write_photograph(photo, tiled_sample(height, width))
            middle = {}
            for device in dict.fromkeys((place.device, "cpu")):
                once = partial(command_once, photo, output, scale=scale, device=device)
                taken = [place.fresh(once) for _ in range(turns)]
                middle[device] = statistics.median(turn["seconds"] for turn in taken)
                row = {
                    "device": device,
                    "photograph": height * width / 1e6,
                    "megapixels": height * width * scale**2 / 1e6,
                }
                peaks = {"memory": max(turn["peak"] for turn in taken)}
                peaks["device_memory"] = max(turn["device_peak"] for turn in taken)
                network = {"scale": scale, "weights": f"srcnn-9-1-5-x{scale}", "arithmetic": "ieee float32"}
                yield {**row, **network, "seconds": middle[device], "turns": [t["seconds"] for t in taken], **peaks}
        seconds = ", ".join(f"{device} {value:.2f} s" for device, value in middle.items())
        told.append(f"{height * width * scale**2 / 1e6:.3g} megapixels: {seconds}")
    return {"sizes": [list(size) for size in sizes], "line": "; ".join(told)}
