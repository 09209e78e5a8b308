"""Run the cases: ``make fuzz``, or ``python -m fuzz [--count 12000] [--seed 0] [--kind images] [--out FILE]``.

Each kind runs in processes of its own, 500 cases in one, one process after another. Faults are told with kind, seed and
number, by which ``python -m fuzz --kind KIND --seed SEED --only NUMBER`` makes the same case again.
"""

import argparse
import json
import os
import platform
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARES = {  # of a run
    "images": 0.25, "weights": 0.17, "registry": 0.08, "checkpoints": 0.06, "notebooks": 0.14, "archives": 0.1,
    "exports": 0.08, "words": 0.12,
}  # fmt: skip
FINE = ("taken", "refused", "remarks")
BATCH = 500
SHELF = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # in memory, so that a busy disk is no fault
PATIENCE = 120  # seconds without a word from a child, beyond which it is ended


def run(kind: str, count: int, seed: int, first: int = 0) -> Iterator[dict]:
    """The outcomes of the cases of one kind, in order: number, outcome, what was said, seconds, bytes."""
    last = first + count
    while first < last:
        for told in _batch(kind, seed, first, min(last, first + BATCH)):
            first = told["number"] + 1
            yield told


def _batch(kind: str, seed: int, first: int, last: int) -> Iterator[dict]:
    """Of one child; where it died or was ended, the case that it was at is the last."""
    with tempfile.TemporaryDirectory(dir=SHELF) as folder:
        home = Path(folder) / "home"
        home.mkdir()
        env = os.environ | {
            "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("", "tools", "book", "tests")),
            "HOME": str(home), "XDG_CACHE_HOME": str(home), "TMPDIR": str(home), "OMP_NUM_THREADS": "1",
            "SRCNN_DATA": "", "SRCNN_ROOT": "", "MALLOC_ARENA_MAX": "2",
        }  # fmt: skip
        command = [sys.executable, "-m", "fuzz.child", kind, str(seed), str(first), str(last), folder]
        with (Path(folder) / "errors").open("w+") as errors:
            number, pipe = None, subprocess.PIPE
            with subprocess.Popen(command, env=env, stdout=pipe, stderr=errors, text=True, cwd=folder) as child:
                for text in _lines(child):
                    if text is None:
                        child.kill()
                        break
                    if text[0] != "{":
                        number = int(text)
                        continue
                    number = None
                    yield json.loads(text)
                status = child.wait()
            if number is None and status:
                errors.seek(0)
                raise SystemExit(f"fuzz.child {kind} ended by itself, {status}: {errors.read()[-2000:]}")
            if number is not None:
                what = "hang" if text is None else "died"
                yield {"number": number, "outcome": what, "said": f"status {status}", "seconds": 0.0, "bytes": 0}


def _lines(child: subprocess.Popen) -> Iterator[str | None]:
    """What a child prints, line by line; None where it has said nothing for too long."""
    lines: queue.Queue = queue.Queue()

    def read() -> None:
        for line in child.stdout:
            lines.put(line)
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=PATIENCE)
        except queue.Empty:
            yield None
            return
        if not line:
            return
        yield line


def main() -> int:
    """Run them, tell the faults, and write the record; 1 where there was a fault."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=12_000, help="of all kinds together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=SHARES, help="one kind alone")
    parser.add_argument("--only", type=int, help="one case alone, with all that it says")
    parser.add_argument("--out", type=Path, help="write the counts there")
    given = parser.parse_args()
    if given.only is not None:
        print(json.dumps(next(run(given.kind, 1, given.seed, given.only)), indent=1))
        return 0
    kinds, began = {}, time.monotonic()
    for kind in [given.kind] if given.kind else SHARES:
        kinds[kind] = _kind(kind, given.count if given.kind else round(given.count * SHARES[kind]), given.seed)
    faults = sum(kind["faults"] for kind in kinds.values())
    record = {
        "command": "make fuzz",
        "seed": given.seed,
        "cases": sum(kind["cases"] for kind in kinds.values()),
        "faults": faults,
        "seconds": round(time.monotonic() - began),
        "kinds": kinds,
        "machine": f"{_processor()}, 1 thread",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("pillow", "torch", "safetensors", "imagecodecs", "tifffile")},
    }
    if given.out:
        given.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"{record['cases']:,} cases, {faults} faults, {record['seconds']} s")
    return int(faults > 0)


def _kind(kind: str, count: int, seed: int) -> dict:
    outcomes, slowest, most, seconds = Counter(), 0.0, 0, 0.0
    for told in run(kind, count, seed):
        outcomes[told["outcome"]] += 1
        slowest, most, seconds = max(slowest, told["seconds"]), max(most, told["bytes"]), seconds + told["seconds"]
        if told["outcome"] not in FINE:
            print(f"{kind} {told['number']} {told['outcome']}: {told['said'][-1500:]}", flush=True)
    counts = {name: outcomes[name] for name in FINE}
    print(f"{kind}: {dict(outcomes)}, {seconds:.0f} s, slowest {slowest:.1f} s, {most >> 20} MiB", flush=True)
    faults = outcomes.total() - sum(counts.values())
    rest = {"seconds": round(seconds, 1), "slowest": round(slowest, 2), "megabytes": round(most / 1e6)}
    return {"cases": outcomes.total(), **counts, "faults": faults, **rest}


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    sys.exit(main())
