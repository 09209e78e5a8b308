"""Images: files and the free sample photographs to tensors and back. It and ``formats`` alone know Pillow.

Everywhere else an image is a float32 tensor in 0..1; a photograph too large for that keeps its whole numbers, uint8 or
uint16, until :mod:`srcnn.upscale` cuts a tile from it.
"""

import hashlib
import io
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import skimage.data
import torch
from PIL import Image, PngImagePlugin, TiffImagePlugin
from torch import Tensor

from srcnn import formats
from srcnn.containers import png_chunks
from srcnn.files import InputError, atomic, writable

_ENDINGS = {"BMP": "bmp", "JPEG": "jpeg jpg", "PNG": "png", "TIFF": "tif tiff", "WEBP": "webp"}
WRITABLE = {f".{end}": kind for kind, ends in _ENDINGS.items() for end in ends.split()}
READABLE = tuple(WRITABLE)
_LONGEST_SIDE = {"JPEG": 65_535, "WEBP": 16_383}
_LONGEST_BLOCK = {"EXIF": 65_533, "XMP": 65_504}  # bytes, of a JPEG
_LARGEST_TIFF = 2**32 - 2**24  # bytes of pixels: its offsets have 32 bits
_STRIP = 2**22  # bytes that are written at once

#: Photographs inside scikit-image's wheel that may be shown and shared (CC0, public domain or no known restriction, by
#: their docstrings). Chelsea the cat and the coins are never trained on.
SAMPLE = {
    "train": ("astronaut", "brick", "camera", "coffee", "grass", "gravel", "hubble_deep_field", "rocket"),
    "validation": ("chelsea", "coins"),
}


def sample(name: str) -> Tensor:
    """One of the sample photographs, from the computer's own disk.

    Args:
        name: one of the names in :data:`SAMPLE`.

    Returns:
        ``(3, H, W)`` or ``(1, H, W)``, float32, in 0..1.

    Raises:
        InputError: the name is none of them.
    """
    if name not in (names := sum(SAMPLE.values(), ())):
        raise InputError(f"{name!r} is no sample photograph; they are {', '.join(names)}")
    return to_float(_photograph(getattr(skimage.data, name)()).pixels)


def read(path: str | os.PathLike[str]) -> Tensor:
    """An 8-bit gray or RGB file.

    Returns:
        ``(1, H, W)`` or ``(3, H, W)``, float32, in 0..1.

    Raises:
        InputError: the file is missing, damaged, too large, or of another kind (transparency included).
    """
    with formats.opened(path) as image:
        photograph = _photograph(formats.upright(np.asarray(formats.plain(image)), formats.tags_of(image)))
    if photograph.alpha is not None:
        raise InputError(f"{path} has transparency, which has no PSNR; save it as RGB or gray without alpha")
    return to_float(photograph.pixels)


@dataclass(frozen=True)
class Photograph:
    """A file's pixels with what must survive the upscaling.

    Attributes:
        pixels: ``(1, H, W)`` or ``(3, H, W)``, turned as the camera was held; uint8, or uint16 of 16 bits, which torch
            can cut, copy and convert but hardly compute with: numpy does.
        alpha: ``(1, H, W)``, of the same type, or None.
        exif: the EXIF block without the orientation, which the pixels now have; None where there was none.
        xmp: what people wrote into the XMP block, or None.
        icc: the color profile, or None.
        dpi: pixels an inch, across and down, or None.
        color: the chunks gAMA, cHRM or cICP, of a PNG whose numbers have another color than sRGB and no profile.
    """

    pixels: Tensor
    alpha: Tensor | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    icc: bytes | None = None
    dpi: tuple[float, float] | None = None
    color: dict[bytes, bytes] = field(default_factory=dict)


def read_photograph(path: str | os.PathLike[str]) -> Photograph:
    """A photograph of 8 or 16 bits, with or without alpha, turned upright by its EXIF orientation.

    Palettes, single bits and a color that is marked as transparent become the colors and the alpha that they stand for;
    an alpha that is opaque everywhere is none. Of the EXIF block what the camera wrote is kept, and what does not fit
    the standard left out.

    Raises:
        InputError: the file is missing, damaged, too large, or of another kind.
    """
    values, tags = formats.decode(path)
    return _photograph(values, **tags)


def _photograph(values: np.ndarray, **tags: Any) -> Photograph:
    """``(H, W)`` or ``(H, W, C)`` whole numbers, of which every second or fourth channel is alpha."""
    values = values if values.ndim == 3 else values[..., None]
    opaque = values.shape[2] % 2 == 0 and values[..., -1].min() == np.iinfo(values.dtype).max
    tensor = torch.from_numpy(np.array(values)).permute(2, 0, 1)  # a copy: Pillow's own memory is read-only
    if len(tensor) % 2:
        return Photograph(tensor, **tags)
    return Photograph(tensor[:-1], None if opaque else tensor[-1:], **tags)


