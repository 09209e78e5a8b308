"""tools/figures.py: a chapter's figure that changed fails, and what a processor or its rounding changes does not."""

import base64
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from figures import ALLOWED, KINDS, difference, pixels
from matplotlib.figure import Figure
from PIL import Image

from srcnn import images, plotting

ROOT = Path(__file__).resolve().parents[1]


def png(figure: Figure, **how: object) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=100, **how)
    plt.close(figure)
    return stream.getvalue()


def lines(change: Callable = lambda axis: None) -> bytes:
    """Two lines as chapters draw them, over ten units of height, and what a change made of them."""
    x = np.linspace(0, 10, 40)
    ours, others = {"x": x, "y": 5 + 3 * np.sin(x)}, {"x": x, "y": x}
    figure, axis = plt.subplots(figsize=(7.5, 3.8), layout="constrained")
    for (name, line), color in zip({"ours": ours, "others": others}.items(), plotting.COLORS, strict=False):
        axis.plot(line["x"], line["y"], color=color, label=name, linewidth=1.5)
    axis.set(xlim=(0, 10), ylim=(0, 10), xlabel="epochs", ylabel="dB", title="PSNR on 3 photographs")
    axis.legend()
    change(axis)
    return png(figure)


def panels(change: Callable = lambda pictures: None) -> bytes:
    pictures = [images.sample("coins")[0, :96, :96], images.sample("coins")[0, 96:192, :96]]
    change(pictures)
    return png(plotting.gallery(dict(zip(("bicubic", "SRCNN"), pictures, strict=True)), width=6))


