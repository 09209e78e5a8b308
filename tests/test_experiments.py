"""experiments: a record says what was measured, on what and by which command, and can be made again."""

import json

import pytest
import torch

from srcnn import InputError, data, experiments, pretrained
from srcnn.evaluation import PROTOCOL, evaluate, mean, upscaler
from srcnn.model import SRCNN, SubPixelSRCNN, initialise
from srcnn.resize import enlarge


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


def test_a_network_for_colour_is_given_rgb_and_measured_on_luma(folder, tmp_path):
    model = initialise(SRCNN((3, 1, 3), (4, 4), channels=3), "torch", seed=0)
    pretrained.save(model, tmp_path / "rgb.safetensors", {})
    record = experiments.measure(str(tmp_path / "rgb.safetensors"), str(folder), 2)
    table = evaluate(upscaler(model), data.photographs(str(folder), "test"), scale=2, view="rgb")
    assert record["mean"]["psnr"] == round(mean(table).psnr, 4)


def test_a_network_for_other_channels_or_for_ycbcr_is_not_measured(folder, tmp_path):
    for name, channels, card in (("two", 2, {}), ("three", 3, {}), ("ycbcr", 3, {"training": {"colour": "ycbcr"}})):
        model = SRCNN((3, 1, 3), (4, 4), channels=channels)
        pretrained.save(model, tmp_path / f"{name}.safetensors", card)
    for name, grey, told in (
        ("two", False, "works on 2 channels; the protocol measures a network for luma or RGB"),
        ("three", True, "works on 3 channels; the protocol measures a network for grey"),
        ("ycbcr", False, "was trained for YCbCr, which only chapter 11 does"),
    ):
        with pytest.raises(InputError, match=told):
            experiments.measure(str(tmp_path / f"{name}.safetensors"), str(folder), 2, grey=grey)


def test_grey_says_so_in_its_name_its_protocol_and_its_command(folder):
    record = experiments.measure("bicubic", str(folder), 2, grey=True)
    table = evaluate(enlarge, data.photographs(str(folder), "test"), scale=2, view="grey")
    assert record["mean"]["psnr"] == round(mean(table).psnr, 4)
    assert record["data"] == f"{folder}-grey"
    assert record["protocol"].startswith("full-range grey (8-bit), modcrop, bicubic")
    assert record["provenance"]["command"].endswith(" --scale 2 --grey")


def test_a_result_never_measured_is_told():
    with pytest.raises(InputError, match=r"there is no result set5-x3-nope\.json; `make help` tells how"):
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
    kept = experiments.results("srcnn-3-1-3-x2", "any", 2)
    assert kept == {key: value for key, value in records[1].items() if key != "line"}
    assert records[1]["line"].endswith(f"x2 srcnn-3-1-3-x2       {kept['mean']['psnr']:.2f} dB")


def test_a_network_for_rgb_is_not_measured_on_grey(monkeypatch):
    monkeypatch.setattr(pretrained, "names", lambda: ["srcnn-9-1-5-rgb-x3", "srcnn-9-1-5-x2", "srcnn-9-1-5-x3"])
    assert experiments.methods("set5", 3) == ["bicubic", "srcnn-9-1-5-rgb-x3", "srcnn-9-1-5-x3"]
    assert experiments.methods("bsds500-test-grey", 3) == ["bicubic", "srcnn-9-1-5-x3"]


def test_file_names_of_results_name_set_scale_and_method():
    assert experiments._file("srcnn-9-1-5-x3", "set5", 3) == "set5-x3-srcnn-9-1-5.json"
    assert experiments._file("bicubic", "bsds300", 4) == "bsds300-x4-bicubic.json"
