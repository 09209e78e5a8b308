"""The grading: a class of submissions in the sandbox, each with what it deserves, and nobody in another's way."""

import contextlib
import copy
import csv
import dataclasses
import functools
import io
import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import psutil
import pytest
import students
import torch
from assignment import Assignment
from exercises.draw import Case
from exercises.training import hidden_weights
from grader import __main__ as command_line
from grader import autograde, collect, confine, manual, report, sandbox, suite
from grader import results as kept
from grader.confine import Limits, Protection
from grader.inside import wire
from grader.results import CaseResult, QuestionResult, Result
from grader.suite import Rubric, TestSuite

from srcnn.checks import ASSIGNMENTS
from srcnn.checks.judging import NotYet, agrees, forbidding

ROOT = Path(__file__).resolve().parents[1]
GRADER = ROOT / "book" / "grader"
NAME, SEED = os.environ.get("SRCNN_ASSIGNMENT", "stages"), 20261
LIMITS = ["--cell", "3", "--call", "3", "--total", "400", "--memory", "1500", "--output", "20"]
FILES = {"no metadata.ipynb", "elsewhere.ipynb", "latin.ipynb", "script.ipynb", "cut.ipynb", "empty.ipynb"} | {
    "<img src=x onerror=alert(1)>.ipynb", "whole.ipynb"
}  # fmt: skip
# one submission of each kind, for every day; what the others have in common with them `make test-all` grades
FEW = {f"{name}.ipynb" for name in (
    "whole", "<img src=x onerror=alert(1)>", "cut", "harmless", "forks", "flood", "forged", "patches", "pickle",
    "endless", "deadly",
)}  # fmt: skip
WHOLE_CLASS = int(os.environ.get("SRCNN_SUBMISSIONS", "0"))  # how many; 300 take a quarter of an hour on two cores
answers = Assignment(NAME).answers


@pytest.fixture(scope="module")
def make() -> students.Maker:
    """Makes collect."""
    names = {number: question.name for number, question in ASSIGNMENTS[NAME].items()}
    return students.Maker(suite.EXERCISES / NAME / "solution.ipynb", names)


@pytest.fixture(scope="module")
def protected() -> Protection:
    """The sandbox, where it works."""
    try:
        return sandbox.choose(None, False, Limits())
    except sandbox.NoSandbox as why:
        pytest.skip(str(why))


def hand_in(handed: list[students.Handed], place: Path) -> None:
    for one in handed:
        path = place / one.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.data)


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "grader", *map(str, words)]


def run(*words: object, **more: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(*words), capture_output=True, text=True, encoding="utf-8", check=False, env=environment(**more)
    )


def environment(**more: str) -> dict[str, str]:
    """What ``make grade`` runs in."""
    path = [str(ROOT / "book"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), **more}


def graded(out: Path) -> dict[str, dict]:
    """File -> row of the table."""
    with (out / "grades.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"].removeprefix("'"): row for row in csv.DictReader(file)}


