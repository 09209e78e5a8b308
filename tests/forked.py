"""Workers without a sandbox that start at once, for tests of what happens in them: forked where PyTorch is loaded."""

import multiprocessing
import os
import subprocess
import sys
from types import SimpleNamespace

from grader import sandbox
from grader.confine import INSIDE

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["forked", "torch", "srcnn.checks", "srcnn.plotting", "srcnn.pretrained", "IPython.core.pylabtools"]
)


def _serve(ends: list, folder: str, environment: dict[str, str]) -> None:
    os.setsid()
    for number, end in enumerate(ends):
        os.dup2(end.fileno(), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path.insert(0, str(INSIDE))
    import worker

    worker.main()


class Popen:
    """What of :class:`subprocess.Popen` the grader uses."""

    def __init__(self, words: list[str], *, cwd: str, env: dict[str, str], **_: object) -> None:
        (inner, stdin), (stdout, told), (stderr, said) = (CONTEXT.Pipe(duplex=False) for _ in range(3))
        self.process = CONTEXT.Process(target=_serve, args=([inner, told, said], cwd, env), daemon=True)
        self.process.start()
        self.pid = self.process.pid
        self.stdin, self.stdout, self.stderr = (
            os.fdopen(os.dup(end.fileno()), mode, buffering=0)
            for end, mode in ((stdin, "wb"), (stdout, "rb"), (stderr, "rb"))
        )
        for end in (inner, stdin, stdout, told, stderr, said):
            end.close()

    @property
    def returncode(self) -> int | None:
        return self.process.exitcode

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self) -> None:
        self.process.join()


def install(monkeypatch) -> None:
    """Let the grader use such workers until the test is over."""
    monkeypatch.setattr(sandbox, "subprocess", SimpleNamespace(Popen=Popen, PIPE=subprocess.PIPE))
