"""Runs one submission inside the sandbox: first its cells, then the calls that the grader asks for.

Requests come on standard input, replies go to standard output, both as wire.py packs them; the submission gets neither,
and what it prints goes to standard error. Whatever it does to this process, it can only spoil its own answers.
"""

import contextlib
import copy
import os
import resource
import signal
import sys
from collections.abc import Iterator

import IPython.core.interactiveshell as interactive
import torch
import wire

from srcnn.checks import ASSIGNMENTS
from srcnn.checks.judging import NotYet, agrees, forbidding

LONGEST = 2000  # characters of an error's text


class TooLong(BaseException):
    """Raised where the time of a cell or a call is up; no ``except Exception`` swallows it."""


class Worker:
    """The submission's notebook, and the two ends of the line to the grader."""

    def __init__(self, requests: int, replies: int) -> None:
        self.requests = os.fdopen(requests, "rb")
        self.replies = os.fdopen(replies, "wb", buffering=0)
        self.shell: interactive.InteractiveShell | None = None
        self.process = os.getpid()
        self.token = ""  # of the request that is being answered; a reply without it is a forged one

    def serve(self) -> None:
        """Answer requests until the line is closed."""
        self.reply({"hello": os.getpid()})
        while True:
            head = self.requests.read(wire.HEAD)
            if len(head) < wire.HEAD:
                return
            request, value = wire.unpack(head, self.requests.read(wire.length(head)))
            self.token = request["token"]
            getattr(self, f"_{request['do']}")(request, value)

    def reply(self, message: dict, value: object = None) -> None:
        if os.getpid() != self.process:  # a cell has forked, and its child comes back here as well
            os._exit(0)
        view = memoryview(wire.pack({**message, "token": self.token}, value))
        while view:
            view = view[self.replies.write(view) :]

    def _limit(self, request: dict, value: object) -> None:
        """Give up what is not needed, for good: other users' rights, and more than a fair share of the machine."""
        if request["user"]:
            os.setgroups([])
            os.setresgid(*[request["user"]] * 3)
            os.setresuid(*[request["user"]] * 3)
        for name, number in request["limits"].items():
            kind = getattr(resource, f"RLIMIT_{name}", None)
            if kind is not None:
                ceiling = resource.getrlimit(kind)[1]
                number = number if ceiling == resource.RLIM_INFINITY else min(number, ceiling)
                with contextlib.suppress(ValueError, OSError):  # a system that does not have this one
                    resource.setrlimit(kind, (number, number))
        torch.set_num_threads(1)
        self.shell = _shell()
        self.reply({"ready": True})

    def _cell(self, request: dict, value: object) -> None:
        """Run one cell."""
        stopped = None
        try:
            with _at_most(request["seconds"]):
                result = self.shell.run_cell(value, store_history=False, silent=False)
            error = result.error_before_exec or result.error_in_exec
        except BaseException as caught:
            error = caught
        if isinstance(error, TooLong):
            stopped = "time"
        self._flush()
        told = None if error is None else [type(error).__name__, _text(error)]
        self.reply({"done": True, "error": told, "stopped": stopped})

    def _fetch(self, request: dict, value: object) -> None:
        """What a name stands for: nothing, a function or a value, which is sent."""
        known = self.shell.user_ns
        if request["name"] not in known:
            self.reply({"is": "missing"})
            return
        found = known[request["name"]]
        if callable(found):
            self.reply({"is": "function"})
            return
        try:
            self.reply({"is": "value"}, found)
        except Exception as error:
            self.reply({"is": "odd", "why": _text(error)})

    def _call(self, request: dict, value: object) -> None:
        """Call a function of the submission."""
        question = ASSIGNMENTS[request["assignment"]].get(request["number"])
        args, kwargs = value
        given = copy.deepcopy(args)
        try:
            with _at_most(request["seconds"]), forbidding(question.forbidden if question else ()):
                got = self.shell.user_ns[request["name"]](*given, **kwargs)
        except TooLong:
            self.reply({"stopped": "time"})
        except NotYet as refusal:
            self.reply({"complaint": _text(refusal)})
        except BaseException as error:
            self.reply({"error": [type(error).__name__, _text(error)]})
        else:
            self._result(got, args, given)
        self._flush()

    def _result(self, got: object, args: tuple, given: tuple) -> None:
        try:
            if not agrees(list(given), list(args), 0):
                self.reply({"complaint": "it changes what it was given; work on a copy, or make a new tensor"})
            else:
                self.reply({"ok": True}, got)
        except Exception as error:  # a value that cannot be sent, or does harm when it is looked at
            self.reply({"complaint": _text(error)})

    def _flush(self) -> None:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        with contextlib.suppress(Exception):
            sys.stderr.flush()


def _text(error: BaseException) -> str:
    try:
        if isinstance(error, SyntaxError):
            return f"{error.msg}, line {error.lineno}"  # and not the name that IPython gave the cell
        return str(error)[:LONGEST]
    except BaseException:  # an exception of the submission's own making
        return ""


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Stop what takes longer: seconds of the processor, so that a busy machine is no student's fault, or of waiting."""

    def ring(*_: object) -> None:
        raise TooLong

    alarms = (
        (signal.ITIMER_PROF, signal.SIGPROF, seconds),
        (signal.ITIMER_REAL, signal.SIGALRM, wire.PATIENCE * seconds),
    )
    for timer, name, time in alarms:
        signal.signal(name, ring)
        signal.setitimer(timer, time)
    try:
        yield
    finally:
        for timer, _, _ in alarms:
            signal.setitimer(timer, 0)


def _shell() -> interactive.InteractiveShell:
    """A notebook's Python: magics, ``!`` and top-level await are there, history and colors are not."""
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell = interactive.InteractiveShell.instance(config=config)
    shell.ask_exit = lambda: None  # exit() ends a notebook's Python after the cell; here the next cells want it
    shell.register_magic_function(lambda line: None, "line", "matplotlib")  # nobody looks at the pictures
    sys.path.insert(0, "")  # a module that a cell wrote is found
    sys.modules["__main__"] = shell.user_module  # what a notebook defines lives there
    return shell


def main() -> None:
    """Serve on what were standard input and output, and leave the submission an empty input and one output."""
    requests, replies = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    Worker(requests, replies).serve()


if __name__ == "__main__":
    main()
