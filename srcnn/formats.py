"""Formats: which image files are served, as what, and which of their tags travel. Chapter 13.

Pillow reads more than it should: the first small view of a raw file, the upper half of 16 bits, the first three of
four bands. What it would change without a word is refused in a sentence.
"""

from collections.abc import Mapping
from pathlib import Path

from PIL import ExifTags, Image, PngImagePlugin

from srcnn.files import InputError

MAX_PIXELS = 100_000_000  # of a file that is read; a 64-megapixel photograph passes
KINDS = ("BMP", "JPEG", "PNG", "TIFF", "WEBP")  # in Pillow's words; its other formats would start programs
# What the camera wrote, and no tag that describes how the file lay: make, model, software, time, artist, copyright
_CAMERA = (0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298)
# the exposure's block, without the old size and an offset into the old file, and the place's
_BLOCKS = {0x8769: (0xA002, 0xA003, 0xA005), 0x8825: ()}
_TURNS = {
    2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_270", 7: "TRANSVERSE",
    8: "ROTATE_90",
}  # fmt: skip
# Editors write megabytes of text into a PNG. Pillow takes 1 MB a chunk; the 64 MB that it takes of all are left.
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY


def check_kind(path: Path, image: Image.Image) -> None:
    """Find out before it is decoded whether an image is of a kind that the course works with.

    Raises:
        InputError: it is too large, an animation, or holds what would be lost.
    """
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise InputError(f"{path} has {width} x {height} pixels; at most {MAX_PIXELS // 10**6} megapixels are read")
    if image.format == "TIFF":
        _check_tiff(path, image.tag_v2)
    # MPO: a telephone's JPEG with a second view or a brightness map behind the photograph
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        raise InputError(f"{path} holds {image.n_frames} pictures (an animation or several pages); give a single one")
    if image.mode == "CMYK":
        raise InputError(f"{path} is in the printing colors CMYK; save it as RGB")
    if image.mode.startswith("I") or image.mode == "F" or ";16" in str(image.tile[0][3] if image.tile else ""):
        raise InputError(f"{path} has more than 8 bits per channel, the protocol has 8; save it as 8-bit RGB or gray")
    if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA"):
        raise InputError(f"{path} is of Pillow's mode {image.mode}; save it as 8-bit RGB, RGBA or gray")


def _check_tiff(path: Path, tags: Mapping[int, object]) -> None:
    """Refuse what Pillow would read as something else without a word."""
    if 0xC612 in tags or tags.get(254, 0) & 1:  # DNGVersion; NewSubfileType: a small view of another picture
        raise InputError(f"{path} is a raw file, whose first picture is a small view; develop it and save it as RGB")
    if max(tags.get(258, (1,))) > 8:  # BitsPerSample
        raise InputError(f"{path} has more than 8 bits per channel, the protocol has 8; save it as 8-bit RGB or gray")
    if set(tags.get(339, (1,))) != {1}:  # SampleFormat
        raise InputError(f"{path} holds signed or floating-point numbers; save it as 8-bit RGB or gray")
    photometric, bands, extra = tags.get(262), tags.get(277, 1), tags.get(338, ())
    if photometric in (0, 1, 2) and bands > (3 if photometric == 2 else 1) + sum(kind in (1, 2) for kind in extra):
        raise InputError(f"{path} has {bands} bands; save the three of RGB, or one, as a file of its own")


def unidentified(path: Path) -> str:
    """What is wrong with a file that Pillow does not know."""
    with path.open("rb") as stream:
        head = stream.read(12)
    if head[4:8] == b"ftyp":
        return "is HEIC, AVIF or a film inside, whatever its name; save it as JPEG or PNG"
    if head[:4] in (b"II*\0", b"MM\0*"):
        return "is a TIFF with other than 8 whole bits per channel, or of an unknown kind; save it as 8-bit RGB or gray"
    return f"holds no image that can be read; {', '.join(KINDS)} files can"


def plain(image: Image.Image) -> Image.Image:
    """Palette, single bits and a transparent color as what they stand for; nothing is lost."""
    mode = {"1": "L", "P": "RGB", "PA": "RGBA"}.get(image.mode, image.mode)
    if "transparency" in image.info:
        mode = {"L": "LA", "RGB": "RGBA"}.get(mode, mode)
    return image.convert(mode) if mode != image.mode else image


def forget_xmp(image: Image.Image) -> None:
    """Before it is decoded: an orientation that stands in XMP alone is followed by Pillow and by no browser."""
    image.info = {name: value for name, value in image.info.items() if "xmp" not in name.lower()}


def tags_of(image: Image.Image) -> Image.Exif:
    """The EXIF tags; none where they make no sense, for a tag is no reason to refuse pixels."""
    try:
        return image.getexif()
    except Exception:  # whatever Pillow raises
        return Image.Exif()


def upright(image: Image.Image, tags: Image.Exif) -> Image.Image:
    """The image turned as the camera was held."""
    turn = _TURNS.get(tags.get(ExifTags.Base.Orientation))
    return image.transpose(Image.Transpose[turn]) if turn else image


def camera_block(tags: Image.Exif) -> bytes | None:
    """What the camera wrote, as far as Pillow can write it, as a block that every format takes."""
    kept = Image.Exif()
    kept.update({tag: tags[tag] for tag in _CAMERA if _writable({tag: tags.get(tag)})})
    for tag, without in _BLOCKS.items():
        try:
            found = dict(tags.get_ifd(tag))
        except Exception:
            continue
        found = {name: value for name, value in found.items() if name not in without}
        block = {name: value for name, value in found.items() if _writable({tag: {name: value}})}
        kept.update({tag: block} if block else {})
    return kept.tobytes() if len(kept) else None


def _writable(tags: dict) -> bool:
    exif = Image.Exif()
    exif.update(tags)
    try:
        exif.tobytes()
    except Exception:  # of every kind, where a value is not of the tag's type
        return False
    return None not in tags.values()
