"""Two hundred notebooks of habits around right answers: each gets full marks or a flag, never a silent zero."""

import dataclasses
import io
import random
import re
import zipfile
from collections import Counter

import forked
import habits
import pytest
import students
from grader import autograde, collect, report, suite
from grader.confine import Limits, Protection
from grader.session import Session

from srcnn.checks import ASSIGNMENTS

NAMES = {number: question.name for number, question in ASSIGNMENTS["stages"].items()}
COUNT, SEED = 200, 20261
# without its check, the last function of its name is the answer, be it a stub that is still there, and no other name
UNCHECKED = {"no_checks", "a_name_used_again_in_the_cell_of_its_answer"}
MAY_LOSE = {"the_stub_is_still_there", "a_name_used_again_after_its_check", "a_name_of_its_own"}


@pytest.fixture(scope="module")
def works() -> dict[str, habits.Work]:
    """Student -> notebook."""
    make = students.Maker(suite.EXERCISES / "stages" / "solution.ipynb", NAMES)
    right = {number: (name, make.cells[make.place(number)]) for number, name in NAMES.items()}
    wrong = {number: f"def {name}(*args):\n    return torch.zeros(3)" for number, name in NAMES.items()}
    return {f"st{chr(97 + k // 26)}{chr(97 + k % 26)}": habits.made(k, right, wrong) for k in range(COUNT)}


@pytest.fixture(scope="module")
def found(works, tmp_path_factory) -> dict[str, collect.Submission]:
    """Student -> what is found of it, in one zip with all layouts, an outer folder and the platform's own files."""
    place = tmp_path_factory.mktemp("class") / "class.zip"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("HW 2/index.html", "<p>")
        archive.writestr("HW 2/grades.csv", "name")
        for k, (name, work) in enumerate(works.items()):
            form = list(habits.FORMS)[k % len(habits.FORMS)]
            store, ending = habits.FORMS[form]
            work.used.append(form)
            data = store(work.sheet)
            for path, content in laid_out(work.draw, name, data, ending).items():
                archive.writestr(f"HW 2/{path}", content)
    return {one.student: one.of("stages") for one in collect.find(place)}


