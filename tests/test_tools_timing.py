"""The tools that measure this checkout beside an older commit, and beside other runtimes."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import runtimes
import side_by_side
import torch
from scipy import stats

from srcnn import data, pretrained
from srcnn.cli.onnx_model import onnx_model
from srcnn.color import luma
from srcnn.evaluation import evaluate, mean_scores, upscaler
from srcnn.images import read_photograph, to_float
from srcnn.recipes import command_line, with_changes
from srcnn.reproduce.speedrun import ENTRIES
from srcnn.reproduce.upscaling import tiled_sample
from srcnn.runs import start
from srcnn.training import train
from srcnn.upscale import upscale

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "book" / "api" / "commands.md").read_text(encoding="utf-8")


@pytest.mark.release
def test_two_trees_enlarge_in_turns_and_their_results_are_compared(tmp_path, capsys):
    trees = {"older": ROOT, "this": ROOT}
    told = side_by_side.compare(trees, tmp_path, size=(40, 50), scale=2, repeats=2)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(", ")[2].split(":")[0] for line in lines] == ["older", "this"] * 2
    assert told["levels"] == 0
    assert told["pictures"] == 3 * 40 * 50 * 5
    assert all(turn["seconds"] > 0 and turn["peak"] >= 0 for turns in told["turns"].values() for turn in turns)
    expected = upscale(tiled_sample(40, 50), pretrained.load("srcnn-9-1-5-x2").model, scale=2)
    assert torch.equal(read_photograph(tmp_path / "this-x2.png").pixels, expected.pixels)


def test_the_ratio_is_the_median_of_the_turns():
    seen = {"a": [{"seconds": s, "peak": 1} for s in (2.0, 4.0, 8.0)], "b": [{"seconds": 2.0, "peak": 3}] * 3}
    told = side_by_side.summary(seen)
    assert told["ratio"] == 0.5
    assert told["medians"] == {"a": {"seconds": 4.0, "peak": 1}, "b": {"seconds": 2.0, "peak": 3}}


@pytest.mark.release
def test_two_trees_train_in_turns_from_every_seed_and_their_networks_are_measured(tmp_path, capsys):
    short = with_changes("fast", architecture="3-1-3", widths="4-2", data="sample", batch_size=2, steps=12)
    entries = [short, replace(short, steps=6, initialization="centered")]
    told = side_by_side.trainings({"older": ROOT, "this": ROOT}, tmp_path, entries, seeds=2, test="sample")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        f"training, seed {seed}, {label}" for seed in (0, 1) for label in ("older", "this")
    ]
    assert told["commands"][1].endswith("--batch 2 --steps 6 --initialization centered")
    learner, batches = start(replace(entries[1], seed=1))
    for _ in train(learner, batches):
        pass
    expected = mean_scores(evaluate(upscaler(learner.final), data.photographs("sample", "test"), scale=3)).psnr
    assert told["turns"]["this"][1]["psnr"] == pytest.approx(expected, abs=1e-3)
    assert 0 < told["ratio"] < 100


def test_training_to_the_papers_score_takes_at_most_0_6_of_the_older_commits_time():
    kept = json.loads(side_by_side.OUT.read_text(encoding="utf-8"))["training"]
    assert kept["ratio"] <= 0.6
    assert {len(turns) for turns in kept["turns"].values()} == {5}
    first, *_, newest = ENTRIES.values()
    assert kept["commands"] == [command_line(first), command_line(newest)]
    for turns in kept["turns"].values():
        scores = [turn["psnr"] for turn in turns]
        assert stats.ttest_1samp(scores, 32.39, alternative="greater").pvalue < 0.05
    times = [f"{told['seconds']:.1f} s" for told in kept["medians"].values()]
    assert f"**{times[1]}, which is {kept['ratio']:.2f} of {times[0]}**" in PAGE


@pytest.mark.parametrize("runtime", ["srcnn", "onnxruntime", "openvino", "ncnn"])
@pytest.mark.parametrize("tile", [16, 25, 64])
def test_every_runtime_gives_the_same_image_whatever_its_tiles(tmp_path, monkeypatch, runtime, tile):
    pytest.importorskip(runtime, reason=f"{runtime} is not installed: pip install {runtime}")
    monkeypatch.setattr(runtimes, "SIDE", 60)
    model, output = tmp_path / "model.onnx", tmp_path / "large.npy"
    network = pretrained.load("srcnn-9-1-5-x2").model
    model.write_bytes(onnx_model(network, scale=2).SerializeToString())
    runtimes.ncnn_files("srcnn-9-1-5-x2", model)
    told = runtimes.once(runtime, 2, tile, torch.get_num_threads(), model, output)
    assert told["seconds"] > 0
    expected = upscaler(network)(luma(to_float(tiled_sample(60, 60).pixels)), 2).numpy()
    assert np.abs(np.load(output).reshape(expected.shape) - expected).max() < 1e-5


@pytest.mark.parametrize("scale", [2, 3])
def test_the_page_of_the_commands_prints_the_kept_comparison_with_the_older_commit(scale):
    kept = json.loads(side_by_side.OUT.read_text(encoding="utf-8"))
    assert f"medians of 5 turns by `{kept['command']}`" in PAGE
    assert f"({kept['machine']})" in PAGE
    told = kept[f"x{scale}"]
    assert {len(turns) for turns in told["turns"].values()} == {5}
    seconds, pixels = told["medians"]["this"]["seconds"], 12 * scale**2
    beyond = max(turn["peak"] for turn in told["turns"]["this"]) - told["pictures"]
    time = f"{seconds:.0f} s | {seconds / pixels:.2f} s"
    assert f"| x{scale} | {pixels} | {time} | {beyond / 1e6:.0f} MB | {told['ratio']:.2f} |\n" in PAGE
    assert told["levels"] <= 1  # one rounding of a sum in another order
    assert told["ratio"] <= 0.45
    assert beyond < 200e6


@pytest.mark.parametrize("scale", [2, 3])
def test_the_page_of_the_commands_prints_the_kept_comparison_with_other_runtimes(scale):
    kept = json.loads(runtimes.OUT.read_text(encoding="utf-8"))[f"x{scale}"]
    assert kept.keys() == runtimes.RUNTIMES.keys()
    rows = [line.split(" | ")[1:] for line in PAGE.splitlines() if f" | x{scale} | " in line and " MB | " in line]
    wanted = [
        f"{told['version']} | x{scale} | {told['seconds_per_megapixel']:.2f} | "
        f"{told['peak'] / 1e6:,.0f} MB | {told['levels']:.2f} |"
        for told in kept.values()
    ]
    assert [" | ".join(row) for row in rows] == wanted
    fastest = min(kept, key=lambda runtime: kept[runtime]["seconds_per_megapixel"])
    assert fastest == "srcnn"
    assert max(told["levels"] for told in kept.values()) < 0.1
