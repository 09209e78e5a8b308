"""Published figures: those that anybody can look up, and what must hold among them."""

from collections import Counter
from statistics import fmean

import pytest

from srcnn.published import PER_IMAGE, SCORES, score


@pytest.mark.parametrize(
    ("data", "scale", "method", "psnr"),
    [
        ("set5", 3, "bicubic", 30.39),
        ("set5", 3, "9-1-5", 32.39),  # table 2 of the paper, where the 91 images are the training set
        ("set14", 3, "9-1-5", 29.00),
        ("set5", 2, "9-5-5", 36.66),
        ("set14", 4, "9-5-5", 27.50),
    ],
)
def test_well_known_figures(data, scale, method, psnr):
    assert score(data, scale, method, "91 images" if method == "9-1-5" else None).psnr == psnr


def test_no_figure_stands_twice():
    keys = Counter((s.data, s.scale, s.method, s.training) for s in SCORES)
    assert max(keys.values()) == 1


@pytest.mark.parametrize("method", PER_IMAGE)
def test_the_mean_of_the_images_is_the_figure_of_the_set(method):
    training = "91 images" if method == "9-1-5" else None
    # each image is rounded to 0.01, and so is the mean: half of that twice
    assert fmean(PER_IMAGE[method].values()) == pytest.approx(score("set5", 3, method, training).psnr, abs=0.01)


def test_every_method_beats_bicubic_and_a_larger_scale_is_harder():
    for s in SCORES:
        bicubic = score(s.data, s.scale, "bicubic")
        assert s.method == "bicubic" or s.psnr > bicubic.psnr
        harder = [t for t in SCORES if (t.data, t.method, t.training) == (s.data, s.method, s.training)]
        assert all((t.psnr < s.psnr) == (t.scale > s.scale) for t in harder if t != s)
        assert s.ssim is None or (bicubic.ssim <= s.ssim < 1)


@pytest.mark.parametrize(("method", "count"), [("9-1-5", 2), ("9-7-5", 0)])
def test_a_question_without_one_answer_is_refused(method, count):
    with pytest.raises(KeyError, match=f"{count} published figures for set5 x3 {method}"):
        score("set5", 3, method)
