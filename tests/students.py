"""A class of submissions for tests of the grading: right ones, wrong ones, and such as only people can think of."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

IMPORTS = (
    "import math\nimport torch\nimport torch.nn.functional as F\nimport srcnn"  # what those answers take for granted
)
LATIN = "# Mitternacht in Zürich, café"
LOOP = "while True:\n    pass"
STUBBORN = "while True:\n    try:\n        while True:\n            x = 1\n    except BaseException:\n        y = 2"
FORKS = """import os, time
children = []
try:
    for _ in range(300):
        child = os.fork()
        if child == 0:
            time.sleep(1000)
        children.append(child)
except OSError as error:
    raise RuntimeError(f"held after {len(children)}, {type(error).__name__}")"""
FLOOD = "line = 'x' * 2**20\nfor _ in range(1024):\n    print(line)"
NOISE = "import sys, warnings\nfor _ in range(2000):\n    print('noise', file=sys.stderr)\nwarnings.warn('more')"
FORGED = """import os
for end in range(3, 40):
    try:
        os.write(end, b'\\0' * 7 + b'\\x20' + b'\\0' * 8 + b'{"done": true, "value": null}   ')
    except OSError:
        pass"""
MAGIC = "%matplotlib inline\n!ls /\n%time 1 + 1\nassert 1 < 0, 'to the end'"
PATCHES = """import builtins, numpy, torch, srcnn.checks, srcnn.checks.judging
torch.allclose = torch.equal = numpy.allclose = lambda *a, **k: True
srcnn.checks.judging.agrees = srcnn.checks.judging.judge = lambda *a, **k: None
builtins.abs = lambda x: 0
builtins.all = lambda x: True"""
BURGLAR = """import os
found = []
for place in PLACES:
    try:
        found += os.listdir(place) if os.path.isdir(place) else [open(place).read()]
    except OSError:
        pass
    try:
        open(place + "/planted" if os.path.isdir(place) else place, "w").write("planted")
        found.append("wrote")
    except OSError:
        pass
raise RuntimeError(f"found {found}")"""
NETWORK = """import socket
try:
    socket.create_connection(("1.1.1.1", 53), timeout=2)
    raise RuntimeError("reached it")
