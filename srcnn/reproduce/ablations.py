"""The paper's experiments, and some of our own: one thing changed at a time. Chapter 13.

Every variant trains for the same number of steps on crops of the same size, with three seeds. One process a core works
through them, each on one thread, so that the seconds are those of one core and can be compared.
"""

import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch
from torch import Tensor

from srcnn import data
from srcnn.color import quantize, rgb_to_ycbcr
from srcnn.evaluation import Upscaler, evaluate, mean_scores, upscaler
from srcnn.files import read_records
from srcnn.metrics import psnr
from srcnn.pretrained import hardware_name
from srcnn.recipes import RECIPES, TrainConfig, command_line
from srcnn.resize import enlarge, modcrop, shrink
from srcnn.results import write_json
from srcnn.runs import start
from srcnn.training import train

SEEDS = (0, 1, 2)
# float32, so that any processor gives the same figures; a learning rate at which the largest network still trains well
BASE = replace(RECIPES["fast"], steps=1_000, patch_size=33, batch_size=32, learning_rate=5e-3, precision="float32")


@dataclass(frozen=True)
class Study:
    """One question.

    Attributes:
        question: what is asked.
        variants: name -> what is changed of ``BASE``; empty for the base itself.
    """

    question: str
    variants: dict[str, dict[str, Any]]


STUDIES: dict[str, Study] = {
    "width": Study(
        "Do more filters help?", {"32-16": {"widths": "32-16"}, "64-32": {}, "128-64": {"widths": "128-64"}}
    ),
    "filters": Study(
        "Do larger filters help?",
        {"9-1-5": {}, **{name: {"architecture": name} for name in ("9-3-5", "9-5-5", "11-1-7")}},
    ),
    "depth": Study(
        "Does a fourth layer help?",
        {"9-1-5": {}, **{name: {"architecture": name, "widths": "64-32-32"} for name in ("9-1-1-5", "9-1-3-5")}},
    ),
    "data": Study(
        "What must the training pictures be?",
        {"t91": {}, **{name: {"data": name} for name in ("bsds300", "sample", "leaves", "sample+leaves")}},
    ),
    "size": Study(
        "How many photographs does it need?",
        {**{f"t91:{count}": {"data": f"t91:{count}"} for count in (1, 5, 20, 45)}, "t91": {}},
    ),
    "color": Study("Luma alone, or color?", {"luma": {}, "rgb": {"color": "rgb"}, "ycbcr": {"color": "ycbcr"}}),
    "loss": Study("Squared or absolute error?", {"mse": {}, "l1": {"loss": "l1"}}),
    "precision": Study(
        "What do short numbers cost?",
        {
            "float32": {},
            "bfloat16": {"precision": "bfloat16", "full_precision_share": 0.0},
            "bfloat16, the end in float32": {"precision": "bfloat16"},
        },
    ),
    "initialization": Study(
        "Does the beginning matter?",
        {"torch": {}, **{name: {"initialization": name} for name in ("paper", "tutorial")}},
    ),
}


def run(
    folder: Path,
    *,
    studies: dict[str, Study] | None = None,
    base: TrainConfig = BASE,
    processes: int | None = None,
) -> Iterator[dict[str, Any]]:
    """Train and measure every variant of every study.

    A run that was stopped goes on where it was: what is done is kept in ``ablations.jsonl`` until all is.

    Args:
        folder: for one JSON file a study.
        studies: ``STUDIES`` where it is None.
        base: what the variants change.
        processes: how many work at once; one a core where it is None.

    Yields:
        After each run and each study, a record with the line that the command prints.

    Raises:
        InputError: an image set is not there.
    """
    studies = STUDIES if studies is None else studies
    journal = folder / "ablations.jsonl"
    configs = {
        (study, name, seed): replace(base, **changes, seed=seed)
        for study, found in studies.items()
        for name, changes in found.variants.items()
        for seed in SEEDS
    }
    # what an interrupted run has done
    done = {result["command"]: result for result in read_records(journal)} if journal.exists() else {}
    wanted = {command_line(config): config for config in configs.values()}
    missing = [config for key, config in wanted.items() if key not in done]
    for config in missing:
        next(data.photographs(config.data, "train"))  # a set that is not there is told before hours of work
    with (
        ProcessPoolExecutor(processes or os.cpu_count(), multiprocessing.get_context("spawn"), _one_thread) as pool,
        journal.open("a", encoding="utf-8") as stream,
    ):
        for future in as_completed([pool.submit(train_and_measure, config) for config in missing]):
            result = future.result()
            done[result["command"]] = result
            stream.write(json.dumps(result) + "\n")
            stream.flush()
            yield {"line": f"{len(done)} of {len(wanted)}: {result['set5']:.2f} dB on Set5, {result['command']}"}
    for study in studies:
        record = _summary(
            study, studies[study], base, {key: done[command_line(c)] for key, c in configs.items() if key[0] == study}
        )
        write_json(record, folder / f"ablation-{study}.json")
        yield {"line": f"{study}: " + ", ".join(f"{n} {v['mean']['set5']:.2f}" for n, v in record["variants"].items())}
    journal.unlink()


