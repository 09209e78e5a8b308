"""runs: a run that was stopped or killed at any moment ends in the very weights of one that was not."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from srcnn import InputError, runs, training
from srcnn.recipes import RECIPES
from srcnn.runs import Run, make_batches, read_history
from srcnn.training import Learner, make_model

EVERY = 10  # steps between two checkpoints here
STEPS = 35


@pytest.fixture(autouse=True)
def _frequent_checkpoints(monkeypatch):
    monkeypatch.setattr(runs, "_CHECKPOINT", EVERY)


@pytest.fixture
def config(pictures):
    return replace(RECIPES["fast"], data=str(pictures), steps=STEPS, batch_size=2)


def finish(run: Run, *, stop_after: int = STEPS) -> dict[str, torch.Tensor]:
    """Go on with a run up to a step; the weights where it was the last."""
    for step in run:
        if step.number == stop_after < STEPS:
            return {}
    return load_file(run.folder / "weights.safetensors")


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def told(folder: Path) -> list[dict]:
    """The history without the times, which no two runs share."""
    return [
        {key: value for key, value in line.items() if key != "seconds"}
        for line in read_history(folder / "history.jsonl")
    ]


def test_a_run_leaves_its_settings_its_history_two_checkpoints_and_the_weights(config, tmp_path):
    run = Run(config, tmp_path / "new" / "run")
    assert [step.number for step in run] == list(range(1, STEPS + 1))
    names = {"config.json", "history.jsonl", "checkpoint.pt", "checkpoint.previous.pt", "weights.safetensors"}
    assert {path.name for path in run.folder.iterdir()} == names
    assert json.loads((run.folder / "config.json").read_text()) == asdict(config)
    assert same(load_file(run.folder / "weights.safetensors"), dict(run.learner.ema.state_dict()))
    lines = read_history(run.folder / "history.jsonl")
    assert [line["step"] for line in lines] == [10, 20, 30, 35]
    assert all(line.keys() == {"step", "loss", "learning_rate", "seconds"} for line in lines)


def test_the_history_has_the_mean_loss_of_its_steps(config, tmp_path):
    run = Run(config, tmp_path)
    losses = [float(step.loss) for step in run]
    means = [sum(losses[a:b]) / (b - a) for a, b in ((0, 10), (10, 20), (20, 30), (30, 35))]
    assert [line["loss"] for line in told(tmp_path)] == pytest.approx(means, rel=1e-5)  # six digits are written


def test_the_weights_carry_how_they_were_made(config, tmp_path):
    run = Run(config, tmp_path)
    finish(run)
    card = run.card()
    assert card["training"] == asdict(config)
    assert card["command"].startswith("srcnn train --recipe fast --scale 3 --data ")
    assert card["seconds"] >= 0
    assert "cpu" in card["machine"]
    assert card["versions"]["torch"].startswith(torch.__version__.split("+")[0])


RECIPE_CHANGES = {
    "fast": {},
    "paper": {},
    "tutorial": {"patch_size": 14},  # squares of 56 x 56 out of 60 x 80
}


@pytest.mark.parametrize("recipe", RECIPE_CHANGES)
def test_stopped_at_any_step_and_resumed_a_run_ends_in_the_same_bits(recipe, pictures, tmp_path):
    config = replace(RECIPES[recipe], data=str(pictures), steps=STEPS, batch_size=2, **RECIPE_CHANGES[recipe])
    whole = finish(Run(config, tmp_path / "whole"))
    stops = (1, EVERY - 1, EVERY, EVERY + 1, 2 * EVERY + 5, STEPS - 1)
    for stop in stops:
        folder = tmp_path / str(stop)
        finish(Run(config, folder), stop_after=stop)
        resumed = Run(config, folder, resume=True)
        assert resumed.learner.step == stop // EVERY * EVERY
        assert same(finish(resumed), whole), f"stopped after step {stop}"
        assert told(folder) == told(tmp_path / "whole")


def test_a_run_may_be_stopped_again_and_again_and_time_never_goes_back(config, tmp_path):
    whole = finish(Run(config, tmp_path / "whole"))
    folder = tmp_path / "pieces"
    finish(Run(config, folder), stop_after=12)
    for stop in (15, 21, 22, 34):
        finish(Run(config, folder, resume=True), stop_after=stop)
        time.sleep(0.02)
    assert same(finish(Run(config, folder, resume=True)), whole)
    seconds = [line["seconds"] for line in read_history(folder / "history.jsonl")]
    assert seconds == sorted(seconds)


def test_a_loop_that_was_left_is_taken_up_where_it_was(config, tmp_path):
    whole = finish(Run(config, tmp_path / "whole"))
    run = Run(config, tmp_path / "run")
    for step in run:
        if step.number == 13:
            time.sleep(0.05)
        if step.number == 20:
            break
    assert same(finish(run), whole)
    seconds = [line["seconds"] for line in read_history(run.folder / "history.jsonl")]
    assert seconds == sorted(seconds)
    assert seconds[-1] >= 0.05


def test_a_finished_run_resumed_stays_as_it_is(config, tmp_path):
    whole = finish(Run(config, tmp_path))
    lines = read_history(tmp_path / "history.jsonl")
    again = Run(config, tmp_path, resume=True)
    assert list(again) == []
    assert same(load_file(tmp_path / "weights.safetensors"), whole)
    assert read_history(tmp_path / "history.jsonl") == lines


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    """One bit changed in the middle of the weights, which torch.load takes without a word."""
    place = len(content) // 2
    return content[:place] + bytes([content[place] ^ 16]) + content[place + 1 :]


DAMAGES = {"cut": cut, "flipped": flipped, "empty": lambda content: b"", "text": lambda content: b"no checkpoint"}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_checkpoint_is_passed_over_with_a_warning(damage, config, tmp_path):
    whole = finish(Run(config, tmp_path / "whole"))
    folder = tmp_path / "run"
    finish(Run(config, folder), stop_after=25)
    newest = folder / "checkpoint.pt"

    newest.write_bytes(damage(newest.read_bytes()))
    resumed = Run(config, folder, resume=True)
    assert resumed.learner.step == EVERY
    assert resumed.warning == f"{newest} is damaged and was passed over"

    assert same(finish(resumed), whole)
    assert told(folder) == told(tmp_path / "whole")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("left", [1, 2])
def test_where_no_checkpoint_is_whole_nothing_begins_anew_over_it(left, config, tmp_path):
    finish(Run(config, tmp_path), stop_after=25)
    names = ["checkpoint.pt", "checkpoint.previous.pt"]
    for name in names[left:]:
        (tmp_path / name).unlink()
    for name in names[:left]:
        (tmp_path / name).write_bytes(cut((tmp_path / name).read_bytes()))
    before = contents(tmp_path)
    with pytest.raises(InputError, match=r"checkpoint\.pt.*: damaged, and no checkpoint is left .* another --out"):
        Run(config, tmp_path, resume=True)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory")])
def test_a_lack_of_memory_is_not_told_as_a_checkpoint_that_does_not_fit(error, config, tmp_path, monkeypatch):
    finish(Run(config, tmp_path), stop_after=25)

    def full(*arguments, **options):
        raise error

    monkeypatch.setattr(torch, "load", full)
    with pytest.raises(type(error)):
        Run(config, tmp_path, resume=True)


def test_a_checkpoint_that_may_not_be_read_is_not_passed_over_for_an_older_one(config, tmp_path, monkeypatch):
    finish(Run(config, tmp_path), stop_after=25)
    opened = zipfile.ZipFile

    def closed(path, *arguments, **options):
        if Path(path).name == "checkpoint.pt":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *arguments, **options)

    monkeypatch.setattr(zipfile, "ZipFile", closed)
    before = contents(tmp_path)
    with pytest.raises(PermissionError):
        Run(config, tmp_path, resume=True)
    assert contents(tmp_path) == before


def another_architecture(state: dict) -> dict:
    return Learner(make_model(replace(RECIPES["fast"], architecture="9-3-5")), RECIPES["fast"]).state_dict()


def another_optimizer(state: dict) -> dict:
    config = replace(RECIPES["fast"], optimizer="adam")
    return Learner(make_model(config), config).state_dict()


class Unknown:
    """Stands for what another version of PyTorch may put into a checkpoint, and weights_only refuses."""


MISFITS = {
    "another architecture": another_architecture,
    "another optimizer": another_optimizer,
    "another version of torch": lambda state: state | {"more": Unknown()},
    "no checkpoint": lambda state: {"hello": torch.zeros(3)},
    "no dictionary": lambda state: torch.zeros(3),
    "half a step": lambda state: state | {"step": 2.5},
    "no optimizer": lambda state: state | {"optimizer": []},
    "no averaged weights": lambda state: state | {"ema": {}},
}


@pytest.mark.parametrize("misfit", MISFITS.values(), ids=MISFITS)
def test_a_whole_checkpoint_that_does_not_fit_is_not_called_damaged_and_stays(misfit, config, tmp_path):
    run = Run(config, tmp_path)
    finish(run, stop_after=25)
    torch.save(misfit(run.learner.state_dict()), tmp_path / "checkpoint.pt")
    before = contents(tmp_path)
    with pytest.raises(InputError, match=r"checkpoint\.pt does not fit this run and was left as it is \(\w+: "):
        Run(config, tmp_path, resume=True)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(("first", "then"), [("float32", "float16"), ("float16", "float32"), ("float16", "float16")])
def test_a_run_goes_on_where_auto_means_another_precision(first, then, config, tmp_path, monkeypatch):
    """As on a T4, which takes float16 with a gradient scaler, after a CPU or another GPU, and back."""
    monkeypatch.setattr(training, "resolve_precision", lambda precision, device: first)
    begun = Run(config, tmp_path)
    finish(begun, stop_after=25)
    assert bool(begun.learner.scaler.state_dict()) == (first == "float16")
    monkeypatch.setattr(training, "resolve_precision", lambda precision, device: then)
    resumed = Run(config, tmp_path, resume=True)
    assert resumed.learner.step == 20
    wanted = None if first == then else f"the run was computed in {first} and goes on in {then}"
    assert resumed.warning == wanted
    assert resumed.card()["precision"] == then
    assert all(value.isfinite().all() for value in finish(resumed).values())
    assert [line["step"] for line in told(tmp_path)] == [10, 20, 30, 35]


def test_a_run_of_version_0_1_is_resumed_under_its_old_names(config, tmp_path):
    whole = finish(Run(config, tmp_path / "whole"))
    folder = tmp_path / "run"
    run = Run(config, folder)
    finish(run, stop_after=25)
    former = {"color": "colour", "scale_augmentation": "zooms", "sampling": "pairs", "patch_size": "crop"}
    former |= {"batch_size": "batch", "last_layer_lr_factor": "slow_factor", "warmup_steps": "warm_up"}
    former |= {"ema_share": "average", "initialization": "initialisation", "full_precision_share": "exact"}
    former |= {"micro_batches": "shards"}
    settings = {former.get(name, name): value for name, value in asdict(config).items()}
    (folder / "config.json").write_text(json.dumps(settings))
    for name in ("checkpoint.pt", "checkpoint.previous.pt"):
        state = torch.load(folder / name, weights_only=True)
        del state["precision"], state["method"]
        state["average"] = state.pop("ema")
        torch.save(state, folder / name)
    resumed = Run(config, folder, resume=True)
    assert (resumed.learner.step, resumed.warning) == (20, None)
    assert same(finish(resumed), whole)


def test_without_its_newest_checkpoint_a_run_goes_on_from_the_one_before(config, tmp_path):
    whole = finish(Run(config, tmp_path / "whole"))
    finish(Run(config, tmp_path / "run"), stop_after=25)
    (tmp_path / "run" / "checkpoint.pt").unlink()  # as a kill between the two renames leaves it
    resumed = Run(config, tmp_path / "run", resume=True)
    assert (resumed.learner.step, resumed.warning) == (EVERY, None)
    assert same(finish(resumed), whole)


def test_a_line_of_the_history_that_was_cut_short_is_left_out(config, tmp_path):
    finish(Run(config, tmp_path), stop_after=25)
    history = tmp_path / "history.jsonl"
    history.write_text(history.read_text() + '{"step": 30, "lo')
    assert [line["step"] for line in read_history(history)] == [10, 20]
    finish(Run(config, tmp_path, resume=True))
    assert [line["step"] for line in read_history(history)] == [10, 20, 30, 35]


def test_what_cannot_be_resumed_is_refused_and_left_alone(config, tmp_path):
    with pytest.raises(InputError, match="holds no run to resume"):
        Run(config, tmp_path / "none", resume=True)
    folder = tmp_path / "run"
    finish(Run(config, folder), stop_after=25)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(InputError, match="holds a run already; --resume goes on with it"):
        Run(config, folder)
    with pytest.raises(InputError, match="other settings: seed 0 there and 7 here; resume it with its own"):
        Run(replace(config, seed=7), folder, resume=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    for content in ("{", "[]", "5", "null", "[" * 100_000):
        (folder / "config.json").write_text(content)
        with pytest.raises(InputError, match=r"config\.json is damaged"):
            Run(config, folder, resume=True)


def test_of_two_runs_that_begin_at_once_one_gets_the_folder(config, tmp_path, monkeypatch):
    def slow(*arguments, **options):  # another run begins while this one reads its data
        monkeypatch.undo()
        finish(Run(config, tmp_path), stop_after=5)
        return make_batches(*arguments, **options)

    monkeypatch.setattr(runs, "make_batches", slow)
    with pytest.raises(InputError, match=r"another run has just begun in .*; give another --out"):
        Run(replace(config, seed=7), tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["seed"] == config.seed


@pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
def test_of_two_processes_that_resume_one_run_one_gets_it(config, tmp_path):
    finish(Run(config, tmp_path), stop_after=15)
    first = Run(config, tmp_path, resume=True)
    before = contents(tmp_path)
    with pytest.raises(InputError, match=r"another process is at work on .*; wait for it, or give another --out"):
        Run(config, tmp_path, resume=True)
    assert contents(tmp_path) == before
    whole = finish(first)
    assert [line["step"] for line in told(tmp_path)] == [10, 20, 30, 35]
    assert same(finish(Run(config, tmp_path, resume=True)), whole)


def test_settings_that_a_kill_cut_short_are_never_there(config, tmp_path, monkeypatch):
    """A run whose settings are half-written could neither be resumed nor begun again."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", killed)
    with pytest.raises(KeyboardInterrupt):
        Run(config, tmp_path)
    monkeypatch.undo()
    assert not (tmp_path / "config.json").exists()
    finish(Run(config, tmp_path), stop_after=5)


