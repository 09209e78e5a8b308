"""A pytest plugin that compares the figures of chapters, which nbval leaves out: ``make chapters`` loads it.

Another processor changes some pixels of a figure by a few gray levels, and an edge by more; what a reader would see
changes many pixels that lie together. So pixels are averaged over squares before they are compared. A cell tagged
``nbval-ignore-output`` is left out, figures and all.
"""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from nbval.plugin import IPyNbCell
from PIL import Image

# A square's side in pixels -> levels of 255 by which its mean red, green or blue may differ: small squares find what is
# thin, a letter or a line, and large ones what is faint but wide, a picture that is a little darker.
# SSE4.1 moved no square of 89 figures by more than 6.6 and 1.4 levels, AVX2 none of 74 by more than 1.0 and 0.2. Of 176
# changes to the figures of chapters 6, 7 and 12 (a line removed, moved by 5 % or recolored, a letter, two panels
# swapped, one flipped) 175 moved a small square by 13.6 or more; the last, the flip of a symmetric picture, moved no
# pixel by more than one level.
ALLOWED = {4: 10.0, 16: 3.0}
KINDS = ("image/png", "image/jpeg")  # what nbval leaves out


def pixels(picture: bytes) -> np.ndarray:
    """A picture on white paper, ``(H, W, 3)``: alpha and gray are stored in fewer bytes, and look the same."""
    image = Image.open(io.BytesIO(picture)).convert("RGBA")
    paper = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(paper, image).convert("RGB"), dtype=float)


def difference(stored: bytes, now: bytes) -> str | None:
    """What a reader would see of the difference between two pictures, in a sentence; None for nothing."""
    old, new = pixels(stored), pixels(now)
    if old.shape != new.shape:
        return "it has {1} x {0} pixels where {3} x {2} are stored".format(*new.shape[:2], *old.shape[:2])
    for side, allowed in ALLOWED.items():
        apart = np.pad(new - old, [*((0, -length % side) for length in old.shape[:2]), (0, 0)], mode="edge")
        rows, columns = (length // side for length in apart.shape[:2])
        squares = np.abs(apart.reshape(rows, side, columns, side, 3).mean(axis=(1, 3))).max(axis=2)
        if (largest := squares.max()) > allowed:
            row, column = np.unravel_index(squares.argmax(), squares.shape)
            return (
                f"{(squares > allowed).sum()} squares of {side} x {side} pixels differ, the one at "
                f"x = {column * side}, y = {row * side} by {largest:.1f} levels of 255; {allowed:g} are allowed"
            )
    return None


def figures(outputs: list) -> list[bytes]:
    """The pictures among a cell's outputs."""
    shown = [output.get("data", {}) for output in outputs]
    return [base64.b64decode(data[kind]) for data in shown for kind in KINDS if kind in data]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> object:
    """After nbval has run a cell and found its text as it was stored, compare its figures."""
    result = yield
    if isinstance(item, IPyNbCell) and item.options["check"]:
        old, new = figures(item.cell.outputs), figures(item.test_outputs)
        told = [] if len(old) == len(new) else [f"{len(new)} figures where {len(old)} are stored"]
        for number, pair in enumerate(zip(old, new, strict=False), start=1):
            if what := difference(*pair):
                names = [
                    Path(f"{item.path.parent}/cell{item.cell_num}-figure{number}-{n}.png") for n in ("stored", "now")
                ]
                for name, picture in zip(names, pair, strict=True):
                    name.write_bytes(picture)
                told.append(f"figure {number}: {what}. Look at\n    {names[0]}\n    {names[1]}")
        if told:
            item.raise_cell_error(
                "Its figures differ", "\n".join([f"{item.path.name}, code cell {item.cell_num}", *told])
            )
    return result
