"""The live figures: where a chapter has ``<div data-live="train">``, its page loads the scripts that draw one.

Only kit.js comes with the page; it loads a figure's own scripts when the reader comes near. What a figure needs besides
code (sample photographs, weights, measured scores) becomes a script too, because a page that was opened from a disk may
read no other file.
"""

import base64
import json
import re
from pathlib import Path

import torch
from docutils import nodes
from torch import Tensor

import photo
from srcnn import SubPixelSRCNN, files, images, luma, modcrop, pretrained, shrink
from srcnn.results import methods, results, stored

FOLDER = Path(__file__).parents[1] / "_static" / "live"
ENGINE = ("engine.js", "code.js")
PICTURES = ("photographs.js", "pictures.js")
# the scripts of each figure, in the order in which they are loaded
FIGURES = {
    "train": (*ENGINE, *PICTURES, "marks.js", "chart.js", "random.js", "train.js", "training.js"),
    "ink": (*PICTURES, "resampling.js", "ink.js"),
    "bicubic": (*PICTURES, "chart.js", "resampling.js", "filters.js", "bicubic.js"),
    "shuffle": ("subpixel.js", "pictures.js", "shuffle.js"),
    "inside": (*ENGINE, *PICTURES, "weights.js", "bars.js", "tracing.js", "inside.js"),
    "protocol": (*ENGINE, *PICTURES, "colors.js", "weights.js", "resampling.js", "measuring.js", "protocol.js"),
    "sphere": (*PICTURES, "resampling.js", "random.js", "ssim.js", "damages.js", "sphere.js"),
    "tiles": (*ENGINE, *PICTURES, "weights.js", "latest.js", "tiles.js"),
    "degradations": (*ENGINE, *PICTURES, "weights.js", "latest.js", "random.js", "degradations.js", "degrading.js"),
    "valley": ("chart.js", "descents.js", "valley.js"),
    "bootstrap": ("scores.js", "chart.js", "chances.js", "bootstrap.js"),
}
PLACE = re.compile(r'data-live="(\w+)"')

# What "shuffle" shows: the top and left of a square part of each photograph; all are multiples of all scales.
PARTS, PART = {"chelsea": (96, 132), "coins": (84, 120)}, 60


def photographs() -> str:
    """The text of photographs.js: every sample photograph's luma in 8 bits, as PNG."""
    names = [name for group in images.SAMPLE.values() for name in group]
    data = {name: base64.b64encode(images.png(luma(images.sample(name)))).decode() for name in names}
    return f'"use strict";\nconst livePhotographs = {json.dumps(data)};\n'


# where parts of the color photographs of chapter 7 begin, row and column; together they score much as the whole ones
COLOR_PARTS = {"astronaut": (46, 120), "chelsea": (92, 240), "coffee": (184, 300), "rocket": (230, 240)}
COLOR_SIDE = 161  # no multiple of 3, so that cropping has something to do


def color_part(name: str) -> Tensor:
    """A part of a color photograph, ``(3, COLOR_SIDE, COLOR_SIDE)``."""
    top, left = COLOR_PARTS[name]
    return images.sample(name)[:, top : top + COLOR_SIDE, left : left + COLOR_SIDE]


def colors() -> str:
    """The text of colors.js: parts of color photographs, as PNG."""
    data = {name: base64.b64encode(images.png(color_part(name))).decode() for name in COLOR_PARTS}
    return f'"use strict";\nconst liveColors = {json.dumps(data)};\n'


def marks() -> str:
    """The text of marks.js: where networks stand on the held-out photographs when they reach published scores."""
    return f'"use strict";\nconst liveMarks = {json.dumps(stored("live-marks")["scales"])};\n'


def scores() -> str:
    """The text of scores.js: the PSNR of each image, by set, scale and method, in one order for all methods."""
    data = {}
    for name in ("set5", "set14", "bsds300"):
        data[name] = {}
        for scale in photo.SCALES:
            tables = {method: results(method, name, scale)["images"] for method in methods(name, scale)}
            data[name][scale] = {
                method.removeprefix("srcnn-").removesuffix(f"-x{scale}"): [table[k]["psnr"] for k in tables["bicubic"]]
                for method, table in tables.items()
            }
    return f'"use strict";\nconst liveScores = {json.dumps(data)};\n'


def weights() -> str:
    """The text of weights.js: the parameters of the shipped 9-1-5 at each scale, as base64 of little-endian float32."""
    data = {scale: base64.b64encode(photo.numbers(scale)).decode() for scale in photo.SCALES}
    return f'"use strict";\nconst liveWeights = {json.dumps(data)};\n'


def subpixel() -> str:
    """The text of subpixel.js: parts of two photographs, and what the sub-pixel networks make of them.

    Of each part the original and what the last layer gives, before PixelShuffle: (s^2, side / s, side / s). All as
    base64 of little-endian float32.
    """

    def text(values: torch.Tensor) -> str:
        return base64.b64encode(values.contiguous().numpy().astype("<f4").tobytes()).decode()

    data = {}
    for name, (top, left) in PARTS.items():
        image, channels = luma(images.sample(name)), {}
        for scale in photo.SCALES:
            model = pretrained.load(f"subpixel-x{scale}").model
            with torch.no_grad():
                found = super(SubPixelSRCNN, model).forward(shrink(modcrop(image, scale), scale)[None])[0]
            a, b, side = top // scale, left // scale, PART // scale
            channels[scale] = text(found[:, a : a + side, b : b + side])
        data[name] = {"original": text(image[0, top : top + PART, left : left + PART]), "channels": channels}
    return f'"use strict";\nconst liveSubpixel = {json.dumps({"side": PART, "photographs": data})};\n'


def figures(doctree: nodes.document | None) -> list[str]:
    """The live figures of a page, in their order."""
    raw = doctree.findall(nodes.raw) if doctree else ()
    found = [name for node in raw for name in PLACE.findall(node.astext())]
    if unknown := set(found) - FIGURES.keys():
        raise ValueError(f"there is no live figure {unknown.pop()!r}; there are {', '.join(FIGURES)}")
    return list(dict.fromkeys(found))


# the scripts that are made of the package's data
MADE = {
    "photographs.js": photographs,
    "colors.js": colors,
    "marks.js": marks,
    "scores.js": scores,
    "weights.js": weights,
    "subpixel.js": subpixel,
}


def write(target: Path) -> None:
    """Write the scripts that are made into a folder."""
    target.mkdir(parents=True, exist_ok=True)
    for name, text in MADE.items():
        files.write(target / name, text())


def needs(found: list[str]) -> str:
    """JavaScript that tells kit.js the scripts of each figure of a page."""
    return f"const liveFigures = {json.dumps({name: FIGURES[name] for name in found})};"


def setup(app) -> dict:
    """Write the scripts that are made, and have each page with a live figure load the kit."""

    def made(app) -> None:
        if app.builder.format == "html":
            write(Path(app.outdir) / "_static" / "live")

    def load(app, pagename, templatename, context, doctree) -> None:
        found = figures(doctree)
        if not found:
            return
        app.add_css_file("live/live.css")
        app.add_js_file(None, body=needs(found))
        app.add_js_file("live/kit.js", loading_method="defer")

    app.connect("builder-inited", made)
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