def test_a_full_disk_under_the_history_is_told_with_its_name(config, tmp_path, monkeypatch):
    run = Run(config, tmp_path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(run, "_save_checkpoint", full)  # as the flush before it, with no name
    with pytest.raises(OSError, match=r"history\.jsonl"):
        finish(run)


@pytest.mark.parametrize("line", [b"5", b'{"step": 20}', b'{"step": "x"}', b"\xff", b"[" * 100_000])
def test_a_line_of_the_history_that_makes_no_sense_ends_it(line, config, tmp_path):
    finish(Run(config, tmp_path), stop_after=25)
    history = tmp_path / "history.jsonl"
    first, _ = history.read_bytes().splitlines()
    history.write_bytes(first + b"\n" + line + b"\n")
    assert [line["step"] for line in read_history(history)] == [10]
    finish(Run(config, tmp_path, resume=True))


@pytest.mark.skipif(sys.platform == "win32", reason="a limit of POSIX")
def test_a_checkpoint_that_the_disk_does_not_take_is_an_error_of_the_disk(config, tmp_path):
    import resource

    run, limits = Run(config, tmp_path), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"checkpoint\.pt"):
            finish(run)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "history.jsonl"}
    assert finish(Run(config, tmp_path, resume=True))


def test_a_folder_that_cannot_be_is_refused(config, tmp_path):
    (tmp_path / "file").write_text("a note")
    with pytest.raises(InputError, match="is a file; --out names a folder"):
        Run(config, tmp_path / "file")
    with pytest.raises(InputError, match="cannot be made"):
        Run(config, tmp_path / "file" / "run")
    assert (tmp_path / "file").read_text() == "a note"


