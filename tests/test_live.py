"""The live figures: loaded when the reader comes near, usable by anyone, and short enough to read."""

from collections.abc import Iterator

import live
import pytest
from browse import IN_CHROMIUM, PAGES, WIDE, in_the_browser, judge, look, pages, visit, watch
from playwright.sync_api import expect

BOOK = live.FOLDER.parents[1]
# From light to dark and back between any two things that the page does, until `calm` is true; and frames come late, as
# in a tab that nobody looks at.
FLIPS = """{
  window.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 30);
  window.cancelAnimationFrame = clearTimeout;
  const { port1, port2 } = new MessageChannel();
  let flips = 0;
  port1.onmessage = () => {
    if (document.documentElement) document.documentElement.dataset.theme = ["light", "dark"][++flips % 2];
    if (!window.calm) port2.postMessage(0);
  };
  port2.postMessage(0);
}"""


@pytest.mark.parametrize("name", live.FIGURES)
def test_a_figure_is_a_file_of_at_most_200_lines(name):
    own = [script for script in live.FIGURES[name] if script not in live.MADE and script != "code.js"]
    for script in own:
        assert len((live.FOLDER / script).read_text(encoding="utf-8").splitlines()) <= 200, script


def test_each_figure_has_its_place_and_the_page_on_using_the_book_counts_them():
    text = "".join(path.read_text(encoding="utf-8") for path in BOOK.glob("*.ipynb"))
    assert sorted(live.PLACE.findall(text.replace('\\"', '"'))) == sorted(live.FIGURES)
    assert len(live.FIGURES) == 11
    assert "Eleven figures are live" in (BOOK / "using.md").read_text(encoding="utf-8")


class TestInABrowser:
    pytestmark = IN_CHROMIUM

    def test_a_figure_is_loaded_when_the_reader_comes_near(self, live_figure):
        page = live_figure("train", below=5_000)
        scripts = "() => [...document.scripts].map(s => s.src.split('/').pop()).filter(Boolean)"
        assert page.evaluate(scripts) == ["book.js", "kit.js"]
        assert page.get_by_text("In the online book.").count() == 1
        page.locator("[data-live]").scroll_into_view_if_needed()
        expect(page.locator(".live")).to_be_visible(timeout=30_000)
        assert set(page.evaluate(scripts)) >= {"kit.js", *live.FIGURES["train"]}
        assert page.get_by_text("In the online book.").count() == 0

    def test_a_script_that_is_missing_is_told_and_the_text_stays(self, live_figure, monkeypatch):
        monkeypatch.setitem(live.FIGURES, "train", ("nothing.js",))
        page = live_figure("train", fails=True)
        expect(page.get_by_role("alert")).to_contain_text("nothing.js, did not load", timeout=30_000)
        assert page.get_by_text("In the online book.").count() == 1

    @pytest.mark.parametrize("name", live.FIGURES)
    def test_a_figure_serves_everyone(self, name, live_figure):
        page = live_figure(name, width=390)
        assert judge(page, "light") == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        controls = page.locator(".live").locator("input, button, select")
        assert controls.count() > 0
        for k in range(controls.count()):
            assert controls.nth(k).evaluate("e => (e.labels?.[0] ?? e).textContent.trim()")
        for canvas in page.locator("canvas").all():
            assert len(canvas.get_attribute("aria-label")) > 15
        assert page.get_by_role("status").count() > 0

    @pytest.mark.parametrize("name", live.FIGURES)
    def test_a_figure_may_be_drawn_again_at_any_moment(self, name, live_figure):
        page = live_figure(name, begin=FLIPS)
        for select in page.locator(".live select").all():
            select.select_option(index=1)
            page.wait_for_timeout(100)
        page.evaluate("calm = true")
        expect(page.get_by_role("status")).to_contain_text(" ", timeout=30_000)


def in_its_chapter(browser, name: str, init: str):
    """A chapter with a live figure, at its place; what goes wrong on it."""
    [chapter] = [n for n in pages("book") if f'data-live="{name}"' in (PAGES / n).read_text(encoding="utf-8")]
    page = browser.new_page(viewport=WIDE, color_scheme="light", reduced_motion="reduce")
    page.add_init_script(init)
    troubles = watch(page, PAGES.as_uri())
    visit(page, f"{PAGES.as_uri()}/{chapter}")
    page.locator(f"[data-live={name}]").scroll_into_view_if_needed()
    return page, troubles


def in_themes() -> Iterator:
    """Each figure in the light or in the dark, in turns; before a release in both."""
    for number, name in enumerate(live.FIGURES):
        for place, scheme in enumerate(("light", "dark")):
            yield pytest.param(name, scheme, marks=[pytest.mark.release] if place == number % 2 else [])


@in_the_browser
@pytest.mark.parametrize(("name", "scheme"), list(in_themes()))
def test_a_figure_runs_in_its_chapter_and_on_a_phone(browser, name, scheme):
    page, troubles = in_its_chapter(browser, name, "localStorage.setItem('guesses', 'shown')")
    expect(page.locator(f".live[data-live={name}]")).to_be_visible(timeout=30_000)
    expect(page.locator(f"[data-live={name}] [role=status]")).to_contain_text(" ", timeout=30_000)
    troubles += look(page, scheme)
    troubles += judge(page, scheme, f"[data-live={name}]")
    assert page.locator("[role=alert]").count() == 0
    assert troubles == []
    page.close()


@in_the_browser
def test_a_figure_that_an_uncovered_answer_shows_begins_then(browser):
    page, troubles = in_its_chapter(browser, "sphere", "localStorage.removeItem('guesses')")
    page.wait_for_timeout(1_000)
    assert page.locator("[data-live=sphere]").get_attribute("hidden") is not None
    assert page.locator(".live[data-live=sphere]").count() == 0
    page.get_by_role("button", name="Always show answers").first.click()
    expect(page.locator(".live[data-live=sphere]")).to_be_visible(timeout=30_000)
    assert troubles == []
    page.close()
