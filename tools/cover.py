"""Draw the book's pictures: ``python tools/cover.py``.

``before-after.png``, for README and the first page: a sample photograph that no shipped network was trained on, shrunk
by three and brought back by bicubic interpolation and by SRCNN. ``cover.jpg``: another, in three strips: the small
picture's pixels, bicubic, SRCNN. ``card.jpg``: the cover with the title under it, for social networks.
"""

from pathlib import Path

from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

from srcnn import images, luma, modcrop, pretrained, psnr, shrink
from srcnn.images import Photograph, to_bytes, to_float
from srcnn.plotting import gallery
from srcnn.upscale import upscale

SCALE = 3
NAME_TAG = (..., slice(330, 450), slice(200, 360))  # on the astronaut's suit
EYES = (72, 90, 393, 210)  # the cat's: left, top, right, bottom
STATIC = Path(__file__).resolve().parents[1] / "book" / "_static"
INK, PAPER, AMBER, BLUE = "#10293d", "#fdfcf9", "#f0b93a", "#8cc8ef"


def before_after() -> None:
    """Write the picture of README."""
    original = modcrop(images.sample("astronaut"), SCALE)
    small = Photograph(to_bytes(shrink(original, SCALE)))
    network = pretrained.load(f"srcnn-9-1-5-x{SCALE}").model
    panels = {}
    for name, model in (("bicubic", None), ("SRCNN", network)):
        picture = to_float(upscale(small, model, scale=SCALE).pixels)
        score = psnr(luma(picture), luma(original), peak=1, shave=SCALE)
        panels[f"{name}, {score:.1f} dB"] = picture[NAME_TAG]
    figure = gallery(
        {**panels, "original": original[NAME_TAG]}, width=6.0
    )  # narrow, so that a phone shows legible titles
    figure.savefig(STATIC / "before-after.png", dpi=165, metadata={"Software": None})


def strips() -> Image.Image:
    """The cat's eyes as the small picture's pixels, by bicubic interpolation and by SRCNN."""
    small = Photograph(to_bytes(shrink(modcrop(images.sample("chelsea"), SCALE), SCALE)))
    network = pretrained.load(f"srcnn-9-1-5-x{SCALE}").model

    def picture(pixels) -> Image.Image:
        return Image.fromarray(pixels.permute(1, 2, 0).numpy())

    coarse = picture(small.pixels)
    coarse = coarse.resize((coarse.width * SCALE, coarse.height * SCALE), Image.Resampling.NEAREST)
    whole = [coarse, *(picture(upscale(small, model, scale=SCALE).pixels) for model in (None, network))]
    width, height = (EYES[2] - EYES[0]) * 4, (EYES[3] - EYES[1]) * 4
    cover = Image.new("RGB", (width, height))
    for number, image in enumerate(whole):
        left, right = width * number // 3, width * (number + 1) // 3
        large = image.crop(EYES).resize((width, height), Image.Resampling.NEAREST)
        cover.paste(large.crop((left, 0, right, height)), (left, 0))
    draw = ImageDraw.Draw(cover)
    for number in (1, 2):
        draw.rectangle((width * number // 3 - 1, 0, width * number // 3 + 1, height), fill=PAPER)
    return cover


def card(cover: Image.Image) -> Image.Image:
    """The cover over the title, 1200 x 630, as social networks ask."""
    card = Image.new("RGB", (1200, 630), INK)
    card.paste(cover.resize((1200, 1200 * cover.height // cover.width), Image.Resampling.LANCZOS))
    draw = ImageDraw.Draw(card)
    draw.rectangle((0, 449, 600, 456), fill=AMBER)
    draw.rectangle((600, 449, 1200, 456), fill=BLUE)
    for text, top, size, color in (
        ("SRCNN, taken apart and put together", 480, 54, PAPER),
        ("A course on one paper, in code that runs", 560, 32, BLUE),
    ):
        font = ImageFont.truetype(findfont("DejaVu Serif"), size)
        draw.text((60, top), text, font=font, fill=color)
    return card


def main() -> None:
    """Write all three."""
    before_after()
    cover = strips()
    cover.save(STATIC / "cover.jpg", quality=84, optimize=True)
    card(cover).save(STATIC / "card.jpg", quality=84, optimize=True)


if __name__ == "__main__":
    main()