def photograph(change: Callable) -> bytes:
    """A panel as an array of levels, after a change of it."""
    stream = io.BytesIO()
    Image.fromarray(np.clip(change(pixels(panels())), 0, 255).astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def noise(size: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).integers(-3, 4, size)


def move(axis: plt.Axes, by: float) -> None:
    axis.lines[0].set_ydata(axis.lines[0].get_ydata() + by)


SEEN = {
    "a line is missing": lambda axis: axis.lines[1].set_visible(False),
    "a line lies 5 % of the height higher": lambda axis: move(axis, 0.5),
    "a line lies 1 % of the height higher": lambda axis: move(axis, 0.1),
    "a line has another color": lambda axis: axis.lines[0].set_color(plotting.COLORS[2]),
    "two lines have each other's color": lambda axis: [
        line.set_color(color) for line, color in zip(axis.lines, plotting.COLORS[1::-1], strict=True)
    ],
    "a title has another digit": lambda axis: axis.set_title("PSNR on 8 photographs"),
    "a label has another letter": lambda axis: axis.set_xlabel("epoch"),
    "the legend is missing": lambda axis: axis.get_legend().remove(),
    "the axis has another end": lambda axis: axis.set_ylim(0, 10.5),
}
OTHER = {
    "two panels are swapped": lambda pictures: pictures.reverse(),
    "a panel is flipped": lambda pictures: pictures.__setitem__(0, pictures[0].flip(-1)),
    "a panel is another": lambda pictures: pictures.__setitem__(0, images.sample("coins")[0, :96, 96:192]),
    "a panel is darker by 2 %": lambda pictures: pictures.__setitem__(0, pictures[0] - 0.02),
}


@pytest.mark.parametrize("what", SEEN)
def test_a_reader_would_see_that(what):
    assert re.search(r"squares of .* differ, the one at x = \d+, y = \d+ by", difference(lines(), lines(SEEN[what])))


@pytest.mark.parametrize("what", OTHER)
def test_a_reader_would_see_that_of_pictures(what):
    assert difference(panels(), panels(OTHER[what]))


def test_what_has_another_size_is_another_figure():
    narrower = photograph(lambda levels: levels[:, :-8])
    assert re.fullmatch(r"it has \d+ x \d+ pixels where \d+ x \d+ are stored", difference(panels(), narrower))


SAME = {
    "identical": lambda levels: levels,
    "a few levels of noise": lambda levels: levels + noise(levels.shape),
    "everything a level darker": lambda levels: levels - 1,
    "one pixel far off": lambda levels: levels - 150 * (np.arange(levels.size).reshape(levels.shape) < 3),
}


@pytest.mark.parametrize("what", SAME)
def test_what_a_processor_may_change_passes(what):
    assert difference(panels(), photograph(SAME[what])) is None


def test_an_edge_drawn_a_tenth_of_a_pixel_further_passes():
    assert difference(lines(), lines(lambda axis: move(axis, 0.1 * 10 / 300))) is None


def test_gray_alpha_and_palette_look_as_they_did():
    """The stored figures have been made smaller without a loss; those that a kernel draws have an alpha channel."""
    shown = Image.open(io.BytesIO(panels()))
    assert shown.mode == "RGBA"
    for mode in ("RGB", "L", "LA"):
        stream = io.BytesIO()
        shown.convert(mode).save(stream, "PNG")
        assert difference(panels(), stream.getvalue()) is None
    clear = Image.new("RGBA", shown.size, (0, 0, 0, 0))  # black, but nothing of it is seen
    white, stream = io.BytesIO(), io.BytesIO()
    clear.save(stream, "PNG")
    Image.new("L", shown.size, 255).save(white, "PNG")
    assert difference(white.getvalue(), stream.getvalue()) is None


def flat(color: str | int) -> bytes:
    stream = io.BytesIO()
    Image.new("L" if isinstance(color, int) else "RGB", (20, 9), color).save(stream, "PNG")
    return stream.getvalue()


def test_a_square_may_differ_by_the_levels_that_are_stated_and_no_more():
    most = int(min(ALLOWED.values()))
    assert difference(flat(100), flat(100 + most)) is None
    assert difference(flat(100), flat(101 + most))
    assert difference(flat("#646464"), flat("#646468"))  # of one color only


def cell(code: str, *colors: str, tags: tuple[str, ...] = ()) -> nbformat.NotebookNode:
    """A cell that has pictures of one color stored, with nothing beside them that nbval compares."""
    pictures = [base64.b64encode(flat(color)).decode() for color in colors]
    shown = [nbformat.v4.new_output("display_data", data={"image/png": picture}) for picture in pictures]
    return nbformat.v4.new_code_cell(code, outputs=shown, execution_count=1, metadata={"tags": list(tags)})


def test_a_chapter_whose_figure_changed_fails_and_tells_where_to_look(tmp_path):
    draws = (
        "import base64, io\nfrom PIL import Image\n\ndef draw(*colors):\n    for color in colors:\n"
        "        stream = io.BytesIO()\n        Image.new('RGBA', (20, 9), color).save(stream, 'PNG')\n"
        "        display({'image/png': base64.b64encode(stream.getvalue()).decode()}, raw=True)"
    )
    cells = [
        cell(draws),
        cell("draw('red', 'lime')", "red", "lime"),
        cell("draw('red')", "blue", tags=("nbval-ignore-output",)),
        cell("draw('red', 'red')", "red", "blue"),
        cell("draw('red')"),
        cell("draw('red')", "red", "red"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "chapter.ipynb")
    words = ["-q", "--color=no", "--nbval", "--nbval-current-env", "-p", "tools.figures", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *words, "-o", "addopts=", "-o", "pythonpath=", tmp_path]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    assert "3 failed, 3 passed" in told
    assert "Cell 3: Its figures differ" in told
    assert "chapter.ipynb, code cell 3" in told
    assert "figure 2: 15 squares of 4 x 4 pixels differ, the one at x = 0, y = 0 by 255.0 levels" in told
    assert "1 figures where 0 are stored" in told
    assert "1 figures where 2 are stored" in told
    for what, color in (("stored", "blue"), ("now", "red")):
        picture = tmp_path / f"cell3-figure2-{what}.png"
        assert f"    {picture}\n" in told
        assert not difference(picture.read_bytes(), flat(color))
    assert len(list(tmp_path.glob("*.png"))) == 2


def test_every_figure_of_the_book_is_of_a_kind_that_is_compared():
    for chapter in (ROOT / "book").glob("*.ipynb"):
        for part in json.loads(chapter.read_text(encoding="utf-8"))["cells"]:
            kinds = {kind for output in part.get("outputs", []) for kind in output.get("data", {})}
            assert {kind for kind in kinds if kind.startswith("image/")} <= set(KINDS), chapter.name


def test_the_run_of_the_chapters_compares_their_figures():
    assert "-p tools.figures $(ALONE)/*/*.ipynb" in (ROOT / "Makefile").read_text(encoding="utf-8")
