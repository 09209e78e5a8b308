"""Notebooks for grading as programs, platforms and people leave them, damaged and absurd."""

import json
from functools import partial
from pathlib import Path
from random import Random

from grader import collect, notebook, written
from grader.inside import statements

from fuzz.guard import Case
from fuzz.mutate import JUNK, changed, damaged

ROOT = Path(__file__).resolve().parents[2]
CODE = (
    "x = (", "if a:", "try:",
        'x = """', "'''", ")", "def f(:", "%%bash", "!ls", "%time 1", "# %%", "# In[3]:", "@", "\\",
    "# COMMAND ----------", "# MAGIC %md words", "checks.stages(1, f)", "\t x", "\0", "é = 1", "\ud800",
    "class A: pass", "#" * 300,
    "x = " + "(" * 300, "x = " + "-" * 3000 + "1", "x" * 30_000, "lambda: " * 500, "f'{x!r:{y}}'",
        "[" * 90 + "]" * 90, "1" * 5000,
    "async def f(): await x", "match x:\n    case 1: pass", "\f", "\r", "\x85",
    "print('", "import os", "* " * 2000, "_" * 3000,
)  # fmt: skip


def prepare(place: Path) -> list[dict]:
    """The notebooks that students get, as their files have them."""
    found = sorted((ROOT / "book" / "exercises").glob("*/student.ipynb"))
    return [json.loads(path.read_bytes()) for path in found]


def case(chance: Random, place: Path, given: list[dict]) -> Case:
    """One file, read as grading reads it."""
    stored = chance.choice(given)
    template = notebook.read(json.dumps(stored).encode())
    data = chance.choice((_json, _json, _damaged, _script, _script, _encoded))(chance, stored)
    return Case(partial(_graded, data, template))


def _graded(data: bytes, template: notebook.Notebook) -> None:
    """What grading does with a file before anything of it runs; what is found must be fit to be written."""
    read = collect.read(notebook.slim(data))
    kind = collect.assignment(read, collect.NAMES)
    found, remarks = written.find(read, template)
    parts = [part for cell in read.cells for part in statements.split(cell)]
    assert [text for cell in read.cells for text in statements.split(cell)] == parts
    told = [
        *found.values(),
        *remarks,
        *read.cells,
        read.words,
        read.remark,
        kind or "",
        *map(statements.problem, parts),
    ]
    "".join(told).encode()


def _json(chance: Random, stored: dict) -> bytes:
    record = changed(stored, chance, chance.choice((1, 3, 10)))
    if chance.random() < 0.2:
        cells = stored["cells"]
        record = chance.choice((
            {"worksheets": [{"cells": chance.choice(JUNK)}]}, {"worksheets": chance.choice(JUNK)},
            {"cells": chance.choice(JUNK)},
            {"worksheets": [{"cells": [{"cell_type": "code", "input": chance.choice(JUNK)}]}]}, cells, [stored],
            {"cells": [{"cell_type": chance.choice(JUNK), "source": chance.choice(JUNK)} for _ in range(5)]},
            {"cells": [{"cell_type": "code", "source": _lines(chance)}, *cells]}, {"cells": cells * 30},
        ))  # fmt: skip
    return json.dumps(record).encode()


def _damaged(chance: Random, stored: dict) -> bytes:
    return damaged(json.dumps(stored, indent=chance.choice((None, 1))).encode(), chance)


def _lines(chance: Random) -> str:
    few = [chance.choice(CODE) for _ in range(chance.choice((1, 3, 8)))]
    return "\n".join(few * chance.choice((1, 1, 3, 100, 400)))


def _script(chance: Random, stored: dict) -> bytes:
    cells = ["".join(cell["source"]) for cell in stored["cells"] if cell["cell_type"] == "code"]
    text = _lines(chance) + "\n" + chance.choice(("", "\n# %%\n".join(cells), "\n".join(cells)))
    return text.encode(errors="surrogatepass")


def _encoded(chance: Random, stored: dict) -> bytes:
    text = json.dumps(stored, ensure_ascii=False)
    head = chance.choice((b"", b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0" * 9, b" \n"))
    body = chance.choice((
        text.encode("utf-16"), text.encode("utf-32"), text.encode("latin-1", "replace"), b"[" * 200_000,
            b'{"cells": [' + b"{}," * 9 + b"{}]}",
        b"<html><body>Sign in</body></html>", b"\x80\x04\x95", b'{"a": ' * 5000, b"NaN", b"1" * 6000,
            b'"' + b"\\" * 9999, b"",
    ))  # fmt: skip
    return head + body
