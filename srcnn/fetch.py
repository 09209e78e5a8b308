"""Fetch: the registered image sets, downloaded from one mirror after another and verified by checksum.

A download goes on where a broken one stopped. What arrives is not trusted: members of an archive are known by their
content, never by their names.
"""

import hashlib
import http.client
import lzma
import os
import tarfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from srcnn import images
from srcnn.data import DataSet, lookup, roots
from srcnn.files import InputError, Taken, hold, naming, sync, write

_CHUNK = 1 << 16
_TIMEOUT = 30  # seconds without a byte
_ATTEMPTS = 3

_LARGEST_DOWNLOAD = 1 << 30  # bytes; the largest archive of a mirror has a tenth of it
_LARGEST = 1 << 26  # bytes of one image in an archive; more is not one of ours
# what the standard library raises on an archive that is cut short, damaged, encrypted or of an unknown kind
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)

#: Called with the address, the bytes so far, and the total or None where the server does not tell.
Progress = Callable[[str, int, int | None], None]


def verify(name: str) -> dict[str, str]:
    """Check every file of a registered set against its checksum.

    Returns:
        Path under the root -> ``"ok"``, ``"missing"`` or ``"damaged"``, in the first root that has any of the files.
    """
    entry = lookup(name)
    places = roots()
    place = next((p for p in places if any((p / path).is_file() for path in entry.files)), places[0])
    return {path: _state(place / path, *entry.files[path]) for path in entry.files}


def _state(path: Path, sha: str, pixels: str | None) -> str:
    if not path.is_file():
        return "missing"
    if hashlib.sha256(path.read_bytes()).hexdigest() == sha:
        return "ok"
    try:
        return "ok" if pixels and images.pixel_hash(path) == pixels else "damaged"
    except InputError:
        return "damaged"


def fetch(
    name: str,
    progress: Progress = lambda url, done, total: None,
) -> Path:
    """Download what is missing or damaged of a registered set, from one mirror after another, and check it.

    Args:
        name: of the set.
        progress: see :func:`download`.

    Returns:
        The root that now holds the whole set, ``--root``, else ``$SRCNN_DATA``, else the user's cache.

    Raises:
        InputError: the mirrors together did not give every file; the message says how each failed.
    """
    entry = lookup(name)
    named = os.environ.get("SRCNN_ROOT") or os.environ.get("SRCNN_DATA")
    place = roots()[0 if named else -1]  # not into the folder where one happens to stand
    missing = {path: sums for path, sums in entry.files.items() if _state(place / path, *sums) != "ok"}
    if not missing:
        return place
    downloads = place / ".downloads"
    try:
        downloads.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{place} cannot hold the data: {error.strerror}; give another --root") from None
    try:
        release = hold(downloads / "lock") or (lambda: None)
    except Taken:
        raise InputError(f"another `srcnn data fetch` is at work in {place}; start again when it has ended") from None
    try:
        failures = _from_mirrors(entry, missing, place, progress)
    finally:
        (downloads / "lock").unlink(missing_ok=True)
        release()
    if not missing:
        return place
    raise InputError(
        f"{len(missing)} of the {len(entry.files)} files of {entry.title} could not be had. {'. '.join(failures)}. "
        f"If you have them from elsewhere, put them into {place / next(iter(entry.folders.values()))} "
        f"and run `srcnn data verify {entry.name}`"
    )


def _from_mirrors(
    entry: DataSet, missing: dict[str, tuple[str, str | None]], place: Path, progress: Progress
) -> list[str]:
    """Take what is missing from one mirror after another, and strike it from the list; how each mirror failed."""
    downloads, failures = place / ".downloads", []
    for url in (url for mirror in entry.mirrors for url in mirror):
        file = downloads / f"{hashlib.sha256(url.encode()).hexdigest()[:8]}-{url.rsplit('/', 1)[-1]}"
        try:
            if not file.exists():
                download(url, file, progress)
            before = len(missing)
            _take(file, missing, place)
            if len(missing) == before:
                failures.append(f"{url}: none of the missing files is in it, by checksum")
            file.unlink()
        except InputError as error:
            file.unlink(missing_ok=True)  # a damaged archive; kept, it would be taken again the next time
            failures.append(str(error))
        if not missing:
            break
    return failures


def _take(file: Path, missing: dict[str, tuple[str, str | None]], place: Path) -> None:
    """Keep what an archive, or a single image file, holds of the missing files, and strike those from the list.

    Members are known by their content, never by their names: mirrors sort and name the images in their own ways, and
    a name from an archive never becomes a path on the reader's disk.
    """
    for content in _members(file):
        sha = hashlib.sha256(content).hexdigest()
        found = [path for path, (wanted, _) in missing.items() if wanted == sha]  # T91 has one picture twice
        for path in found:
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            write(place / path, content)
        if not found and any(pixels for _, pixels in missing.values()):
            found = _take_pixels(content, missing, place)
        for path in found:
            del missing[path]


def _take_pixels(content: bytes, missing: dict[str, tuple[str, str | None]], place: Path) -> list[str]:
    """The same picture in another lossless file type, a PNG for a BMP, written as the registry names it."""
    part = place / ".downloads" / "picture"
    with naming(part):
        part.write_bytes(content)
    try:
        try:
            pixels = images.pixel_hash(part)
        except InputError:  # no image
            return []
        found = [path for path, (_, wanted) in missing.items() if wanted == pixels]
        for path in found:
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            images.write_photograph(place / path, images.read_photograph(part))
        return found
    finally:
        part.unlink()


def _members(file: Path) -> Iterator[bytes]:
    """The content of each file in a .tar, .tar.gz or .zip; or of the file itself."""
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                for info in archive.infolist():
                    if not info.is_dir() and info.file_size < _LARGEST:
                        yield archive.read(info)
        elif tarfile.is_tarfile(file):
            with tarfile.open(file) as archive:
                for member in archive:
                    stream = archive.extractfile(member) if member.isfile() and member.size < _LARGEST else None
                    if stream:
                        yield stream.read()
        elif file.stat().st_size < _LARGEST:
            yield file.read_bytes()
    except _DAMAGED as error:
        raise InputError(f"{file.name} is a damaged archive ({error})") from None


def download(url: str, path: str | os.PathLike[str], progress: Progress = lambda url, done, total: None) -> None:
    """Fetch a file whole.

    The bytes are kept in ``path`` with ``.part`` behind its name until they are all there. After a break, and in a
    later call, only what is missing is asked for.

    Args:
        url: its address.
        path: where to put it; the folder exists.
        progress: see :data:`Progress`.

    Raises:
        InputError: the server does not give the file; the message says why. What has come is kept, unless it is
            more than any image set has.
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
        except InputError:
            part.unlink(missing_ok=True)  # kept, it would be gone on with the next time
            raise
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
        if total is not None and total > _LARGEST_DOWNLOAD:
            raise InputError(f"{url}: it would have {total:,} bytes; no image set has so many")
        with naming(part), part.open("ab" if have else "wb") as file:
            while chunk := _received(response):
                file.write(chunk)
                have += len(chunk)
                progress(url, have, total)
                if have > _LARGEST_DOWNLOAD:
                    raise InputError(f"{url}: it sends more than {_LARGEST_DOWNLOAD:,} bytes; no image set has so many")
            sync(file)
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
