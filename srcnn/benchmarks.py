"""Benchmarks: what training, upscaling and evaluating cost in time and memory. The page on reproducibility prints them.

``srcnn reproduce benchmarks`` measures the four parts into ``benchmarks.json``; :func:`run` can measure one anew and
leave the others. What is compared is measured in turns, so that whatever else the machine does falls on all alike, and
the medians are kept. Everything runs on the CPU.
"""

import contextlib
import itertools
import json
import math
import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median

from torch import Tensor

from srcnn import data, experiments, images, published
from srcnn.evaluation import evaluate, mean, upscaler
from srcnn.files import InputError, writable
from srcnn.footprint import upscaling
from srcnn.images import Photograph
from srcnn.plain import plain_steps
from srcnn.recipes import TrainConfig, command, with_changes
from srcnn.resize import enlarge
from srcnn.runs import machine, make_batches
from srcnn.training import Learner, make_model, train

Part = Generator[dict, None, dict]  # yields lines for the user, returns the record

TARGET = published.score("set5", 3, "9-1-5", "91 images").psnr  # dB, the paper's
CAP = 120.0  # seconds of training for a run that has not come so far
_FOREVER = 10**7  # steps of a run that ends at the target or the cap
_PLAIN_ADAM = {"optimizer": "adam", "slow_factor": 1.0, "cosine": False, "average": 0.0, "steps": _FOREVER}

# The training runs that are compared. A cosine needs its number of steps beforehand: such a run goes to its end. One
# without ends where it first reaches the target, or at the cap.
RUNS: dict[str, TrainConfig] = {
    "fast": with_changes("fast", steps=1_500),
    # the best of four settings of Adam on 20 held-out photographs of BSDS300, for 27 times as many steps
    "Adam 3e-3, cosine": with_changes("fast", optimizer="adam", learning_rate=3e-3, slow_factor=1.0, steps=40_000),
    "Adam 1e-3": with_changes("fast", learning_rate=1e-3, **_PLAIN_ADAM),
    "Adam 1e-4, 9-5-5": with_changes("fast", architecture="9-5-5", learning_rate=1e-4, **_PLAIN_ADAM),
    "paper's SGD": with_changes("paper", steps=_FOREVER),
}


def run(
    folder: Path,
    root: str | os.PathLike | None = None,
    *,
    parts: Iterable[str] | None = None,
    settings: Mapping[str, Mapping] | None = None,
) -> Iterator[dict]:
    """Measure parts into ``benchmarks.json``, each written when it is done; the parts that are not asked for stay.

    Args:
        folder: of the results.
        root: where image sets are looked for first.
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
        record = yield from BENCHMARKS[name](root, **(settings or {}).get(name, {}))
        where = {"machine": machine(), "torch": version("torch"), "srcnn": version("srcnn")}
        kept = _read(path)  # again: another process may have added a part meanwhile
        experiments.write_json({**kept, name: {"command": "srcnn reproduce benchmarks", **where, **record}}, path)


def _read(path: Path) -> dict:
    """The parts measured so far."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if isinstance(kept, dict):
            return kept
    except (ValueError, RecursionError):
        pass
    raise InputError(f"{path} is damaged; remove it, and every part is measured anew")


