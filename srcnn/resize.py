"""Resize: bicubic interpolation as the super-resolution literature uses it (MATLAB's imresize).

The low-resolution image of every published table is made by this one operation, and so is the network's input:
a different bicubic moves the scores by tenths of a dB, more than many papers gain. Chapter 6 measures that.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

_MARGIN = 4  # low-resolution pixels of mirrored border; the kernel reaches 2, so 4 hides the edge rule of torch


def modcrop(image: Tensor, scale: int) -> Tensor:
    """Crop the bottom and right edge so that height and width are multiples of the scale.

    The original is cropped, never resized: resizing it would soften the very thing that is measured.

    Args:
        image: ``(..., H, W)``.
        scale: 2, 3 or 4.

    Returns:
        ``(..., H - H % scale, W - W % scale)``.

    Raises:
        ValueError: nothing is left.
    """
    height, width = (size - size % scale for size in image.shape[-2:])
    if not height or not width:
        raise ValueError(f"an image of {image.shape[-1]} x {image.shape[-2]} pixels is smaller than the scale {scale}")
    return image[..., :height, :width]


def shrink(image: Tensor, scale: int) -> Tensor:
    """Make an image smaller: bicubic, a = -0.5, the kernel widened by the scale (antialiasing).

    Args:
        image: ``(H, W)``, ``(C, H, W)`` or ``(N, C, H, W)``, floating point; H and W multiples of the scale.
        scale: a whole number of at least 1.

    Returns:
        The same, H/scale by W/scale; not rounded, and slightly out of range beside sharp edges.

    Raises:
        ValueError: H or W is no multiple of the scale.
    """
    height, width = image.shape[-2:]
    if height % scale or width % scale:
        raise ValueError(f"{width} x {height} pixels do not divide by {scale}: modcrop first")
    padded = _mirror(image, _MARGIN * scale)
    return _bicubic(padded, (height // scale + 2 * _MARGIN, width // scale + 2 * _MARGIN), _MARGIN)


def enlarge(image: Tensor, scale: int) -> Tensor:
    """Make an image larger: bicubic, a = -0.5. The baseline of every table, and the network's input.

    Args:
        image: ``(H, W)``, ``(C, H, W)`` or ``(N, C, H, W)``, floating point.
        scale: a whole number of at least 1.

    Returns:
        The same, H * scale by W * scale; not rounded, and slightly out of range beside sharp edges.
    """
    height, width = image.shape[-2:]
    padded = _mirror(image, _MARGIN)
    size = ((height + 2 * _MARGIN) * scale, (width + 2 * _MARGIN) * scale)
    return _bicubic(padded, size, _MARGIN * scale)


def downscale(image: Tensor, factor: float) -> Tensor:
    """Make a training photograph a little smaller, to have the same things at another size. No step of the protocol.

    Args:
        image: ``(C, H, W)``, in 0..1.
        factor: of height and width, above 0 and at most 1.

    Returns:
        ``(C, round(factor * H), round(factor * W))``, bicubic with antialiasing, at least 1 x 1, clipped to 0..1.
    """
    height, width = (max(1, round(factor * side)) for side in image.shape[-2:])
    return image if factor == 1 else _bicubic(image, (height, width), 0).clamp(0, 1)


def shave(image: Tensor, border: int) -> Tensor:
    """Cut the same number of pixels from all four sides; the protocol cuts as many as the scale.

    Args:
        image: ``(..., H, W)``.
        border: 0 or more.

    Returns:
        ``(..., H - 2 * border, W - 2 * border)``.

    Raises:
        ValueError: nothing is left, or the border is negative.
    """
    height, width = image.shape[-2:]
    if border < 0 or 2 * border >= min(height, width):
        raise ValueError(f"cannot shave {border} pixels from each side of {width} x {height}")
    return image[..., border : height - border, border : width - border]


def _mirror(image: Tensor, margin: int) -> Tensor:
    """Repeat the image as in a mirror that stands on its edge, the edge pixel twice: ``c b a | a b c``."""
    for dim in (-2, -1):
        size = image.shape[dim]
        index = torch.arange(-margin, size + margin, device=image.device) % (2 * size)
        index = torch.where(index < size, index, 2 * size - 1 - index)
        image = image.index_select(dim, index)
    return image


def _bicubic(image: Tensor, size: tuple[int, int], margin: int) -> Tensor:
    """Interpolate to ``size``, then cut ``margin`` pixels from each side."""
    if size[1] == 1 < size[0]:  # torch 2.13 gives every row of a single column the first one's value
        return _bicubic(image.mT, size[::-1], margin).mT
    batch = image.reshape((-1, 1, *image.shape[-2:]))  # (N*C, 1, H, W): every channel alike
    # antialias=True also sets a = -0.5; without it torch uses a = -0.75, another kernel altogether
    out = shave(F.interpolate(batch, size=size, mode="bicubic", antialias=True), margin)
    return out.reshape((*image.shape[:-2], *out.shape[-2:]))
