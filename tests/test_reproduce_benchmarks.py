"""benchmarks: a record tells what the page prints, and what is compared does the same work. Speed itself is no test."""

import json
import os
import sys
from statistics import median

import pytest
import torch

from srcnn import InputError, data, images, results
from srcnn.color import luma
from srcnn.images import Photograph, sample, to_bytes, write_photograph
from srcnn.model import SRCNN, initialize
from srcnn.pairs import pair
from srcnn.recipes import command_line, with_changes
from srcnn.reproduce import benchmarks, dataloader, timing, upscaling
from srcnn.reproduce.dataloader import plain_pair

BLOCK = 2**26  # bytes


@pytest.fixture
def folder(tmp_path):
    """Two small photographs, one in color and one gray."""
    place = tmp_path / "photos"
    place.mkdir()
    for name, pixels in (("a", sample("coffee")[:, 100:150, :70]), ("b", sample("coins")[:, 40:100, 50:120])):
        write_photograph(place / f"{name}.png", Photograph(to_bytes(pixels)))
    return place


def finish(part) -> tuple[list[str], dict]:
    """The lines and the record of a part."""
    lines = []
    while True:
        try:
            lines.append(next(part)["line"])
        except StopIteration as end:
            return lines, end.value


class Clock:
    """Time that passes only where a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    """Stands in for the benchmarks' clock."""
    clock = Clock()
    monkeypatch.setattr(benchmarks.time, "perf_counter", clock)
    return clock


# the plain loop


