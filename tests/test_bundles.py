"""Bundles for Gradescope and Classroom 50: what is in them, that they grade, and that no submission reads a test."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import students
from grader import handin, suite
from grader.platforms import classroom50, container, gradescope
from grader.results import CaseResult, QuestionResult, Result

import srcnn
from srcnn.checks import ASSIGNMENTS
from srcnn.files import InputError

NAME, SEED = "measure", 987_654_321
ROOT = Path(__file__).resolve().parents[1]
ROOT_ONLY = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root, as in Gradescope")
# what a submission may try to find out about its grading
SPY = """
import glob, os, subprocess
seen = []
for place in PLACES:
    try:
        seen.append(os.listdir(place) if os.path.isdir(place) else open(place).read()[:80])
    except OSError:
        pass
for path in glob.glob("/proc/[0-9]*/*"):
    if path.endswith(("cmdline", "environ")) or "/fd" in path:
        try:
            text = open(path, errors="replace").read() if not path.endswith("/fd") else ""
            if SECRET in text:
                seen.append(path)
        except OSError:
            pass
for path in PLACES:
    try:
        open(path + "/planted" if os.path.isdir(path) else path, "a").write("planted")
        seen.append("wrote " + path)
    except OSError:
        pass
subprocess.Popen(["sleep", "98765"], start_new_session=True)
raise RuntimeError(f"saw {seen}")
"""


@pytest.fixture(scope="module")
def make() -> students.Maker:
    names = {number: question.name for number, question in ASSIGNMENTS[NAME].items()}
    return students.Maker(suite.EXERCISES / NAME / "solution.ipynb", names)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("bundle") / "gradescope.zip"
    assert handin.main(["gradescope", "--assignment", NAME, "--seed", str(SEED), "--out", str(out)]) == 0
    return out


def test_gradescopes_zip_has_what_its_documentation_asks_for_and_no_solution(bundle):
    with zipfile.ZipFile(bundle) as archive:
        names = set(archive.namelist())
        assert {"setup.sh", "run_autograder", "settings.json", "pyproject.toml"} <= names  # at the root of the zip
        modes = {
            name: archive.getinfo(name).external_attr >> 16 for name in ("setup.sh", "run_autograder", "settings.json")
        }
        assert modes["setup.sh"] & 0o111 == modes["run_autograder"] & 0o111 == 0o111
        assert stat.S_IMODE(modes["settings.json"]) == 0o600
        for name in ("setup.sh", "run_autograder"):
            text = archive.read(name).decode()
            assert text.startswith("#!/usr/bin/env bash\n")
            assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
            assert str(SEED) not in text
        assert "'/autograder/source[grade]'" in archive.read("setup.sh").decode()
        solution = (suite.EXERCISES / NAME / "assignment.py").read_text(encoding="utf-8")
        answer = re.search(r"# BEGIN SOLUTION\n(.*?)# END SOLUTION", solution, re.S)[1].strip()
        assert len(answer) > 20
        exercises = [name for name in names if name.startswith("book/exercises/")]
        assert not [name for name in exercises if answer in archive.read(name).decode()]
        assert not [name for name in exercises if "solution" in name or "assignment" in name or "/stages/" in name]
    assert bundle.stat().st_mode & 0o77 == 0  # the seed is in it


def test_the_package_can_be_installed_from_the_bundle(bundle, tmp_path):
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path / "source")
    words = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(tmp_path),
        str(tmp_path / "source"),
    ]
    subprocess.run(words, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "srcnn/_data/registry.toml" in names
    assert "srcnn/checks/__init__.py" in names
    assert not [name for name in names if "hidden" in name or "grader" in name or "settings" in name]


@pytest.fixture
def home(bundle) -> Iterator[tuple[Path, Path]]:
    """/autograder as Gradescope makes it, in another place, and the package where setup.sh installs it."""
    top = Path(tempfile.mkdtemp(prefix="gradescope-"))
    top.chmod(0o755)
    home, site = top / "autograder", top / "site"
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(home / "source")
        (home / "run_autograder").write_bytes(archive.read("run_autograder"))
    for name in ("submission", "results"):
        (home / name).mkdir()
    shutil.copytree(Path(srcnn.__file__).parent, site / "srcnn", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "data", site / "data", ignore=shutil.ignore_patterns("results"))
    (home / "submission_metadata.json").write_text('{"previous_submissions": [{"results": "hidden"}]}')
    yield home, site
    shutil.rmtree(top)


def run_there(home: Path, site: Path, *, bubblewrap: bool) -> subprocess.CompletedProcess:
    """run_autograder itself, with this place and this Python instead of Gradescope's."""
    binaries = home.parent / "bin"
    binaries.mkdir()
    for name in ("bash", "chmod", "env", *(["bwrap"] if bubblewrap else [])):
        (binaries / name).symlink_to(shutil.which(name))
    text = (home / "run_autograder").read_text().replace("/autograder", str(home))
    text = text.replace(gradescope.PYTHON, sys.executable).replace(
        "-m grader.platforms.gradescope", "-c '" + CALL + "'"
    )
    env = {"PATH": str(binaries), "SITE": str(site), "AUTOGRADER": str(home)}
    words = [*([] if bubblewrap else opened()), "/bin/bash", "-c", text]
    return subprocess.run(words, env=env, capture_output=True, text=True, check=False, cwd="/", timeout=300)


