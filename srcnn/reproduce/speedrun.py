"""Speedrun: seconds of training on a CPU from nothing to the paper's 32.39 dB on Set5 at x3. Chapter 10.

Every entry is a recipe that anybody can train with one command. The rules are those of ``RULES``; an entry that
breaks one is no record, however fast it is.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from statistics import fmean, median
from typing import Any

import torch
from scipy.stats import ttest_1samp
from torch import Tensor

from srcnn import data
from srcnn.evaluation import evaluate, mean_scores, upscaler
from srcnn.pretrained import hardware_name
from srcnn.recipes import TrainConfig, command_line, with_changes
from srcnn.reproduce.benchmarks import TARGET
from srcnn.reproduce.timing import ratio
from srcnn.results import write_json
from srcnn.runs import start
from srcnn.training import train

RULES = (
    "The network is the paper's 9-1-5, trained for x3 on its 91 images alone, from weights that depend on "
    "nothing but the seed.",
    "The clock runs from the first step to the last; reading the images and measuring do not count.",
    "The settings, the number of steps among them, are chosen on photographs that are neither of the 91 nor of a test "
    "set. The test set is measured once, after the last step; nothing stops earlier because of it.",
    "The mean of Set5 over the seeds is above 32.39 dB, with p below 0.01 in a one-sided t test.",
    "Entries are compared in one run on one machine, in turns, seed by seed.",
    "All code is in the package, and one command trains the network.",
)
P_VALUE = 0.01
#: From the oldest to the newest. A newer one has as many steps as make it no worse than the oldest on the validation
#: photographs.
ENTRIES: dict[str, TrainConfig] = {
    "fast": with_changes("fast", steps=1_500),
    "centered": with_changes("fast", steps=1_300, ema_share=0.05, initialization="centered"),
    "identity": with_changes("fast", steps=870, warmup_steps=50, ema_share=0.05, initialization="identity"),
}


def run(
    folder: Path,
    *,
    entries: Mapping[str, TrainConfig] = ENTRIES,
    seeds: int = 10,
    test: str = "set5",
    validation: tuple[str, str] = ("bsds300:20", "train"),
    target: float = TARGET,
) -> Iterator[dict[str, Any]]:
    """Train every entry from every seed and measure it; about ten minutes.

    Args:
        folder: for ``speedrun.json``.
        entries: name -> configuration, the oldest first.
        seeds: how many, from 0.
        test: the set of the target.
        validation: set and split on which the settings were chosen; told beside the test's score.
        target: dB.

    Yields:
        A line for each training, and at last the record that was written.
    """
    judged = {"validation": list(data.photographs(*validation)), "psnr": list(data.photographs(test, "test"))}
    _trained(replace(next(iter(entries.values())), steps=10), judged)  # a process's first steps choose their kernels
    seen: dict[str, list[dict[str, Any]]] = {name: [] for name in entries}
    for seed in range(seeds):
        for name, config in entries.items():
            seen[name].append(_trained(replace(config, seed=seed), judged))
            done = seen[name][-1]
            yield {"line": f"{name}, seed {seed}: {done['psnr']:.2f} dB on {test} after {done['seconds']:.2f} s"}
    oldest = [row["seconds"] for row in next(iter(seen.values()))]
    told = {}
    for name, rows in seen.items():
        scores = [row["psnr"] for row in rows]
        p_value = float(ttest_1samp(scores, target, alternative="greater").pvalue)
        told[name] = {
            "training": command_line(entries[name]),
            "seconds": round(median(row["seconds"] for row in rows), 2),
            "of_the_oldest": ratio([row["seconds"] for row in rows], oldest),
            "psnr": round(fmean(scores), 4),
            "validation": round(fmean(row["validation"] for row in rows), 4),
            "p_value": p_value,
            "is_a_record": p_value < P_VALUE,
            "seeds": rows,
        }
    where = {"machine": hardware_name(), "torch": version("torch"), "srcnn": version("srcnn")}
    record = {"command": "srcnn reproduce speedrun", **where, "rules": RULES, "target": target, "entries": told}
    write_json(record, folder / "speedrun.json")
    newest = list(told.values())[-1]
    line = f"{newest['seconds']:.2f} s, {newest['of_the_oldest']:.2f} of the first entry's, {newest['psnr']:.2f} dB"
    yield record | {"line": line}


def _trained(config: TrainConfig, judged: Mapping[str, list[tuple[str, Tensor]]]) -> dict[str, Any]:
    """Seconds of one training, its losses, and what the network scores after the last step."""
    learner, batches = start(config)
    began, losses = time.perf_counter(), []
    for step in train(learner, batches):
        losses.append(step.loss)
    seconds = time.perf_counter() - began
    every = max(1, config.steps // 50)
    log = [round(loss, 8) for loss in torch.stack(losses).tolist()[every - 1 :: every]]
    scores = {
        name: round(mean_scores(evaluate(upscaler(learner.final), photographs, scale=config.scale)).psnr, 4)
        for name, photographs in judged.items()
    }
    return {"seed": config.seed, "seconds": round(seconds, 3), "steps": config.steps, **scores, "losses": log}
