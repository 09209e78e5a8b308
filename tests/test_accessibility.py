"""The built pages for everybody: keys reach all, letters may grow, nothing moves unasked; axe is with test_pages."""

import pytest
from browse import LAYOUT, NEEDS, PAGES, WIDE, begin_figures, faults, judge, visit

pytestmark = NEEDS


def test_axe_would_find_pale_letters_in_code_and_in_the_dark(browser, address):
    page = browser.new_page(color_scheme="dark", reduced_motion="reduce")
    visit(page, f"{address}/book/06_bicubic.html")
    page.add_style_tag(content="html[data-theme=dark] .highlight .kn { color: #444 !important; }")
    found = judge(page, "dark")
    page.close()
    assert any("color-contrast" in trouble and "kn" in trouble for trouble in found)


def test_the_first_key_leads_past_the_navigation(browser, address):
    page = browser.new_page(reduced_motion="reduce")
    visit(page, f"{address}/book/06_bicubic.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    box = page.locator(".skip-link a").bounding_box()
    assert box["y"] >= 0
    assert box["height"] > 15
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('#main-content').contains(document.activeElement)")
    page.close()


REACHABLE = "a[href], button, input, select, textarea, summary, [tabindex='0']"


@pytest.mark.parametrize(
    "name", ["book/intro.html", "book/01_super_resolution.html", "book/14_subpixel.html", "book/api/protocol.html"]
)
def test_the_keyboard_reaches_everything_and_shows_where_it_is(browser, address, name):
    page = browser.new_page(viewport=WIDE, reduced_motion="reduce")
    visit(page, f"{address}/{name}")
    begin_figures(page)
    wanted = page.evaluate(
        """reachable => [...document.querySelectorAll(reachable)].filter((element, number) => {
             const seen = element.checkVisibility({visibilityProperty: true, contentVisibilityAuto: true});
             element.dataset.number = number;
             const other = element.type === "radio" && !element.checked;  // arrow keys lead there from the chosen one
             return seen && !other && element.tabIndex >= 0 && !element.disabled
               && !element.closest("dialog:not([open])")
               && !(element.closest("details:not([open])") && element.tagName !== "SUMMARY");
           }).map(element => element.dataset.number)""",
        REACHABLE,
    )
    visited, unmarked = [], []
    for _ in range(len(wanted) + 20):
        page.keyboard.press("Tab")
        number, marked, what = page.evaluate(
            """() => { const e = document.activeElement, c = getComputedStyle(e);
                 const box = e.closest("[role=group]:focus-within")?.querySelector("span");
                 const shadow = box ? getComputedStyle(box, "::after").boxShadow : "none";
                 return [e.dataset.number, parseFloat(c.outlineWidth) >= 2 && c.outlineStyle !== "none"
                   || shadow !== "none", e.outerHTML.slice(0, 120)]; }"""
        )
        if number in visited or number is None:
            break
        visited.append(number)
        unmarked += [] if marked else [what]
    page.close()
    assert unmarked == []
    assert set(wanted) - set(visited) == set()


@pytest.mark.parametrize(
    "name", ["book/intro.html", "book/07_measuring.html", "book/api/commands.html", "book/glossary.html"]
)
def test_letters_of_twice_the_size_lose_nothing(browser, address, name):
    """At 200 per cent a window of 1400 pixels is 700 wide, and a reader may grow the letters alone."""
    page = browser.new_page(viewport={"width": 700, "height": 900}, reduced_motion="reduce")
    visit(page, f"{address}/{name}")
    assert faults(page, LAYOUT) == []
    page.set_viewport_size(WIDE)
    page.add_style_tag(content="html { font-size: 200% !important; }")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1400
    page.close()


def test_nothing_moves_for_those_who_ask_for_stillness(browser, address):
    page = browser.new_page(reduced_motion="reduce")
    visit(page, f"{address}/book/intro.html")
    moving = page.evaluate(
        """[...document.querySelectorAll("*")].filter(e => { const c = getComputedStyle(e);
             return c.scrollBehavior === "smooth" || c.animationName !== "none"
               || c.transitionDuration.split(",").some(t => parseFloat(t) > 0); }).map(e => e.outerHTML.slice(0, 80))"""
    )
    page.close()
    assert moving == []


def test_a_page_without_scripts_can_be_read(browser, address):
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{address}/book/using.html")
    assert page.locator("article h1").inner_text().startswith("How to use this book")
    assert 'data-theme="light"' in (PAGES / "book" / "using.html").read_text(encoding="utf-8")
    page.close()
