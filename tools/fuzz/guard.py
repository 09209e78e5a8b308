"""One case under guard: what it may do, how long, in how much memory; and what came of it.

A case is taken, or refused in one sentence. Everything else is a fault: a traceback, a second line,
more than 10 s, more
than 2 GiB beyond the libraries, a file written or changed where none may be, a program started, a network asked.
"""

import contextlib
import hashlib
import io
import os
import resource
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.manual import Unmarked
from grader.notebook import Unreadable

from srcnn.files import InputError

SECONDS = 10  # of this process, so that what else the machine does is no fault; who waits is ended from outside
MEMORY = 2 * 2**30
LONGEST = 2_000  # letters of a sentence
SENTENCES = (InputError, Unreadable, Unmarked)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {
    "os.rename": 2,
    "os.remove": 1,
    "os.rmdir": 1,
    "os.mkdir": 1,
    "os.link": 2,
    "os.symlink": 2,
    "os.truncate": 1,
}
_FORBIDDEN = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork")


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        run: what is tried; it returns an exit status, or anything where there is none.
        may: beginnings of the names, in the case's folder, of what may be made or changed where the case is taken.
        partly: whether a refused case may change them too: the first of many photographs,
        a download that is not the file.
        asks: whether it may ask the network, where nothing but this machine is reached.
        short: whether there may be too little memory: where a user asks for more than any machine has.
    """

    run: Callable[[], object]
    may: tuple[str, ...] = ()
    partly: bool = False
    asks: bool = False
    short: bool = False


class Late(BaseException):
    """The time is over; no ``except Exception`` may hide it."""


def _late(signum: int, frame: object) -> None:
    raise Late


class Watch:
    """Python's own record of what is opened for writing, renamed, removed, started and asked."""

    def __init__(self) -> None:
        self.place: str | None = None
        self.asks = False
        self.seen: list[str] = []
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple) -> None:
        if self.place is None:
            return
        if event in _FORBIDDEN:
            self.seen.append(event)
        elif event == "socket.getaddrinfo" and arguments[0] != "127.0.0.1":
            self.seen += [] if self.asks else [event]
            raise OSError("there is no network")
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES:
            self._outside(event, arguments[0])
        elif event in _CHANGES:
            for path in arguments[: _CHANGES[event]]:
                self._outside(event, path)

    def _outside(self, event: str, path: object) -> None:
        if isinstance(path, int):
            return
        path = os.path.abspath(os.fsdecode(path))
        if path != os.devnull and not path.startswith((self.place, os.environ["HOME"])):
            self.seen.append(f"{event} {path}")


WATCH = Watch()


def limit_memory() -> None:
    """Let this process have 2 GiB more addresses than the libraries have taken."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def files(place: Path) -> dict[str, tuple]:
    """What lies in a folder: name -> kind and content, so that a change of either shows."""
    found = {}
    for path in sorted(place.rglob("*")):
        name = path.relative_to(place).as_posix()
        if path.is_symlink():
            found[name] = ("link", os.readlink(path))
        elif path.is_file():
            found[name] = ("file", hashlib.sha256(path.read_bytes()).hexdigest())
        else:
            found[name] = ("folder",)
    return found


@contextlib.contextmanager
def _timed() -> Iterator[None]:
    signal.signal(signal.SIGPROF, _late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def outcome(case: Case, place: Path) -> tuple[str, str]:
    """Run a case in its folder.

    Returns:
        ``taken``, ``refused``, or the name of a fault; and what was said.
    """
    before = files(place)
    try:
        with _stderr() as told, contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
            WATCH.seen, WATCH.asks, WATCH.place = [], case.asks, str(place.resolve())
            with _timed():
                what, said = _run(case, told)
    except Late:
        return "hang", f"more than {SECONDS} s"
    finally:
        WATCH.place = None
    if WATCH.seen:
        return "outside", WATCH.seen[0]
    after = files(place)
    may = case.may if what == "taken" or case.partly else ()
    changed = [
        n for n in sorted({*before, *after}) if before.get(n) != after.get(n) and not n.startswith(may or ("\0",))
    ]
    if changed and what in ("taken", "refused"):
        return ("overwritten" if changed[0] in before else "written"), f"{changed[0]}; {said}"
    return what, said


@contextlib.contextmanager
def _stderr() -> Iterator[Callable[[], str]]:
    """Take what is written to standard error, by libraries in C too."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)

        def told() -> str:
            sys.stderr.flush()
            file.seek(0)
            return file.read().decode(errors="replace")

        try:
            yield told
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _run(case: Case, told: Callable[[], str]) -> tuple[str, str]:
    status: object = None
    try:
        status = case.run()
    except SENTENCES as error:
        return _judged([str(error)], case)
    except SystemExit as end:  # --help and --version
        status = end.code
    except Late:
        raise
    except MemoryError:
        return ("refused" if case.short else "memory"), "MemoryError"
    except BaseException:  # a panic of a library in Rust is no Exception
        return "traceback", traceback.format_exc()
    status = status if isinstance(status, int) else 0
    lines = [line for line in told().splitlines() if line.strip()]
    if any(line.startswith("Traceback") for line in lines):
        return "traceback", "\n".join(lines)
    if status == 2:
        return _judged(lines, case)
    return ("status", f"{status}: {lines}") if status else ("taken", "")


def _judged(lines: list[str], case: Case) -> tuple[str, str]:
    """Whether what was said is one sentence; of many photographs, one for each."""
    said = "\n".join(lines)
    if "not enough memory" in said and not case.short:
        return "memory", said
    ours = [line for line in lines if line.startswith("srcnn: ") or len(lines) == 1]
    if not ours or not said.strip() or max(map(len, lines)) > LONGEST or any("\n" in line for line in lines):
        return "sentence", said[:LONGEST]
    return ("refused" if ours == lines else "remarks"), said  # a library in C told its own mind on the way
