"""Metrics: how far an image is from the original. MSE, PSNR and SSIM of one image at a time.

A batch is refused on purpose. The PSNR of a mean error is not the mean of the PSNRs, and a test score that moves by
1 dB with the batch size is the commonest mistake in public super-resolution code. Chapter 7.
"""

import math

from skimage.metrics import structural_similarity
from torch import Tensor

from srcnn import resize


def _compared(output: Tensor, target: Tensor, shave: int) -> tuple[Tensor, Tensor]:
    """Both images in double precision, ``shave`` pixels cut from each side."""
    if output.shape != target.shape:
        raise ValueError(f"the shapes differ: {tuple(output.shape)} and {tuple(target.shape)}")
    if output.ndim not in (2, 3):
        raise ValueError(
            f"one image expected, (H, W) or (C, H, W), got {tuple(output.shape)}: score a batch one by one"
        )
    return resize.shave(output, shave).double(), resize.shave(target, shave).double()


def mse(output: Tensor, target: Tensor, *, shave: int) -> float:
    r"""Mean squared error of one image, the paper's training loss (its equation 4).

    .. math:: \mathrm{MSE} = \frac{1}{n} \sum_i (x_i - y_i)^2

    Args:
        output: image to judge, ``(H, W)`` or ``(C, H, W)``.
        target: the original, same shape and unit.
        shave: pixels cut from every side first; the protocol takes the scale.

    Returns:
        The error in the square of the images' unit.

    Raises:
        ValueError: the shapes differ, are not those of one image, or nothing is left after shaving.
    """
    output, target = _compared(output, target, shave)
    return (output - target).square().mean().item()


def psnr(output: Tensor, target: Tensor, *, peak: float, shave: int) -> float:
    r"""Peak signal-to-noise ratio of one image in dB; higher is better.

    .. math:: \mathrm{PSNR} = 20 \log_{10} (\mathrm{peak} / \sqrt{\mathrm{MSE}})

    Args:
        output: image to judge, ``(H, W)`` or ``(C, H, W)``, in 0..peak.
        target: the original, same shape.
        peak: the largest value a pixel can have: 1 for floats in 0..1, 255 for bytes.
        shave: pixels cut from every side first; the protocol takes the scale.

    Returns:
        The PSNR; ``inf`` when the images are equal.

    Raises:
        ValueError: the shapes differ, are not those of one image, or nothing is left after shaving.

    Example:
        >>> import torch
        >>> target = torch.zeros(8, 8)
        >>> round(psnr(target + 1, target, peak=255, shave=0), 4)
        48.1308
    """
    error = mse(output, target, shave=shave)
    return 10 * math.log10(peak**2 / error) if error else math.inf


def ssim(output: Tensor, target: Tensor, *, peak: float, shave: int) -> float:
    """Structural similarity of one image (Wang et al. 2004): 1 for equal images.

    Gaussian window of 11 x 11, sigma 1.5, K1 = 0.01, K2 = 0.03, the mean over the windows that lie wholly inside:
    the setting of the published tables. Computed by scikit-image.

    Args:
        output: image to judge, ``(H, W)`` or ``(C, H, W)``, in 0..peak.
        target: the original, same shape.
        peak: the largest value a pixel can have.
        shave: pixels cut from every side first; the protocol takes the scale.

    Returns:
        The mean over windows (and channels), at most 1.

    Raises:
        ValueError: the shapes differ, are not those of one image, or fewer than 11 x 11 pixels are left.
    """
    output, target = _compared(output, target, shave)
    if min(output.shape[-2:]) < 11:
        raise ValueError(f"SSIM needs 11 x 11 pixels after shaving, got {output.shape[-1]} x {output.shape[-2]}")
    return float(
        structural_similarity(
            target.cpu().numpy(),
            output.cpu().numpy(),
            data_range=peak,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            channel_axis=0 if output.ndim == 3 else None,
        )
    )
