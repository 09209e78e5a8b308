"""A notebook's Python inside the sandbox: a statement that fails is skipped, noted, and the rest of its cell is run.

So a line that only this sandbox cannot run (Colab's drive, a library that is not here, a download) costs itself alone.
"""

import ast
import linecache
import re
import sys
from collections.abc import Callable

import IPython.core.interactiveshell as interactive
import statements
from IPython.core.error import UsageError
from IPython.core.pylabtools import import_pylab

LONGEST = 2000  # characters of an error's text
MOST = 20  # statements of one cell that are told; a cell with more has the rest skipped in silence
MAGIC = re.compile(r"get_ipython\(\)\.run_(?:line|cell)_magic\('(\w+)', '([^']*)'.*")
FRONT_END = ("matplotlib", "autosave", "connect_info", "qtconsole")  # what they set up, nobody looks at


class TooLong(BaseException):
    """Raised where the time of a cell or a call is up; no ``except Exception`` swallows it."""


class Shell(interactive.InteractiveShell):
    """IPython without history and colors, which goes on after a statement that fails.

    Attributes:
        failed: of the cell that runs, ``[statement, kind of error, its text]`` of each statement that failed.
        stopped: whether the time of the cell was up.
        after: called after each statement.
    """

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self.failed: list[list[str]] = []
        self.stopped = False
        self.after: Callable[[], None] = lambda: None

    async def run_code(self, code_obj, result=None, *, async_: bool = False) -> bool:
        """Run one statement; IPython goes on with the next one unless this is True."""
        own = result or interactive.ExecutionResult(None)
        failed = await super().run_code(code_obj, own, async_=async_)
        self.after()
        if not failed:
            return False
        error, own.error_in_exec = own.error_in_exec, None
        self.note(_line(code_obj), error)
        return self.stopped

    def note(self, line: str, error: BaseException) -> None:
        """Keep what failed, and why."""
        self.stopped = self.stopped or isinstance(error, TooLong)
        if len(self.failed) < MOST and not isinstance(error, TooLong):
            self.failed.append([line.strip()[:200], type(error).__name__[:100], text_of(error)])

    def run(self, source: str) -> None:
        """Run a cell; what became of it is in :attr:`failed` and :attr:`stopped`."""
        self.failed, self.stopped = [], False
        source = source.lstrip("\n")
        head = re.match(r"\s*%%(\w+)[^\n]*\n?", source)
        if head and (head[1] == "time" or self.find_cell_magic(head[1]) is None):
            if head[1] != "time":
                self.note(head[0], UsageError(f"Cell magic `%%{head[1]}` not found."))
            source = source[head.end() :]
        if self._parsed(source):
            return
        for part in statements.split(source):
            if not self.stopped and not self._parsed(part):
                self.note(_first(part), self.error)

    def _parsed(self, source: str) -> bool:
        """Run a text as far as it is Python; False, and nothing of it has been run, where it is not."""
        result = self.run_cell(source, store_history=False, silent=False)
        self.error = result.error_before_exec
        if isinstance(self.error, SyntaxError):
            return False
        if self.error:  # the time was up while an earlier error was being shown
            self.note("", self.error)
        return True


class _Single(ast.NodeTransformer):
    """``import a, b`` as two statements, so that one that is missing does not take the other with it."""

    def visit_Module(self, node: ast.Module) -> ast.Module:
        node.body = [part for statement in node.body for part in self._parts(statement)]
        return node

    def _parts(self, node: ast.stmt) -> list[ast.stmt]:
        if not isinstance(node, (ast.Import, ast.ImportFrom)) or getattr(node, "module", "") == "__future__":
            return [node]
        if isinstance(node, ast.Import):
            return [ast.copy_location(ast.Import([name]), node) for name in node.names]
        return [ast.copy_location(ast.ImportFrom(node.module, [name], node.level), node) for name in node.names]


def _line(code: object) -> str:
    """The line with which a statement begins, as the student wrote it."""
    first = min((line for _, _, line in code.co_lines() if line), default=1)
    return MAGIC.sub(r"%\1 \2", linecache.getline(code.co_filename, first).strip())


def _first(part: str) -> str:
    lines = [line for line in part.splitlines() if line.strip()]
    return next((line for line in lines if not line.lstrip().startswith("#")), part)


def text_of(error: BaseException) -> str:
    """What an exception says; nothing where that fails too."""
    try:
        if isinstance(error, SyntaxError):
            return f"{error.msg}, line {error.lineno}"  # and not the name that IPython gave the cell
        return str(error)[:LONGEST]
    except BaseException:  # an exception of the submission's own making
        return ""


def shell() -> Shell:
    """A notebook's Python: magics, ``!`` and top-level await are there, history and colors are not."""
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    made = Shell.instance(config=config)
    made.ask_exit = lambda: None  # exit() ends a notebook's Python after the cell; here the next cells want it
    for name in FRONT_END:
        made.register_magic_function(lambda line: None, "line", name)

    def pylab(line: str) -> None:
        import_pylab(made.user_ns, import_all="--no-import-all" not in line)

    made.register_magic_function(pylab, "line", "pylab")
    configure = made.find_line_magic("config")

    def configured(line: str) -> object:
        return None if line.strip().startswith("InlineBackend") else configure(line)  # that is how pictures look

    made.magics_manager.magics["line"]["config"] = configured
    made.ast_transformers.append(_Single())
    sys.path.insert(0, "")  # a module that a cell wrote is found
    sys.modules["__main__"] = made.user_module  # what a notebook defines lives there
    return made
