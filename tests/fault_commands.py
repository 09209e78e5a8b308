"""The commands that faults are injected into: what they are given, what was there before, and what is right afterward.

Each runs in a process that is forked where everything is loaded, in a folder of its own that has ``in`` and ``out``.
"""

import contextlib
import functools
import hashlib
import io
import json
import multiprocessing
import re
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import students
import torch
from PIL import Image
from safetensors.torch import load_file, safe_open

from srcnn import cli, data, fetch, images, pretrained, runs
from srcnn.checks import ASSIGNMENTS
from srcnn.data import DataSet
from srcnn.files import read_records
from srcnn.model import SRCNN, initialize
from srcnn.recipes import SCALES
from srcnn.reproduce import tables

ROOT = Path(__file__).resolve().parents[1]
STEPS, EVERY = 35, 10  # of the training, and between its checkpoints
BEFORE = {"notes.txt": b"mine, and nobody's business"}  # what stands in the folder of the results
PICTURES = 6
_TIME = re.compile(r"\d+(\.\d+)? s\b|\d+ minutes")
SMALL = "--architecture 3-1-3 --optimizer adam --patch-size 12 --batch 2 --device cpu"


@dataclass(frozen=True)
class Command:
    """A command under faults.

    Attributes:
        name: as the record has it.
        words: of ``srcnn``; ``{out}`` and ``{in}`` are the folders.
        prepare: makes the inputs in a folder.
        before: what is in the folder of the results.
        again: further words where the file named here is in the results already.
        run: runs it and returns its status; ``srcnn`` itself unless given.
    """

    name: str
    words: str
    prepare: Callable[[Path], None]
    before: dict[str, bytes] = field(default_factory=lambda: BEFORE)
    again: tuple[str, str] = ("", "")
    run: Callable[[list[str]], int] = cli.main

    def start(self, place: Path) -> int:
        """Run it in this process; its status."""
        line = self.words + (f" {self.again[1]}" if self.again[0] and (place / "out" / self.again[0]).exists() else "")
        runs._CHECKPOINT = EVERY
        tables.TEST_SETS = (str(place / "in" / "photos"),)
        tables.file_name = lambda weights, dataset, scale: f"photos-x{scale}-{weights.removesuffix(f'-x{scale}')}.json"
        return self.run(line.format(**{"in": place / "in", "out": place / "out"}).split())


def photos(place: Path, side: int = 48) -> None:
    """A folder of noise, whose files are as large as their pixels."""
    (place / "photos").mkdir(parents=True)
    for number in range(4):
        values = np.random.default_rng(number).integers(0, 256, (side, side, 3), dtype=np.uint8)
        Image.fromarray(values).save(place / "photos" / f"{number}.png")


