"""The live figure that draws with invisible ink: its images are the package's, and the LR image does not change."""

import re

import live_page
import pytest
import torch
from browse import IN_CHROMIUM, judge
from live_page import redrawn_in, slide, told
from playwright.sync_api import expect

from srcnn import luma, shrink
from srcnn.images import png, sample, to_bytes, to_float

pytestmark = IN_CHROMIUM
SIDE, SCALE = 96, 3
EXACT = {"rtol": 0, "atol": 1e-9}  # both compute in double precision


def line_matrix() -> torch.Tensor:
    """The matrix R, (32, 96), that downsamples a line, column by column as the chapter finds it."""
    stripes = torch.eye(SIDE).double()[:, None].expand(SIDE, SCALE, SIDE)
    return shrink(stripes, SCALE)[:, 0].T


def hidden(image: torch.Tensor) -> torch.Tensor:
    """Equation (1.3) with the pseudo-inverse of LAPACK."""
    seen = torch.linalg.pinv(line_matrix()) @ line_matrix()
    return image - seen @ image @ seen.T


def photograph(name: str) -> torch.Tensor:
    """The part that the figure shows, (96, 96), from luma in 8 bits."""
    image = to_float(to_bytes(luma(sample(name)))).double()[0]
    top, left = (81, 102) if name == "chelsea" else ((size - SIDE) // 2 for size in image.shape)
    return 0.1 + 0.8 * image[top : top + SIDE, left : left + SIDE]


@pytest.fixture
def page(live_figure):
    page = live_figure("ink")
    expect(page.get_by_role("status")).to_contain_text("no ink yet")
    return page


def settle(page) -> None:
    """Wait until what was asked for is drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def state(page) -> dict:
    """What the figure has computed: planes as tensors (rows, columns), the rest as numbers."""
    settle(page)
    values = live_page.state(page)
    planes = {n: torch.tensor(v, dtype=torch.float64) for n, v in values.items() if isinstance(v, list)}
    return values | {name: plane.view(round(len(plane) ** 0.5), -1) for name, plane in planes.items()}


def pixels(page, label: str) -> torch.Tensor:
    """What a canvas shows, (height, width, 4)."""
    found = page.get_by_label(label).evaluate(
        "e => [e.height, e.width, [...e.getContext('2d').getImageData(0, 0, e.width, e.height).data]]"
    )
    return torch.tensor(found[2]).view(found[0], found[1], 4)


def paper(page):
    return page.get_by_role("application")


def draw(page, *places: tuple[int, int]) -> None:
    """A stroke of the pointer along places (row, column)."""
    box = paper(page).bounding_box()
    for number, (row, column) in enumerate(places):
        zoom = box["width"] / SIDE
        page.mouse.move(box["x"] + (column + 0.5) * zoom, box["y"] + (row + 0.5) * zoom)
        if number == 0:
            page.mouse.down()
    page.mouse.up()


def agrees(page, name: str, ink: torch.Tensor, strength: float, *, plain: bool = False) -> dict:
    """Compare everything that is shown with the package's; what is told in words too."""
    found, original = state(page), photograph(name)
    addition = strength / 255 * (ink if plain else hidden(ink))
    torch.testing.assert_close(found["photograph"], original, rtol=0, atol=1e-7)  # the figure's is float32 first
    torch.testing.assert_close(found["ink"], ink, **EXACT)
    torch.testing.assert_close(found["inked"] - found["photograph"], addition, **EXACT)
    torch.testing.assert_close(found["low"], shrink(found["photograph"], SCALE), **EXACT)
    torch.testing.assert_close(found["lowInked"], shrink(found["inked"], SCALE), **EXACT)
    high, low = (255 * each.abs().max().item() for each in (addition, shrink(addition, SCALE)))
    words = re.search(
        r"(Hidden|Plain) ink changes the HR image by up to (\d+) gray levels, the LR image by "
        r"(?:(less than 0\.0001)|up to ([\d.]+))\. The null space holds (\d+)%",
        told(page),
    )
    assert words, told(page)
    assert words[1] == ("Plain" if plain else "Hidden")
    assert float(words[2]) == pytest.approx(high, abs=0.501)
    if words[3]:
        assert low < 1e-4
    else:
        assert float(words[4]) == pytest.approx(low, abs=0.0501)
    share = hidden(ink).square().sum() / ink.square().sum()
    assert float(words[5]) == pytest.approx(100 * share.item(), abs=0.501)
    beyond = re.search(r"(\d+) HR pixels? lies? outside", told(page))
    outside = ((original + addition < 0) | (original + addition > 1)).sum().item()
    assert (int(beyond[1]) if beyond else 0) == outside
    return found


def word() -> torch.Tensor:
    """INK as the chapter writes it, drawn here by its strokes."""
    ink = torch.zeros(SIDE, SIDE).double()
    top, left = 34, 41
    ink[top : top + 7, left + 2] = 1  # I
    ink[top, left + 1 : left + 4] = ink[top + 6, left + 1 : left + 4] = 1
    for column in (6, 10, 12):  # the upright strokes of N and K
        ink[top : top + 7, left + column] = 1
    for row, column in ((1, 7), (2, 8), (3, 9), (0, 16), (1, 15), (2, 14), (3, 13), (4, 14), (5, 15), (6, 16)):
        ink[top + row, left + column] = 1
    return ink


@pytest.mark.parametrize("strength", [102, 1, 128])
def test_the_word_of_the_chapter_changes_90_levels_of_the_original_and_none_of_the_low_resolution_image(page, strength):
    page.get_by_role("button", name="Write INK").click()
    slide(page, "Strength", strength)
    found = agrees(page, "chelsea", word(), strength)
    assert 255 * (found["lowInked"] - found["low"]).abs().max() < 1e-9
    assert found["lower"] < 1e-9
    if strength == 102:
        assert 85 < found["high"] < 95
        assert torch.equal(pixels(page, "LR image of the photograph without"), pixels(page, "photograph with ink"))


def test_plain_ink_is_seen_by_downsampling(page):
    page.get_by_label("plain", exact=True).check()
    page.get_by_role("button", name="Write INK").click()
    found = agrees(page, "chelsea", word(), 102, plain=True)
    assert found["lower"] > 30
    page.get_by_label("hidden", exact=True).check()
    agrees(page, "chelsea", word(), 102)


@pytest.mark.parametrize("name", ["coins", "astronaut"])
def test_strokes_are_hidden_in_any_photograph_and_at_its_corners(page, name):
    page.get_by_label("Photograph", exact=True).select_option(name)
    draw(page, (0, 0), (0, 95), (95, 95))
    ink = torch.zeros(SIDE, SIDE).double()
    ink[0] = ink[:, 95] = 1
    agrees(page, name, ink, 102)


def test_the_inside_of_a_wide_stroke_cannot_be_hidden(page):
    slide(page, "Pen width", 12)
    draw(page, (48, 20), (48, 70))
    ink = torch.zeros(SIDE, SIDE).double()
    ink[43:55, 15:77] = 1
    found = agrees(page, "chelsea", ink, 102)
    part = found["inked"] - found["photograph"]
    assert part[47:51, 23:69].abs().max() < 0.1 * 102 / 255
    assert found["share"] < 0.1
    page.get_by_role("button", name="Clear").click()
    settle(page)
    slide(page, "Pen width", 1)
    draw(page, (48, 20), (48, 70))
    ink = torch.zeros(SIDE, SIDE).double()
    ink[48, 20:71] = 1
    assert agrees(page, "chelsea", ink, 102)["share"] > 0.6


def test_a_pen_is_moved_and_put_down_by_keys_alone(page):
    page.get_by_role("button", name="Clear").focus()
    page.keyboard.press("Tab")
    assert paper(page).evaluate("e => e === document.activeElement && e.matches(':focus-visible')")
    page.keyboard.press("ArrowUp")
    assert told(page).endswith("The pen is up at row 47, column 48.")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Space")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowRight")
    settle(page)
    assert told(page).endswith("The pen is down at row 50, column 48.")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    ink = torch.zeros(SIDE, SIDE).double()
    ink[47:51, 40] = ink[50, 40:49] = 1
    agrees(page, "chelsea", ink, 102)
    for _ in range(14):
        page.keyboard.press("Shift+ArrowUp")
    assert told(page).endswith("The pen is up at row 0, column 48.")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")  # who leaves takes the pen up
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowDown")
    ink[0, 48] = 1
    agrees(page, "chelsea", ink, 102)


