"""The built pages for everybody: axe finds nothing, keys reach all, letters may grow, nothing moves unasked."""

from importlib.resources import files

import pytest
from browse import NEEDS, PAGES, look, pages, visit

pytestmark = NEEDS

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
# Of the pieces of code in the same classes at places of the same classes, which have one look, one stays: thousands of
# them take axe minutes.
PRUNE = """() => {
  const seen = new Set();
  for (const piece of [...document.querySelectorAll(".highlight span:not([id])")].filter(e => !e.children.length)) {
    let key = piece.getAttribute("style") ?? "";
    for (let e = piece; e && e.tagName !== "ARTICLE"; e = e.parentElement) key += `/${e.tagName}.${e.className}`;
    if (seen.has(key)) piece.remove();
    seen.add(key);
  }
}"""
RUN = """async options => {
  const found = await axe.run(document, options);
  return found.violations.flatMap(rule => rule.nodes.map(
    node => `${rule.id}: ${node.target} ${node.html.slice(0, 150)} ${node.failureSummary}`));
}"""
COLOURS = ["color-contrast", "link-in-text-block"]


def judge(page, **only: object) -> list[str]:
    """What axe finds."""
    page.evaluate(PRUNE)
    return page.evaluate(RUN, {**only, "resultTypes": ["violations"], "preload": False})


@pytest.mark.parametrize("name", pages())
def test_axe_finds_nothing(browser, address, name):
    """All rules of WCAG 2.1 A and AA in the light; in the dark the same elements in other colours, so those rules."""
    page = browser.new_page(viewport={"width": 1400, "height": 900}, color_scheme="light", reduced_motion="reduce")
    visit(page, f"{address}/{name}")
    page.evaluate(AXE)
    light = judge(page, runOnly=RULES)
    page.emulate_media(color_scheme="dark")
    dark = []
    if page.evaluate("'theme' in document.documentElement.dataset"):
        page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
        dark = judge(page, runOnly={"type": "rule", "values": COLOURS})
    page.close()
    assert light == []
    assert dark == []


def test_axe_would_find_pale_letters_in_code_and_in_the_dark(browser, address):
    page = browser.new_page(color_scheme="dark", reduced_motion="reduce")
    page.goto(f"{address}/book/02_bicubic.html", wait_until="networkidle")
    page.evaluate(AXE)
    page.add_style_tag(content="html[data-theme=dark] .highlight .kn { color: #444 !important; }")
    found = judge(page, runOnly={"type": "rule", "values": COLOURS})
    page.close()
    assert any("color-contrast" in trouble and "kn" in trouble for trouble in found)


def test_the_first_key_leads_past_the_navigation(browser, address):
    page = browser.new_page(reduced_motion="reduce")
    page.goto(f"{address}/book/02_bicubic.html", wait_until="networkidle")
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


@pytest.mark.parametrize("name", ["book/intro.html", "book/01_asking.html", "book/api/protocol.html"])
def test_the_keyboard_reaches_everything_and_shows_where_it_is(browser, address, name):
    page = browser.new_page(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
    page.goto(f"{address}/{name}", wait_until="networkidle")
    wanted = page.evaluate(
        """reachable => [...document.querySelectorAll(reachable)].filter((element, number) => {
             const seen = element.checkVisibility({visibilityProperty: true, contentVisibilityAuto: true});
             element.dataset.number = number;
             return seen && element.tabIndex >= 0 && !element.disabled && !element.closest("dialog:not([open])")
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
    "name", ["book/intro.html", "book/03_measuring.html", "book/api/commands.html", "book/glossary.html"]
)
def test_letters_of_twice_the_size_lose_nothing(browser, address, name):
    """At 200 per cent a window of 1400 pixels is 700 wide, and a reader may grow the letters alone."""
    assert look(browser, address, name, width=700) == []
    page = browser.new_page(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
    page.goto(f"{address}/{name}", wait_until="networkidle")
    page.add_style_tag(content="html { font-size: 200% !important; }")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1400
    page.close()


def test_nothing_moves_for_those_who_ask_for_stillness(browser, address):
    page = browser.new_page(reduced_motion="reduce")
    page.goto(f"{address}/book/intro.html", wait_until="networkidle")
    moving = page.evaluate(
        """[...document.querySelectorAll("*")].filter(e => { const c = getComputedStyle(e);
             return c.scrollBehavior === "smooth" || c.animationName !== "none"
               || c.transitionDuration.split(",").some(t => parseFloat(t) > 0); }).map(e => e.outerHTML.slice(0, 80))"""
    )
    page.close()
    assert moving == []


def test_every_table_has_headers_and_chinese_is_marked(browser, address):
    page = browser.new_page()
    for name in pages("book"):
        page.goto(f"{address}/{name}", wait_until="domcontentloaded")
        bare = page.evaluate(
            "[...document.querySelectorAll('.bd-content table')].filter(t => !t.querySelector('th')).length"
        )
        assert bare == 0, name
        unmarked = page.evaluate(
            """[...document.querySelectorAll("body *")].filter(e => [...e.childNodes].some(
                 n => n.nodeType === 3 && /[\\u4e00-\\u9fff]/.test(n.data)) && !e.closest("script, style, [lang^=zh]"))
               .map(e => e.outerHTML.slice(0, 120))"""
        )
        assert unmarked == [], name
    page.close()


def test_a_page_without_scripts_can_be_read(browser, address):
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{address}/book/using.html")
    assert page.locator("article h1").inner_text().startswith("How to use this book")
    assert 'data-theme="light"' in (PAGES / "book" / "using.html").read_text(encoding="utf-8")
    page.close()
