"""distributed: several processes end where one does, only the first writes, and a lost one costs as much as a break."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from lanes import one_in
from safetensors.torch import load_file

from srcnn import InputError, cli, runs
from srcnn.distributed import is_main_process, process_group
from srcnn.images import Photograph, sample, to_bytes, write_photograph
from srcnn.model import SRCNN
from srcnn.pairs import RandomCrops, Shuffled
from srcnn.recipes import RECIPES
from srcnn.runs import Run, read_history
from srcnn.training import Learner, make_model

linux = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds the processes in /proc")
SECONDS = 180  # for any command here; some 10 s of it are imports on a busy machine
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
FILES = {"config.json", "history.jsonl", "checkpoint.pt", "weights.safetensors"}
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("RANK", "WORLD_SIZE", "LOCAL_RANK")}
ENVIRONMENT |= {"OMP_NUM_THREADS": "1"}  # two processes of two threads each are many times slower on two cores


@pytest.fixture
def begin():
    """A function that begins a command; what still runs of it when the test ends is killed, workers and all."""
    begun: list[subprocess.Popen] = []

    def start(*words: object, cwd: Path | None = None, **environment: str) -> subprocess.Popen:
        command = [sys.executable, *(str(word) for word in words)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        begun.append(subprocess.Popen(command, env=ENVIRONMENT | environment, cwd=cwd, **pipes))
        return begun[-1]

    yield start
    for process in begun:
        workers = {pid for pid, words in commands().items() if str(words) == str(process.args[-1])}
        process.kill()
        process.communicate(timeout=60)
        for pid in workers & commands().keys():
            os.kill(pid, signal.SIGKILL)


def commands() -> dict[int, str]:
    """The last word, which is the run's folder here, of every process."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found[int(path.parent.name)] = path.read_bytes().rstrip(b"\0").rpartition(b"\0")[2].decode()
        except OSError:  # it has just ended
            continue
    return found


def worker(folder: Path, rank: int) -> int:
    """The process that trains in a folder as this rank."""
    wanted = f"RANK={rank}".encode()
    for pid in (pid for pid, word in commands().items() if word == str(folder)):
        if wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            return pid
    raise AssertionError(f"no process trains in {folder} as rank {rank}")


def words(config, folder: Path, *more: str) -> list[str]:
    """The command line of a configuration; the folder comes last."""
    return ["-m", "srcnn", *runs.command_line(config).split()[1:], "--device", "cpu", *more, "--out", str(folder)]


def ended(process: subprocess.Popen) -> tuple[int, list[str], list[str]]:
    """Status, lines printed, and our own lines on standard error, of a command that leaves no process behind."""
    printed, errors = process.communicate(timeout=SECONDS)
    assert process.args[-1] not in commands().values()
    assert 'srcnn/cli.py", line' not in errors, errors  # a traceback
    ours = [line for line in errors.splitlines() if line.startswith("srcnn: ") or "Warning" in line]
    return process.returncode, printed.splitlines(), ours


def distance(folder: Path, other: Path) -> float:
    """The largest difference of two runs' weights."""
    a, b = (load_file(f / "weights.safetensors") for f in (folder, other))
    return max((a[name] - b[name]).abs().max().item() for name in a.keys() | b.keys())


def finish(run: Run) -> None:
    for _ in run:
        pass


# Where there is no torchrun


def test_alone_nothing_is_joined(monkeypatch):
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    before = signal.getsignal(signal.SIGTERM)
    with process_group("mps") as group, group.agree_on_errors():
        assert (group.rank, group.size, group.device) == (0, 1, "mps")
        assert group.broadcast("folder") == "folder"
        assert group.all_reduce_mean(torch.tensor(3.0)) == 3
        assert not torch.distributed.is_initialized()
        assert signal.getsignal(signal.SIGTERM) is before
    assert is_main_process()


