"""What several test files share."""

import hashlib
import http.server
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tiny_sets

from srcnn import data, images, pretrained
from srcnn.data import DataSet, registry, roots
from srcnn.images import Photograph, sample, to_bytes, write_photograph
from srcnn.model import SRCNN, initialize


def pytest_terminal_summary(terminalreporter) -> None:
    """Tells what was skipped, in one line for each reason, which says how to get what is missing."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    for reason, times in reasons.most_common():
        terminalreporter.write_line(f"{times} skipped: {reason}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets a test that is marked ``data`` ask for the image sets, so that it is skipped where they are not."""
    for item in items:
        if item.get_closest_marker("data") and "data_root" not in item.fixturenames:
            item.fixturenames.append("data_root")


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of the real image sets; every test that carries ``@pytest.mark.data`` asks for it."""
    for place in roots():
        if all((place / folder).is_dir() for entry in registry().values() for folder in entry.folders.values()):
            return place
    pytest.skip(
        "the image sets are not here: set SRCNN_DATA to their folder, "
        f"or run `srcnn data fetch` for each of {', '.join(registry())}"
    )


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> Path:
    """A folder of four small photographs: enough to train on, quick to read."""
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(4):
        pixels = to_bytes(sample("coffee")[:, 60 * number : 60 * number + 60, 100:180])
        write_photograph(folder / f"{number}.png", Photograph(pixels))
    return folder


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two small photographs, in a folder whose name has a blank."""
    place = tmp_path / "my photos"
    place.mkdir()
    for name in ("a", "b"):
        pixels = sample("coffee")[:, 100:150, :70] if name == "a" else sample("coins")[:, 40:100, 50:120]
        write_photograph(place / f"{name}.png", Photograph(to_bytes(pixels)))
    return place


@pytest.fixture
def weights(tmp_path) -> str:
    """A small network for x2 with a card that says no more than its scale."""
    path = tmp_path / "w.safetensors"
    pretrained.save(initialize(SRCNN((3, 1, 3), (4, 4)), "torch", seed=0), path, {"scale": 2})
    return str(path)


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """Chromium, one for all: a second one in the same process would not start while this one runs."""
    from browse import CHROMIUM, pdf
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        pytest.skip(f"there is no Chromium; {pdf.INSTALL}")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=pdf.FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where the built pages are served."""
    from browse import PAGES, pdf

    with pdf.served(PAGES) as address:
        yield address


@pytest.fixture(scope="session")
def live_folder(tmp_path_factory) -> Path:
    """The scripts of the live figures, with those that are made."""
    import live

    folder = tmp_path_factory.mktemp("live")
    for path in (*live.FOLDER.iterdir(), live.FOLDER.parent / "book.js"):
        (folder / path.name).write_bytes(path.read_bytes())
    live.write(folder)
    return folder


@pytest.fixture
def live_figure(browser, live_folder) -> Iterator[Callable]:
    """A function that opens a page with one live figure, from the disk; nothing may go wrong on it until the end."""
    import live
    from playwright.sync_api import expect

    opened, troubles = [], []

    def show(name: str, *, width: int = 1000, below: int = 0, fails: bool = False, begin: str = ""):
        """`below` pixels of nothing come first; with `fails` errors are the test's own matter; `begin` runs at once."""
        place = live_folder / f"{name}-{below}.html"
        place.write_text(
            '<!DOCTYPE html><html lang="en"><meta name="viewport" content="width=device-width"><title>Live</title>'
            f'<link rel="stylesheet" href="live.css"><main><h1>Live</h1><div style="height: {below}px"></div>'
            f'<div data-live="{name}"><p>In the online book.</p></div></main>'
            f"<script>{live.needs([name])}</script>"
            '<script defer src="book.js"></script><script defer src="kit.js"></script></html>'
        )
        page = browser.new_page(viewport={"width": width, "height": 1400}, reduced_motion="reduce")
        opened.append(page)
        page.add_init_script(begin)
        if not fails:
            page.on("pageerror", lambda error: troubles.append(str(error)))
            page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.goto(place.as_uri())
        if not below and not fails:
            expect(page.locator(".live")).to_be_visible(timeout=30_000)
        return page

    yield show
    for page in opened:
        page.close()
    assert troubles == []


@pytest.fixture
def root(tmp_path, monkeypatch, server) -> Path:
    """An empty data root; the registry has ``tiny``, a test set, and ``learn``, and no other root holds anything."""

    def checksums(path: str, content: bytes) -> tuple[str, str | None]:
        picture = tmp_path / "picture"
        picture.write_bytes(content)
        pixels = None if path.endswith(".jpg") else images.pixel_hash(picture)
        picture.unlink()
        return hashlib.sha256(content).hexdigest(), pixels

    def entry(name: str, files: dict[str, bytes], **folders: str) -> DataSet:
        sums = {path: checksums(path, content) for path, content in files.items()}
        return DataSet(name, name.title(), "Tests.", "none", folders, [[server.url(f"{name}.zip")]], sums)

    sets = {
        "tiny": entry("tiny", tiny_sets.TINY, test="Tiny"),
        "learn": entry("learn", tiny_sets.LEARN, train="Learn/train", test="Learn/test"),
    }
    monkeypatch.setattr(data, "registry", lambda: sets)
    monkeypatch.delenv("SRCNN_DATA", raising=False)
    monkeypatch.setenv("SRCNN_ROOT", str(tmp_path / "root"))
    monkeypatch.setattr(data.platformdirs, "user_cache_path", lambda name: tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "root"


class Server(http.server.ThreadingHTTPServer):
    """Files over HTTP on this machine, with the faults that real mirrors have.

    Attributes:
        files: name -> content; another name is answered by 404.
        breaks: name -> after how many bytes the connection breaks, one number per request.
        ranges: whether a part of a file can be asked for.
        length: whether the length is told.
        asked: name and Range header of every request.
        served: bytes sent.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.breaks: dict[str, list[int]] = {}
        self.ranges = self.length = True
        self.asked: list[tuple[str, str | None]] = []
        self.served = 0

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, name, wanted = self.server, self.path[1:], self.headers["Range"]
        server.asked.append((name, wanted))
        content = server.files.get(name)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and server.ranges else None
        if content is None or (start is not None and start >= len(content)):
            self.send_error(404 if content is None else 416)
            return
        self.send_response(200 if start is None else 206)
        content = content[start or 0 :]
        if server.length:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        breaks = server.breaks.get(name)
        content = content[: breaks.pop(0) if breaks else None]
        server.served += len(content)  # before the client can have it all and the test can look
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    """A running :class:`Server`."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