@pytest.mark.parametrize(
    ("recipe", "changes", "message"),
    [
        ("fast", {"sampling": "stripes"}, "sampling 'stripes' is unknown; it is crops, sub-images or tutorial"),
        ("tutorial", {"architecture": "9-1-5", "patch_size": 14}, "only --architecture subpixel enlarges"),
        (
            "tutorial",
            {"scale_augmentation": "1-0.5", "patch_size": 14},
            "have one size; leave out --scale-augmentation",
        ),
        ("fast", {"scale_augmentation": "2"}, "scale_augmentation '2': its factors are above 0 and at most 1"),
        ("paper", {"architecture": "subpixel"}, "sub-images are enlarged already"),
        ("tutorial", {}, r"0\.png has 80 x 60 pixels; the tutorial cuts 256 x 256"),
        ("fast", {"patch_size": 90}, "no image is large enough"),
    ],
)
def test_pairs_that_do_not_fit_are_refused(recipe, changes, message, pictures):
    config = replace(RECIPES[recipe], data=str(pictures), **changes)
    with pytest.raises(InputError, match=message):
        make_batches(config, make_model(config))


def test_a_history_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match="there is no history"):
        read_history(tmp_path / "history.jsonl")


def until(condition, process: subprocess.Popen) -> None:
    """Wait for a condition, or for the end of the process, at most four minutes."""
    for _ in range(24_000):
        if condition() or process.poll() is not None:
            return
        time.sleep(0.01)
    raise AssertionError("the command neither came that far nor ended")


