"""Measure how seconds and memory grow with the work: ``make growth`` (about a quarter of an hour on two cores).

Every size runs in a process of its own, limited in memory and time, on images that are made for it. The exponent is
the slope of seconds over size on logarithmic axes, without the smallest third of the sizes: 1 is linear. Seconds
are the processor's, so that it does not matter what else the machine does. Memory is the most that the process held
beyond what Python, torch and the package need for themselves. Into data/results/growth.json goes what was measured, and
what was not and why.
"""

import argparse
import contextlib
import io
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

from srcnn import cli, images
from srcnn.files import InputError, free_memory
from srcnn.pretrained import hardware_name
from srcnn.reproduce.upscaling import memory, tiled_sample
from srcnn.results import write_json

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "data" / "results" / "growth.json"
LIMIT = 12 << 30  # bytes that a process may take
SECONDS = 900  # that it may take
EXPONENT = 1.15  # more than this is not called linear
SIDE = 96  # pixels of the images that are evaluated and trained on


def noise(folder: Path, count: int, side: int = SIDE) -> None:
    """So many small images, each another one."""
    folder.mkdir(parents=True)
    dice = np.random.default_rng(count)
    base = dice.integers(0, 256, (side, side, 3), dtype=np.uint8)
    for number in range(count):
        Image.fromarray(np.roll(base, number, axis=(number % 2))).save(folder / f"{number:05}.png", compress_level=0)


