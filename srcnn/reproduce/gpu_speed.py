"""How fast a GPU trains and what its time goes into, the parts 5 to 7 of "gpu"."""

import contextlib
import copy
import itertools
import math
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median
from typing import Any

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from srcnn.files import InputError
from srcnn.pairs import RandomCrops
from srcnn.recipes import TrainConfig, command_line, with_changes
from srcnn.reproduce.gpu_graph import GraphTrainer, convolution_arithmetic
from srcnn.reproduce.gpu_place import Place, Rows, crops, images_of, per_second, psnr_on, told_as_error
from srcnn.training import Learner, make_model, resolve_precision, train

KINDS = ("graph", "eager", "compiled")
_FOREVER = 10**7  # steps of a run that is only timed


def advance(kind: str, config: TrainConfig, batches: RandomCrops, device: str) -> Callable[[int], object]:
    """A function that trains so many steps: the package's loop as it is or compiled, or as one graph a step."""
    learner = Learner(make_model(config), replace(config, compile=kind == "compiled"), device)
    if kind == "graph":
        return GraphTrainer(learner, batches).advance
    steps = train(learner, batches)
    return lambda count: [None for _ in itertools.islice(steps, count)]


def steps_a_second(
    place: Place,
    *,
    training: dict[str, Any],
    cells: Sequence[dict[str, Any]],
    turns: int,
    turn_seconds: float,
    least: int = 10,
    compiler: bool = True,
) -> Rows:
    """Steps a second of every way to train.

    Args:
        place: of the measurement.
        training: changes of the recipe fast.
        cells: lists of ``kind``, ``optimizer``, ``precision`` and ``batch``, whose combinations are measured, in order
            of worth; what there is no time for is left out.
        turns: of each.
        turn_seconds: of a turn.
        least: steps of a turn; ten, because SOAP does more at every tenth.
        compiler: whether torch.compile really compiles.

    Yields:
        A row for each combination.
    """
    base = with_changes("fast", **training, steps=_FOREVER, full_precision_share=0.0)
    batches, left_out = crops(base, place.device), 0
    best: dict[str, float] = {}
    keys = ("arithmetic", "steps", "turns", "median", "mean", "per_second", "crops_per_second")
    for cell in (
        dict(zip(each, values, strict=True)) for each in cells for values in itertools.product(*each.values())
    ):
        if place.left < 3 * turns * turn_seconds:
            left_out += 1
            continue
        row = {**cell, "seed": base.seed}
        with told_as_error(row, keys):
            config = replace(base, optimizer=cell["optimizer"], batch_size=cell["batch"], precision=cell["precision"])
            of_batch = copy.copy(batches)
            of_batch.batch = cell["batch"]
            torch._dynamo.reset()
            with torch._dynamo.config.patch(disable=True) if not compiler else contextlib.nullcontext():
                go = advance(cell["kind"], config, of_batch, place.device)
                go(least + 2)  # the optimizer's state, the capture, SOAP's first turn of its bases
                steps, taken = place.turns(go, turns=turns, seconds=turn_seconds, least=least)
            arithmetic = convolution_arithmetic(cell["precision"], torch.device(place.device))
            row |= {"arithmetic": arithmetic, "steps": steps, "turns": taken, **per_second(taken)}
            row["crops_per_second"] = row["per_second"] * cell["batch"]
            best[cell["kind"]] = max(best.get(cell["kind"], 0.0), row["crops_per_second"])
        yield row
    line = ", ".join(f"{kind} {crops:,.0f}" for kind, crops in best.items())
    left = f"; {left_out} combinations left out" if left_out else ""
    return {"crops_per_second": best, "left_out": left_out, "complete": not left_out, "line": f"crops/s: {line}{left}"}