def opened() -> list[str]:
    """What shows everybody this Python, where only root can read it, as a Python in root's home."""
    shown = [Path(sys.prefix), Path(sys.base_prefix)]
    closed = {each for path in shown for each in path.parents if not each.stat().st_mode & 0o001}
    if not closed:
        return []
    if not shutil.which("bwrap"):
        pytest.skip("another user cannot read this Python")
    words = [shutil.which("bwrap"), "--cap-add", "ALL", "--dev-bind", "/", "/"]
    for each in sorted(closed):
        words += ["--perms", "0755", "--tmpfs", str(each)]
    for each in sorted(
        {parent for path in shown for parent in path.parents if closed & {parent, *parent.parents}} - closed
    ):
        words += ["--perms", "0755", "--dir", str(each)]  # bubblewrap's own are closed to other users
    return words + [word for each in shown for word in ("--ro-bind", str(each), str(each))]


CALL = (
    'import os, sys, pathlib; sys.path.insert(0, os.environ["SITE"]); from grader.platforms import gradescope; '
    'sys.exit(gradescope.main(pathlib.Path(os.environ["AUTOGRADER"])))'
)


def spy(make: students.Maker, home: Path) -> tuple[str, ...]:
    names = "source", "source/settings.json", "results", "submission", "submission_metadata.json"
    places = [home, *(home / name for name in names), home / f"source/book/exercises/{NAME}/hidden.py"]
    return make.extra(f"PLACES, SECRET = {[str(place) for place in places]}, {str(SEED)!r}\n{SPY}")


@ROOT_ONLY
@pytest.mark.parametrize(
    "bubblewrap",
    [pytest.param(False, id="as another user"), pytest.param(True, id="in bubblewrap", marks=pytest.mark.release)],
)
def test_in_gradescopes_container_a_submission_gets_its_points_and_sees_no_test(make, home, bubblewrap):
    if bubblewrap and not shutil.which("bwrap"):
        pytest.skip("bubblewrap is not installed")
    place, site = home
    cells = spy(make, place)
    (place / "submission" / "measure.ipynb").write_bytes(students.notebook(cells))
    done = run_there(place, site, bubblewrap=bubblewrap)
    assert done.returncode == 0, done.stderr
    results = json.loads((place / "results" / "results.json").read_text())
    assert "RuntimeError: saw []" in results["output"], results["output"]
    assert results["extra_data"]["status"] == "graded"
    tests = results["tests"]
    assert sum(test["max_score"] for test in tests) == 20
    assert [test["name"] for test in tests if test["status"] != "passed"] == []
    assert sum(test["score"] for test in tests) == 20
    assert {test["visibility"] for test in tests} == {"after_published"}
    assert str(SEED) not in json.dumps(results)
    assert not list(place.rglob("planted"))
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=False).stdout
    assert "sleep 98765" not in left


PLANTED = "import pathlib\npathlib.Path({place!r}).write_text('planted')\nraise SystemExit\n"
MODULES = ("grader", "srcnn", "torch", "exercises", "json", "sitecustomize", "usercustomize")


def modules_beside(folder: Path, place: Path) -> None:
    """What Python would import instead of the grader's own, if it looked into the folder of a submission."""
    for name in MODULES:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(PLANTED.format(place=str(place / name)))
        (folder / f"{name}.pth").write_text(f"import pathlib; pathlib.Path({str(place / name)!r}).touch()\n")
    (folder / "settings.json").write_text('{"assignment": "measure", "seed": 0, "visibility": "visible"}')
    (folder / "results.json").write_text('{"score": 20}')


def graded_there(place: Path, site: Path) -> dict:
    done = run_there(place, site, bubblewrap=False)
    assert done.returncode == 0, done.stderr
    assert str(SEED) not in (place / "results" / "results.json").read_text()
    return json.loads((place / "results" / "results.json").read_text())


