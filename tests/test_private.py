"""An instructor's private copy has what grades, and the public handout has none of it, not even in its history."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from exercises import private

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("measure", "stages", "training", "troubleshoot")
FREE = {".git", ".gitignore", "README.md", "LICENSE-text", *(f"{name}.ipynb" for name in NAMES)}


def run(course: Path, *words: str, module: str = "exercises.private") -> subprocess.CompletedProcess:
    path = os.pathsep.join((str(course), str(course / "book")))
    env = {**os.environ, "PYTHONPATH": path, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = [sys.executable, "-m", module, *words]
    return subprocess.run(command, cwd=course, env=env, capture_output=True, text=True, check=False)


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    command = ["git", "-C", str(folder), *identity, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def stored(repository: Path) -> str:
    """Everything in a repository, each version of each file that any commit has."""
    command = ["git", "-C", str(repository), "cat-file", "--batch-all-objects", "--batch"]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode("utf-8", "replace")


def code(notebook: Path) -> set[str]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return {line.strip() for line in text.splitlines()}


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A course as an instructor has it: cloned, with an address, one test changed and another added, a class beside."""
    course = tmp_path_factory.mktemp("instructor") / "course"
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, files.split("\0")):
        if not name.startswith(("findings/", "data/results/", "book/_static/")):
            (course / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, course / name)
    subprocess.run([sys.executable, "tools/address.py", "you/name"], cwd=course, capture_output=True, check=True)
    git(course, "init", "--quiet", "--initial-branch=main")
    git(course, "add", "--all")
    git(course, "commit", "--quiet", "-m", "The course")
    hidden = course / "book/exercises/measure/hidden.py"
    hidden.write_text(hidden.read_text(encoding="utf-8") + "\nCHANGED_BY_THE_INSTRUCTOR = 1\n", encoding="utf-8")
    (course / "book/exercises/measure/hidden_new.py").write_text("ADDED_BY_THE_INSTRUCTOR = 1\n", encoding="utf-8")
    (course / "downloads").mkdir()
    (course / "downloads" / "ada.ipynb").write_text("Ada's answers", encoding="utf-8")
    return course


@pytest.fixture(scope="module")
def made(course) -> Path:
    """What the command makes."""
    out = course.parent / "term two"
    done = run(course, str(out))
    assert done.returncode == 0, done.stderr
    assert "never to a public place" in done.stdout
    return out


def seeds(made: Path) -> dict[str, str]:
    with (made / "private/term/seeds.csv").open(encoding="utf-8", newline="") as file:
        return {row["assignment"]: row["seed"] for row in csv.DictReader(file)}


def test_the_handout_has_the_notebooks_and_nothing_else(made):
    assert {path.name for path in (made / "handout").iterdir()} == FREE
    assert set(git(made / "handout", "ls-files").split()) == FREE - {".git"}
    assert git(made / "handout", "remote") == ""
    (made / "handout" / "solution.ipynb").write_text("{}", encoding="utf-8")  # slipped in by hand
    git(made / "handout", "add", "--all")
    assert git(made / "handout", "status", "--porcelain") == ""
    (made / "handout" / "solution.ipynb").unlink()


@pytest.mark.parametrize("name", NAMES)
def test_no_solution_hidden_test_or_seed_is_in_the_handout_or_its_history(made, name):
    public, place = stored(made / "handout"), made / "private" / "book" / "exercises" / name
    assert f'"checks.{name}(1, ' in public  # it is what students work on
    handed = set().union(*(code(file) for file in place.parent.glob("*/student.ipynb")))
    telling = {line for line in code(place / "solution.ipynb") - handed if len(line) > 12}
    assert len(telling) > 10
    lines = {line.strip().strip('",').removesuffix("\\n").strip() for line in public.splitlines()}
    assert [line for line in telling if json.dumps(line)[1:-1] in lines] == []
    for file in place.glob("hidden*.py"):
        tests = {line.strip() for line in file.read_text(encoding="utf-8").splitlines()}
        assert [line for line in tests - handed if len(line) > 12 and json.dumps(line)[1:-1] in lines] == []
    assert "@case" not in public
    assert seeds(made)[name] not in public
    assert seeds(made)[name] not in stored(made / "private")


def test_every_assignment_has_a_seed_of_its_own_that_only_its_owner_reads(made, course, monkeypatch, tmp_path):
    drawn = seeds(made)
    assert tuple(drawn) == NAMES
    assert len(set(drawn.values())) == len(NAMES)
    assert (made / "private/term").stat().st_mode & 0o077 == 0
    assert (made / "private/term/seeds.csv").stat().st_mode & 0o077 == 0
    monkeypatch.setattr(private, "COURSE", course)
    other = tmp_path / "another"
    assert private.main([str(other), "--assignments", "measure"]) == 0
    assert not set(seeds(other).values()) & set(drawn.values())
    assert {path.name for path in (other / "handout").glob("*.ipynb")} == {"measure.ipynb"}