def test_the_readers_own_photograph_is_taken_or_the_former_stays(page):
    page.get_by_role("button", name="Write INK").click()
    own = page.get_by_label("or your own")
    own.set_input_files({"name": "text.png", "mimeType": "image/png", "buffer": b"no image"})
    expect(page.get_by_role("status")).to_contain_text("text.png is no image")
    small = png(torch.zeros(1, 95, 200))
    own.set_input_files({"name": "small.png", "mimeType": "image/png", "buffer": small})
    expect(page.get_by_role("status")).to_contain_text("small.png has 200 x 95 pixels; at least 96 x 96")
    slide(page, "Strength", 50)
    agrees(page, "chelsea", word(), 50)
    black = png(torch.zeros(1, 4100, 6000))
    own.set_input_files({"name": "huge.png", "mimeType": "image/png", "buffer": black})
    expect(page.get_by_role("status")).to_contain_text("at most 24 megapixels", timeout=30_000)
    own.set_input_files({"name": "black.png", "mimeType": "image/png", "buffer": png(torch.zeros(1, 97, 120))})
    page.wait_for_function("document.querySelector('.live').state.photograph.every(v => Math.abs(v - 0.15) < 0.001)")
    slide(page, "Strength", 128)
    found = state(page)
    torch.testing.assert_close(found["inked"] - found["photograph"], 128 / 255 * hidden(word()), **EXACT)
    assert found["lower"] < 1e-9


def test_a_file_that_is_slow_to_read_does_not_replace_what_was_chosen_after_it(page):
    page.get_by_role("button", name="Write INK").click()
    page.evaluate("""() => {
        const quick = window.createImageBitmap;
        window.createImageBitmap = async (file) => {
            await new Promise(done => setTimeout(done, 300));
            window.wasRead = true;
            return quick(file);
        };
    }""")
    black = {"name": "black.png", "mimeType": "image/png", "buffer": png(torch.zeros(1, 97, 120))}
    page.get_by_label("or your own").set_input_files(black)
    page.get_by_label("Photograph", exact=True).select_option("coffee")
    page.wait_for_function("window.wasRead")
    page.wait_for_timeout(200)
    agrees(page, "coffee", word(), 102)


def test_a_redraw_takes_less_than_a_tenth_of_a_second(page):
    page.get_by_role("button", name="Write INK").click()
    assert redrawn_in(page.locator("input[type=range]").first, range(40, 60)) < 10


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_usable_with_ink_on_a_phone(live_figure, scheme):
    page = live_figure("ink", width=390)
    page.get_by_role("button", name="Write INK").click()
    page.evaluate("scheme => document.documentElement.dataset.theme = scheme", scheme)
    settle(page)
    assert judge(page, scheme) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = paper(page).bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
