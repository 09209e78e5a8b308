"""Runs to go on with: checkpoints, configurations and histories, damaged, of others, or with programs in them."""

import io
import json
import shutil
from pathlib import Path
from random import Random

import torch

from fuzz.guard import Case
from fuzz.mutate import JUNK, changed, damaged
from fuzz.weights import Runs, repacked
from srcnn import images, runs
from srcnn.cli import main
from srcnn.files import read_records
from srcnn.images import sample, to_bytes
from srcnn.recipes import with_changes
from srcnn.runs import Run

NEWEST, BEFORE = "checkpoint.pt", "checkpoint.previous.pt"


def prepare(place: Path) -> Path:
    """A run that was stopped after the second of its checkpoints, and the photograph that it learns from."""
    (place / "set").mkdir(parents=True)
    photograph = images.Photograph(to_bytes(sample("coffee")[:, 60:110, 100:160]))
    images.write_photograph(place / "set" / "photo.png", photograph)
    every, runs._CHECKPOINT = runs._CHECKPOINT, 2
    settings = {"architecture": "3-1-3", "widths": "4-3", "patch_size": 9, "batch_size": 2, "optimizer": "adam"}
    config = with_changes("fast", data=str(place / "set"), scale=2, steps=6, **settings)
    for step in Run(config, place / "run"):
        if step.number == 5:
            break
    runs._CHECKPOINT = every
    return place


def case(chance: Random, place: Path, tools: Path) -> Case:
    """A run with one or two of its files changed."""
    run = place / "run"
    shutil.copytree(tools / "run", run)
    for _ in range(chance.choice((1, 1, 2))):
        file = run / chance.choice((NEWEST, NEWEST, NEWEST, BEFORE, "config.json", "config.json", "history.jsonl"))
        if not file.exists():
            continue
        way = chance.randrange(4)
        if way == 0:
            file.write_bytes(damaged(file.read_bytes(), chance))
        elif file.suffix == ".pt":
            file.write_bytes(_checkpoint(file, chance))
        elif file.name == "config.json":
            file.write_text(json.dumps(_configuration(file, chance)))
        else:
            lines = read_records(file) or [{}]
            line = lines[0] | {chance.choice(("step", "seconds", "loss")): chance.choice((*JUNK, 10**400, 10**4))}
            file.write_text("".join(json.dumps(each) + "\n" for each in [*lines, line]))
        if chance.random() < 0.1:
            file.unlink()
    words = ["train", "--resume", "--out", "run", "--device", "cpu"]
    return Case(lambda: main(words), may=("run/",))


def _checkpoint(file: Path, chance: Random) -> bytes:
    """A whole file whose content is another one."""
    try:
        if chance.random() < 0.3:
            return repacked(file.read_bytes(), chance)
        state = torch.load(file, weights_only=True)
    except Exception:  # it was damaged before
        return file.read_bytes()
    holder = state if isinstance(state, dict) else {}
    for _ in range(chance.choice((0, 0, 1, 2))):
        inner = [value for value in holder.values() if isinstance(value, dict) and value]
        holder = chance.choice(inner) if inner else holder
    if holder:
        key, way = chance.choice(list(holder)), chance.randrange(5)
        if way == 0:
            del holder[key]
        elif way == 1:
            holder[key] = chance.choice(
                (torch.ones(3), torch.ones(1).expand(10**6, 10**6), torch.ones(1, dtype=torch.int8))
            )
        elif way == 2:
            holder[key] = chance.choice(JUNK)
        elif way == 3:
            holder[key] = Runs()
        else:
            holder["x"] = holder[key]
    state = chance.choice((state,) * 8 + ([], None, Runs(), {}))
    torch.save(state, stream := io.BytesIO())
    return stream.getvalue()


def _configuration(file: Path, chance: Random) -> object:
    try:
        config = json.loads(file.read_bytes())
    except ValueError:
        return chance.choice(JUNK)
    if not isinstance(config, dict) or not config or chance.random() < 0.2:
        return changed(config, chance)
    wrong = ("9-1-5", "0", "9-2-5", "subpixel", "paper", "fast", "tutorial", "nan", "ycbcr", "../x", -1, 0.5, *JUNK)
    return config | {chance.choice([*config, "color", "x"]): chance.choice(wrong)}
