"""Two tiny image sets, and a data root for them: what the tests of data and fetch share."""

import hashlib
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from srcnn.data import hashed


def picture(seed: int, kind: str = "BMP") -> bytes:
    values = np.random.default_rng(seed).integers(0, 256, (6, 5 + seed, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, kind)
    return stream.getvalue()


# c is b over again, as t36 and t65 of T91 are one picture
TINY = {"Tiny/a.bmp": picture(0), "Tiny/b.bmp": picture(1), "Tiny/c.bmp": picture(1), "Tiny/d.bmp": picture(2)}
LEARN = {"Learn/train/x.jpg": picture(3, "JPEG"), "Learn/test/y.jpg": picture(4, "JPEG")}


def write_files(place: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content)


def files_in(place: Path) -> dict[str, bytes]:
    return {str(p.relative_to(place)): p.read_bytes() for p in place.rglob("*") if p.is_file()}


def fingerprint(photographs: Iterable[tuple[str, Tensor]]) -> str:
    """What a record says of the images that it was measured on."""
    digest = hashlib.sha256()
    for _ in hashed(photographs, digest):
        pass
    return digest.hexdigest()
