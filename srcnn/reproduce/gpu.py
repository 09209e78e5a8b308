"""What a CUDA GPU gives, in order of worth, each part in a process of its own and under its own time limit.

``srcnn reproduce gpu --out FOLDER`` measures the parts into ``gpu.json`` and ``gpu.log``. A part that fails, hangs or
crashes costs only itself. What it had so far is kept, and so are the parts of earlier calls, so that several short
calls can share the work. ``--dry`` runs every part on the CPU with tiny numbers: that proves the program and measures
nothing.
"""

import json
import os
import re
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from srcnn.files import InputError, writable
from srcnn.reproduce.gpu_child import child
from srcnn.reproduce.gpu_parts import PARTS
from srcnn.reproduce.gpu_place import Place, context
from srcnn.results import write_json

BUDGET = 570.0  # seconds of a call: where a machine is lent, a command often has ten minutes
_LEAST = 10.0  # seconds; a part with less is not begun
_GRACE = 5.0  # seconds between the time that a part is told and the time at which it is ended
_DRY_LIMIT = 120.0
# a newer result takes an older one's place unless it is worth less
_WORTH = {"done": 3, "incomplete": 2, "running": 1, "over its limit": 1, "failed": 1, "killed": 1}


def run(
    folder: Path,
    *,
    parts: str | None = None,
    budget: float = BUDGET,
    limits: Mapping[int, float] | None = None,
    dry: bool = False,
) -> Iterator[dict[str, Any]]:
    """Measure parts into ``gpu.json``, which holds after every row what is known so far.

    Args:
        folder: of ``gpu.json``, ``gpu.log``, the traces and the checkpoint of part 9.
        parts: such as ``"1-4,7"``; all of them where it is None.
        budget: seconds of all parts together; what there is no time for is not begun.
        limits: of single parts, in place of ``PARTS``' own.
        dry: on the CPU with tiny numbers.

    Yields:
        ``{"line": text}`` for the user: each part when it ends, then the table of all that the file holds.

    Raises:
        InputError: a part is unknown, there is no CUDA device, or the folder holds another kind of run or a damaged
            file.
    """
    wanted, path = numbers(parts), writable(Path(folder) / "gpu.json")
    for number in limits or {}:
        if number not in PARTS:
            raise InputError(f"there is no part {number} to limit; they are 1 to {len(PARTS)}")
    if not dry and not torch.cuda.is_available():
        raise InputError("there is no CUDA device on this machine; --dry runs every part on the CPU with tiny numbers")
    kept = read(path, dry=dry)
    ends = time.monotonic() + budget
    for number in wanted:
        limit = min((limits or {}).get(number, _DRY_LIMIT if dry else PARTS[number].limit), ends - time.monotonic())
        if limit < _LEAST and limit < (limits or {}).get(number, _LEAST):
            yield {"line": f"{number:2}  {PARTS[number].name}: not begun, the budget of {budget:.0f} s is used up"}
            continue
        before = kept["parts"].get(str(number))
        for entry in _measured(number, path.parent, limit, dry):
            kept["parts"][str(number)] = _better(before, entry)
            write_json(kept, path)
        yield {"line": _line(number, entry)}
    yield {"line": ""}
    for number, entry in sorted(kept["parts"].items(), key=lambda item: int(item[0])):
        yield {"line": _line(int(number), entry)}


def numbers(text: str | None) -> list[int]:
    """The parts that are meant by ``"1-4,7"``, in this order.

    Raises:
        InputError: that is no list of parts.
    """
    if text is None:
        return list(PARTS)
    found: list[int] = []
    for word in text.split(","):
        ends = re.fullmatch(r"\s*(\d{1,3})(?:-(\d{1,3}))?\s*", word, re.ASCII)
        first, last = (int(ends[1]), int(ends[2] or ends[1])) if ends else (0, 0)
        if not 1 <= first <= last <= len(PARTS):
            raise InputError(f"{text!r} names no parts; give numbers from 1 to {len(PARTS)}, such as 1-4,7")
        found += range(first, last + 1)
    return list(dict.fromkeys(found))


