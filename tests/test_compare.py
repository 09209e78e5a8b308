"""compare: both pictures arrive whole, the divider moves, and nothing of it reaches beyond itself."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from browse import in_the_browser
from PIL import Image
from playwright.sync_api import expect

from srcnn import images
from srcnn.compare import compare

EMPTY = {"img", "input"}  # elements of HTML that have no end


class Elements(HTMLParser):
    """What a piece of HTML consists of; whatever is opened must be closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found, self.opened, self.text = [], [], ""
        self.feed(html)
        self.close()
        assert self.opened == []

    def handle_starttag(self, tag, attributes):
        assert len(dict(attributes)) == len(attributes), "an attribute twice"
        self.found.append((tag, dict(attributes)))
        if tag not in EMPTY:
            self.opened.append(tag)

    def handle_endtag(self, tag):
        assert self.opened.pop() == tag

    def handle_data(self, data):
        if self.opened and self.opened[-1] == "figcaption":
            self.text += data + "\n"

    def of(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.found if name == tag]


def picture(seed: int, channels: int = 3) -> torch.Tensor:
    return torch.rand(channels, 40, 60, generator=torch.Generator().manual_seed(seed))


def compared(before=None, after=None, **changed):
    options = {"labels": ("bicubic", "SRCNN"), "alt": ("a blurred cat", "a sharp cat")} | changed
    return compare(picture(0) if before is None else before, picture(1) if after is None else after, **options)


@pytest.mark.parametrize("channels", [1, 3])
def test_both_pictures_arrive_to_the_byte_with_their_words(channels):
    before, after = picture(0, channels), picture(1, channels) * 1.2 - 0.1  # beyond 0..1: clipped
    elements = Elements(compared(before, after)._repr_html_())
    assert [image["alt"] for image in elements.of("img")] == ["a blurred cat", "a sharp cat"]
    assert elements.text.split("\n")[:2] == ["bicubic", "SRCNN"]
    for image, wanted in zip(elements.of("img"), (before, after), strict=True):
        kind, data = image["src"].split(",")
        assert kind == "data:image/png;base64"
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
        expected = (wanted.numpy().transpose(1, 2, 0) * 255).round().clip(0, 255)
        np.testing.assert_array_equal(pixels.reshape(expected.shape), expected)


def test_the_slider_has_a_name_and_waits_for_a_script():
    (slider,) = Elements(compared().html).of("input")
    assert "bicubic" in slider["aria-label"]
    assert "SRCNN" in slider["aria-label"]
    assert "hidden" in slider
    assert (slider["type"], slider["value"]) == ("range", "50")


def test_it_fetches_nothing_and_brings_no_script_element_and_no_id():
    elements = Elements(compared().html)
    assert elements.of("script") == elements.of("link") == []
    assert not any("id" in attributes for _, attributes in elements.found)
    assert not re.search(r"https?:|@import|url\(", compared().html)


def test_its_style_is_bound_to_a_class_made_of_the_content_alone():
    one, same, other = compared(), compared(), compared(after=picture(2))
    assert one.html == same.html  # a stored output stays as it is from run to run
    names = [re.search(r'class="(srcnn-compare-\w+)"', item.html)[1] for item in (one, other)]
    assert names[0] != names[1]
    style = re.search(r"<style>(.*)</style>", one.html, re.S)[1]
    selectors = [part.strip() for rule in style.split("}")[:-1] for part in rule.split("{")[0].split(",")]
    assert len(selectors) > 10
    assert all(selector.startswith(f".{names[0]}") for selector in selectors)


def test_words_are_shown_and_never_become_markup():
    nasty = "\"><script>alert(1)</script>&$name'"
    elements = Elements(compared(labels=(nasty, "b"), alt=("a", nasty)).html)
    assert elements.of("script") == []
    assert elements.text.startswith(nasty + "\n")
    assert elements.of("img")[1]["alt"] == nasty
    assert nasty in elements.of("input")[0]["aria-label"]


