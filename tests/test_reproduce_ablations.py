"""ablations: one thing is changed at a time, three seeds each, and an interrupted evening is not lost."""

import json
from concurrent.futures import Future
from dataclasses import replace
from statistics import fmean, stdev

import pytest
import torch
from skimage.color import rgb2ycbcr
from skimage.metrics import mean_squared_error

from srcnn import InputError, data, results
from srcnn.images import sample, to_bytes
from srcnn.recipes import command_line
from srcnn.reproduce import ablations
from srcnn.reproduce.ablations import BASE, SEEDS, STUDIES, Study, color_psnr, run, train_and_measure
from srcnn.resize import enlarge, shrink
from srcnn.training import Learner, make_model

STUDY = {
    "width": Study("Do more filters help?", {"small": {"widths": "4-2", "data": "sample"}, "base": {"data": "sample"}})
}


class Here:
    """A pool that works in this process, when it is asked."""

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> "Here":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, function, *arguments) -> Future:
        future = Future()
        future.set_result(function(*arguments))
        return future


@pytest.fixture
def asked(monkeypatch) -> list:
    """The configurations that were trained; each scores 30 dB, its seed, and a tenth for each first filter."""
    configs = []

    def pretend(config):
        configs.append(config)
        psnr = 30.0 + config.seed + int(config.widths.split("-")[0]) / 10
        more = {"seconds": 1.5, "parameters": 7, "machine": "a machine"}
        return {"command": command_line(config), "set5": psnr, "set14": psnr - 3, **more}

    monkeypatch.setattr(ablations, "ProcessPoolExecutor", Here)
    monkeypatch.setattr(ablations, "train_and_measure", pretend)
    return configs


def test_a_study_has_the_mean_and_the_spread_of_its_seeds(asked, tmp_path):
    lines = [record["line"] for record in run(tmp_path, studies=STUDY)]
    assert len(lines) == 7
    assert lines[-1] == "width: small 31.40, base 37.40"
    assert [path.name for path in tmp_path.iterdir()] == ["ablation-width.json"]
    record = json.loads((tmp_path / "ablation-width.json").read_text())
    small = record["variants"]["small"]
    assert small["mean"] == {"set5": 31.4, "set14": 28.4}
    assert small["spread"] == {"set5": 1.0, "set14": 1.0}  # of 30.4, 31.4 and 32.4, by n - 1
    assert small["seeds"]["2"] == {"set5": 32.4, "set14": 29.4}
    assert small["command"] == command_line(replace(BASE, widths="4-2", data="sample"))
    assert record["steps"] == BASE.steps
    assert record["provenance"]["machine"] == "a machine"


def test_the_base_of_many_studies_is_trained_once(asked, tmp_path):
    studies = {**STUDY, "loss": Study("?", {"mse": {"data": "sample"}, "l1": {"data": "sample", "loss": "l1"}})}
    list(run(tmp_path, studies=studies))
    assert len(asked) == 3 * len(SEEDS)
    widths, losses = (json.loads((tmp_path / f"ablation-{name}.json").read_text()) for name in studies)
    assert widths["variants"]["base"] == losses["variants"]["mse"]


@pytest.mark.parametrize("cut", [0, 25])
def test_an_interrupted_evening_goes_on_where_it_was(cut, asked, tmp_path):
    steps = run(tmp_path, studies=STUDY)
    for _ in range(4):
        next(steps)
    steps.close()
    assert not (tmp_path / "ablation-width.json").exists()
    journal = tmp_path / "ablations.jsonl"
    text = journal.read_text()
    journal.write_text(text[: len(text) - cut])  # a kill may cut the last line short
    done = len(text[: len(text) - cut].split("\n")) - 1
    asked.clear()
    list(run(tmp_path, studies=STUDY))
    assert len(asked) == 6 - done
    assert not journal.exists()


def test_a_set_that_is_not_there_is_told_before_anything_is_trained(asked, tmp_path):
    with pytest.raises(InputError, match="there is no data set 'nope'"):
        list(run(tmp_path, studies={"data": Study("?", {"nope": {"data": "nope"}})}))
    assert not asked
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", STUDIES)
def test_every_variant_is_a_network_and_differs_from_the_base_as_it_says(name):
    commands = []
    for changes in STUDIES[name].variants.values():
        config = replace(BASE, **changes)
        Learner(make_model(config), config)
        commands.append(command_line(config))
    assert len(set(commands)) == len(commands)
    assert command_line(BASE) in commands or name == "data"


