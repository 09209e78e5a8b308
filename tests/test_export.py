"""export, reproduce.weights: what is shipped is what its command trains, with a card and a log."""

import shlex
import shutil
from collections import deque
from dataclasses import asdict, replace

import pytest
import torch

from srcnn import InputError, pretrained, results
from srcnn.cli import commands
from srcnn.cli.arguments import parser
from srcnn.export import export
from srcnn.recipes import with_changes
from srcnn.reproduce import weights
from srcnn.reproduce.weights import SHIPPED
from srcnn.runs import Run


def test_what_is_shipped_is_what_the_course_says_and_each_card_has_its_settings():
    assert sorted(SHIPPED) == pretrained.names()
    for name, config in SHIPPED.items():
        card = pretrained.load(name).card
        now = asdict(config)
        assert {key: now[key] for key in card["training"]} == card["training"], name
        words = shlex.split(card["command"])
        assert commands._configuration(parser().parse_args(words[1:])) == config, (
            name
        )  # as written it trains this today


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


def test_export_gives_weights_a_card_and_the_log(folder, tmp_path):
    run = Run(with_changes("fast", data=str(folder), scale=2, steps=20, batch_size=2), tmp_path / "run")
    with pytest.raises(InputError, match="holds no finished run; `srcnn train --resume --out"):
        export(run.folder, tmp_path / "out.safetensors", [str(folder)])
    assert not list(tmp_path.glob("out*"))
    for _ in run:
        pass
    output = tmp_path / "out.safetensors"
    files = export(run.folder, output, [str(folder)])
    assert files == [output, tmp_path / "out.md", tmp_path / "out.jsonl"]
    loaded = pretrained.load(output)
    for name, value in run.learner.final.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], value)
    score = loaded.card["scores"][str(folder)]
    measured = results.measure(["bicubic", str(output)], str(folder), 2)
    assert score["bicubic_psnr"] == measured["bicubic"]["mean"]["psnr"]
    assert score["psnr"] == measured[str(output)]["mean"]["psnr"]
    card = files[1].read_text(encoding="utf-8")
    assert run.card()["command"] in card
    assert f"{score['psnr']:.2f}" in card
    assert files[2].read_bytes() == (run.folder / "history.jsonl").read_bytes()


@pytest.mark.parametrize("harm", ["no history", "another's weights"])
def test_a_run_that_lacks_a_part_is_not_exported_in_part(harm, folder, weights, tmp_path):
    run = Run(with_changes("fast", data=str(folder), scale=2, steps=2, batch_size=2), tmp_path / "run")
    deque(run, maxlen=0)
    if harm == "no history":
        (run.folder / "history.jsonl").unlink()
    else:
        shutil.copy(weights, run.folder / "weights.safetensors")
    with pytest.raises(InputError, match="run lacks its history or the record in its weights"):
        export(run.folder, tmp_path / "out.safetensors", [str(folder)])
    assert not list(tmp_path.glob("out*"))
