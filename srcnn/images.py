"""Images: files and the free sample photographs to tensors and back. It and ``formats`` alone know Pillow.

Everywhere else an image is a float32 tensor in 0..1; a photograph too large for that stays in bytes, uint8, until
:mod:`srcnn.upscale` cuts a tile from it.
"""

import hashlib
import io
import os
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage.data
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from srcnn import formats
from srcnn.files import InputError, atomic, writable

_ENDINGS = {"BMP": "bmp", "JPEG": "jpeg jpg", "PNG": "png", "TIFF": "tif tiff", "WEBP": "webp"}
WRITABLE = {f".{end}": kind for kind, ends in _ENDINGS.items() for end in ends.split()}
READABLE = tuple(WRITABLE)
_LONGEST_SIDE = {"JPEG": 65_535, "WEBP": 16_383}
_LONGEST_EXIF = 65_533  # bytes, of a JPEG
# what Pillow's decoders raise on damaged files
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, TypeError, LookupError, ArithmeticError, struct.error)

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
    names = [name for split in SAMPLE.values() for name in split]
    if name not in names:
        raise InputError(f"{name!r} is no sample photograph; they are {', '.join(names)}")
    return to_float(_to_tensor(getattr(skimage.data, name)()))


def listing(folder: str | os.PathLike) -> list[Path]:
    """The image files of a folder, by name, in alphabetical order; files of other kinds are passed over.

    Raises:
        InputError: there is no such folder, or no image in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder of images")
    paths = sorted(filter(is_image, folder.iterdir()))
    if not paths:
        raise InputError(f"{folder} holds no image file ({', '.join(READABLE)})")
    return paths


def is_image(path: Path) -> bool:
    """Whether a path's name is that of an image file."""
    return path.suffix.lower() in READABLE and path.name[0] != "." and not path.is_dir()


def read(path: str | os.PathLike) -> Tensor:
    """An 8-bit gray or RGB file.

    Returns:
        ``(1, H, W)`` or ``(3, H, W)``, float32, in 0..1.

    Raises:
        InputError: the file is missing, damaged, too large, or of another kind (transparency included).
    """
    photograph = read_photograph(path)
    if photograph.alpha is not None:
        raise InputError(f"{path} has transparency, which has no PSNR; save it as RGB or gray without alpha")
    return to_float(photograph.pixels)


@dataclass(frozen=True)
class Photograph:
    """A file's pixels with what must survive the upscaling.

    Attributes:
        pixels: ``(1, H, W)`` or ``(3, H, W)``, uint8, turned as the camera was held.
        alpha: ``(1, H, W)``, uint8, or None.
        exif: the EXIF block without the orientation, which the pixels now have; None where there was none.
        icc: the color profile, or None.
    """

    pixels: Tensor
    alpha: Tensor | None = None
    exif: bytes | None = None
    icc: bytes | None = None


def read_photograph(path: str | os.PathLike) -> Photograph:
    """A photograph of 8 bits, with or without alpha, turned upright by its EXIF orientation.

    Palettes, single bits and a color that is marked as transparent become the colors and the alpha that they stand for;
    an alpha that is opaque everywhere is none. Of the EXIF block what the camera wrote is kept, and what does not fit
    the standard left out.

    Raises:
        InputError: the file is missing, damaged, too large, or of another kind.
    """
    with opened(path) as image:
        tags = formats.tags_of(image)
        icc = image.info.get("icc_profile")
        image = formats.upright(formats.plain(image), tags)
        values = _to_tensor(np.asarray(image))
        pixels, alpha = (values[:-1], values[-1:]) if image.mode in ("LA", "RGBA") else (values, None)
        if alpha is not None and alpha.min() == 255:
            alpha = None
        return Photograph(pixels, alpha, formats.camera_block(tags), icc)


def check_output(path: str | os.PathLike, photograph: Photograph, *, scale: int = 1) -> None:
    """Find out before the work is done whether a photograph can be written there, ``scale`` times as high and wide.

    Raises:
        InputError: the folder, the file type or the size will not do, or something of the photograph would be lost.
    """
    kind = WRITABLE.get(Path(path).suffix.lower())
    if kind is None:
        raise InputError(f"{path} names no file type that can be written; end it in {', '.join(WRITABLE)}")
    if photograph.alpha is not None and kind in ("JPEG", "BMP"):
        raise InputError(f"{path} cannot hold the photograph's transparency; end it in .png, .tif or .webp")
    if photograph.icc and (kind == "BMP" or (kind == "WEBP" and len(photograph.pixels) == 1)):
        raise InputError(f"{path} cannot hold the photograph's color profile; end it in .png, .tif or .jpg")
    if kind == "JPEG" and len(photograph.exif or b"") > _LONGEST_EXIF:
        raise InputError(f"{path} cannot hold the photograph's EXIF block of {len(photograph.exif)} bytes; take .png")
    height, width = (scale * side for side in photograph.pixels.shape[-2:])
    longest = _LONGEST_SIDE.get(kind)
    if longest and max(height, width) > longest:
        raise InputError(f"{path} would be {width} x {height} pixels, more than the {longest} of {kind}; take .png")
    writable(path)


