"""Optimizers compared fairly: each is given the same search of its settings before it is judged. Chapter 13.

Every method tries the same points of a Sobol sequence, one training each, and is judged on photographs that no training
saw. Its best setting then trains from seeds that the search did not use, and only these networks see the test sets. The
methods take turns, so that whatever else the machine does falls on all alike.
"""

import json
import math
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Any

from scipy import stats

from srcnn import data
from srcnn.evaluation import evaluate, mean_scores, upscaler
from srcnn.files import InputError, read_records, writable, write
from srcnn.pretrained import hardware_name
from srcnn.recipes import RECIPES, TrainConfig
from srcnn.reproduce.methods import METHODS, near_edge, points, ranges, settings
from srcnn.results import write_json
from srcnn.runs import make_batches
from srcnn.training import Learner, make_model, train

BASE = replace(RECIPES["fast"], steps=1_000)
SEARCH_SEED, SEEDS = 100, (0, 1, 2, 3, 4)
VALIDATION, TESTS = "bsds300:20", ("set5", "set14")  # 20 of its photographs for training


@dataclass(frozen=True)
class Task:
    """One training, all that its result depends on: what the journal knows it by.

    Attributes:
        method: a name from ``METHODS``.
        settings: see :func:`settings`.
        config: everything else.
        validation: of whose photographs for training the PSNR is watched.
        tests: sets to measure at the end.
        every: steps between two looks at the validation set.
    """

    method: str
    settings: Mapping[str, float]
    config: TrainConfig
    validation: str
    tests: Sequence[str]
    every: int


def train_and_measure(task: Task) -> dict[str, Any]:
    """Train as a task says. The clock runs while it trains, not while data are read or scores measured.

    Returns:
        ``psnr`` in dB on ``validation`` and each test set, None for all where the training diverged; ``curve``, the
        ``steps``, ``seconds`` and ``psnr`` of every look; ``seconds`` a step; ``machine``.
    """
    betas = task.settings["beta1"], task.settings.get("beta2")
    changes: dict[str, Any] = {name: value for name, value in task.settings.items() if not name.startswith("beta")}
    config = replace(task.config, **changes)
    watched = list(data.photographs(task.validation, "train"))
    model = make_model(config)
    batches = make_batches(config, model)
    learner = Learner(model, config, optimizer=partial(METHODS[task.method], betas=betas))

    curve: dict[str, list[float]] = {"steps": [], "seconds": [], "psnr": []}
    scores: dict[str, float | None] = dict.fromkeys(("validation", *task.tests))
    began, seconds = time.perf_counter(), 0.0
    for step in train(learner, batches):
        diverged = not math.isfinite(step.loss)
        if step.number % task.every and step.number < config.steps and not diverged:
            continue
        seconds += time.perf_counter() - began
        psnr = mean_scores(evaluate(upscaler(learner.final), watched, scale=config.scale)).psnr
        if diverged or not math.isfinite(psnr):
            break
        for key, value in (("steps", step.number), ("seconds", round(seconds, 3)), ("psnr", round(psnr, 4))):
            curve[key].append(value)
        began = time.perf_counter()
    else:
        trained = upscaler(learner.final)
        scores["validation"] = curve["psnr"][-1]
        for name in task.tests:
            found = evaluate(trained, data.photographs(name, "test"), scale=config.scale)
            scores[name] = round(mean_scores(found).psnr, 4)
    return {
        "psnr": scores,
        "curve": curve,
        "seconds": float(f"{seconds / learner.step:.4g}"),
        "machine": hardware_name(),
    }