def check_output(path: str | os.PathLike[str], photograph: Photograph, *, scale: int = 1) -> None:
    """Find out before the work is done whether a photograph can be written there, ``scale`` times as high and wide.

    Raises:
        InputError: the folder, the file type or the size will not do, or something of the photograph would be lost.
    """
    kind = WRITABLE.get(Path(path).suffix.lower())
    if kind is None:
        raise InputError(f"{path} names no file type that can be written; end it in {', '.join(WRITABLE)}")
    pixels, alpha, icc = photograph.pixels, photograph.alpha, photograph.icc
    blocks = {"EXIF": len(photograph.exif or b""), "XMP": len(photograph.xmp or b"")}
    height, width = (scale * side for side in pixels.shape[-2:])
    size = height * width * pixels.itemsize * (len(pixels) + (alpha is not None))
    longest, lost = _LONGEST_SIDE.get(kind, max(height, width)), "cannot hold the photograph's"
    for wrong, sentence in (
        (pixels.itemsize == 2 and kind not in ("PNG", "TIFF"), f"{lost} 16 bits per channel; end it in .png or .tif"),
        (alpha is not None and kind in ("JPEG", "BMP"), f"{lost} transparency; end it in .png, .tif or .webp"),
        (icc and kind == "BMP", f"{lost} color profile; end it in .png, .tif or .jpg"),
        (icc and kind == "WEBP" and len(pixels) == 1, f"{lost} color profile; end it in .png, .tif or .jpg"),
        (photograph.color and kind != "PNG", f"{lost} colors, which are not sRGB; end it in .png"),
        *(
            (kind == "JPEG" and blocks[name] > most, f"{lost} {name} block of {blocks[name]} bytes; take .png")
            for name, most in _LONGEST_BLOCK.items()
        ),
        (
            max(height, width) > longest,
            f"would be {width} x {height} pixels, more than the {longest} of {kind}; take .png",
        ),
        (kind == "TIFF" and size > _LARGEST_TIFF, "would have more than the 4 GB of a TIFF; take .png"),
    ):
        if wrong:
            raise InputError(f"{path} {sentence}")
    writable(path)


def write_photograph(path: str | os.PathLike[str], photograph: Photograph) -> None:
    """Write a photograph whole or not at all; JPEG at quality 95 without color subsampling.

    Raises:
        InputError: see :func:`check_output`.
        OSError: the disk is full, or the like; an older file of that name is untouched.
    """
    check_output(path, photograph)
    kind = WRITABLE[Path(path).suffix.lower()]
    pixels, alpha = photograph.pixels, photograph.alpha
    given = {"exif": photograph.exif, "icc_profile": photograph.icc, "dpi": photograph.dpi}
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if photograph.xmp and kind in ("JPEG", "WEBP"):
        options["xmp"] = photograph.xmp
    elif photograph.xmp and kind == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", photograph.xmp.decode())
    elif photograph.xmp and kind == "TIFF":
        options["tiffinfo"] = {700: photograph.xmp}
    with atomic(path) as part, part.open("wb") as stream:
        if kind in ("PNG", "TIFF"):  # of which Pillow would hold a second copy, of four bytes a pixel
            planes = [*pixels.numpy(), *([] if alpha is None else alpha.numpy())]
            if kind == "PNG":
                return _write_png(stream, planes, options, photograph.color)
            return _write_tiff(stream, planes, options)
        if kind == "JPEG":
            options |= {"quality": 95, "subsampling": 0}
        if kind == "WEBP":
            options |= {"lossless": True, "exact": True}  # exact: the colors under full transparency as well
        values = pixels if alpha is None else torch.cat([pixels, alpha])
        Image.fromarray(values.permute(1, 2, 0).squeeze(-1).numpy()).save(stream, kind, **options)


def _write_png(stream: BinaryIO, planes: list[np.ndarray], options: dict[str, Any], color: dict[bytes, bytes]) -> None:
    """A PNG of 8 or 16 bits, strip by strip. Chunks that are neither size, color nor pixels are written by Pillow."""
    pixel = io.BytesIO()
    Image.new(("L", "LA", "RGB", "RGBA")[len(planes) - 1], (1, 1)).save(pixel, "PNG", **options)
    (height, width), kind = planes[0].shape, planes[0].dtype.newbyteorder(">")
    (_, head), *others = png_chunks(pixel)
    size = struct.pack(">IIB", width, height, 8 * kind.itemsize)
    stream.write(pixel.getvalue()[:8])
    for name, content in ((b"IHDR", size + head[9:]), *color.items(), *others):
        PngImagePlugin.putchunk(stream, name, content)
    packer, above = zlib.compressobj(), np.zeros((1, kind.itemsize * width * len(planes)), np.uint8)
    for strip in _strips(planes, kind):
        rows = np.concatenate([above, strip.view(np.uint8)])
        filtered = np.insert(np.diff(rows, axis=0), 0, 2, axis=1)  # filter 2: less what stands above
        PngImagePlugin.putchunk(stream, b"IDAT", packer.compress(filtered.tobytes()))
        above = rows[-1:]
    PngImagePlugin.putchunk(stream, b"IDAT", packer.flush())
    PngImagePlugin.putchunk(stream, b"IEND")


