"""What several test files share."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from srcnn import pretrained
from srcnn.data import registry, roots
from srcnn.images import Photograph, sample, to_bytes, write_photograph
from srcnn.model import SRCNN, initialise


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of the real image sets; a test that asks for it carries ``@pytest.mark.data``."""
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
    pretrained.save(initialise(SRCNN((3, 1, 3), (4, 4)), "torch", seed=0), path, {"scale": 2})
    return str(path)


@pytest.fixture(scope="module")  # a second one in the same process would not start while this one runs
def browser() -> Iterator:
    """Chromium, for the tests of the built pages."""
    from browse import CHROMIUM, pdf
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=pdf.FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the built pages are served."""
    from browse import PAGES, pdf

    with pdf.served(PAGES) as address:
        yield address


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
