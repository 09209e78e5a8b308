"""Formats: every file that people have is served without a pixel lost, or refused by a sentence that is true of it."""

import random
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from test_images import MODES, _encoded, _picture, _png, _saved

from srcnn import formats
from srcnn.files import InputError
from srcnn.images import Photograph, full_range_luma, pixel_hash, read_photograph, to_bytes, write_photograph
from srcnn.upscale import upscale

RGB = np.asarray(_picture())
FORMATS = ("PNG", "JPEG", "TIFF", "WEBP")


def _ifd(*entries: tuple[int, int, int, bytes]) -> bytes:
    """A block of TIFF tags: number, type, count and the value's bytes."""
    offset, table, values = 8 + 2 + 12 * len(entries) + 4, b"", b""
    for tag, kind, count, value in entries:
        table += struct.pack("<HHI", tag, kind, count)
        if len(value) > 4:
            table += struct.pack("<I", offset + len(values))
            values += value
        else:
            table += value.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + table + bytes(4) + values


def _from(tmp_path: Path, content: bytes, name: str = "given") -> Photograph:
    (tmp_path / name).write_bytes(content)
    return read_photograph(tmp_path / name)


def _pixels(image: Image.Image) -> torch.Tensor:
    values = np.array(image)
    return torch.from_numpy(values.reshape(*values.shape[:2], -1)).permute(2, 0, 1)


# Served as what they stand for

P = _picture().quantize(16)
SERVED = {
    "palette": (P, {}, P.convert("RGB"), None),
    "palette, one transparent": (P, {"transparency": 3}, P.convert("RGB"), np.asarray(P) != 3),
    "palette with alpha": (
        P,
        {"transparency": bytes(range(0, 160, 10))},
        P.convert("RGB"),
        np.arange(0, 160, 10)[np.asarray(P)] / 255,
    ),
    "single bits": (_picture().convert("1"), {}, _picture().convert("1").convert("L"), None),
    "gray, one transparent": (_picture("L"), {"transparency": 100}, _picture("L"), np.asarray(_picture("L")) != 100),
    "color, one transparent": (
        _picture(),
        {"transparency": tuple(RGB[3, 4].tolist())},
        _picture(),
        (RGB[3, 4] != RGB).any(2),
    ),
    "opaque alpha": (_picture().convert("RGBA"), {}, _picture(), None),
    "opaque gray and alpha": (_picture("L").convert("LA"), {}, _picture("L"), None),
}


@pytest.mark.parametrize("name", SERVED)
def test_a_file_is_served_as_what_its_numbers_stand_for(tmp_path, name):
    image, options, wanted, alpha = SERVED[name]
    photograph = _from(tmp_path, _saved(image, "PNG", **options))
    assert torch.equal(photograph.pixels, _pixels(wanted))
    assert (photograph.alpha is None) == (alpha is None)
    if alpha is not None:
        assert torch.equal(photograph.alpha[0], torch.from_numpy(np.asarray(alpha * 255)).byte())


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
@pytest.mark.parametrize("mode", ["P", "1"])
def test_palettes_and_bits_are_served_in_every_format(tmp_path, kind, mode):
    image = P if mode == "P" else _picture().convert("1")
    content = _saved(image, kind)
    assert torch.equal(_from(tmp_path, content).pixels, _pixels(image.convert("RGB" if mode == "P" else "L")))
    assert full_range_luma(tmp_path / "given").shape == (24, 20)
    plain = _saved(image.convert("RGB" if mode == "P" else "L"), "PNG")
    (tmp_path / "plain").write_bytes(plain)
    assert pixel_hash(tmp_path / "given") == pixel_hash(tmp_path / "plain")


def test_what_is_opaque_everywhere_can_become_a_jpeg(tmp_path):
    write_photograph(tmp_path / "out.jpg", _from(tmp_path, _saved(_picture().convert("RGBA"), "PNG")))
    assert read_photograph(tmp_path / "out.jpg").alpha is None