@ROOT_ONLY
@pytest.mark.release
def test_in_gradescope_modules_and_results_beside_the_notebook_are_not_taken(make, home, tmp_path):
    place, site = home
    modules_beside(place / "submission", tmp_path)
    wrong = make.instead(8, "def protocol(*args):\n    return 17")
    (place / "submission" / "measure.ipynb").write_bytes(students.notebook(wrong))
    results = graded_there(place, site)
    assert list(tmp_path.iterdir()) == []
    assert sum(test["score"] for test in results["tests"]) == 16
    assert {test["visibility"] for test in results["tests"]} == {"after_published"}


@ROOT_ONLY
@pytest.mark.release
@pytest.mark.parametrize("target", ["../source/settings.json", "../source/book/exercises/measure/hidden.py"])
def test_in_gradescope_a_link_instead_of_a_notebook_shows_nothing(home, target):
    place, site = home
    assert (place / "submission" / target).exists()
    (place / "submission" / "measure.ipynb").symlink_to(target)
    results = graded_there(place, site)
    assert "It could not be graded" in results["output"]
    assert sum(test["score"] for test in results["tests"]) == 0
    assert "visibility" not in results["output"]
    assert "@case" not in results["output"]


@ROOT_ONLY
@pytest.mark.release
def test_in_gradescope_what_looks_like_results_is_text(make, home):
    """A page that shows it as HTML, or takes it for the results, would give points for words."""
    place, site = home
    forged = """raise RuntimeError('</pre><script>score=20</script>"}], "score": 20, "tests": [{"score": 20}]')"""
    cells = make.instead(8, "def protocol(*args):\n    return 17", forged)
    (place / "submission" / "measure.ipynb").write_bytes(students.notebook(cells))
    results = graded_there(place, site)
    assert "<script>score=20" in results["output"]
    assert results["output_format"] == "text"
    assert "score" not in results
    assert sum(test["score"] for test in results["tests"]) == 16


@ROOT_ONLY
def test_where_nothing_keeps_a_submission_in_there_are_no_results_and_no_zero(home, make, monkeypatch, capsys):
    place, _ = home
    (place / "submission" / "measure.ipynb").write_bytes(students.notebook(make.cells))
    monkeypatch.setattr(container.sandbox.shutil, "which", lambda name: None)
    monkeypatch.setattr(container.os, "geteuid", lambda: 1000)
    assert gradescope.main(place) == 1
    assert "bubblewrap is not installed" in capsys.readouterr().err
    assert list((place / "results").iterdir()) == []


def result(**more) -> Result:
    cases = [CaseResult("a", 0.5, True), CaseResult("b", 1.5, hint="the border is missing")]
    one = Result("", "k", "handed-in/measure.ipynb", "0f", questions=[QuestionResult(1, cases)], seconds=3.4)
    return Result(**{**vars(one), **more})


@pytest.mark.parametrize("visibility", gradescope.VISIBILITY)
def test_gradescope_shows_verdicts_only_where_they_are_wanted(visibility):
    told = gradescope.report(result(errors={4: "ValueError: no"}), NAME, visibility)
    assert [test["visibility"] for test in told["tests"]] == [visibility] * 2
    assert [(test["score"], test["max_score"], test["status"]) for test in told["tests"]] == [
        (0.5, 0.5, "passed"),
        (0, 1.5, "failed"),
    ]
    assert told["tests"][1]["output"] == "the border is missing"
    assert "border" not in told["output"]
    assert "Code cell 4 stopped: ValueError: no" in told["output"]


def test_what_could_not_be_graded_is_said_at_once(tmp_path):
    bad = result(status="not graded", reason="the file is empty", questions=[QuestionResult(1, [CaseResult("a", 2)])])
    assert "It could not be graded: the file is empty" in gradescope.report(bad, NAME, "hidden")["output"]
    unread = result(questions=[QuestionResult(1, [CaseResult("a", 2)], "mse is not in the notebook")])
    assert "Question 1: mse is not in the notebook" in gradescope.report(unread, NAME, "hidden")["output"]
    words = gradescope.report(result(written={7: "I tried three rates."}), "training", "hidden")["output"]
    assert "an answer of 4 words was found" in words
    assert "NO ANSWER was found" in gradescope.report(result(), "training", "hidden")["output"]