def finished_run(place: Path) -> None:
    """A run that has ended, with the photographs that it saw."""
    photos(place)
    weights = initialize(SRCNN((3, 1, 3), (16, 16)), "torch", seed=0)
    card = {"scale": 3, "command": "srcnn train", "seconds": 1.0, "machine": "one", "versions": {}}
    card["training"] = {"data": "photos", "steps": STEPS, "batch_size": 2, "seed": 0}
    (place / "run").mkdir()
    pretrained.save(weights, place / "run" / "weights.safetensors", card)
    lines = [{"step": k, "loss": 1 / k, "learning_rate": 0.1, "seconds": k} for k in range(10, 4_000, 10)]
    (place / "run" / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def the_set() -> dict[str, bytes]:
    """The files of a data set: path under the root -> content."""
    files = {}
    for number in range(PICTURES):
        stream = io.BytesIO()
        values = np.random.default_rng(99 + number).integers(0, 256, (48, 48, 3), dtype=np.uint8)
        Image.fromarray(values).save(stream, "BMP")
        files[f"Tiny/{number}.bmp"] = stream.getvalue()
    return files


def archive(files: dict[str, bytes]) -> bytes:
    """A zip file of these files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as whole:
        for name, content in files.items():
            whole.writestr(name, content)
    return stream.getvalue()


def fetch_from(url: str) -> Callable[[list[str]], int]:
    """``srcnn`` where the registry has one set, there; it waits half a second and takes a megabyte at most."""

    def run(words: list[str]) -> int:
        entry = DataSet("tiny", "Tiny", "Tests.", "none", {"test": "Tiny"}, [[url]], checksums())
        data.registry = lambda: {"tiny": entry}
        fetch._TIMEOUT, fetch._LARGEST_DOWNLOAD = 0.5, 1 << 20
        return cli.main(words)

    return run


@functools.cache
def checksums() -> dict[str, tuple[str, str]]:
    """Of the set's files, as the registry has them."""
    sums = {}
    with tempfile.TemporaryDirectory() as folder:
        for path, content in the_set().items():
            picture = Path(folder) / "picture.bmp"
            picture.write_bytes(content)
            sums[path] = hashlib.sha256(content).hexdigest(), images.pixel_hash(picture)
    return sums


def submissions(place: Path) -> None:
    """Two notebooks with right answers to the first questions, without the pictures, which take time."""
    names = {number: question.name for number, question in ASSIGNMENTS["stages"].items()}
    maker = students.Maker(ROOT / "book" / "exercises" / "stages" / "solution.ipynb", names)
    (place / "handed").mkdir(parents=True)
    for number, name in enumerate(("ann", "ben"), 1):
        (place / "handed" / f"{name}.ipynb").write_bytes(students.notebook(maker.instead(number)))


def grade(words: list[str]) -> int:
    """``make grade``, whose processes are forked."""
    sys.path.insert(0, str(ROOT / "book"))
    from grader import __main__ as command
    from grader import pool

    with contextlib.suppress(RuntimeError):
        multiprocessing.set_start_method("fork")
    pool.multiprocessing.get_context = lambda method: multiprocessing.context.ForkContext()
    return command.main(words)


def commands(url: str) -> dict[str, Command]:
    """All of them by name; ``url`` is where the set is served."""
    here = [
        Command(
            "fetch",
            "data fetch tiny --root {out}",
            lambda place: None,
            {**BEFORE, "Tiny/0.bmp": the_set()["Tiny/0.bmp"], "Tiny/1.bmp": b"damaged"},
            run=fetch_from(url),
        ),
        Command(
            "train",
            f"train --data {{in}}/photos --steps {STEPS} {SMALL} --out {{out}}",
            photos,
            again=("config.json", "--resume"),
        ),
        Command(
            "export",
            "export {in}/run -o {out}/w.safetensors --data {in}/photos",
            finished_run,
            {**BEFORE, "w.md": b"older card", "w.jsonl": b"older log"},
        ),
        Command(
            "evaluate",
            "evaluate --weights {in}/run/weights.safetensors --data {in}/photos --scale 3 --json {out}/r.json",
            finished_run,
            {**BEFORE, "r.json": b'{"older": true}'},
        ),
        Command("tables", "reproduce tables --out {out}", photos),
        Command(
            "upscale",
            f"upscale {{in}}/photos -o {{out}} --scale {SCALES[0]} --device cpu",
            photos,
            {**BEFORE, "2.png": b"an older result, which stays"},
        ),
        Command(
            "grade",
            "{in}/handed --seed 7 --out {out}/grades --unprotected --assignment stages --jobs 1 "
            "--cell 600 --call 600 --total 6000",
            submissions,
            run=grade,
        ),
    ]
    return {command.name: command for command in here}


def meaning(path: Path) -> object:
    """What a file says, without times; it cannot be had of a file that is only half there.

    Raises:
        Exception: the file is not whole.
    """
    if path.suffix == ".safetensors":
        with safe_open(path, "pt") as opened:
            card = json.loads(opened.metadata()["card"])
        card.pop("seconds", None)
        return {name: value.numpy().tobytes() for name, value in load_file(path).items()}, card
    if path.suffix == ".pt":
        with zipfile.ZipFile(path) as whole:
            assert whole.testzip() is None
        return torch.load(path, weights_only=True)["step"]
    if path.suffix == ".json":
        return _timeless(json.loads(path.read_text(encoding="utf-8")))
    if path.suffix == ".jsonl":
        return [_timeless(line) for line in read_records(path)]
    if path.suffix in (".md", ".html"):
        text = path.read_text(encoding="utf-8")
        assert path.suffix == ".md" or text.rstrip().endswith("</html>")
        return _TIME.sub("time", text)
    return path.read_bytes()


def _timeless(value: object) -> object:
    if isinstance(value, dict):
        return {key: _timeless(each) for key, each in value.items() if key not in ("seconds", "submissions", "command")}
    if isinstance(value, list):
        return [_timeless(each) for each in value]
    return _TIME.sub("time", value) if isinstance(value, str) else value


def whole(command: Command, path: Path, name: str, before: dict[str, bytes], right: dict[str, object]) -> bool:
    """Whether a file under its own name is what was there, or all of what should be, and never half of it."""
    if name in before and path.read_bytes() == before[name]:
        return True
    told = meaning(path)
    if name == "history.jsonl":  # a log grows line by line, and its readers leave a cut line out
        return told == right[name][: len(told)]
    if path.suffix == ".pt":
        return told in {*range(EVERY, STEPS, EVERY), STEPS}
    if name.endswith("run.json"):  # first without, in the end with what the pages are made of
        return told == {key: value for key, value in right[name].items() if key in told}
    return name in right and told == right[name]