@pytest.mark.parametrize("compression", ["raw", "tiff_adobe_deflate"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["1", "P", *MODES])
def test_a_tiff_of_every_kind_is_turned_once(tmp_path, mode, orientation, compression):
    image = {"P": P, "1": _picture().convert("1")}.get(mode) or _picture(mode)
    options = {"tiffinfo": {274: orientation, 271: "a camera"}, "compression": compression}
    photograph = _from(tmp_path, _saved(image, "TIFF", **options))
    wanted = image.convert({"P": "RGB", "1": "L"}.get(mode, mode))
    if orientation in formats._TURNS:
        wanted = wanted.transpose(Image.Transpose[formats._TURNS[orientation]])
    every = photograph.pixels if photograph.alpha is None else torch.cat([photograph.pixels, photograph.alpha])
    assert torch.equal(every, _pixels(wanted))
    assert b"a camera" in photograph.exif


# Tags


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("target", ["p.tif", "p.jpg", "p.png", "p.webp"])
def test_tags_of_a_files_layout_do_not_rule_over_the_result(tmp_path, kind, target):
    """Telephones and editors write them into the EXIF block: sizes, compression, photometric interpretation, strips."""
    layout = [(0x100, 4, 1, 4032), (0x101, 4, 1, 3024), (0x102, 3, 1, 16), (0x103, 3, 1, 6), (0x106, 3, 1, 6)]
    layout += [(0x111, 4, 1, 8), (0x115, 3, 1, 4), (0x116, 4, 1, 3024), (0x117, 4, 1, 99), (0x11C, 3, 1, 2)]
    block = _ifd(*((t, k, c, struct.pack("<I", v)) for t, k, c, v in layout), (0x10F, 2, 9, b"a camera\0"))
    photograph = _from(tmp_path, _saved(_picture(), kind, exif=b"Exif\0\0" + block))
    large = upscale(photograph, None, scale=2)
    write_photograph(tmp_path / target, large)
    with Image.open(tmp_path / target) as back:
        assert back.size == (40, 48)
        assert back.getexif()[0x10F] == "a camera"
        if not target.endswith("tif"):
            assert not {0x100, 0x103, 0x106, 0x111} & set(back.getexif())
    if target.endswith("tif"):
        assert np.array_equal(tifffile.imread(tmp_path / target), large.pixels.permute(1, 2, 0).numpy())


def test_the_old_size_and_offsets_into_the_old_file_stay_behind(tmp_path):
    exif = Image.Exif()
    exif[0x8769] = {0xA002: 4032, 0xA003: 3024, 0xA005: 900, 0x9003: "2014:09:06 12:00:00"}
    photograph = _from(tmp_path, _encoded("JPEG", exif=exif))
    write_photograph(tmp_path / "out.jpg", photograph)
    with Image.open(tmp_path / "out.jpg") as back:
        assert dict(back.getexif().get_ifd(0x8769)) == {0x9003: "2014:09:06 12:00:00"}


TYPES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}  # bytes of a value


def _senseless(chance: random.Random) -> bytes:
    known = (*formats._CAMERA, *formats._BLOCKS, 0x112, 0x100, 0x111, 0x11A, 0x9003, 0x9286, 0xA002, 0xA005, 1, 2, 4)
    entries = []
    for _ in range(chance.randrange(1, 8)):
        kind = chance.choice((*TYPES, 0, 99))
        count = chance.choice((0, 1, 1, 2, 3, 7, 40, 2**31 if chance.random() < 0.05 else 1))
        value = chance.randbytes(min(count, 40) * TYPES.get(kind, 1))
        entries.append((chance.choice(known), kind, count, value or b"\0"))
    block = bytearray(_ifd(*entries))
    for _ in range(chance.choice((0, 0, 1, 4))):
        block[chance.randrange(len(block))] = chance.randrange(256)
    return bytes(block)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_no_pixel_is_refused_for_a_tag(tmp_path, kind):
    """1,000 blocks of wrong types and sizes in each format: the photograph comes, and can be written as a TIFF."""
    chance, size = random.Random(kind), _picture().size
    for _ in range(1_000):
        content = _saved(_picture(), kind, exif=b"Exif\0\0" + _senseless(chance))
        photograph = _from(tmp_path, content)
        assert sorted(photograph.pixels.shape) == sorted((3, *size))
        target = tmp_path / chance.choice(("out.tif", "out.jpg", "out.png", "out.webp"))
        write_photograph(target, photograph)
        with Image.open(target) as back:
            assert back.size == photograph.pixels.shape[:0:-1]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_an_orientation_in_xmp_alone_turns_nothing_as_in_a_browser(tmp_path, kind):
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    )
    options = {"xmp": xmp}
    if kind == "PNG":
        options = {"pnginfo": PngInfo()}
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode())
    if kind == "TIFF":
        options = {"tiffinfo": {700: xmp}}
    assert _from(tmp_path, _saved(_picture(), kind, **options)).pixels.shape == (3, 24, 20)


@pytest.mark.parametrize("name", [b"zTXt", b"iTXt", b"iCCP"])
def test_megabytes_of_text_in_a_png_are_no_damage_and_a_bomb_is(tmp_path, name):
    """A bomb is what takes more than 64 MB once it is unpacked."""

    def content(size: int) -> bytes:
        packed = zlib.compress(bytes(size) if size > 2**26 else random.Random(0).randbytes(size))
        heads = {b"zTXt": b"note\0\0", b"iTXt": b"note\0\1\0\0\0", b"iCCP": b"profile\0\0"}
        good = _encoded("PNG")
        made = _png((name, heads[name] + packed))[8:]
        return good[:33] + made + good[33:]

    photograph = _from(tmp_path, content(1_400_000))
    assert torch.equal(photograph.pixels, _pixels(_picture()))
    if name != b"iCCP":
        with pytest.raises(InputError, match="is damaged or cut short"):
            _from(tmp_path, content(2**26 + 2**20))


