"""The command: what each one does, and one sentence with status 2 for whatever it cannot do."""

import argparse
import errno
import io
import itertools
import json
import os
import re
import shlex
import shutil
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from lanes import one_in
from PIL import Image
from safetensors.torch import load_file

from srcnn import data, images, pairs, pretrained, reproduce, upscale
from srcnn.cli import commands, enlarge, explain, main, training
from srcnn.cli.device import fastest_device, known_device
from srcnn.evaluation import evaluate
from srcnn.images import Photograph, read_photograph, sample, to_bytes, write_photograph
from srcnn.model import SRCNN, SubPixelSRCNN, initialize
from srcnn.resize import enlarge as bicubic
from srcnn.resize import shrink

COMMANDS = ("data", "train", "evaluate", "upscale", "explain", "export", "reproduce")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory) -> Path:
    """Files of every kind, right and wrong; each test works in a copy."""
    place = tmp_path_factory.mktemp("shelf")
    cat = to_bytes(sample("chelsea")[:, 90:150, 100:180])
    write_photograph(place / "cat.png", Photograph(cat))
    write_photograph(place / "alpha.png", Photograph(cat, alpha=cat[:1]))
    picture = Image.open(place / "cat.png").convert("RGB")
    for folder in ("good", "broken", "void", "squares"):
        (place / folder).mkdir()
    shutil.copy(place / "cat.png", place / "good" / "a.png")
    shutil.copy(place / "cat.png", place / "broken" / "a.png")
    for number in range(2):
        write_photograph(place / "squares" / f"{number}.png", Photograph(to_bytes(sample("coffee")[:, 100:356, :256])))
    content = (place / "cat.png").read_bytes()
    (place / "cut.png").write_bytes(content[: len(content) // 2])
    shutil.copy(place / "cut.png", place / "broken" / "b.png")
    header = bytearray(content)
    header[16:24] = struct.pack(">II", 20_000, 20_000)
    header[29:33] = struct.pack(">I", zlib.crc32(bytes(header[12:29])))
    (place / "huge.png").write_bytes(header)
    (place / "text.png").write_text("no picture")
    (place / "empty.png").touch()
    Image.new("RGB", (1, 1)).save(place / "one.png")
    Image.new("L", (2, 1)).save(place / "two.png")
    Image.new("L", (12, 12)).save(place / "tiny.png")
    Image.fromarray(np.zeros((20, 20), np.uint16)).save(place / "deep.png")
    picture.convert("CMYK").save(place / "cmyk.jpg")
    picture.save(place / "moving.webp", save_all=True, append_images=[picture.rotate(90)])
    pretrained.save(initialize(SRCNN((3, 1, 3), (4, 4)), "torch", seed=0), place / "x2.safetensors", {"scale": 2})
    pretrained.save(initialize(SubPixelSRCNN(4), "torch", seed=0), place / "sub4.safetensors", {})
    pretrained.save(SRCNN((3, 1, 3), (4, 4), channels=3), place / "rgb.safetensors", {})
    (place / "finished").mkdir()
    for name in ("text.safetensors", "text.npz", "finished/weights.safetensors"):
        (place / name).write_text("no weights")
    (place / "text.mat").write_text("no weights " * 20)
    torch.save({"a": torch.ones(1)}, place / "w.pth")
    return place


@pytest.fixture
def work(shelf, tmp_path, monkeypatch) -> Path:
    """A copy of the shelf as the current folder, without any image set."""
    shutil.copytree(shelf, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("SRCNN_DATA", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "work"


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run(line: str) -> int:
    return main(shlex.split(line))


def refused(line: str, capsys) -> str:
    """Run a command that must fail in the agreed way; its sentence."""
    assert run(line) == 2
    told = capsys.readouterr().err
    assert told.startswith("srcnn: ")
    assert told.count("\n") == 1
    assert told.endswith("\n")
    assert "Traceback" not in told
    return told


# Wrong words, and what the sentence must name

WRONG = """
                                                            | required: command
nope                                                        | invalid choice: 'nope'
data list nope                                              | no data set 'nope'
data fetch set5 --root text.png                             | text.png cannot hold the data
data verify set5                                            | 5 files are missing or damaged; `srcnn data fetch`
data tidy                                                   | invalid choice: 'tidy'
data                                                        | arguments are required: action; `srcnn data --help`
data list --root nowhere                                    | --root nowhere is no folder
train --data good --root text.png --out run                 | --root text.png is no folder
train --data nope --out run                                 | no data set 'nope'
train --data void --out run                                 | void holds no image file
train --data broken --out run                               | b.png is damaged or cut short
train --data missing/ --out run                             | missing is no folder
train --data text.png --out run                             | text.png is no folder
train --data sample+ --out run                              | no data set ''
train --data good --crop 3 --out run                        | unrecognized arguments: --crop 3; `srcnn train --help`
train --data good --out ''                                  | out is empty; give it a value
train --data good --ema-share 1.5 --out run                 | ema_share must be 0 or more and at most 1, not 1.5
train --data good --full-precision-share 2 --out run        | full_precision_share must be 0 or more and at most 1
train --data good --testBatchSize 4 --out run               | --testBatchSize goes with --recipe tutorial
train --recipe tutorial --data squares --testBatchSize 0 --out run | --testBatchSize: '0' is no whole number from 1 to
train --recipe tutorial --data squares --nEpochs 0 --out run | --nEpochs: '0' is no whole number from 1 to 65,536
train --recipe tutorial --data squares --patch-size 48 --out run | --patch-size is 64 with the tutorial's sampling at x4
train --out run                                             | T91 is not here; `srcnn data fetch t91`
train --data set5 --out run                                 | Set5 is a test set
train --data good --scale 0 --out run                       | scale must be 2, 3 or 4, not 0
train --data good -uf 7 --out run                           | scale must be 2, 3 or 4, not 7
train --data good --steps 0 --out run                       | --steps: steps must be 1 or more
train --data good --steps -1 --out run                      | steps must be a whole number, not '-1'
train --data good --steps 1e3 --out run                     | steps must be a whole number, not '1e3'
train --data good --batchSize 0 --out run                   | batch_size must be 1 or more
train --data good --batch 99999999999 --steps 1 --out run   | at most 65,536
train --data good --lr 0 --out run                          | learning_rate must be a number above 0
train --data good --lr nan --out run                        | learning_rate must be a number above 0
train --data good --lr -1 --out run                         | learning_rate must be a number above 0
train --data good --lr fast --out run                       | learning_rate must be a number, not 'fast'
train --data good --seed -1 --out run                       | seed must be a whole number, not '-1'
train --data good --seed 99999999999999999999 --out run     | seed must be 0 or more and at most
train --data good --recipe slow --out run                   | invalid choice: 'slow'
train --data good --set lose=l1 --out run                   | 'lose' is no setting; the settings are
train --data good --set loss --out run                      | 'loss' is no setting; give name=value
train --data good --loss l3 --out run                       | loss 'l3' is unknown; it is mse or l1
train --data good --set crop=0 --out run                    | patch_size must be 1 or more
train --data good --set scale=7 --out run                   | scale must be 2, 3 or 4, not 7
train --data good --widths 64 --out run                     | with widths '64' is unknown
train --data leaves:99 --out run                            | leaves:99 asks for 99 images; there are 40
train --data good --architecture 9-2-5 --out run            | architecture '9-2-5' with widths '64-32' is unknown
train --data good --architecture 35-1-5 --out run           | leaves nothing of a patch of 33 pixels
train --data good --architecture 99999999999999999999-1-5 --out run | leaves nothing of a patch
train --data good --precision int8 --out run                | invalid choice: 'int8'
train --data good --nEpochs 2 --out run                     | --nEpochs goes with --recipe tutorial
train --recipe tutorial --data squares --nEpochs 2 --steps 2 --out run | --nEpochs goes with
train --recipe tutorial --data good --out run               | the tutorial cuts 256 x 256
train --recipe tutorial --data squares --architecture 9-1-5 --out run | only --architecture subpixel
train --recipe paper --data good --architecture subpixel --out run | sub-images are enlarged already
train --data good --device tpu --out run                    | 'tpu' is no device
train --data good --device cpu:x --out run                  | 'cpu:x' is no device
train --data good --device cuda:99 --out run                | there is no cuda:99 device
train --data good --steps 1 --out text.png                  | text.png is a file; --out names a folder
train --data good --steps 1 --out text.png/run              | cannot be made
train --data good --steps 1 --out /proc/run                 | /proc/run cannot be made
train --data good --steps 1 --out void --resume             | void holds no run to resume
train --data good --steps 1 --resume                        | --resume needs --out
evaluate --weights nope --data good --scale 2               | nope is neither a file nor the name of shipped weights
evaluate --weights good --data good --scale 2               | good is a folder; the shipped ones are
evaluate --weights finished --data good --scale 2           | finished is a folder; give finished/weights.safetensors
evaluate --weights text.npz --data good --scale 2           | .safetensors, .pth, .pt and .mat files are read
evaluate --weights text.safetensors --data good --scale 2   | text.safetensors is no whole safetensors file
evaluate --weights w.pth --data good --scale 2              | w.pth holds another network: three convolutions or more
evaluate --weights text.mat --data good --scale 2           | text.mat has not the authors' layout
evaluate --weights x2.safetensors --data good --scale 3     | was trained for x2, not x3
evaluate --weights sub4.safetensors --data good --scale 3   | was trained for x4, not x3
evaluate --weights rgb.safetensors --data good --scale 3 --gray | works on 3 channels
evaluate --weights bicubic --data leaves:9 --scale 3        | leaves:9 asks for 9 images; there are 5
evaluate --weights bicubic --data good --scale 2 --json ''   | json is empty
evaluate --weights bicubic --data good                      | required: --scale
evaluate --weights bicubic --data good --scale 7            | scale must be 2, 3 or 4, not 7
evaluate --weights bicubic --data nope --scale 2            | no data set 'nope'
evaluate --weights bicubic --data void --scale 2            | void holds no image file
evaluate --weights bicubic --data broken --scale 2          | b.png is damaged or cut short
evaluate --weights bicubic --data set5 --scale 2            | Set5 is not here
evaluate --weights bicubic --data good --scale 2 --json no/r.json       | there is no folder
evaluate --weights bicubic --data good --scale 2 --json good            | good is a folder
evaluate --weights bicubic --data good --scale 2 --json text.png/r.json | cannot be written
evaluate --weights bicubic --data good --scale 2 --json /proc/r.json    | /proc/
evaluate --weights bicubic --data good --scale 2 --json /dev/full       | /dev/full is not an ordinary file
upscale                                                     | required: photo, -o/--output, --scale
upscale '' -o o.png --scale 2                               | photo is empty
upscale cat.png '' -o o --scale 2                           | photo is empty
upscale cat.png -o '' --scale 2                             | output is empty
upscale cat.png -o o.png --scale 2 --weights ''             | weights is empty
upscale cat.png -o o.png --scale 2 --weights=               | weights is empty
upscale missing.png -o o.png --scale 2 --weights bicubic    | there is no file missing.png
upscale good -o text.png --scale 2 --weights bicubic        | text.png cannot be made: File exists; give another folder
upscale good cat.png -o good --scale 2 --weights bicubic    | is the photograph itself
upscale good good/../good -o out --scale 2 --weights bicubic | would both become out/
upscale void -o out --scale 2 --weights bicubic             | void holds no image file
upscale cat.png -o alpha.png --scale 2 --weights bicubic    | alpha.png is there already; --overwrite replaces it
upscale text.png -o o.png --scale 2 --weights bicubic       | text.png holds no image that can be read
upscale empty.png -o o.png --scale 2 --weights bicubic      | empty.png holds no image that can be read
upscale cut.png -o o.png --scale 2 --weights bicubic        | cut.png is damaged or cut short
upscale one.png -o o.png --scale 2 --weights bicubic        | 1 x 1 pixels; at least 4 x 4
upscale two.png -o o.png --scale 2 --weights bicubic        | 2 x 1 pixels; at least 4 x 4
upscale huge.png -o o.png --scale 2 --weights bicubic       | at most 100 megapixels are read
upscale deep.png -o o.jpg --scale 2 --weights bicubic       | 16 bits per channel; end it in .png or .tif
upscale cmyk.jpg -o o.png --scale 2 --weights bicubic       | printing colors CMYK
upscale moving.webp -o o.png --scale 2 --weights bicubic    | holds 2 pictures
upscale cat.png -o o.png --scale 0                          | scale must be 2, 3 or 4, not 0
upscale cat.png -o o.png --scale 2 --weights nope           | nope is neither a file
upscale cat.png -o o.png --scale 3 --weights x2.safetensors | was trained for x2, not x3
upscale cat.png -o o.png --scale 3 --weights sub4.safetensors | was trained for x4, not x3
upscale cat.png -o o --scale 2 --weights bicubic            | o names no file type that can be written
upscale cat.png -o o.gif --scale 2 --weights bicubic        | o.gif names no file type
upscale cat.png -o no/o.png --scale 2 --weights bicubic     | there is no folder
upscale cat.png -o text.png/o.png --scale 2 --weights bicubic | cannot be written
upscale cat.png -o /proc/o.png --scale 2 --weights bicubic  | /proc/o.png cannot be written: No such file or directory
upscale cat.png -o full.png --scale 2 --weights bicubic     | full.png is not an ordinary file
upscale cat.png -o cat.png --scale 2 --weights bicubic      | cat.png is the photograph itself
upscale cat.png -o good/../cat.png --scale 2 --weights bicubic | is the photograph itself
upscale cat.png -o link.png --scale 2 --weights bicubic     | link.png is the photograph itself
upscale alpha.png -o o.jpg --scale 2 --weights bicubic      | cannot hold the photograph's transparency
explain cat.png missing.png --claimed 28.43                 | there is no file missing.png
explain cat.png alpha.png --claimed 28.43                   | alpha.png has transparency, which has no PSNR
explain cat.png one.png --claimed 28.43                     | an original of 1 x 1 pixels has nothing to compare
explain cat.png cat.png --claimed -3                        | '-3' is no figure that can be claimed
explain cat.png cat.png --claimed 1e99                      | '1e99' is no figure that can be claimed
explain cat.png cat.png --claimed much                      | 'much' is no figure that can be claimed
explain two.png two.png --claimed 28.43                     | an original of 2 x 1 pixels has nothing to compare
explain tiny.png tiny.png --claimed 28.43                   | is too small for every border
explain good void --claimed 28.43                           | void holds no image file
explain cat.png cat.png --claimed 30 --scale 7              | scale must be 2, 3 or 4, not 7
explain cat.png --claimed 30                                | give an output and its original
explain cat.png cat.png cat.png --claimed 30                | give an output and its original
explain cat.png cat.png --claimed 30 --weights bicubic      | with --weights, which makes the output, the original alone
explain cat.png --claimed 30 --weights nope                 | nope is neither a file
explain cat.png --claimed 30 --weights x2.safetensors       | was trained for x2, not x3
explain two.png --claimed 30 --weights bicubic              | is too small to be measured; at least 42 x 42 are needed
explain nope --claimed 30 --weights bicubic                 | nope
export good -o o.safetensors                                | good holds no finished run
export missing -o o.safetensors                             | missing holds no finished run; give the folder that was
export good -o o.pth                                        | o.pth must end in .safetensors
export good -o no/o.safetensors                             | there is no folder
reproduce nothing                                           | there is no experiment 'nothing'; they are tables
reproduce tables --out ''                                   | out is empty
reproduce tables --out missing                              | missing is no folder
reproduce tables --out text.png                             | text.png is no folder
reproduce tables --out void                                 | Set5 is not here
"""
CASES = [tuple(part.strip() for part in line.split("|")) for line in WRONG.strip("\n").splitlines()]


@pytest.mark.parametrize(("line", "sentence"), CASES, ids=[line or "nothing" for line, _ in CASES])
def test_what_cannot_be_done_is_told_in_one_sentence_and_touches_nothing(line, sentence, work, capsys):
    (work / "link.png").symlink_to("cat.png")
    if "full.png" in line:
        (work / "full.png").symlink_to("/dev/full")
    before = files(work / "good") | {path.name: path.read_bytes() for path in work.glob("*.*") if path.is_file()}
    assert sentence in refused(line, capsys)
    after = files(work)
    assert {name: after.get(name, after.get(f"good/{name}")) for name in before} == before
    assert not list(work.rglob("*.part"))
    assert not any(name.startswith(("o.", "o/")) for name in after)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
@pytest.mark.parametrize("command", ["train --data good", "evaluate --weights bicubic --data good --scale 2",
                                     "upscale cat.png -o o.png --scale 2"])  # fmt: skip
def test_a_gpu_that_is_not_there_is_told(command, work, capsys):
    assert "there is no cuda device on this machine; leave --device out" in refused(f"{command} --device cuda", capsys)


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_told(work, capsys):
    (work / "closed").mkdir(mode=0o500)
    assert "is not open to you" in refused("upscale cat.png -o closed/o.png --scale 2 --weights bicubic", capsys)


@pytest.mark.parametrize("line", ["upscale cat.png -o old.png --overwrite --scale 2 --weights bicubic",
                                  "evaluate --weights bicubic --data good --scale 2 --json old.json"])  # fmt: skip
def test_a_full_disk_leaves_the_older_file(line, work, capsys, monkeypatch):
    for name in ("old.png", "old.json"):
        (work / name).write_bytes(b"what was there")

    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert "No space left on device" in refused(line, capsys)
    assert {(work / name).read_bytes() for name in ("old.png", "old.json")} == {b"what was there"}
    assert not list(work.rglob("*.part"))


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate"), 2, "there is not enough memory for this"),
        (MemoryError(), 2, "there is not enough memory for this"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_what_can_happen_on_the_way_is_one_sentence_too(error, code, sentence, work, capsys, monkeypatch):
    def broken(*arguments, **options):
        raise error

    monkeypatch.setattr(enlarge, "upscale", broken)
    assert run("upscale cat.png -o o.png --scale 2 --weights bicubic") == code
    told = capsys.readouterr().err
    assert told.startswith(f"srcnn: {sentence}")
    assert told.count("\n") == 1


def test_a_mistake_of_our_own_is_not_hidden(work, monkeypatch):
    def broken(*arguments, **options):
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(enlarge, "upscale", broken)
    with pytest.raises(RuntimeError, match="shapes differ"):
        run("upscale cat.png -o o.png --scale 2 --weights bicubic")


@pytest.mark.parametrize(("cuda", "mps"), [(False, False), (False, True), (True, False)])
def test_training_never_picks_a_macs_gpu_by_itself(cuda, mps, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert fastest_device(training=True) == ("cuda" if cuda else "cpu")
    assert fastest_device() == ("cuda" if cuda else "mps" if mps else "cpu")


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("cuda", ""),
        ("cuda:1", ""),
        ("cuda:2", "there is no cuda:2 device on this machine"),
        ("mps", "there is no mps device"),
        ("cuda:x", "'cuda:x' is no device; it is cpu, cuda or mps"),
        ("gpu", "'gpu' is no device"),
    ],
)
def test_of_two_gpus_each_can_be_named_and_no_third(word, told, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    if not told:
        assert known_device(word) == word
        return
    with pytest.raises(argparse.ArgumentTypeError, match=told):
        known_device(word)


@pytest.mark.parametrize("first", [1, 2])
def test_verify_counts_what_is_wrong_in_all_the_sets(first, monkeypatch, capsys):
    states = {"t91": dict.fromkeys("abc"[:first], "missing"), "set5": {"d": "ok"}}
    monkeypatch.setattr(commands.fetch, "verify", lambda name: states[name])
    assert run("data verify t91 set5") == 2
    told = capsys.readouterr()
    assert told.out.splitlines()[-1] == "set5: 1 of 1 files are right"
    assert told.err.startswith(
        f"srcnn: {['1 file is', '2 files are'][first - 1]} missing or damaged; `srcnn data fetch`"
    )


def test_train_asks_for_the_device_of_training(work, monkeypatch):
    asked = []
    monkeypatch.setattr(training, "fastest_device", lambda **how: asked.append(how) or "cpu")
    assert run("train --data good --steps 1 --batch 1 --out run") == 0
    assert asked == [{"training": True}]


def test_root_is_looked_in_first_while_the_command_runs_and_no_longer(work, monkeypatch, capsys):
    for before in (None, "elsewhere"):
        if before:
            monkeypatch.setenv("SRCNN_ROOT", before)
        seen = []
        monkeypatch.setattr(commands, "_list", lambda entries, seen=seen: seen.append(data.roots()[0]))
        assert run("data list --root void") == 0
        assert seen == [Path("void")]
        assert os.environ["SRCNN_ROOT"] == (before or "")


@pytest.mark.parametrize("word", ["--gray", "--grey"])
def test_gray_has_its_other_spelling_too(word, work):
    assert run(f"evaluate --weights bicubic --data good --scale 2 {word} --json g.json") == 0
    assert json.loads(Path("g.json").read_text())["data"] == "good-gray"


def test_figures_of_an_installed_package_are_not_overwritten(work, capsys, monkeypatch):
    monkeypatch.setattr(commands.data, "__file__", str(work / "site" / "data.py"))
    (work / "site" / "_data").mkdir(parents=True)
    assert "give --out a folder" in refused("reproduce tables", capsys)


def test_the_help_of_reproduce_names_every_experiment(capsys):
    with pytest.raises(SystemExit):
        run("reproduce --help")
    told = capsys.readouterr().out
    assert all(name in told for name in reproduce.EXPERIMENTS)


# What each command does


def test_every_option_of_every_command_says_what_it_is(capsys):
    """An option or a place alone on its line has its words on the next one, indented further."""
    for command in COMMANDS:
        with pytest.raises(SystemExit):
            run(f"{command} --help")
        lines = [*capsys.readouterr().out.splitlines(), ""]
        for line, after in itertools.pairwise(lines):
            if re.match(r"  -\S", line) and not re.search(r"\S   *\S", line):
                assert after.startswith(" " * 10), line


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with a name here")
def test_a_pipe_in_a_folder_of_photographs_is_passed_over(work):
    os.mkfifo(work / "good" / "b.png")
    assert [path.name for path in data.listing("good")] == ["a.png"]


@pytest.mark.parametrize("line", ["--help", "--version", *(f"{command} --help" for command in COMMANDS)])
def test_help_is_no_error(line, capsys):
    with pytest.raises(SystemExit) as ended:
        run(line)
    assert ended.value.code == 0
    told = capsys.readouterr()
    assert told.out.startswith(("usage: srcnn", "srcnn "))
    assert told.err == ""
    if line == "--help":
        assert all(command in told.out for command in COMMANDS)


def test_data_lists_what_is_here_and_what_is_not(work, capsys):
    assert run("data list") == 0
    lines = capsys.readouterr().out.splitlines()
    names = [line.split()[0] for line in lines]
    assert names == [*data.registry(), "sample", "leaves"]
    assert "0 of 5 files here" in next(line for line in lines if line.startswith("set5 "))


@pytest.mark.data
def test_data_verify_passes_the_real_sets_and_names_a_damaged_file(work, data_root, capsys):
    assert run(f"data verify set5 --root {shlex.quote(str(data_root))}") == 0
    assert capsys.readouterr().out == "set5: 5 of 5 files are right\n"
    shutil.copytree(data_root / "Set5", work / "root" / "Set5")
    (work / "root" / "Set5" / "bird.bmp").write_bytes(b"BM")
    assert run("data verify set5 --root root") == 2
    told = capsys.readouterr()
    assert "Set5/bird.bmp: damaged" in told.out
    assert "1 file is missing or damaged" in told.err


def test_train_makes_weights_that_its_own_command_makes_again(work, capsys):
    assert run("train --data good --steps 12 --batch 2 --lr 0.003 --seed 5 --scale 2 --out run") == 0
    told = capsys.readouterr()
    assert told.err == ""
    first, *_, last = told.out.splitlines()
    assert run(f"{first.removeprefix('srcnn ')} --out again") == 0
    capsys.readouterr()
    one, two = (load_file(f"{folder}/weights.safetensors") for folder in ("run", "again"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert last == "srcnn evaluate --weights run/weights.safetensors --data set5 --scale 2"
    assert run("evaluate --weights run/weights.safetensors --data good --scale 2") == 0


def test_train_without_a_folder_takes_a_new_one_each_time(work):
    for _ in range(2):
        assert run("train --data good --steps 1 --batch 1") == 0
    assert sorted(path.name for path in (work / "runs").iterdir()) == ["fast-9-1-5-x3", "fast-9-1-5-x3-2"]


def test_train_resumes_and_tells_of_a_damaged_checkpoint(work, capsys):
    line = "train --data good --steps 12 --batch 2 --out run"
    assert run(line) == 0
    assert "holds a run already; --resume goes on with it" in refused(line, capsys)
    newest = work / "run" / "checkpoint.pt"
    shutil.copy(newest, work / "run" / "checkpoint.previous.pt")
    newest.write_bytes(b"cut")
    assert run(f"{line} --resume") == 0
    assert capsys.readouterr().err == "srcnn: run/checkpoint.pt is damaged and was passed over\n"


def test_a_finished_run_without_its_history_can_be_resumed(work):
    line = "train --data good --steps 3 --batch 2 --out run"
    assert run(line) == 0
    (work / "run" / "history.jsonl").unlink()
    assert run(f"{line} --resume") == 0


def test_the_tutorials_own_flags_work_and_tell_what_its_score_is(work, capsys):
    flags = "--batchSize 1 --testBatchSize 2 --nEpochs 2 --lr 0.01 --seed 123 -uf 2 -m srcnn"
    assert run(f"train --recipe tutorial --data squares {flags} --out run") == 0
    out = capsys.readouterr().out
    assert "epoch  1 of 2: average loss" in out
    assert "epoch  2 of 2: average loss" in out
    assert "(bicubic " in out
    assert "compare them with nothing but each other" in out
    assert [json.loads(line)["step"] for line in Path("run/history.jsonl").read_text().splitlines()] == [4]


def test_evaluate_prints_bicubic_beside_the_network_and_writes_the_same_figures(work, capsys):
    assert run("evaluate --weights x2.safetensors --data good --scale 2 --json r.json") == 0
    head, row, last = capsys.readouterr().out.splitlines()
    record = json.loads(Path("r.json").read_text())
    assert head.split() == ["bicubic", "x2.safetensors"]
    assert row.split()[0] == "a"
    assert last.split()[0] == "mean"
    assert last.split()[3:] == [f"{record['mean']['psnr']:.2f}", f"{record['mean']['ssim']:.4f}"]
    assert set(record) == {"weights", "data", "scale", "protocol", "mean", "images", "provenance"}


def test_evaluate_works_offline_on_the_sample(work, capsys):
    assert run("evaluate --weights bicubic --data sample --scale 3") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == ["chelsea", "coins", "mean"]


@pytest.mark.parametrize("weights", ["bicubic", "x2.safetensors", "rgb.safetensors"])
def test_upscale_writes_the_photograph_that_the_package_makes(weights, work, capsys):
    assert run(f"upscale alpha.png -o big.png --scale 2 --weights {weights}") == 0
    told = capsys.readouterr()
    assert (told.out, told.err) == ("big.png: 160 x 120 pixels\n", "")
    model = None if weights == "bicubic" else pretrained.load(weights).model
    expected = upscale.upscale(read_photograph("alpha.png"), model, scale=2)
    written = images.read_photograph("big.png")
    assert torch.equal(written.pixels, expected.pixels)
    assert torch.equal(written.alpha, expected.alpha)


def test_many_photographs_go_into_a_folder_and_what_cannot_be_served_stops_nothing(work, capsys):
    line = "upscale cat.png cut.png good missing.png one.png -o made/big/ --scale 2 --weights bicubic"
    assert run(line) == 2
    told = capsys.readouterr()
    names = sorted(path.name for path in (work / "good").iterdir())
    count = len(names) + 4
    assert told.out == f"made/big: {len(names) + 1} of {count} photographs enlarged\n"
    sentences = told.err.splitlines()
    for said, part in zip(
        sentences,
        (
            "srcnn: cut.png is damaged or cut short",
            "srcnn: there is no file missing.png",
            "srcnn: one.png: the photograph has 1 x 1 pixels",
            f"srcnn: 3 of {count} photographs could not be enlarged; why stands above",
        ),
        strict=True,
    ):
        assert said.startswith(part)
    assert sorted(path.name for path in (work / "made" / "big").iterdir()) == sorted(["cat.png", *names])
    expected = upscale.upscale(read_photograph("cat.png"), None, scale=2)
    assert torch.equal(read_photograph("made/big/cat.png").pixels, expected.pixels)


def test_a_second_run_does_only_what_is_missing(work, capsys):
    line = "upscale cat.png good -o out --scale 2 --weights bicubic"
    assert run(line) == 0
    made = files(work / "out")
    (work / "out" / "cat.png").write_bytes(b"mine")
    lost = next(name for name in made if name != "cat.png")
    (work / "out" / lost).unlink()
    capsys.readouterr()
    assert run(line) == 0
    assert (
        capsys.readouterr().out == f"out: 1 of {len(made)} photographs enlarged, {len(made) - 1} were there already\n"
    )
    assert files(work / "out") == made | {"cat.png": b"mine"}
    assert run(f"{line} --overwrite") == 0
    assert files(work / "out") == made


@pytest.fixture
def album(work) -> Path:
    """Many small photographs."""
    (work / "album").mkdir()
    pixels = to_bytes(sample("coffee"))
    for k in range(20):
        write_photograph(work / "album" / f"{k:02}.png", Photograph(pixels[:, 9 * k : 9 * k + 16, :16].clone()))
    return work / "album"


def calls(work) -> int:
    """How many functions are called: of Python's and of C's."""
    count = 0

    def note(frame, event, argument) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def test_among_many_a_photograph_is_no_more_work_than_alone(album, monkeypatch):
    loaded, load = [], pretrained.load
    monkeypatch.setattr(pretrained, "load", lambda *given, **options: loaded.append(given) or load(*given, **options))
    line = "upscale {} -o {} --scale 2 --device cpu --weights x2.safetensors"
    model = load("x2.safetensors", scale=2).model
    names = sorted(str(path) for path in album.iterdir())
    assert run(line.format(names[0], "warm/")) == 0  # what is made at the first call
    few, many = (calls(lambda k=k: run(line.format(" ".join(names[:k]), f"{k}/"))) for k in (10, 20))
    modules = set(sys.modules)
    alone = calls(lambda: enlarge._one(album / "00.png", album.parent / "o.png", model, 2, "cpu"))
    assert (many - few) / 10 <= 1.1 * alone, (few, many, alone)
    assert len(loaded) == 3  # once a command
    assert set(sys.modules) == modules


def test_many_photographs_have_one_bar_that_is_seldom_drawn(album, monkeypatch):
    class Terminal(io.StringIO):
        isatty = lambda self: True  # noqa: E731

    monkeypatch.setattr(sys, "stderr", Terminal())
    begun = time.monotonic()
    assert run(f"upscale {album} cut.png -o out --scale 2 --weights bicubic") == 2
    seconds = time.monotonic() - begun
    drawn = [text for text in sys.stderr.getvalue().split("\r") if "photograph/s" in text or "s/photograph" in text]
    assert 1 <= len(drawn) <= 3 + seconds / 0.1  # twice more, around the sentence
    assert all(" of 21" in text or "/21 " in text for text in drawn)
    assert "srcnn: cut.png is damaged" in sys.stderr.getvalue()


def test_many_photographs_that_are_interrupted_leave_no_half_file_and_tell_how_to_go_on(album, capsys, monkeypatch):
    fsync, line = os.fsync, f"upscale {album} -o out --scale 2 --weights bicubic"
    assert run(line) == 0
    whole = files(album.parent / "out")
    shutil.rmtree("out")
    capsys.readouterr()
    written = []

    def interrupted(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) == 8:
            raise KeyboardInterrupt
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", interrupted)
    assert run(line) == 130
    told = capsys.readouterr()
    assert told.err == "srcnn: interrupted; 7 of 20 photographs are enlarged; the same command goes on with the rest\n"
    made = files(album.parent / "out")
    assert made == {name: content for name, content in whole.items() if name < "07"}
    assert run(line) == 0
    assert capsys.readouterr().out == "out: 13 of 20 photographs enlarged, 7 were there already\n"
    assert files(album.parent / "out") == whole
    written.clear()
    assert run(f"{line} --overwrite") == 130
    assert "7 of 20 photographs are enlarged; the same command begins anew" in capsys.readouterr().err
    assert files(album.parent / "out") == whole


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.EACCES, "Permission denied", "out/03.png"), "album/03.png: out/03.png: Permission denied"),
        (MemoryError(), "album/03.png: there is not enough memory"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
            "album/03.png: there is not enough memory",
        ),
    ],
)
def test_what_befalls_one_of_many_stops_no_other(error, sentence, album, capsys, monkeypatch):
    write = images.write_photograph

    def broken(path: Path, photograph: Photograph) -> None:
        if path.name == "03.png":
            raise error
        write(path, photograph)

    monkeypatch.setattr(images, "write_photograph", broken)
    assert run("upscale album -o out --scale 2 --weights bicubic") == 2
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith(f"srcnn: {sentence}")
    assert last == "srcnn: 1 of 20 photographs could not be enlarged; why stands above"
    assert len(list(Path("out").iterdir())) == 19


def test_a_full_disk_ends_the_work_on_many(album, capsys, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert "00.png: No space left on device" in refused("upscale album -o out --scale 2 --weights bicubic", capsys)
    assert list(Path("out").iterdir()) == []


def test_a_name_among_many_that_is_too_long_for_its_result_stops_no_other(work, capsys):
    long = "n" * 250 + ".TGA"  # its result would end in .TGA.png
    shutil.copy("cat.png", long)
    (work / "out" / "a.png").mkdir(parents=True)  # no file, so it is not there already
    assert run(f"upscale {long} good cat.png -o out --scale 2 --weights bicubic") == 2
    told = capsys.readouterr()
    assert told.out == "out: 1 of 3 photographs enlarged\n"
    assert "File name too long" in told.err
    assert "a.png is a folder" in told.err
    assert (work / "out" / "cat.png").is_file()


def test_a_result_takes_the_place_of_an_older_one_only_when_told_to(work, capsys):
    (work / "old.png").write_bytes(b"mine")
    line = "upscale cat.png -o old.png --scale 2 --weights bicubic"
    assert "old.png is there already; --overwrite replaces it" in refused(line, capsys)
    assert (work / "old.png").read_bytes() == b"mine"
    assert run(f"{line} --overwrite") == 0
    assert read_photograph("old.png").pixels.shape == (3, 120, 160)


def test_explain_finds_the_way_of_measuring_and_names_the_papers(work, capsys):
    original = images.sample("coffee")[:, :90, :90]
    images.write_photograph("original.png", Photograph(images.to_bytes(original)))
    assert run("upscale original.png -o large.png --scale 3 --weights bicubic") == 0
    small = images.to_bytes(shrink(original, 3))
    images.write_photograph("small.png", Photograph(small))
    assert run("upscale small.png -o output.png --scale 3 --weights bicubic") == 0
    values = explain.measure([(images.read("output.png"), images.read("original.png"))], scale=3)
    capsys.readouterr()
    for ruler in (explain.protocol(3), explain.Ruler("PSNR", "RGB", 0)):
        assert run(f"explain output.png original.png --claimed {values[ruler]:.3f}") == 0
        told = capsys.readouterr().out
        assert f"{values[ruler]:.3f} dB is\n" in told
        assert f"  PSNR of {ruler}\n" in told
        assert (
            f"the published tables have the PSNR of {explain.protocol(3)}: {values[explain.protocol(3)]:.4f} dB" in told
        )
        assert told.endswith(explain.statement(ruler, 1) + "\n")
    assert run("explain output.png original.png --claimed 99.99") == 0
    assert capsys.readouterr().out.startswith("no way of measuring gives 99.99 dB; the nearest are\n")


def test_explain_finds_the_degradation_where_it_makes_the_output(work, capsys):
    images.write_photograph("original.png", Photograph(images.to_bytes(images.sample("coffee")[:, :90, :90])))
    scores = evaluate(bicubic, [("", images.read("original.png"))], scale=3)
    assert run(f"explain original.png --weights bicubic --claimed {scores[''].psnr:.3f}") == 0
    told = capsys.readouterr().out
    way = f"PSNR of {explain.protocol(3)}, made by MATLAB's imresize on luma"
    assert f"{scores[''].psnr:.3f} dB is\n" in told
    assert f"  {way}\n" in told
    assert f"the published tables have the {way}: {scores[''].psnr:.4f} dB" in told
    assert told.endswith("The low-resolution images were made by MATLAB's imresize on luma.\n")
    assert run(f"explain original.png --weights bicubic --claimed {scores[''].ssim:.4f}") == 0
    assert (
        f"  SSIM of {explain.protocol(3, metric='SSIM')}, made by MATLAB's imresize on luma\n"
        in capsys.readouterr().out
    )


def test_export_writes_the_weights_the_card_and_the_log(work, capsys):
    run("train --data good --steps 3 --batch 2 --out run --scale 2")
    capsys.readouterr()
    assert run("export run -o mine.safetensors --data good sample") == 0
    assert capsys.readouterr().out.split() == ["mine.safetensors", "mine.md", "mine.jsonl"]
    assert set(pretrained.load("mine.safetensors").card["scores"]) == {"good", "sample"}
    assert "was trained" not in refused("export run -o mine.safetensors --data nope", capsys)


def test_reproduce_prints_and_writes_each_record(work, capsys, monkeypatch):
    def tables(folder):
        yield {"line": "one line"}
        yield {"line": f"into {folder}"}

    monkeypatch.setitem(reproduce.EXPERIMENTS, "tables", tables)
    assert run("reproduce tables --out void") == 0
    assert capsys.readouterr().out == "one line\ninto void\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX")
@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("{srcnn} data list | true; echo ${{PIPESTATUS[0]}}", ("141\n", "")),
        ("{srcnn} data list >&-; echo $?", ("0\n", "")),
        ("{srcnn} train --data good --steps 1 --batch 1 --out run 2>&- >&-; ls run/weights.safetensors",
         ("run/weights.safetensors\n", "")),
        ("PYTHONIOENCODING=ascii {srcnn} upscale cat.png -o ü.png --scale 2 --weights bicubic",
         ("\\xfc.png: 160 x 120 pixels\n", "")),
        pytest.param("{srcnn} data list >/dev/full; echo $?", ("2\n", "srcnn: No space left on device\n"),
                     marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("unbuffered", one_in(2, ["", "1"]))
def test_whatever_becomes_of_standard_output_there_is_no_traceback(line, outcome, unbuffered, work, monkeypatch):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    words = ["bash", "-c", line.format(srcnn=f"{shlex.quote(sys.executable)} -m srcnn")]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False, timeout=120)
    assert (done.stdout, done.stderr) == outcome


@pytest.mark.parametrize(
    ("line", "code", "out", "err"),
    [
        ("--version", 0, "srcnn ", ""),
        ("upscale text.png -o o.png --scale 2 --weights bicubic", 2, "", "srcnn: text.png holds no image"),
    ],
)
def test_python_m_srcnn_is_the_command(line, code, out, err, work):
    words = [sys.executable, "-m", "srcnn", *line.split()]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == code
    assert done.stdout.startswith(out)
    assert done.stderr.startswith(err)
    assert done.stderr.count("\n") == (1 if err else 0)


# Runs that end otherwise than well


def test_settings_given_one_by_one_all_count(work):
    assert run("train --data good --steps 1 --batch 1 --set loss=l1 --set optimizer=adam --out run") == 0
    settings = json.loads(Path("run/config.json").read_text())
    assert (settings["loss"], settings["optimizer"]) == ("l1", "adam")


@pytest.mark.parametrize("more", ["--lr 900", "--lr 1e-4 --steps 20"])
def test_a_training_that_diverges_ends_there_and_leaves_no_weights(more, work, capsys, monkeypatch):
    """By its rate after a few steps, or by one weight in the last step, after which no loss is computed any more."""
    if "20" in more:
        step = torch.optim.SGD.step

        def spoil(self, *arguments):
            step(self, *arguments)
            spoil.count += 1
            if spoil.count == 20:
                self.param_groups[0]["params"][0].data[0, 0, 0, 0] = torch.nan

        spoil.count = 0
        monkeypatch.setattr(torch.optim.SGD, "step", spoil)
    told = refused(f"train --recipe paper --data good --batch 2 --steps 30 {more} --out run", capsys)
    assert re.match(
        r"srcnn: the training has diverged, with a loss of \S+ at step [12]0; begin anew with a lower", told
    )
    assert "no checkpoint is in run yet" in told
    assert {path.name for path in Path("run").iterdir()} == {"config.json", "history.jsonl"}
    assert "NaN" not in Path("run/history.jsonl").read_text()


def test_a_run_is_resumed_by_its_folder_alone(work, capsys):
    line = "train --data good --scale 2 --steps 12 --batch 2 --seed 3 --no-cosine --out run"
    assert run(line) == 0
    expected = load_file("run/weights.safetensors")
    Path("run/weights.safetensors").unlink()
    capsys.readouterr()
    told = refused("export run -o mine.safetensors --data good", capsys)
    advice = told.split("`")[1].removeprefix("srcnn ")
    assert "other settings: steps 12 there and 13 here" in refused(f"{advice} --steps 13", capsys)
    assert run(advice) == 0
    # the weights alone, since the file tells the seconds too
    assert all(torch.equal(value, expected[name]) for name, value in load_file("run/weights.safetensors").items())
    assert run("export run -o mine.safetensors --data good") == 0


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("steps", "many", "steps must be a whole number, not 'many'"),
        ("learning_rate", None, "learning_rate must be a number, not 'None'"),
        ("scale", 9, "scale must be 2, 3 or 4, not 9"),
        ("lose", "l1", "'lose' is no setting"),
        ("recipe", [], "recipe '\\[\\]' is unknown"),
    ],
)
def test_settings_of_a_folder_that_make_no_sense_are_told(name, value, told, work, capsys):
    assert run("train --data good --steps 2 --batch 1 --out run") == 0
    settings = json.loads(Path("run/config.json").read_text())
    Path("run/config.json").write_text(json.dumps(settings | {name: value}))
    before = files(work / "run")
    assert re.search(told, refused("train --resume --out run", capsys))
    assert files(work / "run") == before


def test_an_interrupted_run_says_how_it_goes_on_and_the_next_one_says_so_again(work, capsys, monkeypatch):
    def interrupt(run, *arguments, **more):
        yield next(iter(run))
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "progress", interrupt)
    line = "train --data good --steps 2 --batch 1 --device cpu"
    assert run(line) == 130
    goes_on = "`srcnn train --resume --out runs/fast-9-1-5-x3 --device cpu` goes on"
    assert capsys.readouterr().err == f"srcnn: interrupted; {goes_on}\n"
    monkeypatch.undo()
    monkeypatch.chdir(work)
    assert run(line) == 0
    told = f"srcnn: runs/fast-9-1-5-x3 holds a run that has not ended; {goes_on} with it\n"
    assert capsys.readouterr().err.startswith(told)
    assert Path("runs/fast-9-1-5-x3-2/weights.safetensors").exists()
    Path("runs/fast-9-1-5-x3-3").mkdir()  # no run, so not spoken of
    capsys.readouterr()
    assert run("train --resume --out runs/fast-9-1-5-x3") == 0
    assert run(line) == 0
    assert "has not ended" not in capsys.readouterr().err


