"""The instructors' commands without what they need: one sentence that names it, and nothing is read or written."""

import importlib
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NEEDED = {
    "grade": ["SUBMISSIONS", "SEED"],
    "variants": ["ROSTER", "SEED", "ASSIGNMENT", "OUT"],
    "honesty": ["SUBMISSIONS"],
    "handin": ["FOR"],
    "regrade": ["SUBMISSIONS", "SEED", "GRADES", "REASON"],
    "blind": ["GRADES"],
    "forget": ["GRADES", "POLICY"],
    "rehearsal": ["OUT"],
    "private": ["OUT"],
    "handout": ["OUT"],
}
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def handed(target: str) -> list[str]:
    """What a target hands to Python where no variable is given: the module and its words."""
    ready = str(ROOT / "Makefile")  # any file, which -o keeps from being made
    given = ["make", "-n", "-s", "-C", str(ROOT), "-o", ready, f"READY={ready}", target]
    told = subprocess.run(given, capture_output=True, text=True, check=True)
    line = next(line for line in told.stdout.replace("\\\n", " ").splitlines() if " -m " in line)
    return shlex.split(line.partition(" -m ")[2])


def command(module: str) -> Callable[[list[str]], int]:
    return importlib.import_module(f"{module}.__main__" if module == "grader" else module).main


@pytest.mark.parametrize("target", NEEDED)
def test_a_target_without_its_values_names_each_and_takes_no_folder_instead(target, tmp_path, monkeypatch, capsys):
    (tmp_path / "class").mkdir()
    monkeypatch.chdir(tmp_path / "class")
    module, *words = handed(target)
    assert command(module)(words) == 2
    names = ", ".join(f"{name}=" for name in NEEDED[target])
    said = capsys.readouterr().err
    assert said.startswith(f"{target}: {names} {'is' if len(NEEDED[target]) == 1 else 'are'} missing")
    assert said.count("\n") == 1
    assert [path.name for path in tmp_path.rglob("*")] == ["class"]


def test_every_target_of_the_instructors_is_looked_at():
    recipes = dict(re.findall(r"^([a-z]+): \$\(READY\).*\n((?:\t.*\n)+)", MAKEFILE, re.M))
    programs = re.compile(r"-m (grader|exercises)\b|\$\(IN_EXERCISES\)|\$\(IN_GRADER\)")
    assert {target for target, recipe in recipes.items() if programs.search(recipe)} == set(NEEDED)


@pytest.mark.parametrize(
    ("module", "words", "told"),
    [
        ("grader", ["x", "--seed", "1", "--sed", "2"], "grade: unrecognized arguments: --sed 2"),
        ("grader", ["x", "--seed", "1", "--jobs", "many"], "grade: argument --jobs: invalid int value: 'many'"),
        ("grader.handin", ["ilias"], "handin: argument platform: invalid choice: 'ilias' (choose from 'moodle', "),
        ("grader.handin", ["moodle", "--scale", "ja"], "handin: argument --scale: give yes or no, not 'ja'"),
        ("grader.retain", ["x", "--policy", "p", "--delete", "now"], "argument --delete: give yes or no, not 'now'"),
        ("grader.honesty", ["x", "--assignment", "exam"], "honesty: argument --assignment: invalid choice: 'exam'"),
        ("grader.blind", ["x", "y"], "blind: unrecognized arguments: y"),
    ],
)
def test_a_word_that_is_unknown_is_one_sentence(module, words, told, capsys):
    assert command(module)(words) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1
    assert f"`PYTHONPATH=book python -m {module} --help` tells more" in said