def valid(payload: dict) -> None:
    """As Classroom 50's collect_scores.py validates it."""
    assert payload["schema"] == "classroom50/result/v1"
    assert payload["submission"].startswith("submit/")
    for name in ("submission", "commit", "release", "review", "datetime", "owner", "classroom", "assignment"):
        assert isinstance(payload[name], str)
        assert payload[name]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", payload["datetime"])
    assert payload["assignment_type"] in ("individual", "group", "team")
    for part in [payload, *payload["tests"]]:
        assert all(type(part[name]) is int and part[name] >= 0 for name in ("score", "max-score"))
        assert part["score"] <= part["max-score"]
    assert all(isinstance(test["passed"], bool) and test["test-name"] for test in payload["tests"])


def test_classroom_50_gets_whole_numbers_and_the_same_share():
    told = classroom50.report(result(), NAME)
    assert told["result"]["score"] == 1
    assert told["result"]["max-score"] == 4
    assert [test["max-score"] for test in told["result"]["tests"]] == [1, 3]
    assert "0.5 of 2 points, each counted 2 times" in told["body"]


@pytest.mark.release
@ROOT_ONLY
def test_the_autograder_of_classroom_50_grades_a_checkout(make, tmp_path):
    if not shutil.which("bwrap") or not shutil.which("git"):
        pytest.skip("bubblewrap and git are needed")
    out = tmp_path / "autograders" / "sr"
    assert handin.main(["classroom50", "--assignment", NAME, "--out", str(out)]) == 0
    texts = "".join(path.read_text(errors="replace") for path in out.rglob("*") if path.suffix in (".py", ".json"))
    assert str(SEED) not in texts
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "measure.ipynb").write_bytes(students.notebook(make.instead(8, "def protocol(*args):\n    return 17")))
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "planted").mkdir()
    modules_beside(checkout, tmp_path / "planted")
    (checkout / "result.json").symlink_to(tmp_path / "precious")  # a trap for whoever writes it with other rights
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@x.example", "-C", str(checkout)]
    subprocess.run([*git[:1], "init", "-q", str(checkout)], check=True)
    subprocess.run([*git, "add", "measure.ipynb"], check=True)
    when = {**os.environ, "GIT_COMMITTER_DATE": "2026-10-09T20:00:00+0200"}
    subprocess.run([*git, "commit", "-qm", "hand in"], check=True, env=when)
    venv = tmp_path / "temp" / "srcnn-venv" / "bin"
    venv.mkdir(parents=True)
    (venv / "python").write_text(f'#!/bin/sh\nPYTHONPATH="$PYTHONPATH:{ROOT}" exec {sys.executable} "$@"\n')
    (venv / "python").chmod(0o755)
    told = {"CLASSROOM": "sr", "ASSIGNMENT": NAME, "SUBMISSION_TAG": "submit/2026-10-09T18-00-00Z-a1b2c3d"}
    told |= {
        "COMMIT_URL": "https://x/commit/1",
        "RELEASE_URL": "https://x/r",
        "OWNER": "ann",
        "RUNNER_TEMP": str(venv.parents[1]),
    }
    words = [sys.executable, str(out / "autograder.py")]
    done = subprocess.run(words, cwd=checkout, env={**os.environ, **told}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    payload = json.loads((checkout / "result.json").read_text())
    valid(payload)
    assert payload["datetime"] == "2026-10-09T18:00:00Z"
    assert (payload["score"], payload["max-score"]) == (32, 40), (checkout / "release-body.md").read_text()
    assert "16 of 20 points" in (checkout / "release-body.md").read_text()
    assert (tmp_path / "precious").read_text() == "mine"
    assert list((tmp_path / "planted").iterdir()) == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["gradescope"], "ASSIGNMENT= is wanted: measure, stages, training"),
        (["gradescope", "--assignment", NAME], "SEED= is a whole number"),
        (["gradescope", "--assignment", NAME, "--seed", "1", "--out", "there"], "there is there already"),
        (["classroom50", "--assignment", NAME, "--seed", "1"], "publishes its bundles, so no seed"),
        (["classroom50", "--assignment", NAME, "--out", "there"], "there is there already"),
        (["moodle"], "GRADES= .* and EXPORT="),
        (["moodle", "--grades", "there", "--export", "x.csv"], "no folder that `make grade` made"),
    ],
)
def test_what_cannot_be_made_is_said_in_one_sentence(tmp_path, monkeypatch, capsys, words, sentence):
    monkeypatch.chdir(tmp_path)
    Path("there").write_text("mine")
    assert handin.main(words) == 2
    said = capsys.readouterr().err
    assert re.search(sentence, said)
    assert said.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_bundle_without_the_notebook_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr("grader.platforms.bundle.EXERCISES", tmp_path)
    with pytest.raises(InputError, match="make exercises"):
        gradescope.write(NAME, 1, "hidden", tmp_path / "x.zip")
    assert list(tmp_path.iterdir()) == []
