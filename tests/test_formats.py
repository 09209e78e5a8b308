"""Formats: every file that people have is served without a pixel lost, or refused by a sentence that is true of it."""

import io
import itertools
import random
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import skimage.data
import tifffile
import torch
from lanes import one_in
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo
from test_images import MODES, _encoded, _picture, _png, _saved

from srcnn import formats
from srcnn.files import InputError
from srcnn.images import (
    Photograph,
    check_output,
    full_range_luma,
    pixel_hash,
    read,
    read_photograph,
    to_bytes,
    write_photograph,
)
from srcnn.upscale import upscale

RGB = np.asarray(_picture())
TURNS = dict(zip(range(2, 9), map(Image.Transpose, (0, 3, 1, 5, 4, 6, 2)), strict=True))  # orientation -> Pillow's word
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PACKED = ("lzw", "zlib", "packbits")


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
    if orientation != 1:
        wanted = wanted.transpose(TURNS[orientation])
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


@pytest.mark.parametrize("kind", one_in(3, ["JPEG", "PNG", "WEBP"]))
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


def _wrongly_checked(content: bytes, kind: bytes, at: int) -> bytes:
    """A PNG with one more chunk, whose checksum is wrong."""
    note = bytearray(_png((kind, b"of no sense"))[8:])
    note[-1] ^= 1
    return content[:at] + bytes(note) + content[at:]


@pytest.mark.parametrize("kind", [b"tIME", b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"pHYs"])
@pytest.mark.parametrize("at", [33, -12])  # before the pixels and after them
@pytest.mark.parametrize("bits", ["PNG", "PNG 16"])
def test_a_note_with_a_wrong_checksum_costs_no_pixel(tmp_path, kind, at, bits):
    content = _with_xmp(bits, _xmp())
    wrong = _from(tmp_path, _wrongly_checked(content, kind, at))
    assert torch.equal(wrong.pixels, _from(tmp_path, content).pixels)


@pytest.mark.parametrize("kind", [b"tRNS", b"gAMA", b"iCCP"])
@pytest.mark.parametrize("bits", ["PNG", "PNG 16"])
def test_what_changes_pixels_and_has_a_wrong_checksum_is_not_left_out(tmp_path, kind, bits):
    with pytest.raises(InputError, match="damaged"):
        _from(tmp_path, _wrongly_checked(_with_xmp(bits, _xmp()), kind, 33))


RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'


def _xmp(*parts: str) -> bytes:
    spaces = 'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"'
    spaces += ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
    body = "".join(f"<rdf:Description rdf:about='' {spaces} {part}</rdf:Description>" for part in parts)
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {RDF}>{body}</rdf:RDF></x:xmpmeta>'.encode()


def _with_xmp(kind: str, block: bytes) -> bytes:
    """The small picture in a file with that block; of 16 bits where the kind says so."""
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", block.decode(errors="replace"))
    if kind == "PNG 16":
        head, values = b"\x89PNG\r\n\x1a\n", np.zeros((24, 41), np.uint8)
        ihdr, text = struct.pack(">IIBBBBB", 20, 24, 16, 0, 0, 0, 0), b"XML:com.adobe.xmp\0\0\0\0\0" + block
        parts = ((b"IHDR", ihdr), (b"iTXt", text), (b"IDAT", zlib.compress(values.tobytes())))
        return head + b"".join(_png(part)[8:] for part in parts) + _png((b"IEND", b""))[8:]
    if kind == "TIFF 16":
        stream = io.BytesIO()
        tifffile.imwrite(stream, np.zeros((24, 20), np.uint16), extratags=[(700, 1, len(block), block, True)])
        return stream.getvalue()
    options = {"PNG": {"pnginfo": text}, "TIFF": {"tiffinfo": {700: block}}}
    return _saved(_picture(), kind, **options.get(kind, {"xmp": block}))


