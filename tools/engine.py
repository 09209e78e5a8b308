"""Compile book/_static/live/engine.c to WebAssembly: ``make live``, which installs a compiler from PyPI (ziglang).

The result is kept as a script, book/_static/live/code.js, because a page opened from a disk may read no file. The book
is built without the compiler; only who changes engine.c needs it.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HOME = Path(__file__).resolve().parents[1] / "book" / "_static" / "live"
SOURCE, CODE = HOME / "engine.c", HOME / "code.js"
COMPILER = "ziglang==0.17.1"  # another one makes other bytes
# sums may be taken in another order, but a value that is not a number must stay one
FLAGS = (
    *("--target=wasm32-freestanding", "-O3", "-nostdlib", "-msimd128", "-Wall", "-Wextra", "-Werror"),
    *("-fassociative-math", "-fno-signed-zeros", "-fno-trapping-math", "-ffp-contract=off"),
    *("-Wl,--no-entry", "-Wl,--strip-all", "-Wl,-z,stack-size=65536"),
)


def compiled(*more: str) -> bytes:
    """The WebAssembly module of engine.c with some more flags."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "engine.wasm"
        cache = {f"ZIG_{place}_CACHE_DIR": folder for place in ("GLOBAL", "LOCAL")}
        command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, *more, SOURCE.name, "-o", str(out)]
        subprocess.run(command, cwd=HOME, check=True, env={**os.environ, **cache})
        return out.read_bytes()


def script() -> str:
    """The text of code.js."""
    modules = {"plain": compiled(), "relaxed": compiled("-mrelaxed-simd")}
    texts = {name: base64.b64encode(module).decode() for name, module in modules.items()}
    return f'"use strict"; // engine.c, compiled by {COMPILER}: make live\nconst engineCode = {json.dumps(texts)};\n'


if __name__ == "__main__":
    CODE.write_text(script(), encoding="utf-8")
