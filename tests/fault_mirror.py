"""A mirror with every fault that mirrors have, in a process of its own that is ended with the block."""

import contextlib
import http.server
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from fault_commands import archive, the_set

GOOD = archive(the_set())
OTHERS = archive({name: content[::-1] for name, content in the_set().items()})
PAGE = b"<!DOCTYPE html><html><title>Sign in</title><body>Please sign in to this network.</body></html>"
ENDLESS = 1 << 30  # bytes after which even that ends here

#: What the mirror does; the good one is not among them.
KINDS = {
    "slow": "sends a little at a time",
    "wrong": "sends an archive of other pictures",
    "truncated": "ends in the middle",
    "cut": "sends half an archive as if it were all",
    "HTML": "sends a page",
    "endless": "sends without end",
    "endless and honest": "tells a length that no disk has",
    "elsewhere": "redirects to a page",
    "to a file": "redirects to a file of this machine",
    "in a circle": "redirects to itself",
    "to nobody": "redirects to where nobody answers",
    "silent": "takes the request and sends nothing",
    "hangs up": "takes the connection and closes it",
    "no HTTP": "answers in no language of the web",
    "404": "does not have it",
    "503": "is busy",
    "empty": "sends nothing, and says that this is all",
    "another part": "sends another part than asked for",
}


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kind, first = self.server.switch.read_text(), self.path == "/tiny.zip"
        with contextlib.suppress(OSError):
            if kind in ("404", "503"):
                self.send_error(int(kind))
            elif kind == "no HTTP":
                self.wfile.write(bytes(range(256)) * 40)
            elif kind == "silent":
                time.sleep(60)
            elif kind in ("elsewhere", "to a file", "in a circle", "to nobody") and first:
                self._redirect(kind)
            elif kind != "hangs up":
                self._send(kind)

    def _redirect(self, kind: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            nobody = f"http://127.0.0.1:{free.getsockname()[1]}/tiny.zip"
        targets = {"elsewhere": "/page", "to a file": "file:///etc/passwd", "in a circle": "/tiny.zip"}
        self.send_response(302)
        self.send_header("Location", targets.get(kind, nobody))
        self.end_headers()

    def _send(self, kind: str) -> None:
        content = {"wrong": OTHERS, "cut": GOOD[: len(GOOD) // 2], "HTML": PAGE, "elsewhere": PAGE, "empty": b""}
        content = content.get(kind, GOOD)
        length = {"endless and honest": 1 << 50, "endless": None}.get(kind, len(content))
        self.send_response(206 if kind == "another part" else 200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if kind.startswith("endless"):
            block, sent = bytes(1 << 16), 0
            while sent < ENDLESS:
                sent += self.wfile.write(block)
        elif kind == "slow":
            for start in range(0, len(content), 4_000):
                self.wfile.write(content[start : start + 4_000])
                time.sleep(0.02)
        else:
            half = len(content) // 2
            self.wfile.write({"truncated": content[:half], "another part": content[half:]}.get(kind, content))

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextlib.contextmanager
def mirror(switch: Path) -> Iterator[int]:
    """Serve the set, with the fault that the file ``switch`` names by then; the port."""
    switch.write_text("none")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.switch, server.daemon_threads = switch, True
    child = os.fork()
    if not child:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        server.serve_forever(0.01)
    server.socket.close()
    try:
        yield server.server_port
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
