"""pretrained: weights come back as they went, whatever their shapes; the authors' files do what their script does."""

import functools
import json
import os
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import scipy.io
import torch
from lanes import one_in
from scipy.ndimage import correlate

from srcnn import InputError, pretrained, rgb_to_ycbcr
from srcnn.model import SRCNN, SubPixelSRCNN, initialize
from srcnn.pretrained import from_matlab, load, save
from srcnn.recipes import RECIPES
from srcnn.results import model_card
from srcnn.training import make_model

NETWORKS = {
    "9-1-5": SRCNN(),
    "9-5-5": SRCNN((9, 5, 5)),
    "other sizes": SRCNN((7, 3, 1), (5, 6)),
    "deeper": SRCNN((3, 1, 1, 3, 5), (4, 3, 5, 2)),
    "color": SRCNN((3, 1, 3), (4, 2), channels=3),
    "sub-pixel": SubPixelSRCNN(4),
    "sub-pixel color": SubPixelSRCNN(3, (5, 3, 3), (4, 7), channels=3),
}


@pytest.fixture
def small() -> SRCNN:
    return initialize(SRCNN((3, 1, 3), (4, 2)), "torch", seed=0)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_comes_back_from_its_file_with_its_shape_and_its_bits(name, tmp_path):
    model = initialize(NETWORKS[name], "torch", seed=3)
    card = {"scale": 4, "note": "größer × 2"}
    save(model, tmp_path / "w.safetensors", card)
    loaded = load(tmp_path / "w.safetensors")
    assert type(loaded.model) is type(model)
    for attribute in ("kernels", "widths", "channels", "scale"):
        assert getattr(loaded.model, attribute) == getattr(model, attribute), attribute
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[key], value)
    assert loaded.card == card
    assert loaded.model.padding == ("replicate" if model.scale is None else "zeros")  # what evaluation needs
    assert not loaded.model.training


def test_weights_in_channels_last_come_back_in_the_right_order(small, tmp_path):
    save(small.to(memory_format=torch.channels_last), tmp_path / "w.safetensors", {})
    assert torch.equal(load(tmp_path / "w.safetensors").model.extraction.weight, small.extraction.weight)


def test_weights_from_elsewhere_have_an_empty_card(small, tmp_path):
    safetensors.torch.save_file(small.state_dict(), tmp_path / "w.safetensors")
    assert load(tmp_path / "w.safetensors").card == {}


@pytest.mark.parametrize(
    ("model", "card", "padding"),
    [
        (SRCNN((3, 1, 3), (4, 2)), {}, "replicate"),
        (SRCNN((3, 1, 3), (4, 2)), {"training": {"padding": "valid"}}, "replicate"),
        (SRCNN((3, 1, 3), (4, 2)), {"training": {"padding": "zeros"}}, "zeros"),
        (SubPixelSRCNN(2, (3, 1, 3), (4, 2)), {}, "zeros"),
        (SubPixelSRCNN(2, (3, 1, 3), (4, 2)), {"training": {"padding": "valid"}}, "replicate"),
        (SubPixelSRCNN(2, (3, 1, 3), (4, 2)), {"training": {"padding": ["valid"]}}, "zeros"),
        (SubPixelSRCNN(2, (3, 1, 3), (4, 2)), {"training": 5}, "zeros"),
    ],
)
def test_the_padding_is_what_the_card_says_the_weights_were_trained_with(model, card, padding, tmp_path):
    save(model, tmp_path / "w.safetensors", card)
    assert load(tmp_path / "w.safetensors").model.padding == padding


def test_every_shipped_name_can_be_loaded_and_says_its_scale():
    for name in pretrained.names():
        loaded = load(name)
        assert name.endswith(f"x{loaded.card['scale']}")
        assert loaded.card["training"]["scale"] == loaded.card["scale"]


# Files that will not do


def rewritten(path, small, metadata=None, **changes):
    tensors = {key: value.clone() for key, value in small.state_dict().items()} | changes
    safetensors.torch.save_file({k: v for k, v in tensors.items() if v is not None}, path, metadata)


def nan_bias(small):
    return torch.full_like(small.mapping.bias, float("nan"))


