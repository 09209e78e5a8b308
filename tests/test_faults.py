"""Faults: some of each kind are injected into the commands, and the record is of a full run without a trouble."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import fault_inside
import fault_mirror
import faults
import pytest

from srcnn.results import stored

HERE = Path(__file__).resolve().parent
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the commands are forked")


def test_after_some_faults_of_every_kind_all_is_whole_said_and_made_again(tmp_path):
    """In a process of its own, with one thread: a process with several should not be forked."""
    words = [sys.executable, str(HERE / "faults.py"), "--short", "--out", str(tmp_path / "faults.json")]
    path = os.pathsep.join(filter(None, [str(HERE.parent), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((tmp_path / "faults.json").read_text())
    assert record["faults"] == record["held"] >= 40
    kinds = {row["kind"] for row in record["counts"]}
    assert kinds == {"killed", "power lost", "disk full", "folder closed", "two at once", "clock"} | {
        f"mirror: {kind}" for kind in fault_mirror.KINDS
    }


def test_the_record_is_of_a_full_run_in_which_every_fault_held():
    record = stored("faults")
    planned = sum(full for counts in faults.PLAN.values() for full, _ in counts.values()) + len(fault_mirror.KINDS)
    assert record["faults"] == record["held"] == sum(row["count"] for row in record["counts"]) == planned >= 200
    assert record["troubles"] == []
    assert f": {planned} faults (" in (HERE.parent / "Makefile").read_text(encoding="utf-8")
    outcomes = Counter()
    for row in record["counts"]:
        outcomes[row["outcome"]] += row["count"]
    assert outcomes["killed"] > 30
    assert outcomes["a sentence"] > 30
    assert {row["command"] for row in record["counts"]} == set(faults.PLAN)


def build(out: Path, kill_after: float | None = None) -> None:
    """What ``make book`` runs, into a folder of its own; ended, with its children, after so many seconds."""
    words = [Path(sys.executable).with_name("jupyter-book"), "build", str(HERE.parent), "--all", "-W", "-n"]
    process = subprocess.Popen(
        [*words, "--keep-going", "--path-output", str(out)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        said, _ = process.communicate(timeout=kill_after)
        assert process.returncode == 0, said[-3_000:]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def pages(out: Path) -> dict[str, bytes]:
    html = out / "_build" / "html"
    changing = {"searchindex.js", ".buildinfo"}  # in an order that is drawn anew; tells how it was built
    found = {str(path.relative_to(html)): path for path in html.rglob("*") if path.is_file()}
    stamp = re.compile(rb"\?v=[0-9a-f]{8}(?=\")")  # a second build stamps two files more than the first
    return {name: stamp.sub(b"", path.read_bytes()) for name, path in found.items() if path.name not in changing}


@pytest.mark.release
def test_a_build_of_the_book_that_was_killed_is_made_whole_by_the_next(tmp_path):
    """Killed where it reads the pages, where it keeps what it read, and where it writes; each in what was left."""
    began = time.monotonic()
    build(tmp_path / "undisturbed")
    seconds = time.monotonic() - began
    for share in (0.35, 0.6, 0.75, 0.9):
        build(tmp_path / "killed", kill_after=share * seconds)
    build(tmp_path / "killed")
    right, made = pages(tmp_path / "undisturbed"), pages(tmp_path / "killed")
    assert set(made) == set(right)
    assert [name for name in right if made[name] != right[name]] == []


HARMS = {
    "half a file": (lambda out: (out / "r.json").write_text('{"half'), "r.json is not whole"),
    "another file": (lambda out: (out / "r.json").write_text("{}"), "neither what was there nor what should be"),
    "a lost file": (lambda out: (out / "notes.txt").unlink(), "lost: {'notes.txt'}"),
    "a changed file": (lambda out: (out / "notes.txt").write_text("x"), "neither what was there"),
    "a traceback": (lambda out: 1 / 0, "ZeroDivisionError"),
    "a word too few": (lambda out: 2, "failed without a word"),
    "no sentence": (lambda out: sys.stderr.write("Oh, no") and 2, "no sentence: Oh, no"),
    "no place": (lambda out: sys.stderr.write("srcnn: full") and 2, "names no place: srcnn: full"),
    "a part": (lambda out: (out / ".r.json.77.part").touch(), "left behind: ['.r.json.77.part']"),
}


@pytest.mark.parametrize(("harm", "told"), HARMS.values(), ids=HARMS)
def test_a_command_that_is_not_careful_is_found_out(harm, told, tmp_path):
    """The harness itself: a command that does its work, and where it is disturbed does harm as well."""

    def work(words: list[str]) -> int:
        out = Path(words[0])
        (out / "r.json").write_text('{"a": 1}')
        if (out.parent / "in" / "disturbed").exists():
            (out.parent / "in" / "disturbed").unlink()
            return 2 if harm(out) == 2 else 0
        return 0

    class Trials(faults.Trials):
        def _mirror(self, trial: Path, kind: str) -> list[faults.Ended]:
            (trial / "in" / "disturbed").touch()
            return [faults.run(self.command, trial)]

    def prepare(place: Path) -> None:
        place.mkdir(exist_ok=True)

    command = faults.Command("careless", "{out}", prepare, run=work)
    trials = Trials(command, tmp_path, tmp_path / "switch", faults.random.Random(0))
    with pytest.raises(AssertionError) as found:
        trials.inject("harm")
    assert told in str(found.value)


def test_a_command_that_hangs_is_ended_and_found_out(tmp_path, monkeypatch):
    monkeypatch.setattr(fault_inside, "SECONDS", 1)
    command = faults.Command("hangs", "", lambda place: None, run=lambda words: signal.pause())
    with pytest.raises(AssertionError, match="it hangs"):
        faults.run(command, tmp_path)
