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
import types
from collections.abc import Iterator

import interpreter
import torch
import wire
from interpreter import TooLong, text_of

from srcnn import checks
from srcnn.checks import ASSIGNMENTS
from srcnn.checks.judging import NotYet, agrees, forbidding

MISSING = object()


class Worker:
    """The submission's notebook, and the two ends of the line to the grader."""

    def __init__(self, requests: int, replies: int) -> None:
        self.requests = os.fdopen(requests, "rb")
        self.replies = os.fdopen(replies, "wb", buffering=0)
        self.shell: interpreter.Shell | None = None
        # assignment and number of a question -> what its check was given last, and what it found right last, with all
        # that the notebook had defined then
        self.given: dict[tuple, object] = {}
        self.checked: dict[tuple, tuple[object, dict]] = {}
        # name -> the function that it stood for last, with all that was defined after its statement
        self.written: dict[str, tuple[object, dict]] = {}
        self.end: dict | None = None  # all that the notebook has defined at its end
        self.answer: object = None  # the function that is called
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
        """Answer the request that is at work."""
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
        self.shell = interpreter.shell()
        self._watch()
        self.reply({"ready": True})

    def _watch(self) -> None:
        """Note what the visible checks find right: it is the answer, whatever its name stands for later."""
        check = checks._check

        def watched(assignment: str, number: int, answer: object) -> object:
            with contextlib.suppress(TypeError):  # a number that cannot be one
                self.given[assignment, number] = answer
            right = check(assignment, number, answer)
            kept = answer
            if not callable(answer):
                with contextlib.suppress(Exception):  # whatever copying does to a submission's own objects
                    kept = copy.deepcopy(answer)
            self.checked[assignment, number] = kept, dict(self.shell.user_ns)
            return right

        checks._check = watched
        names = {question.name for questions in ASSIGNMENTS.values() for question in questions.values()}
        space, written = self.shell.user_ns, self.written

        def note() -> None:
            for name in names & space.keys():
                found = space[name]
                if callable(found) and written.get(name, (None,))[0] is not found:
                    written[name] = found, dict(space)

        self.shell.after = note

    def _cell(self, request: dict, value: object) -> None:
        """Run one cell."""
        self.end = None
        try:
            with _at_most(request["seconds"]):
                self.shell.run(value)
        except BaseException as caught:
            self.shell.note("", caught)
        self._flush()
        stopped = "time" if self.shell.stopped else None
        self.reply({"done": True, "failed": self.shell.failed, "stopped": stopped})

    def _fetch(self, request: dict, value: object) -> None:
        """What a question's answer is: nothing, a function or a value, which is sent."""
        if self.end is None:
            self.end = dict(self.shell.user_ns)
        self._return_to(self.end)
        found, space = self._found(request)
        self._return_to(space)
        if found is MISSING:
            self.reply({"is": "missing"})
            return
        same = self._unchanged(found, request, space)
        if callable(found):
            self.answer = found
            self.reply({"is": "function", "same": same})
            return
        try:
            self.reply({"is": "value", "same": same}, found)
        except Exception as error:
            self.reply({"is": "odd", "why": text_of(error)})

    def _unchanged(self, found: object, request: dict, space: dict) -> bool:
        """Whether an answer is in the end what it was then, and all that it uses."""
        last = self.end.get(request["name"])
        try:
            with _at_most(request["seconds"]):  # looking at a submission's own objects may run its code
                if not callable(found):
                    return agrees(found, last, 0)
                return found is last and all(space.get(name) is self.end.get(name) for name in _uses(found, space))
        except BaseException:
            return False

    def _found(self, request: dict) -> tuple[object, dict]:
        """The answer, and all that was defined when it was what it is."""
        question = request["assignment"], request["number"]
        if request["which"] == "checked":
            found, space = self.checked.get(question, (MISSING, self.end))
            return found, space
        if request["which"] == "written":
            return self.written.get(request["name"], (MISSING, self.end))
        if request["which"] == "given":
            return self.given.get(question, MISSING), self.end
        return self.end.get(request["name"], MISSING), self.end

    def _return_to(self, space: dict) -> None:
        """Let the notebook's names stand for what they stood for then."""
        self.shell.user_ns.clear()
        self.shell.user_ns.update(space)

    def _call(self, request: dict, value: object) -> None:
        """Call a function of the submission."""
        question = ASSIGNMENTS[request["assignment"]].get(request["number"])
        args, kwargs = value
        given = copy.deepcopy(args)
        try:
            with _at_most(request["seconds"]), forbidding(question.forbidden if question else ()):
                got = self.answer(*given, **kwargs)
        except TooLong:
            self.reply({"stopped": "time"})
        except NotYet as refusal:
            self.reply({"complaint": text_of(refusal)})
        except BaseException as error:
            self.reply({"error": [type(error).__name__, text_of(error)]})
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
            self.reply({"complaint": text_of(error)})

    def _flush(self) -> None:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        with contextlib.suppress(Exception):
            sys.stderr.flush()


def _uses(function: object, space: dict) -> set[str]:
    """The names of the notebook that a function uses, also by way of others that it calls."""
    names, waiting = set(), [function]
    while waiting:
        part = waiting.pop()
        if isinstance(part, type):
            waiting += [member for member in vars(part).values() if isinstance(member, types.FunctionType)]
        code = part.__code__ if isinstance(part, types.FunctionType) else part
        if not isinstance(code, types.CodeType):
            continue
        waiting += [const for const in code.co_consts if isinstance(const, types.CodeType)]
        new = {name for name in code.co_names if name in space} - names
        names |= new
        waiting += [space[name] for name in new]
    return names


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


def main() -> None:
    """Serve on what were standard input and output, and leave the submission an empty input and one output."""
    requests, replies = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    Worker(requests, replies).serve()


if __name__ == "__main__":
    main()