def complex_bias(path, small):
    try:
        rewritten(path, small, **{"mapping.bias": torch.ones(2, dtype=torch.complex64)})
    except KeyError:
        pytest.skip("this version of safetensors writes no complex numbers")


BAD = {
    "missing": (lambda path, small: None, "is neither a file nor the name of shipped weights"),
    "a folder": (lambda path, small: path.mkdir(), "is a folder"),
    "empty": (lambda path, small: path.touch(), "is no whole safetensors file"),
    "text": (lambda path, small: path.write_text("no weights here"), "is no whole safetensors file"),
    "a pickle": (lambda path, small: torch.save(small.state_dict(), path), "is no whole safetensors file"),
    "one tensor too few": (lambda path, small: rewritten(path, small, **{"mapping.bias": None}), "another network"),
    "one tensor too many": (lambda path, small: rewritten(path, small, extra=torch.ones(1)), "another network"),
    "a short bias": (lambda path, small: rewritten(path, small, **{"mapping.bias": torch.ones(1)}), "another network"),
    "a flat filter": (
        lambda path, small: rewritten(path, small, **{"mapping.weight": torch.ones(4)}),
        "another network",
    ),
    "an even filter": (
        lambda path, small: rewritten(path, small, **{"extraction.weight": torch.ones(4, 1, 2, 2)}),
        "another network",
    ),
    "three shades": (
        lambda path, small: rewritten(
            path, small, **{"reconstruction.weight": torch.ones(3, 2, 3, 3), "reconstruction.bias": torch.ones(3)}
        ),
        "another network",
    ),
    "not a number": (lambda path, small: rewritten(path, small, **{"mapping.bias": nan_bias(small)}), "not finite"),
    "not a number in 8 bits": (
        lambda path, small: rewritten(path, small, **{"mapping.bias": nan_bias(small).to(torch.float8_e4m3fn)}),
        "not finite",
    ),
    "too large for float32": (
        lambda path, small: rewritten(path, small, **{"mapping.bias": torch.full((2,), 1e300, dtype=torch.float64)}),
        "not finite",
    ),
    "a card that is no JSON": (lambda path, small: rewritten(path, small, {"card": "{"}), "no whole safetensors file"),
    "a card without end": (
        lambda path, small: rewritten(path, small, {"card": "[" * 100_000}),
        "no whole safetensors file",
    ),
    "a card with a number too long": (
        lambda path, small: rewritten(path, small, {"card": '{"scale": ' + "9" * 5000 + "}"}),
        "no whole safetensors file",
    ),
    "a scale in words": (
        lambda path, small: rewritten(path, small, {"card": '{"scale": "3"}'}),
        "scale is no whole number",
    ),
    "complex numbers": (complex_bias, "another network.*of floats"),
    "whole numbers": (
        lambda path, small: rewritten(path, small, **{"mapping.bias": torch.ones(2, dtype=torch.int8)}),
        "another network.*of floats",
    ),
    "a card that is a list": (lambda path, small: rewritten(path, small, {"card": "[1]"}), "card that is no record"),
}


@pytest.mark.parametrize(("make", "message"), BAD.values(), ids=BAD)
def test_a_file_that_will_not_do_is_refused_by_name(make, message, small, tmp_path):
    path = tmp_path / "weights.safetensors"
    make(path, small)
    with pytest.raises(InputError, match=rf"weights\.safetensors .*{message}"):
        load(path)


def test_a_file_cut_short_anywhere_is_refused(small, tmp_path):
    path = tmp_path / "weights.safetensors"
    save(small, path, {"scale": 2})
    content = path.read_bytes()
    for length in range(0, len(content), 37):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match="is no whole safetensors file"):
            load(path)


def test_a_failed_save_leaves_the_older_file(small, tmp_path):
    path = tmp_path / "w.safetensors"
    save(small, path, {"scale": 2})
    before = path.read_bytes()
    with pytest.raises(TypeError):
        save(small, path, {"scale": object()})
    with pytest.raises(InputError, match="there is no folder"):
        save(small, tmp_path / "none" / "w.safetensors", {})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


# The authors' MATLAB files


