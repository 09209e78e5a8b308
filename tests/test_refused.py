"""What `srcnn upscale` refuses: each line of the list on the commands page is an input that ends in that sentence."""

import re
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_formats import _colored, _tiff, ink_profile
from test_images import _animation, _bomb, _encoded, _picture, _saved

from srcnn.files import InputError
from srcnn.images import Photograph, check_output, read_photograph
from srcnn.upscale import check_size

ROOT = Path(__file__).resolve().parents[1]
RGB = np.asarray(_picture())
GRAY = RGB[..., 0]


def tiff(values: np.ndarray, **options):
    return lambda path: _tiff(path, values, **options)


def stored(content: bytes):
    return lambda path: path.write_bytes(content)


def deep(**options):
    return tiff(GRAY.astype(np.uint16), **options)


def empty(channels: int, height: int, width: int, dtype: torch.dtype = torch.uint8) -> torch.Tensor:
    """A large picture that takes no memory."""
    return torch.zeros(1, 1, 1, dtype=dtype).expand(channels, height, width)


SMALL, CLEAR = empty(3, 5, 5), empty(1, 5, 5)
# first words of the line -> what is given (a file that is made, or a photograph), what is asked for, the sentence
REFUSED = {
    "floating-point or signed": [
        (tiff(RGB.astype(np.float32), photometric="rgb"), "out.tif", "holds signed or floating-point numbers"),
        (tiff(GRAY.astype(np.int16)), "out.tif", "holds signed or floating-point numbers"),
        (tiff(GRAY.astype(np.uint32)), "out.tif", "has 32 bits per channel; save it as 8-bit or 16-bit RGB or gray"),
    ],
    "16 bits per channel with": [
        (tiff(np.zeros((24, 20, 4), np.uint16), photometric="separated"), "out.tif", "and is neither RGB nor gray"),
        (deep(photometric="palette", colormap=np.zeros((3, 65536), np.uint16)), "out.tif", "and is neither RGB nor"),
        (deep(photometric="miniswhite"), "out.tif", "has 16 bits per channel and is neither RGB nor gray"),
        (deep(compression="zstd"), "out.tif", "in an unusual compression; save it with LZW, Deflate or none"),
    ],
    "other colors": [(stored(_saved(_picture().convert("LAB"), "TIFF")), "out.tif", "is of Pillow's mode LAB")],
    "16 bits per channel to": [
        (deep(), f"out.{end}", r"16 bits per channel; end it in \.png or \.tif") for end in ("jpg", "webp", "bmp")
    ],
    "a raw file": [
        (tiff(RGB, photometric="rgb", subfiletype=1), "out.png", "is a raw file, whose first picture is a small view"),
        (tiff(RGB, photometric="rgb", extratags=[(0xC612, 1, 4, (1, 4, 0, 0), True)]), "out.png", "is a raw file"),
    ],
    "more bands": [
        (
            tiff(np.concatenate([RGB, RGB[..., :1]], 2), photometric="rgb", extrasamples=["unspecified"]),
            "out.tif",
            "has 4 bands; save the three of RGB",
        ),
    ],
    "CMYK": [
        (stored(_saved(_picture().convert("CMYK"), kind, **options)), "out.png", "is in the printing colors CMYK")
        for kind in ("JPEG", "TIFF")
        for options in ({}, {"icc_profile": b"none"})
    ],
    "a map": [
        (
            tiff(RGB, photometric="rgb", extratags=[(33550, 12, 3, (1.0, 1.0, 0.0), True)]),
            "out.tif",
            r"is a map \(GeoTIFF\), whose place would be lost",
        ),
    ],
    "a JPEG that is cut": [
        (stored(_encoded("JPEG")[:-200]), "out.png", "is damaged or cut short"),
        (stored(_encoded("JPEG", progressive=True)[:-20]), "out.png", "is damaged or cut short"),
        (stored(_encoded("PNG")[:-200]), "out.png", "is damaged or cut short"),
    ],
    "an animation": [
        (stored(_animation(kind)), "out.png", r"holds 2 pictures .*; give a single one")
        for kind in ("PNG", "WEBP", "TIFF")
    ],
    "HEIC, AVIF, GIF": [
        (stored(b"\0\0\0\x18ftypheic" + bytes(40)), "out.png", "is HEIC, AVIF or a film inside"),
        (stored(b"\0\0\0\x18ftypavif" + bytes(40)), "out.png", "is HEIC, AVIF or a film inside"),
        (stored(_animation("GIF")), "out.png", "holds no image that can be read"),
        (stored(b"words"), "out.png", "holds no image that can be read"),
    ],
    "more than 100 megapixels": [
        (stored(_bomb(11_000)), "out.png", "at most 100 megapixels are read"),
        (Photograph(empty(3, 9_000, 9_000)), "out.png", "at most 600 megapixels are made"),
    ],
    "fewer than 4 pixels": [
        (stored(_saved(Image.new("RGB", (3, 50)), "PNG")), "out.png", "has 3 x 50 pixels; at least 4 x 4 are needed"),
    ],
    "transparency to": [
        (Photograph(SMALL, CLEAR), "out.jpg", r"transparency; end it in \.png, \.tif or \.webp"),
        (Photograph(SMALL, CLEAR), "out.bmp", r"transparency; end it in \.png, \.tif or \.webp"),
        (Photograph(SMALL, icc=b"p"), "out.bmp", r"color profile; end it in \.png, \.tif or \.jpg"),
        (Photograph(CLEAR, icc=b"p"), "out.webp", r"color profile; end it in \.png, \.tif or \.jpg"),
        *(
            (stored(_colored(8, {b"gAMA": struct.pack(">I", 100_000)})), f"out.{end}", "colors, which are not sRGB")
            for end in ("jpg", "tif", "webp", "bmp")
        ),
        (Photograph(SMALL, exif=bytes(66_000)), "out.jpg", r"EXIF block of 66000 bytes; take \.png"),
        (Photograph(SMALL, xmp=bytes(66_000)), "out.jpg", r"XMP block of 66000 bytes; take \.png"),
    ],
    "a result longer": [
        (Photograph(empty(3, 5, 33_000)), "out.jpg", "more than the 65535 of JPEG"),
        (Photograph(empty(3, 5, 9_000)), "out.webp", "more than the 16383 of WEBP"),
        (
            Photograph(empty(3, 12_200, 12_200, torch.uint16), empty(1, 12_200, 12_200, torch.uint16)),
            "out.tif",
            "would have more than the 4 GB of a TIFF",
        ),
    ],
}


