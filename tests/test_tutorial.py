"""tutorial: the tutorial's pairs and measure, mistakes included, against Pillow and by hand."""

import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from srcnn import InputError, data
from srcnn.recipes import with_changes
from srcnn.resize import enlarge
from srcnn.runs import start
from srcnn.training import train
from srcnn.tutorial import tutorial_epochs, tutorial_pair, tutorial_pairs, tutorial_psnr


def _picture(height: int, width: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def test_the_tutorials_measure_is_the_psnr_of_each_batchs_mean_error():
    targets = torch.zeros(4, 1, 8, 8)
    outputs = torch.tensor([0.1, 0.01, 0.1, 0.01]).view(4, 1, 1, 1).expand_as(targets)
    assert tutorial_psnr(outputs, targets, batch=1) == pytest.approx((20 + 40) / 2, abs=1e-5)
    pairs = -10 * math.log10((0.1**2 + 0.01**2) / 2)
    assert tutorial_psnr(outputs, targets, batch=2) == pytest.approx(pairs, abs=1e-5)
    three = -10 * math.log10((2 * 0.1**2 + 0.01**2) / 3)
    assert tutorial_psnr(outputs, targets, batch=3) == pytest.approx((three + 40) / 2, abs=1e-5)


@pytest.mark.data
def test_the_batch_size_alone_moves_the_tutorials_score_of_bicubic_by_one_db(data_root):
    pairs = [tutorial_pair(path, scale=4) for path in data.paths("bsd100", "test")]
    low, high = (torch.stack(images) for images in zip(*pairs, strict=True))
    # measured with and without clipping, and with Pillow's bytes: all within 0.003 dB of these two figures
    large = enlarge(low, 4)
    assert tutorial_psnr(large, high, batch=8) == pytest.approx(22.57, abs=0.005)
    assert tutorial_psnr(large, high, batch=1) == pytest.approx(23.54, abs=0.005)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_tutorials_pair_is_what_pillow_makes_directly(tmp_path, scale):
    _picture(40, 51).save(tmp_path / "a.png")
    low, high = tutorial_pair(tmp_path / "a.png", scale=scale, crop=32)
    side = 32 - 32 % scale
    square = ImageOps.fit(_picture(40, 51), (51, 40)).convert("YCbCr").split()[0]
    left, top = round((51 - side) / 2), round((40 - side) / 2)
    square = square.crop((left, top, left + side, top + side))
    small = square.resize((side // scale, side // scale), Image.Resampling.BILINEAR)
    for ours, theirs in ((high, square), (low, small)):
        assert torch.equal(ours[0] * 255, torch.from_numpy(np.array(theirs)).float())


def test_a_photograph_smaller_than_the_tutorials_square_is_refused(tmp_path):
    _picture(24, 20).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png has 20 x 24 pixels; the tutorial cuts 255 x 255 from the center"):
        tutorial_pair(tmp_path / "a.png", scale=3)


def test_the_tutorials_pairs_are_those_of_its_own_function(pictures):
    low, high = tutorial_pairs(str(pictures), "train", scale=4, crop=56)
    assert (low.shape, high.shape) == ((4, 1, 14, 14), (4, 1, 56, 56))
    expected = tutorial_pair(pictures / "2.png", scale=4, crop=56)
    torch.testing.assert_close((low[2], high[2]), expected, rtol=0, atol=0)


def test_an_epoch_that_is_not_whole_counts_as_one(tmp_path):
    """Four photographs, two batches of three: one epoch and a half, so two."""
    dice = np.random.default_rng(0)
    for number in range(4):
        Image.fromarray(dice.integers(0, 256, (64, 64), dtype=np.uint8)).save(tmp_path / f"{number}.png")
    config = with_changes("tutorial", data=str(tmp_path), batch_size=3, steps=2, patch_size=16)
    learner, batches = start(config)
    told = list(tutorial_epochs(learner, train(learner, batches), batch=2))
    assert [(line["epoch"], line["epochs"]) for line in told] == [(1, 2)]
