"""plotting: what is drawn is what was given, and it can be read without color."""

import re
import xml.etree.ElementTree as ET

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from srcnn import plotting
from srcnn.files import shipped

mpl.use("Agg")  # tests have no screen


@pytest.fixture(autouse=True)
def _nothing_stays_open():
    yield
    assert plt.get_fignums() == []  # an open figure would be shown twice in a notebook


def drawn(axis) -> np.ndarray:
    (image,) = axis.images
    return np.asarray(image.get_array())


def test_a_gallery_draws_every_pixel_under_its_title():
    gray, color = torch.rand(5, 7, generator=torch.Generator().manual_seed(0)), torch.rand(3, 5, 7)
    figure = plotting.gallery({"gray": gray, "color": color, "plane": gray[None]}, columns=2)
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["gray", "color", "plane", ""]
    np.testing.assert_array_equal(drawn(figure.axes[0]), gray)
    np.testing.assert_array_equal(drawn(figure.axes[1]), color.permute(1, 2, 0))
    np.testing.assert_array_equal(drawn(figure.axes[2]), gray)
    assert figure.axes[0].images[0].get_clim() == (0, 1)  # no stretching of the grays
    assert [axis.axison for axis in figure.axes] == [True] * 3 + [False]
    assert [len(axis.get_xticks()) + len(axis.get_yticks()) for axis in figure.axes[:3]] == [0, 0, 0]
    figure.canvas.draw()


