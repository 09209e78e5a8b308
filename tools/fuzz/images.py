"""Image files of every kind that the course reads and of some that it does not, damaged, absurd and whole."""

import io
import struct
import zlib
from pathlib import Path
from random import Random

import imagecodecs
import numpy as np
import tifffile
from PIL import Image, PngImagePlugin

from fuzz.guard import Case
from fuzz.mutate import EXTREMES, damaged
from srcnn import images
from srcnn.cli import main

SIDE = 12
ENDINGS = ("png", "jpg", "bmp", "tif", "webp", "PNG", "jpeg", "tiff")


def prepare(place: Path) -> list[bytes]:
    """Good files of every format, mode and packing."""
    noise = np.random.default_rng(0)
    rgb = Image.fromarray(noise.integers(0, 256, (SIDE, SIDE + 3, 4), dtype=np.uint8), "RGBA")
    exif = Image.Exif()
    exif.update({0x0110: "camera", 0x0112: 6, 0x8298: "nobody"})
    found = []
    for kind, modes, options in (
        ("BMP", ("1", "L", "P", "RGB", "RGBA"), ({},)),
        ("JPEG", ("L", "RGB", "CMYK"), ({}, {"progressive": True}, {"exif": exif, "dpi": (72, 72)},
            {"optimize": True})),
        ("PNG", ("1", "L", "LA", "P", "RGB", "RGBA"), ({}, {"exif": exif, "dpi": (72, 72)}, {"pnginfo": _notes()})),
        ("TIFF", ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK"), _packings(exif)),
        ("WEBP", ("RGB", "RGBA"), ({}, {"lossless": True, "exif": exif})),
        ("GIF", ("P",), ({},)), ("PPM", ("RGB",), ({},)), ("ICO", ("RGBA",), ({},)),
    ):  # fmt: skip
        found += [_saved(rgb.convert(mode), kind, **each) for mode in modes for each in options]
    moving = {"save_all": True, "append_images": [rgb.convert("RGB").rotate(90)]}
    found += [_saved(rgb.convert("RGB"), kind, **moving) for kind in ("WEBP", "PNG", "TIFF")]
    deep = noise.integers(0, 65536, (SIDE, SIDE, 3), dtype=np.uint16)
    found += [imagecodecs.png_encode(deep[..., :bands].copy()) for bands in (1, 3)]
    for options in ({}, {"compression": "zlib"}, {"compression": "lzw"}, {"tile": (16, 16)}, {"bigtiff": True}):
        stream = io.BytesIO()
        tifffile.imwrite(stream, deep, photometric="rgb", **options)
        found.append(stream.getvalue())
    return found


def _notes() -> PngImagePlugin.PngInfo:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "words " * 50, zip=True)
    notes.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    return notes


def _packings(exif: Image.Exif) -> tuple[dict, ...]:
    return ({}, {"compression": "tiff_lzw"}, {"compression": "tiff_adobe_deflate"}, {"exif": exif})


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    image.save(stream := io.BytesIO(), kind, **options)
    return stream.getvalue()


def case(chance: Random, place: Path, good: list[bytes]) -> Case:
    """A file, through one of the doors."""
    maker = chance.choice((_mutated, _mutated, _mutated, _png, _tiff, _bmp, _jpeg, _webp))
    name = f"photo.{chance.choice(ENDINGS)}"
    (place / name).write_bytes(maker(chance, good))
    door = chance.randrange(8)
    if door < 2:
        return Case(lambda: images.read(name))
    if door < 5:
        return Case(lambda: images.read_photograph(name))
    if door == 5:
        return Case(lambda: images.pixel_hash(name))
    if door == 6:
        (place / "set").mkdir()
        (place / name).rename(place / "set" / name)
        return Case(
            lambda: main(["evaluate", "--data", "set", "--scale", "2", "--weights", "bicubic", "--device", "cpu"])
        )
    output = f"out.{chance.choice(ENDINGS)}"
    words = ["upscale", name, "-o", output, "--scale", "2", "--weights", "bicubic", "--device", "cpu"]
    return Case(lambda: main(words), may=(output,))


def _mutated(chance: Random, good: list[bytes]) -> bytes:
    seed = chance.choice(good)
    if chance.random() < 0.1:
        return seed
    bad = damaged(seed, chance, good)
    return _sealed(bad) if seed[:4] == b"\x89PNG" and chance.random() < 0.7 else bad


def _sealed(png: bytes) -> bytes:
    """The same PNG with right checksums, so that the damage gets further in."""
    out, at = bytearray(png[:8]), 8
    while at + 8 <= len(png):
        size = int.from_bytes(png[at : at + 4], "big")
        body = png[at + 4 : at + 8 + size]
        out += png[at : at + 4] + body + struct.pack(">I", zlib.crc32(body))
        at += size + 12
    return bytes(out)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _side(chance: Random) -> int:
    return chance.choice((1, 3, SIDE, SIDE, SIDE, *EXTREMES)) & 0xFFFFFFFF


