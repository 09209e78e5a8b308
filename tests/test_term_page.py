"""The instructors' page *A term, command by command*, followed by the letter in a fresh copy of the repository."""

import csv
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from grader import handin, rehearsal, retain

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "book" / "teaching" / "term.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```text\n(.*?)^```$", re.M | re.S)


def marks(table: Path, who: str, grade: str) -> dict[str, str]:
    with table.open(encoding="utf-8", newline="") as file:
        return {row[who][-3:]: row[grade] for row in csv.DictReader(file) if row[who]}


@pytest.mark.release
def test_it_leads_from_a_fork_to_returned_marks(tmp_path):
    if not shutil.which("bwrap"):
        pytest.skip("bubblewrap is not installed")
    course, out = tmp_path / "course", tmp_path / "rehearsal"
    tracked = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, tracked.split("\0")):
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, course / name)
    ready = tmp_path / "ready"
    ready.touch()
    os.utime(ready, (4e9, 4e9))  # and stays newer than what the commands write, or make would install this copy into it
    env = {**os.environ, "MAKEFLAGS": f" -- VENV={sys.prefix} READY={ready}"}  # the environment is there already
    env.pop("PYTHONPATH", None)
    blocks = BLOCK.findall(PAGE.partition("## Rehearse it")[2].partition("\n## ")[0])
    assert sum(block.count("make ") for block in blocks) == 7
    last = ""
    for block in blocks:
        if block.startswith("key,"):
            (page,) = (out / "grades" / "feedback").glob("Di-*")
            (out / "grades" / "overrides.csv").write_text(block.replace("KEY", page.stem))
            commands = [last]  # as the page says
        else:
            commands = [line for line in block.splitlines() if not line.startswith(("git clone", "cd course"))]
        for command in commands:
            done = subprocess.run(command, shell=True, cwd=course, env=env, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            last = command
        if last.startswith("make handin FOR=moodle") and not block.startswith("key,"):
            found = marks(out / "grades/handin/moodle-grades.csv", "Identifier", "Grade")
            assert found == {"101": "20", "102": "16", "103": "12", "104": "", "105": ""}
            for student in ("Ada has 20", "16; Cy 12", "Di, who gets no mark"):
                assert student in PAGE
    found = marks(out / "grades/handin/moodle-grades.csv", "Identifier", "Grade")
    assert found == {"101": "20", "102": "16", "103": "12", "104": "10", "105": ""}
    found = marks(out / "canvas-grades/handin/canvas-grades.csv", "ID", "Measure (4711)")
    assert found == {"101": "20", "102": "16", "103": "12", "104": "", "105": ""}
    assert "you/name" in (course / "book/exercises/measure/student.ipynb").read_text(encoding="utf-8")


def test_the_page_shows_the_file_of_the_term_that_the_rehearsal_writes(tmp_path):
    shown = re.search(r"^```toml\n(.*?)^```$", PAGE, re.M | re.S)[1]
    assert shown == rehearsal.TERM
    tomllib.loads(shown)


def test_the_rehearsal_writes_over_nothing(tmp_path, capsys):
    assert rehearsal.main([str(tmp_path / "new")]) == 0
    names = {"moodle.zip", "worksheet.csv", "canvas.zip", "gradebook.csv", "times.csv", "term.toml"}
    assert {path.name for path in (tmp_path / "new").iterdir()} == names
    files = {path: path.read_bytes() for path in (tmp_path / "new").iterdir()}
    assert rehearsal.main([str(tmp_path / "new")]) == 2
    assert "is there already" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (tmp_path / "new").iterdir()} == files


def test_the_options_that_the_page_names_are_those_of_the_commands(capsys):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target, module in (("handin", handin), ("forget", retain)):
        recipe = re.search(rf"^{target}:.*?\n((?:\t.*\n)+)", makefile, re.M)[1]
        with pytest.raises(SystemExit):
            module.main(["--help"])
        helped = capsys.readouterr().out
        for option in re.findall(r"OPTION,[A-Z]+,([a-z]+)\)", recipe):
            assert f"--{option} " in helped
