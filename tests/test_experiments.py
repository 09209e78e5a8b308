"""experiments: a record says what was measured, on what and by which command, and can be made again."""

import json
import shutil
from collections import deque

import pytest
import torch

from srcnn import InputError, data, experiments, pretrained
from srcnn.evaluation import PROTOCOL, evaluate, mean
from srcnn.images import Photograph, sample, to_bytes, write_photograph
from srcnn.model import SRCNN, SubPixelSRCNN, initialise
from srcnn.recipes import with_changes
from srcnn.resize import enlarge
from srcnn.runs import Run


@pytest.fixture
def folder(tmp_path):
    """Two small photographs, in a folder whose name has a blank."""
    place = tmp_path / "my photos"
    place.mkdir()
    for name in ("a", "b"):
        pixels = sample("coffee")[:, 100:150, :70] if name == "a" else sample("coins")[:, 40:100, 50:120]
        write_photograph(place / f"{name}.png", Photograph(to_bytes(pixels)))
    return place


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "w.safetensors"
    pretrained.save(initialise(SRCNN((3, 1, 3), (4, 4)), "torch", seed=0), path, {"scale": 2})
    return str(path)


def test_a_record_holds_the_protocols_scores_and_where_they_come_from(folder):
    record = experiments.measure("bicubic", str(folder), 2)
    table = evaluate(enlarge, data.photographs(str(folder), "test"), scale=2)
    assert record["mean"] == {"psnr": round(mean(table).psnr, 4), "ssim": round(mean(table).ssim, 5)}
    assert list(record["images"]) == ["a", "b"]
    assert record["images"]["b"]["psnr"] == round(table["b"].psnr, 4)
    assert (record["weights"], record["data"], record["scale"]) == ("bicubic", str(folder), 2)
    assert record["protocol"] == PROTOCOL
    provenance = record["provenance"]
    assert provenance["command"] == f"srcnn evaluate --weights bicubic --data '{folder}' --scale 2"
    assert provenance["torch"].startswith(torch.__version__.split("+")[0])
    assert provenance["data_sha256"] == data.fingerprint(str(folder), "test")


def test_a_record_survives_its_file(folder, tmp_path):
    record = experiments.measure("bicubic", str(folder), 2)
    experiments.write_json(record, tmp_path / "r.json")
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8")) == record


def test_weights_are_measured_for_their_own_scale_only(folder, weights, tmp_path):
    assert experiments.measure(weights, str(folder), 2)["mean"]["psnr"] > 0
    with pytest.raises(InputError, match=r"was trained for x2, not x3; give --scale 2"):
        experiments.measure(weights, str(folder), 3)
    pretrained.save(SubPixelSRCNN(4), tmp_path / "sub.safetensors", {})
    with pytest.raises(InputError, match="was trained for x4, not x2"):  # known from the shapes, without a card
        experiments.network(str(tmp_path / "sub.safetensors"), 2)


def test_weights_for_a_scale_that_the_course_has_not_are_not_sent_there(folder, tmp_path):
    pretrained.save(SRCNN((3, 1, 3), (4, 4)), tmp_path / "w.safetensors", {"scale": 0})
    with pytest.raises(InputError, match="was trained for x0; only 2, 3 and 4"):
        experiments.network(str(tmp_path / "w.safetensors"), 2)


def test_a_network_for_colour_is_not_measured_for_luma(folder, tmp_path):
    pretrained.save(SRCNN((3, 1, 3), (4, 4), channels=3), tmp_path / "rgb.safetensors", {})
    with pytest.raises(InputError, match="works on 3 channels; the protocol measures a network for luma"):
        experiments.measure(str(tmp_path / "rgb.safetensors"), str(folder), 2)


def test_a_result_never_measured_is_told():
    with pytest.raises(InputError, match=r"there is no result set5-x3-nope\.json; `make results`"):
        experiments.results("nope-x3", "set5", 3)


def test_the_tables_are_bicubic_and_every_shipped_network_on_every_set(folder, weights, tmp_path, monkeypatch):
    shelf = tmp_path / "data"
    for place in ("weights", "results"):
        (shelf / place).mkdir(parents=True)
    model = pretrained.load(weights).model
    pretrained.save(model, shelf / "weights" / "srcnn-3-1-3-x2.safetensors", {"scale": 2})
    for module in (experiments, pretrained):
        monkeypatch.setattr(module, "shipped", shelf.joinpath)
    monkeypatch.setattr(experiments, "TEST_SETS", (str(folder),))
    monkeypatch.setattr(experiments, "_file", lambda weights, dataset, scale: f"{weights}-at-x{scale}.json")
    records = list(experiments.tables(shelf / "results"))
    assert [(r["weights"], r["scale"]) for r in records] == [
        ("bicubic", 2), ("srcnn-3-1-3-x2", 2), ("bicubic", 3), ("bicubic", 4)
    ]  # fmt: skip
    assert experiments.results("srcnn-3-1-3-x2", "any", 2) == records[1]


def test_file_names_of_results_name_set_scale_and_method():
    assert experiments._file("srcnn-9-1-5-x3", "set5", 3) == "set5-x3-srcnn-9-1-5.json"
    assert experiments._file("bicubic", "bsds300", 4) == "bsds300-x4-bicubic.json"


def test_export_gives_weights_a_card_and_the_log(folder, tmp_path):
    run = Run(with_changes("fast", data=str(folder), scale=2, steps=20, batch=2), tmp_path / "run")
    with pytest.raises(InputError, match="holds no finished run; `srcnn train --resume --out"):
        experiments.export(run.folder, tmp_path / "out.safetensors", [str(folder)])
    assert not list(tmp_path.glob("out*"))
    for _ in run:
        pass
    output = tmp_path / "out.safetensors"
    files = experiments.export(run.folder, output, [str(folder)])
    assert files == [output, tmp_path / "out.md", tmp_path / "out.jsonl"]
    loaded = pretrained.load(output)
    for name, value in run.learner.result.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], value)
    score = loaded.card["scores"][str(folder)]
    assert score["bicubic_psnr"] == experiments.measure("bicubic", str(folder), 2)["mean"]["psnr"]
    assert score["psnr"] == experiments.measure(str(output), str(folder), 2)["mean"]["psnr"]
    card = files[1].read_text(encoding="utf-8")
    assert run.card()["command"] in card
    assert f"{score['psnr']:.2f}" in card
    assert files[2].read_bytes() == (run.folder / "history.jsonl").read_bytes()


@pytest.mark.parametrize("harm", ["no history", "another's weights"])
def test_a_run_that_lacks_a_part_is_not_exported_in_part(harm, folder, weights, tmp_path):
    run = Run(with_changes("fast", data=str(folder), scale=2, steps=2, batch=2), tmp_path / "run")
    deque(run, maxlen=0)
    if harm == "no history":
        (run.folder / "history.jsonl").unlink()
    else:
        shutil.copy(weights, run.folder / "weights.safetensors")
    with pytest.raises(InputError, match="run lacks its history or the record in its weights"):
        experiments.export(run.folder, tmp_path / "out.safetensors", [str(folder)])
    assert not list(tmp_path.glob("out*"))