def _png(chance: Random, good: list[bytes]) -> bytes:
    """Any head before any pixels, and any chunks in between."""
    head = struct.pack(
        ">IIBBBBB", _side(chance), _side(chance), chance.choice((1, 2, 4, 8, 8, 16, 3, 0, 255)),
        chance.choice((0, 2, 3, 4, 6, 1, 7)), chance.choice((0, 0, 0, 1)), 0, chance.choice((0, 0, 1, 2)),
    )  # fmt: skip
    names = (
        b"PLTE",
        b"tRNS",
        b"gAMA",
        b"cHRM",
        b"iCCP",
        b"sRGB",
        b"eXIf",
        b"pHYs",
        b"tEXt",
        b"zTXt",
        b"iTXt",
        b"acTL",
        b"cICP",
    )
    between = []
    for _ in range(chance.randrange(4)):
        content = chance.choice((b"", chance.randbytes(chance.randrange(40)), b"key\0\0" + zlib.compress(bytes(10**6))))
        between.append(_chunk(chance.choice(names), content))
    pixels = zlib.compress(bytes(chance.choice((0, 10, 700, 5000, 10**7))))
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + b"".join(between)
        + _chunk(b"IDAT", pixels)
        + _chunk(b"IEND", b"")
    )


def _tiff(chance: Random, good: list[bytes]) -> bytes:
    """Any tags with any types, counts and values."""
    tags = {256: _side(chance), 257: _side(chance), 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: SIDE, 279: SIDE * SIDE}
    for _ in range(chance.randrange(5)):
        tag = chance.choice(
            (*tags, 254, 274, 282, 284, 296, 317, 320, 322, 323, 324, 325, 330, 338, 339, 700, 34665, 34675, 50706)
        )
        tags[tag] = chance.choice(EXTREMES) & 0xFFFFFFFF
    order = chance.choice("<>")
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8 + SIDE * SIDE)
    body = struct.pack(order + "H", chance.choice((len(tags), len(tags), 65535)))
    for tag, value in sorted(tags.items()):
        kind = chance.choice((3, 4, 4, 4, chance.randrange(20)))
        count = chance.choice((1, 1, 1, 1, 3, 2**31, 2**32 - 1))
        number = struct.pack(order + "HH", value & 0xFFFF, 0) if kind == 3 else struct.pack(order + "I", value)
        body += struct.pack(order + "HHI", tag, kind, count) + number
    return (
        head
        + chance.randbytes(SIDE * SIDE)
        + body
        + struct.pack(order + "I", chance.choice((0, 0, 8, 8 + SIDE * SIDE)))
    )


def _bmp(chance: Random, good: list[bytes]) -> bytes:
    """Any BITMAPINFOHEADER."""
    head = struct.pack(
        "<IIIHHIIIIII", chance.choice((40, 40, 12, 108, 124, 64, 7)), _side(chance), _side(chance), 1,
        chance.choice((1, 2, 4, 8, 16, 24, 32, 64)), chance.choice((0, 1, 2, 3, 4, 6, 99)), 0, 2835, 2835,
        chance.choice((0, 2, 256, 2**32 - 1)), 0,
    )  # fmt: skip
    start = chance.choice((54, 54, 1078, 0, 2**32 - 1))
    return b"BM" + struct.pack("<IHHI", 500, 0, 0, start) + head + chance.randbytes(chance.choice((0, 100, 2000)))


def _jpeg(chance: Random, good: list[bytes]) -> bytes:
    """A good file with segments of any kind and length put in, moved or left out."""
    whole = chance.choice([each for each in good if each[:2] == b"\xff\xd8"])
    parts, at = [], 2
    while at + 4 < len(whole) and whole[at] == 0xFF and whole[at + 1] != 0xDA:
        size = int.from_bytes(whole[at + 2 : at + 4], "big") + 2
        parts.append(whole[at : at + size])
        at += size
    for _ in range(chance.randrange(1, 4)):
        content = chance.choice((b"Exif\0\0", b"MPF\0", b"ICC_PROFILE\0\1\1", b"Adobe", b"")) + chance.randbytes(
            chance.randrange(60)
        )
        marker = chance.choice((0xE0, 0xE1, 0xE2, 0xEE, 0xFE, 0xC0, 0xC2, 0xC4, 0xDB, 0xDD))
        size = chance.choice((len(content) + 2, len(content) + 2, 0, 1, 65535))
        parts.insert(chance.randrange(len(parts) + 1), bytes((0xFF, marker)) + struct.pack(">H", size) + content)
    if chance.random() < 0.4:
        chance.shuffle(parts)
    return b"\xff\xd8" + b"".join(parts) + whole[at:]


def _webp(chance: Random, good: list[bytes]) -> bytes:
    """Chunks of WebP in any order and with any stated length."""
    names = (b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"EXIF", b"ICCP", b"XMP ")
    body = b"WEBP"
    for _ in range(chance.randrange(1, 5)):
        content = chance.randbytes(chance.choice((0, 10, 30, 31)))
        size = chance.choice((len(content), len(content), 2**32 - 1, 0))
        body += chance.choice(names) + struct.pack("<I", size) + content + b"\0" * (len(content) % 2)
    return b"RIFF" + struct.pack("<I", chance.choice((len(body), len(body), 2**32 - 1, 0))) + body
