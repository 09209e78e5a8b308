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
from packaging.requirements import Requirement

from srcnn.checks import ASSIGNMENTS

ROOT = Path(__file__).resolve().parents[1]
EXERCISES = ROOT / "book" / "exercises"
GENERATED = ("student", "solution", "bundle")

# Answers the notebook question by question: runs the cells, and where one stops, tells why, puts the solution's cell in
# the place of the stub before it, and goes on from there.
STUDENT = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
student, solution = (json.load(open(path, encoding="utf-8"))["cells"] for path in sys.argv[1:])
shell = InteractiveShell.instance()
sources = ["".join(cell["source"]) if cell["cell_type"] == "code" else "" for cell in student]
answers = ["".join(cell["source"]) for cell in solution]
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
foreign = sorted({"otter", "jupytext", "pandas", "nbformat", "nbclient", "pytest"} & set(sys.modules))
print("\\nTOLD " + json.dumps({"stops": stops, "cells": len(sources), "reached": k, "foreign": foreign}))
"""


def made(name: str) -> dict[str, str]:
    """What `make exercises` makes of one source."""
    code = "import json, exercises, sys; print(json.dumps(exercises.made(exercises.EXERCISES / sys.argv[1])))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "book" / "_ext")}
    command = [sys.executable, "-c", code, f"{name}.py"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_what_is_committed_is_what_the_source_gives(name):
    fresh = made(name)
    assert {f"student/{name}.ipynb", f"solution/{name}.ipynb"} < set(fresh)
    for place, text in fresh.items():
        assert (EXERCISES / place).read_text(encoding="utf-8") == text, f"{place} differs; run `make exercises`"
    tests = {str(path.relative_to(EXERCISES)) for path in (EXERCISES / "bundle" / name).glob("*")}
    assert {path for path in tests if not path.endswith("__pycache__")} == set(fresh) - {
        f"student/{name}.ipynb",
        f"solution/{name}.ipynb",
    }


def test_nothing_else_is_kept_beside_what_is_generated():
    for kind in GENERATED[:2]:
        assert {path.stem for path in (EXERCISES / kind).iterdir()} == set(ASSIGNMENTS)
    assert {path.name for path in (EXERCISES / "bundle").iterdir() if path.name != "__pycache__"} == set(ASSIGNMENTS)


DISORDER = """# %% [raw]
# # ASSIGNMENT CONFIG
# tests: {files: true, ok_format: false}

# %% [raw]
# # BEGIN QUESTION
# name: question_1
# points: 1

# %% [raw]
# # END TESTS
"""


def test_a_source_whose_marks_are_in_disorder_is_named(tmp_path):
    source = tmp_path / "odd.py"
    source.write_text(DISORDER, encoding="utf-8")
    code = "import exercises, pathlib, sys; exercises.made(pathlib.Path(sys.argv[1]))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "book" / "_ext")}
    done = subprocess.run([sys.executable, "-c", code, source], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    (told,) = done.stderr.splitlines()
    assert told.startswith(f"{source}: otter assign stops: ")
    assert "end tests cell with no begin block cell" in told


def test_tests_of_a_question_that_is_no_more_are_removed(tmp_path):
    old = tmp_path / "bundle" / "it" / "question_9.py"
    old.parent.mkdir(parents=True)
    old.touch()
    code = """import exercises, pathlib, sys
exercises.EXERCISES = pathlib.Path(sys.argv[1])
exercises.write({"student/it.ipynb": "{}", "bundle/it/question_1.py": "points = 1"}, "it")"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "book" / "_ext")}
    subprocess.run([sys.executable, "-c", code, tmp_path], env=environment, check=True)
    kept = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert kept == {"student/it.ipynb", "bundle/it/question_1.py"}


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_a_student_s_notebook_has_nothing_of_the_grader_and_no_answer(name):
    notebook = nbformat.read(EXERCISES / "student" / f"{name}.ipynb", as_version=4)
    text = nbformat.writes(notebook)
    for word in ("otter", "SOLUTION", "PROMPT", "hidden", "BEGIN ", "seed ="):
        assert word not in text, word
    assert all(cell.metadata == {} and not cell.get("outputs") for cell in notebook.cells)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    solved = nbformat.read(EXERCISES / "solution" / f"{name}.ipynb", as_version=4)
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


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_run_all_stops_exactly_at_the_first_question_that_is_not_answered(name, bare, tmp_path):
    script = tmp_path / "student.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(bare)!r})\n" + STUDENT, encoding="utf-8")
    empty = tmp_path / "empty"
    empty.mkdir()
    notebooks = [EXERCISES / kind / f"{name}.ipynb" for kind in ("student", "solution")]
    environment = {"PATH": os.environ["PATH"], "HOME": str(empty), "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-S", "-P", script, *notebooks]
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
