"""Words of the command line: each command with flags and values that fit and that do not."""

import shutil
from pathlib import Path
from random import Random

import torch

from fuzz import checkpoints
from fuzz.guard import Case
from srcnn import images, pretrained
from srcnn.cli import main
from srcnn.model import SRCNN, initialize
from srcnn.recipes import flag, kinds

FILES = (
    "photo.png", "gray.png", "tiny.png", "set", "empty", "w.safetensors", "run", "text.txt", "nowhere",
    "nowhere/x.png", ".", "..",
    "", " ", "-", "--", "photo.png/", "/dev/null", "a" * 300, "\udcff", "é漢.png", "*", "~", "link.png", "fifo", "loop",
)  # fmt: skip
NUMBERS = (
    "2", "3", "4", "0", "1", "-1", "5", "1.5", "x", "", "nan", "inf", "1e400", "٣", "1_0", " 2", "+2", "0x2",
    "9" * 20, "9" * 5000, "-0",
)  # fmt: skip
OUTPUTS = (
    "out.png",
    "out.jpg",
    "out/",
    "out.xyz",
    "out",
    "photo.png",
    "set",
    "nowhere/out.png",
    "",
    "/dev/null",
    "out.json",
)
WEIGHTS = (
    "bicubic",
    "w.safetensors",
    "srcnn-9-1-5-x2",
    "text.txt",
    "run",
    "nowhere",
    "photo.png",
    "",
    "set",
    "a" * 300,
)
SETS = (
    "set",
    "sample:1",
    "leaves:1",
    "set:1",
    "set5",
    "nope",
    "empty",
    "",
    "+",
    "set+set",
    "sample:0",
    "a:b:1",
    "set:9",
    "leaves:٣",
)
# A training that fits is a short one; what nobody's machine could hold is asked for too.
TRAIN = {
    "steps": ("1", "2", "0", "-3", "x"), "patch_size": ("9", "1", "2", "33", "9" * 12, "0"), "batch_size": ("1",
        "2", "0", "70000"),
    "architecture": ("3-1-3", "3-1-1-3", "subpixel", "9-2-5", "3", "", "x-y-z", "-1-1-1", "3-1-99999", "3-1-3-",
        "9" * 9 + "-1-1"),
    "widths": ("4-3", "4", "", "0-0", "x", "1-1-1", "99999999-9999999", "-4-3"), "data": SETS,
    "scale_augmentation": ("1", "0.9,1", "0", "x", "", "2", "-1", "nan", "1," * 400), "micro_batches": ("1", "2",
        "3", "0"),
    "precision": ("auto", "float32", "bfloat16", "float16", "tf32", "x"), "optimizer": ("adam", "sgd", "soap", "x", ""),
    "sampling": ("crops", "sub-images", "tutorial", "x"), "loss": ("mse", "l1", "x"), "color": ("luma", "rgb",
        "ycbcr", "x"),
    "padding": ("valid", "zeros", "replicate", "x"), "initialization": ("torch", "paper", "tutorial", "centered", "x"),
    "seed": ("0", "7", "-1", "9" * 15, "9" * 30, "x"),
}  # fmt: skip


def prepare(place: Path) -> Path:
    """A shelf of small files, right and wrong."""
    checkpoints.prepare(place)
    pixels = torch.arange(3 * 50 * 60, dtype=torch.int64).mul(37).remainder(256).to(torch.uint8).view(3, 50, 60)
    images.write_photograph(place / "photo.png", images.Photograph(pixels))
    images.write_photograph(place / "gray.png", images.Photograph(pixels[:1]))
    images.write_photograph(place / "tiny.png", images.Photograph(pixels[:, :2, :3]))
    pretrained.save(initialize(SRCNN((3, 1, 3), (4, 3)), "torch", seed=0), place / "w.safetensors", {"scale": 2})
    (place / "text.txt").write_text("no picture\n")
    (place / "empty").mkdir()
    return place


def case(chance: Random, place: Path, shelf: Path) -> Case:
    """A command in a copy of the shelf."""
    shutil.copytree(shelf, place, dirs_exist_ok=True)
    (place / "link.png").symlink_to("photo.png")
    (place / "loop").symlink_to("loop")
    name = chance.choice(list(_COMMANDS))
    words, may = _COMMANDS[name](chance)
    if chance.random() < 0.15:
        words.insert(
            chance.randrange(len(words) + 1),
            chance.choice((*FILES, *NUMBERS, "--help", "--version", "--overwrite", "-x")),
        )
    if chance.random() < 0.1 and words:
        words.pop(chance.randrange(len(words)))
    if name != "train" and chance.random() < 0.8:
        words += ["--device", "cpu"] if name in ("evaluate", "upscale") else []
    if any(word.startswith("--resume") for word in words):
        may += ("run/",)
    return Case(lambda: main([name, *words]), may=may, partly=name == "upscale", short=name == "train")


