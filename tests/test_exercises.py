"""The assignments' notebooks: made of their sources, free of the grader, and stopping where the answers stop."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import nbformat
import pytest
from exercises import build
from packaging.requirements import Requirement

from srcnn.checks import ASSIGNMENTS

ROOT = Path(__file__).resolve().parents[1]
EXERCISES = ROOT / "book" / "exercises"
# Answers the notebook question by question: runs the cells, and where one stops, tells why, puts the solution's cell in
# the place of the stub before it, and goes on from there.
STUDENT = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
student, solution = (json.load(open(path, encoding="utf-8"))["cells"] for path in sys.argv[1:3])
shell = InteractiveShell.instance()
sources = ["".join(cell["source"]) if cell["cell_type"] == "code" else "" for cell in student]
answers = ["".join(cell["source"]) for cell in solution]
if sys.argv[3:] == ["quickly"]:  # a twelfth of the training
    sources, answers = ([s.replace("48_000", "4_000") for s in those] for those in (sources, answers))
stops, k = [], 0
while k < len(sources):
    done = shell.run_cell(sources[k])
    error = done.error_before_exec or done.error_in_exec
    if error is None:
        k += 1
        continue
    stub = max((j for j in range(k) if sources[j] and sources[j] != answers[j]), default=None)
    stops.append([k, type(error).__name__, "".join(getattr(error, "_render_traceback_", lambda: [str(error)])()), stub])
    if stub is None or len(stops) > 20:
        break
    sources[stub], k = answers[stub], stub
foreign = sorted({"jupytext", "pandas", "nbformat", "nbclient", "pytest"} & set(sys.modules))
print("\\nTOLD " + json.dumps({"stops": stops, "cells": len(sources), "reached": k, "foreign": foreign}))
"""


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_what_is_committed_is_what_the_source_gives(name):
    made = build.notebooks(EXERCISES / name / "assignment.py")
    assert set(made) == {"student.ipynb", "solution.ipynb"}
    for notebook, text in made.items():
        same = (EXERCISES / name / notebook).read_text(encoding="utf-8") == text
        assert same, f"{name}/{notebook} differs; run `make exercises`"


def test_every_assignment_is_made_and_no_other():
    assert [source.parent.name for source in build.sources()] == list(ASSIGNMENTS)
    assert {path.parent.name for path in EXERCISES.glob("*/*.ipynb")} == set(ASSIGNMENTS)


SOURCE = """# %%
# SET-UP

# %%
def f(x):
    # BEGIN SOLUTION
    y = 2 * x
    return y
    # END SOLUTION
    \"\"\"  # BEGIN PROMPT
    return ...
    \"\"\"  # END PROMPT

# %% [markdown] tags=["student"]
# Write here.

# %% [markdown] tags=["solution"]
# It is so.

# %%
f(1)
"""


def test_each_gets_its_half_of_the_source(tmp_path):
    source = tmp_path / "assignment.py"
    source.write_text(SOURCE, encoding="utf-8")
    made = {name: nbformat.reads(text, as_version=4) for name, text in build.notebooks(source).items()}
    head, *student = [cell.source for cell in made["student.ipynb"].cells]
    assert "find_spec" in head
    assert student == ["def f(x):\n    return ...", "Write here.", "f(1)"]
    assert [cell.source for cell in made["solution.ipynb"].cells] == [
        head, "def f(x):\n    y = 2 * x\n    return y", "It is so.", "f(1)"
    ]  # fmt: skip


@pytest.mark.parametrize("mark", ["    # BEGIN SOLUTION\n", "    # END SOLUTION\n", '    """  # END PROMPT\n'])
def test_a_mark_without_its_partner_is_named_with_its_cell(tmp_path, mark):
    source = tmp_path / "assignment.py"
    source.write_text(SOURCE.replace(mark, ""), encoding="utf-8")
    with pytest.raises(SystemExit, match=r"\.py: # (BEGIN|END) \w+ has no partner in the cell .*'def f\(x\):'"):
        build.notebooks(source)


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_a_student_s_notebook_has_nothing_of_the_grader_and_no_answer(name):
    notebook = nbformat.read(EXERCISES / name / "student.ipynb", as_version=4)
    text = nbformat.writes(notebook)
    for word in ("grader", "SOLUTION", "PROMPT", "hidden", "BEGIN ", "seed ="):
        assert word not in text, word
    assert all(cell.metadata == {} and not cell.get("outputs") for cell in notebook.cells)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    solved = nbformat.read(EXERCISES / name / "solution.ipynb", as_version=4)
    stubs = [a for a, b in zip(notebook.cells, solved.cells, strict=True) if a.source != b.source]
    assert sum(cell.cell_type == "code" for cell in stubs) == len(ASSIGNMENTS[name])
    for cell in stubs:
        code = cell.source.rstrip().endswith(("return ...", "= ..."))
        assert code or cell.source.startswith("### Your answer to question"), cell.source  # that one is for a reader


def closure(*names: str) -> set[str]:
    """The distributions that these bring, themselves among them."""
    found, waiting = set(), list(names)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        found.add(name)
        for line in distribution(name).requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(needed.name)
    return found


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> Path:
    """Site packages with what the wheel brings and IPython, which any notebook has, and nothing else."""
    site = tmp_path_factory.mktemp("site")
    for name in closure("srcnn", "ipython") - {"srcnn"}:
        for file in distribution(name).files or ():
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not (site / top).is_symlink():
                (site / top).symlink_to(Path(file.locate()).parents[len(file.parts) - 2] if len(file.parts) > 1
                                        else Path(file.locate()))  # fmt: skip
    wheel = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", wheel, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "zipfile", "-e", next(wheel.glob("*.whl")), site], check=True)
    return site


@pytest.mark.parametrize(
    ("name", "budget"),
    [
        pytest.param(name, budget, marks=[pytest.mark.release] if name == "training" else [])  # it trains
        for name, budget in (*((name, "quickly") for name in ASSIGNMENTS), ("training", "whole"))
    ],
)
def test_run_all_stops_exactly_at_the_first_question_that_is_not_answered(name, budget, bare, tmp_path):
    script = tmp_path / "student.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(bare)!r})\n" + STUDENT, encoding="utf-8")
    empty = tmp_path / "empty"
    empty.mkdir()
    notebooks = [EXERCISES / name / f"{kind}.ipynb" for kind in ("student", "solution")]
    environment = {"PATH": os.environ["PATH"], "HOME": str(empty), "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-S", "-P", script, *notebooks, budget]
    done = subprocess.run(command, cwd=empty, env=environment, capture_output=True, text=True, check=False)
    told = [line for line in done.stdout.splitlines() if line.startswith("TOLD ")]
    assert told, done.stdout[-2000:] + done.stderr[-2000:]
    told = json.loads(told[-1].removeprefix("TOLD "))
    assert told["foreign"] == []
    assert told["reached"] == told["cells"], told["stops"]
    student = nbformat.read(notebooks[0], as_version=4).cells
    checked = [n for n in ASSIGNMENTS[name] if any(f"checks.{name}({n}," in cell.source for cell in student)]
    assert len(told["stops"]) == len(checked)
    for number, (cell, kind, message, _) in zip(checked, told["stops"], strict=True):
        assert student[cell].source.strip().startswith(f"checks.{name}({number},")
        assert kind == "Unanswered"
        assert re.fullmatch(rf"Question {number} waits for you: write [^\n]* in the cell above.*\.", message), message