def authors_file(path, kernels, n1=8, n2=5, **changes):
    rng = np.random.default_rng(sum(kernels))
    f1, f2, f3 = kernels
    content = {
        "weights_conv1": rng.normal(0, 1 / f1, (f1 * f1, n1)),
        "weights_conv2": rng.normal(0, 1 / (f2 * n1**0.5), (n1, f2 * f2, n2)),
        "weights_conv3": rng.normal(0, 1 / (f3 * n2**0.5), (n2, f3 * f3)),
        "biases_conv1": rng.normal(0, 0.1, (n1, 1)),
        "biases_conv2": rng.normal(0, 0.1, (n2, 1)),
        "biases_conv3": rng.normal(0, 0.1, (1, 1)),
    } | changes
    scipy.io.savemat(path, {key: value for key, value in content.items() if value is not None})
    return content


def authors_script(content, image):
    """SRCNN.m, line by line: reshape runs down the columns, imfilter correlates and repeats the edge."""

    def imfilter(values, filter_):
        side = int(len(filter_) ** 0.5)
        return correlate(values, filter_.reshape(side, side, order="F"), mode="nearest")

    w1, w2, w3 = (content[f"weights_conv{k}"] for k in (1, 2, 3))
    b1, b2, b3 = (content[f"biases_conv{k}"].ravel() for k in (1, 2, 3))
    first = [np.maximum(imfilter(image, w1[:, i]) + b1[i], 0) for i in range(w1.shape[1])]
    second = [
        np.maximum(sum(imfilter(first[j], w2[j, :, i]) for j in range(len(first))) + b2[i], 0)
        for i in range(w2.shape[2])
    ]
    return sum(imfilter(second[i], w3[i]) for i in range(len(second))) + b3[0]


@pytest.mark.parametrize("kernels", [(9, 1, 5), (9, 3, 5), (9, 5, 5)], ids=lambda k: "-".join(map(str, k)))
def test_the_authors_weights_do_what_the_authors_script_does(kernels, tmp_path):
    content = authors_file(tmp_path / "x3.mat", kernels)
    model = from_matlab(tmp_path / "x3.mat")
    image = np.random.default_rng(0).random((21, 26))
    ours = model(torch.from_numpy(image).float()[None, None])[0, 0].detach()
    assert model.kernels == kernels
    # double against float32; a transposed or turned filter is wrong by whole tenths
    torch.testing.assert_close(ours.double(), torch.from_numpy(authors_script(content, image)), rtol=1e-4, atol=1e-5)
    assert torch.equal(load(tmp_path / "x3.mat").model.mapping.weight, model.mapping.weight)


BAD_MAT = {
    "text": lambda path: path.write_text("hello " * 60),
    "empty": lambda path: path.touch(),
    "another content": lambda path: scipy.io.savemat(path, {"x": 1}),
    "one layer missing": lambda path: authors_file(path, (9, 1, 5), biases_conv2=None),
    "words": lambda path: authors_file(path, (9, 1, 5), weights_conv1="hello"),
    "complex numbers": lambda path: authors_file(path, (3, 1, 3), weights_conv1=np.full((9, 8), 1j)),
    "no filter at all": lambda path: authors_file(path, (9, 1, 5), weights_conv1=np.zeros((0, 0))),
    "a filter that is no square": lambda path: authors_file(path, (9, 1, 5), weights_conv1=np.ones((80, 8))),
    "not a number": lambda path: authors_file(path, (9, 1, 5), biases_conv3=float("nan")),
    "too many biases": lambda path: authors_file(path, (9, 1, 5), biases_conv1=np.ones(9)),
}


@pytest.mark.parametrize("make", BAD_MAT.values(), ids=BAD_MAT)
def test_a_mat_file_that_will_not_do_is_refused_by_name(make, tmp_path):
    make(tmp_path / "bad.mat")
    with pytest.raises(InputError, match=r"bad\.mat (has not the authors' layout|holds)"):
        load(tmp_path / "bad.mat")


@pytest.mark.parametrize("compressed", [False, True])
def test_a_mat_file_cut_short_or_damaged_is_refused(compressed, tmp_path):
    content = authors_file(tmp_path / "good.mat", (9, 1, 5))
    path = tmp_path / "bad.mat"
    scipy.io.savemat(path, content, do_compression=compressed)
    whole = path.read_bytes()
    for length in range(1, len(whole), 331):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"bad\.mat"):
            load(path)
    if compressed:  # where damage shows
        path.write_bytes(whole[:200] + bytes(40) + whole[240:])
        with pytest.raises(InputError, match=r"bad\.mat"):
            load(path)


