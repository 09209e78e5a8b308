"""Upscale: a photograph in, a larger photograph out. Chapter 16.

The network sharpens luma. The color differences, in which the eye sees little detail, are enlarged by bicubic, as is
the transparency. Large photographs are worked through in tiles, so that memory holds one tile and the two pictures.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from srcnn.color import rgb_to_ycbcr, ycbcr_to_rgb
from srcnn.data import listing
from srcnn.evaluation import upscaler
from srcnn.files import InputError
from srcnn.images import WRITABLE, Photograph, to_bytes, to_float
from srcnn.model import SRCNN
from srcnn.resize import enlarge

SMALLEST = 4  # pixels a side: what bicubic interpolation looks at
LARGEST = 600_000_000  # pixels of the result: 1.8 GB of bytes, and 3.6 GB with 16 bits
_TILE = 1_152  # pixels a side of the result: a plane of floats takes 5 MB, and there are a dozen
_SEEN = 8  # of 255: what covers less of its background is not seen
_BLACK, _LUMA = 16 / 255, 219 / 255  # where luma begins, and how far it reaches
_REACH = 4  # low-resolution pixels that bicubic needs beside a tile, with room to spare

Progress = Callable[[int, int], None]


def upscale(
    photograph: Photograph,
    model: SRCNN | None,
    *,
    scale: int,
    device: torch.device | str = "cpu",
    tile: int = _TILE,
    progress: Progress = lambda done, total: None,
) -> Photograph:
    """Enlarge a photograph.

    Args:
        photograph: gray or RGB, with or without alpha, of 8 or 16 bits, which the result has too.
        model: a network for one channel (luma) or three (RGB), or None for bicubic.
        scale: 2, 3 or 4.
        device: where the tiles are computed.
        tile: side of a tile in pixels of the result; the result does not depend on it.
        progress: called with the tiles done and their number.

    Returns:
        The photograph, ``scale`` times as high and wide, with its EXIF block and color profile.

    Raises:
        InputError: the photograph is too small or the result too large, or the network is for other images.
    """
    height, width = photograph.pixels.shape[-2:]
    check_size(height, width, scale)
    if model is not None and model.channels not in (1, 3):
        raise InputError(f"this network works on {model.channels} channels; a photograph needs one for luma or for RGB")
    sharpen = enlarge if model is None else upscaler(model, device)
    pixels = photograph.pixels if photograph.alpha is None else _continued(photograph.pixels, photograph.alpha)
    margin = _margin(model, scale)

    def enlarged(low: Tensor) -> Tensor:
        if model is not None and model.channels == 3:
            return sharpen(low.expand(3, -1, -1), scale)[: low.shape[0]]
        if low.shape[0] == 1:  # as luma, for that is what the network has seen: black is 16 and white 235
            return (sharpen(low * _LUMA + _BLACK, scale) - _BLACK) / _LUMA
        ycbcr = rgb_to_ycbcr(low)
        return ycbcr_to_rgb(torch.cat([sharpen(ycbcr[:1], scale), enlarge(ycbcr[1:], scale)]))

    side = max(1, tile // scale)
    pixels = _tiled(pixels, enlarged, scale, side, margin, device, progress)
    alpha = photograph.alpha
    if alpha is not None:
        alpha = _tiled(alpha, lambda low: enlarge(low, scale), scale, side, _REACH, device, lambda done, total: None)
    return replace(photograph, pixels=pixels, alpha=alpha)


def _continued(pixels: Tensor, alpha: Tensor) -> Tensor:
    """The colors of the nearest pixel that is seen, under those that are not: else the hidden ones shine at the rim."""
    hidden = alpha[0].numpy() < _SEEN * torch.iinfo(alpha.dtype).max // 255
    if not hidden.any() or hidden.all():
        return pixels
    rows, columns = distance_transform_edt(hidden, return_distances=False, return_indices=True)
    return torch.from_numpy(pixels.numpy()[:, rows, columns])


def _margin(model: SRCNN | None, scale: int) -> int:
    """Low-resolution pixels beside a tile on which the tile's result depends."""
    if model is None:
        return _REACH
    # SRCNN's border counts pixels of the enlarged image, the sub-pixel variant's those of the small one
    return _REACH + (model.border if model.scale else math.ceil(model.border / scale))


def check_size(height: int, width: int, scale: int) -> None:
    """Find out whether a photograph can be enlarged.

    Raises:
        InputError: it is too small or the result too large.
    """
    if min(height, width) < SMALLEST:
        raise InputError(f"the photograph has {width} x {height} pixels; at least {SMALLEST} x {SMALLEST} are needed")
    if height * width * scale**2 > LARGEST:
        size, most = f"{width * scale} x {height * scale}", LARGEST // 10**6
        raise InputError(f"the result would be {size} pixels; at most {most} megapixels are made")


def _tiled(
    pixels: Tensor,
    work: Callable[[Tensor], Tensor],
    scale: int,
    side: int,
    margin: int,
    device: torch.device | str,
    progress: Progress,
) -> Tensor:
    """Work through whole numbers ``(C, H, W)`` by tiles; ``side`` and ``margin`` in pixels of the small image."""
    channels, height, width = pixels.shape
    result = torch.empty(channels, height * scale, width * scale, dtype=pixels.dtype)
    corners = [(top, left) for top in range(0, height, side) for left in range(0, width, side)]
    for done, (top, left) in enumerate(corners, 1):
        # the tile with its margin, but not beyond the photograph: there the edge rule of the whole image holds
        y0, x0 = max(0, top - margin), max(0, left - margin)
        y1, x1 = min(height, top + side + margin), min(width, left + side + margin)
        large = to_bytes(work(to_float(pixels[:, y0:y1, x0:x1].to(device))), pixels.dtype)
        rows, columns = min(side, height - top) * scale, min(side, width - left) * scale
        y, x = (top - y0) * scale, (left - x0) * scale
        result[:, top * scale : top * scale + rows, left * scale : left * scale + columns] = large[
            :, y : y + rows, x : x + columns
        ]
        progress(done, len(corners))
    return result


def targets(photos: list[Path], folder: Path) -> dict[Path, Path]:
    """Where the results of many photographs go.

    Args:
        photos: files, and folders of which each image is taken.
        folder: for the results.

    Returns:
        Result -> photograph, each result with its photograph's name, and ``.png`` behind a name of another kind.

    Raises:
        InputError: a folder holds no image, or two photographs have one name.
    """
    found: dict[Path, Path] = {}
    for photo in (each for given in photos for each in (listing(given) if given.is_dir() else [given])):
        name = photo.name if photo.suffix.lower() in WRITABLE else f"{photo.name}.png"
        before = found.setdefault(folder / name, photo)
        if before != photo:
            raise InputError(f"{before} and {photo} would both become {folder / name}; give them different folders")
    return found
