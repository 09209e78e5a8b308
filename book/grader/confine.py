"""How submissions are kept in: what they may use, and the command that starts their sandbox.

Bubblewrap shows a submission a read-only system with Python and the package, an empty folder in memory, and no network;
a container does the same with an image.
"""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import srcnn
from srcnn.files import shipped

INSIDE = Path(__file__).resolve().parent / "inside"
SCRATCH = "/scratch"
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts",
          "/etc/localtime", "/nix/store")  # fmt: skip
SPARE = 8  # processes of our own in the sandbox


def _limit(default: float, told: str) -> float:
    return field(default=default, metadata={"help": told})


@dataclass(frozen=True)
class Limits:
    """What one submission may use; the help of the command says it in these words."""

    cell: float = _limit(60, "seconds of the processor for one cell; three times as many on the clock")
    call: float = _limit(20, "the same for one call of a function by the hidden tests")
    total: float = _limit(900, "seconds on the clock for everything, starting anew included")
    memory: int = _limit(3000, "megabytes, all processes together")
    processes: int = _limit(64, "how many at a time, threads counted")
    disk: int = _limit(256, "megabytes of files, which are in memory too")
    output: int = _limit(50, "megabytes that one cell or call may print")


@dataclass(frozen=True)
class Protection:
    """How submissions are kept in.

    Attributes:
        kind: ``bubblewrap``, ``container``, ``user`` (another user without rights, in a container that is thrown away
            afterwards, where no other sandbox starts) or ``none``.
        engine: the program that starts it.
        image: of the container.
    """

    kind: str
    engine: str = ""
    image: str = ""

    def __str__(self) -> str:
        return {
            "bubblewrap": "bubblewrap: no network, no files but Python's and its own, limits on everything"
            + (", and a user without rights" if os.geteuid() == 0 else ""),
            "container": f"{Path(self.engine).name}: a container of the image {self.image} for each, without network",
            "user": "another user, who can read no test and no seed; the network is the container's",
            "none": "NONE but limits on time and memory: a submission could read and write what you can",
        }[self.kind]


def environment(home: str) -> dict[str, str]:
    """All of the environment that a submission sees."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": str(Path(srcnn.__file__).resolve().parents[1]),  # the grader's own package
        "HOME": home, "USER": "student", "LOGNAME": "student", "LANG": "C.UTF-8", "TERM": "dumb",
        "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg", "PIP_NO_INDEX": "1", "PIP_RETRIES": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }  # fmt: skip


def command(protection: Protection, limits: Limits, name: str, user: int) -> list[str]:
    """What starts the worker."""
    python = [sys.executable, "-s", "-B"]
    if protection.kind == "bubblewrap":
        return [*_bubblewrap(protection.engine, limits, user), *python, "/inside/worker.py"]
    if protection.kind == "container":
        return _container(protection, limits, name)
    return [*python, str(INSIDE / "worker.py")]


def _bubblewrap(engine: str, limits: Limits, user: int) -> list[str]:
    package = Path(srcnn.__file__).resolve().parent
    shown = [sys.prefix, sys.base_prefix, str(Path(sys.executable).resolve().parents[1]), str(package)]
    shown += [str(shipped())]
    binds = [(place, place) for place in [*SYSTEM, *shown] if Path(place).exists()]
    binds.append((str(INSIDE), "/inside"))
    words = [engine, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    words += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if user else ["--unshare-user"]
    words += ["--die-with-parent", "--new-session", "--hostname", "sandbox"]
    for place in (SCRATCH, "/tmp"):  # first, or it would cover a course that was unpacked in /tmp
        words += ["--size", str(limits.disk * 2**20), "--perms", "1777", "--tmpfs", place]
    parents = {str(parent) for _, place in binds for parent in Path(place).parents}
    for parent in sorted(parents - {"/", "/tmp"}):
        words += ["--perms", "0755", "--dir", parent]  # bubblewrap's own are closed to other users
    for source, place in dict.fromkeys(binds):
        words += ["--ro-bind", source, place]
    words += ["--proc", "/proc", "--dev", "/dev"]
    words += ["--size", str(64 * 2**20), "--perms", "1777", "--tmpfs", "/dev/shm"]
    return [*words, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", SCRATCH]


def _container(protection: Protection, limits: Limits, name: str) -> list[str]:
    words = [protection.engine, "run", "--rm", "-i", "--init", "--name", name, "--network", "none", "--read-only"]
    words += ["--memory", f"{limits.memory}m", "--memory-swap", f"{limits.memory}m", "--cpus", "1"]
    words += ["--pids-limit", str(limits.processes + SPARE), "--cap-drop", "ALL"]
    words += ["--security-opt", "no-new-privileges", "--user", "65534:65534", "--workdir", SCRATCH]
    for place in (SCRATCH, "/tmp"):
        words += ["--tmpfs", f"{place}:rw,size={limits.disk}m,mode=1777"]
    for key, value in environment(SCRATCH).items():
        words += [] if key in ("PATH", "PYTHONPATH") else ["--env", f"{key}={value}"]
    return [*words, "--volume", f"{INSIDE}:/inside:ro", protection.image, "python", "-s", "-B", "/inside/worker.py"]
