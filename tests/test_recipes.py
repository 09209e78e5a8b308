"""recipes: the settings of the papers, and how a run tells what it changed of them."""

from dataclasses import fields, replace

import pytest
import torch

from srcnn import InputError
from srcnn.recipes import RECIPES, TrainConfig, command, setting, with_changes
from srcnn.training import make_model


def test_the_papers_rate_for_a_mean_over_pixels_is_0_02205():
    paper = RECIPES["paper"]
    output = make_model(paper)(torch.zeros(1, 1, paper.crop, paper.crop))
    assert output.shape == (1, 1, 21, 21)
    assert paper.learning_rate == pytest.approx(0.02205, abs=1e-12)
    assert paper.learning_rate / 1e-4 == pytest.approx(220.5)


def test_the_recipes_are_those_of_the_paper_and_of_the_tutorial():
    paper, tutorial = RECIPES["paper"], RECIPES["tutorial"]
    assert (paper.batch, paper.crop, paper.optimizer, paper.slow_factor) == (128, 33, "sgd", 0.1)
    assert paper.batch * paper.steps == 8e8
    assert (tutorial.scale, tutorial.batch, tutorial.learning_rate, tutorial.seed) == (4, 8, 0.01, 123)
    assert tutorial.steps * tutorial.batch == 20 * 200
    assert tutorial.crop * tutorial.scale == 256
    assert sum(p.numel() for p in make_model(tutorial).parameters()) == 20_144
    paper_weights = make_model(paper)
    assert paper_weights.extraction.weight.std().item() == pytest.approx(0.001, rel=0.05)  # 5,184 draws
    assert all(not layer.bias.any() for layer in paper_weights.children() if hasattr(layer, "bias"))


def test_a_command_says_what_differs_from_the_recipe_and_no_more():
    assert command(RECIPES["fast"]) == "srcnn train --recipe fast --data t91 --scale 3"
    config = with_changes("paper", data="my photos", steps=7, learning_rate=0.5, seed=3, batch=2, scale=None)
    told = "srcnn train --recipe paper --data 'my photos' --scale 3 --steps 7 --batch 2 --lr 0.5 --seed 3"
    assert command(config) == told


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_setting_without_a_flag_is_told_and_read_back(recipe):
    changes = {"loss": "l1", "crop": 48, "slow_factor": 0.25, "cosine": True, "colour": "rgb", "widths": "8-4"}
    config = replace(RECIPES[recipe], data="leaves", scale=2, **changes)
    words = command(config).split()
    given = dict(setting(word) for word in words[words.index("--set") + 1 :])
    assert with_changes(recipe, data="leaves", scale=2, **given) == config


def test_every_setting_can_be_set_in_one_way():
    for field in fields(TrainConfig):
        value = getattr(RECIPES["fast"], field.name)
        if field.name in ("data", "scale", "architecture", "steps", "batch", "learning_rate", "seed", "precision"):
            with pytest.raises(InputError, match=rf"{field.name} has a flag of its own; give --\w+"):
                setting(f"{field.name}={value}")
        elif field.name != "recipe":
            assert setting(f"{field.name}={value}") == (field.name, value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("los=l1", "'los=l1' is no setting; give name=value, where the name is one of widths, padding"),
        ("recipe=fast", "'recipe=fast' is no setting"),
        ("crop", "'crop' is no setting"),
        ("crop=", "'crop=' is no setting"),
        ("crop=3.5", "crop must be a whole number, not '3.5'"),
        ("crop=-3", "crop must be 1 or more and below 1e15, not -3"),
        ("shards=0", "shards must be 1 or more and below 1e15, not 0"),
        ("average=-0.1", "average must be 0 or more"),
        ("average=nan", "average must be 0 or more"),
        ("average=1e99", "average must be 0 or more and below 1e15, not 1e99"),
        ("cosine=yes", "cosine must be true or false, not 'yes'"),
    ],
)
def test_a_setting_that_makes_no_sense_is_told(text, told):
    with pytest.raises(InputError, match=told):
        setting(text)


def test_an_unknown_recipe_is_told():
    with pytest.raises(InputError, match="recipe 'slow' is unknown; it is one of paper, tutorial, fast"):
        with_changes("slow")
