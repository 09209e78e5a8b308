"""Metrics, against closed forms, scikit-image's PSNR, and the formula of SSIM written out as a loop."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from srcnn.metrics import mse, psnr, ssim

METRICS = pytest.mark.parametrize(
    "metric", [mse, partial(psnr, peak=1), partial(ssim, peak=1)], ids=["mse", "psnr", "ssim"]
)


def _noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("error", [1, 2.5, -51])
def test_psnr_and_mse_of_a_constant_error_are_known_in_closed_form(error):
    target = torch.full((8, 8), 100.0)
    assert mse(target + error, target, shave=0) == error**2
    assert psnr(target + error, target, peak=255, shave=0) == pytest.approx(20 * math.log10(255 / abs(error)), abs=1e-9)


def test_the_unit_does_not_change_the_psnr():
    output, target = _noise(9, 9), _noise(9, 9, seed=1)
    in_bytes = psnr(output.double() * 255, target.double() * 255, peak=255, shave=0)
    assert psnr(output, target, peak=1, shave=0) == pytest.approx(in_bytes, abs=1e-9)


@pytest.mark.parametrize("shape", [(16, 17), (3, 16, 17)])
def test_psnr_is_scikit_images(shape):
    output, target = _noise(*shape), _noise(*shape, seed=1)
    theirs = peak_signal_noise_ratio(target.double().numpy(), output.double().numpy(), data_range=1)
    assert psnr(output, target, peak=1, shave=0) == pytest.approx(theirs, abs=1e-9)


def _naive_ssim(x: np.ndarray, y: np.ndarray, peak: float) -> float:
    """Equation 13 of Wang et al. 2004, window after window."""
    place = np.arange(11) - 5
    window = np.exp(-(place[:, None] ** 2 + place[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    values = []
    for row in range(x.shape[0] - 10):
        for column in range(x.shape[1] - 10):
            a, b = (image[row : row + 11, column : column + 11] for image in (x, y))
            ma, mb = (window * a).sum(), (window * b).sum()
            va, vb = (window * (a - ma) ** 2).sum(), (window * (b - mb) ** 2).sum()
            cov = (window * (a - ma) * (b - mb)).sum()
            values.append((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))
    return float(np.mean(values))


@pytest.mark.parametrize("peak", [1.0, 255.0])
def test_ssim_is_the_formula_written_out(peak):
    target = _noise(17, 20).double()
    output = (0.8 * target + 0.2 * _noise(17, 20, seed=1)).double()
    expected = _naive_ssim(output.numpy() * peak, target.numpy() * peak, peak)
    # 1e-7: variances as differences of means lose digits that the loop keeps
    assert ssim(output * peak, target * peak, peak=peak, shave=0) == pytest.approx(expected, abs=1e-7)


def test_ssim_of_color_is_the_mean_over_channels():
    output, target = _noise(3, 14, 15), _noise(3, 14, 15, seed=1)
    channels = [ssim(o, t, peak=1, shave=0) for o, t in zip(output, target, strict=True)]
    assert ssim(output, target, peak=1, shave=0) == pytest.approx(sum(channels) / 3, abs=1e-9)


def test_ssim_of_two_constants_is_known_in_closed_form():
    a, b, c1 = 0.25, 0.75, 0.01**2
    expected = (2 * a * b + c1) / (a * a + b * b + c1)  # no variance: the second factor is 1
    assert ssim(torch.full((12, 12), a), torch.full((12, 12), b), peak=1, shave=0) == pytest.approx(expected, abs=1e-9)


def test_ssim_is_symmetric_and_at_most_one():
    output, target = _noise(16, 16), _noise(16, 16, seed=1)
    there, back = (ssim(*pair, peak=1, shave=0) for pair in ((output, target), (target, output)))
    assert there == pytest.approx(back, abs=1e-12)
    assert -1 <= there < 0.5


def test_equal_images_have_no_error():
    image = _noise(12, 12)
    assert mse(image, image, shave=0) == 0
    assert psnr(image, image, peak=1, shave=0) == math.inf
    assert ssim(image, image, peak=1, shave=0) == 1


@METRICS
def test_shaving_cuts_each_side_before_comparing(metric):
    output, target = _noise(18, 20), _noise(18, 20, seed=1)
    assert metric(output, target, shave=3) == metric(output[3:-3, 3:-3], target[3:-3, 3:-3], shave=0)
    assert metric(output, target, shave=3) != metric(output, target, shave=0)


@METRICS
def test_a_batch_is_refused(metric):
    with pytest.raises(ValueError, match="score a batch one by one"):
        metric(_noise(2, 1, 16, 16), _noise(2, 1, 16, 16), shave=0)


@METRICS
def test_different_shapes_are_refused_even_where_they_would_broadcast(metric):
    with pytest.raises(ValueError, match=r"the shapes differ: \(1, 16, 16\) and \(16, 16\)"):
        metric(_noise(1, 16, 16), _noise(16, 16), shave=0)


@METRICS
@pytest.mark.parametrize("shave", [-1, 8])
def test_shaving_everything_or_less_than_nothing_is_refused(metric, shave):
    with pytest.raises(ValueError, match=f"cannot shave {shave} pixels from each side of 20 x 16"):
        metric(_noise(16, 20), _noise(16, 20), shave=shave)


def test_ssim_of_less_than_a_window_is_refused():
    with pytest.raises(ValueError, match="SSIM needs 11 x 11 pixels after shaving, got 12 x 10"):
        ssim(_noise(16, 18), _noise(16, 18), peak=1, shave=3)
