"""Print the built book as one PDF: ``python tools/pdf.py [pages ...]``.

The pages are put one behind the other, in the order of the table of contents, and Chromium prints them: so page
numbers run through, links between chapters stay links, and every heading is in the outline. Names of pages, such as
``book/06_bicubic.html``, print these only.
"""

import functools
import http.server
import posixpath
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urldefrag, urljoin

from bs4 import BeautifulSoup, SoupStrainer, Tag
from playwright.sync_api import Browser, Page, TimeoutError, sync_playwright
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from srcnn.files import atomic

BUILT = Path(__file__).resolve().parents[1] / "_build"
TARGET = BUILT / "srcnn-course.pdf"
FIRST = "book/intro.html"
INSTALL = "install the package chromium (`apt install chromium`; on Debian `chromium-headless-shell` is quicker)"
# The one without a window first: it has the same engine, and opens a page in half the time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
NUMBER = (
    '<div style="width: 100%; font: 8pt sans-serif; color: #444; text-align: center">'
    '<span class="pageNumber"></span></div>'
)
# the attributes that name another element of the page
POINTERS = ("for", "aria-labelledby", "aria-describedby", "aria-controls")


class NotBuiltError(Exception):
    """There is nothing to print, or nothing to print with."""


def read(html: Path, name: str, only: str | None = None) -> BeautifulSoup:
    """A built page, or only the elements of one name."""
    if not (html / name).is_file():
        raise NotBuiltError(f"{html / name} is not there; `make book` builds the pages")
    return BeautifulSoup(
        (html / name).read_text(encoding="utf-8"), "html.parser", parse_only=only and SoupStrainer(only)
    )


def order(html: Path, first: str = FIRST) -> list[str]:
    """All pages of the book, from each to its next."""
    names = [first]
    while following := read(html, names[-1], "link").find("link", rel="next"):
        names.append(posixpath.normpath(posixpath.join(posixpath.dirname(names[-1]), following["href"])))
    return names


def anchor(name: str, fragment: str = "") -> str:
    """What a place of a page is called in the one document, where two chapters may have a heading of one name."""
    return f"{name.removesuffix('.html').replace('/', '-')}--{fragment or 'top'}"


def article(page: BeautifulSoup, name: str, printed: list[str]) -> Tag:
    """A page's text; its links lead inside the document where they can, and are plain words where nothing is."""
    text = page.find("article")
    text.name, text["class"], text["id"] = "section", ["bd-article", "one"], anchor(name)
    for element in text.select("script, style:empty, noscript, .headerlink, input[type=range], [hidden]"):
        element.decompose()
    for element in text.find_all(True):
        if element.has_attr("id") and element is not text:
            element["id"] = anchor(name, element["id"])
        for pointer in POINTERS:
            if element.has_attr(pointer):
                element[pointer] = " ".join(anchor(name, each) for each in element[pointer].split())
        if element.has_attr("src") and not element["src"].startswith("data:"):
            element["src"] = urljoin(f"/{name}", element["src"])
        del element["onload"]  # two pictures under a divider stay side by side
    for link in text.find_all("a", href=True):
        target, fragment = urldefrag(urljoin(f"/{name}", link["href"]))
        if target.lstrip("/") in printed:
            link["href"] = f"#{anchor(target.lstrip('/'), fragment)}"
        elif target.startswith("/"):  # the index, the source of a function, a notebook to download
            del link["href"]
    return text


def contents(pages: dict[str, BeautifulSoup], author: str) -> str:
    """The first sheet: title, author, and the chapters."""
    first, *others = pages.items()
    lines = "".join(f'<li><a href="#{anchor(name)}">{page.h1.get_text().rstrip("#")}</a></li>' for name, page in others)
    return (
        f'<section class="bd-article one"><p class="title">{first[1].h1.get_text().rstrip("#")}</p>'
        f'<p class="author">{author}</p><nav aria-label="Contents"><ul class="contents">{lines}</ul></nav></section>'
    )


