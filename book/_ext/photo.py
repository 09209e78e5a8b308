"""What pages with a photograph of the reader's need beside their text: scripts, and weights and samples as one more.

Browsers let a page that was opened from a disk read no other file, but they do run its scripts. So the numbers of the
shipped networks, and a few small photographs to try them on, become ``_static/photo/data.js`` at every build.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from srcnn import files, images, modcrop, pretrained, shrink

PAGES = ("book/photo", "book/intro")  # both show book/_photo.html
FILES = ("live/engine.js", "file.js", "network.js", "run.js", "page.js")  # in this order; page.js loads two more
SCALES = (2, 3, 4)
KERNELS, WIDTHS = (9, 1, 5), (64, 32)  # network.js is written for these
SAMPLES = ("astronaut", "chelsea", "coins")  # shrunk by 3, as the course's own examples are


def numbers(scale: int) -> bytes:
    """Weights and biases, layer after layer, as little-endian float32.

    Raises:
        ValueError: the shipped network is not the one that network.js computes.
    """
    name = f"srcnn-9-1-5-x{scale}"
    model = pretrained.load(name).model
    if (model.kernels, model.widths, model.channels) != (KERNELS, WIDTHS, 1):
        raise ValueError(f"{name} is another network than book/_static/photo/network.js computes")
    layers = (model.extraction, model.mapping, model.reconstruction)
    tensors = [values for layer in layers for values in (layer.weight, layer.bias)]
    flat = np.concatenate([values.detach().numpy().ravel() for values in tensors])
    return flat.astype("<f4").tobytes()


def photograph(name: str) -> bytes:
    """A sample photograph at a third of its size, as a PNG file."""
    return images.png(shrink(modcrop(images.sample(name), 3), 3))


def script() -> str:
    """The text of data.js."""

    def text(content: bytes) -> str:
        return base64.b64encode(content).decode()

    data = {
        "weights": {scale: text(numbers(scale)) for scale in SCALES},
        "samples": {name: text(photograph(name)) for name in SAMPLES},
    }
    return f'"use strict";\nconst photoData = {json.dumps(data)};\n'


def setup(app) -> dict:
    """Write data.js into the built pages, and load the scripts on the pages that use them."""
    return equip(app, PAGES, FILES, {"data.js": script})


def equip(app, pages: Sequence[str], names: Sequence[str], made: Mapping[str, Callable[[], str]]) -> dict:
    """Give pages a style and scripts, which lie in a folder with the name of the first, and make some of them."""
    folder = pages[0].rpartition("/")[2]

    def write(app) -> None:
        if app.builder.format != "html":
            return
        target = Path(app.outdir) / "_static" / folder
        target.mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            files.write(target / name, text())

    def load(app, pagename, templatename, context, doctree) -> None:
        if pagename in pages:
            app.add_css_file(f"{folder}/{folder}.css")
            for name in names:
                app.add_js_file(name if "/" in name else f"{folder}/{name}", loading_method="defer")

    app.connect("builder-inited", write)
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