def _write_tiff(stream: BinaryIO, planes: list[np.ndarray], options: dict[str, Any]) -> None:
    """A TIFF of 8 or 16 bits, uncompressed, strip by strip. Its tags are written by Pillow."""
    (height, width), size, bands, exif = planes[0].shape, planes[0].itemsize, len(planes), Image.Exif()
    exif.load(options.get("exif", b""))
    layout = {256: width, 257: height, 258: (8 * size,) * bands, 259: 1, 262: 1 if bands < 3 else 2, 277: bands}
    layout |= {273: 0, 278: height, 279: size * height * width * bands} | ({} if bands % 2 else {338: 2})
    layout |= options.get("tiffinfo", {})
    layout |= {34675: options["icc_profile"]} if "icc_profile" in options else {}
    layout |= {282: options["dpi"][0], 283: options["dpi"][1], 296: 2} if "dpi" in options else {}
    tags = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    for tag, value in ({tag: exif.get_ifd(tag) or exif[tag] for tag in exif} | layout).items():
        tags[tag] = value
    tags.save(stream)
    for strip in _strips(planes, planes[0].dtype.newbyteorder("<")):
        stream.write(strip.data)


def _strips(planes: list[np.ndarray], kind: str | np.dtype) -> Iterator[np.ndarray]:
    """A picture from top to bottom, so that no second copy of it is needed: ``(rows, width * bands)`` of that type."""
    height, width = planes[0].shape
    rows = max(1, _STRIP // (planes[0].itemsize * width * len(planes)))
    for top in range(0, height, rows):
        yield np.stack([plane[top : top + rows] for plane in planes], -1).astype(kind).reshape(-1, width * len(planes))


def to_float(pixels: Tensor) -> Tensor:
    """Whole numbers 0..255 or, as uint16, 0..65535, any shape, to float32 in 0..1."""
    return pixels.float().div_(torch.iinfo(pixels.dtype).max)


def to_bytes(image: Tensor, dtype: torch.dtype = torch.uint8) -> Tensor:
    """Floats, any shape, to bytes, or pairs of them for uint16: times the largest number, rounded, clipped."""
    largest = torch.iinfo(dtype).max
    return image.mul(largest).round_().clamp_(0, largest).to(dtype)


def png(image: Tensor) -> bytes:
    """The bytes of a picture as a PNG file, for a page that carries its pictures within itself.

    Args:
        image: ``(1, H, W)`` or ``(3, H, W)``, floating point, in 0..1; rounded and clipped to bytes.

    Raises:
        ValueError: the tensor is no picture.
    """
    if image.ndim != 3 or image.shape[0] not in (1, 3) or 0 in image.shape or not image.is_floating_point():
        raise ValueError(f"a picture (1 or 3, H, W) of floats expected, got {tuple(image.shape)}, {image.dtype}")
    pixels = to_bytes(image.detach().cpu()).permute(1, 2, 0).squeeze(-1)
    Image.fromarray(pixels.numpy()).save(stream := io.BytesIO(), "PNG", optimize=True)
    return stream.getvalue()


def full_range_luma(path: str | os.PathLike[str]) -> Tensor:
    """Luma as Pillow has it: black is 0 and white 255, where the protocol's :func:`srcnn.color.luma` has 16 and 235.

    Returns:
        ``(H, W)``, uint8, of a file that :func:`read` takes.
    """
    with formats.opened(path) as image:
        return torch.from_numpy(np.array(formats.plain(image).convert("YCbCr").getchannel(0)))


def pillow_resize(plane: Tensor, height: int, width: int, kernel: str) -> Tensor:
    """What Pillow makes of bytes, rounded to bytes after each direction; no step of the protocol.

    Args:
        plane: ``(H, W)``, uint8.
        height: of the result.
        width: of the result.
        kernel: ``"bilinear"`` or ``"bicubic"``; widened where the result is smaller.

    Returns:
        ``(height, width)``, uint8.
    """
    resampling = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}[kernel]
    return torch.from_numpy(np.array(Image.fromarray(plane.numpy()).resize((width, height), resampling)))


def pixel_hash(path: str | os.PathLike[str]) -> str:
    """SHA-256 over mode, size and pixels: the same for a PNG and a BMP of one image.

    Raises:
        InputError: the file is missing, damaged or of a kind that cannot be read.
    """
    with formats.opened(path) as image:
        image = formats.plain(image)
        head = f"{image.mode} {image.width} {image.height}\n".encode()
        return hashlib.sha256(head + image.tobytes()).hexdigest()