def test_the_channels_are_measured_as_scikit_image_converts_them():
    """Bicubic on all three; the joint figure is the mean error of the three channels."""
    cup, scale = sample("coffee")[:, 100:160, 50:131], 3
    scores = color_psnr(enlarge, [("cup", cup)], scale=scale, color="luma")

    def levels(rgb):
        return torch.from_numpy(rgb2ycbcr(rgb.movedim(0, 2).numpy())).round()

    low = rgb2ycbcr(cup.movedim(0, 2).numpy()) / 255
    output = (enlarge(shrink(torch.from_numpy(low).movedim(2, 0), scale), scale) * 255).round().movedim(0, 2)
    target = levels(cup)
    inner = (slice(scale, -scale), slice(scale, -scale))
    errors = [mean_squared_error(target[inner][..., c].numpy(), output[inner][..., c].numpy()) for c in range(3)]
    for key, error in zip(("y", "cb", "cr", "color"), (*errors, sum(errors) / 3), strict=True):
        expected = 10 * torch.tensor(255**2 / error).log10().item()
        assert scores[key] == pytest.approx(expected, abs=0.01), key


def test_a_network_for_color_that_copies_scores_as_bicubic():
    cup = to_bytes(sample("coffee")[:, 100:160, 50:131]).float() / 255
    scores = {c: color_psnr(enlarge, [("cup", cup)], scale=3, color=c) for c in ("luma", "ycbcr", "rgb")}
    assert scores["luma"] == scores["ycbcr"]
    assert scores["rgb"] == pytest.approx(scores["luma"], abs=0.01)  # resizing and converting commute, but for rounding


@pytest.mark.data
@pytest.mark.parametrize("color", ["luma", "rgb", "ycbcr"])
def test_training_is_measured_and_timed(color):
    config = replace(BASE, data="sample:1", steps=3, batch_size=2, color=color, widths="4-2")
    result = train_and_measure(config)
    assert {"set5", "cb", "cr", "color"} <= result.keys()
    assert ("set14" in result) == (color == "luma")
    assert result["parameters"] == sum(p.numel() for p in make_model(config).parameters())
    assert result["seconds"] >= 0
    if color == "luma":
        bicubic = color_psnr(enlarge, data.photographs("set5", "test"), scale=3, color="luma")
        assert bicubic["y"] == pytest.approx(30.39, abs=0.005)
        assert (result["cb"], result["cr"]) == (round(bicubic["cb"], 4), round(bicubic["cr"], 4))


# What is stored


@pytest.mark.parametrize("name", STUDIES)
def test_a_stored_study_is_the_one_that_the_code_would_run_today(name):
    stored = results.stored(f"ablation-{name}")
    assert (stored["question"], stored["steps"]) == (STUDIES[name].question, BASE.steps)
    assert list(stored["variants"]) == list(STUDIES[name].variants)
    for variant, changes in STUDIES[name].variants.items():
        kept = stored["variants"][variant]
        assert kept["command"] == command_line(replace(BASE, **changes, seed=SEEDS[0]))
        assert list(kept["seeds"]) == [str(seed) for seed in SEEDS]
        for score, value in kept["mean"].items():
            runs = [scores[score] for scores in kept["seeds"].values()]
            assert value == pytest.approx(fmean(runs), abs=1e-4)
            assert kept["spread"][score] == pytest.approx(stdev(runs), abs=1e-4)


@pytest.mark.data
@pytest.mark.release
def test_the_base_trained_anew_comes_within_its_luck_of_what_is_stored(data_root):
    """0.1 dB: another processor rounds otherwise, and SOAP makes another path of that, as of another seed."""
    kept = results.stored("ablation-width")["variants"]["64-32"]["seeds"]["0"]
    fresh = train_and_measure(replace(BASE, seed=0))
    for name in ("set5", "set14"):
        assert fresh[name] == pytest.approx(kept[name], abs=0.1)