def quiet(*words: str) -> None:
    """Run the command ``srcnn``, which must succeed."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
        if cli.main(list(words)):
            raise InputError(f"`srcnn {words[0]}` failed: {said.getvalue().strip()}")


def measured(work: Callable[[], object]) -> dict:
    """Seconds of the processor for some work, and the bytes that it took at most beyond what the process had before."""
    before, began = memory()[0], time.process_time()
    work()
    return {"seconds": round(time.process_time() - began, 3), "peak": max(0, memory()[1] - before)}


def upscaling(size: int, place: Path) -> dict:
    """``srcnn upscale`` by 2 into a PNG of so many megapixels."""
    side = round(math.sqrt(size * 1e6) / 2)
    images.write_photograph(place / "photo.png", tiled_sample(side, side))
    images.write_photograph(place / "small.png", tiled_sample(32, 32))
    words = "--scale", "2", "--device", "cpu", "-o"
    quiet("upscale", str(place / "small.png"), *words, str(place / "first.png"))
    seen = measured(lambda: quiet("upscale", str(place / "photo.png"), *words, str(place / "big.png")))
    return seen | {"pictures": side * side * 3 * 5}


def evaluation(size: int, place: Path) -> dict:
    """``srcnn evaluate`` of the shipped 9-1-5 on so many images."""
    noise(place / "first", 1)
    noise(place / "photos", size)
    words = "evaluate", "--weights", "srcnn-9-1-5-x3", "--scale", "3", "--device", "cpu", "--data"
    quiet(*words, str(place / "first"))
    return measured(lambda: quiet(*words, str(place / "photos")))


def training(size: int, place: Path) -> dict:
    """``srcnn train`` of one step on so many images: reading and preparing them is what grows."""
    noise(place / "first", 1)
    noise(place / "photos", size)
    words = "train", "--steps", "1", "--device", "cpu", "--architecture", "3-1-3", "--batch", "1"
    quiet(*words, "--data", str(place / "first"), "--out", str(place / "warm"))
    seen = measured(lambda: quiet(*words, "--data", str(place / "photos"), "--out", str(place / "run")))
    return seen | {"tensors": size * SIDE * SIDE * 4 * 2}  # bytes: luma in float32, input and target


def grading(size: int, place: Path) -> dict:
    """``make grade`` of so many students, one after another, with the seconds of the processes that run notebooks."""
    from grader import __main__ as command

    hand_in(place / "handed", size)
    words = [str(place / "handed"), "--seed", "1", "--out", str(place / "grades"), "--assignment", "stages"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
        seen = measured(lambda: command.main([*words, "--jobs", "1", "--unprotected"]))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if len(list((place / "grades" / "feedback").iterdir())) != size:
        raise InputError(f"`make grade` failed: {said.getvalue().strip()}")
    children = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seen | {"seconds": round(seen["seconds"] + children, 3)}


def collecting(size: int, place: Path) -> dict:
    """Finding the notebooks of so many students."""
    from grader import collect

    hand_in(place / "handed", size)
    hand_in(place / "first", 2)
    collect.find(place / "first")
    return measured(lambda: collect.find(place / "handed"))


def reporting(size: int, place: Path) -> dict:
    """Reading so many stored results and writing tables, pages, summary and item analysis of them."""
    from grader import report, suite
    from grader.results import CaseResult, QuestionResult, Result, stored

    tests = suite.load("stages")
    results = place / "out" / "results"
    results.mkdir(parents=True)
    for k in range(size):
        questions = [
            QuestionResult(n, [CaseResult(str(i), c.points, (k + i) % 3 > 0, "" if (k + i) % 3 else "off by one")
                               for i, c in enumerate(cases)])
            for n, cases in tests.cases.items()
        ]  # fmt: skip
        one = Result(f"Student {k:04}", f"s-{k:04}", f"s{k}.ipynb", f"{k:064x}", "graded", questions=questions)
        (results / f"{one.key}.json").write_text(one.to_json())
    report.write(place / "warm", [], tests, {}) if (place / "warm").mkdir() else None
    return measured(lambda: report.write(place / "out", list(stored(place / "out")), tests, {"seed": "1"}))


def hand_in(folder: Path, count: int) -> None:
    """So many copies of the solution, each with a comment of its own."""
    whole = json.loads((ROOT / "book" / "exercises" / "stages" / "solution.ipynb").read_text(encoding="utf-8"))
    for k in range(count):
        whole["cells"][-1]["source"] = [f"# student {k}\n", *whole["cells"][-1]["source"][-5:]]
        path = folder / f"student{k:04}" / "stages.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(whole))


PARTS = {
    "upscaling": (upscaling, "megapixels of the result", (1, 4, 16, 36, 64, 100)),
    "evaluation": (evaluation, "images", (10, 30, 100, 300, 1_000)),
    "training set": (training, "images", (10, 100, 1_000, 3_000, 10_000)),
    "grading": (grading, "submissions", (1, 2, 4, 8, 16)),
    "collecting": (collecting, "submissions", (10, 30, 100, 300, 1_000)),
    "reporting": (reporting, "submissions", (10, 30, 100, 300, 1_000)),
}
SMALL = {
    "upscaling": (1, 2), "evaluation": (3, 9), "training set": (5, 20), "grading": (1, 2), "collecting": (3, 9),
    "reporting": (3, 9),
}  # fmt: skip


def fresh(part: str, size: int) -> dict:
    """One size of one part, in a process of its own.

    Raises:
        InputError: it failed, or took too long.
    """
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, __file__, "--one", part, str(size), folder]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise InputError(f"took more than {SECONDS} s") from None
    if done.returncode:
        raise InputError((done.stderr.strip().splitlines() or ["it was ended from outside"])[-1])
    return json.loads(done.stdout)


def exponent(rows: list[dict]) -> float | None:
    """The slope of seconds over size on logarithmic axes, without the smallest third; None of fewer than two."""
    rows = rows[len(rows) // 3 :]
    if len(rows) < 2:
        return None
    sizes, values = (np.log([max(row[name], 1e-9) for row in rows]) for name in ("size", "seconds"))
    return round(float(np.polyfit(sizes, values, 1)[0]), 3)


def larger_than_memory() -> dict:
    """A training set that memory does not hold: it is refused in a sentence, while memory is still free.

    Memory is made small by what the package is told of it, so that the machine need not be filled.

    Raises:
        InputError: it was not refused as it should be.
    """
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, __file__, "--short-memory", folder],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    if done.returncode:
        raise InputError(done.stderr.strip().splitlines()[-1])
    return json.loads(done.stdout)


def refused(place: Path, allowed: int = 64 << 20) -> dict:
    """Train on 2,000 images, whose tensors need twice what is left; what it said and took."""
    from srcnn import pairs

    noise(place / "photos", 2_000)
    before = memory()[0]
    pairs.free_memory = lambda: max(0, before + allowed - memory()[0])
    words = ["train", "--steps", "1", "--device", "cpu", "--data", str(place / "photos"), "--out", str(place / "run")]
    with contextlib.redirect_stderr(io.StringIO()) as said:
        status = cli.main(words)
    told = said.getvalue().strip()
    return {"status": status, "said": told, "allowed": allowed, "peak": memory()[1] - before}


def main(words: list[str] | None = None) -> int:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(prog="growth.py", description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=OUT, help="file of the record (%(default)s)")
    parser.add_argument("--only", choices=PARTS, nargs="+", help="these; the record keeps what it has of the others")
    parser.add_argument("--small", action="store_true", help="with tiny sizes, which measures nothing")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--short-memory", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.one or options.short_memory:
        resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
        part, size, place = options.one or ("", "0", "")
        told = PARTS[part][0](int(size), Path(place)) if part else refused(options.short_memory)
        print(json.dumps(told))
        return 0
    kept = json.loads(options.out.read_text(encoding="utf-8")) if options.only else {"parts": {}, "not_measured": []}
    only = options.only or list(PARTS)
    parts, left_out = kept["parts"], [told for told in kept["not_measured"] if told.split(", ")[0] not in only]
    for part in only:
        (_, unit, sizes), rows = PARTS[part], []
        for size in SMALL[part] if options.small else sizes:
            try:
                rows.append({"size": size} | fresh(part, size))
                print(
                    f"{part:14}{size:7,} {unit}: {rows[-1]['seconds']:.2f} s, {rows[-1]['peak'] / 1e6:,.0f} MB",
                    flush=True,
                )
            except InputError as why:
                left_out.append(f"{part}, {size:,} {unit}: {why}")
                print(left_out[-1], flush=True)
        parts[part] = {"unit": unit, "sizes": rows, "exponent": exponent(rows)}
    parts = {part: parts[part] for part in PARTS if part in parts}
    record = {
        "command": "make growth", "parts": parts, "larger_than_memory": larger_than_memory(), "not_measured": left_out,
        "limit": LIMIT, "free": free_memory(), "machine": hardware_name(), "torch": version("torch"),
    }  # fmt: skip
    write_json(record, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
