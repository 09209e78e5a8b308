"""Formats: which image files are served, as what, and which of their tags travel. Chapter 16.

Pillow reads more than it should: the first small view of a raw file, the upper half of 16 bits, the first three of
four bands. What it would change without a word is refused in a sentence, or read by another library: imagecodecs for
PNG and tifffile for TIFF with 16 bits per channel.
"""

import hashlib
import io
import os
import random
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError

from srcnn.containers import begins_every_scan, decode_tiff, lasting_xmp, png_color, sound_png
from srcnn.files import InputError

MAX_PIXELS = 100_000_000  # of a file that is read; a 64-megapixel photograph passes
KINDS = ("BMP", "JPEG", "PNG", "TIFF", "WEBP")  # in Pillow's words; its other formats would start programs
_TOO_DEEP = "{} has more than 8 bits per channel, the protocol has 8; save it as 8-bit RGB or gray"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PACKED = (1, 5, 8, 32773, 32946)  # TIFFs with 16 bits: not at all, LZW, Deflate, PackBits, an older Deflate
# What the camera wrote, and no tag that describes how the file lay: make, model, software, time, artist, copyright
_CAMERA = (0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298)
# the exposure's block, without the old size and an offset into the old file, and the place's
_BLOCKS = {0x8769: (0xA002, 0xA003, 0xA005), 0x8825: ()}
# Editors write megabytes of text into a PNG. Pillow takes 1 MB a chunk; the 64 MB that it takes of all are left.
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY

Named = str | os.PathLike[str]  # a file


@contextmanager
def opened(path: Named) -> Iterator[Image.Image]:
    """An image file of 8 bits, as the protocol works with them, open and decoded.

    Yields:
        The image, in the mode of its file; :func:`plain` makes it gray or RGB.

    Raises:
        InputError: the file is missing, damaged, too large, or of another kind.
    """
    with _file(path) as stream, _image(path, stream, served=False) as image:
        yield _load(image, stream)


def decode(path: Named) -> tuple[np.ndarray, dict[str, Any]]:
    """A photograph of 8 or 16 bits, upright, and the tags that travel.

    Returns:
        ``(H, W)`` or ``(H, W, C)``, uint8 or uint16, of gray, gray and alpha, RGB or RGB and alpha; and what
        :class:`srcnn.images.Photograph` has beside its pixels.

    Raises:
        InputError: as for :func:`opened`, and that it is a map.
    """
    with _file(path) as stream:
        layout = _layout(stream)
        if layout is not None and max(layout.get(258, (1,))) == 16:
            _check_tiff(path, layout, served=True)
            tags = Image.Exif()
            stream.seek(0)
            tags.load_from_fp(stream)
            values, pictures = decode_tiff(stream)
            _check_extent(path, 1, 1, pictures)
            per_inch = {2: 1, 3: 2.54}.get(layout.get(296, 2), 0)
            dpi = _density([per_inch * layout.get(side, 0) for side in (282, 283)])
            told = {"exif": camera_block(tags), "xmp": lasting_xmp(layout.get(700)), "icc": layout.get(34675)}
            return upright(values, tags), {**told, "dpi": dpi}
        with _image(path, stream, served=True) as image:
            deep, icc, dpi = _sixteen(image), image.info.get("icc_profile"), _density(image.info.get("dpi"))
            color = png_color(stream) if image.format == "PNG" else {}
            xmp = lasting_xmp(image.info.get("xmp"))
            tags = tags_of(image)  # of a PNG they may stand behind the pixels, which Pillow then decodes
            if deep:
                import imagecodecs  # here, because it takes longer to load than most files

                stream.seek(0)
                values = imagecodecs.png_decode(stream.read())
            else:
                image = _load(image, stream)
                if image.mode == "CMYK":
                    image, icc = _screen_colors(path, image, icc), None
                values = np.asarray(plain(image))
            told = {"exif": camera_block(tags), "xmp": xmp, "icc": icc, "dpi": dpi, "color": color}
            return upright(values, tags), told


@contextmanager
def _file(path: Named) -> Iterator[BinaryIO]:
    """A file that can be wound back; what goes wrong with it becomes a sentence."""
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; one image file is expected")
    try:
        with warnings.catch_warnings(action="ignore"), path.open("rb") as stream:
            yield sound_png(stream if stream.seekable() else io.BytesIO(stream.read()))
    except FileNotFoundError:
        raise InputError(f"there is no file {path}") from None
    except UnidentifiedImageError:
        raise InputError(f"{path} {unidentified(path)}") from None
    except Image.DecompressionBombError:
        raise InputError(f"{path} is too large: at most {MAX_PIXELS // 10**6} megapixels are read") from None
    except Exception as error:  # of every kind, where a decoder meets damage
        if isinstance(error, (InputError, MemoryError)):
            raise
        if isinstance(error, OSError) and error.errno:
            raise InputError(f"{path} cannot be read: {error.strerror}") from None
        raise InputError(f"{path} is damaged or cut short ({' '.join(f'{error}'.split())}); get a whole copy") from None