KINDS = ["PNG", "JPEG", "WEBP", "TIFF", "PNG 16", "TIFF 16"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_orientation_in_xmp_alone_turns_nothing_as_in_a_browser(tmp_path, kind):
    photograph = _from(tmp_path, _with_xmp(kind, _xmp('tiff:Orientation="6">')))
    assert photograph.pixels.shape[1:] == (24, 20)
    assert photograph.xmp is None


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (kind, f"out.{end}")
        for kind in KINDS
        for end in (("png", "tif") if kind.endswith("16") else ("png", "tif", "jpg", "webp"))
    ],
)
def test_of_an_xmp_block_what_people_wrote_travels(tmp_path, kind, target):
    """Found in the file where each format's standard puts it; without the old size, turn and small views."""
    title = '<dc:title><rdf:Alt><rdf:li xml:lang="de">Stra\u00dfe &amp; \u6a4b</rdf:li></rdf:Alt></dc:title>'
    past = "<xmp:Thumbnails><rdf:Alt/></xmp:Thumbnails><exif:PixelXDimension>4032</exif:PixelXDimension>"
    block = _xmp(f'tiff:Orientation="6" xmp:Rating="4">{title}{past}', 'exif:PixelYDimension="3024">')
    block = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>' + block + b"   \n<?xpacket end='w'?>"
    photograph = _from(tmp_path, _with_xmp(kind, block))
    write_photograph(tmp_path / target, photograph)
    content = (tmp_path / target).read_bytes()
    if target == "out.tif":
        with tifffile.TiffFile(tmp_path / target) as file:
            told = file.pages[0].tags[700].value
    else:
        mark = {"out.png": b"iTXtXML:com.adobe.xmp\0\0\0\0\0", "out.webp": b"XMP "}
        mark = mark.get(target, b"http://ns.adobe.com/xap/1.0/\0")
        assert content.count(mark) == 1
        told = content.split(mark)[1].split(b"<?xpacket end", 1)[0]
    for wanted in ("Stra\u00dfe &amp; \u6a4b", 'xml:lang="de"', 'xmp:Rating="4"', 'xmlns:dc="http://purl.org/dc/'):
        assert wanted.encode() in told
    for gone in (b"Orientation", b"Thumbnails", b"Pixel"):
        assert gone not in told
    again = read_photograph(tmp_path / target)
    assert again.xmp == photograph.xmp
    assert torch.equal(again.pixels, photograph.pixels) or target == "out.jpg"


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"no xml",
        b"\xff\xfe" + "<a/>".encode("utf-16-le"),
        b"<a/>",
        _xmp("dc:title='cut'>")[:-9],
        _xmp("dc:title='no end'"),
        b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + _xmp("dc:title='grown'>"),
        _xmp("dc:title='deep'>" + 2_000 * "<dc:a>" + 2_000 * "</dc:a>"),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG 16"])
def test_no_pixel_is_refused_for_an_xmp_block(tmp_path, kind, block):
    photograph = _from(tmp_path, _with_xmp(kind, block))
    assert photograph.pixels.shape[1:] == (24, 20)
    assert photograph.xmp is None


def test_a_jpeg_that_cannot_hold_the_xmp_block_is_told_before(tmp_path):
    photograph = _from(tmp_path, _with_xmp("PNG", _xmp(f"dc:title='{70_000 * 'x'}'>")))
    with pytest.raises(InputError, match=r"cannot hold the photograph's XMP block of 7\d{4} bytes; take \.png"):
        check_output(tmp_path / "out.jpg", photograph)
    room = 65_504 - (len(photograph.xmp) - 70_000)
    longest = _from(tmp_path, _with_xmp("PNG", _xmp(f"dc:title='{room * 'x'}'>")))
    write_photograph(tmp_path / "out.jpg", longest)
    assert read_photograph(tmp_path / "out.jpg").xmp == longest.xmp


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


# A JPEG without its end


def _smooth(height: int, width: int, mode: str = "RGB") -> Image.Image:
    """Something like a photograph: not noise, in which every byte counts."""
    return Image.fromarray(skimage.data.astronaut()[60 : 60 + height, 130 : 130 + width]).convert(mode)


JPEGS = {
    "baseline": {},
    "gray": {"mode": "L"},
    "progressive": {"progressive": True},
    "progressive gray": {"progressive": True, "mode": "L"},
    "restarts": {"restart_marker_blocks": 3},
    "progressive restarts": {"progressive": True, "restart_marker_blocks": 3},
    "fine": {"quality": 100, "subsampling": 0},
    "coarse": {"quality": 20},
    "ink": {"mode": "CMYK", "icc_profile": True},
}


@pytest.mark.parametrize("size", [(64, 48), (57, 93)])
@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_without_its_end_marker_is_served_and_one_cut_in_its_pixels_refused(tmp_path, name, size):
    """Cut behind each of its last 30 bytes, at 60 other places, and before each of its markers."""
    options = {"quality": 85} | JPEGS[name]
    image = _smooth(*size, options.pop("mode", "RGB"))
    if options.pop("icc_profile", False):
        options["icc_profile"] = ink_profile()
    good = _saved(image, "JPEG", **options)
    assert good.endswith(b"\xff\xd9")
    whole = _from(tmp_path, good)
    for cut in (1, 2):
        assert torch.equal(_from(tmp_path, good[:-cut]).pixels, whole.pixels)
    begun = good.index(b"\xff\xda")
    places = {*range(len(good) - 32, len(good) - 2), *random.Random(name).sample(range(begun, len(good) - 32), 60)}
    places |= {at for at in range(begun, len(good) - 2) if good[at] == 0xFF and good[at + 1]}
    for place in places:
        with pytest.raises(InputError, match=r"is damaged or cut short|holds no image"):
            _from(tmp_path, good[:place])


# Ink


