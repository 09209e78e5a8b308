"""What the tests of the built pages share: a browser, a server, and the checks that any page has to pass."""

import os
import shutil
import sys
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import pytest
from playwright.sync_api import TimeoutError

ROOT = Path(__file__).resolve().parents[1]
PAGES = Path(os.environ.get("SRCNN_PAGES", ROOT / "_build" / "html"))  # another copy of the book may be named

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import pdf  # noqa: E402

CHROMIUM = next(filter(None, map(shutil.which, pdf.NAMES)), None)
NEEDS = [
    pytest.mark.browser,
    pytest.mark.skipif(not (PAGES / "index.html").exists(), reason="there is no built book; `make book` builds it"),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium; install the package chromium"),
]


def pages(folder: str = "") -> list[str]:
    """The built pages, or those in a folder."""
    found = (PAGES / folder).rglob("*.html") if PAGES.exists() else ()
    names = sorted(path.relative_to(PAGES).as_posix() for path in found)
    return [name for name in names if not name.startswith(("_static/", "_sources/"))] or ["index.html"]


def watch(page, address: str) -> list[str]:
    """A list that fills with what goes wrong while a page is open: errors, and requests that fail or go elsewhere."""
    troubles = []
    page.on("console", lambda message: troubles.append(f"console: {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(f"script: {error}"))
    page.on("requestfailed", lambda request: troubles.append(f"failed: {request.url}"))
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
    "a formula whose beginning or end cannot be reached": """
        all(".bd-content .math mjx-container").filter(c => {
          const [inner, outer] = [c, c.closest(".math")].map(e => e.getBoundingClientRect());
          return outer.width && (inner.left < outer.left - 1 || inner.right > outer.right + 1);
        }).map(c => c.closest(".math").textContent)""",
    "mathematics in a printed table, where it is not set": """
        all(".bd-content td, .bd-content th").map(c => c.innerText).filter(text => text.includes("$"))""",
    "an icon that nobody drew": """
        all("[class*=fa-]").filter(i => !getComputedStyle(i).getPropertyValue("--icon")).map(i => i.className)""",
    "not one title": """
        [all("h1").filter(h => h.offsetParent).length].filter(n => n !== 1).map(n => `${n} h1`)""",
    "scrolls sideways": """
        [document.documentElement.scrollWidth].filter(w => w > innerWidth).map(w => `${w} px`)""",
}


def visit(page, url: str) -> None:
    """Open a page, and wait until its mathematics is set."""
    page.goto(url, wait_until="networkidle")
    with suppress(TimeoutError):  # what is not set by then is told by those who look
        page.wait_for_function(f"() => !window.MathJax || {pdf.SET}")


def look(browser, address: str, name: str, *, width: int = 1400, scheme: str = "light") -> list[str]:
    """Open a page as a reader does, and tell everything that is wrong with it."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    troubles = watch(page, address)
    visit(page, f"{address}/{name}")
    for trouble, script in LOOKS.items():
        troubles += [
            f"{trouble}: {str(what)[:200]}" for what in page.evaluate(f"() => {{ {ALL} return {script.strip()} }}")
        ]
    theme = page.evaluate("document.documentElement.dataset.theme")
    troubles += [] if theme == scheme else [f"is {theme} where {scheme} was asked for"]
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
