"""Progress: a bar in a terminal, one line that rewrites itself in a notebook.

Text bars leave a gray box for every update in a built page, so a notebook gets a display that is updated in place.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")

_PERIOD = 0.2  # seconds between two updates


def progress(
    items: Iterable[Item], total: int, *, start: int = 0, text: Callable[[Item], str] = lambda item: ""
) -> Iterator[Item]:
    """Hand on the items of a loop and show how far it is.

    Args:
        items: what the loop goes through.
        total: how many there are in all.
        start: how many are done already.
        text: something to say of the newest item; asked only when the line is rewritten.

    Returns:
        The items, unchanged, one after the other.
    """
    show = _notebook if _in_notebook() else _terminal
    return show(items, total, start, text)


@contextmanager
def counter(unit: str, **options: object) -> Iterator[Callable[[int, int | None], None]]:
    """A bar in a terminal for work that reports by itself how far it is.

    Args:
        unit: what is counted.
        options: more of tqdm's.

    Yields:
        A function of how many are done, and of how many in all (None where that is not known).
    """
    with tqdm(unit=unit, disable=None, leave=False, **options) as bar:

        def update(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield update


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and shell.has_trait("kernel")


def _terminal(items: Iterable[Item], total: int, start: int, text: Callable[[Item], str]) -> Iterator[Item]:
    # no bar where standard error is a file: a log wants lines
    with tqdm(total=total, initial=start, disable=None, mininterval=_PERIOD, leave=False, unit="step") as bar:
        due = 0.0
        for item in items:
            yield item
            bar.update()
            if not bar.disable and time.monotonic() >= due:
                bar.set_postfix_str(text(item), refresh=False)
                due = time.monotonic() + _PERIOD


def _notebook(items: Iterable[Item], total: int, start: int, text: Callable[[Item], str]) -> Iterator[Item]:
    from IPython.display import display

    began, due, done, item = time.monotonic(), 0.0, start, None
    line = display({"text/plain": "starting"}, raw=True, display_id=True)

    def show() -> None:
        said = f" · {text(item)}" if item is not None else ""
        words = f"{done:,} of {total:,}{said} · {time.monotonic() - began:.0f} s"
        line.update({"text/plain": words}, raw=True)

    for item in items:
        yield item
        done += 1
        if time.monotonic() >= due:
            show()
            due = time.monotonic() + _PERIOD
    show()