def _one_thread() -> None:
    torch.set_num_threads(1)


def _summary(
    name: str, study: Study, base: TrainConfig, runs: dict[tuple[str, str, int], dict[str, Any]]
) -> dict[str, Any]:
    variants = {}
    for variant in study.variants:
        mine = [runs[name, variant, seed] for seed in SEEDS]
        scores = [key for key, value in mine[0].items() if isinstance(value, float) and key != "seconds"]
        variants[variant] = {
            "command": mine[0]["command"],
            "parameters": mine[0]["parameters"],
            "mean": {key: round(fmean(r[key] for r in mine), 4) for key in scores},
            "spread": {key: round(stdev(r[key] for r in mine), 4) for key in scores},
            "seconds": round(fmean(r["seconds"] for r in mine), 1),
            "seeds": {str(seed): {key: r[key] for key in scores} for seed, r in zip(SEEDS, mine, strict=True)},
        }
    return {
        "study": name,
        "question": study.question,
        "steps": base.steps,
        "measure": "PSNR in dB, mean over images; spread: standard deviation over the seeds; seconds of one core",
        "variants": variants,
        "provenance": {
            "command": "srcnn reproduce ablations",
            "machine": runs[name, next(iter(study.variants)), SEEDS[0]]["machine"],
            "srcnn": version("srcnn"),
            "torch": version("torch"),
        },
    }


def train_and_measure(config: TrainConfig) -> dict[str, Any]:
    """Train one configuration and measure it on Set5 and Set14, or, where color is the question, on Set5's channels.

    Returns:
        ``set5`` and ``set14`` in dB on luma; in the study of color ``set5``, ``cb``, ``cr`` and ``color``, all three
        channels together; ``seconds`` of processor time that the training took, ``parameters``, ``command``,
        ``machine``.
    """
    learner, batches = start(config)
    began = time.process_time()
    for _ in train(learner, batches):
        pass
    seconds = time.process_time() - began
    trained = upscaler(learner.final)
    scores = color_psnr(trained, data.photographs("set5", "test"), scale=config.scale, color=config.color)
    scores = {"set5": scores.pop("y"), **scores}
    if config.color == "luma":
        for name in ("set5", "set14"):
            scores[name] = mean_scores(evaluate(trained, data.photographs(name, "test"), scale=config.scale)).psnr
    return {
        "command": command_line(config),
        **{name: round(value, 4) for name, value in scores.items()},
        "seconds": round(seconds, 1),
        "parameters": sum(p.numel() for p in learner.model.parameters()),
        "machine": hardware_name(),
    }


def color_psnr(upscaler: Upscaler, images: Iterator[tuple[str, Tensor]], *, scale: int, color: str) -> dict[str, float]:
    """PSNR on luma, on each color difference, and on the three together.

    Args:
        upscaler: a network as a function; see :func:`srcnn.evaluation.upscaler`.
        images: name and RGB original.
        scale: 2, 3 or 4.
        color: what the network sees: ``"luma"`` (bicubic enlarges the color differences), ``"rgb"`` or ``"ycbcr"``.

    Returns:
        ``y`` (luma), ``cb``, ``cr`` and ``color``, in dB, means over images.
    """
    table = []
    for _, original in images:
        high = modcrop(original, scale)
        low = shrink(rgb_to_ycbcr(high), scale)
        if color == "rgb":
            output = rgb_to_ycbcr(upscaler(shrink(high, scale), scale))
        elif color == "ycbcr":
            output = upscaler(low, scale)
        else:
            output = torch.cat([upscaler(low[:1], scale), enlarge(low[1:], scale)])
        output, target = quantize(output), quantize(rgb_to_ycbcr(high))
        parts = {"y": slice(0, 1), "cb": slice(1, 2), "cr": slice(2, 3)}
        scores = {name: psnr(output[c], target[c], peak=1, shave=scale) for name, c in parts.items()}
        table.append({**scores, "color": psnr(output, target, peak=1, shave=scale)})
    return {name: fmean(scores[name] for scores in table) for name in table[0]}