def test_a_white_picture_has_an_outline():
    figure = plotting.gallery({"white": torch.ones(20, 20)}, width=2)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    box = figure.axes[0].get_window_extent()
    pixels = np.asarray(canvas.buffer_rgba())[..., 0]
    row = pixels[pixels.shape[0] // 2]
    for edge in (box.x0, box.x1):
        assert row[int(edge) - 2 : int(edge) + 3].min() < 240
    assert row[int(box.x0) + 5 : int(box.x1) - 5].min() == 255


def test_a_gallery_clips_and_takes_tensors_that_need_gradients():
    figure = plotting.gallery({"a": torch.tensor([[-0.5, 0.5, 1.5]], requires_grad=True)})
    np.testing.assert_array_equal(drawn(figure.axes[0]), [[0, 0.5, 1]])


def test_signed_images_share_one_scale_around_zero_and_a_bar_tells_it():
    figure = plotting.gallery({"a": torch.tensor([[-0.2, 0.0, 0.1]]), "b": torch.full((2, 2), 0.4)}, signed=True)
    for axis in figure.axes[:2]:
        assert axis.images[0].get_clim() == pytest.approx((-0.4, 0.4))
    below, zero, above = figure.axes[0].images[0].cmap([0.0, 0.5, 1.0])
    assert below[2] > 2 * below[0]  # blue
    assert above[0] > 2 * above[2]  # red
    assert min(zero[:3]) > 0.95  # white
    assert figure.axes[2].get_ylim() == pytest.approx((-0.4, 0.4))
    figure = plotting.gallery({"a": torch.tensor([[-0.2, 0.1]])}, signed=True, reach=1.0)
    assert figure.axes[0].images[0].get_clim() == (-1, 1)
    plotting.gallery({"zero": torch.zeros(2, 2)}, signed=True).canvas.draw()


def test_some_images_of_a_gallery_may_be_signed():
    pictures = {"gray": torch.tensor([[0.2, 0.9]]), "signed": torch.tensor([[-3.0, float("nan")]])}
    figure = plotting.gallery(pictures, signed=["signed"])
    assert figure.axes[0].images[0].get_clim() == (0, 1)
    assert figure.axes[1].images[0].get_clim() == (-3, 3)
    red, green, blue, _ = figure.axes[1].images[0].cmap(float("nan"))
    assert red == green == blue  # what is no number is gray, which no value is
    assert len(figure.axes) == 3
    assert len(plotting.gallery(pictures).axes) == 2


DIAGRAMS = sorted(path.stem for path in shipped("diagrams").glob("*.svg"))


@pytest.mark.parametrize("name", DIAGRAMS)
def test_a_diagram_says_what_it_shows_follows_the_theme_and_asks_for_nothing(name):
    html = plotting.diagram(name)._repr_html_()
    svg = ET.fromstring(html[html.index("<svg") : html.index("</svg>") + 6])
    assert svg.get("role") == "img"
    assert len(svg.get("aria-label")) > 60
    assert svg.get("viewBox").startswith("0 0 ")
    assert "currentColor" in html
    assert not re.search(r"<(script|image|use|style|foreignObject)\b|href|url\((?!#)| on\w+=", html)
    ids = [element.get("id") for element in svg.iter() if element.get("id")]
    assert all(one.startswith(name) for one in ids), "two diagrams on a page must not share a name"
    for text in svg.iter("{http://www.w3.org/2000/svg}text"):
        assert float(text.get("font-size", svg.get("font-size"))) >= 11


def test_curves_draw_the_given_points_levels_and_labels():
    figure = plotting.curves(
        {"a": ([1, 2, 4], [3.0, 2.0, 1.0]), "b": ([1, 2], [5.0, 6.0])},
        x="step",
        y="dB",
        levels={"bicubic": 2.5},
        log="x",
    )
    (axis,) = figure.axes
    first, second, level = axis.lines
    assert (list(first.get_xdata()), list(first.get_ydata())) == ([1, 2, 4], [3, 2, 1])
    assert list(second.get_ydata()) == [5, 6]
    assert set(level.get_ydata()) == {2.5}
    [label] = axis.texts
    assert label.get_text() == "bicubic"
    assert (axis.get_xlabel(), axis.get_ylabel(), axis.get_xscale(), axis.get_yscale()) == (
        "step",
        "dB",
        "log",
        "linear",
    )
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["a", "b"]
    figure.canvas.draw()
    assert label.get_window_extent().x0 > axis.get_window_extent().x1  # so that no curve passes below it


def test_a_single_curve_needs_no_legend():
    (axis,) = plotting.curves({"a": ([1], [2])}, x="x", y="y", log="y").axes
    assert axis.get_legend() is None
    assert axis.get_yscale() == "log"


def test_up_to_eight_curves_differ_without_color():
    (axis,) = plotting.curves({str(n): ([0, 1], [n, n]) for n in range(8)}, x="x", y="y").axes
    assert len({(line.get_marker(), line.get_linestyle()) for line in axis.lines}) == 8
    assert len({line.get_linestyle() for line in axis.lines[:4]}) == 4


def test_the_colors_differ_in_lightness():
    levels = torch.tensor([mpl.colors.to_rgb(color) for color in plotting.COLORS], dtype=torch.float64)
    linear = torch.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    lightness = 116 * (linear @ torch.tensor([0.2126, 0.7152, 0.0722], dtype=torch.float64)) ** (1 / 3) - 16  # CIE L*
    assert lightness.diff().min() > 10  # about five times what the eye just tells apart


def test_zooms_draw_the_same_square_of_every_picture():
    a, b = torch.rand(1, 20, 30), torch.rand(1, 20, 30)
    figure = plotting.zooms({"a": a, "b": b}, top=5, left=12, size=6)
    where, first, second = figure.axes
    np.testing.assert_array_equal(drawn(where).squeeze(), a[0])
    np.testing.assert_array_equal(drawn(first).squeeze(), a[0, 5:11, 12:18])
    np.testing.assert_array_equal(drawn(second).squeeze(), b[0, 5:11, 12:18])
    assert {patch.get_bbox().bounds for patch in where.patches} == {(12, 5, 6, 6)}
    figure.canvas.draw()


def test_dots_stand_at_their_values_with_the_first_row_on_top():
    figure = plotting.dots({"Set5": {"bicubic": 30.4, "ours": 32.4}, "Set14": {"ours": 29.0}}, x="dB")
    (axis,) = figure.axes
    bicubic, ours = axis.collections
    assert bicubic.get_offsets().tolist() == [[30.4, 0]]
    assert ours.get_offsets().tolist() == [[32.4, 0], [29.0, 1]]
    assert [text.get_text() for text in axis.get_yticklabels()] == ["Set5", "Set14"]
    assert axis.yaxis_inverted()
    figure.canvas.draw()


def test_dots_have_bars_as_long_as_the_spread():
    spread = {"a": {"x": 0.5}, "b": {"x": 0.25}}
    (axis,) = plotting.dots({"a": {"x": 1.0}, "b": {"x": 2.0}}, x="dB", spread=spread).axes
    bars = axis.collections[1].get_segments()
    assert [bar.tolist() for bar in bars] == [[[0.5, 0], [1.5, 0]], [[1.75, 1], [2.25, 1]]]


def test_walks_draw_each_path_from_its_start():
    path = torch.tensor([[1.0, 2.0], [0.5, 1.0], [0.0, 0.5]])
    figure = plotting.walks({"a": path, "b": path}, torch.rand(9, 9), reach=3.0, levels=[0.2, 0.5])
    for axis in figure.axes:
        np.testing.assert_array_equal(axis.lines[0].get_xydata(), path)
        np.testing.assert_array_equal(axis.lines[1].get_xydata(), path[:1])
        assert axis.get_xlim() == (-3, 3)
    figure.canvas.draw()


def test_tiles_lie_in_reading_order_each_on_its_own_scale():
    pictures = torch.stack([torch.full((2, 3), 5.0), torch.tensor([[0.0, 1.0, 2.0]] * 2), -torch.ones(2, 3)])
    sheet = plotting.tiles(pictures, columns=2)
    assert sheet.shape == (2 * 3 - 1, 2 * 4 - 1)
    assert (sheet[:2, :3] == 1).all()
    np.testing.assert_allclose(sheet[:2, 4:], [[0, 0.5, 1]] * 2)
    assert (sheet[3:, :3] == -1).all()
    assert (sheet[2] == 1).all()  # the gap
    signed = plotting.tiles(pictures, columns=2, signed=True)
    assert signed[2].isnan().all()
    assert (signed[3:, :3] == -1).all()
    kept = plotting.tiles(pictures, columns=2, own_scale=False)
    assert kept[0].tolist() == [5, 5, 5, 1, 0, 1, 2]
    assert plotting.tiles(pictures, columns=3, gap=0).shape == (2, 9)