def test_the_plain_network_is_the_papers():
    ours, theirs = initialize(SRCNN(), "torch", seed=0), dataloader.plain_network()
    weights = dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True))
    theirs.load_state_dict(weights)
    low = torch.rand(2, 1, 33, 33, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(theirs(low), ours(low), rtol=0, atol=1e-5)


def test_a_plain_pair_is_ours_but_for_rounding_and_its_own_edges(tmp_path):
    pixels = sample("camera")[:, 100:133, 200:233]
    write_photograph(tmp_path / "a.png", Photograph(to_bytes(pixels)))
    low, target = plain_pair(tmp_path / "a.png", scale=3, crop=33, border=6, place=(0.5, 0.5))
    our_low, our_high = pair(pixels, 3, enlarged=True)
    assert low.shape == our_low.shape
    torch.testing.assert_close(target, our_high[:, 6:-6, 6:-6], rtol=0, atol=1e-7)
    inner = slice(9, -9)  # where neither edge rule reaches
    error = (low - our_low)[:, inner, inner].abs().max().item()
    assert 0 < error < 2.5 / 255  # two roundings to bytes, the first of them widened by the kernel's negative lobes


def test_a_plain_pair_has_full_range_luma_from_every_place(tmp_path):
    pixels = to_bytes(sample("coffee"))[:, 100:140, 200:236]
    write_photograph(tmp_path / "a.png", Photograph(pixels))
    weights = torch.tensor([0.299, 0.587, 0.114])
    y = (weights[:, None, None] * pixels / 255).sum(0, keepdim=True)
    for place, (top, left) in {(0.0, 0.0): (0, 0), (0.999, 0.999): (7, 3), (0.5, 0.25): (4, 1)}.items():
        _, target = plain_pair(tmp_path / "a.png", scale=3, crop=33, border=6, place=place)
        wanted = y[:, top + 6 : top + 27, left + 6 : left + 27]
        torch.testing.assert_close(target, wanted, rtol=0, atol=1.01 / 255)
    assert (luma(images.to_float(pixels)) - y).abs().max() > 5 / 255  # studio luma would not have passed


def test_a_file_smaller_than_a_crop_is_named(tmp_path):
    write_photograph(tmp_path / "small.png", Photograph(torch.zeros(1, 32, 40, dtype=torch.uint8)))
    with pytest.raises(InputError, match=r"small\.png has 40 x 32 pixels; squares of 33 x 33 are cut"):
        plain_pair(tmp_path / "small.png", scale=3, crop=33, border=6, place=(0, 0))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # a DataLoader's, from Python 3.12
@pytest.mark.parametrize("workers", [0, 1])
def test_the_plain_loop_learns(folder, workers):
    torch.manual_seed(0)
    files = data.listing(folder)
    losses = [float(loss) for loss in dataloader.plain_steps(files, steps=12, batch=4, workers=workers)]
    assert len(losses) == 12
    assert losses[-1] < losses[0] / 2


# throughput


def test_turns_are_taken_in_turns():
    order = []
    tasks = {name: lambda name=name: order.append(name) or float(len(order)) for name in "ab"}
    assert timing.in_turns(tasks, 3) == {"a": [1, 3, 5], "b": [2, 4, 6]}
    assert order == list("ababab")


def test_a_ratio_is_the_median_over_turns_not_of_medians():
    assert timing.ratio([1, 20, 3], [1, 2, 1]) == 3


def test_throughput_compares_with_the_faster_plain_loop(folder, monkeypatch, clock):
    seconds = {"soap": 0.2, "adam": 0.1, 0: 0.5, 2: 0.4}
    batches = []

    def ticking(kind, batch):
        while True:
            clock.now += seconds[kind]
            batches.append(batch)
            yield

    monkeypatch.setattr(dataloader, "_our_steps", lambda kind, source, steps, batch: ticking(kind, batch))
    monkeypatch.setattr(dataloader, "plain_steps", lambda files, steps, batch, workers: ticking(workers, batch))
    lines, record = finish(dataloader.throughput(source=str(folder), repeats=3, steps=5, warm_up=2))
    speeds = {"ours, SOAP": 160, "ours, Adam": 320, "plain loop, 0 workers": 64, "plain loop, 2 workers": 80}
    assert record["crops_per_second"] == speeds
    assert record["plain"] == "plain loop, 2 workers"
    assert record["ratio"] == {"same optimizer": 4, "as used": 2}
    assert record["seconds"]["ours, SOAP"] == [1, 1, 1]  # five steps; the two before them are not timed
    assert (record["data"], record["repeats"], set(batches)) == (str(folder), 3, {32})
    assert len(batches) == 4 * 3 * 7
    assert lines[-1] == "throughput  ours to plain loop, 2 workers: 4.00 (same optimizer), 2.00 (as used)"


def test_throughput_runs_both_loops(folder):
    options = {"repeats": 1, "steps": 2, "warm_up": 1, "workers": (0,), "batch": 2}
    _, record = finish(dataloader.throughput(source=str(folder), **options))
    assert set(record["crops_per_second"]) == {"ours, SOAP", "ours, Adam", "plain loop, 0 workers"}
    assert min(record["crops_per_second"].values()) > 0


def test_without_t91_the_sample_photographs_are_read_from_files(tmp_path, monkeypatch):
    monkeypatch.setattr(dataloader.data, "roots", lambda: [tmp_path])
    monkeypatch.setitem(images.SAMPLE, "train", ("coffee",))
    assert dataloader._training_set() == "sample"
    (file,) = dataloader._files("sample", tmp_path)
    assert torch.equal(images.read(file), sample("coffee"))


# training


@pytest.fixture
def course(folder, monkeypatch, clock):
    """Training on a clock of one second a step; a look at the test set takes a hundred."""
    real = {"train": benchmarks.train, "evaluate": benchmarks.evaluate}

    def train(learner, batches):
        steps = real["train"](learner, batches)
        while True:
            clock.now += 1
            try:
                yield next(steps)
            except StopIteration:
                return

    def evaluate(*arguments, **options):
        clock.now += 100
        return real["evaluate"](*arguments, **options)

    monkeypatch.setattr(benchmarks, "train", train)
    monkeypatch.setattr(benchmarks, "evaluate", evaluate)

    def measure(**changes):
        settings = {"target": 1e9, "cap": 1e9, "seeds": 2}
        settings = {name: changes.pop(name, usual) for name, usual in settings.items()}
        config = with_changes("fast", data=str(folder), patch_size=15, batch_size=2, steps=10, **changes)
        lines, record = finish(benchmarks.training(runs={"ours": config}, test=str(folder), every=8, **settings))
        return lines, record["runs"]["ours"], record

    return measure


def test_the_clock_stands_still_while_scores_are_measured(course):
    lines, ours, _ = course()
    (first, second) = ours["seeds"]
    assert first["curve"]["seconds"] == [4, 8, 10]
    assert first["curve"]["crops"] == [8, 16, 20]
    assert (ours["seconds"], ours["crops"], ours["repeats"], ours["reached"]) == (10, 20, 2, 0)
    assert first["psnr"] != second["psnr"]  # another seed
    assert ours["psnr"] == median([first["psnr"], second["psnr"]])
    assert ours["training"].startswith("srcnn train --recipe fast")
    assert lines[1] == f"training    ours, seed 1: {second['psnr']:.2f} dB after 20 crops in 10.0 s"


def test_a_cosine_goes_to_its_end_and_then_tells_whether_the_target_was_reached(course):
    _, ours, record = course(target=-1e9)
    assert (ours["seconds"], ours["reached"], record["target"]) == (10, 2, -1e9)


def test_a_run_without_a_cosine_ends_where_it_first_reaches_the_target(course):
    _, ours, _ = course(target=-1e9, cosine=False, seeds=1)
    assert (ours["seconds"], ours["crops"], ours["reached"], ours["repeats"]) == (4, 8, 1, 1)


def test_a_run_ends_at_the_cap_and_tells_what_it_reached_by_then(course):
    _, ours, record = course(cap=6, cosine=False, seeds=1)
    assert ours["seeds"][0]["curve"]["seconds"] == [4, 6]
    assert (ours["seconds"], ours["crops"], ours["reached"], record["cap"]) == (6, 12, 0, 6)
    _, ours, _ = course(cap=6, seeds=1)  # with a cosine, nothing before its end counts
    assert ours["seconds"] == 10


def test_every_run_that_is_compared_is_at_x3_on_t91_for_the_papers_figure():
    assert benchmarks.TARGET == 32.39
    assert {(config.scale, config.data) for config in benchmarks.RUNS.values()} == {(3, "t91")}
    kinds = {label: (config.optimizer, config.learning_rate) for label, config in benchmarks.RUNS.items()}
    assert kinds["Adam 1e-3"] == ("adam", 1e-3)
    assert kinds["Adam 1e-4, 9-5-5"] == ("adam", 1e-4)
    assert kinds["paper's SGD"] == ("sgd", pytest.approx(0.02205))


# upscaling


def told_around_a_block() -> tuple[tuple[int, int], ...]:
    """What is told before a block of memory is taken, while it is held and after it is given back."""
    before = upscaling.memory()
    held = torch.ones(BLOCK // 4)
    during = upscaling.memory()
    del held
    return before, during, upscaling.memory()


def test_memory_grows_by_what_is_taken_and_the_peak_remembers_it():
    # In a process of its own: one that has run other tests may serve the block from memory that it has already.
    (before, _), (now, peak), (later, remembered) = upscaling._fresh(told_around_a_block)
    slack = 4 * 2**20  # Linux counts a thread's pages in lots
    assert BLOCK - slack < now - before < BLOCK + slack
    assert peak >= now - slack
    assert later < now - BLOCK / 2
    assert remembered >= peak - slack


def test_a_fresh_process_is_another_and_does_not_count_what_this_one_has():
    held = torch.ones(2**26)  # 256 MiB, more than the child differs from this process without it
    assert upscaling._fresh(os.getpid) != os.getpid()
    assert upscaling._fresh(upscaling.memory)[1] < upscaling.memory()[0] - held.nbytes / 2


def test_upscaling_tells_time_and_memory_beside_the_pictures(monkeypatch):
    monkeypatch.setattr(upscaling, "_fresh", lambda task: task())
    monkeypatch.setattr(sys, "argv", [])
    lines, record = finish(upscaling.upscaling(sides=(10, 20), photograph=(12, 16), repeats=2))
    assert [row["megapixels"] for row in record["sizes"]] == [400 / 1e6, 1600 / 1e6]
    assert record["sizes"][1]["pictures"] == 3 * 20 * 20 + 3 * 40 * 40
    whole = record["photograph"]
    assert (whole["megapixels"], whole["pictures"]) == (12 * 16 * 4 / 1e6, 3 * 5 * 12 * 16)
    assert whole["limit"] == 2**30
    assert all(row["seconds"] > 0 and row["peak"] >= 0 for row in (*record["sizes"], whole))
    assert record["repeats"] == 2
    assert lines[-1].startswith("upscaling   srcnn upscale, files and all: 0.000768 megapixels in ")


def test_medians_of_times_and_the_largest_of_memory_are_kept(monkeypatch):
    turns = iter([{"seconds": s, "peak": p} for s, p in ((1, 5), (9, 0), (8, 7), (9, 0), (2, 6), (9, 0))])
    monkeypatch.setattr(upscaling, "_fresh", lambda task: next(turns))
    _, record = finish(upscaling.upscaling(sides=(500,), photograph=(12, 16), repeats=3))
    (row,) = record["sizes"]
    assert (row["seconds"], row["peak"], row["seconds_per_megapixel"]) == (2, 7, 2)


def test_the_command_that_is_measured_writes_the_enlarged_photograph(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [])
    photo, output = tmp_path / "p.jpg", tmp_path / "o.png"
    write_photograph(photo, upscaling.tiled_sample(20, 30))
    assert upscaling.command_once(str(photo), str(output))["seconds"] > 0
    assert images.read(output).shape == (3, 40, 60)
    with pytest.raises(InputError, match="`srcnn upscale` failed"):
        upscaling.command_once(str(tmp_path / "none.jpg"), str(output))
    assert "there is no file" in capsys.readouterr().err


def test_a_photograph_of_any_size_repeats_the_sample():
    whole, small = upscaling.tiled_sample(900, 1300).pixels, to_bytes(sample("coffee"))
    assert whole.shape == (3, 900, 1300)
    assert torch.equal(whole[:, 400:800, 600:1200], small)


# evaluation and the file


def test_evaluation_tells_seconds_beside_bicubic_and_the_scores(folder, clock, monkeypatch):
    real, seen = benchmarks.evaluate, set()

    def evaluate(method, pictures, *, scale):
        clock.now += 2 if method is benchmarks.enlarge else 10
        clock.now += 0 if method in seen else 100  # files and kernels that the machine has not seen yet
        seen.add(method)
        return real(method, pictures, scale=scale)

    monkeypatch.setattr(benchmarks, "evaluate", evaluate)
    lines, record = finish(benchmarks.evaluation(test=str(folder), repeats=2))
    assert record["seconds"] == {"bicubic": 2, "srcnn-9-1-5-x3": 10}
    assert (record["ratio"], record["scale"], record["repeats"]) == (5, 3, 2)
    for method, psnr in record["psnr"].items():
        assert psnr == results.measure([method], str(folder), 3)[method]["mean"]["psnr"]
    assert len(lines) == 2


def part(name, value):
    def measure(**settings):
        yield {"line": f"{name} {settings}"}
        return {"value": value}

    return measure


@pytest.fixture
def two_parts(monkeypatch):
    """Two parts that take no time."""
    monkeypatch.setattr(benchmarks, "BENCHMARKS", {"one": part("one", 1), "two": part("two", 2)})


def test_a_part_is_measured_anew_without_the_others(two_parts, tmp_path, monkeypatch):
    lines = [record["line"] for record in benchmarks.run(tmp_path, settings={"two": {"cap": 3}})]
    assert lines == ["one {}", "two {'cap': 3}"]
    monkeypatch.setitem(benchmarks.BENCHMARKS, "two", part("two", 22))
    list(benchmarks.run(tmp_path, parts=["two"]))
    kept = json.loads((tmp_path / "benchmarks.json").read_text(encoding="utf-8"))
    assert {name: record["value"] for name, record in kept.items()} == {"one": 1, "two": 22}
    assert kept["one"]["command"] == "srcnn reproduce benchmarks"
    assert kept["one"]["torch"].startswith(torch.__version__.split("+")[0])
    assert f"{torch.get_num_threads()} threads, cpu" in kept["one"]["machine"]


def test_a_part_that_is_done_is_kept_when_the_next_one_fails(two_parts, tmp_path, monkeypatch):
    def fails():
        yield {"line": "begun"}
        raise InputError("no data")

    monkeypatch.setitem(benchmarks.BENCHMARKS, "two", fails)
    with pytest.raises(InputError, match="no data"):
        list(benchmarks.run(tmp_path))
    assert list(json.loads((tmp_path / "benchmarks.json").read_text(encoding="utf-8"))) == ["one"]


@pytest.mark.parametrize("content", ["{", "[]", "\udcff"])
def test_a_damaged_file_is_told_before_anything_is_measured(two_parts, tmp_path, content):
    (tmp_path / "benchmarks.json").write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(InputError, match=r"benchmarks\.json is damaged; remove it"):
        next(benchmarks.run(tmp_path))


def test_an_unknown_part_is_named(tmp_path):
    for options in ({"parts": ["speed"]}, {"settings": {"speed": {}}}):
        with pytest.raises(InputError, match="there is no benchmark 'speed'; they are training, throughput, upscaling"):
            next(benchmarks.run(tmp_path, **options))


# what is stored


def test_the_stored_record_keeps_the_promises_of_the_page():
    """Of the record, not of the machine that runs this: speed is measured by `make bench` alone."""
    kept = results.stored("benchmarks")
    assert list(kept) == list(benchmarks.BENCHMARKS)
    runs = kept["training"]["runs"]
    assert {name: run["training"] for name, run in runs.items()} == {
        n: command_line(c) for n, c in benchmarks.RUNS.items()
    }
    assert runs["fast"]["reached"] == runs["fast"]["repeats"] == 3
    adam = runs["Adam 3e-3, cosine"]
    assert runs["fast"]["seconds"] < 40
    assert runs["fast"]["seconds"] < adam["seconds"] / 20
    assert min(kept["throughput"]["ratio"].values()) > 2
    sizes = kept["upscaling"]["sizes"]
    assert [row["megapixels"] for row in sizes] == [0.25, 1, 4, 16, 64]
    beyond = [row["peak"] - row["pictures"] for row in sizes]
    assert max(beyond) < 2**28  # flat: a quarter of a gibibyte at any size
    each = [row["seconds_per_megapixel"] for row in sizes[1:]]
    assert max(each) < 2 * min(each)  # linear in time
    assert kept["upscaling"]["photograph"]["peak"] < upscaling.LIMIT