def ink_profile() -> bytes:
    """A printer's profile of 16 colors, the corners of CMYK: what is left of white light, each in Lab by littleCMS."""
    corners = np.array(list(itertools.product((0, 1), repeat=4)))  # C M Y K, the last the fastest
    lights = (255 * (1 - corners[:, :3]) * (1 - corners[:, 3:])).astype(np.uint8)[None]
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    in_lab = np.asarray(ImageCms.profileToProfile(Image.fromarray(lights), srgb, lab, outputMode="LAB"))[0]
    table = (
        in_lab ^ np.array([0, 128, 128], np.uint8)
    ).tobytes()  # a and b: signed in Pillow, and 128 is 0 in a profile
    same = bytes(range(256))
    matrix = struct.pack(">9i", *(65536 * (n % 4 == 0) for n in range(9)))
    lut = b"mft1\0\0\0\0\4\3\2\0" + matrix + same * 4 + table + same * 3
    text = b"text\0\0\0\0public domain\0"
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    name = b"desc\0\0\0\0" + struct.pack(">I", 4) + b"ink\0" + bytes(78)
    tags = {b"A2B0": lut, b"cprt": text, b"wtpt": white, b"desc": name}
    at, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for tag, content in tags.items():
        table += tag + struct.pack(">II", at + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(">I4sI4s4s4s12x4s", at + len(body), b"lcms", 0x02200000, b"prtr", b"CMYK", b"Lab ", b"acsp")
    return head.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061) + bytes(48) + table + body


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_ink_with_its_profile_becomes_the_colors_that_littlecms_gives(tmp_path, kind):
    corners = np.array(list(itertools.product((0, 255), repeat=4)), np.uint8)
    values = np.repeat(np.repeat(corners.reshape(4, 4, 4), 16, 0), 16, 1)
    options = {"quality": 100} if kind == "JPEG" else {}
    content = _saved(Image.fromarray(values, "CMYK"), kind, icc_profile=ink_profile(), **options)
    photograph = _from(tmp_path, content)
    assert photograph.icc is None  # sRGB, as every picture without a profile
    wanted = (255 - values[..., :3].astype(int)) * (255 - values[..., 3:].astype(int)) // 255
    # Lab in bytes: half a step of it is up to 9 levels of a channel beside full blue
    assert (np.abs(_together(photograph).astype(int) - wanted)).max() <= 10


@pytest.mark.parametrize("profile", [None, PROFILE, b"no profile"])
@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_ink_without_a_profile_of_it_is_refused(tmp_path, kind, profile):
    content = _saved(_picture().convert("CMYK"), kind, **({"icc_profile": profile} if profile else {}))
    with pytest.raises(InputError, match="is in the printing colors CMYK without a profile of them; save it as RGB"):
        _from(tmp_path, content)
    for use in (read, pixel_hash):
        with pytest.raises(InputError, match="is in the printing colors CMYK; save it as RGB"):
            use(tmp_path / "given")


# What would be changed without a word


def _tiff(path: Path, values: np.ndarray, **options) -> None:
    tifffile.imwrite(path, values, **options)


GRAY8 = np.arange(480, dtype=np.uint8).reshape(24, 20)
UNSPECIFIED = {"photometric": "rgb", "extrasamples": ["unspecified"]}
REFUSED = {
    "signed": (GRAY8.astype(np.int8), {}, "signed or floating-point numbers"),
    "signed, 16 bits": (GRAY8.astype(np.int16), {}, "signed or floating-point numbers"),
    "float16": (GRAY8.astype(np.float16), {}, "signed or floating-point numbers"),
    "float32": (GRAY8.astype(np.float32), {}, "signed or floating-point numbers"),
    "float32 RGB": (RGB.astype(np.float32), {"photometric": "rgb"}, "signed or floating-point numbers"),
    "float64": (GRAY8.astype(np.float64), {}, "signed or floating-point numbers"),
    "32 bits": (GRAY8.astype(np.uint32), {}, "has 32 bits per channel"),
    "64 bits": (GRAY8.astype(np.uint64), {}, "has 64 bits per channel"),
    "16 bits, 4 bands": (np.zeros((24, 20, 4), np.uint16), UNSPECIFIED, "has 4 bands"),
    "16 bits of ink": (np.zeros((24, 20, 4), np.uint16), {"photometric": "separated"}, "neither RGB nor gray"),
    "16 bits, white is 0": (GRAY8.astype(np.uint16), {"photometric": "miniswhite"}, "neither RGB nor gray"),
    "16 bits, zstd": (GRAY8.astype(np.uint16), {"compression": "zstd"}, "unusual compression"),
    "16 bits, pages": (np.zeros((3, 24, 20), np.uint16), {"photometric": "minisblack"}, "holds 3 pictures"),
    "near infrared": (
        np.concatenate([RGB, RGB[..., :1]], 2),
        UNSPECIFIED,
        "has 4 bands",
    ),
    "gray and a band": (
        RGB[..., :2],
        {"photometric": "minisblack", "extrasamples": ["unspecified"], "planarconfig": "contig"},
        "has 2 bands|other than 8 whole bits",
    ),
    "ink and a band": (
        np.zeros((24, 20, 5), np.uint8),
        {"photometric": "separated", "extrasamples": ["unassalpha"]},
        "has 5 bands",
    ),
    "a map": (RGB, {"photometric": "rgb", "extratags": [(33550, 12, 3, (0.5, 0.5, 0.0), True)]}, "is a map .GeoTIFF"),
    "a map of 16 bits": (
        GRAY8.astype(np.uint16),
        {"extratags": [(33922, 12, 6, (0.0,) * 6, True)]},
        "is a map .GeoTIFF",
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
        (
            b"GIF89a" + bytes(40),
            r"photo\.jpg holds no image .*: it is damaged, or no usual BMP, JPEG, PNG, TIFF or WEBP file",
        ),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), r"photo\.jpg (holds no image .*: it is damaged|is damaged)"),
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