def in_turns(tasks: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """Measure tasks in turns: first, second, ..., first, second, ...

    Args:
        tasks: name -> what does the work and tells its seconds.
        repeats: how often.

    Returns:
        Name -> seconds of every turn.
    """
    taken = {name: [] for name in tasks}
    for _ in range(repeats):
        for name, task in tasks.items():
            taken[name].append(task())
    return taken


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """The median over turns of one measurement divided by the other's of the same turn."""
    return round(median(a / b for a, b in zip(above, below, strict=True)), 3)


def training(
    root: str | os.PathLike | None = None,
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
        root: where image sets are looked for first.
        runs: see ``RUNS``.
        test: the set whose mean PSNR is watched.
        target: dB.
        cap: seconds of training after which a run without a cosine ends.
        every: crops between two looks at the test set; the clock stands still meanwhile.
        seeds: repeats of the first of the runs; the others are too slow for more than one.

    Returns:
        The record of the part, of each run its seeds' medians, and every seed's curve.
    """
    watched = list(data.photographs(test, "test", root))
    courses: dict[str, list[dict]] = {label: [] for label in runs}
    for seed, (label, config) in itertools.product(range(seeds), runs.items()):
        if seed and label != next(iter(runs)):
            continue
        course = _course(replace(config, seed=seed), watched, root=root, target=target, cap=cap, every=every)
        courses[label].append(course)
        end = f"{course['psnr']:.2f} dB after {course['crops']:,} crops in {course['seconds']:.1f} s"
        yield {"line": f"training    {label}, seed {seed}: {end}"}
    return {
        "data": test,
        "target": target,
        "cap": cap,
        "runs": {
            label: {
                "training": command(runs[label]),
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
    root: str | os.PathLike | None,
    target: float,
    cap: float,
    every: int,
) -> dict:
    """One training run and its curve. The clock runs while it trains, not while data are read or scores measured."""
    model = make_model(config)
    batches = make_batches(config, model, root=root)
    learner = Learner(model, config)
    stride, seconds = max(1, every // config.batch), 0.0
    cap = math.inf if config.cosine else cap
    curve: dict[str, list[float]] = {"seconds": [], "crops": [], "psnr": []}
    began = time.perf_counter()
    for step in train(learner, batches):
        now = seconds + time.perf_counter() - began
        if step.number % stride and step.number < config.steps and now < cap:
            continue
        psnr = mean(evaluate(upscaler(learner.result), watched, scale=config.scale)).psnr
        for key, value in (("seconds", round(now, 2)), ("crops", step.number * config.batch), ("psnr", round(psnr, 4))):
            curve[key].append(value)
        if now >= cap or (psnr >= target and not config.cosine):
            break
        seconds, began = now, time.perf_counter()
    return {**{key: values[-1] for key, values in curve.items()}, "reached": psnr >= target, "curve": curve}


def throughput(
    root: str | os.PathLike | None = None,
    *,
    source: str | None = None,
    batch: int = 32,
    repeats: int = 7,
    steps: int = 50,
    warm_up: int = 10,
    workers: Sequence[int] = (0, 2),
) -> Part:
    """Crops a second of a whole training step, beside a plain loop as public SRCNN code has it.

    Args:
        root: where image sets are looked for first.
        source: training images; T91 where it is there, else the sample photographs.
        batch: crops of 33 x 33 a step, with targets of 21 x 21.
        repeats: turns.
        steps: of a turn that are timed.
        warm_up: of a turn that are not; they use up what the loader's workers made ready while others were timed.
        workers: numbers of worker processes tried for the plain loop; the fastest is the one compared with.

    Returns:
        The record of the part, crops a second of each, and ours divided by the plain loop's.
    """
    source = source or _training_set(root)
    total = repeats * (warm_up + steps)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        files = _files(source, Path(folder), root)
        loops = {f"ours, {name}": _our_steps(name.lower(), source, root, total, batch) for name in ("SOAP", "Adam")}
        loops |= {
            f"plain loop, {number} workers": plain_steps(files, steps=total, batch=batch, workers=number)
            for number in workers
        }
        for loop in loops.values():
            stack.callback(loop.close)  # ends its workers before their files go
        tasks = {name: partial(_timed, loop, steps, warm_up) for name, loop in loops.items()}
        taken = in_turns(tasks, repeats)
    speeds = {name: round(median(batch * steps / seconds for seconds in turns), 1) for name, turns in taken.items()}
    plain = max((name for name in speeds if name.startswith("plain")), key=speeds.__getitem__)
    ratios = {
        "same optimizer": ratio(taken[plain], taken["ours, Adam"]),
        "as used": ratio(taken[plain], taken["ours, SOAP"]),
    }
    for name, speed in speeds.items():
        yield {"line": f"throughput  {name}: {speed:,.0f} crops/s"}
    told = ", ".join(f"{value:.2f} ({name})" for name, value in ratios.items())
    yield {"line": f"throughput  ours to {plain}: {told}"}
    how = {"data": source, "batch": batch, "repeats": repeats, "steps": steps}
    return {**how, "crops_per_second": speeds, "plain": plain, "ratio": ratios, "seconds": _rounded(taken)}


def _training_set(root: str | os.PathLike | None) -> str:
    try:
        return "t91" if data.paths("t91", "train", root) else "sample"
    except InputError:
        return "sample"


def _files(source: str, folder: Path, root: str | os.PathLike | None) -> list[Path]:
    """The image files of a training set; the sample photographs, which have none, are written into the folder."""
    if source != "sample":
        return data.paths(source, "train", root)
    for name in images.SAMPLE["train"]:
        images.write_photograph(folder / f"{name}.png", Photograph(images.to_bytes(images.sample(name))))
    return images.listing(folder)


def _our_steps(optimizer: str, source: str, root: str | os.PathLike | None, steps: int, batch: int) -> Generator:
    rate = 1e-3 if optimizer == "adam" else None
    changes = {"optimizer": optimizer, "learning_rate": rate, "batch": batch, "crop": 33}
    config = with_changes("fast", data=source, steps=steps, **changes)
    model = make_model(config)
    return train(Learner(model, config), make_batches(config, model, root=root))


def _timed(loop: Iterator, steps: int, warm_up: int) -> float:
    """Seconds of some steps of a loop, after some that are not timed."""
    deque(itertools.islice(loop, warm_up), maxlen=0)
    began = time.perf_counter()
    deque(itertools.islice(loop, steps), maxlen=0)
    return time.perf_counter() - began


def _rounded(taken: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    return {name: [round(seconds, 4) for seconds in turns] for name, turns in taken.items()}


def evaluation(
    root: str | os.PathLike | None = None, *, test: str = "set14", weights: str = "srcnn-9-1-5-x3", repeats: int = 5
) -> Part:
    """Seconds for Set14 at x3 by the protocol, the files' reading included, beside bicubic.

    Args:
        root: where image sets are looked for first.
        test: the set.
        weights: of the network.
        repeats: turns, after one that is not counted.

    Returns:
        The record of the part, medians, their ratio, and the scores, which say that it was the protocol.
    """
    methods = {"bicubic": enlarge, weights: upscaler(experiments.network(weights, 3).model)}
    scores = {}

    def measure(name: str) -> float:
        began = time.perf_counter()
        scores[name] = round(mean(evaluate(methods[name], data.photographs(test, "test", root), scale=3)).psnr, 4)
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
