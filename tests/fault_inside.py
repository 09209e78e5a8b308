"""How a command is run in a forked process, and what faults do to it from inside and to the disk below it.

A small disk is a tmpfs, where this user may mount one; elsewhere no file may grow beyond a limit. A closed folder is
one without permission to write; root, who may write everywhere, first gives that power up.
"""

import contextlib
import ctypes
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import tqdm
from fault_commands import Command

SECONDS = 300  # a command that takes longer hangs; a busy machine is no fault of it
CALLS = {"open", "write", "close", "flush", "fsync", "replace", "rename", "link", "unlink", "mkdir", "truncate"}
_POWERS = 0b1110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH and CAP_FOWNER, by which root passes over permissions


def _mounts() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "none", folder], capture_output=True, check=False).returncode
        return not (mounted or subprocess.run(["umount", folder], capture_output=True, check=False).returncode)


MOUNTS = _mounts()
DISK = "a tmpfs of a few blocks" if MOUNTS else "a limit on a file's size (RLIMIT_FSIZE), for no disk may be mounted"
POWER = "root without its power over permissions" if os.geteuid() == 0 else "an ordinary user"


@dataclass
class Ended:
    """How a command ended: its status, minus the signal where one ended it, and what it said."""

    status: int
    said: str
    seconds: float


def start(command: Command, place: Path, within: Callable[[], None] = lambda: None, name: str = "a") -> int:
    """Run a command in a forked process, limited in memory and time; its number."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.setsid()
        for end, file in ((0, os.devnull), (1, place / f"{name}.out"), (2, place / f"{name}.err")):
            os.dup2(os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC), end)
        sys.stdout, sys.stderr = (os.fdopen(end, "w", buffering=1, closefd=False) for end in (1, 2))  # not pytest's
        os.chdir(place)
        os.environ |= {"no_proxy": "127.0.0.1", "SRCNN_DATA": "", "XDG_CACHE_HOME": str(place / "cache")}
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
        within()
        status = command.start(place)
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def ended(child: int, place: Path, began: float, name: str = "a", kill_after: float | None = None) -> Ended:
    """Wait for a command; it is killed after so many seconds, or when it hangs."""
    until = began + (SECONDS if kill_after is None else kill_after)
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() > until:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            status = os.waitpid(child, 0)[1]
            if kill_after is None:
                raise AssertionError(f"it hangs: {(place / f'{name}.err').read_text()[-500:]}")
            break
        time.sleep(0.002)
    told = place / f"{name}.err"  # which a process that was killed at once has not opened
    said = told.read_text(errors="replace") if told.exists() else ""
    return Ended(os.waitstatus_to_exitcode(status), said, time.monotonic() - began)


def run(command: Command, place: Path, within: Callable[[], None] = lambda: None) -> Ended:
    """Run a command to its end."""
    began = time.monotonic()
    return ended(start(command, place, within), place, began)


@contextlib.contextmanager
def small_disk(folder: Path, size: int | None) -> Iterator[None]:
    """Let a folder be a disk of that many bytes, where that can be."""
    if size is None or not MOUNTS:
        yield
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def enlarge_disk(folder: Path) -> None:
    """Give a small disk room."""
    if MOUNTS:
        subprocess.run(["mount", "-o", "remount,size=64m", folder], check=True)


def limited_files(size: int) -> Callable[[], None]:
    """Let no file grow beyond so many bytes, where there is no small disk."""

    def within() -> None:
        if not MOUNTS:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return within


@contextlib.contextmanager
def closed(folder: Path) -> Iterator[None]:
    """Close a folder to whoever would write into it."""
    folder.chmod(0o500)
    try:
        yield
    finally:
        folder.chmod(0o700)


def without_power() -> None:
    """Give up root's power to pass over permissions."""
    if os.geteuid():
        return
    libc = ctypes.CDLL(None, use_errno=True)
    head = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this process
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; of the lower 32 and of the upper
    assert libc.capget(head, sets) == 0
    for place in (0, 1, 2):
        sets[place] &= ~_POWERS
    assert libc.capset(head, sets) == 0


def counted(path: Path) -> Callable[[], None]:
    """Count the calls of :data:`CALLS`, and write their number there at each."""

    def within() -> None:
        seen = 0

        def look(frame: object, event: str, called: object) -> None:
            nonlocal seen
            if event == "c_call" and getattr(called, "__name__", "") in CALLS:
                seen += 1
                os.pwrite(end, str(seen).encode(), 0)

        end = os.open(path, os.O_WRONLY | os.O_CREAT)
        sys.setprofile(look)

    return within


def killed_at(number: int) -> Callable[[], None]:
    """End the process, as ``kill -9`` does, right before the call of that number.

    Not a child of it: grading says of a notebook whose process was killed that it was, which is a result.
    """

    def within() -> None:
        seen, own = 0, os.getpid()

        def look(frame: object, event: str, called: object) -> None:
            nonlocal seen
            if event == "c_call" and getattr(called, "__name__", "") in CALLS:
                seen += 1
                if seen == number and os.getpid() == own:
                    os.kill(own, signal.SIGKILL)

        sys.setprofile(look)

    return within


def without_power_at(number: int, synced: Path) -> Callable[[], None]:
    """As :func:`killed_at`, and note in ``synced`` what the process had brought to the disk by then."""

    def within() -> None:
        ask, end = os.fsync, os.open(synced, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

        def fsync(descriptor: int) -> None:
            ask(descriptor)
            os.pwrite(end, f"{state(descriptor)}\n".encode(), os.fstat(end).st_size)

        os.fsync = fsync
        killed_at(number)()

    return within


def lose_power(folder: Path, synced: set[str], dice: random.Random) -> None:
    """Cut every file of a folder that was not brought to the disk: a name may be there before all of its bytes are.

    Args:
        folder: whatever is in it.
        synced: the :func:`state` of each file that is on the disk.
        dice: say how much of the others is.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_file() and state(path) not in synced and path.stat().st_size:
            os.truncate(path, dice.choice([0, dice.randrange(path.stat().st_size)]))


def state(file: Path | int) -> str:
    """What changes when a file is written."""
    told = os.stat(file)
    return f"{told.st_ino} {told.st_size} {told.st_mtime_ns}"


def clock_goes_back() -> None:
    """Let every look at the clock of the day be a day before the last one."""
    now, looks = time.time(), 0

    def earlier() -> float:
        nonlocal looks
        looks += 1
        return now - 86_400 * looks

    time.time = earlier
    time.time_ns = lambda: int(earlier() * 1e9)
    tqdm.std.time = earlier