@dataclass(frozen=True)
class _Race:
    """Runs on the same data, each as one graph a step, timed and then measured."""

    place: Place
    base: TrainConfig
    batches: RandomCrops
    validation: list[tuple[str, Tensor]]
    test: list[tuple[str, Tensor]]
    target: float

    def run(self, label: str, changes: dict[str, Any], seed: int) -> dict[str, Any]:
        """One run from a seed; the test set is looked at after its end, and not in a search."""
        config = replace(self.base, **changes, seed=seed)
        learner, seconds = _trained(config, self.batches, self.place)
        model, arithmetic = learner.final, convolution_arithmetic(learner.precision, learner.device)
        measured: dict[str, Any] = {"scale": config.scale, "device": self.place.device}
        row: dict[str, Any] = {
            "run": label,
            "training": command_line(config),
            "seed": seed,
            "steps": config.steps,
            "seconds": seconds,
        }
        row |= {"arithmetic": arithmetic, "validation": psnr_on(self.validation, model, **measured)}
        row |= {"psnr": None, "reached": None}
        if label != "search":
            row["psnr"] = psnr_on(self.test, model, **measured)
            row["reached"] = row["psnr"] >= self.target
        return row

    def search(
        self, candidates: Sequence[dict[str, Any]], ladder: Sequence[int], goal: float, seed: int
    ) -> Generator[dict[str, Any], None, dict[str, Any] | None]:
        """Each candidate with ever more steps until it is as good as the goal; the quickest's settings, if any is."""
        best, seconds = None, math.inf
        for candidate in candidates:
            for steps in ladder:
                if self.place.left < 0.25 * self.place.seconds:
                    return best
                row = self.run("search", {**candidate, "steps": steps}, seed)
                yield row
                if row["validation"] >= goal and row["seconds"] < seconds:
                    best, seconds = {**candidate, "steps": steps}, row["seconds"]
                if row["validation"] >= goal or row["seconds"] > seconds:
                    break  # more steps take longer
        return best


def seconds_to_target(
    place: Place,
    *,
    training: dict[str, Any],
    test: str,
    validation: Sequence[tuple[str, str]],
    target: float,
    reference: dict[str, Any],
    candidates: Sequence[dict[str, Any]],
    ladder: Sequence[int],
    seeds: int,
) -> Rows:
    """Seconds of training until the paper's score, with the recipe fast and with the best found for a GPU.

    What is best is found on validation photographs alone: the quickest of the candidates that does no worse there than
    the reference, a number of steps known to reach the target. The test set is measured once, at the end of each run.

    Args:
        place: of the measurement.
        training: changes of the recipe fast.
        test: the set of the target.
        validation: sets and their splits; the first one that is there.
        target: dB on the test set.
        reference: settings of the run known to reach it.
        candidates: settings to try.
        ladder: numbers of steps to try, from few to many.
        seeds: of the reference and of the best; the search has another.

    Yields:
        A row for each run.
    """
    base = with_changes("fast", **training)
    which, seen = _first_that_is_there(validation)
    race = _Race(place, base, crops(base, place.device), seen, images_of(test, "test"), target)
    race.run("search", {**reference, "steps": 30}, 0)  # the first run of a process loads and chooses kernels
    found: dict[str, list[dict[str, Any]]] = {"reference": [], "best": []}
    for seed in range(seeds):
        found["reference"].append(race.run("reference", reference, seed))
        yield found["reference"][-1]
    goal = fmean(row["validation"] for row in found["reference"])
    best = yield from race.search(candidates, ladder, goal, seeds)
    if best:
        for seed in range(seeds + 1, 2 * seeds + 1):
            found["best"].append(race.run("best", best, seed))
            yield found["best"][-1]
    told = []
    summary: dict[str, Any] = {"target": target, "validation": which, "goal": goal, "test": test}
    for label, rows in found.items():
        summary[label] = None
        if rows:
            seconds, reached = median(row["seconds"] for row in rows), sum(row["reached"] for row in rows)
            summary[label] = {"seconds": seconds, "reached": reached, "training": rows[0]["training"]}
            told.append(f"{label} {seconds:.2f} s ({reached} of {seeds})")
    return {**summary, "complete": best is not None, "line": f"to {target} dB: {', '.join(told)}"}


def _first_that_is_there(sets: Sequence[tuple[str, str]]) -> tuple[str, list[tuple[str, Tensor]]]:
    for name, split in sets[:-1]:
        try:
            return name, images_of(name, split)
        except InputError:
            continue
    name, split = sets[-1]
    return name, images_of(name, split)


