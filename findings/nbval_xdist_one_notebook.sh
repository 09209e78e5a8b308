#!/usr/bin/env bash
# Guess: `pytest --nbval -n 2 --dist loadfile` runs all cells of all notebooks that it is given, wherever they lie.
# Seen with nbval 0.11.0, pytest 9.2.0 and pytest-xdist 3.8.0: notebooks outside pytest's root folder give their cells no
# name of a file, "::Cell 0" and so on, so the cells of two notebooks have the same names, and pytest-xdist sends each name
# to a worker once. The second notebook is not run, a wrong output in it is not found, and the exit status is 0. Without
# -n, or in the root folder, all cells run and the wrong output is found.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check \
    "nbval==0.11.0" "pytest==9.2.0" "pytest-xdist==3.8.0" "ipykernel==7.4.0"
cat >"$folder/try.py" <<'PYTHON'
import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

place = Path(sys.argv[1])
for where in ("root", "elsewhere"):
    (place / where).mkdir()
(place / "root" / "pytest.ini").write_text("[pytest]\n")


def notebook(path, stored):
    """Two cells that print 2 and 4; the second has stored what is given."""
    cells = [
        {"cell_type": "code", "id": f"c{k}", "execution_count": 1, "metadata": {}, "source": f"print({number})",
         "outputs": [{"output_type": "stream", "name": "stdout", "text": f"{text}\n"}]}
        for k, (number, text) in enumerate([(2, 2), (4, stored)])
    ]
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))


def ran(where, *words):
    """How many cells passed and failed, and the exit status."""
    names = [str(place / where / name) for name in ("a.ipynb", "b.ipynb")]
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider",
               f"--rootdir={place / 'root'}", *words, *names]
    done = subprocess.run(command, cwd=place / "root", capture_output=True, text=True)
    found = {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed)", done.stdout)}
    return found.get("passed", 0), found.get("failed", 0), done.returncode


for where in ("root", "elsewhere"):
    notebook(place / where / "a.ipynb", 4)
    notebook(place / where / "b.ipynb", 5)  # which is wrong
side = ("-n", "2", "--dist", "loadfile")
seen = {
    "in the root folder, side by side": ran("root", *side),
    "elsewhere, one after the other": ran("elsewhere"),
    "elsewhere, side by side": ran("elsewhere", *side),
}
print(*(f"{name} {version(name)}" for name in ("nbval", "pytest", "pytest-xdist", "ipykernel")))
for name, (passed, failed, status) in seen.items():
    print(f"{name}: {passed} passed, {failed} failed, exit status {status}")
assert list(seen.values()) == [(3, 1, 1), (3, 1, 1), (2, 0, 0)]
PYTHON
"$folder/env/bin/python" "$folder/try.py" "$folder"
echo "as described"
