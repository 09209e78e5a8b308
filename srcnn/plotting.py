"""Plotting: the figures that chapters share. The only module that imports matplotlib; it computes nothing.

Colors are told apart by lightness and every line has a marker or a dash of its own, so that a figure can be read
without color. The background is white in the dark theme too: a picture's grays must not shift.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from srcnn.files import shipped

COLORS = ("#0b3c5d", "#b3263f", "#3f9142", "#e0a100")  # dark to light, distinct for color-blind readers
_DASHES = ("-", "--", "-.", ":")


def _frame(axis: Axes) -> None:
    """No scales, but a thin line around the picture: its white parts would melt into the paper."""
    axis.set(xticks=[], yticks=[], anchor="N")
    axis.spines[:].set(color="#b0b0b0", linewidth=0.6)


def gallery(
    pictures: Mapping[str, Tensor],
    *,
    columns: int | None = None,
    width: float = 9.0,
    signed: bool | Collection[str] = False,
    reach: float | None = None,
) -> Figure:
    """Pictures side by side, pixel for pixel, each under its title.

    Args:
        pictures: title -> ``(H, W)``, ``(1, H, W)`` or ``(3, H, W)``, in 0..1; clipped.
        columns: of the grid; all in one row unless given.
        width: of the figure in inches.
        signed: whether values lie around zero: negative blue, zero white, positive red, all on one scale that a bar
            shows. Titles name those pictures that are signed where others are not. What is not a number stays gray.
        reach: the value at the end of the bar; the largest magnitude in a signed picture unless given.

    Returns:
        The figure.
    """
    columns = columns or len(pictures)
    rows = -(-len(pictures) // columns)
    shapes = [picture.shape[-2:] for picture in pictures.values()]
    aspect = max(height / width for height, width in shapes)
    diverging = {title for title in pictures if (title in signed if isinstance(signed, Collection) else signed)}
    largest = (pictures[title].detach().abs().nan_to_num(0).max().item() for title in diverging)
    reach = reach or max(largest, default=0) or 1
    figure, axes = plt.subplots(rows, columns, figsize=(width, rows * (width / columns * aspect + 0.35)), squeeze=False)
    figure.set_layout_engine("constrained", h_pad=0.08)  # a title belongs to the picture under it, not to the one above
    for axis in axes.flat[len(pictures) :]:
        axis.set_axis_off()
    for axis, (title, picture) in zip(axes.flat, pictures.items(), strict=False):
        _frame(axis)
        image = picture.detach().cpu().float()
        image = image.squeeze(0) if image.ndim == 3 and image.shape[0] == 1 else image
        if title in diverging:
            shown = axis.imshow(image.numpy(), cmap=_diverging(), vmin=-reach, vmax=reach, interpolation="nearest")
        elif image.ndim == 2:
            axis.imshow(image.clamp(0, 1).numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        else:
            axis.imshow(image.clamp(0, 1).permute(1, 2, 0).numpy(), interpolation="nearest")
        axis.set_title(title, fontsize=10)
    if diverging:
        figure.colorbar(shown, ax=list(axes.flat), shrink=0.8, aspect=30, pad=0.01).ax.tick_params(labelsize=8)
    plt.close(figure)  # the notebook shows the returned figure once, not twice
    return figure


def _diverging() -> matplotlib.colors.Colormap:
    """Blue, white, red; gray where a value is not a number."""
    return matplotlib.colormaps["RdBu_r"].with_extremes(bad="#8a8a8a")


@dataclass(frozen=True)
class Diagram:
    """A drawing as HTML, in the colors of the page around it; a notebook shows it."""

    svg: str = field(repr=False)

    def _repr_html_(self) -> str:
        inner = f'<div style="min-width: 600px; max-width: 760px; margin: 0 auto">{self.svg}</div>'  # a phone scrolls
        return f'<div class="diagram" tabindex="0" style="overflow-x: auto">{inner}</div>'


def diagram(name: str) -> Diagram:
    """A drawing of the course, such as ``"architecture"``, for a notebook to show.

    Args:
        name: of the drawing, without its ending.
    """
    return Diagram(shipped("diagrams", f"{name}.svg").read_text(encoding="utf-8").strip())


def curves(
    lines: Mapping[str, tuple[Sequence[float] | Sequence[str], Sequence[float]]],
    *,
    x: str,
    y: str,
    levels: Mapping[str, float] | None = None,
    log: str = "",
    size: tuple[float, float] = (7.5, 3.8),
) -> Figure:
    """Lines over a common axis, with named horizontal levels.

    Args:
        lines: label -> x values (or names) and y values.
        x: label of the x axis, with the unit.
        y: label of the y axis, with the unit.
        levels: label -> height of a thin horizontal line.
        log: ``"x"``, ``"y"`` or ``"xy"`` for logarithmic axes.
        size: of the figure in inches.

    Returns:
        The figure.
    """
    figure, axis = plt.subplots(figsize=size, layout="constrained")
    for number, (label, (across, up)) in enumerate(lines.items()):
        marks: dict[str, Any] = (
            {"marker": "osD^"[number % 4], "markersize": 5, "markevery": 0.09} if number >= 4 else {}
        )
        axis.plot(
            across,
            up,
            _DASHES[(number + number // 4) % 4],
            color=COLORS[number % 4],
            label=label,
            linewidth=1.8,
            **marks,
        )
    for label, height in (levels or {}).items():
        axis.axhline(height, color="#555555", linewidth=0.8)
        axis.annotate(
            label,
            (1, height),
            (4, 0),  # outside, where no curve passes
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    axis.margins(y=0.09)
    if "x" in log:
        axis.set_xscale("log")
    if "y" in log:
        axis.set_yscale("log")
    axis.set_xlabel(x)
    axis.set_ylabel(y)
    axis.grid(alpha=0.3)
    if len(lines) > 1:
        axis.legend(frameon=False)
    plt.close(figure)
    return figure


def zooms(pictures: Mapping[str, Tensor], *, top: int, left: int, size: int, width: float = 9.0) -> Figure:
    """The first picture whole with a frame around a square, then that square of every picture, enlarged.

    Args:
        pictures: title -> ``(H, W)``, ``(1, H, W)`` or ``(3, H, W)``, in 0..1; of one size, the first shown whole.
        top: row of the square's first pixel.
        left: column of the square's first pixel.
        size: side of the square in pixels.
        width: of the figure in inches.

    Returns:
        The figure.
    """
    count = len(pictures)
    height, across = next(iter(pictures.values())).shape[-2:]
    share = across / height  # the whole picture is as high as the squares beside it
    figure, axes = plt.subplots(
        1,
        count + 1,
        figsize=(width, width / (count + share) + 0.4),
        width_ratios=[share, *[1] * count],
        layout="constrained",
    )
    for axis, (title, picture) in zip(axes, [(None, next(iter(pictures.values()))), *pictures.items()], strict=True):
        _frame(axis)
        image = picture.detach().cpu().float().clamp(0, 1)
        image = image.reshape(-1, height, across).permute(1, 2, 0)
        if title is not None:
            image = image[top : top + size, left : left + size]
        axis.imshow(image.numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axis.set_title(title or "where", fontsize=10)
    for color, line in (("black", 3.5), ("white", 1.5)):  # seen on dark and on light pictures
        axes[0].add_patch(Rectangle((left, top), size, size, fill=False, edgecolor=color, linewidth=line))
    plt.close(figure)
    return figure


def dots(
    rows: Mapping[str, Mapping[str, float]],
    *,
    x: str,
    spread: Mapping[str, Mapping[str, float]] | None = None,
    width: float = 7.5,
) -> Figure:
    """One line per row with a marker for each of its values: a bar chart without the ink.

    Args:
        rows: label of the row -> label of the value -> value; the first row stands at the top.
        x: label of the x axis, with the unit.
        spread: the same labels -> how far a bar reaches on either side of the marker.
        width: of the figure in inches.

    Returns:
        The figure.
    """
    names = list(rows)
    figure, axis = plt.subplots(figsize=(width, 0.28 * len(names) + 1.2), layout="constrained")
    labels = list(dict.fromkeys(label for values in rows.values() for label in values))
    for number, label in enumerate(labels):
        places = [(values[label], row) for row, values in enumerate(rows.values()) if label in values]
        across, up = zip(*places, strict=True)
        face = "none" if number % 2 else COLORS[number % 4]  # filled and open, for readers without color
        axis.scatter(
            across, up, marker="osD^"[number % 4], s=42, facecolors=face, edgecolors=COLORS[number % 4], label=label
        )
        if spread:
            reach = [spread[row][label] for row, values in rows.items() if label in values]
            axis.errorbar(across, up, xerr=reach, fmt="none", ecolor=COLORS[number % 4], capsize=3, linewidth=1.2)
    axis.set_yticks(range(len(names)), names, fontsize=9)
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.set_xlabel(x)
    axis.grid(alpha=0.3)
    axis.set_axisbelow(True)
    if len(labels) > 1:
        axis.legend(frameon=False)
    plt.close(figure)
    return figure


def walks(paths: Mapping[str, Tensor], heights: Tensor, *, reach: float, levels: Sequence[float]) -> Figure:
    """Walks over one landscape of two weights, a panel each; the ring is the start, the cross the goal at 0, 0.

    Args:
        paths: title -> points ``(steps + 1, 2)``: first and second weight.
        heights: ``(N, N)``, the landscape over -reach..reach; rows are the second weight, columns the first.
        reach: half the side of the square that is shown.
        levels: heights of the contour lines, rising.

    Returns:
        The figure.
    """
    columns = min(2, len(paths))
    rows = -(-len(paths) // columns)
    size = (3.6 * columns, 3.7 * rows)
    figure, axes = plt.subplots(
        rows, columns, figsize=size, squeeze=False, layout="constrained", sharex=True, sharey=True
    )
    for axis, (title, path) in zip(axes.flat, paths.items(), strict=False):
        axis.contour(heights.numpy(), levels, extent=(-reach, reach, -reach, reach), colors="#9a9a9a", linewidths=0.8)
        axis.plot(*path.T.numpy(), "-", color=COLORS[0], linewidth=1.4, marker=".", markersize=5)
        axis.plot(*path[0].numpy(), "o", color=COLORS[0], markersize=10, fillstyle="none")
        axis.plot(0, 0, "x", color=COLORS[1], markersize=10, markeredgewidth=2.5)
        axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        axis.set_title(title, fontsize=11)
    figure.supxlabel("first weight", fontsize=10)
    figure.supylabel("second weight", fontsize=10)
    plt.close(figure)
    return figure


def tiles(pictures: Tensor, *, columns: int, signed: bool = False, gap: int = 1, own_scale: bool = True) -> Tensor:
    """Many small pictures laid out as one, for :func:`gallery`.

    Args:
        pictures: ``(N, H, W)``, any range.
        columns: pictures a row.
        signed: zero stays zero, and what is between two pictures is no number, so that a signed gallery tells it apart.
        gap: pixels between two.
        own_scale: whether each is divided by its own largest magnitude; else all keep their values.

    Returns:
        ``(rows * (H + gap) - gap, columns * (W + gap) - gap)``: in 0..1, or signed in -1..1, where each has its own
        scale.
    """
    count, height, width = pictures.shape
    pictures = pictures.detach()
    if own_scale:
        pictures = pictures / pictures.abs().amax((1, 2), keepdim=True).clamp_min(1e-12)
    between = float("nan") if signed else 1.0
    sheet = pictures.new_full((-(-count // columns) * (height + gap), columns * (width + gap)), between)
    for number, picture in enumerate(pictures):
        top, left = number // columns * (height + gap), number % columns * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet[:-gap, :-gap] if gap else sheet