class _Journal:
    """The results of an interrupted run, one a line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        records = read_records(path) if path.exists() else []
        write(path, "".join(json.dumps(record) + "\n" for record in records))  # without a last line cut short by a kill
        self.results: dict[str, Any] = {_key(record.get("task")): record.get("result") for record in records}

    def result(self, task: Task) -> dict[str, Any]:
        """What a task gives, trained unless it was before."""
        key = _key(asdict(task))
        if key not in self.results:
            self.results[key] = train_and_measure(task)
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps({"task": asdict(task), "result": self.results[key]}) + "\n")
        result: dict[str, Any] = self.results[key]
        return result


def _key(task: object) -> str:
    return json.dumps(task, sort_keys=True)


def run(
    folder: Path,
    *,
    base: TrainConfig = BASE,
    trials: int = 24,
    seeds: Sequence[int] = SEEDS,
    validation: str = VALIDATION,
    tests: Sequence[str] = TESTS,
    every: int = 100,
) -> Iterator[dict[str, Any]]:
    """Search, train the best of each method again, and compare, into ``optimizers.json``.

    A run that was stopped goes on where it was: what is done is kept in ``optimizers.jsonl`` until all is.

    Args:
        folder: for the record.
        base: what all methods share.
        trials: settings that each method tries.
        seeds: of the best setting's trainings, two or more.
        validation: a set whose photographs for training judge the settings.
        tests: sets that only the best see.
        every: steps between two points of a curve.

    Yields:
        After each training a record with the line that the command prints.

    Raises:
        InputError: an image set is not there, or no setting of a method can be used.
    """
    path = writable(folder / "optimizers.json")
    for name, split in ((base.data, "train"), (validation, "train"), *((name, "test") for name in tests)):
        next(data.photographs(name, split))  # a set that is not there is told before hours of work
    journal, places, search = _Journal(folder / "optimizers.jsonl"), points(trials), replace(base, seed=SEARCH_SEED)
    searched = yield from _search(journal, search, places, validation)
    best = {method: places[_best(method, done)] for method, done in searched.items()}
    finals: dict[str, list[dict[str, Any]]] = {method: [] for method in METHODS}
    for seed in seeds:
        for method, done in finals.items():
            config, chosen = replace(base, seed=seed), settings(method, best[method])
            done.append(journal.result(Task(method, chosen, config, validation, tests, every)))
            yield {"line": f"seed {seed}: {method}, {_told(done[-1]['psnr'])}"}
    record: dict[str, Any] = {
        "command": "srcnn reproduce optimizers",
        "machine": " and ".join(dict.fromkeys(r["machine"] for done in finals.values() for r in done)),
        **{name: version(name) for name in ("torch", "srcnn", "pytorch-optimizer")},
        "measure": "PSNR in dB, mean over images; interval: of the mean over seeds, 95%, by Student's t",
        "budget": {"trials": trials, "steps": base.steps, "seed": SEARCH_SEED},
        "data": base.data,
        "validation": validation,
        "methods": {
            method: _method(method, places, searched[method], best[method])
            | {"seeds": {str(seed): result for seed, result in zip(seeds, done, strict=True)}, **summary(done)}
            for method, done in finals.items()
        },
        "comparisons": compare({method: [r["psnr"] for r in done] for method, done in finals.items()}),
    }
    write_json(record, path)
    journal.path.unlink()
    for method, found in record["methods"].items():
        yield {"line": f"{method}, mean of {len(seeds)} seeds: {_told(found['mean'])}"}


def _search(
    journal: _Journal, config: TrainConfig, places: Sequence[Sequence[float]], validation: str
) -> Generator[dict[str, Any], None, dict[str, list[dict[str, Any]]]]:
    """Train at every point with every method; returns the results of each method."""
    searched: dict[str, list[dict[str, Any]]] = {method: [] for method in METHODS}
    for number, place in enumerate(places, 1):
        for method, done in searched.items():
            done.append(journal.result(Task(method, settings(method, place), config, validation, (), config.steps)))
            yield {"line": f"setting {number} of {len(places)}: {method}, {_told(done[-1]['psnr'])}"}
    return searched


def _method(
    method: str, places: Sequence[Sequence[float]], tried: Sequence[dict[str, Any]], best: Sequence[float]
) -> dict[str, Any]:
    """What the search says of a method."""
    found = zip(places, tried, strict=True)
    return {
        "ranges": ranges(method),
        "trials": [{"settings": settings(method, at), "validation": r["psnr"]["validation"]} for at, r in found],
        "best": settings(method, best),
        "near_edge": near_edge(method, best),
    }


def _told(psnr: Mapping[str, float | None]) -> str:
    return ", ".join(f"{name} diverged" if db is None else f"{db:.2f} dB on {name}" for name, db in psnr.items())


def _best(method: str, tried: Sequence[dict[str, Any]]) -> int:
    """The number of the setting that validated best; one that diverged is never it."""
    scores = [-math.inf if r["psnr"]["validation"] is None else r["psnr"]["validation"] for r in tried]
    if max(scores) == -math.inf:
        raise InputError(f"every setting of {method} diverged; lower its learning rates in RATES and begin again")
    return scores.index(max(scores))


def summary(finals: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The mean over seeds of each PSNR, with its interval of 95 % by Student's t; None where a seed diverged.

    Args:
        finals: what :func:`train_and_measure` gave, two or more.
    """
    means: dict[str, float | None] = {}
    intervals: dict[str, list[float] | None] = {}
    for name in finals[0]["psnr"]:
        values = [result["psnr"][name] for result in finals]
        means[name] = intervals[name] = None
        if None not in values:
            ends = stats.ttest_1samp(values, 0).confidence_interval(0.95)
            means[name], intervals[name] = round(fmean(values), 4), [round(float(end), 4) for end in ends]
    seconds = float(f"{fmean(result['seconds'] for result in finals):.4g}")
    return {"mean": means, "interval": intervals, "seconds": seconds}


def compare(scores: Mapping[str, Sequence[Mapping[str, Any]]], first: str = "soap") -> dict[str, Any]:
    """One method against each other, by a paired t test over seeds, which share weights to begin with and crops.

    Args:
        scores: method -> of each seed the PSNRs by set, in one order of seeds.
        first: the one that the others are compared with.

    Returns:
        The other method -> set -> ``difference`` in dB (above zero where the first is better), ``p`` of two sides, and
        ``corrected``: times the number of other methods, at most 1, as Bonferroni has it. A set on which one of the two
        diverged is None.
    """
    others = {method: found for method, found in scores.items() if method != first}
    table: dict[str, dict[str, Any]] = {}
    for method, found in others.items():
        table[method] = {}
        for name in found[0]:
            ours, theirs = ([psnr[name] for psnr in seeds] for seeds in (scores[first], found))
            table[method][name] = None
            if None not in (*ours, *theirs):
                p = float(stats.ttest_rel(ours, theirs).pvalue)
                table[method][name] = {
                    "difference": round(fmean(ours) - fmean(theirs), 4),
                    "p": float(f"{p:.3g}"),
                    "corrected": float(f"{min(1.0, p * len(others)):.3g}"),
                }
    return table