def listed() -> list[str]:
    """The first cells of the list's lines."""
    text = (ROOT / "book/api/commands.md").read_text(encoding="utf-8")
    table = text.split("What is refused, in one sentence", 1)[1].split("\n##", 1)[0]
    return re.findall(r"^\| (.+?) \| .+ \|$", table, re.MULTILINE)[1:]


def test_every_line_of_the_list_has_its_inputs_and_every_input_its_line():
    lines = listed()
    assert len(lines) == len(REFUSED)
    assert all(line.startswith(begin) for line, begin in zip(lines, REFUSED, strict=True))


def upscale_to(target: Path, given) -> None:
    """What the command does before the work."""
    if not isinstance(given, Photograph):
        given(target.parent / "photo")
        given = read_photograph(target.parent / "photo")
    check_output(target, given, scale=2)
    check_size(*given.pixels.shape[-2:], 3)


@pytest.mark.parametrize(("line", "number"), [(line, n) for line, cases in REFUSED.items() for n in range(len(cases))])
def test_what_the_list_names_is_refused_in_one_sentence_before_the_work(tmp_path, line, number):
    given, name, sentence = REFUSED[line][number]
    with pytest.raises(InputError, match=sentence) as error:
        upscale_to(tmp_path / name, given)
    assert "\n" not in str(error.value)
    assert not (tmp_path / name).exists()


def test_what_stands_beside_the_list_is_served(tmp_path):
    """The same inputs with the one thing changed for which they are refused."""
    for make in (
        tiff(RGB, photometric="rgb"),
        deep(photometric="minisblack", compression="lzw"),
        stored(_saved(_picture().convert("CMYK"), "JPEG", icc_profile=ink_profile())),
        stored(_encoded("JPEG")[:-2]),
    ):
        upscale_to(tmp_path / "out.tif", make)
