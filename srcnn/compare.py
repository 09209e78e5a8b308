"""Compare: two images under a divider that the reader drags. Chapter 2.

A notebook shows the result as HTML that carries everything with it, so that it works in the book, in JupyterLab and in
Colab. Where scripts are off or not trusted, both pictures are seen whole, side by side.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from html import escape
from string import Template

from torch import Tensor

from srcnn.images import png

# The two figures stand side by side until the second picture has loaded and its handler runs, which it does only where
# scripts may. Then both lie in one cell of a grid. The slider is wider than the pictures by its thumb, half on each
# side, so that the divider is exactly under the pointer from edge to edge. What is !important holds against themes that
# give every picture of a page a margin or, in the dark, a frame, or keep hidden what is hidden.
_STYLE = """
.$name { display: flex; flex-wrap: wrap; gap: 4px 12px; max-width: calc(2 * ${width}px + 12px); margin: 0 0 12px; }
.$name figure { flex: 1 1 200px; max-width: ${width}px; min-width: 0; margin: 0 !important; padding: 0 !important; }
.$name figcaption { margin: 0 0 4px; padding: 0; font-size: 14px; line-height: 1.4; text-align: left; color: inherit; }
.$name img { display: block; width: 100%; max-width: 100%; height: auto; margin: 0 !important; padding: 0 !important;
  border: 0; border-radius: 0 !important; }
.$name input, .$name span { display: none; }
.$name.live { --at: 50%; display: grid; grid-template-columns: 1fr 1fr; gap: 0; user-select: none;
  max-width: calc(${width}px + 44px); padding: 0 22px; box-sizing: border-box; }
.$name.live figure { display: contents; }
.$name.live figcaption { grid-row: 1; }
.$name.live figure + figure figcaption { grid-column: 2; text-align: right; }
.$name.live img, .$name.live span, .$name.live input { grid-row: 2; grid-column: 1 / 3; }
.$name.live figure:first-child img { z-index: 1; clip-path: inset(0 calc(100% - var(--at)) 0 0); }
.$name.live span { display: block; z-index: 2; position: relative; pointer-events: none; }
.$name.live span::before { content: ""; position: absolute; top: 0; bottom: 0; left: var(--at); width: 2px;
  margin-left: -1px; background: #fff; box-shadow: 0 0 0 1px #000; }
.$name.live span::after { content: "\\2194"; position: absolute; top: 50%; left: var(--at); width: 36px; height: 36px;
  margin: -18px; border-radius: 50%; background: #fff; color: #000; box-shadow: 0 0 0 2px #000;
  font: 20px/36px sans-serif; text-align: center; }
.$name.live:focus-within span::after { box-shadow: 0 0 0 2px #000, 0 0 0 5px #ffd24d, 0 0 0 7px #000; }
.$name.live input { display: block !important; z-index: 3; width: calc(100% + 44px); height: 100%;
  margin: 0 -22px; padding: 0; opacity: 0; cursor: ew-resize; touch-action: pan-y;
  -webkit-appearance: none; appearance: none; }
.$name.live input::-webkit-slider-thumb { -webkit-appearance: none; width: 44px; height: 44px; }
.$name.live input::-moz-range-thumb { width: 44px; height: 44px; border: 0; }
"""
_BODY = """<style>$style</style>
<div class="$name" role="group" aria-label="$left and $right, compared">
<figure><figcaption>$left</figcaption><img src="$before" alt="$alt_before"></figure>
<figure><figcaption>$right</figcaption><img src="$after" alt="$alt_after" onload="$wake"></figure>
<span aria-hidden="true"></span>
<input type="range" min="0" max="100" value="50" autocomplete="off" hidden oninput="$move"
  aria-label="Percent of the width that shows $left; the rest shows $right">
</div>"""
_WAKE = "this.closest('div').classList.add('live')"  # the slider may not have been read yet: the style shows it
_MOVE = "this.parentNode.style.setProperty('--at', this.value + '%')"


@dataclass(frozen=True)
class Comparison:
    """Two pictures as a notebook shows them.

    Attributes:
        labels: what stands over the pictures.
        html: all of it: pictures, style and slider.
    """

    labels: tuple[str, str]
    html: str = field(repr=False)

    def _repr_html_(self) -> str:
        return self.html


def compare(
    before: Tensor, after: Tensor, *, labels: tuple[str, str], alt: tuple[str, str], width: int | None = None
) -> Comparison:
    """Lay one picture over another, with a divider for mouse, finger and arrow keys.

    Args:
        before: ``(1, H, W)`` or ``(3, H, W)``, in 0..1; seen on the left of the divider.
        after: the same size; seen on the right.
        labels: a word or two for each, seen over the pictures.
        alt: what is seen in each, for those who do not see it.
        width: of one picture on the page in CSS pixels; its own number of pixels unless given. A narrow page shows
            it smaller.

    Returns:
        What a notebook shows when it is a cell's last value.

    Raises:
        ValueError: the pictures are of unequal sizes or no pictures, or words or the width are missing.
    """
    if before.shape != after.shape:
        raise ValueError(f"pictures of one size are compared, not {tuple(before.shape)} and {tuple(after.shape)}")
    if len(labels) != 2 or len(alt) != 2 or isinstance(labels, str) or isinstance(alt, str):
        raise ValueError("two labels and two alternative texts are needed")
    if not all(text.strip() for text in (*labels, *alt)):
        raise ValueError("a label or an alternative text is empty")
    width = before.shape[-1] if width is None else width
    if width < 1:
        raise ValueError(f"a width of {width} pixels shows nothing")
    left, right, alt_before, alt_after = (escape(text) for text in (*labels, *alt))
    values = {
        "left": left,
        "right": right,
        "alt_before": alt_before,
        "alt_after": alt_after,
        "before": "data:image/png;base64," + base64.b64encode(png(before)).decode(),
        "after": "data:image/png;base64," + base64.b64encode(png(after)).decode(),
        "wake": escape(_WAKE),
        "move": escape(_MOVE),
    }
    # the class is made of the content: no chance in it, and two on a page meet only where they are the same
    name = "srcnn-compare-" + hashlib.sha256(repr((sorted(values.items()), width)).encode()).hexdigest()[:12]
    style = Template(_STYLE).substitute(name=name, width=width)
    html = Template(_BODY).substitute(values, name=name, style=style)
    return Comparison((labels[0], labels[1]), html)
