"""One submission in its sandbox: its cells are run, and its functions can be called from here.

What hangs or ends Python loses its own cell or question alone: the notebook is run anew without it.
"""

import builtins
import contextlib
import re
import time
from collections.abc import Callable, Iterator

from grader.confine import Limits, Protection
from grader.results import BLANK
from grader.sandbox import Lost, Sandbox
from srcnn.checks.judging import NotYet, Unanswered

VERDICTS = ("NotYet", "Unanswered")  # of the visible checks, which are no news beside the grading's
TOLD = 5  # statements of a cell that failed; the others are counted
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
        told = [one for one in reply.get("failed") or [] if one[1] not in VERDICTS]
        if reply.get("stopped"):
            told.append(["", "", f"it ran longer than {seconds:.0f} s and was stopped"])
        if told:
            more = f"; and {len(told) - TOLD} more" if len(told) > TOLD else ""
            self.errors[number] = "; ".join(_failure(*one) for one in told[:TOLD]) + more
        return True

    def _rest(self) -> float:
        return self.until - time.monotonic()

    def _late(self) -> bool:
        return self._rest() <= 0

    def answers(self, name: str, number: int) -> Iterator[tuple[object, str]]:
        """What the submission answers to a question: a value, or a function that calls into the sandbox.

        Args:
            name: that the question asks for.
            number: of the question.

        Yields:
            The answer that counts, and what a person should know about it. It is what the visible check found right,
            with all names as they were then, so that a name that is used again later does no harm; else what the name
            stands for in the end. After it, where the two differ, the other: what the student may have improved since.

        Raises:
            NotYet: there is nothing, or nothing that could be judged; the text is the reason.
        """
        kind, answer, same = self._fetch("checked", name, number)
        if kind in ("function", "value"):
            yield answer, "" if same else "it was graded as it was when its check passed, and changed after that"
            if not same:
                with contextlib.suppress(NotYet):
                    kind, answer, _ = self._fetch("final", name, number)
                    if kind in ("function", "value"):
                        yield answer, "it was graded as it is at the end, and not as it was when its check passed"
            return
        kind, answer, _ = self._fetch("final", name, number)
        if kind == "function":
            yield answer, ""
            with contextlib.suppress(NotYet):
                kind, answer, same = self._fetch("written", name, number)
                if kind == "function" and not same:
                    yield answer, "it was graded as it was when it was defined; what it uses is changed later"
        elif function := self._elsewhere(name, number):
            yield function
        elif kind == "value":
            yield answer, ""
        else:
            raise NotYet(self._missing(name) if kind == "missing" else answer)

    def _elsewhere(self, name: str, number: int) -> tuple[object, str] | None:
        """The function that a name stood for before it was used again, or another one that its check was given."""
        before = f"at the end {name} is no function; it was graded as it was before"
        given = f"there is no {name}; the function that its check was given was graded"
        for which, told in (("written", before), ("given", given)):
            with contextlib.suppress(NotYet):
                kind, answer, _ = self._fetch(which, name, number)
                if kind == "function":
                    return answer, told
        return None

    def _fetch(self, which: str, name: str, number: int) -> tuple[str, object, bool]:
        """The kind of an answer, the answer (or why it is odd), and whether nothing of it has changed since."""
        self.broken = None
        request = {"do": "fetch", "which": which, "name": name, "assignment": self.assignment, "number": number}
        reply, value = self._ask(request, None, self.limits.call)
        kind, same = reply.get("is") or "missing", reply.get("same") is True
        if kind == "function":
            return kind, self._function(name, number), same
        if kind == "value" and value is ...:
            raise Unanswered(BLANK)
        return kind, value if kind == "value" else clean(reply.get("why") or ""), same

    def twice(self, name: str) -> str:
        """What a person should know where a name is defined more than once."""
        defines = re.compile(rf"^(?:async )?(?:def|class)\s+{name}\b|^{name}\s*=\s*lambda\b", re.M)
        cells = [str(number) for number, code in enumerate(self.cells, start=1) for _ in defines.finditer(code)]
        return f"{name} is defined in the code cells {', '.join(cells)}; the last one counts" if len(cells) > 1 else ""

    def _missing(self, name: str) -> str:
        defines = re.compile(rf"^\s*(?:def\s+{name}\b|class\s+{name}\b|{name}\s*[:=]|.*\b{name}\b.*=)", re.M)
        for number, code in reversed(list(enumerate(self.cells, start=1))):
            if defines.search(code):
                reason = self.left_out.get(number) or self.errors.get(number)
                return f"{name} is not there: its cell failed ({reason})" if reason else f"{name} was deleted again"
        return f"{name} is not in the notebook"

    def _function(self, name: str, number: int) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            request = {"do": "call", "assignment": self.assignment, "number": number}
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


def _failure(line: str, kind: str, text: str) -> str:
    """What a statement failed with, for the student."""
    told = clean(f"{kind}: {text}" if kind and text else kind or text)
    return f"{told}, at `{clean(line, 120)}`, which was skipped" if line.strip() else told


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
