"""What the tests of the built pages share: a browser, a server, and the checks that any page has to pass."""

import os
import shutil
from contextlib import suppress
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import pdf
import pytest
from playwright.sync_api import TimeoutError

ROOT = Path(__file__).resolve().parents[1]
PAGES = Path(os.environ.get("SRCNN_PAGES", ROOT / "_build" / "html"))  # another copy of the book may be named

CHROMIUM = next(filter(None, map(shutil.which, pdf.NAMES)), None)
IN_CHROMIUM = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason=f"there is no Chromium; {pdf.INSTALL}"),
]
NEEDS = [
    *IN_CHROMIUM,
    pytest.mark.skipif(not (PAGES / "index.html").exists(), reason="there is no built book; `make book` builds it"),
]


def in_the_browser(test):
    """Mark a test that needs Chromium and the built book, in a file whose other tests do not."""
    for mark in NEEDS:
        test = mark(test)
    return test


def pages(folder: str = "") -> list[str]:
    """The built pages, or those in a folder, without old addresses that only lead to another page."""
    found = (PAGES / folder).rglob("*.html") if PAGES.exists() else ()
    leads_on = 'http-equiv="refresh"'
    kept = [path for path in found if path.name == "index.html" or leads_on not in path.read_text(encoding="utf-8")]
    names = sorted(path.relative_to(PAGES).as_posix() for path in kept)
    return [name for name in names if not name.startswith(("_static/", "_sources/"))] or ["index.html"]


