"""Files: what travels with the package, and writing a file whole or not at all, whoever else writes it too."""

import contextlib
import json
import os
import secrets
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

_MEMORY_V1 = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"  # of a control group
_MEMORY_V2 = "memory.max", "memory.current", "inactive_file"


class InputError(ValueError):
    """Something a user gave cannot be used; the message names it and says what would be right."""

    def __str__(self) -> str:
        return short(" ".join(super().__str__().splitlines()))


class Notice(UserWarning):
    """Something a user should know of, which ends nothing."""


def short(text: str, most: int = 1_500) -> str:
    """A text that can be read: without its middle where a value or a name in it has thousands of letters."""
    return text if len(text) <= most else f"{text[: most - 300]} ... {text[-290:]}"


def some(words: Sequence[object], most: int = 3) -> str:
    """The first of some names, for a sentence; three dots stand for the rest."""
    return ", ".join([*(str(word)[:80] for word in words[:most]), *["..."] * (len(words) > most)])


def free_memory(system: Path = Path("/")) -> int | None:
    """Bytes of memory that a program may still take, or None where the system does not tell (it does on Linux).

    A container or a user of a JupyterHub may have less than the machine: what its control groups leave counts, where
    those tell (https://docs.kernel.org/admin-guide/cgroup-v2.html, and v1); cached files are no obstacle.
    """
    found = []
    with contextlib.suppress(OSError, LookupError, ValueError):
        told = dict(line.split(":", 1) for line in (system / "proc/meminfo").read_text().splitlines())
        found.append(int(told["MemAvailable"].split()[0]) * 1024)
    with contextlib.suppress(OSError):
        for line in (system / "proc/self/cgroup").read_text().splitlines():
            _, kinds, own = line.split(":", 2)
            if kinds and "memory" not in kinds.split(","):
                continue
            tops, names = ("sys/fs/cgroup/memory", _MEMORY_V1) if kinds else ("sys/fs/cgroup", _MEMORY_V2)
            top, group = system / tops, PurePosixPath(own.lstrip("/"))
            # inside a container its own group is often mounted as the top one
            found += [left for each in (group, *group.parents) if (left := _left(top / each, *names)) is not None]
    return min(found, default=None)


def _left(group: Path, most: str, now: str, cached: str) -> int | None:
    """Bytes that a control group may still take; None where it has no limit or does not tell."""
    with contextlib.suppress(OSError, LookupError, ValueError):
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        used = int((group / now).read_text()) - int(stat[cached])
        return max(0, int((group / most).read_text()) - used)
    return None


def shipped(*parts: str) -> Path:
    """Path of a file or folder that travels with the package: the registry, the results, the weights.

    Args:
        parts: its place under ``data/`` of the repository.

    Returns:
        The path inside the installed package, or in the checkout where the package is installed in place.
    """
    package = Path(__file__).parent
    inside = package / "_data"
    return (inside if inside.is_dir() else package.parent / "data").joinpath(*parts)