# 16 bits: what one library writes is read here, and what is written here another library reads

DEEP = {
    bands: np.random.default_rng(bands).integers(0, 65536, (24, 20, bands), dtype=np.uint16).squeeze()
    for bands in (1, 2, 3, 4)
}


def _tiff16(path: Path, values: np.ndarray, alpha: str = "unassalpha", **options) -> None:
    bands = 1 if values.ndim == 2 else values.shape[2]
    if bands > 1 and options.get("planarconfig") == "separate":
        values = np.moveaxis(values, 2, 0)
    extra = {} if bands % 2 else {"extrasamples": [alpha]}
    _tiff(path, values, photometric="minisblack" if bands < 3 else "rgb", **extra | options)


def _together(photograph: Photograph) -> np.ndarray:
    """``(H, W)`` or ``(H, W, C)``, alpha last."""
    every = [*photograph.pixels.numpy(), *([] if photograph.alpha is None else photograph.alpha.numpy())]
    return np.stack(every, -1).squeeze()


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
@pytest.mark.parametrize("packed", [{}, *({"compression": c, "predictor": p} for c in PACKED for p in (False, True))])
@pytest.mark.parametrize("bands", DEEP)
def test_16_bits_of_a_tiff_of_every_layout_are_read_exactly(tmp_path, bands, packed, tile, byteorder):
    for planes in ["contig", "separate"] if bands > 1 else [None]:
        options = {"planarconfig": planes, "byteorder": byteorder, "tile": tile, "rowsperstrip": None if tile else 5}
        _tiff16(tmp_path / "in.tif", DEEP[bands], **options | packed)
        assert np.array_equal(_together(read_photograph(tmp_path / "in.tif")), DEEP[bands])


@pytest.mark.parametrize("bands", DEEP)
def test_16_bits_of_a_png_are_read_exactly(tmp_path, bands):
    photograph = _from(tmp_path, imagecodecs.png_encode(DEEP[bands]))
    assert np.array_equal(_together(photograph), DEEP[bands])
    assert (photograph.alpha is None) == (bands % 2 == 1)


def _interlaced16(values: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of 16 bits in Adam7, by the specification's table of its seven passes."""
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    rows = [b"\0" + row.astype(">u2").tobytes() for y, x, dy, dx in passes for row in values[y::dy, x::dx] if row.size]
    size = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, 0 if values.ndim == 2 else 2, 0, 0, 1)
    return _png((b"IHDR", size), *chunks, (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))


@pytest.mark.parametrize("bands", [1, 3])
def test_interlaced_rows_and_a_transparent_color_of_16_bits(tmp_path, bands):
    key = DEEP[bands][3, 4]
    assert np.array_equal(_together(_from(tmp_path, _interlaced16(DEEP[bands]))), DEEP[bands])
    photograph = _from(tmp_path, _interlaced16(DEEP[bands], (b"tRNS", struct.pack(f">{bands}H", *np.atleast_1d(key)))))
    seen = (DEEP[bands].reshape(24, 20, -1) != key).any(2)
    assert np.array_equal(photograph.alpha[0].numpy(), np.where(seen, 65535, 0))
    assert np.array_equal(np.moveaxis(photograph.pixels.numpy(), 0, -1).squeeze(), DEEP[bands])


def test_colors_that_were_multiplied_by_their_alpha_are_divided_again(tmp_path):
    """A TIFF's associated alpha; where alpha is a, half a level of the product is 65535 / (2 a) levels of the color."""
    colors, alpha = DEEP[4][..., :3].astype(float), np.maximum(DEEP[4][..., 3:], 1000)
    product = np.concatenate([np.rint(colors * (alpha / 65535)).astype(np.uint16), alpha], 2)
    _tiff16(tmp_path / "in.tif", product, alpha="assocalpha")
    found = _together(read_photograph(tmp_path / "in.tif"))
    assert np.array_equal(found[..., 3:], alpha)
    assert (np.abs(found[..., :3] - colors) <= 32768 / alpha + 0.5).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("bands", DEEP)