def read(path: Path, *, dry: bool) -> dict[str, Any]:
    """What ``gpu.json`` holds, or a new record.

    Raises:
        InputError: it is damaged, or of a dry run where this is none, or the other way round.
    """
    if not path.exists():
        return {"command": "srcnn reproduce gpu", "dry": dry, "parts": {}}
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not (isinstance(kept["parts"], dict) and all(int(number) in PARTS for number in kept["parts"])):
            raise ValueError
        other = kept["dry"] is not dry
    except (ValueError, LookupError, TypeError, RecursionError):
        raise InputError(f"{path} is damaged; remove it, or give another --out") from None
    if other:
        what = "a dry run's, whose figures mean nothing" if kept["dry"] else "no dry run's, and would be overwritten"
        raise InputError(f"{path} is {what}; give another --out")
    return kept


def _measured(number: int, folder: Path, limit: float, dry: bool) -> Iterator[dict[str, Any]]:
    """A part's entry, again and again while it grows; the last one has its outcome."""
    part, began = PARTS[number], time.monotonic()
    command = f"srcnn reproduce gpu --parts {number}{' --dry' if dry else ''}"
    entry: dict[str, Any] = {
        "name": part.name,
        "asks": part.asks,
        "command": command,
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    }
    entry |= {"status": "running", "seconds": 0.0, "limit": round(limit, 1)}
    empty: dict[str, Any] = {"machine": None, "settings": {}, "rows": [], "summary": None, "error": None}
    with (folder / "gpu.log").open("a", encoding="utf-8") as log:
        log.write(f"== {number} {part.name}, {entry['date']}: {command}, at most {limit:.0f} s\n")
    device = "cpu" if dry else "cuda"
    told = limit - min(_GRACE, limit / 10)
    with tempfile.TemporaryDirectory() as scratch:
        file, seen = Path(scratch) / "record.json", None
        place = Place(device, folder, told)
        process = context(device).Process(target=child, args=(part, place, dry, file), name=f"part {number}")
        process.start()
        try:
            while process.is_alive() and time.monotonic() - began < limit:
                process.join(0.1)
                record = _record(file)
                if record and record != seen:
                    seen = record
                    yield {**entry, "seconds": round(time.monotonic() - began, 1), **record}
            over = process.is_alive()
        finally:  # also where the user interrupts
            _end(process)
        record = _record(file) or empty
    entry["seconds"] = round(time.monotonic() - began, 1)
    yield {**entry, **record, **_outcome(record, process.exitcode, over=over, limit=limit)}


def _record(file: Path) -> dict[str, Any] | None:
    """What the part has written; it is always whole."""
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def _end(process: Any) -> None:
    """End a part and all that it started."""
    with suppress(OSError, AttributeError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()


def _outcome(record: dict[str, Any], status: int, *, over: bool, limit: float) -> dict[str, str | None]:
    if over:
        return {"status": "over its limit", "error": f"it was ended after {limit:.0f} s"}
    if record["error"]:
        return {"status": "failed", "error": record["error"]}
    if record["summary"] is None:
        ended = f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
        return {"status": "killed" if status < 0 else "failed", "error": f"its process ended with {ended}"}
    return {"status": "done" if record["summary"].get("complete", True) else "incomplete", "error": None}


def _better(before: dict[str, Any] | None, entry: dict[str, Any]) -> dict[str, Any]:
    """A part's entry, or that of an earlier call where it is worth more, with a word of the later one."""
    if before and _worth(before) > _worth(entry):
        return {**before, "later": {name: entry[name] for name in ("date", "status", "seconds", "error")}}
    return entry


def _worth(entry: dict[str, Any]) -> int:
    return _WORTH[entry["status"]] if entry["rows"] or entry["status"] == "done" else 0


def _line(number: int, entry: dict[str, Any]) -> str:
    """A row of the table."""
    told = entry["error"] or (entry["summary"] or {}).get("line") or f"{len(entry['rows'])} rows"
    later = f" (later: {entry['later']['status']})" if "later" in entry else ""
    return f"{number:2}  {entry['name']:15} {entry['status']:14} {entry['seconds']:6.1f} s  {told[:150]}{later}"
