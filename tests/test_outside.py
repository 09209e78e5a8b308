"""From outside: metrics, resize and gradients on random images against programs that share nothing with ours."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from skimage.transform import AffineTransform, warp
from torchmetrics.functional.image import peak_signal_noise_ratio as torchmetrics_psnr
from torchmetrics.functional.image import structural_similarity_index_measure as torchmetrics_ssim

from srcnn.metrics import psnr, ssim
from srcnn.model import PADDINGS, SRCNN, SubPixelSRCNN, initialize
from srcnn.resize import enlarge, shrink

ROOT = Path(__file__).resolve().parents[1]
RECOMPUTE = ROOT / "tools" / "recompute.py"


def _pair(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two images that have something in common, of any size and contrast."""
    chance = np.random.default_rng(seed)
    size, noise = chance.integers(12, 40, 2), chance.uniform(0.01, 0.5)
    target = chance.random(size) * chance.uniform(0.1, 1)
    return torch.from_numpy(np.clip(target + noise * chance.standard_normal(size), 0, 1)), torch.from_numpy(target)


@pytest.mark.parametrize("seed", range(20))
def test_psnr_and_ssim_are_those_of_two_libraries(seed):
    output, target = _pair(seed)
    arrays = target.numpy(), output.numpy()
    batches = output[None, None], target[None, None]
    ours = psnr(output, target, peak=1, shave=0)
    assert ours == pytest.approx(peak_signal_noise_ratio(*arrays, data_range=1), abs=1e-9)
    assert ours == pytest.approx(torchmetrics_psnr(*batches, data_range=1.0).item(), abs=1e-5)  # it takes float32
    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}  # 11 x 11, as Wang's
    ours = ssim(output, target, peak=1, shave=0)
    assert ours == pytest.approx(structural_similarity(*arrays, data_range=1, **window), abs=1e-7)
    _, each = torchmetrics_ssim(*batches, data_range=1.0, return_full_image=True)
    assert ours == pytest.approx(each[..., 5:-5, 5:-5].mean().item(), abs=1e-5)  # its mean counts a mirrored border


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("seed", range(3))
def test_enlarging_is_the_catmull_rom_spline_of_scikit_image_away_from_the_border(scale, seed):
    image = np.random.default_rng(seed).random((9 + seed, 12))
    back = AffineTransform(scale=1 / scale, translation=(0.5 / scale - 0.5,) * 2)
    theirs = warp(image, back, output_shape=[scale * side for side in image.shape], order=3, clip=False)
    inner = (slice(2 * scale, -2 * scale),) * 2
    np.testing.assert_allclose(enlarge(torch.from_numpy(image), scale)[inner], theirs[inner], atol=1e-6)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("network", [SRCNN, SubPixelSRCNN], ids=["srcnn", "sub-pixel"])
def test_gradients_are_finite_differences(network, padding):
    """Of the loss by the input and by every parameter, one layer of few filters among them, in double precision."""
    options = {"kernels": (3, 1, 3), "widths": (3, 2), "padding": padding}
    model = (SRCNN(**options) if network is SRCNN else SubPixelSRCNN(2, **options)).double()
    initialize(model, "torch", seed=0)
    image = torch.rand(1, 1, 7, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    names = [name for name, _ in model.named_parameters()]

    def loss(image: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(model, dict(zip(names, values, strict=True)), (image,)).square().mean()

    values = [value.detach().clone().requires_grad_() for value in model.parameters()]
    assert torch.autograd.gradcheck(loss, (image, *values))


@pytest.mark.parametrize("resize", [shrink, enlarge])
def test_gradients_of_resizing_are_finite_differences(resize):
    image = torch.rand(6, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)
    assert torch.autograd.gradcheck(lambda image: resize(image, 2), image)


def test_the_second_program_of_set5_is_short_and_shares_nothing_with_the_package():
    text = RECOMPUTE.read_text(encoding="utf-8")
    tree = ast.parse(text)
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported == {"json", "sys", "itertools", "pathlib", "numpy", "PIL", "safetensors.numpy"}
    assert len(text.splitlines()) <= 60


@pytest.mark.data
@pytest.mark.release
def test_set5_by_the_second_program_is_what_is_stored(data_root):
    done = subprocess.run([sys.executable, RECOMPUTE, data_root], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-500:]
    assert done.stdout.count("stored") == 5 * 5 * 3