def test_a_notebook_that_shows_no_html_prints_one_short_line():
    assert repr(compared()) == "Comparison(labels=('bicubic', 'SRCNN'))"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"after": torch.rand(3, 40, 61)}, "of one size"),
        ({"after": torch.rand(1, 40, 60)}, "of one size"),
        ({"before": torch.rand(40, 60), "after": torch.rand(40, 60)}, "picture"),
        ({"before": torch.rand(2, 4, 6), "after": torch.rand(2, 4, 6)}, "picture"),
        ({"labels": ("one",)}, "two labels"),
        ({"labels": "ab"}, "two labels"),
        ({"alt": ("a cat", " ")}, "empty"),
        ({"width": 0}, "width"),
    ],
)
def test_what_cannot_be_compared_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        compared(**changed)


def test_png_refuses_bytes_which_would_be_multiplied_once_more():
    with pytest.raises(ValueError, match="floats"):
        images.png(torch.zeros(3, 4, 4, dtype=torch.uint8))


@pytest.fixture
def address(tmp_path):
    """A page with two comparisons, and a third that equals the first."""
    body = "\n".join(item.html for item in (compared(), compared(after=picture(2), width=200), compared()))
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    (tmp_path / "page.html").write_text(f"{head}<title>two</title><body>{body}</body></html>", encoding="utf-8")
    return (tmp_path / "page.html").as_uri()


def boxes(page) -> list[dict]:
    return [image.bounding_box() for image in page.locator("img").all()]


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1200])
def test_arrow_keys_and_mouse_move_the_divider_of_one_comparison_alone(browser, address, width):
    page = browser.new_page(viewport={"width": width, "height": 800})
    troubles = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.goto(address, wait_until="load")
    slider = page.locator("input").nth(1)
    slider.wait_for()
    left, right = boxes(page)[2:4]
    assert left == right  # one over the other
    assert left["width"] == pytest.approx(200)

    def seen() -> tuple[str, ...]:
        return tuple(page.evaluate("[...document.querySelectorAll('figure:first-child img')].map(i => "
                                   "getComputedStyle(i).clipPath)"))  # fmt: skip

    page.keyboard.press("Tab")
    page.keyboard.press("Tab")  # the second slider
    page.keyboard.press("ArrowLeft")
    assert seen() == ("inset(0px 50% 0px 0px)", "inset(0px 51% 0px 0px)", "inset(0px 50% 0px 0px)")
    for share in (0.02, 0.3, 0.98):
        page.mouse.click(left["x"] + share * left["width"], left["y"] + left["height"] / 2)
        assert float(re.search(r"0px ([\d.]+)%", seen()[1])[1]) == pytest.approx(100 - 100 * share, abs=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert troubles == []
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1200])
def test_without_scripts_both_pictures_are_seen_whole(browser, address, width):
    context = browser.new_context(java_script_enabled=False, viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto(address, wait_until="load")
    assert page.locator("input:visible").count() == 0
    assert page.locator("figcaption:visible").count() == 6
    for left, right in zip(boxes(page)[::2], boxes(page)[1::2], strict=True):
        apart = left["x"] + left["width"] <= right["x"] or left["y"] + left["height"] <= right["y"]
        assert apart
        assert max(left["x"] + left["width"], right["x"] + right["width"]) <= width
    context.close()


@in_the_browser
def test_a_page_that_is_still_read_when_the_pictures_have_come_shows_the_divider(browser):
    """The second picture's handler may run before the browser has read the slider, which stands behind it."""
    page, troubles = browser.new_page(), []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    begun, rest = compared().html.split("<span")
    page.evaluate(
        """async begun => {
          document.open();
          document.write("<style>[hidden] { display: none !important }</style>" + begun);  // as the book's theme has it
          while (![...document.images].every(image => image.complete && image.naturalWidth)) await null;
          await new Promise(resolve => setTimeout(resolve, 50));
        }""",
        begun,
    )
    assert page.locator("input").count() == 0
    page.evaluate("rest => { document.write(rest); document.close(); }", f"<span{rest}")
    expect(page.locator("input")).to_be_visible()
    assert troubles == []
    page.close()