# What would be changed without a word


def _tiff(path: Path, values: np.ndarray, **options) -> None:
    tifffile.imwrite(path, values, **options)


GRAY8 = np.arange(480, dtype=np.uint8).reshape(24, 20)
REFUSED = {
    "signed": (GRAY8.astype(np.int8), {}, "signed or floating-point numbers"),
    "float16": (GRAY8.astype(np.float16), {}, "other than 8 whole bits|more than 8 bits"),
    "float32": (GRAY8.astype(np.float32), {}, "signed or floating-point|more than 8 bits"),
    "float32 RGB": (RGB.astype(np.float32), {"photometric": "rgb"}, "other than 8 whole bits|more than 8 bits"),
    "float64": (GRAY8.astype(np.float64), {}, "other than 8 whole bits|more than 8 bits"),
    "16 bits": (GRAY8.astype(np.uint16), {}, "more than 8 bits"),
    "16 bits RGB": (RGB.astype(np.uint16), {"photometric": "rgb"}, "more than 8 bits"),
    "16 bits, 4 bands": (
        np.zeros((24, 20, 4), np.uint16),
        {"photometric": "rgb", "extrasamples": ["unspecified"]},
        "more than 8 bits|other than 8 whole bits",
    ),
    "near infrared": (
        np.concatenate([RGB, RGB[..., :1]], 2),
        {"photometric": "rgb", "extrasamples": ["unspecified"]},
        "has 4 bands",
    ),
    "gray and a band": (
        RGB[..., :2],
        {"photometric": "minisblack", "extrasamples": ["unspecified"], "planarconfig": "contig"},
        "has 2 bands|other than 8 whole bits",
    ),
    "a raw file's small view": (RGB, {"photometric": "rgb", "subfiletype": 1}, "is a raw file"),
    "a raw file": (RGB, {"photometric": "rgb", "extratags": [(0xC612, 1, 4, (1, 4, 0, 0), True)]}, "is a raw file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_tiff_that_would_be_read_as_something_else_is_refused(tmp_path, name):
    values, options, message = REFUSED[name]
    _tiff(tmp_path / "in.tif", values, **options)
    with pytest.raises(InputError, match=rf"in\.tif.*({message})") as error:
        read_photograph(tmp_path / "in.tif")
    assert "damaged" not in str(error.value)


@pytest.mark.parametrize("options", [{"photometric": "rgb"}, {"photometric": "rgb", "extrasamples": ["unassalpha"]}])
def test_a_tiff_of_another_library_with_alpha_or_without_is_served(tmp_path, options):
    values = RGB if "extrasamples" not in options else np.concatenate([RGB, RGB[..., :1] // 2], 2)
    _tiff(tmp_path / "in.tif", values, **options)
    photograph = read_photograph(tmp_path / "in.tif")
    assert torch.equal(photograph.pixels, torch.from_numpy(RGB.copy()).permute(2, 0, 1))
    assert (photograph.alpha is None) == ("extrasamples" not in options)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\0\0\0\x18ftypheic" + bytes(40), r"photo\.jpg is HEIC, AVIF or a film inside"),
        (b"\0\0\0\x18ftypavif" + bytes(40), r"photo\.jpg is HEIC, AVIF or a film inside"),
        (b"GIF89a" + bytes(40), r"photo\.jpg holds no image that can be read; BMP, JPEG, PNG, TIFF, WEBP files can"),
    ],
)
def test_what_a_file_is_inside_counts_and_not_its_name(tmp_path, content, sentence):
    with pytest.raises(InputError, match=sentence):
        _from(tmp_path, content, "photo.jpg")


@pytest.mark.parametrize(
    ("photograph", "name"),
    [
        (Photograph(torch.zeros(1, 4, 4, dtype=torch.uint8), icc=b"profile"), "out.webp"),
        (Photograph(torch.zeros(3, 4, 4, dtype=torch.uint8), icc=b"profile"), "out.bmp"),
    ],
)
def test_a_profile_that_cannot_be_kept_is_told_before_the_work(tmp_path, photograph, name):
    with pytest.raises(InputError, match=rf"{name} cannot hold the photograph's color profile; end it in \.png"):
        write_photograph(tmp_path / name, photograph)
    assert not (tmp_path / name).exists()


def test_written_files_are_what_a_second_library_reads(tmp_path):
    photograph = _from(tmp_path, _encoded("PNG"))
    write_photograph(tmp_path / "out.tif", photograph)
    assert np.array_equal(tifffile.imread(tmp_path / "out.tif"), RGB)
    assert to_bytes(torch.ones(1)).item() == 255
