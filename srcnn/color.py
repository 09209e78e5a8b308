"""Color: RGB to the luma that the paper sharpens, and back.

The paper trains and measures on luma alone: the eye sees far more detail in brightness than in color. Chapter 7.
"""

import torch
from torch import Tensor

# Rows: Y, Cb, Cr of ITU-R BT.601 in studio range, for R, G, B in 0..1 and results on the 0..255 scale
# (MATLAB's rgb2ycbcr). The first row is 219 * (0.299, 0.587, 0.114).
_TO_YCBCR = ((65.481, 128.553, 24.966), (-37.797, -74.203, 112.0), (112.0, -93.786, -18.214))
_TO_GRAY = (0.298936, 0.587043, 0.114021)  # MATLAB's rgb2gray: the first row of its inverse of the NTSC matrix
_OFFSET = (16.0, 128.0, 128.0)


def _matrix(like: Tensor) -> tuple[Tensor, Tensor]:
    """The conversion as matrix (3, 3) and offset (3, 1, 1), both for values in 0..1."""
    matrix = torch.tensor(_TO_YCBCR, dtype=like.dtype, device=like.device) / 255
    offset = torch.tensor(_OFFSET, dtype=like.dtype, device=like.device).view(3, 1, 1) / 255
    return matrix, offset


def _check(image: Tensor, name: str) -> None:
    if image.ndim != 3 or image.shape[0] != 3:
        raise ValueError(f"{name} needs one image of shape (3, H, W), got {tuple(image.shape)}")


def rgb_to_ycbcr(rgb: Tensor) -> Tensor:
    """Luma and the two color differences of an RGB image, in studio range.

    Args:
        rgb: ``(3, H, W)``, in 0..1.

    Returns:
        ``(3, H, W)``, not rounded, with Y in 16/255..235/255, Cb and Cr in 16/255..240/255.

    Raises:
        ValueError: not one RGB image.
    """
    _check(rgb, "rgb_to_ycbcr")
    matrix, offset = _matrix(rgb)
    return torch.einsum("dc,chw->dhw", matrix, rgb) + offset


def ycbcr_to_rgb(ycbcr: Tensor) -> Tensor:
    """Inverse of :func:`rgb_to_ycbcr`; not clipped, so that a luma out of range shows.

    Args:
        ycbcr: ``(3, H, W)``, studio range, on the 0..1 scale.

    Returns:
        ``(3, H, W)`` RGB; 0..1 for colors that exist.

    Raises:
        ValueError: not one image of three channels.
    """
    _check(ycbcr, "ycbcr_to_rgb")
    matrix, offset = _matrix(ycbcr)
    inverse = torch.linalg.inv(matrix.double()).to(ycbcr.dtype)
    return torch.einsum("dc,chw->dhw", inverse, ycbcr - offset)


def luma(image: Tensor) -> Tensor:
    """The luma that the paper's protocol measures, rounded to the 256 levels of a byte.

    Args:
        image: ``(3, H, W)`` RGB or ``(1, H, W)`` gray, in 0..1. Gray is used as it is: it is luma already
            (taking it for R = G = B and converting adds 0.094 dB on Set14's gray photograph).

    Returns:
        ``(1, H, W)`` on the 0..1 scale; 16/255..235/255 for RGB.

    Raises:
        ValueError: neither gray nor RGB.

    Example:
        >>> (luma(torch.ones(3, 1, 1)) * 255).item()
        235.0
    """
    if image.ndim == 3 and image.shape[0] == 1:
        return image
    return quantize(rgb_to_ycbcr(image.double())[:1]).to(image.dtype)


def gray(image: Tensor) -> Tensor:
    """Full-range gray, MATLAB's rgb2gray, rounded to bytes: what the journal version's BSD200 is measured on.

    Black is 0 and white 255, where :func:`luma` has 16 and 235. The same error is therefore larger, and a PSNR on gray
    1.3 dB lower, so the two never stand in one table.

    Args:
        image: ``(3, H, W)`` RGB or ``(1, H, W)`` gray, in 0..1.

    Returns:
        ``(1, H, W)``, in 0..1.

    Raises:
        ValueError: neither gray nor RGB.
    """
    if image.ndim == 3 and image.shape[0] == 1:
        return image
    _check(image, "gray")
    weights = torch.tensor(_TO_GRAY, dtype=torch.float64, device=image.device)
    return quantize(torch.einsum("c,chw->hw", weights, image.double())[None]).to(image.dtype)


def channels(image: Tensor, color: str) -> Tensor:
    """A photograph as a network sees it.

    Args:
        image: ``(3, H, W)`` RGB or ``(1, H, W)`` gray, in 0..1. A network for color sees gray as R = G = B.
        color: ``"luma"``, ``"rgb"`` or ``"ycbcr"``.

    Returns:
        ``(1, H, W)`` luma as :func:`luma` has it, ``(3, H, W)`` RGB, or ``(3, H, W)`` studio-range YCbCr, not rounded.
    """
    if color == "luma":
        return luma(image)
    rgb = image.expand(3, -1, -1)
    return rgb if color == "rgb" else rgb_to_ycbcr(rgb)


def quantize(image: Tensor) -> Tensor:
    """Round to the 256 levels of an 8-bit file and clip to 0..1; a named step of the protocol.

    Args:
        image: any shape, on the 0..1 scale.

    Returns:
        Same shape; every value is a whole number of 255ths.
    """
    return image.mul(255).round().clamp(0, 255).div(255)
