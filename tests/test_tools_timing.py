"""The tools that measure this checkout beside an older commit, and beside other runtimes."""

import json
from pathlib import Path

import numpy as np
import pytest
import runtimes
import side_by_side
import torch

from srcnn import pretrained
from srcnn.cli.onnx_model import onnx_model
from srcnn.color import luma
from srcnn.evaluation import upscaler
from srcnn.images import read_photograph, to_float
from srcnn.reproduce.upscaling import tiled_sample
from srcnn.upscale import upscale

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "book" / "api" / "commands.md").read_text(encoding="utf-8")


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
