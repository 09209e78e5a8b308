"""What runs on the day when a GPU is at hand: every part in a dry run, and parts that fail, hang and crash."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from srcnn import InputError, cli, data
from srcnn.cli.arguments import parser
from srcnn.reproduce import gpu, gpu_long, gpu_same, gpu_speed
from srcnn.reproduce.gpu_child import measure
from srcnn.reproduce.gpu_graph import GraphTrainer
from srcnn.reproduce.gpu_parts import PARTS, Part
from srcnn.reproduce.gpu_place import Place, context, machine
from srcnn.reproduce.gpu_same import tables
from srcnn.runs import start

ROOT = Path(__file__).resolve().parents[1]
NO_CUDA = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
ENTRY = {"name", "asks", "command", "date", "status", "seconds", "limit"}
RECORD = {"machine", "settings", "rows", "summary", "error"}
MACHINE = {"device", "processor", "python", "torch", "cuda", "cudnn", "driver", "memory", "capability"}


@pytest.fixture(scope="module")
def dry(tmp_path_factory) -> SimpleNamespace:
    """A dry run of all parts, as `make gpu DRY=1` does it: in processes of their own."""
    folder = tmp_path_factory.mktemp("gpu")
    lines = [record["line"] for record in gpu.run(folder, dry=True)]
    content = json.loads((folder / "gpu.json").read_text(encoding="utf-8"))
    return SimpleNamespace(folder=folder, lines=lines, content=content, parts=content["parts"])


def check_shape(part: Part, record: dict) -> None:
    assert record["error"] is None
    assert set(record["machine"]) == MACHINE
    assert record["settings"] == json.loads(json.dumps(part.dry))
    assert record["rows"]
    assert {frozenset(row) for row in record["rows"]} == {frozenset(part.row.split())}
    assert set(record["summary"]) - {"complete"} == {*part.summary.split(), "line"}


@pytest.mark.parametrize("number", PARTS)
def test_every_part_ends_and_has_the_shape_that_is_stated(number, dry):
    entry = dry.parts[str(number)]
    assert set(entry) == ENTRY | RECORD
    assert (entry["status"], entry["name"]) == ("done", PARTS[number].name)
    check_shape(PARTS[number], entry)


@pytest.mark.release
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch, where its compiler is loaded
@pytest.mark.parametrize("number", [number for number in PARTS if number > 1])
def test_a_part_gives_the_same_shape_in_this_process(number, tmp_path):
    measure(PARTS[number], Place("cpu", tmp_path, 60), dry=True, file=tmp_path / "record.json")
    check_shape(PARTS[number], json.loads((tmp_path / "record.json").read_text(encoding="utf-8")))


def test_the_settings_of_both_runs_are_what_the_parts_take():
    for part in PARTS.values():
        assert set(part.settings) <= set(part.dry)
        taken = part.work.__code__.co_varnames[
            1 : part.work.__code__.co_argcount + part.work.__code__.co_kwonlyargcount
        ]
        assert set(part.settings) <= set(part.dry) <= set(taken)
        defaults = set(part.work.__kwdefaults__ or {})
        assert set(taken) - defaults <= set(part.settings)


def test_the_table_stands_last_and_the_log_has_everything(dry):
    assert dry.lines[10] == ""
    assert dry.lines[:10] == dry.lines[11:]
    assert [int(line[:2]) for line in dry.lines[11:]] == list(range(1, 11))
    assert dry.lines[11].startswith(" 1  tests           done ")
    log = (dry.folder / "gpu.log").read_text(encoding="utf-8")
    assert [line[:6].split()[1] for line in log.splitlines() if line.startswith("== ")] == [
        str(n) for n in range(1, 11)
    ]
    assert json.dumps(dry.parts["9"]["rows"][0]) in log
    assert dry.content["dry"] is True
    assert not [path for path in dry.folder.iterdir() if path.name.startswith(".")]
    assert len(list(dry.folder.iterdir())) == 5  # a lent machine may give back few files


def test_the_first_part_reads_every_file_that_has_tests_for_a_gpu(dry, request):
    told = {row["test"].partition("::")[0].rpartition(".")[2] for row in dry.parts["1"]["rows"]}
    assert {"test_training", "test_reproduce_gpu_graph", "test_reproduce_many"} <= told
    marked = {item.path.stem for item in request.session.items if item.get_closest_marker("gpu")}
    assert marked <= told  # of the files that this session has read
    assert {row["outcome"] for row in dry.parts["1"]["rows"]} == {"passed" if torch.cuda.is_available() else "skipped"}


def test_what_a_cpu_can_say_is_right(dry):
    rows = {int(number): entry["rows"] for number, entry in dry.parts.items()}
    assert all(row["from_cpu"] < 1e-3 and row["from_book"] is None for row in rows[2])
    assert [(row["deterministic"], row["same"]) for row in rows[3]] == [(False, True), (True, True)]
    for row in rows[4]:
        assert [(leg["from"], leg["stop"]) for leg in row["legs"]] == [(0, 25), (20, 35), (30, 40)]
        assert (row["lines"], row["difference"]) == (4, 0)  # nothing was lost, nothing was done twice
        assert row["loss"] == row["loss_whole"]
    errors = [row["error"] for row in rows[5]]
    assert errors[:-1] == [None] * 13
    assert "cannot compute in float16" in errors[-1]
    assert rows[5][-1]["median"] is None
    assert all(row["per_second"] * row["median"] == pytest.approx(1) for row in rows[5][:-1])
    assert {(row["precision"], row["arithmetic"]) for row in rows[5]} >= {("float32", "ieee float32"), ("tf32", "tf32")}
    for row in rows[7]:
        assert (dry.folder / row["trace"]).stat().st_size > 0
        assert (row["launches"], row["share"], row["kernels"]) == (0, None, 0)
        assert row["operators"] > 10
    assert len(dry.parts["8"]["summary"]["psnr"]) == 3
    assert [row["steps"] for row in rows[9]] == [3, 7, 12]
    assert rows[9][0]["seconds"] < rows[9][2]["seconds"]
    assert rows[10][0]["memory"] > 0


def test_the_test_set_decides_nothing(dry):
    rows, summary = dry.parts["6"]["rows"], dry.parts["6"]["summary"]
    kinds = {kind: [row for row in rows if row["run"] == kind] for kind in ("reference", "search", "best")}
    assert all(row["psnr"] is None for row in kinds["search"])
    assert all(row["psnr"] is not None for row in kinds["reference"] + kinds["best"])
    seeds = {kind: {row["seed"] for row in found} for kind, found in kinds.items()}
    assert seeds == {"reference": {0, 1}, "search": {2}, "best": {3, 4}}
    assert summary["goal"] == pytest.approx(sum(row["validation"] for row in kinds["reference"]) / 2)
    quick = min(
        (row for row in kinds["search"] if row["validation"] >= summary["goal"]), key=lambda row: row["seconds"]
    )
    assert kinds["best"][0]["training"].replace("--seed 3", "--seed 2") == quick["training"]
    assert summary["validation"] == "sample:1"  # the first set that is there


# parts that go wrong; in the processes of their own they are found by their name in this file


def counts(place: Place, *, to: int):
    for number in range(to):
        yield {"number": number}
    return {"line": f"counted to {to}", "sum": sum(range(to))}


def raises(place: Place):
    yield {"number": 0}
    raise RuntimeError("CUDA error:\nan illegal memory access")


def hangs(place: Place):
    yield {"number": 0}
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (place.folder / "sleeper").write_text(f"{os.getpid()} {sleeper.pid}", encoding="utf-8")
    time.sleep(600)


def dies(place: Place):
    yield {"number": 0}
    os.kill(os.getpid(), signal.SIGSEGV)


def leaves(place: Place):
    yield {"number": 0}
    os._exit(3)


def falls_short(place: Place, *, done: int):
    yield {"number": done}
    return {"line": f"{done} of 9", "complete": False}


def prints(place: Place):
    sys.stdout.write("a word of the part's\n")
    os.system("echo a word of another program")
    yield {"number": float("inf")}
    return {"line": "printed"}


def part(work, **settings) -> Part:
    return Part(work.__name__, "?", work, 60, settings, settings, "number", "")


@pytest.fixture
def parts(monkeypatch):
    """Sets the parts that there are."""

    def put(*found: Part) -> None:
        monkeypatch.setattr(gpu, "PARTS", dict(enumerate(found, 1)))

    return put


def measured(folder: Path, **options) -> tuple[list[str], dict]:
    lines = [record["line"] for record in gpu.run(folder, dry=True, **options)]
    return lines, json.loads((folder / "gpu.json").read_text(encoding="utf-8"))["parts"]


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not yet asked for its status does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(*pids: int) -> bool:
    """Whether processes end within ten seconds."""
    for _ in range(100):
        if not any(map(alive, pids)):
            return True
        time.sleep(0.1)
    return False


def test_what_fails_and_what_crashes_costs_only_itself(parts, tmp_path):
    parts(part(raises), part(dies), part(leaves), part(counts, to=4))
    lines, found = measured(tmp_path)
    assert [entry["status"] for entry in found.values()] == ["failed", "killed", "failed", "done"]
    assert [entry["error"] for entry in found.values()] == [
        "RuntimeError: CUDA error: an illegal memory access",
        "its process ended with signal SIGSEGV",
        "its process ended with status 3",
        None,
    ]
    assert all(found[number]["rows"][0] == {"number": 0} for number in found)
    assert found["4"]["summary"] == {"line": "counted to 4", "sum": 6}
    assert "Traceback" in (tmp_path / "gpu.log").read_text(encoding="utf-8")
    assert re.fullmatch(r" 1  raises +failed +\d+\.\d s  RuntimeError: CUDA error: an illegal memory access", lines[0])


@pytest.mark.skipif(not Path("/proc").exists(), reason="processes are looked for in /proc")
def test_what_hangs_is_ended_with_all_that_it_started_and_keeps_what_it_had(parts, tmp_path):
    parts(part(hangs), part(counts, to=1))
    began = time.monotonic()
    _, found = measured(tmp_path, limits={1: 4})
    assert time.monotonic() - began < 40
    assert (found["1"]["status"], found["1"]["error"]) == ("over its limit", "it was ended after 4 s")
    assert (found["1"]["rows"], found["2"]["status"]) == ([{"number": 0}], "done")
    assert gone(*map(int, (tmp_path / "sleeper").read_text().split()))


@pytest.mark.skipif(not Path("/proc").exists(), reason="processes are looked for in /proc")
def test_a_part_ends_with_the_command_and_leaves_what_it_had(tmp_path):
    told = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path\n"
        "import test_reproduce_gpu as t; t.gpu.PARTS = {1: t.part(t.hangs)}\n"
        "if __name__ == '__main__': list(t.gpu.run(Path(sys.argv[2]), dry=True))"
    )
    program = tmp_path / "program.py"
    program.write_text(told, encoding="utf-8")
    command = subprocess.Popen([sys.executable, program, Path(__file__).parent, tmp_path])
    for _ in range(600):
        if (tmp_path / "sleeper").exists() and (tmp_path / "sleeper").read_text():
            break
        time.sleep(0.1)
    time.sleep(0.5)
    command.kill()
    command.wait()
    assert gone(*map(int, (tmp_path / "sleeper").read_text().split()))
    entry = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))["parts"]["1"]
    assert (entry["status"], entry["rows"]) == ("running", [{"number": 0}])


def test_on_cuda_every_process_begins_anew(parts, tmp_path, monkeypatch):
    parts(part(counts, to=2))
    monkeypatch.setattr(gpu, "context", lambda device: context("cuda"))
    _, found = measured(tmp_path)
    assert found["1"]["summary"]["line"] == "counted to 2"
    assert Place("cuda", tmp_path, 60).fresh(os.getpid) != os.getpid()
    assert context("cuda").get_start_method() == "spawn"


def test_what_a_part_and_its_programs_print_goes_into_the_log(parts, tmp_path):
    parts(part(prints))
    _, found = measured(tmp_path)
    log = (tmp_path / "gpu.log").read_text(encoding="utf-8")
    assert "a word of the part's" in log
    assert "a word of another program" in log
    assert found["1"]["rows"] == [{"number": None}]  # JSON has no word for infinite


def test_later_calls_share_the_work_and_lose_nothing(parts, tmp_path):
    parts(part(counts, to=2), part(falls_short, done=3), part(raises))
    measured(tmp_path, parts="1")
    _, found = measured(tmp_path, parts="2,3")
    assert {number: entry["status"] for number, entry in found.items()} == {
        "1": "done",
        "2": "incomplete",
        "3": "failed",
    }
    parts(part(raises), part(falls_short, done=5), part(counts, to=1))
    lines, found = measured(tmp_path)
    assert found["1"]["summary"]["line"] == "counted to 2"
    assert (found["1"]["status"], found["1"]["later"]["status"]) == ("done", "failed")
    assert " failed " in lines[0]
    assert lines[4].endswith("counted to 2 (later: failed)")
    assert found["2"]["rows"] == [{"number": 5}]
    assert found["3"]["status"] == "done"


def test_a_used_up_budget_begins_no_part(parts, tmp_path):
    parts(part(counts, to=1), part(counts, to=2))
    lines, found = measured(tmp_path, budget=5, limits={1: 3})
    assert list(found) == ["1"]
    assert lines[1] == " 2  counts: not begun, the budget of 5 s is used up"


@pytest.mark.parametrize("content", ["{", "[]", '{"dry": true}', '{"dry": true, "parts": {"77": {}}}', "\udcff"])
def test_a_damaged_file_is_told_before_anything_is_measured(content, tmp_path):
    (tmp_path / "gpu.json").write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(InputError, match=r"gpu\.json is damaged; remove it, or give another --out"):
        next(gpu.run(tmp_path, dry=True))


@pytest.mark.parametrize("of_a_dry_run", [True, False])
def test_dry_and_real_figures_never_meet(of_a_dry_run, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    (tmp_path / "gpu.json").write_text(json.dumps({"dry": of_a_dry_run, "parts": {}}), encoding="utf-8")
    with pytest.raises(InputError, match="a dry run's, whose figures mean" if of_a_dry_run else "is no dry run's"):
        next(gpu.run(tmp_path, dry=not of_a_dry_run))


def test_parts_are_named_by_number():
    assert gpu.numbers(None) == list(range(1, 11))
    assert gpu.numbers("3, 1-2,2,10") == [3, 1, 2, 10]
    for text in ("", "0", "11", "4-2", "1-", "two", "1;2", "²"):
        with pytest.raises(InputError, match=r"names no parts; give numbers from 1 to 10, such as 1-4,7"):
            gpu.numbers(text)


@NO_CUDA
def test_without_a_gpu_nothing_is_claimed(tmp_path):
    with pytest.raises(InputError, match="no CUDA device on this machine; --dry runs every part on the CPU"):
        next(gpu.run(tmp_path))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("gpu", "give --out a folder"),
        ("tables --dry", "are for gpu alone"),
        ("gpu --out . --dry --parts x", "'x' names no parts"),
        ("gpu --out . --dry --budget 0", "'0' is no number of seconds above 0"),
        ("gpu --out . --dry --limit 5", "'5' limits no part; give part=seconds"),
        ("gpu --out . --dry --limit 99=5", "there is no part 99 to limit"),
    ],
)
def test_wrong_words_are_told(line, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["reproduce", *line.split()]) == 2
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_command_measures_the_parts_that_it_is_given(parts, tmp_path, capsys):
    parts(part(raises), part(counts, to=3))
    words = f"reproduce gpu --dry --parts 2 --limit 2=20 --budget 60 --out {tmp_path}"
    assert cli.main(words.split()) == 0
    assert capsys.readouterr().out.endswith("counted to 3\n")


def test_the_line_for_a_lent_machine_is_understood():
    (line,) = (
        line for line in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines() if "-m srcnn rep" in line
    )
    site = re.search(r"^GPU_SITE := (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)[1]
    assert f"PYTHONPATH={site} " in line
    given = parser().parse_args(line.partition(" -m srcnn ")[2].split())
    assert (given.experiment, given.out, gpu.numbers(given.parts)) == ("gpu", "out", [1, 2, 3, 4])


def test_nothing_is_loaded_that_a_lent_machine_lacks():
    """What a part needs of pytorch-optimizer and platformdirs it is given; the rest has to be there."""
    lacks = {
        "matplotlib",
        "IPython",
        "nbformat",
        "nbclient",
        "jupyter_book",
        "yaml",
        "bs4",
        "jinja2",
        "psutil",
        "jupytext",
    }
    told = "import sys, srcnn.reproduce.gpu; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not lacks & set(done.stdout.split())


# what cannot be seen without a GPU


def event(name: str, start: float, end: float, *, device: bool = True, parent: object = None, note: bool = False):
    kind = torch.autograd.DeviceType.CUDA if device else torch.autograd.DeviceType.CPU
    times = SimpleNamespace(start=start, end=end)
    return SimpleNamespace(name=name, device_type=kind, time_range=times, cpu_parent=parent, is_user_annotation=note)


def test_a_trace_is_summed_up():
    events = [
        event("gemm", 100, 110),
        event("copy", 105, 120),  # beside it
        event("gemm", 130, 140),
        event("Optimizer.step#Adam.step", 100, 140, note=True),  # spans kernels and is none
        event("cudaLaunchKernel", 0, 1, device=False),
        event("cuLaunchKernelEx", 0, 1, device=False),
        event("cudaGraphLaunch", 0, 1, device=False),
        event("cudaStreamSynchronize", 0, 1, device=False),
        event("aten::conv2d", 0, 1, device=False),
        event("aten::convolution", 0, 1, device=False, parent=object()),
    ]
    found = gpu_speed.summarize(events, 2)
    assert (found["launches"], found["kernels"], found["operators"]) == (1.5, 1.5, 0.5)
    assert found["span"] == pytest.approx(20e-6)
    assert found["busy"] == pytest.approx(15e-6)
    assert found["share"] == pytest.approx(0.75)
    assert found["top"] == [["gemm", 10e-6], ["copy", 7.5e-6]]


def test_tables_are_compared_with_the_books_own(tmp_path, monkeypatch):
    place = Place("cpu", tmp_path, 60)
    options = {"test": "sample:1", "weights": ["srcnn-9-1-5-x3"], "scales": [3]}
    psnr = next(tables(place, **options))["psnr"]
    ((name, _),) = data.photographs("sample:1", "test")
    monkeypatch.setattr(gpu_same, "results", lambda *_: {"images": {name: {"psnr": psnr + 0.01}}})
    assert next(tables(place, **options))["from_book"] == pytest.approx(0.01)


class Short(Place):
    """A place whose time is used up after so many looks at the clock."""

    looks = 3

    @property
    def left(self) -> float:
        Short.looks -= 1
        return Short.looks


def test_the_papers_run_goes_on_where_the_last_call_ended(tmp_path):
    settings = PARTS[9].dry
    work = gpu_long.papers_run(Short("cpu", tmp_path, 60), **settings)
    rows, summary = finish(work)
    assert (summary["steps"], summary["complete"], [row["steps"] for row in rows]) == (3, False, [3])
    rows, summary = finish(gpu_long.papers_run(Place("cpu", tmp_path, 60), **settings))
    assert (summary["steps"], summary["complete"], [row["steps"] for row in rows]) == (12, True, [3, 7, 12])
    config = gpu_long.with_changes("paper", **settings["training"])
    learner, batches = start(config)
    GraphTrainer(learner, batches).advance(config.steps)
    saved = torch.load(tmp_path / "gpu-paper.pt", weights_only=True)["learner"]
    assert saved["step"] == config.steps
    assert all(torch.equal(saved["model"][name], value) for name, value in learner.model.state_dict().items())


def finish(work) -> tuple[list[dict], dict]:
    """The rows of a part, and its summary."""
    rows = []
    while True:
        try:
            rows.append(next(work))
        except StopIteration as end:
            return rows, end.value


def test_a_checkpoint_of_another_run_is_told(tmp_path):
    finish(gpu_long.papers_run(Place("cpu", tmp_path, 60), **PARTS[9].dry))
    other = {**PARTS[9].dry, "training": {**PARTS[9].dry["training"], "seed": 1}}
    with pytest.raises(InputError, match=r"gpu-paper\.pt does not fit this run .*; remove it"):
        finish(gpu_long.papers_run(Place("cpu", tmp_path, 60), **other))


def test_fewer_networks_are_told_where_there_is_no_time_for_all(tmp_path):
    config = gpu_long.with_changes("fast", **PARTS[8].dry["training"])
    fastest = {"form": "grouped", "channels_last": False, "networks_per_second": 1.0}
    place = replace(Place("cpu", tmp_path, 60), seconds=16.0)
    told = gpu_long._distribution(place, config, gpu_long.crops(config, "cpu"), fastest, 8, "sample:1")
    assert told["networks"] == len(told["psnr"]) == 2  # 5 steps of 2 networks are 10 s, of 4 they would be 20


def test_the_machine_is_told_by_name_and_versions(monkeypatch):
    told = machine("cpu")
    assert (told["torch"], told["driver"]) == (torch.__version__, None)
    card = SimpleNamespace(major=9, minor=0, total_memory=80)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: card)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a card")
    monkeypatch.setattr("shutil.which", lambda name: name)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout="580.1\n580.1\n"))
    told = machine("cuda")
    assert (told["device"], told["driver"], told["memory"], told["capability"]) == ("a card", "580.1", 80, "9.0")