@pytest.mark.parametrize(
    ("environment", "device", "message"),
    [
        ({"RANK": "1"}, "cpu", "RANK=1, WORLD_SIZE=nothing, .* make no group of processes; start them with torchrun"),
        ({"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_ADDR": "a"}, "cpu", "MASTER_PORT=nothing"),
        ({"RANK": "2", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_ADDR": "a", "MASTER_PORT": "1"}, "cpu", "RANK=2"),
        ({"RANK": "x", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_ADDR": "a", "MASTER_PORT": "1"}, "cpu", "RANK=x"),
        (
            {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_ADDR": "a", "MASTER_PORT": "1"},
            "mps",
            "several processes cannot share a run on mps; give --device cpu",
        ),
    ],
)
def test_an_environment_that_is_no_group_is_told_by_every_process(environment, device, message, monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=message), process_group(device):
        pass
    assert is_main_process()


# The shares of a batch


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_shares_of_all_ranks_are_the_batch(size):
    picture, generator = sample("camera")[:, :60, :80], torch.Generator().manual_seed(0)
    low, high = (torch.rand(7, 1, 3, 3, generator=generator) for _ in range(2))
    crops = {"scale": 3, "size": 17, "border": 2, "enlarged": True}
    for make in (
        lambda shard: RandomCrops([picture], batch=6, seed=5, shard=shard, **crops),
        lambda shard: Shuffled(low, high, batch=6, seed=5, shard=shard),
    ):
        for step in (0, 1, 11):
            whole = make(slice(None))(step)
            for rank in range(size):
                share = make(slice(rank, None, size))(step)
                for mine, all_ in zip(share, whole, strict=True):
                    assert torch.equal(mine, all_[rank::size])


# Real processes


@linux
def test_two_processes_end_in_the_weights_of_one_and_each_goes_on_where_the_other_stopped(
    pictures, tmp_path, begin, monkeypatch
):
    """1e-7 apart when this was written: the sums of two halves are rounded otherwise than the sum of the whole."""
    monkeypatch.setattr(runs, "_CHECKPOINT", 60)
    changes = {"data": str(pictures), "architecture": "3-1-3", "widths": "8-4", "sampling": "crops", "batch_size": 4}
    short = replace(RECIPES["paper"], initialization="torch", steps=60, **changes)
    long = replace(short, steps=120)
    one, two, whole = (tmp_path / name for name in ("one", "two", "whole"))
    finish(Run(short, one))
    finish(Run(long, whole))
    assert distance(one, whole) > 1e-3  # that is how far the last 60 steps go

    status, printed, errors = ended(begin(*TORCHRUN, *words(short, two)))
    assert (status, errors) == (0, [])
    assert printed[0] == runs.command_line(short)
    assert len(printed) == 3
    assert {path.name for path in two.iterdir()} == FILES
    assert distance(one, two) < 1e-5
    for mine, theirs in zip(*(read_history(folder / "history.jsonl") for folder in (one, two)), strict=True):
        assert mine["step"] == theirs["step"]
        assert theirs["loss"] == pytest.approx(mine["loss"], rel=1e-5)  # of the whole batch, six digits are written
    assert "2 x " in (two / "weights.safetensors").read_bytes()[:4000].decode(errors="replace")

    for folder in (one, two):  # nothing in 60 steps of this recipe depends on how many are to come
        (folder / "config.json").write_text(json.dumps(asdict(long)))
    finish(Run(long, two, resume=True))
    assert distance(two, whole) < 1e-5
    assert ended(begin(*TORCHRUN, *words(long, one, "--resume")))[::2] == (0, [])
    assert distance(one, whole) < 1e-5


@pytest.mark.release
@linux
def test_soap_on_two_processes_ends_in_the_bits_of_one_process_that_computes_in_two_micro_batches(
    pictures, tmp_path, begin
):
    """SOAP makes another path of any other rounding, so the sums must be the same ones, in the same order."""
    changes = {"data": str(pictures), "architecture": "3-1-3", "batch_size": 8, "steps": 60}
    config = replace(RECIPES["fast"], micro_batches=2, **changes)
    one, two, whole = (tmp_path / name for name in ("one", "two", "whole"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as each of the two processes has
    try:
        finish(Run(config, one))
        finish(Run(replace(config, micro_batches=1), whole))
    finally:
        torch.set_num_threads(threads)
    assert ended(begin(*TORCHRUN, *words(config, two)))[::2] == (0, [])
    assert distance(one, two) == 0
    assert distance(one, whole) > 0  # the rounding of a sum, and what SOAP makes of it


@pytest.mark.release
@linux
@pytest.mark.parametrize("victim", [1, 0])
def test_a_killed_worker_ends_all_in_one_sentence_and_the_run_goes_on_in_the_same_bits(
    victim, pictures, tmp_path, begin, undisturbed
):
    config, whole = undisturbed
    folder = tmp_path / "killed"
    process = begin(*TORCHRUN, *words(config, folder))
    for _ in range(100 * SECONDS):
        if (folder / "checkpoint.pt").exists() or process.poll() is not None:
            break
        time.sleep(0.01)
    os.kill(worker(folder, victim), signal.SIGKILL)
    began = time.monotonic()
    status, _, errors = ended(process)
    assert time.monotonic() - began < 30
    assert status != 0
    (said,) = errors
    what = f"the checkpoint of step 500 in {folder} is whole" if victim else f"the newest checkpoint is in {folder}"
    # who is left hears of it from gloo or, where torchrun is quicker, from torchrun
    how = r"(a worker was lost|ended from outside, as when a worker is lost,) after step [5-9]\d\d"
    goes_on = re.escape(f"{what}: the same command with --out {folder} --resume goes on")
    assert re.match(rf"srcnn: {how}; {goes_on}( \(|$)", said)
    assert {path.name for path in folder.iterdir()} == FILES - {"weights.safetensors"}
    if victim:
        assert ended(begin(*TORCHRUN, *words(config, folder, "--resume")))[::2] == (0, [])
        assert distance(folder, whole) == 0
        lines = (read_history(run / "history.jsonl") for run in (folder, whole))
        assert all((a["step"], a["loss"]) == (b["step"], b["loss"]) for a, b in zip(*lines, strict=True))


@pytest.fixture(scope="module")
def undisturbed(pictures, tmp_path_factory):
    """A run of two processes with the recipe whose optimizer remembers most, SOAP."""
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    config = replace(RECIPES["fast"], data=str(pictures), architecture="3-1-3", widths="8-4", batch_size=2, steps=990)
    command = [sys.executable, *TORCHRUN, *words(config, folder)]
    subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, timeout=SECONDS)
    return config, folder


@linux
@pytest.mark.parametrize(
    ("change", "message"),
    one_in(
        2,
        [
            ({"batch_size": 5}, "2 processes cannot share a batch of 5; give a multiple"),
            ({}, "holds a run already; --resume goes on with it"),
        ],
    ),
)
def test_what_rank_0_finds_wrong_ends_all_in_one_sentence(change, message, pictures, tmp_path, begin):
    config = replace(RECIPES["fast"], data=str(pictures), architecture="3-1-3", batch_size=2, steps=5)
    (tmp_path / "config.json").write_text("{}")
    status, printed, errors = ended(begin(*TORCHRUN, *words(replace(config, **change), tmp_path)))
    assert status != 0
    assert printed == []
    (said,) = errors
    assert message in said
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def environments() -> tuple[dict[str, str], dict[str, str]]:
    """What torchrun would tell two processes, which a test may then treat unequally."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    place = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    first, second = ({"RANK": rank, "LOCAL_RANK": rank, **place} for rank in "01")
    return first, second


@linux
def test_data_that_only_another_machine_lacks_are_told_once(pictures, tmp_path, begin):
    config = replace(RECIPES["fast"], data=pictures.name, batch_size=2, steps=5)
    (tmp_path / "empty").mkdir()
    first, second = environments()
    processes = [
        begin(*words(config, tmp_path / "run"), cwd=pictures.parent, **first),
        begin(*words(config, tmp_path / "run"), cwd=tmp_path / "empty", **second),
    ]
    (status, printed, errors), other = ended_together(processes)
    assert (status, printed, other) == (2, [], (2, [], []))
    (said,) = errors
    assert f"there is no data set '{pictures.name}'" in said
    assert not (tmp_path / "run").exists()


@linux
@pytest.mark.parametrize(
    ("first", "second", "told"),
    one_in(
        3,
        [
            ("dist.barrier()", "os._exit(1)", ["WorkerLost False"]),
            ("raise InputError('no')", "pass", ["InputError False", "SystemExit False"]),
            ("pass", "raise InputError('no')", ["InputError False", "SystemExit False"]),
        ],
    ),
)
def test_no_thread_of_the_group_outlives_an_error(first, second, told, begin):
    """Beside one, about one process in thirty was aborted as it ended, with the status -6."""
    script = (
        "import os\nimport torch.distributed as dist\nfrom srcnn import InputError\n"
        "from srcnn.distributed import process_group\ntry:\n    with process_group('cpu') as group:\n"
        "        with group.agree_on_errors():\n            {}\n"
        "except BaseException as error:\n    print(type(error).__name__, dist.is_initialized())"
    )
    processes = [
        begin("-c", script.format(what), **where) for what, where in zip((first, second), environments(), strict=True)
    ]
    assert [line for process in processes for line in process.communicate(timeout=SECONDS)[0].splitlines()] == told


@linux
def test_a_worker_lost_at_the_start_is_told_without_a_folder_to_go_on_with(pictures, tmp_path, begin):
    config = replace(RECIPES["fast"], data=str(pictures), batch_size=2, steps=5)
    first, second = environments()
    leave = "import os\nfrom srcnn.distributed import process_group\nwith process_group('cpu'):\n    os._exit(1)"
    begin("-c", leave, **second)
    status, printed, errors = ended(begin(*words(config, tmp_path / "run"), **first))
    assert (status, printed) == (1, [])
    (said,) = errors
    assert said.startswith("srcnn: a worker was lost before the first step (")
    assert not (tmp_path / "run").exists()


def ended_together(processes: list[subprocess.Popen]) -> list[tuple[int, list[str], list[str]]]:
    """As :func:`ended`, of processes that share their last word."""
    for process in processes:
        process.wait(timeout=SECONDS)
    return [ended(process) for process in processes]


@pytest.mark.release
@linux
def test_told_to_end_while_another_process_hangs_rank_0_still_says_how_to_go_on(pictures, tmp_path, begin):
    """The main thread waits inside gloo then, where Python runs no handler of signals."""
    config = replace(
        RECIPES["fast"], data=str(pictures), architecture="3-1-3", widths="8-4", batch_size=2, steps=100_000
    )
    folder = tmp_path / "run"
    first, second = (begin(*words(config, folder), **environment) for environment in environments())
    history = folder / "history.jsonl"
    for _ in range(100 * SECONDS):
        if history.exists() and first.poll() is None and history.stat().st_size == 0:
            break
        time.sleep(0.01)
    time.sleep(0.5)
    second.send_signal(signal.SIGSTOP)
    time.sleep(0.5)
    first.send_signal(signal.SIGTERM)
    printed, errors = first.communicate(timeout=30)
    second.kill()
    second.communicate(timeout=30)
    assert first.returncode == 128 + signal.SIGTERM
    assert printed.splitlines()[1:] == []
    (said,) = (line for line in errors.splitlines() if line.startswith("srcnn: "))
    assert said.startswith("srcnn: ended from outside, as when a worker is lost, after step ")
    assert f"--out {folder} --resume goes on" in said


@pytest.mark.release
@linux
def test_two_processes_print_the_tutorials_lines_of_one(tmp_path, begin, capsys):
    for number in range(3):
        pixels = to_bytes(sample("coffee")[:, 60 * number : 60 * number + 256, :256])
        write_photograph(tmp_path / f"{number}.png", Photograph(pixels))
    config = replace(RECIPES["tutorial"], data=str(tmp_path), batch_size=2, steps=3)
    assert cli.main(words(config, tmp_path / "one")[2:]) == 0
    one = [line for line in capsys.readouterr().out.splitlines() if " steps in " not in line]
    status, printed, errors = ended(begin(*TORCHRUN, *words(config, tmp_path / "two")))
    assert (status, errors) == (0, [])
    two = [line for line in printed if " steps in " not in line]
    assert two == [line.replace(str(tmp_path / "one"), str(tmp_path / "two")) for line in one]
    assert [line[:12] for line in two if line.startswith("epoch")] == ["epoch  1 of ", "epoch  2 of "]


# The compiled network, whose weights are those of the plain one


@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method:DeprecationWarning")  # torch.compile imports it
@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("c++")), reason="torch.compile needs a C++ compiler")
@pytest.mark.release  # the C++ compiler takes half a minute
def test_the_compiled_network_answers_and_learns_as_the_plain_one(tmp_path, monkeypatch):
    # Inductor keeps what it compiled, and gives it out under another ATEN_CPU_CAPABILITY too, with wrong numbers.
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    config = replace(RECIPES["fast"], architecture="3-1-3", widths="4-2", patch_size=9, compile=True)
    learner = Learner(make_model(config), config)
    plain: SRCNN = make_model(config)
    low = torch.rand(2, 1, 9, 9, generator=torch.Generator().manual_seed(0))
    outputs = [network(low) for network in (learner.compiled, plain)]
    for output in outputs:
        output.square().mean().backward()
    torch.testing.assert_close(*outputs)
    for mine, theirs in zip(learner.model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad)
    assert learner.state_dict()["model"].keys() == plain.state_dict().keys()