# The card


def test_the_card_tells_how_the_weights_were_made_and_what_they_score():
    config = RECIPES["fast"]
    command = "srcnn train --recipe fast --data t91 --scale 3"
    card = {
        "scale": 3,
        "command": command,
        "training": json.loads(json.dumps(vars(config))),
        "seconds": 41.4,
        "machine": "a processor, 2 threads",
        "versions": {"srcnn": "1.2", "torch": "2.13"},
        "scores": {"set5": {"psnr": 32.398, "ssim": 0.9033, "bicubic_psnr": 30.392}},
    }
    text = model_card("srcnn-9-1-5-x3", make_model(config), card)
    assert text.startswith("# srcnn-9-1-5-x3\n")
    for told in (command, "8,129 numbers", "enlarges by 3", "| t91 | 8,000 | 32 | 0 | 41 s | a processor, 2 threads |"):
        assert told in text, told
    for told in ("| set5 | 32.40 | 0.9033 | 30.39 |", "srcnn 1.2, torch 2.13", "srcnn-9-1-5-x3.jsonl"):
        assert told in text, told


# Weights of other implementations


def _public(kind: str) -> torch.nn.Module:
    """SRCNN under the names that public code gives its layers, with the weights of the shipped x3."""
    nn, padding = torch.nn, "same" if kind != "valid" else "valid"
    one, two, three = nn.Conv2d(1, 64, 9, padding=padding), nn.Conv2d(64, 32, 1), nn.Conv2d(32, 1, 5, padding=padding)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            if kind == "layers":
                self.layers = nn.Sequential(one, nn.ReLU(), two, nn.ReLU(), three)
            elif kind == "stages":
                self.features = nn.Sequential(one, nn.ReLU())
                self.map = nn.Sequential(two, nn.ReLU())
                self.reconstruction = three
            else:
                self.conv1, self.conv2, self.conv3 = one, two, three

    net = Net()
    for layer, ours in zip((one, two, three), ("extraction", "mapping", "reconstruction"), strict=True):
        layer.load_state_dict(getattr(load("srcnn-9-1-5-x3").model, ours).state_dict())
    return net


@pytest.mark.parametrize(
    ("kind", "wrapped", "suffix"),
    one_in(5, product(["conv", "layers", "stages"], ["", "state_dict", "model", "DataParallel"], [".pth", ".pt"])),
)
def test_a_state_dictionary_of_another_implementation_is_read_whatever_it_calls_its_layers(
    tmp_path, kind, wrapped, suffix
):
    net = _public(kind)
    state = torch.nn.DataParallel(net).state_dict() if wrapped == "DataParallel" else net.state_dict()
    torch.save({wrapped: state, "epoch": 3} if wrapped in ("state_dict", "model") else state, tmp_path / f"w{suffix}")
    theirs = load(tmp_path / f"w{suffix}", scale=3)
    ours = load("srcnn-9-1-5-x3").model
    for name, value in ours.state_dict().items():
        assert torch.equal(theirs.model.state_dict()[name], value)
    assert theirs.model.padding == "replicate"
    assert "edges repeated (valid convolutions), values of 0 to 1, luma:" in theirs.card["found"]


def test_a_network_for_255_levels_and_one_that_pads_by_zeros_are_found_out(tmp_path):
    state = _public("conv").state_dict()
    for name in state:
        if name.endswith("bias"):
            state[name] = state[name] * 255  # ReLU only scales: now it takes and gives 0..255
    torch.save(state, tmp_path / "w.pth")
    theirs = load(tmp_path / "w.pth", scale=3)
    assert "values of 0 to 255" in theirs.card["found"]
    for name, value in load("srcnn-9-1-5-x3").model.state_dict().items():
        torch.testing.assert_close(theirs.model.state_dict()[name], value)
    torch.save(load("subpixel-x3").model.state_dict(), tmp_path / "sub.pth")
    assert load(tmp_path / "sub.pth", scale=3).model.padding == load("subpixel-x3").model.padding


