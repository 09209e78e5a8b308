"""The built pages in a real browser: nothing broken, nothing fetched from elsewhere, light and dark, at two widths."""

import gzip
import io
import re
import shutil
import subprocess
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from browse import LAYOUT, LOOKS, NEEDS, PAGES, dead_links, examine, pages, pdf, visit, watch
from PIL import Image
from pypdf import PdfReader

pytestmark = NEEDS


SOURCES = pages("_modules")  # the package's text, in one form: two of these pages stand for all but before a release


def everywhere() -> Iterator:
    """Every page from a server and judged in the light, or from a folder and in the dark; before a release both."""
    for number, name in enumerate(pages()):
        # a server gives 404.html for any address, so its own addresses begin at the server's root
        second = "server" if name == "404.html" else "folder"
        for place, (where, scheme) in enumerate((("server", "light"), (second, "dark"))):
            later = name in SOURCES[2:] or place == number % 2
            yield pytest.param(name, where, scheme, marks=[pytest.mark.release] if later else [])


@pytest.mark.parametrize(("name", "where", "scheme"), list(everywhere()))
def test_a_page_is_whole_and_for_everybody(browser, address, name, where, scheme):
    assert examine(browser, address if where == "server" else PAGES.as_uri(), name, (scheme,)) == []


def test_only_a_request_that_fails_of_itself_is_a_fault(browser, address):
    page = browser.new_page()
    troubles = watch(page, address)
    page.route("**/slow.svg", lambda route: None)  # no answer before the page is left
    page.route("**/gone.svg", lambda route: route.abort("connectionfailed"))
    ask = "(name) => { document.body.append(Object.assign(new Image(), { src: name })); }"
    # the browser tells of a failure once more in its console, and only then is the page left
    for name, faults, event in (("slow.svg", 0, "request"), ("gone.svg", 2, "console")):
        visit(page, f"{address}/book/notation.html")
        with page.expect_event(
            event, lambda told, name=name: name in (getattr(told, "url", "") or told.location["url"])
        ):
            page.evaluate(ask, name)
        visit(page, f"{address}/book/glossary.html")
        assert len(troubles) == faults, troubles
    page.close()


def test_every_link_inside_the_book_leads_somewhere():
    assert dead_links(PAGES) == []


def test_the_first_page_is_light(browser, address):
    """300 kB of text, styles and scripts, as a server sends them; pictures are apart."""
    page = browser.new_page()
    got = {}
    page.on("response", lambda answer: got.update({answer.url: answer.request.resource_type}))
    page.goto(f"{address}/index.html", wait_until="networkidle")
    sent = {
        url: len(gzip.compress((PAGES / urlsplit(url).path.lstrip("/")).read_bytes()))
        for url, kind in got.items()
        if kind != "image"
    }
    assert page.url.endswith("book/intro.html")
    assert {"document", "stylesheet", "script"} <= set(got.values())
    assert sum(sent.values()) < 300_000, sent
    page.close()


def test_every_chapter_tells_its_reading_time_and_the_first_page_repeats_it():
    first = (PAGES / "book" / "intro.html").read_text(encoding="utf-8")
    chapters = [name for name in pages("book") if re.match(r"book/\d\d_", name)]
    assert len(chapters) == 16
    for name in chapters:
        told = re.search(r"(\d+) minutes of reading", (PAGES / name).read_text(encoding="utf-8"))
        link = first.split(f'href="{name.removeprefix("book/")}"><span')[1]
        assert f'<span class="minutes">{told[1]} min</span>' in link[:300], name


def test_a_reader_can_turn_pages_and_copy_code(browser, address):
    page = browser.new_page()
    visit(page, f"{address}/book/06_bicubic.html")
    assert page.locator(".copybtn").count() == page.locator("div.highlight pre").count() > 10
    page.locator(".right-next").click()
    page.wait_for_url("**/07_measuring.html")
    page.locator(".left-prev").click()
    page.wait_for_url("**/06_bicubic.html")
    page.close()


