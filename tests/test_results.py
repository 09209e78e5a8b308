"""results: a record says what was measured, on what and by which command, and can be made again."""

import json
import shutil
from collections import deque

import pytest
import torch
from tiny_sets import fingerprint

from srcnn import InputError, data, images, pretrained, results
from srcnn.evaluation import PROTOCOL, evaluate, mean_scores, upscaler
from srcnn.model import SRCNN, SubPixelSRCNN, initialize
from srcnn.recipes import with_changes
from srcnn.reproduce import tables
from srcnn.resize import enlarge
from srcnn.runs import Run


def _measured(weights: str, folder, scale: int, **how) -> dict:
    return results.measure([weights], str(folder), scale, **how)[weights]


def test_a_record_holds_the_protocols_scores_and_where_they_come_from(folder):
    record = _measured("bicubic", folder, 2)
    table = evaluate(enlarge, data.photographs(str(folder), "test"), scale=2)
    assert record["mean"] == {"psnr": round(mean_scores(table).psnr, 4), "ssim": round(mean_scores(table).ssim, 5)}
    assert list(record["images"]) == ["a", "b"]
    assert record["images"]["b"]["psnr"] == round(table["b"].psnr, 4)
    assert (record["weights"], record["data"], record["scale"]) == ("bicubic", str(folder), 2)
    assert record["protocol"] == PROTOCOL
    provenance = record["provenance"]
    assert provenance["command"] == f"srcnn evaluate --weights bicubic --data '{folder}' --scale 2"
    assert provenance["torch"].startswith(torch.__version__.split("+")[0])
    assert provenance["data_sha256"] == fingerprint(data.photographs(str(folder), "test"))


def test_a_record_survives_its_file(folder, tmp_path):
    record = _measured("bicubic", folder, 2)
    results.write_json(record, tmp_path / "r.json")
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8")) == record


def test_weights_are_measured_for_their_own_scale_only(folder, weights, tmp_path):
    assert _measured(weights, folder, 2)["mean"]["psnr"] > 0
    with pytest.raises(InputError, match=r"was trained for x2, not x3; give --scale 2"):
        _measured(weights, folder, 3)
    pretrained.save(SubPixelSRCNN(4), tmp_path / "sub.safetensors", {})
    with pytest.raises(InputError, match="was trained for x4, not x2"):  # known from the shapes, without a card
        pretrained.load(tmp_path / "sub.safetensors", scale=2)


def test_weights_for_a_scale_that_the_course_has_not_are_not_sent_there(folder, tmp_path):
    pretrained.save(SRCNN((3, 1, 3), (4, 4)), tmp_path / "w.safetensors", {"scale": 0})
    with pytest.raises(InputError, match="was trained for x0; only 2, 3 and 4"):
        pretrained.load(tmp_path / "w.safetensors", scale=2)


def test_a_network_for_color_is_given_rgb_and_measured_on_luma(folder, tmp_path):
    model = initialize(SRCNN((3, 1, 3), (4, 4), channels=3), "torch", seed=0)
    pretrained.save(model, tmp_path / "rgb.safetensors", {})
    record = _measured(str(tmp_path / "rgb.safetensors"), folder, 2)
    table = evaluate(upscaler(model), data.photographs(str(folder), "test"), scale=2, color_space="rgb")
    assert record["mean"]["psnr"] == round(mean_scores(table).psnr, 4)


def test_a_network_for_other_channels_or_for_ycbcr_is_not_measured(folder, tmp_path):
    for name, channels, card in (("two", 2, {}), ("three", 3, {}), ("ycbcr", 3, {"training": {"color": "ycbcr"}})):
        model = SRCNN((3, 1, 3), (4, 4), channels=channels)
        pretrained.save(model, tmp_path / f"{name}.safetensors", card)
    for name, gray, told in (
        ("two", False, "works on 2 channels; the protocol measures a network for luma or RGB"),
        ("three", True, "works on 3 channels; the protocol measures a network for gray"),
        ("ycbcr", False, "was trained for YCbCr, which only chapter 13 does"),
    ):
        with pytest.raises(InputError, match=told):
            _measured(str(tmp_path / f"{name}.safetensors"), folder, 2, gray=gray)