def _some(chance: Random, choices: tuple[str, ...], most: int = 3) -> list[str]:
    return [chance.choice(choices) for _ in range(chance.randrange(1, most + 1))]


def _scale(chance: Random) -> str:
    return "2" if chance.random() < 0.6 else chance.choice(NUMBERS)


def _data(chance: Random) -> tuple[list[str], tuple[str, ...]]:
    sets = chance.choice(([], ["set5"], ["nope"], ["sample"], [""], ["set5", "set14"]))
    return [
        chance.choice(("list", "verify", "verify", "x", "")),
        *sets,
        *chance.choice(([], ["--root", chance.choice(FILES)])),
    ], ()


def _evaluate(chance: Random) -> tuple[list[str], tuple[str, ...]]:
    words = ["--weights", chance.choice(WEIGHTS), "--data", chance.choice(SETS), "--scale", _scale(chance)]
    words += chance.choice(([], ["--gray"]))
    if chance.random() < 0.5:
        output = chance.choice((*OUTPUTS, "w.safetensors", "scores.json"))
        return [*words, "--json", output], ("scores.json", "out")
    return words, ()


def _upscale(chance: Random) -> tuple[list[str], tuple[str, ...]]:
    output = chance.choice(OUTPUTS)
    words = [*_some(chance, FILES), "-o", output, "--scale", _scale(chance)]
    if chance.random() < 0.5:
        words += ["--weights", chance.choice(WEIGHTS)]
    new = tuple(
        f"{output.rstrip('/')}/{name}" for name in ("photo.png", "gray.png", "link.png", "text.txt", "w.saf", "fifo")
    )
    return words, ("out", "nowhere", *(new if output in ("set", "empty") else ()))


def _explain(chance: Random) -> tuple[list[str], tuple[str, ...]]:
    claimed = chance.choice(("30.12", "0.91", "28", *NUMBERS))
    words = [*_some(chance, FILES), "--claimed", claimed]
    words += chance.choice(([], ["--scale", _scale(chance)]))
    return words + chance.choice(([], [], ["--weights", chance.choice(WEIGHTS)])), ()


def _export(chance: Random) -> tuple[list[str], tuple[str, ...]]:
    output = chance.choice((*OUTPUTS, "new.safetensors", "new.onnx", "new.onnx"))
    words = [chance.choice((*FILES, *WEIGHTS)), "-o", output]
    words += chance.choice(([], ["--onnx"], ["--onnx", "--scale", _scale(chance)]))
    return words + chance.choice(([], ["--data", *_some(chance, SETS)])), ("new.",)


def _reproduce(chance: Random) -> tuple[list[str], tuple[str, ...]]:
    words = [chance.choice(("nope", "", "gpux")), "--out", chance.choice(FILES)]
    more = ("--parts", "--budget", "--limit")
    return words + chance.choice(([], [chance.choice(more), chance.choice((*NUMBERS, "1=", "=1", "1=1", "1-4,7"))])), ()


def _train(chance: Random) -> tuple[list[str], tuple[str, ...]]:
    words = ["--data", "set", "--scale", "2", "--steps", "2", "--batch", "2", "--patch-size", "9", "--device", "cpu"]
    words += ["--architecture", "3-1-3", "--widths", "4-3", "--out", "new"]
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        setting = chance.choice(list(kinds()))
        if kinds()[setting] is bool:
            continue
        words += [flag(setting), chance.choice(TRAIN.get(setting, NUMBERS))]
    words += chance.choice(([], [], ["--resume"], ["--recipe", chance.choice(("paper", "tutorial", "fast", "x"))]))
    words += chance.choice(
        ([], [], ["--out", chance.choice(FILES[:10])], ["--nEpochs", chance.choice(("0", "1", "x"))])
    )
    return words, ("new", "nowhere", "é漢", "*", "~", " ", "-", "a", "\udcff", "empty/", "set/", "w", "fifo")


_COMMANDS = {
    "data": _data, "evaluate": _evaluate, "upscale": _upscale, "explain": _explain, "export": _export,
    "reproduce": _reproduce, "train": _train,
}  # fmt: skip