def test_the_private_copy_has_all_that_the_instructor_changed_and_nothing_of_the_class(made, course):
    copy = made / "private"
    kept = set(git(copy, "ls-files").split("\n"))
    assert set(git(course, "ls-files").split("\n")) | {"PRIVATE.md", "book/exercises/measure/hidden_new.py"} == kept
    assert "CHANGED_BY_THE_INSTRUCTOR" in (copy / "book/exercises/measure/hidden.py").read_text(encoding="utf-8")
    assert git(copy, "status", "--porcelain") == ""
    assert (
        git(copy, "log", "--format=%s").splitlines()[-1] == "The course"
    )  # with its history, so that it can be updated


def test_a_push_from_the_private_copy_reaches_no_public_place(made, course):
    before = git(course, "rev-parse", "HEAD")
    assert git(made / "private", "remote").split() == ["course"]
    with pytest.raises(subprocess.CalledProcessError):
        git(made / "private", "push", "course", "HEAD:stolen")
    assert git(course, "branch", "--list", "stolen") == ""
    git(made / "private", "fetch", "course")  # what is new comes
    assert git(course, "rev-parse", "HEAD") == before


@pytest.mark.release
def test_it_grades_from_the_private_copy(made):
    copy = made / "private"
    (copy / "term/try").mkdir()
    shutil.copy(copy / "book/exercises/stages/solution.ipynb", copy / "term/try/ada.ipynb")
    words = ("term/try", "--seed", seeds(made)["stages"], "--unprotected", "--jobs", "1")
    done = run(copy, *words, module="grader")
    assert "ada: 20 of 20" in done.stdout, done.stdout + done.stderr
    assert git(copy, "status", "--porcelain") == ""  # and marks are in no commit either


def test_links_of_a_notebook_that_is_handed_out_lead_to_the_book(made):
    text = (made / "handout/measure.ipynb").read_text(encoding="utf-8")
    assert "[chapter 6](https://you.github.io/name/book/06_bicubic.html)" in text
    for name in NAMES:
        assert "](../" not in (made / "handout" / f"{name}.ipynb").read_text(encoding="utf-8")
    listed = (made / "handout/README.md").read_text(encoding="utf-8")
    assert "[Three stages by hand](stages.ipynb)" in listed


def test_a_handout_is_brought_up_to_date_and_nothing_in_it_is_lost(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(private, "address", lambda: "you/name")
    out = tmp_path / "fresh"
    for name in ("measure", "stages", "stages"):  # the last time nothing is new, and there is no commit
        assert private.main([str(out), "--handout", "--assignments", name]) == 0
    assert private.main([str(out), "--handout"]) == 0  # brought up to date; the exam is not given away
    assert {path.stem for path in out.glob("*.ipynb")} == {"measure", "stages"}
    assert git(out, "log", "--format=%s").splitlines() == ["Hand out measure, stages", "Hand out measure"]
    (out / "README.md").write_text("mine", encoding="utf-8")
    assert private.main([str(out), "--handout"]) == 2
    assert "changes that are not committed" in capsys.readouterr().err
    assert (out / "README.md").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("where", "words", "told"),
    [
        ("full", (), "is there already"),
        ("course/out", (), "is inside the course"),
        ("course/out", ("--handout",), "is inside the course"),
        ("full", ("--handout",), "has thesis.txt in it"),
        ("new", ("--assignments", "measure exam"), "names exam; the assignments are measure, stages"),
        ("new", ("--assignments", ""), "ASSIGNMENTS= is missing"),
        ("new", ("--assignments", " "), "names nothing"),
        ("", (), "OUT= is missing"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence_and_nothing_is_left(
    tmp_path, monkeypatch, capsys, where, words, told
):
    monkeypatch.setattr(private, "COURSE", tmp_path / "course")
    monkeypatch.setattr(private, "address", lambda: "you/name")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine", encoding="utf-8")
    assert private.main([str(tmp_path / where) if where else "", *words]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert len(said.splitlines()) == 1
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "thesis.txt"]


def test_a_course_without_an_address_hands_nothing_out_and_leaves_nothing(tmp_path, monkeypatch, capsys):
    (tmp_path / "course").mkdir()
    text = '[project]\nname = "srcnn"\n[project.urls]\nRepository = "https://github.com/OWNER/REPO"\n'
    (tmp_path / "course" / "pyproject.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(private, "COURSE", tmp_path / "course")
    assert private.main([str(tmp_path / "new")]) == 2
    assert "make address" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["course"]
