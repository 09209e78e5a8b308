"""Notebooks as students hand them in: right answers, and around them habits that no program expects, drawn by dice."""

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

Sheet = list[tuple[str, str]]  # kind of a cell (code, markdown), and its text
PLAIN = "import torch\nimport torch.nn.functional as F\nfrom srcnn import checks"  # what the answers take for granted


@dataclass
class Work:
    """A notebook that is being written.

    Attributes:
        draw: the dice.
        sheet: its cells.
        names: number of a question -> what it asks for.
        used: the habits that it has.
        wrong: the question that is answered wrongly, if one is.
    """

    draw: random.Random
    sheet: Sheet
    names: dict[int, str]
    used: list[str] = field(default_factory=list)
    wrong: int | None = None

    def place(self, pattern: str) -> int:
        """Where the first code cell is in which a pattern is found."""
        return next(k for k, (kind, text) in enumerate(self.sheet) if kind == "code" and re.search(pattern, text, re.M))

    def answer(self, number: int) -> int:
        return self.place(rf"^def \w*{self.names[number]}\(")

    def check(self, number: int) -> int:
        return self.place(rf"^checks\.stages\({number},")

    def change(self, k: int, text: str) -> None:
        self.sheet[k] = self.sheet[k][0], text


# Lines of the import cell that only a sandbox cannot run, or that are no Python outside of a notebook
LINES = (
    "from google.colab import drive\ndrive.mount('/content/drive')",
    "from google.colab import files\nfiles.upload()",
    "import os\nos.chdir('/content/drive/MyDrive/Colab Notebooks')",
    "import cv7",
    "import os, cv7, math",
    "from skimage_of_my_own import metrics, io",
    "from torchvision import transforms, no_such_thing",
    "%autosave 60",
    "%pylab inline --no-import-all",
    "%config InlineBackend.figure_format = 'retina'",
    "%load_ext lab_black",
    "%tensorflow_version 2.x",
    "import matplotlib.pyplot as plt\nplt.style.use('seaborn-from-2018')",
    "import urllib.request\nurllib.request.urlretrieve('http://example.org/t91.zip', 't91.zip')",
    "data = open('../data/t91/list.txt').read()",
    "!wget -q http://example.org/t91.zip",
    "device = torch.zeros(1).to('cuda')",
    "name = input('Your name: ')",
    "assert torch.cuda.is_available(), 'choose a GPU'",
    "my name is Jane, and this is the second homework",
    "import tensorflow as tf; tf.random.set_seed(0)",
)
SLOW = (
    "!pip install -q opencv-python",
    "pip install opencv-python",
    "%pip install opencv-python",
)  # half a second each
# Cells between the answers
CELLS = (
    "this cell was prose, and somebody made code of it",
    "def unfinished(:\n    pass",
    "raise NotImplementedError('later')",
    "exit()",
    "%%bigquery table\nselect 1",
    "x = !ls\nprint(x)",
    "import time\nprint(time.time())",
    "checks.stages(99, None)",
    "# nothing but a comment",
    "",
    "await_me = 1\nfor k in range(3): print(k)",
    "import sys\nsys.exit('done')",
    "cv7.imshow('x', y)",
)


def a_line_that_only_the_sandbox_cannot_run(work: Work) -> None:
    k, lines = work.place("^import torch$"), work.sheet[work.place("^import torch$")][1].split("\n")
    lines.insert(work.draw.randint(0, len(lines)), work.draw.choice(LINES))
    work.change(k, "\n".join(lines))


def several_such_lines(work: Work) -> None:
    for _ in range(3):
        a_line_that_only_the_sandbox_cannot_run(work)


def a_cell_magic_over_the_imports(work: Work) -> None:
    k = work.place("^import torch$")
    if not work.sheet[k][1].startswith("%%"):
        head = work.draw.choice(["%%time", "%%capture", "%%black", "%%notify -m done", "\n%%time"])
        work.change(k, f"{head}\n{work.sheet[k][1]}")


