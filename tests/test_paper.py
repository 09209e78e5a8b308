"""The course's two promises: its numbers are what the code gives, and the model reaches the paper while you watch."""

import copy

import pytest
import torch

from srcnn import data, experiments, pretrained, published
from srcnn.evaluation import evaluate, mean, upscaler
from srcnn.recipes import with_changes
from srcnn.runs import make_batches
from srcnn.training import Learner, make_model, train

pytestmark = pytest.mark.data

RECORDS = [
    (weights, dataset, scale)
    for dataset in experiments.TEST_SETS
    for scale in experiments.SCALES
    for weights in ("bicubic", f"srcnn-9-1-5-x{scale}")
]


@pytest.mark.parametrize(("weights", "dataset", "scale"), RECORDS)
def test_a_table_of_the_book_is_what_the_code_gives_and_bicubic_is_the_papers(data_root, weights, dataset, scale):
    """To 0.005 dB, half of the last digit that the book prints."""
    kept = experiments.results(weights, dataset, scale)
    fresh = experiments.measure(weights, dataset, scale, root=data_root)
    assert fresh["provenance"]["data_sha256"] == kept["provenance"]["data_sha256"]
    assert fresh["protocol"] == kept["protocol"]
    assert fresh["images"].keys() == kept["images"].keys()
    for name, quality in {"mean": fresh["mean"], **fresh["images"]}.items():
        before = kept["mean"] if name == "mean" else kept["images"][name]
        assert quality["psnr"] == pytest.approx(before["psnr"], abs=0.005), name
        assert quality["ssim"] == pytest.approx(before["ssim"], abs=0.0005), name
    if weights == "bicubic":
        paper = published.score({"bsds300": "bsd100"}.get(dataset, dataset), scale, "bicubic")
        assert fresh["mean"]["psnr"] == pytest.approx(paper.psnr, abs=0.005)
        if dataset == "set5":
            assert fresh["mean"]["ssim"] == pytest.approx(paper.ssim, abs=0.0005)


@pytest.mark.parametrize(
    ("scale", "set5", "set14"), [(2, 36.60, 32.35), (3, 32.60, 29.10), (4, 30.25, 27.30)], ids=lambda value: str(value)
)
def test_the_shipped_weights_are_above_the_papers_from_the_same_91_images(scale, set5, set14):
    for dataset, least in (("set5", set5), ("set14", set14)):
        ours = experiments.results(f"srcnn-9-1-5-x{scale}", dataset, scale)["mean"]["psnr"]
        assert ours >= least
        assert ours > published.score(dataset, scale, "9-1-5", "91 images").psnr


def test_the_shipped_cards_say_how_the_weights_were_made():
    for name in pretrained.names():
        card = pretrained.load(name).card
        assert card["command"].startswith("srcnn train --recipe ")
        assert {"scale", "seconds", "machine", "versions", "scores"} <= card.keys()
        for dataset, score in card["scores"].items():
            kept = experiments.results(name, {"bsd100": "bsds300"}.get(dataset, dataset), card["scale"])["mean"]
            assert score["psnr"] == pytest.approx(kept["psnr"], abs=0.005)


def trained(recipe: str, root, **changes) -> torch.nn.Module:
    config = with_changes(recipe, **changes)
    model = make_model(config)
    learner = Learner(model, config)
    for _ in train(learner, make_batches(config, model, root=root)):
        pass
    return copy.deepcopy(learner.result)


@pytest.mark.parametrize(("source", "steps", "least"), [("t91", 1_500, 32.39), ("sample", 3_000, 32.2)])
def test_training_from_scratch_reaches_the_paper(data_root, source, steps, least):
    """32.39 dB is the paper's figure on Set5 at x3; 32.2 is what eight photographs are good for."""
    model = trained("fast", data_root, data=source, scale=3, steps=steps)
    reached = mean(evaluate(upscaler(model), data.photographs("set5", "test", data_root), scale=3))
    assert reached.psnr >= least
