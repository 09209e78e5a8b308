"""What training, upscaling and evaluating cost in time and memory. The page on reproducibility prints them.

``srcnn reproduce benchmarks`` measures the four parts into ``benchmarks.json``; :func:`run` can measure one anew and
leave the others. What is compared is measured in turns, so that whatever else the machine does falls on all alike, and
the medians are kept. Everything runs on the CPU.
"""

import itertools
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from torch import Tensor

from srcnn import data, pretrained, published
from srcnn.evaluation import evaluate, mean_scores, upscaler
from srcnn.files import InputError, writable
from srcnn.pretrained import hardware_name
from srcnn.recipes import TrainConfig, command_line, with_changes
from srcnn.reproduce.dataloader import throughput
from srcnn.reproduce.timing import Part, in_turns, ratio
from srcnn.reproduce.upscaling import upscaling
from srcnn.resize import enlarge
from srcnn.results import write_json
from srcnn.runs import start
from srcnn.training import train

TARGET = published.score("set5", 3, "9-1-5", "91 images").psnr  # dB, the paper's
CAP = 120.0  # seconds of training for a run that has not come so far
_FOREVER = 10**7  # steps of a run that ends at the target or the cap
_PLAIN_ADAM = {"optimizer": "adam", "last_layer_lr_factor": 1.0, "cosine": False, "ema_share": 0.0, "steps": _FOREVER}

# The training runs that are compared. A cosine needs its number of steps beforehand: such a run goes to its end. One
# without ends where it first reaches the target, or at the cap.
RUNS: dict[str, TrainConfig] = {
    "fast": with_changes("fast", steps=1_500),
    # the best of four settings of Adam on 20 held-out photographs of BSDS300, for 27 times as many steps
    "Adam 3e-3, cosine": with_changes(
        "fast", optimizer="adam", learning_rate=3e-3, last_layer_lr_factor=1.0, steps=40_000
    ),
    "Adam 1e-3": with_changes("fast", learning_rate=1e-3, **_PLAIN_ADAM),
    "Adam 1e-4, 9-5-5": with_changes("fast", architecture="9-5-5", learning_rate=1e-4, **_PLAIN_ADAM),
    "paper's SGD": with_changes("paper", steps=_FOREVER),
}