def test_a_page_printed_from_a_dark_screen_is_black_on_white_and_unfolded(browser, address):
    if shutil.which("pdftoppm") is None:
        pytest.skip("there is no pdftoppm; install the package poppler-utils (`apt install poppler-utils`)")
    page = browser.new_page(color_scheme="dark")
    visit(page, f"{address}/book/using.html")
    printed = page.pdf(print_background=True, prefer_css_page_size=True)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.close()
    assert "How to use this book" in PdfReader(io.BytesIO(printed)).pages[0].extract_text()
    command = ["pdftoppm", "-r", "20", "-l", "1", "-png", "-"]
    paper = Image.open(io.BytesIO(subprocess.run(command, input=printed, capture_output=True, check=True).stdout))
    gray = paper.convert("L")
    assert gray.getpixel((2, 2)) == gray.getpixel((gray.width // 2, gray.height - 3)) == 255
    assert sum(gray.histogram()[200:]) > 0.8 * gray.width * gray.height


PICTURE = "data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="
BROKEN = {
    "whole": ("<a href='#top'>up</a>", ""),
    "link": ("<a href='nowhere.html'>there</a>", "nowhere.html"),
    "place": ("<a href='#nowhere'>there</a>", "#nowhere"),
    "alternative": (f"<img src='{PICTURE}'>", "without alternative text"),
    "outside": ("<link rel='stylesheet' href='http://elsewhere.invalid/a.css'>", "outside: http://elsewhere.invalid/a.css"),
    "console": ("<script>console.error('no!')</script>", "console: no!"),
    "missing": ("<img src='gone.png' alt='x'>", "404: "),
    "wide": ("<div style='width: 3000px'>x</div>", "scrolls sideways"),
    "second title": ("<h1>More</h1>", "not one title"),
    "mathematics": ("<span class='math'>x</span>", "mathematics that was not set"),
    "cut formula": (
        "<div class='math' style='width: 50px; overflow: hidden'>"
        "<mjx-container style='display: block; width: 300px'>x</mjx-container></div>", "cannot be reached"),
    "unseen": ("<img src='gone.png' alt='x'>", "a picture that is not seen"),
    "filter": (f"<img src='{PICTURE}' alt='x' style='filter: blur(1px)'>", "a picture under a filter"),
    "raw table": ("<p>| a | b |<br>|--|--|</p>", "a table that was not set"),
    "refused formula": ("<mjx-merror data-mjx-error='no'>x</mjx-merror>", "mathematics that MathJax refuses"),
    "formula in a table": ("<table><tr><th>$x$</th></tr></table>", "mathematics in a printed table"),
    "torn": ("<table><tr><th>x</th></tr><tr><td><code style='display: block; width: 4em; overflow-wrap: anywhere'>"
             "<span class='pre'>--micro-batches</span></code></td></tr></table>", "torn apart in a table"),
    "icon": ("<i class='fa-solid fa-star'></i>", "an icon that nobody drew"),
    "headers": ("<table><tr><td>1</td></tr></table>", "a table without headers"),
    "skipped": ("<h2>One</h2><h4>Two</h4>", "a heading that skips a level"),
    "twice": ("<p id='top'>Two</p>", "an id that two elements have"),
    "order": ("<p tabindex='3'>First</p>", "a place in the order of tabs"),
    "film": ("<iframe title='x' srcdoc='x'></iframe>", "sound, film, or a page in the page"),
    "nameless": ("<dialog>Who?</dialog>", "a dialog or a fold without a name"),
    "Chinese": ("<p>\u5377\u79ef</p>", "Chinese that is not marked"),
}  # fmt: skip


def test_every_check_has_a_broken_page():
    told = [words for _, words in BROKEN.values() if words]
    assert [look for look in LOOKS | LAYOUT if not any(words in look or look in words for words in told)] == []


@pytest.mark.parametrize("fault", BROKEN)
def test_the_checks_find_a_broken_page(browser, tmp_path, fault):
    """The same functions as above, on a small page with one fault; on the whole one they find nothing."""
    content, told = BROKEN[fault]
    follow = "matchMedia('(prefers-color-scheme: dark)').onchange = e => document.documentElement.dataset.theme ="
    head = (
        "<meta charset='utf-8'><title>A page</title><link rel='icon' href='data:,'>"
        f"<script>{follow} e.matches ? 'dark' : 'light'</script>"
    )
    (tmp_path / "page.html").write_text(
        f"<!DOCTYPE html><html lang='en' data-theme='light'><head>{head}</head>"
        f"<body id='top'><main class='bd-content'><h1>A page</h1>{content}</main></body></html>",
        encoding="utf-8",
    )
    with pdf.served(tmp_path) as address:
        found = dead_links(tmp_path) + examine(browser, address, "page.html", () if told else ("light", "dark"))
    assert any(told in trouble for trouble in found) if told else found == []
