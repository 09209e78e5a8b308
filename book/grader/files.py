"""The files of a folder or an archive, archives in it opened in memory; nothing is written, so no name can do harm."""

import calendar
import contextlib
import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader import notebook

LARGEST = 200 * 2**20  # bytes of one file as it is stored; its outputs are dropped at once
MOST = 20_000  # files of an archive
DEEPEST = 4  # archives in archives
FOLDERS = 50  # in one another
LETTERS = 255  # of a name
# Bytes that are kept of an archive, and how many times its own size; what packs better than that is a bomb.
KEPT, TIMES = 512 * 2**20, 20
ENDINGS = (".ipynb", ".py", ".txt", ".json")  # browsers add .txt or .json to a notebook
DAMAGED = "the zip file is damaged or has a password"
REST = "what is left of the archive"  # the name of that which was not looked at
METADATA = "submission_metadata.yml"  # Gradescope's list of names
OTHERS = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")


@dataclass(frozen=True)
class File:
    """One file.

    Attributes:
        path: in the folder; an archive is a folder of its name.
        data: the content, where it could matter.
        problem: why there is no content.
        time: when it was changed last, in seconds.
    """

    path: str
    data: bytes = field(repr=False, default=b"")
    problem: str = ""
    time: float = 0

    @property
    def fitting(self) -> bool:
        """Whether the name is one that a notebook may have."""
        return self.path.lower().endswith(ENDINGS)


def find(place: Path) -> Iterator[File]:
    """All files of a folder or a zip file but hidden ones.

    Yields:
        A file with a path of its own, of names and folders as they could be on a disk. An empty folder, and an archive
        that cannot be read, are files with a problem.
    """
    seen: set[str] = set()
    for file in _all(place):
        path = own = _short(file.path)
        ending, count = Path(path).suffix, 1
        while own in seen:
            count += 1
            own = f"{path.removesuffix(ending)} ({count}){ending}"
        seen.add(own)
        yield file if own == file.path else replace(file, path=own)


def _short(path: str) -> str:
    """A path as a disk could have it: an archive may name a file by 60,000 letters, or put it into as many folders."""
    parts = path.split("/")
    if len(parts) > FOLDERS:
        left_out = "/".join(parts[FOLDERS - 2 : -2])
        parts = [*parts[: FOLDERS - 2], _digest(left_out), *parts[-2:]]
    return "/".join(part if len(part) <= LETTERS else f"{part[:200]}-{_digest(part)}{part[-20:]}" for part in parts)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:8]


def _all(place: Path) -> Iterator[File]:
    if place.is_file():
        with place.open("rb") as file:
            yield from _zipped(file, "", 1)
        return
    for folder, names, files in os.walk(place):
        where = Path(folder)
        names[:] = sorted(name for name in names if not _hidden(name) and not (where / name).is_symlink())
        for name in sorted(files):
            if not _hidden(name):
                yield from _stored(where / name, (where / name).relative_to(place).as_posix())
        if where != place and not names and not files:
            yield File(f"{where.relative_to(place).as_posix()}/", problem="the folder is empty")


def _stored(path: Path, name: str) -> Iterator[File]:
    if path.is_symlink() or not path.is_file():
        yield File(name, problem="it is a link, not a file")  # it could point at anything of ours
        return
    about = path.stat()
    if name.lower().endswith(".zip"):
        with path.open("rb") as file:
            yield from _zipped(file, f"{name}/", 1)
    elif not name.lower().endswith((*ENDINGS, METADATA)):
        yield _other(name, about.st_mtime)
    elif about.st_size > LARGEST:
        yield File(name, problem=_too_large(), time=about.st_mtime)
    else:
        yield File(name, notebook.slim(path.read_bytes()), time=about.st_mtime)


def _zipped(file: io.BufferedIOBase, prefix: str, depth: int) -> Iterator[File]:
    """The files of an archive, and of those in it."""
    most, kept = max(KEPT, TIMES * file.seek(0, io.SEEK_END)), 0
    try:
        with zipfile.ZipFile(file) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _hidden(entry.filename)]
            for found in (found for entry in entries[:MOST] for found in _entry(archive, entry, prefix, depth)):
                kept += len(found.data)
                if kept > most:
                    yield File(f"{prefix}{REST}", problem=f"the archive would fill more than {most >> 20} MB")
                    return
                yield found
            if not entries:
                yield File(prefix, problem="the archive is empty")
            if len(entries) > MOST:
                yield File(f"{prefix}{REST}", problem=f"the archive holds {len(entries)} files; {MOST} were looked at")
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, zlib.error, ValueError):
        yield File(prefix, problem=DAMAGED)


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, prefix: str, depth: int) -> Iterator[File]:
    name = entry.filename
    if not entry.flag_bits & 0x800:  # it does not say that it is UTF-8, but may be
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode()
    # some programs of Windows write \ between folders
    name = prefix + "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", ".", ".."))
    time = _seconds(entry)
    inner = name.lower().endswith(".zip")
    if not inner and not name.lower().endswith((*ENDINGS, METADATA)):
        yield _other(name, time)
        return
    try:
        with archive.open(entry) as file:
            data = file.read(LARGEST + 1)  # its stated size may be a lie
    except (zipfile.BadZipFile, RuntimeError, OSError, EOFError, NotImplementedError, zlib.error, ValueError):
        yield File(name, problem=DAMAGED, time=time)
        return
    if len(data) > LARGEST:
        yield File(name, problem=_too_large(), time=time)
    elif inner and depth == DEEPEST:
        yield File(name, problem=f"it has zip files in zip files, more than {DEEPEST} deep", time=time)
    elif inner:
        yield from _zipped(io.BytesIO(data), f"{name}/", depth + 1)
    else:
        yield File(name, notebook.slim(data), time=time)


def _other(name: str, time: float) -> File:
    ending = Path(name).suffix.lower()
    problem = f"{Path(name).name} is an archive of the kind {ending}, which is not read" if ending in OTHERS else ""
    return File(name, problem=problem, time=time)


def _too_large() -> str:
    return f"the file is larger than {LARGEST >> 20} MB"


def _seconds(entry: zipfile.ZipInfo) -> float:
    """When a file of an archive was changed; archives have local time without saying of where."""
    try:
        return float(calendar.timegm((*entry.date_time, 0, 0, 0)))
    except ValueError:  # some programs write the month 0
        return 0.0


def _hidden(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return any((part.startswith(".") and part not in (".", "..")) or part == "__MACOSX" for part in parts)