def run(
    folder: Path,
    *,
    parts: Iterable[str] | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> Iterator[dict[str, Any]]:
    """Measure parts into ``benchmarks.json``, each written when it is done; the parts that are not asked for stay.

    Args:
        folder: of the results.
        parts: names from ``BENCHMARKS``; all of them where it is None.
        settings: name of a part -> keyword arguments for it: ``{"training": {"cap": 1200}}``.

    Yields:
        ``{"line": text}`` for the user.

    Raises:
        InputError: a part is unknown, image sets are not there, or the file is damaged or cannot be written.
    """
    names = list(BENCHMARKS if parts is None else parts)
    for name in (*names, *(settings or {})):
        if name not in BENCHMARKS:
            raise InputError(f"there is no benchmark {name!r}; they are {', '.join(BENCHMARKS)}")
    path = writable(Path(folder) / "benchmarks.json")
    _read(path)
    for name in names:
        record = yield from BENCHMARKS[name](**(settings or {}).get(name, {}))
        where = {"machine": hardware_name(), "torch": version("torch"), "srcnn": version("srcnn")}
        kept = _read(path)  # again: another process may have added a part meanwhile
        write_json({**kept, name: {"command": "srcnn reproduce benchmarks", **where, **record}}, path)


def _read(path: Path) -> dict[str, Any]:
    """The parts measured so far."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if isinstance(kept, dict):
            return kept
    except (ValueError, RecursionError):
        pass
    raise InputError(f"{path} is damaged; remove it, and every part is measured anew")


def training(
    *,
    runs: Mapping[str, TrainConfig] = RUNS,
    test: str = "set5",
    target: float = TARGET,
    cap: float = CAP,
    every: int = 6_400,
    seeds: int = 3,
) -> Part:
    """Seconds and crops until the paper's score on Set5 at x3, for several ways to train.

    Args:
        runs: see ``RUNS``.
        test: the set whose mean PSNR is watched.
        target: dB.
        cap: seconds of training after which a run without a cosine ends.
        every: crops between two looks at the test set; the clock stands still meanwhile.
        seeds: repeats of the first of the runs; the others are too slow for more than one.

    Yields:
        Lines that the command prints.

    Returns:
        The record of the part, of each run its seeds' medians, and every seed's curve.
    """
    watched = list(data.photographs(test, "test"))
    courses: dict[str, list[dict[str, Any]]] = {label: [] for label in runs}
    for seed, (label, config) in itertools.product(range(seeds), runs.items()):
        if seed and label != next(iter(runs)):
            continue
        course = _course(replace(config, seed=seed), watched, target=target, cap=cap, every=every)
        courses[label].append(course)
        end = f"{course['psnr']:.2f} dB after {course['crops']:,} crops in {course['seconds']:.1f} s"
        yield {"line": f"training    {label}, seed {seed}: {end}"}
    return {
        "data": test,
        "target": target,
        "cap": cap,
        "runs": {
            label: {
                "training": command_line(runs[label]),
                "repeats": len(done),
                "reached": sum(course["reached"] for course in done),
                **{key: median(course[key] for course in done) for key in ("seconds", "crops", "psnr")},
                "seeds": done,
            }
            for label, done in courses.items()
        },
    }


def _course(
    config: TrainConfig,
    watched: list[tuple[str, Tensor]],
    *,
    target: float,
    cap: float,
    every: int,
) -> dict[str, Any]:
    """One training run and its curve. The clock runs while it trains, not while data are read or scores measured."""
    learner, batches = start(config)
    stride, seconds = max(1, every // config.batch_size), 0.0
    cap = math.inf if config.cosine else cap
    curve: dict[str, list[float]] = {"seconds": [], "crops": [], "psnr": []}
    began = time.perf_counter()
    for step in train(learner, batches):
        now = seconds + time.perf_counter() - began
        if step.number % stride and step.number < config.steps and now < cap:
            continue
        psnr = mean_scores(evaluate(upscaler(learner.final), watched, scale=config.scale)).psnr
        for key, value in (
            ("seconds", round(now, 2)),
            ("crops", step.number * config.batch_size),
            ("psnr", round(psnr, 4)),
        ):
            curve[key].append(value)
        if now >= cap or (psnr >= target and not config.cosine):
            break
        seconds, began = now, time.perf_counter()
    return {**{key: values[-1] for key, values in curve.items()}, "reached": psnr >= target, "curve": curve}


def evaluation(*, test: str = "set14", weights: str = "srcnn-9-1-5-x3", repeats: int = 5) -> Part:
    """Seconds for Set14 at x3 by the protocol, the files' reading included, beside bicubic.

    Args:
        test: the set.
        weights: of the network.
        repeats: turns, after one that is not counted.

    Yields:
        Lines that the command prints.

    Returns:
        The record of the part, medians, their ratio, and the scores, which say that it was the protocol.
    """
    methods = {"bicubic": enlarge, weights: upscaler(pretrained.load(weights, scale=3).model)}
    scores = {}

    def measure(name: str) -> float:
        began = time.perf_counter()
        scores[name] = round(mean_scores(evaluate(methods[name], data.photographs(test, "test"), scale=3)).psnr, 4)
        return time.perf_counter() - began

    tasks = {name: partial(measure, name) for name in methods}
    in_turns(tasks, 1)
    taken = in_turns(tasks, repeats)
    seconds = {name: round(median(turns), 3) for name, turns in taken.items()}
    for name in methods:
        yield {"line": f"evaluation  {test} x3, {name}: {seconds[name]:.2f} s, {scores[name]:.2f} dB"}
    times = ratio(taken[weights], taken["bicubic"])
    return {"data": test, "scale": 3, "repeats": repeats, "seconds": seconds, "ratio": times, "psnr": scores}


BENCHMARKS: dict[str, Callable[..., Part]] = {
    "training": training,
    "throughput": throughput,
    "upscaling": upscaling,
    "evaluation": evaluation,
}
