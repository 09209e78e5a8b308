"""Measure this checkout beside an older commit: ``python tools/side_by_side.py d2415fd``.

The two run in turns, each in a process of its own, so that whatever else the machine does falls on both alike. Measured
are the command ``srcnn upscale`` on a photograph of 12 megapixels, reading and writing included, and a training to the
paper's score: the older one's by the first entry of the speedrun, this one's by the newest. Medians, the median ratio
of the turns, the largest difference of two enlargements in gray levels and the scores on Set5 go into
data/results/side-by-side.json. ``--only training`` measures that alone and keeps what the record has of the others.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from statistics import median

import imagecodecs
import numpy as np
from safetensors.torch import load_file

from srcnn import data, images, pretrained, results
from srcnn.evaluation import evaluate, mean_scores, upscaler
from srcnn.recipes import RECIPES, TrainConfig, command_line
from srcnn.reproduce.speedrun import ENTRIES
from srcnn.reproduce.timing import ratio
from srcnn.reproduce.upscaling import tiled_sample
from srcnn.training import make_model

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "data" / "results" / "side-by-side.json"
PARTS = ("x2", "x3", "training")
# One enlargement by the command, in a process that has enlarged nothing but a tiny picture before. It holds for every
# commit, so it uses what all of them have.
ENLARGE = """
import contextlib, io, json, sys, time
from srcnn import cli
photo, small, output, scale = sys.argv[1:]
def command(photo, output):
    with contextlib.redirect_stdout(io.StringIO()):
        if cli.main(["upscale", photo, "-o", output, "--scale", scale]):
            sys.exit("srcnn upscale failed")
def memory(name):
    line = next(line for line in open("/proc/self/status") if line.startswith(name))
    return int(line.split()[1]) * 1024
command(small, output + ".small.png")
before, began = memory("VmRSS"), time.perf_counter()
command(photo, output)
print(json.dumps({"seconds": time.perf_counter() - began, "peak": memory("VmHWM") - before}))
"""


# One training, from its first step to its last, in a process that has taken ten before. It holds for every commit, too.
TRAIN = """
import json, sys, time
from dataclasses import replace
from safetensors.torch import save_file
from srcnn.recipes import RECIPES
from srcnn.runs import make_batches
from srcnn.training import Learner, make_model, train
settings, output = json.loads(sys.argv[1]), sys.argv[2]
def run(config):
    model = make_model(config)
    learner, batches = Learner(model, config), make_batches(config, model)
    began = time.perf_counter()
    for _ in train(learner, batches):
        pass
    return learner, time.perf_counter() - began
config = replace(RECIPES["fast"], **settings)
run(replace(config, steps=min(10, config.steps)))
learner, seconds = run(config)
final = next(getattr(learner, name) for name in ("final", "result", "average") if hasattr(learner, name))
save_file({name: value.contiguous() for name, value in final.state_dict().items()}, output)
print(json.dumps({"seconds": seconds}))
"""


def enlarge(tree: Path, folder: Path, label: str, scale: int) -> dict:
    """Seconds and bytes of one enlargement by the package of that tree; the result stays in the folder."""
    output = folder / f"{label}-x{scale}.png"
    for before in (output, Path(f"{output}.small.png")):
        before.unlink(missing_ok=True)
    given = [str(folder / "photo.png"), str(folder / "small.png"), str(output), str(scale)]
    environment = os.environ | {"PYTHONPATH": str(tree)}
    words = [sys.executable, "-c", ENLARGE, *given]
    done = subprocess.run(words, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def summary(seen: dict[str, list[dict]]) -> dict:
    """Medians of both trees and the ratio of the newer one's seconds to the older one's."""
    older, newer = ([turn["seconds"] for turn in turns] for turns in seen.values())
    medians = {
        label: {key: round(median(turn[key] for turn in turns), 4) for key in turns[0]} for label, turns in seen.items()
    }
    return {"medians": medians, "ratio": ratio(newer, older), "turns": seen}


def compare(trees: dict[str, Path], folder: Path, *, size: tuple[int, int], scale: int, repeats: int) -> dict:
    """The command of both trees, in turns, on a photograph of that height and width."""
    images.write_photograph(folder / "photo.png", tiled_sample(*size))
    images.write_photograph(folder / "small.png", tiled_sample(32, 32))
    seen = {label: [] for label in trees}
    for turn in range(repeats):
        for label, tree in trees.items():
            seen[label].append(enlarge(tree, folder, label, scale))
            print(f"x{scale}, turn {turn + 1} of {repeats}, {label}: {seen[label][-1]}", flush=True)
    # more pixels than a photograph that is read may have
    pictures = [imagecodecs.png_decode((folder / f"{label}-x{scale}.png").read_bytes()) for label in trees]
    levels = int(np.abs(np.subtract(*(picture.astype(np.int16) for picture in pictures))).max())
    return {"pictures": sum(3 * size[0] * size[1] * side**2 for side in (1, scale)), "levels": levels, **summary(seen)}


def trainings(trees: dict[str, Path], folder: Path, entries: list[TrainConfig], *, seeds: int, test: str) -> dict:
    """Both trees train from every seed, in turns: each its entry, whose networks are measured here."""
    photographs, seen = list(data.photographs(test, "test")), {label: [] for label in trees}
    recipe = asdict(RECIPES["fast"])
    for seed in range(seeds):
        for (label, tree), entry in zip(trees.items(), entries, strict=True):
            changed = {name: value for name, value in asdict(entry).items() if value != recipe[name]} | {"seed": seed}
            weights = folder / f"{label}-{seed}.safetensors"
            words = [sys.executable, "-c", TRAIN, json.dumps(changed), str(weights)]
            environment = os.environ | {"PYTHONPATH": str(tree)}
            done = subprocess.run(words, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
            network = make_model(entry)
            network.load_state_dict(load_file(weights))
            score = mean_scores(evaluate(upscaler(network), photographs, scale=entry.scale)).psnr
            seen[label].append(json.loads(done.stdout) | {"psnr": round(score, 4)})
            print(f"training, seed {seed}, {label}: {seen[label][-1]}", flush=True)
    return {"commands": [command_line(entry) for entry in entries], **summary(seen)}


def main() -> None:
    """Measure, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("commit", help="the older one")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS)
    given = parser.parse_args()
    where = {"machine": pretrained.hardware_name(), "torch": version("torch")}
    kept = json.loads(OUT.read_text(encoding="utf-8")) if OUT.exists() else {}
    if set(given.only) != set(PARTS) and any(kept.get(name) != value for name, value in where.items()):
        parser.error(f"{OUT.name} is of another machine or torch; measure all of it anew, without --only")
    record = kept | {"command": f"python tools/side_by_side.py {given.commit}", "commit": given.commit, **where}
    with tempfile.TemporaryDirectory() as place:
        older = Path(place) / "older"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", older, given.commit], cwd=ROOT, check=True)
        try:
            trees = {given.commit: older, "this": ROOT}
            for scale in (2, 3):
                if f"x{scale}" in given.only:
                    settings = {"size": (3_000, 4_000), "scale": scale, "repeats": given.repeats}
                    record[f"x{scale}"] = compare(trees, Path(place), **settings)
            if "training" in given.only:
                entries = list(ENTRIES.values())
                settings = {"seeds": given.repeats, "test": "set5"}
                record["training"] = trainings(trees, Path(place), [entries[0], entries[-1]], **settings)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", older], cwd=ROOT, check=True)
    results.write_json(record, OUT)


if __name__ == "__main__":
    main()