def _trained(config: TrainConfig, batches: RandomCrops, place: Place) -> tuple[Learner, float]:
    """A network trained as one graph a step, and its seconds: the capture among them, the reading of data not."""
    own = copy.copy(batches)
    own.batch, own.seed = config.batch_size, config.seed
    learners = []

    def work() -> None:
        learners.append(Learner(make_model(config), config, place.device))
        GraphTrainer(learners[0], own).advance(config.steps)

    seconds = place.timed(work)
    return learners[0], seconds


def where_time_goes(
    place: Place, *, training: dict[str, Any], kinds: Sequence[str], batches: Sequence[int], warm_up: int, steps: int
) -> Rows:
    """What a step's time goes into, by torch's profiler: launches, kernels, and how long the device is busy.

    Args:
        place: of the measurement.
        training: changes of the recipe fast.
        kinds: ways to train.
        batches: sizes.
        warm_up: steps before the profile.
        steps: in the profile; its trace, for a viewer such as Perfetto, is put into the folder.

    Yields:
        A row for each kind and batch size.
    """
    base = with_changes("fast", **training, steps=_FOREVER)
    data, busy = crops(base, place.device), {}
    device = torch.device(place.device)
    arithmetic = convolution_arithmetic(resolve_precision(base.precision, device), device)
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (place.device == "cuda")
    for kind, batch in itertools.product(kinds, batches):
        row = {"kind": kind, "batch": batch, "optimizer": base.optimizer, "arithmetic": arithmetic}
        with told_as_error(row, ("steps", "trace", "launches", "kernels", "operators", "span", "busy", "share", "top")):
            own = copy.copy(data)
            own.batch = batch
            go = advance(kind, replace(base, batch_size=batch), own, place.device)
            go(warm_up)
            place.synchronize()
            with profile(activities=activities) as profiled:
                go(steps)
                place.synchronize()
            trace = f"gpu-trace-{kind}-{batch}.json.gz"
            profiled.export_chrome_trace(str(place.folder / trace))
            row |= {"steps": steps, "trace": trace, **summarize(profiled.events(), steps)}
            busy[f"{kind} {batch}"] = row["share"]
        yield row
    told = [f"{name} {share:.0%}" if share is not None else f"{name} unknown" for name, share in busy.items()]
    return {"busy": busy, "line": f"device busy: {', '.join(told)}"}


def summarize(events: Iterable[Any], steps: int) -> dict[str, Any]:
    """What the profiler saw, a step.

    Args:
        events: with ``name``, ``device_type``, ``cpu_parent`` and ``time_range`` in microseconds.
        steps: of the profile.

    Returns:
        Launches by the processor, kernels and copies on the device, the processor's outermost operators; seconds from
        the first kernel's begin to the last one's end, those in which at least one ran, their share; and the kernels
        that take longest.
    """
    kernels, launches, operators = [], 0, 0
    times: dict[str, float] = {}
    for event in events:
        if event.device_type == torch.autograd.DeviceType.CPU:  # type: ignore[attr-defined]  # not listed
            launches += event.name.startswith(("cudaLaunch", "cudaGraphLaunch", "cuLaunch", "cudaMemcpy", "cudaMemset"))
            operators += event.name.startswith("aten::") and event.cpu_parent is None
        elif not getattr(event, "is_user_annotation", False):  # which spans kernels, and is none
            kernels.append((event.time_range.start, event.time_range.end))
            times[event.name] = times.get(event.name, 0.0) + event.time_range.end - event.time_range.start
    kernels.sort()
    busy, until = 0.0, float("-inf")
    for start, end in kernels:
        busy += max(0.0, end - max(start, until))
        until = max(until, end)
    span = until - kernels[0][0] if kernels else None
    longest = sorted(times.items(), key=lambda item: -item[1])[:10]
    return {
        "launches": launches / steps,
        "kernels": len(kernels) / steps,
        "operators": operators / steps,
        "span": span and span / 1e6 / steps,
        "busy": busy / 1e6 / steps if kernels else None,
        "share": busy / span if span else None,
        "top": [[name[:120], time / 1e6 / steps] for name, time in longest],
    }
