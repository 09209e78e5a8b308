"""Faults: commands are killed, run out of disk, meet closed folders, a second process, a false clock and bad mirrors.

``python tests/faults.py`` (``make faults``) injects more than 200 faults and writes data/results/faults.json;
``--short`` injects some of each kind in half a minute. After each fault four things must hold: no file that has its
final name is half-written; nothing that was there is lost or overwritten; where the command itself ended, it said why
in one sentence; and the same command again succeeds with the right result, leaving nothing else behind.

A loss of power is a kill after which each file that the command had not brought to the disk (``fsync``) is cut. What is
not tried here: a name that the disk forgets, and a clock that another program sets back (here the process's own clock
goes back at every look).
"""

import argparse
import contextlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import fault_inside as inside
from fault_commands import Command, commands, meaning, whole
from fault_inside import Ended, ended, run, start
from fault_mirror import KINDS, mirror

from srcnn.pretrained import hardware_name
from srcnn.results import write_json

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "data" / "results" / "faults.json"
SENTENCE = ("srcnn: ", "grade: ")
KILLED, POWER, FULL, CLOSED = "killed", "power lost", "disk full", "folder closed"
TWICE, CLOCK = "two at once", "clock"
# command -> how many faults of each kind: a full run, and a short one
PLAN = {
    "fetch": {KILLED: (26, 2), POWER: (12, 1), FULL: (8, 1), CLOSED: (4, 1), TWICE: (6, 1), CLOCK: (2, 1)},
    "train": {KILLED: (26, 2), POWER: (16, 2), FULL: (10, 1), CLOSED: (4, 1), TWICE: (6, 1), CLOCK: (2, 1)},
    "export": {KILLED: (14, 1), POWER: (6, 1), FULL: (6, 1), CLOSED: (3, 0), TWICE: (3, 0), CLOCK: (1, 0)},
    "evaluate": {KILLED: (10, 1), POWER: (4, 0), FULL: (3, 1), CLOSED: (3, 1), TWICE: (3, 0), CLOCK: (1, 0)},
    "tables": {KILLED: (12, 1), POWER: (6, 0), FULL: (6, 1), CLOSED: (3, 0), TWICE: (3, 0), CLOCK: (1, 0)},
    "upscale": {KILLED: (20, 2), POWER: (8, 1), FULL: (8, 1), CLOSED: (4, 1), TWICE: (5, 1), CLOCK: (1, 1)},
    "grade": {KILLED: (8, 0), POWER: (4, 0), FULL: (3, 0), CLOSED: (2, 0), TWICE: (2, 0), CLOCK: (1, 0)},
}  # fmt: skip


def files(folder: Path, *, hidden: bool = False) -> dict[str, Path]:
    """The files of a folder by name, without those whose names show that they are being worked on."""
    found = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: path for name, path in found.items() if hidden or not any(p[0] == "." for p in name.split("/"))}


