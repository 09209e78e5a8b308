"""Draw the picture of README and of the landing page: ``python book/_ext/cover.py``.

A sample photograph that no shipped network was trained on, shrunk by three and brought back by bicubic interpolation
and by SRCNN.
"""

from pathlib import Path

from srcnn import images, luma, modcrop, pretrained, psnr, shrink
from srcnn.images import Photograph, to_bytes, to_float
from srcnn.plotting import gallery
from srcnn.upscale import upscale

SCALE = 3
WINDOW = (..., slice(330, 450), slice(200, 360))  # the name tag on the astronaut's suit
TARGET = Path(__file__).parents[1] / "_static" / "before-after.png"


def main() -> None:
    """Write the picture."""
    original = modcrop(images.sample("astronaut"), SCALE)
    small = Photograph(to_bytes(shrink(original, SCALE)))
    network = pretrained.load(f"srcnn-9-1-5-x{SCALE}").model
    panels = {}
    for name, model in (("bicubic", None), ("SRCNN", network)):
        picture = to_float(upscale(small, model, scale=SCALE).pixels)
        score = psnr(luma(picture), luma(original), peak=1, shave=SCALE)
        panels[f"{name}, {score:.1f} dB"] = picture[WINDOW]
    figure = gallery(
        {**panels, "original": original[WINDOW]}, width=6.0
    )  # narrow, so that a phone shows legible titles
    figure.savefig(TARGET, dpi=165, metadata={"Software": None})


if __name__ == "__main__":
    main()
