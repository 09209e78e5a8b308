"""Weights: safetensors with any header, pickles under any name, and the layouts of others, damaged and absurd."""

import io
import json
import pickle
import struct
import zipfile
from pathlib import Path
from random import Random

import numpy as np
import scipy.io
import torch

from fuzz.guard import Case
from fuzz.mutate import EXTREMES, JUNK, changed, damaged
from srcnn import images, pretrained
from srcnn.cli import main
from srcnn.model import SRCNN, SubPixelSRCNN, initialize

KINDS = (
    "F32",
    "F32",
    "F32",
    "F16",
    "BF16",
    "F64",
    "I64",
    "I8",
    "U8",
    "BOOL",
    "F8_E4M3",
    "F8_E5M2",
    "C64",
    "F4",
    "X",
    "",
)
SIDES = (0, 1, 1, 2, 3, 3, 4, 5, 9, 1000, 100_001, 2**31, 2**63, -1)


class Runs:
    """A harmless program in a pickle: it makes a file, by which it shows that it was run."""

    def __reduce__(self) -> tuple:
        return (open, ("ran", "w"))


def prepare(place: Path) -> dict[str, list[bytes]]:
    """Good files of every kind that is read."""
    place.mkdir(parents=True, exist_ok=True)
    models = [
        initialize(SRCNN((3, 1, 3), (4, 3)), "torch", seed=0),
        initialize(SRCNN((3, 1, 1, 3), (4, 3, 2), channels=3), "torch", seed=0),
        initialize(SubPixelSRCNN(2, (3, 1, 3), (4, 3)), "torch", seed=0),
    ]
    tensors = []
    for model in models:
        pretrained.save(model, place / "w.safetensors", {"scale": 2, "training": {"padding": "valid", "color": "luma"}})
        tensors.append((place / "w.safetensors").read_bytes())
    pytorch = []
    for model in models:
        for legacy in (False, True):
            torch.save(model.state_dict(), stream := io.BytesIO(), _use_new_zipfile_serialization=not legacy)
            pytorch.append(stream.getvalue())
    theirs = {
        "weights_conv1": np.ones((9, 4)), "weights_conv2": np.ones((4, 1, 3)), "weights_conv3": np.ones((3, 9)),
        "biases_conv1": np.ones((4, 1)), "biases_conv2": np.ones((3, 1)), "biases_conv3": np.ones((1, 1)),
    }  # fmt: skip
    matlab = []
    for packed in (False, True):
        scipy.io.savemat(stream := io.BytesIO(), theirs, do_compression=packed)
        matlab.append(stream.getvalue())
    return {"safetensors": tensors, "pth": pytorch, "mat": matlab}


def case(chance: Random, place: Path, good: dict[str, list[bytes]]) -> Case:
    """A file, through one of the doors."""
    kind = chance.choice(("safetensors", "safetensors", "safetensors", "pth", "pth", "mat"))
    if chance.random() < 0.5:
        content = damaged(chance.choice(good[kind]), chance, [each for files in good.values() for each in files])
    else:
        content = {"safetensors": _header, "pth": _pickle, "mat": _matlab}[kind](chance, good)
    name = f"w.{'pt' if kind == 'pth' and chance.random() < 0.3 else kind}"
    (place / name).write_bytes(content)
    scale = str(chance.choice((2, 2, 3)))
    door = chance.randrange(6)
    if door < 3:
        return Case(lambda: pretrained.load(name, scale=chance.choice((None, int(scale)))))
    images.write_photograph(place / "photo.png", images.Photograph(torch.full((3, 16, 18), 90, dtype=torch.uint8)))
    words = ["--weights", name, "--scale", scale]
    if door == 3:
        (place / "set").mkdir()
        (place / "photo.png").rename(place / "set" / "photo.png")
        words = ["evaluate", "--data", "set", "--device", "cpu", "--json", "scores.json", *words]
        return Case(lambda: main(words), may=("scores.json",))
    if door == 4:
        return Case(
            lambda: main(["upscale", "photo.png", "-o", "large.png", "--device", "cpu", *words]), may=("large.png",)
        )
    return Case(lambda: main(["export", name, "--onnx", "-o", "net.onnx", "--scale", scale]), may=("net.onnx",))