@pytest.mark.parametrize("color", one_in(2, ["RGB", "BGR", "YCbCr", "YCrCb"], first=1))
def test_the_colors_that_a_network_works_on_are_found_out(tmp_path, color):
    """The RGB network, with the change of color before its first layer and after its last, which are linear too."""
    model = load("srcnn-9-1-5-rgb-x3").model
    state = {name: value.clone() for name, value in model.state_dict().items()}
    order = {"BGR": [2, 1, 0], "YCrCb": [0, 2, 1]}.get(color, [0, 1, 2])
    offset = rgb_to_ycbcr(torch.zeros(3, 1, 1)).flatten()
    into = (rgb_to_ycbcr(torch.eye(3)[:, None]) - offset[:, None, None])[:, 0] if color[0] == "Y" else torch.eye(3)
    offset = offset if color[0] == "Y" else torch.zeros(3)
    into, offset = into[order], offset[order]
    first, last = "extraction", "reconstruction"
    state[f"{first}.weight"] = torch.einsum("ochw,cd->odhw", state[f"{first}.weight"], into.inverse())
    state[f"{first}.bias"] -= torch.einsum("ochw,c->o", state[f"{first}.weight"], offset)
    state[f"{last}.weight"] = torch.einsum("dc,c...->d...", into, state[f"{last}.weight"])
    state[f"{last}.bias"] = into @ state[f"{last}.bias"] + offset
    torch.save(state, tmp_path / "w.pth")
    if color[0] == "Y":
        with pytest.raises(InputError, match=r"w.pth was trained for YCbCr, which only chapter 13 does"):
            load(tmp_path / "w.pth", scale=3)
        return
    theirs = load(tmp_path / "w.pth")
    assert f", {color}: " in theirs.card["found"]
    for tensor, value in model.state_dict().items():
        torch.testing.assert_close(theirs.model.state_dict()[tensor], value)


@pytest.mark.parametrize("make", [SRCNN, functools.partial(SubPixelSRCNN, 2)])
def test_a_network_for_bgr_is_turned_into_one_for_rgb(make):
    model, image = make((5, 1, 3), (8, 4), channels=3).eval(), torch.rand(1, 3, 12, 14)
    turned = pretrained.from_state_dict(pretrained._reversed(model.state_dict()), "the weights")
    model.padding = turned.padding
    with torch.no_grad():
        torch.testing.assert_close(turned(image), model(image.flip(1)).flip(1))


class _Planted:
    """What unpickling would run; harmless, and it never is."""

    def __reduce__(self):
        return (os.mkdir, ("planted",))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (_Planted(), "w.pth holds a whole pickled network, which could run a program; save model.state_dict"),
        ([1, 2], "w.pth holds no state dictionary"),
        ({"epoch": 3}, "w.pth holds no state dictionary"),
        ({0: torch.ones(1, 1, 3, 3)}, "w.pth holds no state dictionary"),
        (SRCNN((3, 1, 3), (4, 4), channels=2).state_dict(), "w.pth works on 2 channels; one for luma or three for RGB"),
        (SubPixelSRCNN(4, (3, 1, 3), (4, 4)).state_dict(), "w.pth was trained for x4, not x3; give --scale 4"),
        (torch.nn.Conv2d(1, 1, 3).state_dict(), "w.pth holds another network: three convolutions or more"),
        (
            torch.nn.Sequential(
                torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Conv2d(4, 4, 3), torch.nn.Conv2d(4, 1, 3)
            ).state_dict(),
            "w.pth holds another network: three convolutions or more with biases expected",
        ),
        (
            torch.nn.Sequential(
                torch.nn.Conv2d(1, 4, 3), torch.nn.Conv2d(8, 4, 3), torch.nn.Conv2d(4, 1, 3)
            ).state_dict(),
            "w.pth holds another network: its filters have the shapes",
        ),
        (None, "w.pth holds no PyTorch file that can be read"),
    ],
)
def test_another_file_is_refused_in_a_sentence_and_runs_nothing(tmp_path, monkeypatch, content, sentence):
    monkeypatch.chdir(tmp_path)
    if content is None:
        Path("w.pth").write_bytes(b"no weights at all")
    else:
        torch.save(content, "w.pth")
    with pytest.raises(InputError, match=sentence):
        load("w.pth", scale=3)
    assert not Path("planted").exists()