def document(html: Path, names: list[str]) -> str:
    """One HTML page of many."""
    pages = {name: read(html, name) for name in names}
    for page in pages.values():  # the sign for a link to a heading is no part of it
        for sign in page.select(".headerlink"):
            sign.decompose()
    styles = {
        urljoin(f"/{name}", link["href"])
        for name, page in pages.items()
        for link in page.find_all("link", rel="stylesheet")
    }
    with_math = [page for page in pages.values() if page.find("script", src=lambda src: src and "mathjax" in src)]
    scripts = ""
    if with_math:
        config = with_math[0].find("script", string=lambda text: text and "window.MathJax" in text)
        path = with_math[0].find("script", src=lambda src: src and "mathjax" in src)["src"]
        scripts = f'{config}<script defer src="{urljoin("/book/x.html", path)}"></script>'
    # in the order of a page, which is the order in which they overrule each other
    ranked = [urljoin(f"/{names[0]}", link["href"]) for link in pages[names[0]].find_all("link", rel="stylesheet")]
    links = "".join(f'<link rel="stylesheet" href="{href}">' for href in [*ranked, *sorted(styles - set(ranked))])
    author = pages[names[0]].select_one(".component-author")
    title = pages[names[0]].title.get_text().split(" — ")[-1]
    texts = [str(article(page, name, names)) for name, page in pages.items()]
    by = author.get_text().strip().removeprefix("By ") if author else ""
    return (
        f'<!DOCTYPE html><html lang="en" data-theme="light"><head><meta charset="utf-8"><title>{title}</title>{links}'
        "<style>.one { break-before: page; } .one:first-child { break-before: auto; }"
        ".title { font: 600 28pt var(--pst-font-family-heading); margin-top: 20mm; }"
        ".contents { list-style: none; padding: 0; margin-top: 10mm; }</style>"
        f'{scripts}</head><body><main class="bd-content">{contents(pages, by)}'
        f"{''.join(texts)}</main></body></html>"
    )


# True when no formula is left as it was written.
SET = "[...document.querySelectorAll('.math')].every(m => m.querySelector('mjx-container'))"
# Two characters that look alike are two boxes: there is no font with them.
LEGIBLE = """() => new Set(["激", "学"].map(character => {
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
  pen.font = "40px sans-serif"; pen.fillText(character, 5, 45); return canvas.toDataURL();
})).size === 2"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The files of a folder over HTTP, on this machine only."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=folder))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))  # seconds until it sees that it shall end
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def show(page: Page, address: str, text: str) -> None:
    """Open the one document; what fails to load or to run is an error."""
    troubles = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("requestfailed", lambda request: troubles.append(f"cannot be loaded: {request.url}"))
    page.route(f"{address}/all", lambda route: route.fulfill(body=text, content_type="text/html; charset=utf-8"))
    page.emulate_media(media="print", color_scheme="light")
    page.goto(f"{address}/all", wait_until="load")
    # MathJax's own promise may be kept while formulas are still being set
    if not troubles:
        try:
            page.wait_for_function(f"() => {SET}")
        except TimeoutError:
            troubles.append("a formula is still as it was written")
    page.evaluate("async () => { await document.fonts.ready; }")
    if troubles:
        raise NotBuiltError("the pages cannot be printed: " + "; ".join(troubles))


def retitle(path: Path, text: str) -> None:
    """Mend what Chromium leaves undone: blanks in the outline, the meaning of two kinds of tags, who wrote the book."""
    page = BeautifulSoup(text, "html.parser")
    headings = [" ".join(h.get_text().split()) for h in page.find_all(["h1", "h2", "h3", "h4", "h5", "h6"])]
    right = {heading.replace(" ", ""): heading for heading in headings}
    writer = PdfWriter(path, incremental=True)  # what did not change stays as packed as Chromium left it
    entries = [writer.root_object["/Outlines"]]
    while entries:  # each entry knows its first child and its next sister
        entry = entries.pop()
        if "/Title" in entry:
            title = " ".join(entry["/Title"].split())
            entry[NameObject("/Title")] = TextStringObject(right.get(title.replace(" ", ""), title))
        entries += [entry[key].get_object() for key in ("/First", "/Next") if key in entry]
    # PDF 1.4, which Chromium writes, has no tags Strong and Em; a reader may skip what is in an unknown tag
    spans = {NameObject(name): NameObject("/Span") for name in ("/Strong", "/Em")}
    writer.root_object["/StructTreeRoot"][NameObject("/RoleMap")] = DictionaryObject(spans)
    writer.add_metadata({"/Title": page.title.get_text(), "/Author": page.select_one(".author").get_text()})
    writer.write(path)


def save(browser: Browser, html: Path, target: Path, names: list[str] | None = None) -> None:
    """Print pages into a file, whole or not at all."""
    text = document(html, names or order(html))
    with served(html) as address, atomic(target) as part:
        page = browser.new_page(viewport={"width": 800, "height": 1100})
        page.set_default_timeout(600_000)
        show(page, address, text)
        if 'lang="zh' in text and not page.evaluate(LEGIBLE):
            print(
                "note: this computer has no font for the Chinese terms; install one, such as fonts-noto-cjk",
                file=sys.stderr,
            )
        page.pdf(
            path=part,
            prefer_css_page_size=True,
            print_background=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=NUMBER,
            outline=True,
            tagged=True,
        )
        page.close()
        retitle(part, text)


def main(names: list[str]) -> None:
    """Print the book, or some of its pages, with a Chromium of its own."""
    chromium = next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None:
        raise NotBuiltError(f"there is no Chromium to print with; {INSTALL}")
    with sync_playwright() as playwright:
        save(playwright.chromium.launch(executable_path=chromium, args=FLAGS), BUILT / "html", TARGET, names)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except NotBuiltError as error:
        raise SystemExit(f"error: {error}") from None
    print(TARGET)
