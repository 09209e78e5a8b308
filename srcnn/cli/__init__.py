"""The command ``srcnn``: words in, one call to the package, lines out.

A wrong word ends in one sentence and status 2.
"""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from srcnn import distributed
from srcnn.cli.arguments import understood
from srcnn.cli.errors import out_of_memory, sentence
from srcnn.files import InputError, Notice


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: its words; those of the command line where it is None.

    Returns:
        0, or 2 after one sentence on standard error about what was wrong, or 1 when a process of several was lost,
        or 130 when interrupted, or 141 when nobody reads what it prints any more.
    """
    try:
        with _output(), _notices():
            given = understood(argv)
            with _data_root(getattr(given, "root", None)):
                given.run(given)
        return 0
    except BrokenPipeError:  # no fault: `srcnn data list | head -1`
        return 141
    except (InputError, OSError, MemoryError, torch.OutOfMemoryError) as error:
        if distributed.is_main_process() or not isinstance(error, InputError):
            print(f"srcnn: {sentence(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        if distributed.is_main_process():
            print("; ".join(filter(None, ["srcnn: interrupted", str(interrupt)])), file=sys.stderr)
        return 130
    except distributed.WorkerLost as error:
        print(f"srcnn: {error}", file=sys.stderr)
        return 1
    except RuntimeError as error:
        if type(error).__module__.startswith(("torch._inductor", "torch._dynamo")):
            cause = str(error).partition("\n")[0][:200]
            print(f"srcnn: torch.compile cannot work here; leave out --compile ({cause})", file=sys.stderr)
            return 2
        if not out_of_memory(error):
            raise
        print(f"srcnn: {sentence(error)}", file=sys.stderr)
        return 2


@contextmanager
def _notices() -> Iterator[None]:
    """Tell once what the package warns of, as a line of the command's own."""
    show = warnings.showwarning

    def tell(message: Any, category: type[Warning], *where: Any, **further: Any) -> None:
        if not issubclass(category, Notice):
            show(message, category, *where, **further)
        elif distributed.is_main_process():
            print(f"srcnn: {sentence(message)}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("default", Notice)
        warnings.showwarning = tell
        yield


@contextmanager
def _data_root(root: str | None) -> Iterator[None]:
    """Let everything that runs within it, other processes too, look for image sets in ``--root`` first."""
    before = os.environ.get("SRCNN_ROOT", "")
    os.environ["SRCNN_ROOT"] = root or before
    try:
        yield
    finally:
        os.environ["SRCNN_ROOT"] = before  # empty says nothing, as if it were not there


@contextmanager
def _output() -> Iterator[None]:
    """Let a command print where standard output is closed, full, or a pipe whose reader has left.

    Raises:
        OSError: what was printed could not be handed over.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed: print passes over that, a bar does not
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, open as long as we run
    if getattr(sys.stdout, "errors", None) == "strict" and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may have letters that the terminal lacks
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains again at its end
            raise
