"""progress: a bar where somebody watches, nothing where nobody does, and never a change to the items."""

import io
import sys
import types

import pytest

from srcnn.cli import progress as module
from srcnn.cli.progress import counter, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Notebook:
    """Stands for IPython in a kernel; ``shown`` holds each text that its one line has had."""

    def __init__(self, monkeypatch, *, kernel: bool = True) -> None:
        self.shown, self.displays = [], 0
        shell = types.SimpleNamespace(has_trait=lambda name: kernel and name == "kernel")
        ipython = types.ModuleType("IPython")
        ipython.get_ipython = lambda: shell
        ipython.display = types.ModuleType("IPython.display")
        ipython.display.display = self.display
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        monkeypatch.setitem(sys.modules, "IPython.display", ipython.display)

    def display(self, data: dict, *, raw: bool, display_id: bool) -> "Notebook":
        assert raw
        assert display_id
        self.displays += 1
        self.shown.append(data["text/plain"])
        return self

    def update(self, data: dict, *, raw: bool) -> None:
        assert raw
        self.shown.append(data["text/plain"])


@pytest.fixture(autouse=True)
def _no_ipython(monkeypatch):
    """As in a terminal, whatever another test imported."""
    monkeypatch.setitem(sys.modules, "IPython", None)


def terminal(monkeypatch) -> Terminal:
    """A terminal for standard error; no fixture, because pytest sets its own stream between set-up and test."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def test_nothing_is_printed_where_nobody_watches(capsys):
    asked = []
    assert list(progress(range(3), 3, text=asked.append)) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")
    assert asked == []


def test_a_terminal_gets_a_bar_with_the_count_and_the_text(monkeypatch):
    watched = terminal(monkeypatch)
    monkeypatch.setattr(module, "_PERIOD", 0.0)
    items = [object() for _ in range(5)]
    assert list(progress(items, 8, start=3, text=lambda item: f"item {items.index(item)}")) == items
    assert "8/8" in watched.getvalue()
    assert "3/8" in watched.getvalue()  # what was done before counts
    assert "item 3" in watched.getvalue()


def test_a_terminal_is_left_clean(monkeypatch):
    watched = terminal(monkeypatch)
    list(progress(range(3), 3))
    assert "0/3" in watched.getvalue()
    assert "\n" not in watched.getvalue()
    assert watched.getvalue().split("\r")[-2].strip() == ""  # overwritten with blanks


def test_a_shell_of_ipython_without_a_kernel_is_a_terminal(monkeypatch):
    watched, notebook = terminal(monkeypatch), Notebook(monkeypatch, kernel=False)
    list(progress(range(3), 3))
    assert notebook.shown == []
    assert "0/3" in watched.getvalue()


def test_a_notebook_gets_one_line_that_is_rewritten(capsys, monkeypatch):
    monkeypatch.setattr(module, "_PERIOD", 0.0)
    notebook = Notebook(monkeypatch)
    assert list(progress("abc", 1_003, start=1_000, text=lambda item: f"letter {item}")) == ["a", "b", "c"]
    assert notebook.displays == 1
    assert [text.rsplit(" · ", 1)[0] for text in notebook.shown[1:]] == [
        "1,001 of 1,003 · letter a",
        "1,002 of 1,003 · letter b",
        "1,003 of 1,003 · letter c",
        "1,003 of 1,003 · letter c",
    ]
    assert capsys.readouterr() == ("", "")


def test_a_notebook_is_not_rewritten_for_every_item_and_ends_with_the_last(monkeypatch):
    notebook = Notebook(monkeypatch)
    asked = []
    list(progress(range(10_000), 10_000, text=lambda item: asked.append(item) or ""))
    assert len(asked) < 50  # the loop takes milliseconds, the period is 0.2 s
    assert asked[-1] == 9_999
    assert notebook.shown[-1].startswith("10,000 of 10,000")


@pytest.mark.parametrize("watched", [True, False])
def test_an_empty_loop_is_no_accident(watched, monkeypatch):
    notebook = Notebook(monkeypatch, kernel=watched)
    assert list(progress([], 5, start=5)) == []
    assert not watched or notebook.shown[-1].startswith("5 of 5 · ")


def test_stopping_early_closes_the_loop_below():
    closed = []

    def items():
        try:
            yield from range(10)
        finally:
            closed.append(True)

    watched = progress(items(), 10)
    assert next(watched) == 0
    watched.close()
    del watched
    assert closed == [True]


def test_work_that_counts_by_itself_gets_a_bar_too(monkeypatch):
    watched = terminal(monkeypatch)
    with counter("tile", mininterval=0) as count:
        count(2, 5)
        count(5, 5)
    assert "2/5" in watched.getvalue()
    assert "5/5" in watched.getvalue()
    with counter("B") as count:
        count(2_000, None)  # a download of unknown length


def test_work_that_counts_by_itself_is_silent_where_nobody_watches(capsys):
    with counter("tile") as count:
        count(2, 5)
    assert capsys.readouterr() == ("", "")