def a_cell_that_fails(work: Work) -> None:
    work.sheet.insert(work.draw.randint(1, len(work.sheet)), ("code", work.draw.choice(CELLS)))


def a_name_used_again_after_its_check(work: Work) -> None:
    number = work.draw.choice(list(work.names))
    name = work.names[number]
    again = work.draw.choice([
        f"{name} = [{name}]", f"{name} = torch.rand(4, 4)", f"del {name}", f"def {name}(*args):\n    return None",
        f"{name} = None", f"for {name} in range(3):\n    pass", f"import math as {name}", f"{name}: int = 3",
    ])  # fmt: skip
    work.sheet.insert(work.draw.randint(work.check(number) + 1, len(work.sheet)), ("code", again))


def a_name_used_again_in_the_cell_of_its_answer(work: Work) -> None:
    number = work.draw.choice([n for n in work.names if n != work.wrong])
    k = work.answer(number)
    again = work.draw.choice(["{0} = torch.rand(3)", "del {0}", "{0} = 3"]).format(work.names[number])
    work.change(k, f"{work.sheet[k][1]}\n\n{again}")
    del work.sheet[work.check(number)]


def a_name_of_its_own(work: Work) -> None:
    number = work.draw.choice(list(work.names))
    k, check, name = work.answer(number), work.check(number), work.names[number]
    work.change(k, re.sub(rf"^def {name}\(", f"def my_{name}(", work.sheet[k][1], flags=re.M))
    work.change(check, work.sheet[check][1].replace(f", {name})", f", my_{name})"))


def a_helper_that_changes_later(work: Work) -> None:
    number = work.draw.choice(list(work.names))
    k, name = work.answer(number), work.names[number]
    body = re.sub(rf"^def {name}\(", "def helper(", work.sheet[k][1], flags=re.M)
    work.change(k, f"{body}\n\n\ndef {name}(*args):\n    return helper(*args)")
    after = ("code", work.draw.choice(["helper = 3", "def helper(a):\n    return a", "del helper"]))
    work.sheet.insert(work.draw.randint(work.check(number) + 1, len(work.sheet)), after)


def no_checks(work: Work) -> None:
    work.sheet = [cell for cell in work.sheet if not cell[1].startswith("checks.")]


def answer_and_check_in_one_cell(work: Work) -> None:
    number = work.draw.choice(list(work.names))
    k, check = work.answer(number), work.check(number)
    work.change(k, f"{work.sheet[k][1]}\n\n{work.sheet[check][1]}")
    del work.sheet[check]


def all_in_one_cell(work: Work) -> None:
    code = [text for kind, text in work.sheet if kind == "code" and not text.lstrip().startswith("%%")]
    rest = [cell for cell in work.sheet if cell[0] != "code" or cell[1].lstrip().startswith("%%")]
    work.sheet = [*rest, ("code", "\n\n".join(code))]


def the_stub_is_still_there(work: Work) -> None:
    number = work.draw.choice(list(work.names))
    stub = f"def {work.names[number]}(*args):\n    return ..."
    work.sheet.insert(work.draw.choice([work.answer(number), len(work.sheet)]), ("code", stub))


def a_cell_twice(work: Work) -> None:
    k = work.draw.randrange(len(work.sheet))
    work.sheet.insert(k, work.sheet[k])


HABITS: tuple[Callable[[Work], None], ...] = (
    a_line_that_only_the_sandbox_cannot_run,
    several_such_lines,
    a_cell_magic_over_the_imports,
    a_cell_that_fails,
    a_name_used_again_after_its_check,
    a_name_used_again_in_the_cell_of_its_answer,
    a_name_of_its_own,
    a_helper_that_changes_later,
    answer_and_check_in_one_cell,
    the_stub_is_still_there,
    a_cell_twice,
    no_checks,
    all_in_one_cell,
)  # fmt: skip  (those that take cells away come last)