# What is not read is told


def test_a_folder_may_have_a_plus_in_its_name(work):
    shutil.copytree("good", "a+b")
    assert run("evaluate --weights bicubic --data a+b --scale 2") == 0
    assert run("train --data a+b --steps 1 --batch 1 --out run") == 0


def test_images_that_are_passed_over_are_told_in_a_line_each(work, capsys):
    shutil.copytree("good", "good/more")
    Image.open("cat.png").crop((0, 0, 40, 20)).save("good/small.png")
    assert run("train --data good --steps 1 --batch 1 --out run") == 0
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("srcnn: ")]
    assert told == [
        "srcnn: images in folders inside good are not read (more)",
        "srcnn: 1 of 2 images are smaller than a crop of 33 pixels and are passed over (small)",
    ]


def test_upscale_tells_of_folders_inside_a_folder_too(work, capsys):
    shutil.copytree("good", "good/more")
    assert run("upscale good -o out --scale 2 --weights bicubic") == 0
    assert capsys.readouterr().err == "srcnn: images in folders inside good are not read (more)\n"


def test_equal_images_are_no_trouble_for_a_readers_json(work):
    Image.new("L", (60, 60), 100).save("void/flat.png")
    assert run("evaluate --weights bicubic --data void --scale 2 --json r.json") == 0
    record = json.loads(Path("r.json").read_text(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert record["mean"] == {"psnr": None, "ssim": 1.0}


def test_training_images_that_memory_would_not_hold_are_refused_while_it_does(work, capsys, monkeypatch):
    monkeypatch.setattr(pairs, "free_memory", lambda: 30_000)
    assert "memory is short after 1 training images" in refused("train --data good --steps 1 --out run", capsys)
