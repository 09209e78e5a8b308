"""The process in which a part of "gpu" is measured."""

import json
import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

from srcnn.reproduce.gpu_parts import Part
from srcnn.reproduce.gpu_place import Place, machine
from srcnn.results import write_json


def measure(part: Part, place: Place, *, dry: bool, file: Path) -> None:
    """Measure a part, and keep in the file, after every row, what it has so far.

    Args:
        part: from ``PARTS``.
        place: where.
        dry: with the dry run's settings.
        file: JSON: ``machine``, ``settings``, ``rows``, ``summary`` and ``error``, the last two None so far.
    """
    settings = part.dry if dry else part.settings
    record: dict[str, Any] = {"machine": None, "settings": settings, "rows": [], "summary": None, "error": None}
    try:
        record["machine"] = machine(place.device)
        work = part.work(place, **settings)
        while True:
            write_json(record, file)
            try:
                row = next(work)
            except StopIteration as end:
                record["summary"] = end.value
                break
            record["rows"].append(row)
            sys.stdout.write(json.dumps(row) + "\n")
    except Exception as error:  # whatever it is, the next part goes on
        traceback.print_exc()
        record["error"] = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    write_json(record, file)


def child(part: Part, place: Place, dry: bool, file: Path) -> None:
    """Measure a part in a process of its own, which leads a group of all that it starts and ends with its parent."""
    with suppress(OSError, AttributeError):  # Windows has no such groups
        os.setpgid(0, 0)
    parent: Any = parent_process()  # never None: the part was started by another

    def watch() -> None:
        parent.join()
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    log = os.open(place.folder / "gpu.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(log, stream)
    sys.stdout, sys.stderr = (open(stream, "w", buffering=1, closefd=False) for stream in (1, 2))  # noqa: SIM115
    measure(part, place, dry=dry, file=file)
