"""A process that runs many cases of one kind: ``python -m fuzz.child KIND SEED FIRST LAST FOLDER``.

Of several kinds, joined by +, the cases come in turn. Before each case it prints the number,
and after it a line of JSON, so that who started it knows which one killed it.
"""

import contextlib
import json
import os
import random
import shutil
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path

import torch

from fuzz import guard


def _peak(*, anew: bool = False) -> int:
    """Bytes of memory that this process has held at most, since it was last asked to begin anew."""
    if anew:
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024


def main(kind: str, seed: str, first: str, last: str, folder: str) -> None:
    """Run the cases from ``first`` up to but without ``last``."""
    torch.set_num_threads(1)
    place = Path(folder).resolve()
    kinds = [(name, import_module(f"fuzz.{name}")) for name in kind.split("+")]
    tools = {name: module.prepare(place / "tools" / name) for name, module in kinds}
    line = os.fdopen(os.dup(1), "w")  # a case's own output goes elsewhere
    guard.limit_memory()
    for number in range(int(first), int(last)):
        name, module = kinds[number % len(kinds)]
        chance = random.Random(f"{name} {seed} {number}")
        work = place / "case"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        os.chdir(work)
        with warnings.catch_warnings(action="ignore"):
            case = module.case(chance, work, tools[name])
        print(number, file=line, flush=True)
        base, began = _peak(anew=True), time.monotonic()
        what, said = guard.outcome(case, work)
        seconds, grown = time.monotonic() - began, _peak() - base
        if grown > guard.MEMORY and not case.short:
            what, said = "memory", f"{grown / 2**30:.1f} GiB; {said}"
        told = {"number": number, "outcome": what, "said": said[-3000:], "seconds": seconds, "bytes": grown}
        print(json.dumps(told), file=line, flush=True)
    os.chdir(place)


if __name__ == "__main__":
    main(*sys.argv[1:])
