"""Published: the papers' own figures, as data, each with its source. Never edited to fit ours.

All but one on luma, shaved by the scale, mean over images. Chapter 12 prints them beside what this repository measures.
"""

from dataclasses import dataclass

PAPER = "Dong et al., ECCV 2014"
JOURNAL = "Dong et al., TPAMI 2016, arXiv 1501.00092"
QUOTED = "as quoted by later papers"


@dataclass(frozen=True)
class Score:
    """One figure of one table.

    Attributes:
        data: ``set5``, ``set14``, ``bsd100``, or ``bsd200-gray``: the 200 test images of BSDS500 in full-range gray,
            whose figures stand in no table beside the others.
        scale: 2, 3 or 4.
        method: ``bicubic``, ``9-1-5``, ``9-3-5``, ``9-5-5``, or another method's name.
        training: what it was trained on.
        psnr: mean over images, dB.
        ssim: mean over images, or None where it is not given.
        source: who printed it.
    """

    data: str
    scale: int
    method: str
    training: str
    psnr: float
    ssim: float | None
    source: str


def _table(
    data: str,
    method: str,
    training: str,
    source: str,
    psnr: tuple[float, ...],
    ssim: tuple[float | None, ...] = (None,) * 3,
) -> list[Score]:
    """The three scales of one row."""
    return [Score(data, s, method, training, p, q, source) for s, p, q in zip((2, 3, 4), psnr, ssim, strict=True)]


SCORES: tuple[Score, ...] = (
    *_table("set5", "bicubic", "-", JOURNAL, (33.66, 30.39, 28.42), (0.9299, 0.8682, 0.8104)),
    *_table("set14", "bicubic", "-", JOURNAL, (30.23, 27.54, 26.00), (0.8687, 0.7736, 0.7019)),
    *_table("bsd100", "bicubic", "-", QUOTED, (29.56, 27.21, 25.96)),
    *_table("bsd200-gray", "bicubic", "-", JOURNAL, (28.39, 25.94, 24.65)),
    *_table("set5", "9-1-5", "91 images", PAPER, (36.34, 32.39, 30.09)),
    *_table("set14", "9-1-5", "91 images", PAPER, (32.18, 29.00, 27.20)),
    *_table("set5", "9-5-5", "ImageNet", JOURNAL, (36.66, 32.75, 30.49), (0.9542, 0.9090, 0.8628)),
    *_table("set14", "9-5-5", "ImageNet", JOURNAL, (32.45, 29.30, 27.50), (0.9067, 0.8215, 0.7513)),
    *_table("bsd100", "9-5-5", "ImageNet", QUOTED, (31.36, 28.41, 26.90)),
    *_table("set5", "A+", "91 images", QUOTED, (36.54, 32.59, 30.28)),
    *_table("set14", "A+", "91 images", QUOTED, (32.28, 29.13, 27.32)),
    Score("set5", 3, "9-1-5", "ImageNet", 32.52, None, JOURNAL),
    Score("set5", 3, "9-3-5", "ImageNet", 32.66, None, JOURNAL),
    Score("set5", 3, "SC", "91 images", 31.42, None, QUOTED),
    Score("set5", 3, "NE+LLE", "91 images", 31.84, None, QUOTED),
    Score("set5", 3, "KK", "91 images", 32.28, None, QUOTED),
    Score("set5", 3, "ANR", "91 images", 31.92, None, QUOTED),
)

# Set5 at x3, image by image, dB
PER_IMAGE: dict[str, dict[str, float]] = {
    "bicubic": {"baby": 33.91, "bird": 32.58, "butterfly": 24.04, "head": 32.88, "woman": 28.56},
    "9-1-5": {"baby": 35.01, "bird": 34.91, "butterfly": 27.58, "head": 33.55, "woman": 30.92},
    "9-5-5": {"baby": 35.25, "bird": 35.48, "butterfly": 27.95, "head": 33.71, "woman": 31.37},
}

# Weights without biases, and with them
PARAMETERS = {"9-1-5": (8_032, 8_129), "9-3-5": (24_416, 24_513), "9-5-5": (57_184, 57_281)}


def score(data: str, scale: int, method: str, training: str | None = None) -> Score:
    """The one published figure that fits.

    Args:
        data: as in :class:`Score`.
        scale: 2, 3 or 4.
        method: as in :class:`Score`.
        training: where a method was published with several training sets.

    Raises:
        KeyError: no figure fits, or several do.

    Example:
        >>> score("set5", 3, "9-1-5", "91 images").psnr
        32.39
    """
    found = [
        s for s in SCORES if (s.data, s.scale, s.method) == (data, scale, method) and training in (None, s.training)
    ]
    if len(found) != 1:
        raise KeyError(f"{len(found)} published figures for {data} x{scale} {method} ({training or 'any training'})")
    return found[0]
