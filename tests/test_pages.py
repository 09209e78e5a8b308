"""The built pages in a real browser: nothing broken, nothing fetched from elsewhere, at two widths, light and dark."""

import functools
import http.server
import shutil
import threading
from pathlib import Path

import pytest

PAGES = Path(__file__).resolve().parents[1] / "_build" / "html"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (PAGES / "index.html").exists(), reason="there is no built book; `make book` builds it"),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium; install the package chromium"),
]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments) -> None:
        pass


@pytest.fixture(scope="module")
def address():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=PAGES))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


def pages() -> list[str]:
    built = PAGES.glob("book/**/*.html") if PAGES.exists() else ()
    return sorted(path.relative_to(PAGES).as_posix() for path in built) or ["index.html"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
@pytest.mark.parametrize("name", pages())
def test_a_page_is_whole(browser, address, name, width, scheme):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    troubles = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("requestfailed", lambda request: troubles.append(f"failed: {request.url}"))
    page.on(
        "response",
        lambda response: troubles.append(f"{response.status}: {response.url}") if response.status >= 400 else None,
    )
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith((address, "data:", "blob:")) else troubles.append(f"outside: {request.url}")
        ),
    )
    page.goto(f"{address}/{name}", wait_until="networkidle")

    assert troubles == []
    assert page.locator("h1:visible").count() == 1
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width, f"the page is {wide} pixels wide and scrolls sideways"
    pictures = page.evaluate(
        "[...document.querySelectorAll('.bd-content img')].map(i => [i.src, i.complete && i.naturalWidth > 0, i.alt,"
        " getComputedStyle(i).filter])"
    )
    assert [src for src, loaded, alt, look in pictures if not loaded or not alt or look != "none"] == []
    unset = [text for text in page.locator(".bd-content p").all_inner_texts() if "|--" in text]
    assert unset == [], "a table that was not set"
    raw = page.evaluate(
        "[...document.querySelectorAll('.bd-content .math')].filter(m => !m.querySelector('mjx-container')).length"
    )
    assert raw == 0, "mathematics that was not set"
    wrong = page.evaluate("[...document.querySelectorAll('mjx-merror')].map(e => e.dataset.mjxError)")
    assert wrong == [], "mathematics that MathJax refuses (a line break beside a \\tag must be \\cr)"
    cells = page.locator(".bd-content td, .bd-content th").all_inner_texts()
    assert [text for text in cells if "$" in text] == [], "mathematics in a printed table, where it is not set"
    page.close()