def made(seed: int, answers: dict[int, tuple[str, str]], wrong: dict[int, str]) -> Work:
    """A notebook with two or three habits.

    Args:
        seed: of the dice.
        answers: number of a question -> name and right answer.
        wrong: number of a question -> a wrong answer; one notebook in four has one.
    """
    draw = random.Random(seed)
    work = Work(draw, [("markdown", "# My homework"), ("code", PLAIN)], {n: name for n, (name, _) in answers.items()})
    work.wrong = draw.choice(list(wrong)) if draw.random() < 0.25 else None
    for number, (name, right) in answers.items():
        work.sheet.append(("markdown", f"## Question {number}: {name}"))
        work.sheet.append(("code", wrong[number] if number == work.wrong else right))
        work.sheet.append(("code", f"checks.stages({number}, {name})"))
    for habit in sorted(draw.sample(HABITS, draw.choice([2, 3])), key=HABITS.index):
        try:
            habit(work)
        except StopIteration:
            continue  # an earlier habit took away what this one wants
        work.used.append(habit.__name__)
    return work


# How programs store a notebook


def as_notebook(sheet: Sheet) -> bytes:
    cells = [{"cell_type": kind, "metadata": {}, "source": text} for kind, text in sheet]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def with_outputs(sheet: Sheet) -> bytes:
    """With a picture under each cell."""
    stored = json.loads(as_notebook(sheet))
    for cell in stored["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)
        cell["outputs"] = [{"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo" * 4_000}}]
    return json.dumps(stored, indent=1).encode()


def for_windows(sheet: Sheet) -> bytes:
    return json.dumps(json.loads(as_notebook(sheet)), indent=1).replace("\n", "\r\n").encode("utf-8-sig")


def magics(text: str) -> str:
    """As Colab and nbconvert write the magics of a notebook into Python."""
    return re.sub(r"^( *)(%.*)$", r"# \1\2", text, flags=re.M)


def from_colab(sheet: Sheet) -> bytes:
    """File > Download > .py: words are strings, magics comments, and nothing stands between code cells."""
    parts = [f'"""{text}"""' if kind == "markdown" else magics(text) for kind, text in sheet]
    head = '# -*- coding: utf-8 -*-\n"""stages.ipynb\n\nAutomatically generated by Colab.\n"""'
    return "\n\n".join([head, *parts, ""]).encode()


def from_databricks(sheet: Sheet) -> bytes:
    parts = []
    for kind, text in sheet:
        if kind == "markdown":
            parts.append("# MAGIC %md\n" + "\n".join(f"# MAGIC {line}" for line in text.split("\n")))
        elif re.search(r"^\s*[%!]", text, re.M):
            parts.append("\n".join(f"# MAGIC {line}" for line in ["%python", *text.split("\n")]))
        else:
            parts.append(text)
    return ("# Databricks notebook source\n" + "\n\n# COMMAND ----------\n\n".join(parts)).encode()


def in_percent_format(sheet: Sheet) -> bytes:
    parts = []
    for kind, text in sheet:
        words = "\n".join(f"# {line}" for line in text.split("\n"))
        parts.append(f"# %% [markdown]\n{words}" if kind == "markdown" else f"# %%\n{magics(text)}")
    return "\n\n".join(parts).encode()


def by_nbconvert(sheet: Sheet) -> bytes:
    parts = ["#!/usr/bin/env python\n# coding: utf-8"]
    for k, (kind, text) in enumerate(sheet):
        words = "\n".join(f"# {line}" for line in text.split("\n"))
        parts.append(words if kind == "markdown" else f"# In[{k or ' '}]:\n\n\n{magics(text)}\n")
    return "\n\n".join(parts).encode()


FORMS: dict[str, tuple[Callable[[Sheet], bytes], str]] = {
    "notebook": (as_notebook, ".ipynb"), "outputs": (with_outputs, ".ipynb"), "windows": (for_windows, ".ipynb"),
    "browser": (as_notebook, ".ipynb.txt"), "colab": (from_colab, ".py"), "databricks": (from_databricks, ".py"),
    "percent": (in_percent_format, ".py"), "nbconvert": (by_nbconvert, ".py"),
}  # fmt: skip