def write_photograph(path: str | os.PathLike, photograph: Photograph) -> None:
    """Write a photograph whole or not at all; JPEG at quality 95 without color subsampling.

    Raises:
        InputError: see :func:`check_output`.
        OSError: the disk is full, or the like; an older file of that name is untouched.
    """
    check_output(path, photograph)
    kind = WRITABLE[Path(path).suffix.lower()]
    pixels, alpha = photograph.pixels, photograph.alpha
    values = pixels if alpha is None else torch.cat([pixels, alpha])
    image = Image.fromarray(values.permute(1, 2, 0).squeeze(-1).numpy())
    options = {"exif": photograph.exif, "icc_profile": photograph.icc}
    if kind == "JPEG":
        options |= {"quality": 95, "subsampling": 0}
    if kind == "WEBP":
        options |= {"lossless": True, "exact": True}  # exact: the colors under full transparency as well
    with atomic(path) as part, part.open("wb") as stream:
        image.save(stream, kind, **{key: value for key, value in options.items() if value is not None})


def to_float(pixels: Tensor) -> Tensor:
    """Bytes 0..255, any shape, to float32 in 0..1."""
    return pixels.float().div_(255)


def to_bytes(image: Tensor) -> Tensor:
    """Floats, any shape, to bytes: times 255, rounded, clipped."""
    return image.mul(255).round_().clamp_(0, 255).byte()


def png(image: Tensor) -> bytes:
    """A picture as a PNG file, for a page that carries its pictures within itself.

    Args:
        image: ``(1, H, W)`` or ``(3, H, W)``, floating point, in 0..1; rounded and clipped to bytes.

    Returns:
        The file's bytes.

    Raises:
        ValueError: the tensor is no picture.
    """
    if image.ndim != 3 or image.shape[0] not in (1, 3) or 0 in image.shape or not image.is_floating_point():
        raise ValueError(f"a picture (1 or 3, H, W) of floats expected, got {tuple(image.shape)}, {image.dtype}")
    pixels = to_bytes(image.detach().cpu()).permute(1, 2, 0).squeeze(-1)
    stream = io.BytesIO()
    Image.fromarray(pixels.numpy()).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def full_range_luma(path: str | os.PathLike) -> Tensor:
    """Luma as Pillow has it: black is 0 and white 255, where the protocol's :func:`srcnn.color.luma` has 16 and 235.

    Returns:
        ``(H, W)``, uint8.

    Raises:
        InputError: as for :func:`read`.
    """
    with opened(path) as image:
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


def pixel_hash(path: str | os.PathLike) -> str:
    """SHA-256 over mode, size and pixels: the same for a PNG and a BMP of one image.

    Raises:
        InputError: the file is missing, damaged or of a kind that cannot be read.
    """
    with opened(path) as image:
        image = formats.plain(image)
        head = f"{image.mode} {image.width} {image.height}\n".encode()
        return hashlib.sha256(head + image.tobytes()).hexdigest()


@contextmanager
def opened(path: str | os.PathLike) -> Iterator[Image.Image]:
    """An image file, open and decoded, of a kind that the course works with.

    Yields:
        The image, in the mode of its file; :func:`srcnn.formats.plain` makes it gray or RGB.

    Raises:
        InputError: the file is missing, damaged, too large, or of another kind.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; one image file is expected")
    try:
        # A stream and no path: of a path Pillow maps some files into memory, and scrambles a TIFF that is to be turned.
        # What it remarks about size and metadata is decided in srcnn.formats.
        with (
            warnings.catch_warnings(action="ignore"),
            path.open("rb") as stream,
            Image.open(stream, formats=formats.KINDS) as image,
        ):
            formats.check_kind(path, image)
            formats.forget_xmp(image)
            image.load()
            yield image
    except FileNotFoundError:
        raise InputError(f"there is no file {path}") from None
    except UnidentifiedImageError:
        raise InputError(f"{path} {formats.unidentified(path)}") from None
    except Image.DecompressionBombError:
        raise InputError(f"{path} is too large: at most {formats.MAX_PIXELS // 10**6} megapixels are read") from None
    except InputError:
        raise
    except _DAMAGED as error:
        if isinstance(error, OSError) and error.errno:
            raise InputError(f"{path} cannot be read: {error.strerror}") from None
        raise InputError(f"{path} is damaged or cut short ({error}); get a whole copy") from None


def _to_tensor(array: np.ndarray) -> Tensor:
    """``(H, W)`` or ``(H, W, C)`` bytes to ``(C, H, W)``."""
    tensor = torch.from_numpy(np.array(array))  # a copy: Pillow's own memory is read-only
    return tensor[None] if tensor.ndim == 2 else tensor.permute(2, 0, 1)