def test_16_bits_are_turned_as_8_are_and_keep_the_cameras_block(tmp_path, bands, orientation):
    exif = Image.Exif()
    exif[274], exif[271], exif[0x8769] = orientation, "a camera", {0x9003: "2014:09:06 12:00:00"}
    mode = ("L", "LA", "RGB", "RGBA")[bands - 1]
    small = (DEEP[bands] >> 8).astype(np.uint8)
    wanted = _from(tmp_path, _saved(Image.fromarray(small, mode), "PNG", exif=exif))
    good = _spliced(imagecodecs.png_encode(DEEP[bands]), (b"eXIf", exif.tobytes()[6:]))
    photograph = _from(tmp_path, good)
    assert np.array_equal(_together(photograph) >> 8, _together(wanted))
    assert photograph.exif == wanted.exif
    _tiff16(tmp_path / "in.tif", DEEP[bands], extratags=[(274, 3, 1, orientation, True), (271, 2, 8, "a camera", True)])
    photograph = read_photograph(tmp_path / "in.tif")
    assert np.array_equal(_together(photograph) >> 8, _together(wanted))
    assert b"a camera" in photograph.exif


def _spliced(png: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG with chunks more, behind its first one."""
    return png[:33] + _png(*chunks)[8:] + png[33:]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("bands", DEEP)
def test_16_bits_are_written_so_that_other_libraries_read_them(tmp_path, bands, suffix):
    exif = Image.Exif()
    exif[271], exif[0x8769], exif[0x8825] = "a camera", {0x9003: "2014:09:06 12:00:00"}, {1: "N"}
    content = _spliced(
        imagecodecs.png_encode(DEEP[bands]), (b"eXIf", exif.tobytes()[6:]), (b"iCCP", b"p\0\0" + zlib.compress(PROFILE))
    )
    write_photograph(tmp_path / f"out{suffix}", _from(tmp_path, content))
    if suffix == ".png":
        values = imagecodecs.png_decode((tmp_path / "out.png").read_bytes())
    else:
        values = tifffile.imread(tmp_path / "out.tif")
    assert np.array_equal(values, DEEP[bands])
    if (bands, suffix) != (2, ".tif"):  # which Pillow does not know
        with Image.open(tmp_path / f"out{suffix}") as image:
            assert image.size == (20, 24)
            tags, profile = image.getexif(), image.info["icc_profile"]
            assert tags[271] == "a camera"
            assert tags.get_ifd(0x8769) == {0x9003: "2014:09:06 12:00:00"}
            assert tags.get_ifd(0x8825) == {1: "N"}
        assert ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).startswith("sRGB")
    again = read_photograph(tmp_path / f"out{suffix}")
    assert np.array_equal(_together(again), DEEP[bands])
    assert again.icc == PROFILE
    assert b"a camera" in again.exif


@pytest.mark.parametrize("strip", [1, 100, 700])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_are_written_in_strips_of_any_size(tmp_path, monkeypatch, suffix, strip):
    monkeypatch.setattr("srcnn.images._STRIP", strip)
    write_photograph(tmp_path / f"out{suffix}", _from(tmp_path, imagecodecs.png_encode(DEEP[3])))
    values = tifffile.imread(tmp_path / "out.tif") if suffix == ".tif" else None
    values = imagecodecs.png_decode((tmp_path / "out.png").read_bytes()) if values is None else values
    assert np.array_equal(values, DEEP[3])


def test_an_opaque_alpha_of_16_bits_is_none(tmp_path):
    values = DEEP[4].copy()
    values[..., 3] = 65535
    photograph = _from(tmp_path, imagecodecs.png_encode(values))
    assert photograph.alpha is None
    assert np.array_equal(_together(photograph), values[..., :3])


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".bmp"])
def test_16_bits_are_refused_before_the_work_where_they_would_be_lost(tmp_path, suffix):
    photograph = _from(tmp_path, imagecodecs.png_encode(DEEP[3]))
    with pytest.raises(InputError, match=rf"out\{suffix} cannot hold .* 16 bits per channel; end it in \.png or \.tif"):
        check_output(tmp_path / f"out{suffix}", photograph, scale=2)


def test_a_tiff_of_more_than_4_gigabytes_is_told_before_the_work(tmp_path):
    pixels = torch.zeros(1, 1, 1, dtype=torch.uint16)
    photograph = Photograph(pixels.expand(3, 14_000, 13_000), pixels.expand(1, 14_000, 13_000))
    check_output(tmp_path / "out.png", photograph, scale=2)
    with pytest.raises(InputError, match=r"out\.tif would have more than the 4 GB of a TIFF; take \.png"):
        check_output(tmp_path / "out.tif", photograph, scale=2)


@pytest.mark.parametrize("kind", ["png", "interlaced.png", "raw.tif", "lzw.tif", "zlib.tif", "tiles.tif"])
def test_no_damage_of_16_bits_raises_anything_else_or_loses_a_part(tmp_path, kind):
    """Cuts and changed bytes, by a fixed seed: the photograph, whole in size, or one sentence, and soon."""
    path, chance = tmp_path / "damaged", random.Random(kind)
    if kind.endswith("png"):
        good = imagecodecs.png_encode(DEEP[3]) if kind == "png" else _interlaced16(DEEP[3])
    else:
        packed = {"compression": kind[:-4]} if kind in ("lzw.tif", "zlib.tif") else {}
        _tiff16(path, DEEP[3], **packed, **({"tile": (16, 16)} if kind == "tiles.tif" else {"rowsperstrip": 7}))
        good = path.read_bytes()
    outcomes = set()
    for trial in range(300):
        bad = bytearray(good[: chance.randrange(len(good))] if trial % 4 == 0 else good)
        for _ in range(chance.choice((1, 2, 8)) if trial % 4 and bad else 0):
            reach = min(len(bad), chance.choice((60, 300, len(bad))))
            bad[chance.randrange(reach)] = chance.choice((0, 1, 127, 255, chance.randrange(256)))
        path.write_bytes(bad)
        began = time.monotonic()
        try:
            photograph = read_photograph(path)
            assert photograph.pixels.numel() <= 3 * formats.MAX_PIXELS
            outcomes.add("photograph")
        except InputError as error:
            outcomes.add("sentence" if "\n" not in str(error) else "lines")
        assert time.monotonic() - began < 5
    assert outcomes == {"photograph", "sentence"}


@pytest.mark.parametrize("packed", [{}, {"compression": "lzw"}, {"compression": "zlib"}, {"tile": (16, 16)}])
def test_a_tiff_of_16_bits_that_is_cut_inside_its_pixels_is_refused(tmp_path, packed):
    """Wherever it is cut. tifffile puts the pixels last, and would fill what is missing with zeros."""
    path = tmp_path / "cut.tif"
    _tiff16(path, DEEP[3], **packed, **({} if "tile" in packed else {"rowsperstrip": 7}))
    good = path.read_bytes()
    for length in range(300, len(good) - 1, 97):
        path.write_bytes(good[:length])
        with pytest.raises(InputError, match=r"cut\.tif is damaged or cut short"):
            read_photograph(path)


@pytest.mark.parametrize("packed", [{}, {"compression": "lzw"}, {"tile": (16, 16)}])
def test_a_tiff_of_16_bits_of_which_a_part_was_never_written_is_refused(tmp_path, packed):
    """A part of no bytes, as programs leave it where they stop; a reader of maps fills it with zeros."""
    _tiff16(tmp_path / "in.tif", DEEP[3], **packed, **({} if "tile" in packed else {"rowsperstrip": 7}))
    with tifffile.TiffFile(tmp_path / "in.tif", mode="r+b") as file:
        counts = file.pages[0].tags["TileByteCounts" if "tile" in packed else "StripByteCounts"]
        counts.overwrite((*counts.value[:-1], 0))
    with pytest.raises(InputError, match=r"in\.tif is damaged or cut short \(parts of the picture are missing\)"):
        read_photograph(tmp_path / "in.tif")


def test_a_png_of_16_bits_that_is_cut_inside_its_pixels_is_refused(tmp_path):
    good = imagecodecs.png_encode(DEEP[3])
    for length in range(60, len(good) - 16, 97):  # its last 12 bytes are the end's chunk, the 4 before a checksum
        with pytest.raises(InputError, match=r"is damaged or cut short|holds no image"):
            _from(tmp_path, good[:length])


@pytest.mark.parametrize("tile", [None, (40_000, 40_000)])
def test_a_bomb_of_16_bits_is_refused_by_its_head(tmp_path, tile):
    small = np.zeros((16, 16), np.uint16)
    _tiff(tmp_path / "bomb.tif", small, tile=(16, 16) if tile else None)
    with tifffile.TiffFile(tmp_path / "bomb.tif", mode="r+b") as file:
        for name in ("TileWidth", "TileLength") if tile else ("ImageWidth", "ImageLength"):
            file.pages[0].tags[name].overwrite(40_000)
    with pytest.raises(InputError, match="has 40000 x 40000 pixels; at most 100 megapixels are read"):
        read_photograph(tmp_path / "bomb.tif")
    if not tile:
        size = struct.pack(">IIBBBBB", 11_000, 11_000, 16, 2, 0, 0, 0)
        with pytest.raises(InputError, match="has 11000 x 11000 pixels; at most 100 megapixels are read"):
            _from(tmp_path, _png((b"IHDR", size), (b"IDAT", b"x"), (b"IEND", b"")))


def test_the_package_loads_no_library_for_16_bits_before_there_is_such_a_file():
    told = "import sys, srcnn, srcnn.upscale, srcnn.cli; print({'imagecodecs', 'tifffile'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True).stdout.strip() == "set()"


# What a PNG's numbers mean, and how large they are printed

SRGB = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
WIDE = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)  # Display P3
LINEAR = struct.pack(">I", 100_000)
PQ = b"\x09\x10\0\1"
COLORS = {
    "linear": {b"gAMA": LINEAR},
    "wide": {b"gAMA": struct.pack(">I", 45455), b"cHRM": WIDE},
    "wide alone": {b"cHRM": WIDE},
    "film": {b"cICP": PQ},
    "film and its fallback": {b"cICP": PQ, b"gAMA": LINEAR, b"cHRM": WIDE},
    "film above a profile": {b"cICP": PQ, b"iCCP": b"p\0\0" + zlib.compress(PROFILE)},
}
SAME = {
    "nothing": {},
    "sRGB": {b"gAMA": struct.pack(">I", 45455), b"cHRM": SRGB},
    "nearly sRGB": {b"gAMA": struct.pack(">I", 45000)},
    "sRGB by name": {b"sRGB": b"\0", b"gAMA": LINEAR},
    "sRGB for film": {b"cICP": b"\1\r\0\1", b"gAMA": LINEAR},
    "a profile": {b"iCCP": b"p\0\0" + zlib.compress(PROFILE), b"gAMA": LINEAR, b"cHRM": WIDE},
    "too long": {b"cHRM": WIDE + bytes(4)},
}


def _colored(depth: int, chunks: dict[bytes, bytes]) -> bytes:
    good = imagecodecs.png_encode(DEEP[3]) if depth == 16 else _encoded("PNG")
    return _spliced(good, *chunks.items())


def _chunks(png: bytes) -> dict[bytes, bytes]:
    """Every chunk of a PNG, its checksums checked."""
    found, at = {}, 8
    while at < len(png):
        size = int.from_bytes(png[at : at + 4], "big")
        name, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        assert zlib.crc32(name + content) == int.from_bytes(png[at + 8 + size : at + 12 + size], "big")
        found.setdefault(name, content)
        at += 12 + size
    return found


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("name", COLORS)
def test_colors_other_than_srgb_stay_what_they_are_in_a_png_and_are_refused_elsewhere(tmp_path, name, depth):
    photograph = upscale(_from(tmp_path, _colored(depth, COLORS[name])), None, scale=2)
    write_photograph(tmp_path / "out.png", photograph)
    content = (tmp_path / "out.png").read_bytes()
    found, wanted = _chunks(content), COLORS[name]
    for chunk in (b"gAMA", b"cHRM", b"cICP"):
        assert found.get(chunk) == (None if b"cICP" in wanted and chunk != b"cICP" else wanted.get(chunk))
    assert list(found).index(next(iter(wanted.keys() & found.keys()))) < list(found).index(b"IDAT")
    assert np.array_equal(imagecodecs.png_decode(content), _together(photograph))
    assert (photograph.icc == PROFILE) == (b"iCCP" in wanted)
    for suffix in (".jpg", ".tif", ".webp", ".bmp"):
        with pytest.raises(InputError, match=rf"out\{suffix} cannot hold the photograph's (16 bits|color)"):
            check_output(tmp_path / f"out{suffix}", photograph)


@pytest.mark.parametrize("name", SAME)
def test_a_png_that_is_srgb_or_has_a_profile_needs_no_chunks(tmp_path, name):
    for depth in (8, 16):
        photograph = _from(tmp_path, _colored(depth, SAME[name]))
        assert photograph.color == {}
        assert (photograph.icc == PROFILE) == (name == "a profile")
        check_output(tmp_path / "out.tif", photograph)


@pytest.mark.parametrize("given", ["PNG", "JPEG", "TIFF", "BMP"])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp"])
def test_the_pixels_an_inch_stay_what_they_were(tmp_path, given, suffix):
    photograph = _from(tmp_path, _saved(_picture(), given, dpi=(300, 150)))
    write_photograph(tmp_path / f"out{suffix}", upscale(photograph, None, scale=2))
    with Image.open(tmp_path / f"out{suffix}") as back:
        assert back.info["dpi"] == pytest.approx((300, 150), abs=0.02)  # a PNG counts whole pixels a meter


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_the_pixels_an_inch_of_16_bits_too(tmp_path, suffix):
    for options in (
        {"resolution": (300, 150), "resolutionunit": 2},
        {"resolution": (118.11, 59.055), "resolutionunit": 3},
    ):
        _tiff16(tmp_path / "in.tif", DEEP[3], **options)
        write_photograph(tmp_path / f"out{suffix}", read_photograph(tmp_path / "in.tif"))
        with Image.open(tmp_path / f"out{suffix}") as back:
            assert back.info["dpi"] == pytest.approx((300, 150), abs=0.02)


@pytest.mark.parametrize("dpi", [(0, 0), (1e9, 300), (float("nan"), 1)])
def test_a_density_that_makes_no_sense_is_none(tmp_path, dpi):
    assert formats._density(dpi) is None
    assert formats._density(None) is None
    _tiff16(tmp_path / "in.tif", DEEP[3], resolution=(0, 0), resolutionunit=2)
    assert read_photograph(tmp_path / "in.tif").dpi is None


# What is written, by another library

READERS = {
    ".png": imagecodecs.png_decode,
    ".tif": lambda content: tifffile.imread(io.BytesIO(content)),
    ".webp": imagecodecs.webp_decode,
    ".bmp": imagecodecs.bmp_decode,
    ".jpg": imagecodecs.jpeg8_decode,
}
HELD = {".png": MODES, ".tif": MODES, ".webp": MODES, ".bmp": ("L", "RGB"), ".jpg": ("L", "RGB")}


@pytest.mark.parametrize(("suffix", "mode"), [(suffix, mode) for suffix, modes in HELD.items() for mode in modes])
def test_every_written_format_is_what_a_second_library_reads(tmp_path, suffix, mode):
    smooth = np.asarray(_smooth(24, 20).convert(mode.removesuffix("A")))
    alpha = [np.asarray(_picture("L"))[..., None]] if mode.endswith("A") else []
    values = np.concatenate([smooth.reshape(24, 20, -1), *alpha], 2)
    photograph = _from(tmp_path, imagecodecs.png_encode(values.squeeze()))
    write_photograph(tmp_path / f"out{suffix}", photograph)
    found = READERS[suffix]((tmp_path / f"out{suffix}").read_bytes())
    if suffix == ".webp" and mode.startswith("L"):  # which has no gray
        values = np.concatenate([smooth[..., None].repeat(3, 2), *alpha], 2)
    difference = np.abs(found.reshape(values.shape).astype(int) - values)
    assert difference.max() <= (12 if suffix == ".jpg" else 0)  # quality 95
    assert difference.mean() < 1.5


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jpg"])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("space", ["RGB", "GRAY"])
def test_every_written_profile_is_what_littlecms_reads(tmp_path, space, depth, suffix):
    profile = imagecodecs.cms_profile("gray", gamma=1.8) if space == "GRAY" else PROFILE
    values = DEEP[1] if space == "GRAY" else DEEP[3]
    pixels = torch.from_numpy(values >> 8 if depth == 8 else values).reshape(24, 20, -1).permute(2, 0, 1)
    photograph = Photograph(pixels.byte() if depth == 8 else pixels, icc=profile)
    if (depth, suffix) in ((16, ".webp"), (16, ".jpg")) or (space, suffix) == ("GRAY", ".webp"):
        with pytest.raises(InputError, match="cannot hold"):
            write_photograph(tmp_path / f"out{suffix}", photograph)
        return
    write_photograph(tmp_path / f"out{suffix}", photograph)
    with Image.open(tmp_path / f"out{suffix}") as back:
        read_by_littlecms = ImageCms.ImageCmsProfile(io.BytesIO(back.info["icc_profile"]))
    assert read_by_littlecms.profile.xcolor_space.strip() == space
    assert back.info["icc_profile"] == profile


MEMORY = """
import resource, sys
import numpy as np, tifffile, torch
from srcnn.images import Photograph, read_photograph, write_photograph
from srcnn.upscale import upscale
small, large = sys.argv[1:]
values = np.random.default_rng(0).integers(0, 65536, (2400, 2500, 3), dtype=np.uint16)
tifffile.imwrite(small, values[:64, :64].copy(), photometric="rgb")
write_photograph(large, upscale(read_photograph(small), None, scale=2))  # what the libraries take once
tifffile.imwrite(small, values, photometric="rgb", compression="zlib")
del values
with open("/proc/self/clear_refs", "w") as peak:
    peak.write("5")
memory = lambda name: int(next(l for l in open("/proc/self/status") if l.startswith(name)).split()[1]) // 1024
before = memory("VmRSS")
write_photograph(large, upscale(read_photograph(small), None, scale=2))
print(memory("VmHWM") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the largest memory is reset on Linux alone")
@pytest.mark.parametrize("suffix", one_in(2, [".tif", ".png"]))
def test_memory_of_16_bits_holds_the_two_images_and_200_megabytes(tmp_path, suffix):
    """6 and 24 megapixels of 6 bytes: 172 MiB. One more copy of the large one would have 137, and its file as many."""
    command = [sys.executable, "-c", MEMORY, str(tmp_path / "small.tif"), str(tmp_path / f"large{suffix}")]
    grown = int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout)
    assert grown < 172 + 191, f"grew by {grown} MiB"
