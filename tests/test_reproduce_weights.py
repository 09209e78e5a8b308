"""reproduce.weights: what is shipped is what its command trains, with a card and a log."""

import shlex
from dataclasses import asdict, replace

from srcnn import pretrained
from srcnn.cli import training
from srcnn.cli.arguments import parser
from srcnn.recipes import with_changes
from srcnn.reproduce import weights
from srcnn.reproduce.weights import SHIPPED
from srcnn.results import stored
from srcnn.runs import Run


def test_what_is_shipped_is_what_the_course_says_and_each_card_has_its_settings():
    assert sorted(SHIPPED) == pretrained.names()
    for name, config in SHIPPED.items():
        card = pretrained.load(name).card
        now = asdict(config)
        assert {key: now[key] for key in card["training"]} == card["training"], name
        words = shlex.split(card["command"])
        assert training._configuration(parser().parse_args(words[1:])) == config, (
            name
        )  # as written it trains this today


def test_the_equal_training_of_chapter_12_is_that_of_the_other_networks():
    record = stored("equal-training")
    words = shlex.split(record["command"])
    alike = replace(SHIPPED["srcnn-9-5-5-x3"], scale=4)
    assert training._configuration(parser().parse_args(words[1:])) == alike
    assert (record["steps"], record["seed"]) == (alike.steps, alike.seed)
    assert record["psnr"].keys() == {"set5", "set14", "bsds300"}


def test_shipping_trains_what_is_missing_goes_on_and_leaves_what_is_there(folder, tmp_path, monkeypatch):
    config = with_changes("fast", data=str(folder), scale=2, steps=20, batch_size=2)
    other = replace(config, seed=1)
    monkeypatch.setattr(weights, "SHIPPED", {"one": config, "two": other})
    monkeypatch.setattr(weights, "CARD_SETS", (str(folder),))
    shelf, runs = tmp_path / "shelf", tmp_path / "runs"
    shelf.mkdir()
    (shelf / "two.safetensors").write_text("somebody's")
    next(iter(Run(config, runs / "one")))  # begun, then stopped
    lines = [record["line"] for record in weights.run(shelf, runs=runs)]
    assert lines[0].startswith("one made in ")
    assert lines[1] == "two is there"
    assert {path.name for path in shelf.iterdir()} == {"one.safetensors", "one.md", "one.jsonl", "two.safetensors"}
    assert pretrained.load(shelf / "one.safetensors").card["training"] == asdict(config)