except OSError as error:
    raise RuntimeError(f"no network, {error.strerror}")"""
SECRETS = "import os\nraise RuntimeError(f'sees {sorted(os.environ)}')"
PICKLE = """
def {name}(*args):
    class Trick:
        def __reduce__(self):
            return (open, ("planted", "w"))
    return Trick()"""
ALWAYS = """
def {name}(*args):
    class Always:
        shape, dtype = (), None
        def __eq__(self, other): return True
        def __ne__(self, other): return False
        def __lt__(self, other): return True
        __gt__ = __le__ = __ge__ = __lt__
        def __bool__(self): return True
        def __sub__(self, other): return 0
        __rsub__ = __abs__ = __sub__
    return Always()"""


@dataclass(frozen=True)
class Handed:
    """One submission and what should come of it.

    Attributes:
        path: of the file, in the folder of the submissions.
        data: its content.
        cells: those that decide the points, and do no harm; None where nothing can be graded.
        told: what its page must say, as regular expressions.
        lost: questions that get no points whatever the cells are.
        hint: question -> piece of the hint that it must get.
    """

    path: str
    data: bytes
    cells: tuple[str, ...] | None
    told: tuple[str, ...] = ()
    lost: tuple[int, ...] = ()
    hint: dict[int, str] = field(default_factory=dict)


class Maker:
    """Makes submissions of one assignment.

    Args:
        solution: the notebook with the right answers.
        names: number of a question -> what it asks for.
    """

    def __init__(self, solution: Path, names: dict[int, str]) -> None:
        self.whole = json.loads(solution.read_text(encoding="utf-8"))
        self.names = names
        sources = ["".join(cell["source"]) for cell in self.whole["cells"] if cell["cell_type"] == "code"]
        # without the set-up, the checks and the pictures, which take time
        self.cells = tuple(
            source
            for source in sources
            if any(defines(source, name) for name in names.values())
            or (source.startswith(("import ", "from ")) and "find_spec" not in source)
        )

    def place(self, number: int) -> int:
        """Where the cell of a question is."""
        return next(k for k, source in enumerate(self.cells) if defines(source, self.names[number]))

    def instead(self, number: int, *sources: str) -> tuple[str, ...]:
        """The right cells, but other ones for a question."""
        k = self.place(number)
        return *self.cells[:k], *sources, *self.cells[k + 1 :]

    def extra(self, *sources: str) -> tuple[str, ...]:
        """The right cells and more in their middle."""
        k = self.place(sorted(self.names)[len(self.names) // 2])
        return *self.cells[:k], *sources, *self.cells[k:]


def defines(source: str, name: str) -> bool:
    """Whether a cell defines a function or a value."""
    return any(line.startswith((f"def {name}(", f"{name} =")) for line in source.splitlines())


def notebook(cells: tuple[str, ...]) -> bytes:
    """A notebook of code cells, with no more than it must have."""
    made = [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}
        for source in cells
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}).encode()


def foreign(cells: tuple[str, ...]) -> bytes:
    """As another program on another machine would have stored it."""
    stored = json.loads(notebook(cells))
    stored["metadata"] = {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}, "colab": {"name": "x"}}
    for k, cell in enumerate(stored["cells"]):
        cell["source"] = cell["source"].splitlines(keepends=True)
        cell["metadata"] = {"id": f"c{k}", "outputId": "0", "tags": ["raises-exception"]}
        cell["outputs"] = [{"output_type": "error", "ename": "OSError", "evalue": "C:\\Users", "traceback": ["?"]}]
    return json.dumps(stored).encode()


def old(cells: tuple[str, ...]) -> bytes:
    """A notebook of the format of 2013."""
    made = [{"cell_type": "code", "language": "python", "input": source, "outputs": []} for source in cells]
    return json.dumps({"worksheets": [{"cells": made}], "metadata": {}, "nbformat": 3}).encode()


def files_of_all_kinds(make: Maker) -> Iterator[Handed]:
    """Files as programs and browsers store and spoil them."""
    right, whole = make.cells, json.dumps(make.whole)
    yield Handed("whole.ipynb", whole.encode(), right)
    bare = [{"cell_type": c["cell_type"], "source": c["source"]} for c in make.whole["cells"]]
    yield Handed("no metadata.ipynb", json.dumps({"cells": bare}).encode(), right)
    yield Handed("elsewhere.ipynb", foreign(right), right)
    yield Handed("old.ipynb", old(right), right)
    yield Handed("mark.ipynb", b"\xef\xbb\xbf" + notebook(right), right)
    yield Handed("wide.ipynb", notebook(right).decode().encode("utf-16"), right)
    latin = json.dumps(json.loads(notebook((LATIN, *right))), ensure_ascii=False).encode("latin-1")
    yield Handed("latin.ipynb", latin, right, ("Latin-1",))
    yield Handed("script.ipynb", "\n\n# %%\n".join(right).encode(), right, ("it was graded as such",))
    yield Handed("Ann Lee_77_file_/measure.ipynb", notebook(right), right)
    yield Handed("ann lee_77_FILE_/work.ipynb.txt", notebook(right), right)
    yield Handed("<img src=x onerror=alert(1)>.ipynb", notebook(right), right)
    yield Handed("=1+1.ipynb", notebook(right), right)
    yield Handed("x" * 200 + ".ipynb", notebook(right), right)
    yield Handed("cut.ipynb", whole[: len(whole) // 2].encode(), None, ("cut off",))
    yield Handed("empty.ipynb", b"", None, ("empty",))
    yield Handed("binary.ipynb", bytes(range(256)) * 8, None, ("not text",))
    yield Handed("page.ipynb", b"<!doctype html><p>Sign in", None, ("web page",))
    yield Handed("list.ipynb", b"[1, 2]", None, ("no list of cells",))
    yield Handed("deep.ipynb", b"[" * 100_000, None, ("no",))
    yield Handed("prose.ipynb", b"Dear teacher, my dog", None, ("neither",))
    yield Handed("other.ipynb", notebook(("x = 1",)), None, ("nothing in the notebook belongs",))
    yield Handed("picture.png", b"\x89PNG", None, ("no notebook",))


def cells_of_all_kinds(make: Maker, places: list[str]) -> Iterator[Handed]:
    """Cells that hang, end Python, or look where they should not; the answers are right."""

    def extra(name: str, source: str, *told: str) -> Handed:
        cells = make.extra(source)
        return Handed(f"{name}.ipynb", notebook(cells), make.cells, told)

    untidy = make.extra("import sys\nsys.exit(1)", "exit()\nquit()", NOISE, "name = input()", MAGIC)
    yield Handed("untidy.ipynb", notebook(untidy), make.cells, ("SystemExit", "EOFError", "AssertionError: to the end"))
    tries = "hoard = [bytearray(2**28) for _ in range(100)]", "open('big', 'wb').write(bytes(2**30))"
    tries += f"PLACES = {places!r}\n{BURGLAR}", NETWORK, SECRETS
    told = "MemoryError", "OSError", r"RuntimeError: found \[\]", "no network", "RuntimeError: sees"
    yield Handed("harmless.ipynb", notebook(make.extra(*tries)), make.cells, told)
    yield extra("loop", LOOP, "ran longer than")
    yield extra("stubborn", STUBBORN, "did not stop")
    yield extra("ends", "import os\nos._exit(0)", "ended Python")
    yield extra("faults", "import ctypes\nctypes.string_at(0)", "ended Python")
    yield extra("kills", "import os\nos.kill(os.getpid(), 9)", "ended Python")
    yield extra("forks", FORKS, "held after [0-9]+, BlockingIOError|started more than 64 processes")
    yield extra("bomb", "import os\nwhile True:\n    os.fork()", "Code cell")
    yield extra("twin", "import os\nchild = os.fork()")
    yield extra("flood", FLOOD, "printed more than")
    yield extra("memory", "hoard = [bytearray(2**28) for _ in range(100)]", "MemoryError")
    yield extra("disk", "open('big', 'wb').write(bytes(2**30))", "OSError")
    yield extra("forged", FORGED, "that nobody asked for")
    yield extra("burglar", f"PLACES = {places!r}\n{BURGLAR}", r"RuntimeError: found \[\]")
    yield extra("network", NETWORK, "no network")
    yield extra("secrets", SECRETS, "RuntimeError: sees")


def answers_of_all_kinds(make: Maker) -> Iterator[Handed]:
    """Last answers, which no other one uses, that are missing, doubled, or try to look right without being so."""
    first, *_, last = sorted(make.names)
    name = make.names[last]
    right, without = make.cells[make.place(last)], make.instead(last)
    wrong = f"def {name}(*args):\n    return 17"

    def other(file: str, *sources: str, told: tuple = ()) -> Handed:
        return Handed(f"{file}.ipynb", notebook(make.instead(last, *sources)), without, told, (last,))

    def returns(what: str) -> str:
        return f"import os\ndef {name}(*args):\n    {what}"

    yield other("deleted", told=("is not in the notebook",))
    yield other("doubled, wrong last", right, wrong)
    doubled = make.instead(last, wrong, right)
    yield Handed("doubled, right last.ipynb", notebook(doubled), doubled)
    yield other("stub", returns("return ..."), told=("Not answered yet",))
    yield other("fails", returns("return 1 / 0"), told=("stops with ZeroDivisionError",))
    yield other("broken cell", f"def {name}(*args)\n    return 1", told=("its cell failed .SyntaxError",))
    yield other("patches", PATCHES, wrong)
    yield other("pickle", PICKLE.format(name=name), told=("of the kind Trick",))
    yield other("always", ALWAYS.format(name=name), told=("of the kind Always",))
    yield other("endless", returns("while True: pass"), told=("took longer than",))
    yield other("deadly", returns("os._exit(0)"), told=("ended Python",))
    yield other("number", f"{name} = float('nan')")
    yield other("huge", returns("return 10 ** 5000"), told=("more than 4096 binary digits",))
    cells = make.instead(first)
    yield Handed("partly.ipynb", notebook(cells), cells, lost=(first,))
    empty = tuple(f"def {name}(*args):\n    return ..." for name in make.names.values())
    yield Handed("blank.ipynb", notebook(empty), (), lost=tuple(make.names))


def wrong_answers(make: Maker, answers: dict[int, list[tuple[str, str]]]) -> Iterator[Handed]:
    """One submission for each wrong answer, right in all else."""
    for number, wrong in sorted(answers.items()):
        for k, (source, hint) in enumerate(wrong):
            cells = IMPORTS, *make.instead(number, source)
            yield Handed(f"question {number}, mistake {k}.ipynb", notebook(cells), cells, hint={number: hint})


def right_answers(make: Maker, answers: dict[int, list[str]]) -> Iterator[Handed]:
    """One submission for each other right answer."""
    for number, right in sorted(answers.items()):
        for k, source in enumerate(right):
            cells = IMPORTS, *make.instead(number, source)
            yield Handed(f"question {number}, another way {k}.ipynb", notebook(cells), cells)


def repeated(handed: list[Handed], count: int) -> Iterator[Handed]:
    """As many submissions as are wanted, the same ones again under other names."""
    for k, one in enumerate(itertools.islice(itertools.cycle(handed), count)):
        first, *rest = one.path.split("/")
        stem, dot, ending = first.rpartition(".") if not rest else (first, "", "")
        path = one.path if k < len(handed) else "/".join([f"{stem} {k}{dot}{ending}", *rest])
        yield Handed(path[-230:], one.data, one.cells, one.told, one.lost, one.hint)
