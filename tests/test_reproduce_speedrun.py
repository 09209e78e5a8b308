"""reproduce speedrun: entries in turns, from every seed, held to the rules that are printed with them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from scipy import stats

from srcnn import results
from srcnn.evaluation import evaluate, mean_scores, upscaler
from srcnn.recipes import with_changes
from srcnn.reproduce import EXPERIMENTS, speedrun
from srcnn.runs import start
from srcnn.training import train

TINY = with_changes("fast", architecture="3-1-3", widths="4-2", data="sample", batch_size=2, steps=12)
ENTRIES = {"first": TINY, "second": replace(TINY, steps=6)}


@pytest.fixture(scope="module")
def record(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("results")
    settings = {"entries": ENTRIES, "seeds": 2, "test": "sample", "validation": ("sample", "test"), "target": 20.0}
    lines = [told["line"] for told in speedrun.run(folder, **settings)]
    assert [line.split(":")[0] for line in lines[:4]] == [f"{name}, seed {seed}" for seed in (0, 1) for name in ENTRIES]
    assert len(lines) == 5
    return json.loads((folder / "speedrun.json").read_text(encoding="utf-8"))


def test_each_entry_is_trained_from_every_seed_and_measured_after_its_last_step(record):
    for name, config in ENTRIES.items():
        told = record["entries"][name]
        assert [row["seed"] for row in told["seeds"]] == [0, 1]
        assert all(row["steps"] == config.steps and row["seconds"] > 0 for row in told["seeds"])
        learner, batches = start(replace(config, seed=1))
        losses = [step.loss.item() for step in train(learner, batches)]
        photographs = list(speedrun.data.photographs("sample", "test"))
        score = mean_scores(evaluate(upscaler(learner.final), photographs, scale=3)).psnr
        assert told["seeds"][1]["psnr"] == told["seeds"][1]["validation"] == pytest.approx(score, abs=1e-3)
        assert told["seeds"][1]["losses"] == pytest.approx(losses, rel=1e-3)


def test_a_record_is_significantly_above_the_target(record):
    for told in record["entries"].values():
        scores = [row["psnr"] for row in told["seeds"]]
        deviation = abs(scores[0] - scores[1]) / 2**0.5
        one_sided = stats.t.sf((sum(scores) / 2 - 20.0) / (deviation / 2**0.5), 1)
        assert told["p_value"] == pytest.approx(one_sided, rel=1e-3)
        assert told["is_a_record"] == (one_sided < 0.01)
        assert told["psnr"] == pytest.approx(sum(scores) / 2, abs=1e-4)


def test_times_are_compared_turn_by_turn(record):
    first, second = ([row["seconds"] for row in told["seeds"]] for told in record["entries"].values())
    assert record["entries"]["first"]["of_the_oldest"] == 1
    turns = sorted(b / a for a, b in zip(first, second, strict=True))
    assert record["entries"]["second"]["of_the_oldest"] == pytest.approx(sum(turns) / 2, abs=1e-3)


def test_the_entries_keep_the_rules_that_can_be_read_off_them():
    assert EXPERIMENTS["speedrun"] is speedrun.run
    for config in speedrun.ENTRIES.values():
        assert (config.architecture, config.widths, config.scale, config.data) == ("9-1-5", "64-32", 3, "t91")


def test_the_kept_record_is_of_the_entries_and_the_page_of_the_commands_prints_it():
    kept = results.stored("speedrun")
    assert kept["rules"] == list(speedrun.RULES)
    assert kept["target"] == 32.39
    assert kept["entries"].keys() == speedrun.ENTRIES.keys()
    page = (Path(__file__).resolve().parents[1] / "book" / "api" / "commands.md").read_text(encoding="utf-8")
    assert all(f"- {rule}\n" in page for rule in speedrun.RULES)
    assert f"Measured on {kept['machine']}:" in page
    for name, told in kept["entries"].items():
        assert told["training"] == speedrun.command_line(speedrun.ENTRIES[name])
        assert len(told["seeds"]) >= 5
        assert told["is_a_record"]
        assert f"- {name}: `{told['training']}`\n" in page
        figures = f"{told['seconds']:.1f} | {told['of_the_oldest']:.2f} | {told['psnr']:.2f} | {told['validation']:.2f}"
        assert f"| {name} | {figures} | {told['p_value']:.1g} | yes |\n" in page
    chapter = (Path(__file__).resolve().parents[1] / "book" / "08_building.ipynb").read_text(encoding="utf-8")
    steps = {name: f"{told['seeds'][0]['steps']:,}" for name, told in kept["entries"].items()}
    claim = "with {centered} steps and `identity` with {identity}, where the first entry takes {fast}"
    assert claim.format(**steps) in chapter
    first, *others = kept["entries"].values()
    assert all(told["validation"] >= first["validation"] for told in others)  # its steps were chosen for that
