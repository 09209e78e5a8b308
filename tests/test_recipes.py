"""recipes: the settings of the papers, and how a run tells what it changed of them."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from srcnn import InputError
from srcnn.cli.arguments import parser
from srcnn.cli.training import _configuration
from srcnn.files import shipped
from srcnn.recipes import RECIPES, TrainConfig, command_line, current_names, flag, kinds, parse_setting, with_changes
from srcnn.training import make_model


def test_the_papers_rate_for_a_mean_over_pixels_is_0_02205():
    paper = RECIPES["paper"]
    output = make_model(paper)(torch.zeros(1, 1, paper.patch_size, paper.patch_size))
    assert output.shape == (1, 1, 21, 21)
    assert paper.learning_rate == pytest.approx(0.02205, abs=1e-12)
    assert paper.learning_rate / 1e-4 == pytest.approx(220.5)


def test_the_recipes_are_those_of_the_paper_and_of_the_tutorial():
    paper, tutorial = RECIPES["paper"], RECIPES["tutorial"]
    assert (paper.batch_size, paper.patch_size, paper.optimizer, paper.last_layer_lr_factor) == (128, 33, "sgd", 0.1)
    assert paper.batch_size * paper.steps == 8e8
    assert (tutorial.scale, tutorial.batch_size, tutorial.learning_rate, tutorial.seed) == (4, 8, 0.01, 123)
    assert tutorial.steps * tutorial.batch_size == 20 * 200
    assert tutorial.patch_size * tutorial.scale == 256
    assert sum(p.numel() for p in make_model(tutorial).parameters()) == 20_144
    paper_weights = make_model(paper)
    assert paper_weights.extraction.weight.std().item() == pytest.approx(0.001, rel=0.05)  # 5,184 draws
    assert all(not layer.bias.any() for layer in paper_weights.children() if hasattr(layer, "bias"))


def test_a_command_says_what_differs_from_the_recipe_and_no_more():
    assert command_line(RECIPES["fast"]) == "srcnn train --recipe fast --scale 3 --data t91"
    config = with_changes("paper", data="my photos", steps=7, learning_rate=0.5, seed=3, batch_size=2, scale=None)
    told = "srcnn train --recipe paper --scale 3 --data 'my photos' --batch 2 --steps 7 --lr 0.5 --seed 3"
    assert command_line(config) == told


def read_back(command: str) -> TrainConfig:
    """The configuration that a command line trains."""
    return _configuration(parser().parse_args(shlex.split(command)[1:]))


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_setting_that_differs_is_told_and_read_back(recipe):
    """Each alone, and all at once; the tutorial's patch size is not free, as it follows from the scale."""
    values = {str: "8-4", int: 7, float: 0.25}
    free = {name: kind for name, kind in kinds().items() if name not in ("data", "scale", "sampling", "precision")}
    changes = {n: not getattr(RECIPES[recipe], n) if kind is bool else values[kind] for n, kind in free.items()}
    changes["precision"] = "bfloat16"
    if recipe == "tutorial":
        del changes["patch_size"]
    for some in (*({name: value} for name, value in changes.items()), changes):
        config = replace(RECIPES[recipe], data="leaves", **some)
        assert read_back(command_line(config)) == config, some


def test_settings_of_version_0_1_are_read_under_their_names():
    old = "srcnn train --recipe fast --data t91 --scale 3 --set colour=rgb zooms=1-0.8 pairs=crops crop=24"
    old += " slow_factor=1.0"
    old += " warm_up=50 average=0.0 initialisation=paper exact=0.5 shards=2 cosine=False compile=false loss=l1 batch=8"
    wanted = with_changes(
        "fast", color="rgb", scale_augmentation="1-0.8", sampling="crops", patch_size=24, last_layer_lr_factor=1.0,
        warmup_steps=50, ema_share=0.0, initialization="paper", full_precision_share=0.5, micro_batches=2, cosine=False,
        compile=False, loss="l1", batch_size=8,
    )  # fmt: skip
    assert read_back(old) == wanted
    former = {"colour": "rgb", "zooms": "1-0.8", "pairs": "crops", "crop": 24, "slow_factor": 1.0, "warm_up": 50,
              "average": 0.0, "initialisation": "paper", "exact": 0.5, "shards": 2, "cosine": False, "loss": "l1",
              "batch": 8}  # fmt: skip
    assert with_changes("fast", **former) == wanted
    assert not set(current_names(former)) & {*former} - {"cosine", "loss"}
    assert set(current_names(former)) <= set(kinds())


def commands(record: object) -> Iterator[str]:
    """Every training command in a stored record."""
    if isinstance(record, dict):
        record = list(record.values())
    if isinstance(record, list):
        for part in record:
            yield from commands(part)
    elif isinstance(record, str) and record.startswith("srcnn train "):
        yield record


def test_every_recorded_command_is_the_one_that_its_configuration_gives_today():
    found = [c for path in sorted(shipped("results").glob("*.json")) for c in commands(json.loads(path.read_text()))]
    assert len(found) > 30
    assert [command_line(read_back(command)) for command in found] == found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("los=l1", "'los' is no setting; the settings are architecture, widths, padding"),
        ("recipe=fast", "'recipe' is no setting"),
        ("patch_size=", "patch_size must be a whole number, not ''"),
        ("patch_size=3.5", "patch_size must be a whole number, not '3.5'"),
        ("patch_size=-3", "patch_size must be a whole number, not '-3'"),
        ("patch_size=1_0", "patch_size must be a whole number, not '1_0'"),
        ("patch_size=" + "9" * 5000, "patch_size must be a whole number"),
        ("micro_batches=0", "micro_batches must be 1 or more and at most 1,000,000,000,000,000, not 0"),
        ("batch_size=65537", "batch_size must be 1 or more and at most 65,536, not 65537"),
        ("seed=" + "9" * 16, "seed must be 0 or more and at most"),
        ("ema_share=-0.1", "ema_share must be 0 or more"),
        ("ema_share=nan", "ema_share must be 0 or more"),
        ("ema_share=1e99", "ema_share must be 0 or more and at most 1, not 1e99"),
        ("learning_rate=0", "learning_rate must be a number above 0 and below 1000, such as 0.005, not '0'"),
        ("learning_rate=nan", "learning_rate must be a number above 0"),
        ("cosine=yes", "cosine must be true or false, not 'yes'"),
    ],
)
def test_a_setting_that_makes_no_sense_is_told(text, told):
    with pytest.raises(InputError, match=re.escape(told)):
        parse_setting(*text.split("="))


def test_an_unknown_recipe_is_told():
    with pytest.raises(InputError, match="recipe 'slow' is unknown; it is one of paper, tutorial, fast"):
        with_changes("slow")


def test_the_page_of_the_hyperparameters_has_every_setting_with_its_flag_and_its_value():
    page = (Path(__file__).resolve().parents[1] / "book" / "hyperparameters.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| .+? \| `(--[\w-]+)` \| (.+?) \|", page, flags=re.M)
    told = {word: value.strip("`").replace(",", "") for word, value in rows}
    fast = RECIPES["fast"]
    own = {flag(name): getattr(fast, name) for name in kinds() if name not in ("scale", "sampling")}
    own["--no-cosine"] = own.pop("--cosine")
    assert told.keys() == own.keys()
    for word, value in told.items():
        if isinstance(own[word], bool):
            assert value == ("half a cosine" if word == "--no-cosine" else "off")
        else:
            assert value == str(own[word]), word