class Trials:
    """Faults of one command, each in a folder of its own, compared with what it makes undisturbed."""

    def __init__(self, command: Command, place: Path, switch: Path, dice: random.Random) -> None:
        self.command, self.place, self.switch, self.dice = command, place, switch, dice
        self.pattern = place / "pattern"
        (self.pattern / "in").mkdir(parents=True)
        command.prepare(self.pattern / "in")
        self.before = command.before
        with self._folder(None) as trial:
            first = run(command, trial, inside.counted(trial / "calls"))
            assert first.status == 0, first.said
            self.calls = int((trial / "calls").read_text())
            self.right = {name: meaning(path) for name, path in files(trial / "out").items()}
            self.size = sum(path.stat().st_size // 4096 + 1 for path in (trial / "out").rglob("*")) * 4096
        with self._folder(None) as trial:
            self.seconds = run(command, trial).seconds

    @contextlib.contextmanager
    def _folder(self, size: int | None) -> Iterator[Path]:
        """A folder for a trial; with a size its results are on a disk that holds no more."""
        trial = self.place / "trial"
        shutil.copytree(self.pattern, trial)
        (trial / "out").mkdir()
        try:
            with inside.small_disk(trial / "out", size):
                for name, content in self.before.items():
                    (trial / "out" / name).parent.mkdir(parents=True, exist_ok=True)
                    (trial / "out" / name).write_bytes(content)
                yield trial
        finally:
            shutil.rmtree(trial)

    def inject(self, kind: str) -> str:
        """Inject one fault, look at what it left, and run the command again; what became of the first.

        Raises:
            AssertionError: one of the four things does not hold.
        """
        used = sum(len(content) // 4096 + 1 for content in self.before.values()) * 4096
        size = self.dice.randrange(used + 4096, max(self.size, used + 8192), 4096) if kind == FULL else None
        with self._folder(size) as trial:
            seen = getattr(self, "_" + kind.replace(" ", "_"), self._mirror)(trial, kind)
            for each in seen:
                self._look(trial, each)
            if size is not None:
                inside.enlarge_disk(trial / "out")
            again = run(self.command, trial)
            assert again.status == 0, f"the same command again failed: {again.said}"
            self._complete(trial)
        return "/".join(outcome(each.status) for each in seen)

    def _killed(self, trial: Path, _: str) -> list[Ended]:
        """Half of them at a moment, half at a call that opens, writes, closes or renames."""
        began = time.monotonic()
        if self.dice.random() < 0.5:
            child = start(self.command, trial)
            return [ended(child, trial, began, kill_after=self.dice.uniform(0, self.seconds))]
        child = start(self.command, trial, inside.killed_at(self.dice.randint(1, self.calls)))
        return [ended(child, trial, began)]

    def _power_lost(self, trial: Path, _: str) -> list[Ended]:
        synced = trial / "synced"
        synced.write_text("".join(f"{inside.state(path)}\n" for path in files(trial, hidden=True).values()))
        began = time.monotonic()
        child = start(self.command, trial, inside.without_power_at(self.dice.randint(1, self.calls), synced))
        seen = ended(child, trial, began)
        inside.lose_power(trial / "out", set(synced.read_text().splitlines()), self.dice)
        return [seen]

    def _disk_full(self, trial: Path, _: str) -> list[Ended]:
        return [run(self.command, trial, inside.limited_files(self.dice.randrange(1, 60_000)))]

    def _folder_closed(self, trial: Path, _: str) -> list[Ended]:
        folders = [trial / "out", *(path for path in (trial / "out").rglob("*") if path.is_dir())]
        with inside.closed(self.dice.choice(folders)):
            return [run(self.command, trial, inside.without_power)]

    def _two_at_once(self, trial: Path, _: str) -> list[Ended]:
        began, later = time.monotonic(), self.dice.uniform(0, 0.7 * self.seconds)
        first = start(self.command, trial)
        time.sleep(later)
        second = start(self.command, trial, name="b")
        return [ended(first, trial, began), ended(second, trial, began, "b")]

    def _clock(self, trial: Path, _: str) -> list[Ended]:
        seen = run(self.command, trial, inside.clock_goes_back)
        assert seen.status == 0, seen.said
        return [seen]

    def _mirror(self, trial: Path, kind: str) -> list[Ended]:
        self.switch.write_text(kind)
        seen = run(self.command, trial)
        self.switch.write_text("none")
        return [seen]

    def _look(self, trial: Path, seen: Ended) -> None:
        """Raise an AssertionError where a fault has left what it must not."""
        there = files(trial / "out")
        for name, path in there.items():
            try:
                sound = whole(self.command, path, name, self.before, self.right)
            except Exception as error:
                raise AssertionError(f"{name} is not whole: {error!r}") from error
            assert sound, f"{name} is neither what was there nor what should be"
        assert set(self.before) <= set(there), f"lost: {set(self.before) - set(there)}"
        for name, path in files(self.pattern / "in").items():
            assert path.read_bytes() == (trial / "in" / name).read_bytes(), f"the input {name} was changed"
        assert "Traceback" not in seen.said, seen.said
        if seen.status > 0:
            lines = seen.said.splitlines()
            assert lines, "it failed without a word"
            assert all(line.startswith(SENTENCE) for line in lines), f"no sentence: {seen.said}"
            place = str(trial)
            assert any(place in line or "http://" in line for line in lines), f"names no place: {seen.said}"

    def _complete(self, trial: Path) -> None:
        there = files(trial / "out")
        for name, wanted in self.right.items():
            assert name in there, f"after the second time {name} is missing"
            assert meaning(there[name]) == wanted, f"after the second time {name} is another"
        assert set(there) == set(self.right), f"left behind: {set(there) ^ set(self.right)}"
        left = [name for name in files(trial / "out", hidden=True) if name.endswith(".part")]
        assert not left, f"left behind: {left}"


def outcome(status: int) -> str:
    """In a word."""
    return "killed" if status < 0 else "a sentence" if status else "done"


def main(words: list[str] | None = None) -> int:
    """Inject the faults, write the record, and return 1 where something did not hold."""
    parser = argparse.ArgumentParser(prog="faults.py", description=__doc__.partition("\n")[0])
    parser.add_argument("--short", action="store_true", help="some of each kind, in half a minute")
    parser.add_argument("--out", type=Path, default=OUT, help="file of the record (%(default)s)")
    parser.add_argument(
        "--only", choices=sorted(PLAN), nargs="*", help="these commands; the record keeps what it has of others"
    )
    parser.add_argument("--seed", type=int, default=20140906)
    options = parser.parse_args(words)
    began, rows, troubles = time.monotonic(), Counter(), []
    with tempfile.TemporaryDirectory() as folder, mirror(Path(folder) / "switch") as port:
        place = Path(folder).resolve()
        for name in options.only or PLAN:
            if not any(counts[options.short] for counts in PLAN[name].values()):
                continue
            command = commands(f"http://127.0.0.1:{port}/tiny.zip")[name]
            dice = random.Random(f"{options.seed} {name}")
            trials = Trials(command, place / name, place / "switch", dice)
            for kind, seen in _injected(trials, short=options.short, troubles=troubles):
                rows[name, kind, seen] += 1
    if options.only and options.out.exists():
        _keep(json.loads(options.out.read_text(encoding="utf-8")), options.only, rows, troubles)
    counts = [dict(zip(("command", "kind", "outcome"), key, strict=True), count=rows[key]) for key in rows]
    record = {
        "command": "make faults", "faults": rows.total(), "held": rows.total() - len(troubles), "counts": counts,
        "troubles": troubles, "disk": inside.DISK, "power": inside.POWER, "seed": options.seed,
        "seconds": round(time.monotonic() - began, 1), "machine": hardware_name(), "python": sys.version.split()[0],
        "torch": version("torch"), "commit": _commit(),
    }  # fmt: skip
    write_json(record, options.out)
    print(f"{record['faults']} faults in {record['seconds']:.0f} s, {len(troubles)} of them left a trouble")
    return bool(troubles)


def _injected(trials: Trials, *, short: bool, troubles: list[str]) -> Iterator[tuple[str, str]]:
    """The faults of one command: kind and what became of it; troubles are noted."""
    name = trials.command.name
    plan = {kind: counts[short] for kind, counts in PLAN[name].items()}
    plan |= {f"mirror: {kind}": 1 for kind in KINDS} if name == "fetch" else {}
    for kind, count in plan.items():
        for number in range(count):
            try:
                yield kind, trials.inject(kind.removeprefix("mirror: "))
            except AssertionError as trouble:
                troubles.append(f"{name}, {kind} {number}: {trouble}")
                print(troubles[-1][:600], flush=True)
                yield kind, "a trouble"


def _keep(record: dict, only: list[str], rows: Counter, troubles: list[str]) -> None:
    """Add what a record has of other commands."""
    others = [row for row in record["counts"] if row["command"] not in only]
    rows.update({(row["command"], row["kind"], row["outcome"]): row["count"] for row in others})
    troubles += [told for told in record["troubles"] if told.partition(",")[0] not in only]


def _commit() -> str:
    told = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return told.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
