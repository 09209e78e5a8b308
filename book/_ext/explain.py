"""What the page book/explain needs beside its text: its scripts, and the photograph page's own for opening files."""

from functools import partial
from pathlib import Path

from photo import equip

PAGE = "book/explain"
FILES = ("file.js", "explain.js", "page.js")  # in this order
OPENING = Path(__file__).parents[1] / "_static" / "photo" / "file.js"


def setup(app) -> dict:
    """Load the scripts on the one page that uses them."""
    return equip(app, (PAGE,), FILES, {"file.js": partial(OPENING.read_text, encoding="utf-8")})
