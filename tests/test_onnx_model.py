"""ONNX: two other runtimes make of the low-resolution image what the package makes of it, bicubic and all."""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from srcnn import cli
from srcnn.cli.onnx_model import onnx_model
from srcnn.color import channels
from srcnn.evaluation import upscaler
from srcnn.files import InputError
from srcnn.images import sample
from srcnn.model import SRCNN, SubPixelSRCNN, initialize
from srcnn.pretrained import load

SESSION = {"providers": ["CPUExecutionProvider"]}


def by_onnxruntime(made: onnx.ModelProto, low: np.ndarray) -> np.ndarray:
    return onnxruntime.InferenceSession(made.SerializeToString(), **SESSION).run(None, {"low": low})[0]


@pytest.mark.parametrize("size", [(9, 13), (4, 4), (40, 5)])
@pytest.mark.parametrize(
    ("name", "scale"),
    [
        *((f"srcnn-{architecture}-x{scale}", scale) for architecture in ("9-1-5", "9-5-5") for scale in (2, 3, 4)),
        ("srcnn-9-1-5-rgb-x3", 3),
        *((f"subpixel-x{scale}", scale) for scale in (2, 3, 4)),
    ],
)
def test_two_runtimes_give_what_the_package_gives(name, scale, size):
    model = load(name).model
    cat, (height, width) = channels(sample("chelsea"), "luma" if model.channels == 1 else "rgb"), size
    low = torch.stack([cat[:, top : top + height, 150 : 150 + width] for top in (50, 120)])
    expected = np.stack([upscaler(model)(image, scale).numpy() for image in low])
    made = onnx_model(model, scale=scale)
    assert np.abs(by_onnxruntime(made, low.numpy()) - expected).max() < 1e-5
    assert np.abs(ReferenceEvaluator(made).run(None, {"low": low.numpy()})[0] - expected).max() < 1e-5


@pytest.mark.parametrize(
    ("model", "scale"),
    [
        (SRCNN((3, 3, 1, 5), (6, 4, 2), padding="zeros"), 2),
        (SRCNN((1, 1, 1), (6, 4)), 3),
        (SubPixelSRCNN(2, (5, 1, 3), (6, 4), channels=3, padding="replicate"), 2),
    ],
    ids=["four layers, zeros", "single pixels", "sub-pixel, RGB"],
)
def test_every_padding_and_depth(model, scale):
    initialize(model, "torch", seed=0)
    low = torch.rand(1, model.channels, 7, 8, generator=torch.Generator().manual_seed(0))
    expected = upscaler(model)(low[0], scale).numpy()
    assert np.abs(by_onnxruntime(onnx_model(model, scale=scale), low.numpy())[0] - expected).max() < 1e-5


def test_the_command_writes_a_model_that_says_what_it_takes(tmp_path, capsys):
    output = tmp_path / "model.onnx"
    assert cli.main(["export", "--onnx", "srcnn-9-1-5-x3", "-o", str(output)]) == 0
    assert capsys.readouterr().out == f"{output}\n"
    made = onnx.load(output)
    assert made.doc_string.startswith("SRCNN, enlarges by 3; low and high are luma of 16/255 to 235/255 (ITU-R BT.601)")
    assert [value.name for value in (*made.graph.input, *made.graph.output)] == ["low", "high"]
    rgb = onnx_model(load("srcnn-9-1-5-rgb-x3").model, scale=3)
    assert "low and high are RGB of 0 to 1" in rgb.doc_string


def test_weights_that_do_not_tell_their_scale_are_given_it(tmp_path, capsys):
    weights, output = tmp_path / "w.pth", str(tmp_path / "model.onnx")
    torch.save(load("srcnn-9-1-5-x3").model.state_dict(), weights)
    assert cli.main(["export", "--onnx", str(weights), "-o", output]) == 2
    assert "w.pth does not tell its scale; give --scale 2, 3 or 4" in capsys.readouterr().err
    assert cli.main(["export", "--onnx", str(weights), "-o", output, "--scale", "2"]) == 0
    assert onnx.load(output).graph.output[0].type.tensor_type.shape.dim[2].dim_param == "2*height"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--onnx", "srcnn-9-1-5-x3", "-o", "m.safetensors"], "m.safetensors must end in .onnx"),
        (["--onnx", "srcnn-9-1-5-x3", "-o", "m.onnx", "--data", "set5"], "--data is for the card that weights have"),
        (["--onnx", "srcnn-9-1-5-x3", "-o", "m.onnx", "--scale", "2"], "was trained for x3, not x2; give --scale 3"),
        (["--onnx", "none", "-o", "m.onnx"], "none is neither a file nor the name of shipped weights"),
        (["--onnx", "srcnn-9-1-5-x3", "-o", "no/m.onnx"], "there is no folder"),
        (["runs/x3", "-o", "m.onnx"], "m.onnx must end in .safetensors"),
        (["runs/x3", "-o", "m.safetensors", "--scale", "3"], "--scale is for --onnx alone; a run knows its own"),
    ],
)
def test_what_will_not_do_is_told_in_a_sentence(tmp_path, monkeypatch, capsys, words, sentence):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["export", *words]) == 2
    assert sentence in capsys.readouterr().err
    assert list(Path.cwd().iterdir()) == []


def test_without_the_package_onnx_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match="ONNX files need the package onnx: pip install onnx"):
        onnx_model(SRCNN(), scale=2)


def test_a_sub_pixel_network_has_its_own_scale():
    with pytest.raises(InputError, match="this network enlarges by 3, not by 2"):
        onnx_model(SubPixelSRCNN(3), scale=2)