def watch(page, address: str) -> list[str]:
    """A list that fills with what goes wrong while a page is open: errors, and requests that fail or go elsewhere."""
    troubles = []

    def failed(request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a page that leads on breaks off what it was still fetching
            troubles.append(f"failed: {request.url}")

    page.on("console", lambda message: troubles.append(f"console: {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(f"script: {error}"))
    page.on("requestfailed", failed)
    page.on("response", lambda got: troubles.append(f"{got.status}: {got.url}") if got.status >= 400 else None)

    def asked(request) -> None:
        if not request.url.startswith((address, "data:", "blob:")):
            troubles.append(f"outside: {request.url}")

    page.on("request", asked)
    return troubles


# Each gives what is wrong with the page, as words. `all` is every element that a selector finds.
ALL = "const all = selector => [...document.querySelectorAll(selector)];"
LOOKS = {
    "a picture that is not seen": """
        all("img").filter(i => i.offsetParent && !(i.complete && i.naturalWidth)).map(i => i.src)""",
    "a picture without alternative text": """
        all(".bd-content img").filter(i => !i.alt).map(i => i.src)""",
    "a picture under a filter": """
        all(".bd-content img").filter(i => getComputedStyle(i).filter !== "none").map(i => i.src)""",
    "a table that was not set": """
        all(".bd-content p").map(p => p.innerText).filter(text => text.includes("|--"))""",
    "mathematics that was not set": """
        all(".bd-content .math").filter(m => !m.querySelector("mjx-container")).map(m => m.textContent)""",
    "mathematics that MathJax refuses (a line break beside a \\tag must be \\cr)": """
        all("mjx-merror").map(e => e.dataset.mjxError)""",
    "mathematics in a printed table, where it is not set": """
        all(".bd-content td, .bd-content th").map(c => c.innerText).filter(text => text.includes("$"))""",
    "an icon that nobody drew": """
        all("[class*=fa-]").filter(i => !getComputedStyle(i).getPropertyValue("--icon")).map(i => i.className)""",
    "not one title": """
        [all("h1").filter(h => h.offsetParent).length].filter(n => n !== 1).map(n => `${n} h1`)""",
    "a table without headers": """
        all(".bd-content table:not(.indextable, .modindextable)").filter(t => !t.querySelector("th"))
          .map(t => t.innerText)""",
    "a heading that skips a level": """
        all("main :is(h1, h2, h3, h4, h5, h6)").filter(h => h.checkVisibility()).filter(
          (h, k, found) => k && h.tagName[1] > +found[k - 1].tagName[1] + 1).map(h => h.textContent)""",
    "an id that two elements have": """
        all("[id]").map(e => e.id).filter((id, k, ids) => ids.indexOf(id) < k)""",
    "a place in the order of tabs that is not the text's": """
        all("[tabindex]").filter(e => e.tabIndex > 0).map(e => e.outerHTML)""",
    "sound, film, or a page in the page": """
        all("audio, video, iframe, object, embed, track").map(e => e.outerHTML)""",
    "a dialog or a fold without a name": """
        all("dialog, summary").filter(e => !e.ariaLabel && !(e.tagName === "SUMMARY" && e.textContent.trim()))
          .map(e => e.outerHTML)""",
    "Chinese that is not marked": """
        all("body *").filter(e => [...e.childNodes].some(n => n.nodeType === 3 && /[\\u4e00-\\u9fff]/.test(n.data))
          && !e.closest("script, style, [lang^=zh]")).map(e => e.outerHTML)""",
}
# What depends on the width of the window alone.
LAYOUT = {
    "a formula whose beginning or end cannot be reached": """
        all(".bd-content .math mjx-container").filter(c => {
          const [inner, outer] = [c, c.closest(".math")].map(e => e.getBoundingClientRect());
          return outer.width && (inner.left < outer.left - 1 || inner.right > outer.right + 1);
        }).map(c => c.closest(".math").textContent)""",
    "a flag, a name or a path that is torn apart in a table": """
        all(".bd-content td code .pre").filter(p => p.getClientRects().length > 1).map(p => p.textContent)""",
    "scrolls sideways": """
        [document.documentElement.scrollWidth].filter(w => w > innerWidth).map(w => `${w} px`)""",
}
# 320 pixels is the width at which WCAG wants text to need no scrolling sideways (1.4.10): a phone, or 400 per cent.
WIDE, NARROW = {"width": 1400, "height": 900}, {"width": 320, "height": 900}


def visit(page, url: str) -> None:
    """Open a page, and wait until its mathematics and its letters are set."""
    page.goto(url, wait_until="load")
    # the first page leads on, to one whose pictures are not there yet
    page.wait_for_function(
        "() => !document.querySelector('meta[http-equiv=refresh]') && document.readyState === 'complete'"
    )
    with suppress(TimeoutError):  # what is not set by then is told by those who look
        page.wait_for_function(f"() => !window.MathJax || {pdf.SET}")
    page.evaluate("async () => { await document.fonts.ready; }")


def begin_figures(page) -> None:
    """Bring each live figure that is not covered into view, and wait until it is there."""
    for place in page.locator("[data-live]:not([hidden])").all():
        place.scroll_into_view_if_needed()
        page.wait_for_function("place => place.classList.contains('live')", arg=place.element_handle(), timeout=30_000)
    page.evaluate("scrollTo(0, 0)")


def faults(page, looks: dict[str, str], told: str = "") -> list[str]:
    """What is wrong with an open page; each with what is told of where it was seen."""
    found = []
    for trouble, script in looks.items():
        results = page.evaluate(f"() => {{ {ALL} return {script.strip()} }}")
        found += [f"{trouble}{told}: {str(what)[:200]}" for what in results]
    return found


def look(page, scheme: str = "light") -> list[str]:
    """Everything that is wrong with an open page, light or dark: all at one width, and its layout on a phone."""
    page.emulate_media(color_scheme=scheme)
    with suppress(TimeoutError):
        page.wait_for_function(f"document.documentElement.dataset.theme === '{scheme}'", timeout=5_000)
    theme = page.evaluate("document.documentElement.dataset.theme")
    found = [] if theme == scheme else [f"is {theme} where {scheme} was asked for"]
    found += faults(page, LOOKS | LAYOUT, f" ({scheme})")
    page.set_viewport_size(NARROW)
    found += faults(page, LAYOUT, f" ({scheme}, {NARROW['width']} pixels wide)")
    page.set_viewport_size(WIDE)
    return found


AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
RULES = {"light": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
# In the dark there are the same elements in other colors.
RULES["dark"] = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
# Of the pieces of text in the same classes at places of the same classes, which have one look, one stays: thousands of
# them take axe minutes.
PRUNE = """() => {
  const seen = new Set();
  const pieces = "article :is(span, em, code, strong):not([id], a *, button *, summary *, th *)";
  for (const piece of [...document.querySelectorAll(pieces)].filter(e => !e.children.length)) {
    let key = piece.getAttribute("style") ?? "";
    for (let e = piece; e.tagName !== "ARTICLE"; e = e.parentElement) key += `/${e.tagName}.${e.className}`;
    if (seen.has(key)) piece.remove();
    seen.add(key);
  }
}"""
RUN = """async ([place, options]) => {
  const found = await axe.run(place ?? document, options);
  return found.violations.flatMap(rule => rule.nodes.map(
    node => `${rule.id}: ${node.target} ${node.html.slice(0, 150)} ${node.failureSummary}`));
}"""


def judge(page, scheme: str, place: str | None = None) -> list[str]:
    """What axe finds: all rules of WCAG 2.1 A and AA in the light, those of colors in the dark.

    `place` is a selector of the part that is looked at; without it that is the whole page.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    if place is None:
        page.evaluate(PRUNE)
    return page.evaluate(RUN, [place, {"runOnly": RULES[scheme], "resultTypes": ["violations"], "preload": False}])


def examine(browser, address: str, name: str, judged: tuple[str, ...] = ("light", "dark")) -> list[str]:
    """Open a page once, as a reader does, and tell everything that is wrong with it: light, dark, and on a phone.

    `judged` are the themes in which axe looks at it as well, which takes longer than all the rest.
    """
    page = browser.new_page(viewport=WIDE, color_scheme="light", reduced_motion="reduce")
    troubles = watch(page, address)
    visit(page, f"{address}/{name}")
    for scheme in ("light", "dark"):
        troubles += look(page, scheme)
        troubles += judge(page, scheme) if scheme in judged else []
    page.close()
    return troubles


class _Names(HTMLParser):
    """The places of a page, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.places |= {given[key] for key in ("id", "name") if given.get(key)}
        self.links += [given[key] for key in ("href", "src") if given.get(key)]


def dead_links(folder: Path) -> list[str]:
    """Links of all pages in a folder to a file or a place in a page that is not there."""
    parsed = {}
    for path in folder.rglob("*.html"):
        name = path.relative_to(folder).as_posix()
        if not name.startswith(("_static/", "_sources/")):
            parsed[name] = _Names()
            parsed[name].feed(path.read_text(encoding="utf-8"))
    dead = []
    for name, names in parsed.items():
        for link in names.links:
            target, fragment = urldefrag(urljoin(f"http://book/{name}", link))
            if not target.startswith("http://book/"):
                continue  # another host, or a picture inside the page
            file = unquote(target.removeprefix("http://book/").split("?")[0])
            there = file in parsed or (folder / file).is_file()
            if not there or (fragment and file in parsed and unquote(fragment) not in parsed[file].places):
                dead.append(f"{name}: {link}")
    return dead