def test_gray_says_so_in_its_name_its_protocol_and_its_command(folder):
    record = _measured("bicubic", folder, 2, gray=True)
    table = evaluate(enlarge, data.photographs(str(folder), "test"), scale=2, color_space="gray")
    assert record["mean"]["psnr"] == round(mean_scores(table).psnr, 4)
    assert record["data"] == f"{folder}-gray"
    assert record["protocol"].startswith("full-range gray (8-bit), modcrop, bicubic")
    assert record["provenance"]["command"].endswith(" --scale 2 --gray")


def test_a_result_never_measured_is_told():
    with pytest.raises(InputError, match=r"there is no result set5-x3-nope\.json; `make help` tells how"):
        results.results("nope-x3", "set5", 3)


def test_the_tables_are_bicubic_and_every_shipped_network_on_every_set(folder, weights, tmp_path, monkeypatch):
    shelf = tmp_path / "data"
    for place in ("weights", "results"):
        (shelf / place).mkdir(parents=True)
    model = pretrained.load(weights).model
    pretrained.save(model, shelf / "weights" / "srcnn-3-1-3-x2.safetensors", {"scale": 2})
    for module in (results, pretrained):
        monkeypatch.setattr(module, "shipped", shelf.joinpath)
    monkeypatch.setattr(tables, "TEST_SETS", (str(folder),))
    for module in (tables, results):
        monkeypatch.setattr(module, "file_name", lambda weights, dataset, scale: f"{weights}-at-x{scale}.json")
    records = list(tables.run(shelf / "results"))
    assert [(r["weights"], r["scale"]) for r in records] == [
        ("bicubic", 2), ("srcnn-3-1-3-x2", 2), ("bicubic", 3), ("bicubic", 4)
    ]  # fmt: skip
    kept = results.results("srcnn-3-1-3-x2", "any", 2)
    assert kept == {key: value for key, value in records[1].items() if key != "line"}
    assert records[1]["line"].endswith(f"x2 srcnn-3-1-3-x2       {kept['mean']['psnr']:.2f} dB")


def test_a_network_for_rgb_is_not_measured_on_gray(monkeypatch):
    monkeypatch.setattr(pretrained, "names", lambda: ["srcnn-9-1-5-rgb-x3", "srcnn-9-1-5-x2", "srcnn-9-1-5-x3"])
    assert results.methods("set5", 3) == ["bicubic", "srcnn-9-1-5-rgb-x3", "srcnn-9-1-5-x3"]
    assert results.methods("bsds500-test-gray", 3) == ["bicubic", "srcnn-9-1-5-x3"]


def test_file_names_of_results_name_set_scale_and_method():
    assert results.file_name("srcnn-9-1-5-x3", "set5", 3) == "set5-x3-srcnn-9-1-5.json"
    assert results.file_name("bicubic", "bsds300", 4) == "bsds300-x4-bicubic.json"


def test_every_image_is_read_once_whatever_is_measured_on_it(folder, weights, monkeypatch):
    read, seen = images.read, []
    monkeypatch.setattr(images, "read", lambda path: seen.append(path.name) or read(path))
    records = results.measure(["bicubic", weights], str(folder), 2)
    assert seen == ["a.png", "b.png"]
    assert records[weights] == _measured(weights, folder, 2)
    assert records["bicubic"] == _measured("bicubic", folder, 2)


# Export


def test_export_gives_weights_a_card_and_the_log(folder, tmp_path):
    run = Run(with_changes("fast", data=str(folder), scale=2, steps=20, batch_size=2), tmp_path / "run")
    with pytest.raises(InputError, match="holds no finished run; `srcnn train --resume --out"):
        results.export(run.folder, tmp_path / "out.safetensors", [str(folder)])
    assert not list(tmp_path.glob("out*"))
    for _ in run:
        pass
    output = tmp_path / "out.safetensors"
    files = results.export(run.folder, output, [str(folder)])
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
        results.export(run.folder, tmp_path / "out.safetensors", [str(folder)])
    assert not list(tmp_path.glob("out*"))