@pytest.fixture
def processes():
    """A list of processes; those that still run when the test ends are killed."""
    begun = []
    yield begun
    for process in begun:
        process.kill()
        process.wait(timeout=60)


@pytest.mark.release
def test_killed_again_and_again_at_random_the_command_ends_in_the_same_bits(pictures, tmp_path, processes):
    """Three times; ``SRCNN_KILLS=20`` asks for more."""
    kills = int(os.environ.get("SRCNN_KILLS", "3"))
    steps = 1_100 + 400 * (kills - 3)
    # one thread each: two processes whose threads wait for each other on two cores are many times slower
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    errors = tmp_path / "stderr"

    def begin(folder: Path, *more: str) -> subprocess.Popen:
        words = f"train --data {pictures} --architecture 3-1-3 --batch 1 --steps {steps} --device cpu".split()
        command = [sys.executable, "-m", "srcnn", *words, "--out", str(folder), *more]
        with errors.open("ab") as log:
            processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log, env=one_thread))
        return processes[-1]

    whole, folder, moments = tmp_path / "whole", tmp_path / "killed", random.Random(20140906)
    undisturbed = begin(whole)  # at the same time, on another core
    killed = 0
    landmarks = ["config.json", "checkpoint.pt", "checkpoint.previous.pt"]
    for number in range(kills):
        process = begin(folder, *(["--resume"] if number else []))
        until((folder / landmarks[min(number, 2)]).exists, process)
        time.sleep(moments.uniform(0, 0.4 if number < 3 else 8))
        process.send_signal(signal.SIGKILL)
        killed += process.wait(timeout=60) == -signal.SIGKILL
    assert killed >= kills - 1, "the machine was too fast for the moments chosen"
    assert begin(folder, "--resume").wait(timeout=120) == 0
    assert undisturbed.wait(timeout=600) == 0
    assert errors.read_bytes() == b""
    assert same(load_file(folder / "weights.safetensors"), load_file(whole / "weights.safetensors"))
    assert told(folder) == told(whole)
