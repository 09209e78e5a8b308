"""Which images of the standard sets show the same pixels, whole or in part. Chapter 9.

The middle of every image is looked for at every place of every other, first on images four times smaller by normalized
cross-correlation, then where that is high at full size. Turned, mirrored and rescaled copies are not found.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from srcnn import data
from srcnn.color import luma
from srcnn.results import write_json

SETS = {
    "T91": ("t91", "train"), "BSDS300 train": ("bsds300", "train"), "Set5": ("set5", "test"),
    "Set14": ("set14", "test"), "BSD100": ("bsds300", "test"), "BSD200": ("bsds500-test", "test"),
}  # fmt: skip
COARSE = 4  # the first look is at images so many times smaller
_SHARE = 0.5  # of the height and the width, which is the middle
_SUSPECT, _COPY = 0.8, 0.97  # correlations: what is looked at closely, and what is told


def run(folder: Path) -> Iterator[dict[str, Any]]:
    """Look for every image of the sets in every other; about a quarter of an hour.

    Args:
        folder: for ``copies.json``.

    Yields:
        Each pair that was found, and at last the record that was written.
    """
    images: dict[str, Tensor] = {}
    for title, (name, split) in SETS.items():
        images |= {f"{title} {image}": luma(pixels)[0] for image, pixels in data.photographs(name, split)}
    pairs = []
    for pair in find(images):
        pairs.append(pair)
        yield {"line": f"{pair['image']} in {pair['of']} at {tuple(pair['at'])}, {pair['pixels']:,} pixels alike"}
    record = {"command": "srcnn reproduce copies", "images": len(images), "sets": list(SETS), "pairs": pairs}
    write_json(record, folder / "copies.json")
    yield record | {"line": f"{len(pairs)} pairs among {len(images)} images"}


def find(images: dict[str, Tensor]) -> Iterator[dict[str, Any]]:
    """Pairs of images that share pixels, each pair once.

    Args:
        images: name -> luma ``(H, W)``, in 0..1.

    Yields:
        ``image`` and ``of``, the names; ``at``, row and column of the first one's corner in the second; ``pixels``, how
        many both show; ``correlation`` of these; ``largest_difference``, in levels of 255.
    """
    small = {name: F.avg_pool2d(pixels[None], COARSE)[0] for name, pixels in images.items()}
    parts = {name: _middle(pixels) for name, pixels in small.items()}
    seen = set()
    for of, name in product(images, images):
        if name == of or (of, name) in seen or not _fits(parts[name][0], small[of]):
            continue
        found = correlation(parts[name][0], small[of])
        if found.max() < _SUSPECT:
            continue
        place = divmod(int(found.argmax()), found.shape[1])
        guess = [COARSE * (p - corner) for p, corner in zip(place, parts[name][1], strict=True)]
        pair = _closely(images[name], images[of], guess)
        if pair["correlation"] > _COPY:
            seen.add((name, of))
            yield {"image": name, "of": of, **pair}


def _middle(pixels: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """The middle of an image, and the place of its corner."""
    height, width = (round(_SHARE * side) for side in pixels.shape)
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width], (top, left)


def _fits(part: Tensor, image: Tensor) -> bool:
    return all(a <= b for a, b in zip(part.shape, image.shape, strict=True)) and bool(part.std() > 1 / 255)


def correlation(part: Tensor, image: Tensor) -> Tensor:
    """The normalized cross-correlation of a part with an image, at every place where the part lies inside.

    Args:
        part: ``(h, w)``.
        image: ``(H, W)``, no smaller.

    Returns:
        ``(H - h + 1, W - w + 1)``, in -1..1; 0 where the image is flat.
    """
    (height, width), size = part.shape, image.shape
    part, image = (pixels.double() - pixels.double().mean() for pixels in (part, image))
    product_ = torch.fft.rfft2(image) * torch.fft.rfft2(part, s=size).conj()
    inside = torch.fft.irfft2(product_, s=size)[: size[0] - height + 1, : size[1] - width + 1]
    count = height * width
    total, squares = (_sums(values, height, width) for values in (image, image**2))
    spread = (squares - total**2 / count).clamp(min=0)
    return torch.where(spread > 1e-6 * count, inside / (spread * (part**2).sum()).sqrt().clamp(min=1e-12), 0.0)


def _sums(image: Tensor, height: int, width: int) -> Tensor:
    """The sum under a window of that size, at every place."""
    table = F.pad(image.cumsum(0).cumsum(1), (1, 0, 1, 0))
    return table[height:, width:] - table[:-height, width:] - table[height:, :-width] + table[:-height, :-width]


def _closely(image: Tensor, of: Tensor, guess: list[int]) -> dict[str, Any]:
    """The place near a guess where two images agree best, and how well they do."""
    best: dict[str, Any] = {"correlation": -1.0}
    for row, column in product(*(range(place - COARSE, place + COARSE + 1) for place in guess)):
        top, left = max(0, -row), max(0, -column)
        height = min(image.shape[0] - top, of.shape[0] - max(row, 0))
        width = min(image.shape[1] - left, of.shape[1] - max(column, 0))
        if min(height, width) < 2 * COARSE:
            continue
        ours = image[top : top + height, left : left + width]
        theirs = of[max(row, 0) : max(row, 0) + height, max(column, 0) : max(column, 0) + width]
        likeness = torch.corrcoef(torch.stack([ours.flatten(), theirs.flatten()]))[0, 1].nan_to_num().item()
        if likeness > best["correlation"]:
            best = {
                "at": [row, column],
                "pixels": height * width,
                "correlation": round(likeness, 4),
                "largest_difference": round((ours - theirs).abs().max().item() * 255),
            }
    return best
