"""Faults: some of each kind are injected into the commands, and the record is of a full run without a trouble."""

import json
import os
import signal
import subprocess
import sys
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
    assert kinds == {"killed", "disk full", "folder closed", "two at once", "clock"} | {
        f"mirror: {kind}" for kind in fault_mirror.KINDS
    }


def test_the_record_is_of_a_full_run_in_which_every_fault_held():
    record = stored("faults")
    planned = sum(full for counts in faults.PLAN.values() for full, _ in counts.values()) + len(fault_mirror.KINDS)
    assert record["faults"] == record["held"] == sum(row["count"] for row in record["counts"]) == planned >= 200
    assert record["troubles"] == []
    outcomes = Counter()
    for row in record["counts"]:
        outcomes[row["outcome"]] += row["count"]
    assert outcomes["killed"] > 30
    assert outcomes["a sentence"] > 30
    assert {row["command"] for row in record["counts"]} == set(faults.PLAN)


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