def _header(chance: Random, good: dict[str, list[bytes]]) -> bytes:
    """A safetensors file with a header of our own making."""
    whole = chance.choice(good["safetensors"])
    size = int.from_bytes(whole[:8], "little")
    header, body = json.loads(whole[8 : 8 + size]), whole[8 + size :]
    for _ in range(chance.choice((1, 1, 2, 3))):
        key = chance.choice([name for name in header if name != "__metadata__"] or ["x"])
        entry = header.setdefault(key, {})
        way = chance.randrange(9)
        if way == 0:
            entry["dtype"] = chance.choice(KINDS)
        elif way == 1:
            entry["shape"] = [chance.choice(SIDES) for _ in range(chance.choice((0, 1, 3, 4, 4, 4, 5)))]
        elif way == 2:  # nothing in it, and large sides
            entry |= {"shape": [1, 1, chance.choice(SIDES), 0], "data_offsets": [0, 0]}
        elif way == 3:
            entry["data_offsets"] = [chance.choice(EXTREMES), chance.choice(EXTREMES)]
        elif way == 4:
            header["__metadata__"] = {"card": json.dumps(changed(_CARD, chance, 2))}
        elif way == 5:
            header["__metadata__"] = chance.choice(({"card": "[" * 100_000}, {"card": "1" * 5000}, *JUNK))
        elif way == 6:
            header = {
                f"further.{k}.{kind}": entry for k in range(chance.choice((1, 500))) for kind in ("weight", "bias")
            }
        elif way == 7:
            header[chance.choice(("x", "", "a" * 70_000, "further.0.weight"))] = header.pop(key)
        else:
            header = changed(header, chance)
        if not isinstance(header, dict) or not all(isinstance(each, dict) for each in header.values()):
            break
    text = json.dumps(header).encode()
    body = chance.choice((body, body, body + b"more", body[:-4], b""))
    return struct.pack("<Q", chance.choice((len(text),) * 6 + EXTREMES)) + text + body


_CARD = {
    "scale": 2, "training": {"padding": "valid", "color": "luma", "steps": 3, "seed": 0}, "seconds": 1.0,
    "scores": {"set5": {"psnr": 30.0}}, "versions": {"torch": "2"}, "found": "x",
}  # fmt: skip


def _pickle(chance: Random, good: dict[str, list[bytes]]) -> bytes:
    """What PyTorch may have stored, or somebody in its name; also under the name of safetensors' content."""
    one = torch.ones(1)
    shapes = [chance.choice((0, 1, 2, 3, 5, 40)) for _ in range(4)]
    huge = [chance.choice((1, 3, 9, 4_000, 50_001)) for _ in range(4)]
    layers = {f"{layer}.weight": torch.ones(shapes) for layer in "abc"} | {f"{layer}.bias": one for layer in "abc"}
    giant = {f"{layer}.weight": one.expand(huge) for layer in "abc"} | {f"{layer}.bias": one for layer in "abc"}
    content = chance.choice((
        layers, giant, {"state_dict": giant}, {"model": layers}, {"a": one}, [], None, 7, "text", {1: one}, {"a": None},
        {"net": {"net": {"net": layers}}}, {k: v.to(torch.int64) for k, v in layers.items()},
        {k: v.to(torch.complex64) for k, v in layers.items()}, {k: v.to(torch.float8_e4m3fn) for k,
            v in layers.items()},
        {k: v.to_sparse() for k, v in layers.items()}, {k: v.to("meta") for k, v in layers.items()},
        {f"{layer}{'x' * 10_000}": one for layer in "abcdefghij"}, Runs(), {"state_dict": Runs()}, SRCNN((1, 1, 1),
            (1, 1)),
    ))  # fmt: skip
    way = chance.randrange(4)
    if way == 0:
        return pickle.dumps(Runs() if isinstance(content, (Runs, dict)) else content, protocol=chance.choice((0, 2, 4)))
    torch.save(content, stream := io.BytesIO(), _use_new_zipfile_serialization=way != 1)
    return repacked(stream.getvalue(), chance) if way == 3 else stream.getvalue()


def repacked(archive: bytes, chance: Random) -> bytes:
    """A zip with one member packed, so that it can be far larger than the file says, left out or exchanged."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(out, "w") as new:
        chosen = chance.choice(old.namelist())
        way = chance.randrange(4)
        for name in old.namelist():
            content = old.read(name)
            if name == chosen:
                if way == 0:
                    continue
                content = (bytes(10**8), content, pickle.dumps(Runs()), b"")[way]
                new.writestr(name, content, zipfile.ZIP_DEFLATED if way < 2 else zipfile.ZIP_STORED)
            else:
                new.writestr(name, content)
    return out.getvalue()


def _matlab(chance: Random, good: dict[str, list[bytes]]) -> bytes:
    """The authors' layout with matrices of any kind and size in it."""
    values = {f"{what}_conv{k}": np.ones((4, 4)) for what in ("weights", "biases") for k in (1, 2, 3)}
    for name in chance.sample(list(values), chance.randrange(1, 5)):
        size = [chance.choice((0, 1, 2, 3, 9, 100)) for _ in range(chance.choice((1, 2, 3, 4)))]
        values[name] = chance.choice((
            np.ones(size), np.full(size, np.nan), np.ones(size, complex), np.ones(size, np.uint8), "text", {"a": 1},
            np.array([["a", 1.0]], dtype=object), np.ones((1, 1)),
        ))  # fmt: skip
    scipy.io.savemat(stream := io.BytesIO(), values, do_compression=chance.random() < 0.5)
    return stream.getvalue()
