"""What several test files share."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from srcnn.data import registry, roots


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
        self.wfile.write(content)
        server.served += len(content)

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