def laid_out(draw: random.Random, name: str, data: bytes, ending: str) -> dict[str, bytes]:
    """A student's files in one of the ways in which they come."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr(f"work/stages{ending}", data)
        archive.writestr("__MACOSX/._stages.ipynb", b"junk")
    blank = students.notebook(tuple(f"def {n}(*args):\n    return ..." for n in NAMES.values()))
    return draw.choice([
        {f"{name}{ending}": data},
        {f"{name}/stages{ending}": data, f"{name}/plot.png": b"\x89PNG"},
        {f"{name}/a/b/stages{ending}": data},
        {f"{name}.zip": inner.getvalue()},
        {f"{name}/stages (1).zip": inner.getvalue()},
        {f"{name}_LATE{ending}": data, **({f"{name}.ipynb": blank} if ending == ".ipynb" else {})},
        {f"{name}{ending}": data, f"{name}.pdf": b"%PDF"},
    ])  # fmt: skip


def test_each_student_is_found_once_and_the_right_notebook(works, found):
    assert set(found) == set(works)
    for name, work in works.items():
        codes = " ".join(" ".join(found[name].notebook.cells).split())
        for kind, text in work.sheet:
            line = text.strip().split("\n")[-1].strip()
            assert kind != "code" or line.startswith(("%", "!")) or " ".join(line.split()) in codes, (name, work.used)


@pytest.mark.parametrize("chosen", [slice(0, None, 6), pytest.param(slice(None), marks=pytest.mark.release)])
def test_each_gets_full_marks_or_a_flag(works, found, chosen, monkeypatch):
    forked.install(monkeypatch)
    whole = suite.load("stages")
    tests = dataclasses.replace(whole, cases={number: cases[-1:] for number, cases in whole.cases.items()})
    silent, lost, flagged = [], [], Counter()
    asked = list(works.items())[chosen]
    for name, work in asked:
        result = autograde.grade(found[name], tests, SEED, Protection("none"), Limits(cell=20, call=20))
        missing = [q.number for q in result.questions if q.points < q.possible]
        unfair = [number for number in missing if number != work.wrong]
        told = [name, work.used, unfair, result.reason, result.notes, result.errors]
        assert result.status == "graded", told
        assert work.wrong is None or work.wrong in missing, told
        silent += [told] if unfair and not result.unclear else []
        lost += [told] if unfair and not (UNCHECKED & set(work.used) and MAY_LOSE & set(work.used)) else []
        flagged["graded by halves"] += bool(unfair)
        flagged["to look at"] += result.unclear
    assert silent == []
    assert lost == [], "\n".join(map(str, lost))
    assert flagged["graded by halves"] < len(asked) / (20 if len(asked) == COUNT else 10)  # of few, chance makes more
    assert flagged["to look at"] < len(asked) / 2  # a list that names everybody names nobody


# What each habit comes to


def graded(sheet: habits.Sheet, monkeypatch) -> tuple[autograde.Result, dict[int, float]]:
    """The result of a notebook by the last hidden case of each question, and which share of its points each has."""
    forked.install(monkeypatch)
    whole = suite.load("stages")
    tests = dataclasses.replace(whole, cases={number: cases[-1:] for number, cases in whole.cases.items()})
    one = collect.Submission("ann", "ann-1", "a.ipynb", habits.as_notebook(sheet))
    result = autograde.grade(one, tests, SEED, Protection("none"), Limits(cell=20, call=20))
    return result, {question.number: question.points / question.possible for question in result.questions}


@pytest.fixture
def right(works) -> dict[int, str]:
    """Number of a question -> a cell with the right answer."""
    make = students.Maker(suite.EXERCISES / "stages" / "solution.ipynb", NAMES)
    return {number: make.cells[make.place(number)] for number in NAMES}


@pytest.mark.parametrize("line", [*habits.LINES, *habits.SLOW])
def test_a_line_that_fails_costs_itself_alone_and_is_told(line, right, monkeypatch):
    cells = f"{line}\nimport math\nimport torch\nfrom srcnn import checks\nimport torch.nn.functional as F", right[1]
    result, points = graded([("code", cell) for cell in cells], monkeypatch)
    assert points[1] == 1
    quiet = line.startswith(("%autosave", "%pylab", "%config", "!", "pip", "%pip"))
    assert bool(result.errors) is not quiet
    assert quiet or result.unclear  # there are points missing: the other seven answers
    if "import cv7" in line:
        assert result.errors == {1: "ModuleNotFoundError: No module named 'cv7', at `import cv7`, which was skipped"}
    told = " ".join(report.reasons(result))
    assert all(why in told for why in result.errors.values())


def test_pylab_brings_its_names(right, monkeypatch):
    cells = "%pylab inline\nimport torch", right[1], "def filter_image(image, kernel):\n    return np.zeros(3)"
    result, points = graded([("code", cell) for cell in cells], monkeypatch)
    assert points[1] == 1
    assert result.errors == {}
    assert "NameError" not in " ".join(question.reason for question in result.questions)


AGAIN = {
    "after its check": (["{answer}", "checks.stages(1, patches)", "patches = patches(torch.rand(9, 9), 2)"],
                        "check passed"),
    "deleted": (["{answer}", "checks.stages(1, patches)", "del patches"], "check passed"),
    "spoilt": (["{answer}", "checks.stages(1, patches)", "def patches(image, size):\n    return 3"], "check passed"),
    "improved": (["def patches(image, size):\n    if image.shape[0] > 9: return 3\n    return before(image, size)",
                  "checks.stages(1, patches)", "{answer}"], ""),
    "without a check": (["{answer}", "patches = patches(torch.rand(9, 9), 2)"], "as it was before"),
    "a helper in its cell": (["{mine}\n\ndef patches(image, size):\n    return mine(image, size)\n\nmine = 3"],
                             "when it was defined"),
    "in its cell": (["{answer}\n\npatches = patches(torch.rand(9, 9), 2)"], "as it was before"),
    "another name": (["{mine}", "checks.stages(1, mine)"], "there is no patches|check passed"),
    "a helper": (["{mine}\n\ndef patches(image, size):\n    return mine(image, size)", "checks.stages(1, patches)",
                  "mine = 3"], "check passed"),
    "a helper, without a check": (["{mine}\n\ndef patches(image, size):\n    return mine(image, size)", "mine = 3"],
                                  "when it was defined"),
    "unchanged": (["{answer}", "checks.stages(1, patches)", "x = patches(torch.rand(9, 9), 2)\nsize = 3"], None),
}  # fmt: skip


@pytest.mark.parametrize("kind", AGAIN)
def test_an_answer_is_what_it_was_when_its_check_passed(kind, right, monkeypatch):
    cells, told = AGAIN[kind]
    mine, before = (right[1].replace("def patches(", f"def {name}(") for name in ("mine", "before"))
    cells = [habits.PLAIN, before, *(cell.format(answer=right[1], mine=mine) for cell in cells)]
    result, points = graded([("code", cell) for cell in cells], monkeypatch)
    assert points[1] == 1
    remarks = " ".join(remark for remark in result.notes if remark.startswith("question 1: "))
    assert remarks == "" if told is None else re.search(told, remarks)


def test_a_wrong_answer_is_not_saved_by_an_older_right_one_whose_check_did_not_pass(right, monkeypatch):
    cells = habits.PLAIN, right[1], "def patches(image, size):\n    return 3", "checks.stages(1, patches)"
    result, points = graded([("code", cell) for cell in cells], monkeypatch)
    assert points[1] == 0
    assert "question 1: patches is defined in the code cells 2, 3; the last one counts" in result.notes


def test_a_library_that_only_the_sandbox_lacks_is_told_where_an_answer_needs_it(right, monkeypatch):
    lines = right[1].split("\n")
    cells = "import torch", "\n".join([lines[0], "    import cv7", *lines[1:]])
    result, points = graded([("code", cell) for cell in cells], monkeypatch)
    assert points[1] == 0
    assert any("No module named 'cv7'; perhaps only the sandbox lacks that" in remark for remark in result.notes)


def test_a_cell_that_did_not_end_is_told_to_the_instructor(right, monkeypatch):
    forked.install(monkeypatch)
    session = Session(("while True: pass", right[1]), "stages", Protection("none"), Limits(cell=0.5, call=5))
    assert session.errors == {1: "it ran longer than 0 s and was stopped"}
    session.close()