@contextmanager
def _image(path: Named, stream: BinaryIO, *, served: bool) -> Iterator[Image.Image]:
    """An image, open and found good but not decoded; ``served`` as a photograph, not measured by the protocol.

    A stream and no path: of a path Pillow maps some files into memory, and scrambles a TIFF that is to be turned. What
    it remarks about size and metadata is decided here.

    Yields:
        The image, as Pillow has it.
    """
    layout = _layout(stream)
    if layout is not None:
        _check_tiff(path, layout, served=served)
    stream.seek(0)
    with Image.open(stream, formats=KINDS) as image:
        # MPO: a telephone's JPEG with a second view or a brightness map behind the photograph
        _check_extent(path, *image.size, 1 if image.format == "MPO" else getattr(image, "n_frames", 1))
        if image.mode == "CMYK" and not served:
            raise InputError(f"{path} is in the printing colors CMYK; save it as RGB")
        if _sixteen(image) and not served:
            raise InputError(_TOO_DEEP.format(path))
        if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK") and not _sixteen(image):
            raise InputError(f"{path} is of Pillow's mode {image.mode}; save it as 8-bit RGB, RGBA or gray")
        yield image


def _check_extent(path: Named, width: int, height: int, pictures: int = 1) -> None:
    if width * height > MAX_PIXELS:
        raise InputError(f"{path} has {width} x {height} pixels; at most {MAX_PIXELS // 10**6} megapixels are read")
    if pictures > 1:
        raise InputError(f"{path} holds {pictures} pictures (an animation or several pages); give a single one")


def _load(image: Image.Image, stream: BinaryIO) -> Image.Image:
    """The image, decoded; also a JPEG that lacks its end marker and no pixel."""
    try:
        image.load()
        return image
    except OSError:
        stream.seek(0)
        data, seen = stream.read().removesuffix(b"\xff"), set()  # half of the marker
        if image.format not in ("JPEG", "MPO") or not begins_every_scan(data):
            raise
        for first in range(8):  # no pixel depends on what follows: noise, after any of the markers of a fresh start
            noise = random.Random(first).randbytes(999).replace(b"\xff", b"")
            marks = b"".join(bytes((0xFF, 0xD0 + (first + n) % 8)) + noise for n in range(8))
            whole = Image.open(io.BytesIO(data + noise + marks + b"\xff\xd9"), formats=("JPEG",))
            seen.add(hashlib.sha256(whole.tobytes()).digest())
            if len(seen) > 1:
                raise
        return whole


def _screen_colors(path: Named, image: Image.Image, icc: bytes | None) -> Image.Image:
    """CMYK as sRGB, by littleCMS and the file's own profile, without which its colors are a guess."""
    try:
        from PIL import ImageCms

        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc or b""))
        converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
        assert converted is not None  # which stands for an image changed in place
        return converted
    except Exception:  # there is none, or one for other colors
        raise InputError(f"{path} is in the printing colors CMYK without a profile of them; save it as RGB") from None


def _sixteen(image: Image.Image) -> bool:
    """Whether a PNG has 16 bits, before it is decoded."""
    tile = getattr(image, "tile", None)  # of an image from a file
    return image.format == "PNG" and ";16" in str(tile[0][3] if tile else "")


def _layout(stream: BinaryIO) -> TiffImagePlugin.ImageFileDirectory_v2 | None:
    """The first block of a TIFF's tags, of those too that Pillow cannot decode; None for other files."""
    stream.seek(0)
    head = stream.read(16)
    if head[:4] not in _TIFF:
        return None
    tags = TiffImagePlugin.ImageFileDirectory_v2(head if head[2:4] in (b"+\0", b"\0+") else head[:8])
    stream.seek(tags.next)
    tags.load(stream)
    return tags