def writable(path: str | os.PathLike[str]) -> Path:
    """Check, before any work is done, that a file can be written at ``path``.

    Returns:
        The path with symbolic links followed.

    Raises:
        InputError: its folder is missing or closed to us, or something that is not a file stands there.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise InputError(f"{path} is a folder; give the name of a file")
    if target.exists() and not target.is_file():
        raise InputError(f"{path} is not an ordinary file; give another name")
    if not target.parent.is_dir():
        raise InputError(f"{path} cannot be written: there is no folder {target.parent}")
    if not os.access(target.parent, os.W_OK):
        raise InputError(f"{path} cannot be written: the folder {target.parent} is not open to you")
    return target


@contextlib.contextmanager
def atomic(path: str | os.PathLike[str], *, new: bool = False) -> Iterator[Path]:
    """Write a file so that readers see the old one or the new one, never half of it.

    Args:
        path: the file to write.
        new: only where there is none of that name yet, at the end of the block.

    Yields:
        A temporary path in the same folder. It takes the place of ``path`` when the block ends well, and is
        removed when the block raises.

    Raises:
        InputError: no file can be made there.
        OSError: the disk is full, or the like; it names ``path``. A FileExistsError with ``new``.
    """
    target = writable(path)
    try:
        part, release = _part(target)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}; give another place") from None
    try:
        yield part
        with part.open("rb") as written:
            sync(written)  # the name must not reach the disk before the bytes
        if new:
            _name_new(part, target)
        else:
            os.replace(part, target)
    except OSError as error:
        error.filename, error.filename2 = str(path), None  # the temporary name would tell the user nothing
        raise
    finally:
        with contextlib.suppress(OSError):  # where the folder is gone, the first error is the one to tell
            part.unlink(missing_ok=True)
        release()


def sync(written: IO[Any]) -> None:
    """Bring an open file to the disk, so that a loss of power cannot keep what is written later and lose this."""
    written.flush()
    os.fsync(written.fileno())


def _part(target: Path) -> tuple[Path, Callable[[], None]]:
    """A temporary name that nobody else writes to, and what gives it free.

    It is the same each time, so that what a killed process left there is written over and does not stay for ever; where
    another process writes the same file now, or this cannot be known, it has a random number in it.
    """
    name = f".{target.name[:40]}"  # a long name has no room for more letters
    usual = target.with_name(f"{name}.part")
    with contextlib.suppress(Taken):
        release = hold(usual)
        if release:
            return usual, release
    return target.with_name(f"{name}.{secrets.token_hex(4)}.part"), lambda: None


class Taken(Exception):
    """Another process holds a file; see :func:`hold`."""


def hold(path: str | os.PathLike[str]) -> Callable[[], None] | None:
    """Keep a file, made if it is missing, from all others that ask for it by this function, until this process ends.

    Returns:
        What lets it go; None where the system or the disk has no locks.

    Raises:
        Taken: another process, or this one, holds it.
    """
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows
        return None
    while True:
        end = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(end, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.exists(path) and os.path.samestat(os.fstat(end), os.stat(path)):  # not renamed meanwhile
                return partial(os.close, end)
        except BlockingIOError:
            os.close(end)
            raise Taken(str(path)) from None
        except OSError:
            os.close(end)
            return None
        os.close(end)


def _name_new(part: Path, target: Path) -> None:
    """Give a whole file its name, unless something has it already (FileExistsError)."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # a disk without links
        with target.open("xb") as stream:
            stream.write(part.read_bytes())


def write(path: str | os.PathLike[str], content: str | bytes, *, new: bool = False) -> None:
    """Write text (UTF-8) or bytes into a file, whole or not at all; see :func:`atomic`."""
    with atomic(path, new=new) as part:
        part.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def read_records(path: str | os.PathLike[str], *, numbers: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The records of a log, one JSON object a line.

    A last line that was cut short by a kill is left out, and so is all that follows a damaged one.

    Args:
        path: of the log.
        numbers: keys that each record must have, with a number.
    """
    records = []
    for text in Path(path).read_bytes().splitlines():
        try:
            record = json.loads(text)
            [record[key] + 0.0 for key in numbers]
            records.append(dict(record))
        except (ValueError, TypeError, LookupError, RecursionError, OverflowError):  # a number too large for a float
            break
    return records


def read_history(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The lines of a run's history: step, loss (mean over its steps), learning rate, seconds since the start.

    Raises:
        InputError: there is no such file.
    """
    if not Path(path).is_file():
        raise InputError(f"there is no history {path}")
    return read_records(path, numbers=("step", "loss", "learning_rate", "seconds"))


def whole_zip(path: str | os.PathLike[str]) -> bool:
    """Whether a zip as PyTorch writes it is whole: right checksums, nothing packed, and no more in it than it is long.

    Raises:
        OSError: there is no such file, or it may not be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            stated, packed = sum(entry.file_size for entry in entries), any(entry.compress_type for entry in entries)
            return not packed and stated <= os.path.getsize(path) and archive.testzip() is None
    except (FileNotFoundError, PermissionError, MemoryError):
        raise
    except Exception:  # of every kind, where a name, a head or a method is damaged
        return False


@contextlib.contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Let an error of the disk tell which file it befell; writing into an open file does not."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise
