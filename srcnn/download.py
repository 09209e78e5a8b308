"""Download: one file from one address, going on where a broken download stopped.

What arrives is not trusted: :mod:`srcnn.data` checks every image in it against a checksum.
"""

import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from srcnn.files import InputError

_CHUNK = 1 << 16
_TIMEOUT = 30  # seconds without a byte
_ATTEMPTS = 3

Progress = Callable[[int, int | None], None]


def download(url: str, path: str | os.PathLike, progress: Progress = lambda done, total: None) -> None:
    """Fetch a file whole.

    The bytes are kept in ``path`` with ``.part`` behind its name until they are all there. After a break, and in a
    later call, only what is missing is asked for.

    Args:
        url: its address.
        path: where to put it; the folder exists.
        progress: called with the bytes so far and the total, None where the server does not tell.

    Raises:
        InputError: the server does not give the file; the message says why. What has come is kept.
        OSError: the disk is full, or the like.
    """
    path = Path(path)
    part = path.with_name(path.name + ".part")
    for attempt in range(_ATTEMPTS):
        have = part.stat().st_size if part.exists() else 0
        try:
            _append(url, part, have, progress)
            os.replace(part, path)
            return
        except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError, ValueError) as error:
            outgrown = have and isinstance(error, urllib.error.HTTPError) and error.code == 416
            if outgrown:  # the part is longer than the file: another file stands there now
                part.unlink()
            came = outgrown or (part.exists() and part.stat().st_size != have)
            if attempt == _ATTEMPTS - 1 or not came:  # where no byte came: do not insist
                raise InputError(f"{url}: {_reason(error)}") from None


def _append(url: str, part: Path, have: int, progress: Progress) -> None:
    """Append to ``part`` what is missing of ``url``; an error leaves there what has come."""
    request = urllib.request.Request(url, headers={"User-Agent": "srcnn-course"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:
        if response.status != 206:  # the server sends the whole file: begin again
            have = 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        with part.open("ab" if have else "wb") as file:
            while chunk := _received(response):
                file.write(chunk)
                have += len(chunk)
                progress(have, total)
    if total is not None and have < total:
        raise http.client.IncompleteRead(b"", total - have)


def _received(response: http.client.HTTPResponse) -> bytes:
    """The next bytes; a fault of the network is told from one of the disk, which another mirror would not mend."""
    try:
        return response.read(_CHUNK)
    except OSError as error:
        raise ConnectionError(str(error) or type(error).__name__) from None


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code}"
    if isinstance(error, http.client.IncompleteRead):
        return "the connection broke before the end"
    return str(getattr(error, "reason", None) or error or type(error).__name__)