def _check_tiff(path: Named, tags: TiffImagePlugin.ImageFileDirectory_v2, *, served: bool) -> None:
    """Refuse what would be read as something else without a word."""
    kinds = "8-bit or 16-bit" if served else "8-bit"
    if 0xC612 in tags or tags.get(254, 0) & 1:  # DNGVersion; NewSubfileType: a small view of another picture
        raise InputError(f"{path} is a raw file, whose first picture is a small view; develop it and save it as RGB")
    if set(tags.get(339, (1,))) != {1}:  # SampleFormat
        raise InputError(f"{path} holds signed or floating-point numbers; save it as {kinds} RGB or gray")
    depth, photometric, bands, extra = max(tags.get(258, (1,))), tags.get(262), tags.get(277, 1), tags.get(338, ())
    if served and {33550, 33922, 34264, 34735} & set(tags):
        raise InputError(f"{path} is a map (GeoTIFF), whose place would be lost; save a copy without its place")
    if depth > 8 and not served:
        raise InputError(_TOO_DEEP.format(path))
    if depth > 8 and depth != 16:
        raise InputError(f"{path} has {depth} bits per channel; save it as 8-bit or 16-bit RGB or gray")
    if depth == 16 and photometric not in (1, 2):
        raise InputError(f"{path} has 16 bits per channel and is neither RGB nor gray from black to white; save it so")
    if depth == 16 and tags.get(259, 1) not in _PACKED:
        raise InputError(f"{path} has 16 bits per channel in an unusual compression; save it with LZW, Deflate or none")
    alphas = sum(kind in (1, 2) for kind in extra) if photometric != 5 else 0  # 5: ink, of which Pillow drops the alpha
    if depth == 16:
        _check_extent(path, tags.get(256, 0), tags.get(257, 0))
        _check_extent(path, tags.get(322, 1), tags.get(323, 1))  # of a tile
    if photometric in (0, 1, 2, 5) and bands > {2: 3, 5: 4}.get(photometric, 1) + alphas:
        raise InputError(f"{path} has {bands} bands; save the three of RGB, or one, as a file of its own")


def _density(dpi: Sequence[float] | None) -> tuple[float, float] | None:
    """Pixels an inch, across and down, where they make sense and every format can hold them."""
    try:
        across, down = map(float, dpi or ())
    except (TypeError, ValueError, ArithmeticError):
        return None
    return (across, down) if all(1 <= value <= 65_535 for value in (across, down)) else None


def unidentified(path: Path) -> str:
    """What is wrong with a file that Pillow does not know."""
    with path.open("rb") as stream:
        head = stream.read(12)
    if head[4:8] == b"ftyp":
        return "is HEIC, AVIF or a film inside, whatever its name; save it as JPEG or PNG"
    if head[:4] in (b"II*\0", b"MM\0*"):
        return "is a TIFF with other than 8 whole bits per channel, or of an unknown kind; save it as 8-bit RGB or gray"
    return f"holds no image that can be read: it is damaged, or no usual {', '.join(KINDS[:-1])} or {KINDS[-1]} file"


def plain(image: Image.Image) -> Image.Image:
    """Palette, single bits and a transparent color as what they stand for; nothing is lost."""
    mode = {"1": "L", "P": "RGB", "PA": "RGBA"}.get(image.mode, image.mode)
    if "transparency" in image.info:
        mode = {"L": "LA", "RGB": "RGBA"}.get(mode, mode)
    return image.convert(mode) if mode != image.mode else image


def tags_of(image: Image.Image) -> Image.Exif:
    """The EXIF tags; none where they make no sense, for a tag is no reason to refuse pixels."""
    # an orientation that stands in XMP alone is followed by Pillow and by no browser
    image.info = {name: value for name, value in image.info.items() if "xmp" not in str(name).lower()}
    try:
        return image.getexif()
    except Exception:  # whatever Pillow raises
        return Image.Exif()


def upright(values: np.ndarray, tags: Image.Exif) -> np.ndarray:
    """``(H, W)`` or ``(H, W, C)``, turned as the camera was held; a view."""
    orientation = tags.get(ExifTags.Base.Orientation)
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return values[::-1] if orientation in (3, 4, 7, 8) else values


def camera_block(tags: Image.Exif) -> bytes | None:
    """What the camera wrote, as far as Pillow can write it, as a block that every format takes."""
    kept = Image.Exif()
    kept.update({tag: tags[tag] for tag in _CAMERA if _writable({tag: tags.get(tag)})})
    for tag, without in _BLOCKS.items():
        try:
            found = {name: value for name, value in tags.get_ifd(tag).items() if name not in without}
        except Exception:
            continue
        block = {name: value for name, value in found.items() if _writable({tag: {name: value}})}
        kept.update({tag: block} if block else {})
    return kept.tobytes() if len(kept) else None


def _writable(tags: dict[int, Any]) -> bool:
    exif = Image.Exif()
    exif.update(tags)
    try:
        exif.tobytes()
    except Exception:  # of every kind, where a value is not of the tag's type
        return False
    return None not in tags.values()
