"""The page of symptoms: each of its tests finds the fault where it is, and finds none in a sound network."""

import ast
import re
from pathlib import Path

import pytest
import scipy.io
import torch

import srcnn
from srcnn import images, results, upscale
from srcnn.images import Photograph, to_bytes
from srcnn.pretrained import load

PAGE = Path(__file__).resolve().parents[1] / "book" / "symptoms.md"
TEXT = PAGE.read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.+?)(?=^## |\Z)", TEXT, flags=re.M | re.S))
SET_UP = re.search(r"```python\n(.+?)```", TEXT, flags=re.S)[1]


def found(symptom: str, *, model=None, **given: object) -> dict:
    """What a section's two lines find of a network, beside what else they are given."""
    names = {"model": model or load("srcnn-9-1-5-x3").model}
    exec(SET_UP, names)
    names.update({name: value(names) if callable(value) else value for name, value in given.items()})
    (code,) = re.findall(r"```python\n(.+?)```", SECTIONS[symptom], flags=re.S)
    assert len(ast.parse(code).body) == 2
    exec(code, names)
    return names


def shaken(names: dict) -> torch.Tensor:
    return names["output"].roll((0, 1), (1, 2))


def test_every_symptom_of_the_table_has_a_section_and_every_section_stands_in_the_table():
    listed = re.findall(r"^\| \[(.+?)\]\(#(.+?)\)", TEXT, flags=re.M)
    assert [title for title, _ in listed] == list(SECTIONS)
    assert len(listed) == 11
    assert all(anchor == re.sub(r"[^a-z ]", "", title.lower()).replace(" ", "-") for title, anchor in listed)


def test_black_output():
    untrained = srcnn.initialize(srcnn.SRCNN(padding="replicate"), "paper", seed=0)
    right, wrong = (lambda n: to_bytes(n["output"])), (lambda n: n["output"].byte())
    black = found("Black output", model=untrained, written=right)
    assert black["untrained"]
    assert black["output"].abs().max() < 1e-4
    sound = found("Black output", written=right)
    assert not sound["untrained"]
    assert not sound["wrong_range"]
    assert found("Black output", written=wrong)["wrong_range"]


@pytest.mark.parametrize(("pixels", "stuck"), [(2, True), (441, False)])  # at 2 pixels, Caffe's rate is PyTorch's
def test_the_loss_does_not_fall(pixels, stuck):
    from srcnn import recipes, runs, training

    rate = recipes.from_caffe(1e-4, pixels=pixels)
    config = recipes.with_changes("paper", data="sample", steps=100, learning_rate=rate, batch_size=16)
    losses = [float(step.loss) for step in training.train(*runs.start(config))]
    names = found("The loss does not fall", losses=losses)
    assert names["stuck"] == stuck
    assert names["rate"] == pytest.approx(0.02205)
    assert names["rate"] / 1e-4 == pytest.approx(220.5)


def test_nan():
    model = load("srcnn-9-1-5-x3").model
    assert found("NaN", model=model)["broken"] == []
    assert not found("NaN", model=model)["too_large"]
    assert found("NaN", enlarged=lambda n: n["enlarged"] * 255)["too_large"]
    with torch.no_grad():
        model.mapping.bias[0] = torch.nan
    assert found("NaN", model=model)["broken"] == ["mapping.bias"]


@pytest.mark.parametrize(("kernels", "lost"), [((9, 1, 5), 12), ((9, 5, 5), 16)])
def test_the_output_is_smaller_than_the_input(kernels, lost):
    names = found("The output is smaller than the input", model=srcnn.SRCNN(kernels))
    assert (names["lost"], names["valid"]) == (lost, True)
    assert not found("The output is smaller than the input")["valid"]


def test_dark_bright_or_wrong_colors():
    color = images.sample("astronaut")
    sound = {"color": color * 0.98, "color_high": color}
    names = found("Dark, bright or wrong colors", **sound)
    assert not names["stretched"]
    assert not names["swapped"]
    assert found("Dark, bright or wrong colors", **sound | {"color": color.flip(0)})["swapped"]
    for mended in (lambda n: (n["output"] - 16 / 255) * 255 / 219, lambda n: n["output"] * 219 / 255 + 16 / 255):
        assert found("Dark, bright or wrong colors", **sound, output=mended)["stretched"]


def test_psnr_is_one_or_two_decibels_too_low():
    symptom = "PSNR is one or two decibels too low"
    other = found(symptom, your_bicubic=29.1, your_psnr=lambda n: srcnn.psnr(n["enlarged"], n["high"], peak=1, shave=0))
    assert other["another_protocol"]
    assert other["other_values"]
    ours = results.results("bicubic", "set5", 3)["mean"]["psnr"]
    (scores,) = srcnn.evaluate(srcnn.enlarge, [("coins", images.sample("coins"))], scale=3).values()
    names = found(symptom, your_bicubic=ours, your_psnr=scores.psnr)
    assert not names["another_protocol"]
    assert not names["other_values"]


def test_worse_than_bicubic():
    names = found("Worse than bicubic", output=shaken)
    assert names["shifted"]
    sound, bicubic = found("Worse than bicubic")["output"], names["enlarged"]
    shifted, right, plain = (srcnn.psnr(x, names["high"], peak=1, shave=7) for x in (names["output"], sound, bicubic))
    assert shifted < plain < right
    assert shifted < right - 3  # "several decibels"
    assert not found("Worse than bicubic")["shifted"]


def test_blocks_or_seams(monkeypatch):
    photograph = Photograph(to_bytes(images.sample("chelsea")[:, :80, :90]))
    assert not found("Blocks or seams", photograph=photograph)["seams"]
    monkeypatch.setattr(upscale, "_margin", lambda model, scale: 0)  # no overlap
    assert found("Blocks or seams", photograph=photograph)["seams"]


def test_filters_look_transposed(tmp_path):
    model = load("srcnn-9-1-5-x3").model
    w1, w2, w3 = (layer.weight.detach().numpy() for layer in (model.extraction, model.mapping, model.reconstruction))
    content = {
        "weights_conv1": w1[:, 0].transpose(0, 2, 1).reshape(64, 81).T,
        "weights_conv2": w2.reshape(32, 64).T[:, None],
        "weights_conv3": w3[0].transpose(0, 2, 1).reshape(32, 25),
    }
    content |= {
        f"biases_conv{k}": layer.bias.detach().numpy()
        for k, layer in enumerate((model.extraction, model.mapping, model.reconstruction), 1)
    }
    path = tmp_path / "theirs.mat"
    scipy.io.savemat(path, content)
    right = model.extraction.weight.detach()
    assert not found("Filters look transposed", path=path, yours=right)["transposed"]
    assert found("Filters look transposed", path=path, yours=right.mT.contiguous())["transposed"]


def test_slower_on_the_gpu():
    assert not found("Slower on the GPU")["on_gpu"]


def test_out_of_memory():
    names = found("Out of memory")
    assert not names["too_many"]
    assert names["gigabytes"] == pytest.approx(4 * 64 * names["high"].numel() / 2**30)
    assert found("Out of memory", output=torch.empty(1, 4_000, 3_000))["too_many"]