def marks(out: Path) -> list[dict]:
    with (out / "marks.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def results(out: Path) -> dict[str, Result]:
    stored = (Result.from_json(path.read_text(encoding="utf-8")) for path in (out / "results").glob("*.json"))
    return {result.file: result for result in stored}


@functools.cache
def deserved(cells: tuple[str, ...], lost: tuple[int, ...]) -> dict[int, float]:
    """The points that the same tests give when the cells run here, without sandbox, border or grader."""
    space: dict = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for source in cells:
            with contextlib.suppress(Exception):
                exec(source, space)
    points = {}
    for number, cases in suite.load(NAME).cases.items():
        question, points[number] = ASSIGNMENTS[NAME][number], 0.0
        if number in lost or question.name not in space:
            continue
        answer = _careful(space[question.name], question.forbidden)
        for case in cases:
            with contextlib.suppress(Exception):
                case(answer, SEED)
                points[number] += case.points
    return points


def _careful(function: object, own: tuple) -> object:
    def careful(*args: object) -> object:
        given = copy.deepcopy(args)
        with forbidding(own):
            got = function(*given)
        if got is ... or not agrees(list(given), list(args), 0):
            raise NotYet
        return got

    return careful if callable(function) else function


def mismatches(handed: list[students.Handed], out: Path) -> list[str]:
    """What differs from what each of them deserves."""
    rows, stored, wrong = graded(out), results(out), []
    for one in handed:
        row = rows.get(one.path)
        if row is None:
            wrong.append(f"{one.path}: lost")
            continue
        page = (out / row["feedback"]).read_text(encoding="utf-8")
        wrong += [f"{one.path}: no word of {told!r}: {row['reason']}" for told in one.told if not re.search(told, page)]
        points = dict.fromkeys(suite.load(NAME).cases, 0.0)
        if one.cells is None:
            wrong += [f"{one.path}: {row['status']}"] if row["status"] != "not graded" or not row["reason"] else []
        else:
            wrong += [f"{one.path}: {row['status']}, {row['reason']}"] if row["status"] != "graded" else []
            points = deserved(one.cells, one.lost)
        got = {n: float(row[f"question_{n}"]) for n in points}
        if any(not math.isclose(got[n], points[n], abs_tol=0.01) for n in points):
            wrong.append(f"{one.path}: {got}, and not {points}; {row['reason']}")
        for number, hint in one.hint.items():
            (question,) = (q for q in stored[one.path].questions if q.number == number)
            hints = [question.reason, *(case.hint for case in question.cases)]
            if not any(hint in told for told in hints) or question.points >= question.possible:
                wrong.append(f"{one.path}: hints {hints}, and not {hint!r}")
    return wrong


# A class in the sandbox


@pytest.fixture(scope="module", params=["a few", pytest.param("all kinds", marks=pytest.mark.release)])
def class_(
    make, protected, tmp_path_factory, request
) -> tuple[list[students.Handed], Path, subprocess.CompletedProcess]:
    """A class that has been graded: who handed in what, where the grades are, and what the grader said."""
    place = tmp_path_factory.mktemp("class") / "submissions"
    out = place.with_name("grades")
    looked_for = [str(p) for p in (out, place, out / "run.json", ROOT / "book", ROOT / "tests", ROOT / "README.md")]
    files = list(students.files_of_all_kinds(make))
    handed = list(students.cells_of_all_kinds(make, [*looked_for, "/etc/shadow", str(Path.home() / ".ssh")]))
    handed += students.answers_of_all_kinds(make)
    others = [*students.wrong_answers(make, answers.WRONG), *students.right_answers(make, answers.RIGHT)]
    if request.param == "a few":
        handed = [one for one in [*handed, *files] if one.path in FEW] + others[7::60]
    else:
        handed += [*files, *others] if WHOLE_CLASS else [one for one in files if one.path in FILES] + others[::20]
    if WHOLE_CLASS:
        handed = list(students.repeated(handed, WHOLE_CLASS))
    hand_in(handed, place)
    begun = time.monotonic()
    said = run(place, "--out", out, "--seed", SEED, *LIMITS, SRCNN_SECRET="hush")
    said.args = f"{len(handed)} submissions in {time.monotonic() - begun:.0f} s"
    return handed, out, said


def test_each_gets_what_it_deserves_and_nothing_is_lost(class_, capsys):
    handed, out, said = class_
    assert said.returncode == 0, said.stderr
    assert said.stderr == ""
    assert len(graded(out)) == len(handed) == len(results(out))
    assert mismatches(handed, out) == []
    with capsys.disabled():
        print(f"\n{said.args}")  # noqa: T201


def test_nobody_left_anything_behind_or_saw_a_secret(class_):
    handed, out, _ = class_
    assert not list(out.parent.rglob("planted"))
    assert not (ROOT / "planted").exists()
    for one in handed:
        assert (out.parent / "submissions" / one.path).read_bytes() == one.data
    pages = "".join(path.read_text(encoding="utf-8") for path in out.rglob("*.html"))
    assert "SRCNN_SECRET" not in pages
    assert "hush" not in pages
    assert {path.name for path in out.iterdir()} == {
        "feedback", "grades.csv", "items.csv", "items.html", "mistakes.csv", "results", "run.json", "summary.html"
    }  # fmt: skip
    assert out.stat().st_mode & 0o77 == 0


def test_no_page_shows_a_test_or_takes_a_name_for_html(class_):
    _, out, _ = class_
    texts = [path.read_text(encoding="utf-8") for path in (suite.EXERCISES / NAME).glob("hidden*.py")]
    lines = [line.strip() for text in texts for line in text.splitlines() if len(line.strip()) > 12]
    assert len(lines) > 100
    for path in [*(out / "feedback").iterdir(), out / "summary.html"]:
        text = path.read_text(encoding="utf-8")
        assert "<img" not in text
        assert not re.search(r"(src|href)=.(https?:)?//", text)
        assert [line for line in lines if line in text] == []
        assert "Traceback" not in text


def test_the_summary_counts(class_):
    handed, out, _ = class_
    text = (out / "summary.html").read_text(encoding="utf-8")
    label = re.search(r'aria-label="[^"]*"', text)[0]
    assert sum(int(n) for n in re.findall(r"%: (\d+)", label)) == len(handed)
    assert "bubblewrap: no network" in text
    totals = sorted(float(row["total"]) for row in graded(out).values())
    middle = totals[len(totals) // 2], totals[(len(totals) - 1) // 2]
    assert f"median {kept.number(sum(middle) / 2)} of" in text
    assert "printed more than 20 MB" in text


def test_a_table_opened_in_a_spreadsheet_computes_nothing():
    assert manual.table([["=1+1", "@x", "-3", "ok", 2]]) == "'=1+1,'@x,'-3,ok,2\n"


@pytest.mark.release
def test_killed_in_the_middle_it_goes_on_and_comes_to_the_same(make, protected, tmp_path):
    place, out = tmp_path / "in", tmp_path / "out"
    cells = [make.instead(number) for number in list(make.names)[:2]]
    handed = [students.Handed(f"s{k}.ipynb", students.notebook(c), c) for k, c in enumerate(cells)]
    hand_in(handed, place)
    words = place, "--seed", SEED, "--jobs", 1, "--out", out
    with subprocess.Popen(command(*words), stdout=subprocess.PIPE, text=True, env=environment()) as grader:
        for line in grader.stdout:
            if line.startswith("[1/"):
                break
        family = psutil.Process(grader.pid).children(recursive=True)
        grader.send_signal(signal.SIGKILL)
    assert family
    # a sandbox that was only being made does not yet die with its parent, but by itself, at the notebook's end
    _, alive = psutil.wait_procs(family, timeout=120)
    assert alive == []
    first = {path.name: path.stat().st_mtime_ns for path in (out / "results").iterdir()}
    assert len(first) == 1
    again = run(*words)
    assert "1 of them graded before" in again.stdout
    assert {name: (out / "results" / name).stat().st_mtime_ns for name in first} == first
    assert mismatches(handed, out) == []


@pytest.mark.parametrize("left", ["nothing", "the beginning of run.json", "run.json alone"])
def test_killed_at_its_very_beginning_it_begins_again_in_the_same_folder(left, tmp_path):
    run, out = {"assignment": NAME, "seed": SEED, "tests": "0f", "photographs": ""}, tmp_path / "out"
    out.mkdir()
    if left == "the beginning of run.json":
        (out / ".run.json.part").write_text('{"assign')
    if left == "run.json alone":
        (out / "run.json").write_text(json.dumps(run))
    command_line._prepare(out, run)
    assert sorted(path.name for path in out.iterdir()) == ["results", "run.json"]


def test_the_folder_is_known_as_the_runs_before_anything_else_is_in_it(tmp_path, monkeypatch):
    def killed(*_: object) -> None:
        assert not (tmp_path / "out" / "results").exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        command_line._prepare(tmp_path / "out", {"assignment": NAME})
    monkeypatch.undo()
    command_line._prepare(tmp_path / "out", {"assignment": NAME})


def test_what_is_handed_in_anew_or_failed_for_no_fault_of_its_own_is_graded_again(tmp_path):
    one = collect.Submission("ann", "ann-1", "ann.ipynb", b"first")
    assert not command_line._done(tmp_path, one)
    (tmp_path / "results").mkdir()
    for status, done in (("graded", True), ("not graded", True), ("failed", False)):
        stored = dataclasses.replace(autograde.blank(one), status=status)
        (tmp_path / "results" / "ann-1.json").write_text(stored.to_json())
        assert command_line._done(tmp_path, one) is done
        assert not command_line._done(tmp_path, dataclasses.replace(one, data=b"second"))


def test_a_result_comes_back_from_its_file_as_it_was():
    question = QuestionResult(3, [CaseResult("a", 1.5, True), CaseResult("b", 2, hint="no")], "why")
    result = Result(
        "Ann", "ann-1", "a.ipynb", "0f", "graded", "", ["odd"], [question], {2: "x"}, {4: "y"}, {8: "w"}, 1.5
    )
    assert (result.points, result.possible) == (1.5, 3.5)
    assert Result.from_json(result.to_json()) == result


@pytest.mark.release
def test_without_protection_it_grades_when_told_to_and_says_so(make, tmp_path):
    place, out = tmp_path / "in", tmp_path / "out"
    left = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(999)  # left'])"
    cells = students.notebook(make.extra(students.LOOP, left))
    handed = [students.Handed("a.ipynb", cells, make.cells, ("ran longer",))]
    hand_in(handed, place)
    done = run(place, "--out", out, "--seed", SEED, "--unprotected", "--cell", "2")
    assert done.returncode == 0, done.stderr
    assert mismatches(handed, out) == []
    assert "NONE but limits" in (out / "summary.html").read_text(encoding="utf-8")
    assert [p for p in psutil.process_iter(["cmdline"]) if "999)  # left" in " ".join(p.info["cmdline"] or ())] == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nowhere", "--seed", "1"], "there is no folder nowhere"),
        (["in", "--seed", "x"], "the seed is a whole number"),
        (["void", "--seed", "1"], "there are no submissions in void"),
        (["in/a.ipynb", "--seed", "1"], "neither a folder nor a zip file"),
        (["in", "--seed", "1", "--out", "in/grades"], "inside the folder of the submissions"),
        (["in", "--seed", "1", "--out", "full"], "full has something else in it"),
        (["in", "--seed", "1", "--out", "before"], "results of another seed, 7"),
        (["in", "--seed", "1", "--jobs", "0"], "numbers above 0"),
        (["in", "--seed", "1", "--container", "image"], "podman or docker"),
        (["plain", "--seed", "1"], "say it with --assignment"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(make, tmp_path, monkeypatch, capsys, words, sentence):
    for name in ("in", "void", "full", "before", "plain"):
        (tmp_path / name).mkdir()
    (tmp_path / "in" / "a.ipynb").write_bytes(students.notebook(make.cells))
    (tmp_path / "plain" / "a.ipynb").write_bytes(students.notebook(("x = 1",)))
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    digest = suite.load(NAME).digest
    (tmp_path / "before" / "run.json").write_text(json.dumps({"assignment": NAME, "seed": 7, "tests": digest}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    assert command_line.main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith("grade: ")
    assert sentence in said
    assert said.count("\n") == 1
    assert (tmp_path / "full" / "thesis.txt").read_text() == "mine"


def graded_notebook(path: Path, protected: Protection, **instead: str) -> Result:
    """The result of a notebook with some words exchanged, by a grader in this process."""
    text = path.read_text(encoding="utf-8")
    for old, new in instead.items():
        assert old in text
        text = text.replace(old, new)
    name = path.parent.name
    submission = collect.Submission("ann", "ann-1", path.name, text.encode())
    return autograde.grade(submission, suite.load(name), SEED, protected, autograde.LIMITS.get(name, Limits()))


@pytest.mark.parametrize("name", ["measure", pytest.param("training", marks=pytest.mark.release)])  # that trains twice
def test_a_solution_gets_all_points(protected, name):
    result = graded_notebook(suite.EXERCISES / name / "solution.ipynb", protected)
    assert result.points == result.possible > 15
    assert result.errors == result.left_out == {}


@pytest.mark.release
def test_the_solution_that_trains_gets_all_other_points_with_a_small_budget(protected, monkeypatch):
    monkeypatch.setattr(hidden_weights, "SQUARES", 4_000)
    result = graded_notebook(suite.EXERCISES / "training" / "solution.ipynb", protected, **{"48_000": "4_000"})
    assert result.errors == result.left_out == {}
    *others, trained = result.questions
    assert all(question.points == question.possible for question in others)
    assert all(case.passed or "of that of the shipped weights" in case.hint for case in trained.cases)


@pytest.mark.parametrize("name", ["measure", pytest.param("training", marks=pytest.mark.release)])
def test_the_notebook_that_students_get_earns_nothing(protected, name):
    result = graded_notebook(suite.EXERCISES / name / "student.ipynb", protected)
    assert {question.reason for question in result.questions} == {"not answered yet"}
    assert result.points == 0


def test_without_bubblewrap_it_refuses_and_says_what_to_do(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(sandbox.NoSandbox, match="apt install bubblewrap"):
        sandbox.choose(None, False, Limits())


# The command lines


def test_the_container_gets_nothing_but_the_worker():
    words = confine.command(Protection("container", "podman", "grader"), Limits(memory=900, processes=20), "box-1", 0)
    line = " ".join(words)
    assert line.startswith("podman run --rm -i ")
    limits = "--memory 900m --memory-swap 900m --cpus 1 --pids-limit 28 --cap-drop ALL --security-opt no-new-privileges"
    for part in ("--network none --read-only", limits, "--user 65534:65534", "--name box-1"):
        assert part in line
    assert [words[k + 1] for k, word in enumerate(words) if word == "--volume"] == [f"{GRADER / 'inside'}:/inside:ro"]
    assert line.endswith("grader python -s -B /inside/worker.py")


def test_bubblewrap_shows_python_and_the_package_alone():
    words = confine.command(Protection("bubblewrap", "bwrap"), Limits(), "box", 0)
    shown = {words[k + 2] for k, word in enumerate(words) if word == "--ro-bind"}
    assert "--unshare-net" in words
    assert "/inside" in shown
    for closed in (ROOT, ROOT / "book", ROOT / "tests", GRADER, Path.home(), Path("/tmp"), Path("/etc"), Path("/")):
        assert not any(Path(place) == closed for place in shown)


def test_a_course_that_was_unpacked_in_tmp_is_seen_in_the_sandbox(protected, monkeypatch):
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        (Path(folder) / "here").write_text("seen")
        Path(folder).chmod(0o755)
        monkeypatch.setattr(sys, "prefix", folder)
        words = confine._bubblewrap(protected.engine, Limits(), 0)
        seen = subprocess.run([*words, "/bin/cat", f"{folder}/here"], capture_output=True, text=True)
    assert (seen.stdout, seen.stderr) == ("seen", "")


def test_the_containerfile_asks_for_the_package():
    text = (GRADER / "Containerfile").read_text(encoding="utf-8")
    assert "pip install" in text
    assert "ipython" in text


# What crosses the border


VALUES = [
    None, ..., True, False, 0, -3, 2**200, 1.5, -0.0, math.inf, "", "ü\ud800", [], (), {}, {1: [2, (3, "x")]},
    torch.arange(6).reshape(2, 3), torch.zeros(0, 3), torch.tensor(2.5), torch.ones(2, 2, dtype=torch.float64).T,
    torch.tensor([True, False]), torch.tensor([math.nan, 1.0]), {"weight": torch.ones(2, 1, 3, 3)},
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back_as_it_was(value):
    packed = wire.pack({"ok": True}, value)
    message, back = wire.unpack(packed[: wire.HEAD], packed[wire.HEAD :])
    assert message == {"ok": True}
    assert wire.length(packed) == len(packed) - wire.HEAD
    if isinstance(value, torch.Tensor):
        assert (back.dtype, back.shape) == (value.dtype, value.shape)
        assert torch.equal(back.nan_to_num(7), value.nan_to_num(7))
    elif isinstance(value, dict) and "weight" in value:
        assert torch.equal(back["weight"], value["weight"])
    else:
        assert back is value if value is ... else (type(back), back) == (type(value), value)


def test_numpy_becomes_what_the_checks_take_it_for():
    for given, wanted in ((np.float32(2.5), torch.tensor(2.5)), (np.arange(3), torch.arange(3))):
        packed = wire.pack({}, given)
        assert torch.equal(wire.unpack(packed[: wire.HEAD], packed[wire.HEAD :])[1], wanted)


@pytest.mark.parametrize("value", [object(), open, {1j: 2}, torch.ones(2) * 1j, [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]])
def test_what_cannot_be_judged_does_not_cross(value):
    with pytest.raises(wire.NotSendable):
        wire.pack({}, value)


@pytest.mark.parametrize(
    "told",
    [
        b"", b"[]", b"{}", b"nonsense", b"\xff", b"[" * 100_000, b'{"value": 3}', b'{"value": {"tensor": 1}}',
        b'{"value": {"tensor": ["float32", [4], 8]}}', b'{"value": {"tensor": ["float32", [-2, -4], 8]}}',
        b'{"value": {"tensor": ["float32", [1000000000], 0]}}',
        b'{"value": {"tensor": ["object", [1], 8]}}', b'{"value": {"int": "%s"}}' % (b"f" * 9000),
        b'{"value": {"float": [1]}}', b'{"value": {"list": 3}}', b'{"value": {"pickle": "gASV"}}',
        b'{"value": {"dict": [[{"list": []}, null]]}}', b'{"value": {"tensor": ["float32", [1e99], 8]}}',
        b'{"value": {"text": "a", "int": "1"}}',
    ],
)  # fmt: skip
def test_a_forged_message_is_refused(told):
    head = len(told).to_bytes(8, "big") + (8).to_bytes(8, "big")
    with pytest.raises(wire.NotSendable):
        wire.unpack(head, told + bytes(8))


def test_a_message_of_a_terabyte_is_not_waited_for():
    with pytest.raises(wire.NotSendable, match="larger than"):
        wire.length((2**40).to_bytes(8, "big") + bytes(8))


# What was handed in


def test_a_file_of_any_kind_is_read_or_refused_with_its_reason(make, tmp_path):
    handed = list(students.files_of_all_kinds(make))
    hand_in(handed, tmp_path)
    found = {submission.file: submission for submission in collect.find(tmp_path)}
    assert set(found) == {one.path for one in handed}
    assert len({submission.key.casefold() for submission in found.values()}) == len(handed)
    assert all(re.fullmatch(r"[\w-]{9,80}", submission.key, flags=re.A) for submission in found.values())
    for one in handed:
        if one.cells is None:
            with pytest.raises(collect.Unreadable) as refusal:
                autograde._notebook(found[one.path], NAME)
            assert one.told[0] in str(refusal.value), one.path
        else:
            cells = autograde._notebook(found[one.path], NAME).cells
            kept = [cell.strip() for cell in cells if any(students.defines(cell, name) for name in make.names.values())]
            wanted = [cell.strip() for cell in one.cells if any(students.defines(cell, n) for n in make.names.values())]
            assert kept == wanted, one.path


def test_an_archive_is_read_without_being_unpacked(make, tmp_path):
    good = students.notebook(make.cells)
    export = tmp_path / "export.zip"
    with zipfile.ZipFile(export, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Ann/measure.ipynb", good)
        archive.writestr("__MACOSX/Ann/._measure.ipynb", b"junk")
        archive.writestr("../../Bob/evil.ipynb", good)
        archive.writestr("Cem/bomb.ipynb", bytes(210 * 2**20))
    found = {submission.student: submission for submission in collect.find(export)}
    assert set(found) == {"Ann", "Bob", "Cem"}
    assert found["Ann"].data == found["Bob"].data == good
    assert "larger than 200 MB" in found["Cem"].problem
    assert list(tmp_path.iterdir()) == [export]


def test_archives_of_single_students_and_what_is_wrong_with_them(make, tmp_path):
    good = students.notebook(make.cells)
    with zipfile.ZipFile(tmp_path / "dana.zip", "w") as archive:
        archive.writestr("work/stages.ipynb", good)
    (tmp_path / "eli.zip").write_bytes(b"PK\x03\x04 cut off")
    (tmp_path / "void").mkdir()
    (tmp_path / "link.ipynb").symlink_to("/etc/passwd")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "first.ipynb").write_bytes(students.notebook(make.cells[:2]))
    (tmp_path / "two" / "second.ipynb").write_bytes(good)
    found = {submission.student: submission for submission in collect.find(tmp_path)}
    assert found["dana"].data == good
    assert "damaged" in found["eli"].problem
    assert "empty" in found["void"].problem
    assert "link" in found["link"].problem
    assert found["link"].data == b""
    assert found["two"].data == good
    assert "not two/first.ipynb" in found["two"].remark
    assert found["two"].of(NAME).data == good


def test_the_assignment_is_recognized_by_its_checks_or_its_names(make):
    names = {"measure": {"mse"}, "stages": {"patches"}}
    for source, wanted in (
        ("checks.stages(1, patches)", "stages"),
        ("def patches(image, size): ...", "stages"),
        ("mse = 3", "measure"),
        ("print(patches)", None),
    ):
        assert collect.assignment(collect.Notebook((collect.Cell(True, source),)), names) == wanted


def test_the_words_points_and_rubric_are_those_of_the_notebook():
    tests = suite.load("training")
    assert tests.title == "Assignment: Train and report"
    ((number, rubric),) = tests.written.items()
    assert number == 7
    assert rubric.points == sum(points for _, points in rubric.rows) == 4


# Marks by hand


RUBRIC = Rubric(4, (("the measure is named", 1), ("a figure with its unit", 3)))
STAGES = TestSuite("stages", "Stages", {1: (Case(1, 2, "values", print),)}, {8: RUBRIC})


def _result(key: str, words: str) -> Result:
    question = QuestionResult(1, [CaseResult("values", 2, True)])
    return Result(key, key, f"{key}.ipynb", "0f", questions=[question], written={8: words}, seconds=1, protection="x")


def test_marks_are_asked_for_kept_and_counted(tmp_path):
    report.write(tmp_path, [_result("ann", "=HYPERLINK(1)")], STAGES, {})
    assert marks(tmp_path) == [
        {
            "key": "ann",
            "student": "ann",
            "question": "8",
            "words": "1",
            "answer": "'=HYPERLINK(1)",
            "points": "",
            "remark": "",
        }
    ]
    assert (
        graded(tmp_path)["ann.ipynb"] | {"total": "2", "possible": "6", "written_8": ""}
        == graded(tmp_path)["ann.ipynb"]
    )
    (tmp_path / "marks.csv").write_text('key,question,points,remark\nann,8,"2,5",<b>Good</b>\n', encoding="utf-8")
    report.write(tmp_path, [_result("ann", "yes"), _result("bob", "no")], STAGES, {})
    assert graded(tmp_path)["ann.ipynb"]["total"] == "4.5"
    page = (tmp_path / "feedback" / "ann.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;Good" in page
    assert "a figure with its unit" in page
    assert [(row["key"], row["points"]) for row in marks(tmp_path)] == [("ann", "2,5"), ("bob", "")]
    assert "1 answer in words waits" in (tmp_path / "summary.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("row", ["ann,8,5", "ann,8,-1", "ann,8,much", "ann,7,1", "ann,,1"])
def test_a_mark_that_cannot_be_is_named_and_nothing_is_changed(tmp_path, row):
    (tmp_path / "marks.csv").write_text(f"key,question,points\n{row}\n", encoding="utf-8")
    with pytest.raises(manual.Unmarked, match=r"marks.csv, row 2: .* 0 to 4 for question 8"):
        report.write(tmp_path, [_result("ann", "")], STAGES, {})
    assert [path.name for path in tmp_path.iterdir()] == ["marks.csv"]
