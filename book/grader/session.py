"""One submission in its sandbox: its cells are run, and its functions can be called from here.

What hangs or ends Python loses its own cell or question alone: the notebook is run anew without it.
"""

import builtins
import re
import time
from collections.abc import Callable

from grader.confine import Limits, Protection
from grader.sandbox import Lost, Sandbox
from srcnn.checks.judging import NotYet, Unanswered

BLANK = "not answered yet"
RESTARTS = 3  # cells that end Python; after that many nothing more is tried
CATCHABLE = {
    name: error
    for name, error in vars(builtins).items()
    if isinstance(error, type) and issubclass(error, Exception) and not issubclass(error, (OSError, StopIteration))
}


class Stopped(Exception):
    """The submission's function raised something; the text is what the student reads."""


class Session:
    """A submission that has been run.

    Args:
        cells: its code.
        assignment: which one it is of.
        protection: how it is kept in.
        limits: what it may use.

    Attributes:
        errors: number of a cell, counted from 1 -> what it stopped with.
        left_out: number of a cell -> why it was not run, or not to its end.
    """

    def __init__(self, cells: tuple[str, ...], assignment: str, protection: Protection, limits: Limits) -> None:
        self.cells, self.assignment = cells, assignment
        self.protection, self.limits = protection, limits
        self.errors: dict[int, str] = {}
        self.left_out: dict[int, str] = {}
        self.until = time.monotonic() + limits.total
        self.sandbox: Sandbox | None = None
        self.broken: str | None = None
        self._start()

    def close(self) -> None:
        """End the sandbox."""
        if self.sandbox:
            self.sandbox.close()
        self.sandbox = None

    def _start(self) -> None:
        """Run the cells, anew without the one that ended Python, until all that are left have been run."""
        while self.sandbox is None and not self._late():
            self.sandbox = Sandbox(self.protection, self.limits)
            for number, code in enumerate(self.cells, start=1):
                if number not in self.left_out and not self._run(number, code):
                    self.close()
                    break

    def _run(self, number: int, code: str) -> bool:
        """Run one cell; False where Python ended."""
        if self._late():
            self.left_out[number] = f"the notebook had used its {self.limits.total:g} s before this cell"
            return True
        seconds = min(self.limits.cell, self._rest())
        self.errors.pop(number, None)
        try:
            reply, _ = self.sandbox.ask({"do": "cell"}, code, seconds=seconds)
        except Lost as lost:
            self.left_out[number] = f"it {lost}"
            if sum(reason.startswith("it ") for reason in self.left_out.values()) > RESTARTS:
                for later in range(number + 1, len(self.cells) + 1):
                    self.left_out.setdefault(later, f"cells before it ended Python {RESTARTS + 1} times")
            return False
        if reply.get("stopped"):
            self.errors[number] = f"it ran longer than {seconds:.0f} s and was stopped"
        elif reply.get("error"):
            kind, text = reply["error"]
            self.errors[number] = clean(f"{kind}: {text}" if text else kind)
        return True

    def _rest(self) -> float:
        return self.until - time.monotonic()

    def _late(self) -> bool:
        return self._rest() <= 0

    def fetch(self, name: str, number: int) -> object:
        """What the submission has under a name: a value, or a function that calls into the sandbox.

        Raises:
            NotYet: nothing, or nothing that could be judged; the text is the reason.
        """
        reply, value = self._ask({"do": "fetch", "name": name}, None, self.limits.call)
        kind = reply.get("is")
        if kind == "function":
            return self._function(name, number)
        if kind == "value" and value is ...:
            raise Unanswered(BLANK)
        if kind == "value":
            return value
        raise NotYet(clean(reply.get("why") or self._missing(name)))

    def _missing(self, name: str) -> str:
        defines = re.compile(rf"^\s*(?:def\s+{name}\b|class\s+{name}\b|{name}\s*[:=]|.*\b{name}\b.*=)", re.M)
        for number, code in reversed(list(enumerate(self.cells, start=1))):
            if defines.search(code):
                reason = self.left_out.get(number) or self.errors.get(number)
                return f"{name} is not there: its cell stopped ({reason})" if reason else f"{name} was deleted again"
        return f"{name} is not in the notebook"

    def _function(self, name: str, number: int) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            request = {"do": "call", "name": name, "assignment": self.assignment, "number": number}
            reply, value = self._ask(request, (args, kwargs), self.limits.call)
            if reply.get("stopped"):
                self.broken = f"a call took longer than {self.limits.call:g} s"
                raise NotYet(self.broken)
            if reply.get("error"):
                raise _stopped(*reply["error"])
            if reply.get("complaint") or not reply.get("ok"):
                raise NotYet(clean(reply.get("complaint") or "it gave no answer"))
            if value is ...:
                raise Unanswered(BLANK)
            return value

        call.__name__ = name
        return call

    def _ask(self, request: dict, value: object, seconds: float) -> tuple[dict, object]:
        if self.broken:
            raise NotYet(self.broken)
        if self.sandbox is None:
            self._start()
        if self._late() or self.sandbox is None:
            raise NotYet(f"the notebook had used its {self.limits.total:g} s before this question")
        try:
            return self.sandbox.ask(request, value, seconds=min(seconds, self._rest()))
        except Lost as lost:
            self.close()
            self.broken = f"when it was called it {lost}"
            raise NotYet(self.broken) from None


def _stopped(kind: str, text: str = "") -> Exception:
    """The submission's error as one of ours, which a test can catch by its name."""
    told = clean(text)
    bases = (Stopped, CATCHABLE[kind]) if kind in CATCHABLE else (Stopped,)
    try:
        return type(kind if kind.isidentifier() else "Error", bases, {"__str__": lambda self: told})(told)
    except TypeError:  # a few of Python's errors want more than a text
        return Stopped(told)


def clean(text: str, most: int = 400) -> str:
    """A submission's text as one line that can be written anywhere."""
    text = "".join(c if c.isprintable() else " " for c in text.encode("utf-8", "replace").decode())
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"
