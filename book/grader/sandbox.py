"""One sandbox, and the line to the worker in it: requests go in, replies come out, and limits are kept."""

import contextlib
import os
import secrets
import selectors
import shutil
import subprocess
import tempfile
import time

import psutil

from grader.confine import SCRATCH, SPARE, Limits, Protection, command, environment
from grader.inside import wire

GRACE = 5  # seconds that a cell or a call has to obey when its time is up
TICK = 0.25  # seconds between two looks at what the submission uses
START = 180  # seconds for Python and PyTorch to start; a busy machine is slow


class Lost(Exception):
    """The submission's process is gone, or was ended; the text says why, to be read after "it"."""


class NoSandbox(Exception):
    """The sandbox does not start here; the text says why."""


class Sandbox:
    """One sandbox, and the line to the worker in it.

    Args:
        protection: how it is kept in.
        limits: what it may use.
    """

    def __init__(self, protection: Protection, limits: Limits) -> None:
        self.protection, self.limits = protection, limits
        root = os.geteuid() == 0 and protection.kind in ("bubblewrap", "user")
        # root's own processes know no limit of their number; a grading process has one sandbox at a time, so one user
        self.user = 20000 + os.getpid() % 40000 if root else 0
        self.name = f"srcnn-{os.getpid()}-{time.monotonic_ns()}"
        self.folder = tempfile.mkdtemp(prefix="srcnn-") if protection.kind in ("none", "user") else None
        if self.folder and self.user:
            os.chown(self.folder, self.user, self.user)
        self.printed, self.tail, self.token = 0, b"", ""
        self.process = subprocess.Popen(
            command(protection, limits, self.name, self.user),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environment(self.folder or SCRATCH), cwd=self.folder, bufsize=0, start_new_session=True,
        )  # fmt: skip
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            os.set_blocking(stream.fileno(), False)
        try:
            self._receive(time.monotonic() + START)
            self.ask({"do": "limit", "user": self.user, "limits": self._rlimits()}, seconds=START)
        except Lost as lost:
            self.close()
            raise NoSandbox(f"{lost}; {self.tail.decode(errors='replace')[-600:].strip()}") from None

    def _rlimits(self) -> dict[str, int]:
        others = 0
        # the limit counts all that the user runs, here and elsewhere
        if not self.user and self.protection.kind != "container":
            with contextlib.suppress(psutil.Error):
                for process in psutil.process_iter(["uids", "num_threads"]):
                    if process.info["uids"].real == os.getuid():
                        others += process.info["num_threads"] or 1
        megabyte = 2**20
        return {
            "NPROC": others + self.limits.processes,
            "DATA": self.limits.memory * megabyte,
            "FSIZE": self.limits.disk * megabyte,
            "CPU": int(self.limits.total) + 60,
            "NOFILE": 512,
            "CORE": 0,
        }

    def ask(self, request: dict, value: object = None, *, seconds: float) -> tuple[dict, object]:
        """Send a request and wait for its reply.

        Raises:
            Lost: there is none, because the process ended, or was ended for going beyond a limit.
        """
        self.printed, self.token = 0, secrets.token_hex(8)
        told = {**request, "seconds": seconds, "token": self.token}
        return self._receive(time.monotonic() + wire.PATIENCE * seconds + GRACE, wire.pack(told, value))

    def _receive(self, until: float, out: bytes = b"") -> tuple[dict, object]:
        incoming, wanted = bytearray(), wire.HEAD
        view = memoryview(out)
        looked = time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            selector.register(self.process.stderr, selectors.EVENT_READ)
            if out:
                selector.register(self.process.stdin, selectors.EVENT_WRITE)
            while True:
                for key, _ in selector.select(TICK):
                    if key.fileobj is self.process.stdin:
                        view = self._write(view)
                        if not view:
                            selector.unregister(self.process.stdin)
                        continue
                    data = self._read(key.fileobj, wanted - len(incoming))
                    if data == b"":
                        selector.unregister(key.fileobj)
                    elif key.fileobj is self.process.stdout and data:
                        incoming += data
                try:
                    if wanted == wire.HEAD and len(incoming) == wanted:
                        wanted += wire.length(bytes(incoming))
                    if len(incoming) == wanted > wire.HEAD:
                        return self._checked(*wire.unpack(bytes(incoming[: wire.HEAD]), bytes(incoming[wire.HEAD :])))
                except wire.NotSendable as error:
                    raise Lost(f"sent {error}") from None
                if self.process.poll() is not None:
                    raise Lost(self._ending())
                if time.monotonic() > until:
                    raise Lost("took too long and did not stop when it was told to")
                if time.monotonic() - looked > TICK:
                    self._watch()
                    looked = time.monotonic()

    def _checked(self, message: dict, value: object) -> tuple[dict, object]:
        """A reply of the form that ours have, to the request that was sent."""
        if message.get("token") != self.token:
            raise wire.NotSendable("a message that nobody asked for")
        error, failed = message.get("error"), message.get("failed") or []
        texts = [message.get(key) for key in ("complaint", "why", "stopped", "is")]
        if error is not None:
            texts += error if isinstance(error, list) and len(error) == 2 else [0]
        for one in failed if isinstance(failed, list) else [0]:
            texts += one if isinstance(one, list) and len(one) == 3 else [0]
        if not all(text is None or isinstance(text, str) for text in texts):
            raise wire.NotSendable("a message of an odd form")
        return message, value

    def _write(self, view: memoryview) -> memoryview:
        try:
            return view[self.process.stdin.write(view) or 0 :]
        except BrokenPipeError:  # it has ended, which the next look finds
            return memoryview(b"")

    def _read(self, stream, most: int) -> bytes | None:
        with contextlib.suppress(BlockingIOError):
            if stream is self.process.stdout:
                return stream.read(min(most, 2**20)) if most else None
            data = stream.read(2**20)
            if data:
                self.printed += len(data)
                self.tail = (self.tail + data)[-2000:]
                if self.printed > self.limits.output * 2**20:
                    raise Lost(f"printed more than {self.limits.output} MB")
            return data
        return None

    def _ending(self) -> str:
        code = self.process.returncode
        number = -code if code < 0 else code - 128 if code > 128 else 0
        names = {9: "it was killed", 11: "a memory fault", 6: "it aborted", 24: "it used too much time"}
        return f"ended Python ({names.get(number, f'exit code {code}')})"

    def _watch(self) -> None:
        """End it when all its processes together use too much; the system's limits are for each of them."""
        if self.protection.kind == "container":
            return  # the engine holds these limits
        family, memory = self._family(), 0
        # what a process shares with the one that it was forked from is counted once, where that can be told
        for field in ("rss", "pss"):
            memory = sum(_memory(process, field) for process in family)
            if memory <= self.limits.memory * 2**20:
                break
        else:
            raise Lost(f"used more than {self.limits.memory} MB of memory")
        if len(family) > self.limits.processes + SPARE:
            raise Lost(f"started more than {self.limits.processes} processes")

    def _family(self) -> list[psutil.Process]:
        family: dict[int, psutil.Process] = {}
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(self.process.pid)
            family = {each.pid: each for each in (root, *root.children(recursive=True))}
        if self.protection.kind == "user":  # what has left the family still runs under its user
            family |= {
                each.pid: each for each in psutil.process_iter(["uids"]) if self.user in (each.info["uids"] or ())
            }
        return list(family.values())

    def close(self) -> None:
        """End everything that runs in the sandbox."""
        family = self._family()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, 9)
        if self.protection.kind == "none":  # elsewhere all end with the first
            for process in family:
                with contextlib.suppress(psutil.Error):
                    process.kill()
        if self.protection.kind == "user" and self.user:  # at once, so that none can fork in between
            words = ["/bin/sh", "-c", "kill -9 -1"]
            subprocess.run(words, user=self.user, group=self.user, extra_groups=[], cwd="/", check=False)
        if self.protection.kind == "container":  # the engine's client is gone, the container may not be
            subprocess.run([self.protection.engine, "kill", self.name], capture_output=True, check=False, timeout=60)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def _memory(process: psutil.Process, field: str) -> int:
    with contextlib.suppress(psutil.Error):
        if field == "pss" and psutil.LINUX:
            return process.memory_full_info().pss
        used = process.memory_info()
        return used.rss - getattr(used, "shared", 0)
    return 0


def choose(image: str | None, unprotected: bool, limits: Limits) -> Protection:
    """The protection that works here, tried out.

    Args:
        image: of a container that is wanted instead of bubblewrap.
        unprotected: do without any.
        limits: of a submission.

    Raises:
        NoSandbox: it does not start.
    """
    if image:
        engine = shutil.which("podman") or shutil.which("docker")
        if not engine:
            raise NoSandbox("--container needs podman or docker, and neither is installed")
        protection = Protection("container", engine, image)
    elif unprotected:
        protection = Protection("none")
    elif engine := shutil.which("bwrap"):
        protection = Protection("bubblewrap", engine)
    else:
        raise NoSandbox("bubblewrap is not installed (Debian: apt install bubblewrap); --container IMAGE does without")
    try:
        Sandbox(protection, limits).close()
    except NoSandbox as why:
        raise NoSandbox(f"the sandbox ({protection.kind}) does not start here: {why}") from None
    return protection
