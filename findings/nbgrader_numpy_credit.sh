#!/usr/bin/env bash
# Guess: a test cell of nbgrader that ends in half a point gives half a point, whether the number is Python's or NumPy's.
# Seen with nbgrader 0.9.6: with NumPy 1.26 both do. With NumPy 2 a mean such as np.mean([1, 0]) gives the full points of the
# cell, for nbgrader reads the number from what the cell shows, "np.float64(0.5)" is none, and what is none passes in full;
# a line in the log is all that tells. (The same holds for True and False: a test that ends in False gives full points.)
# float(...) around the number makes it right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check "nbgrader==0.9.6"
for version in 1.26.4 2.3.5; do
    "$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
        --target "$folder/$version" "numpy==$version"
done
cat >"$folder/credit.py" <<'PYTHON'
import logging
import os
import sys

import nbgrader
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.utils import determine_grade

ENDS = {"float(np.mean([1, 0]))": 0.5, "np.mean([1, 0])": 0.5 if sys.argv[1] == "1.26.4" else 2.0, "1 > 2": 2.0}
logging.basicConfig(level=logging.ERROR)
marks = {"grade": True, "solution": False, "locked": True, "task": False, "points": 2, "schema_version": 3}
cells = [new_code_cell("import numpy as np")]
cells += [new_code_cell(end, metadata={"nbgrader": {**marks, "grade_id": f"test{n}"}}) for n, end in enumerate(ENDS)]
notebook = NotebookClient(new_notebook(cells=cells), kernel_name="python3").execute()
seen = {cell.source: determine_grade(cell, logging.getLogger()) for cell in notebook.cells[1:]}
print(f"nbgrader {nbgrader.__version__}, NumPy {sys.argv[1]}: points of 2:", {end: got for end, (got, _) in seen.items()})
assert seen == {end: (points, 2.0) for end, points in ENDS.items()}
PYTHON
for version in 1.26.4 2.3.5; do
    PYTHONPATH="$folder/$version" JUPYTER_PREFER_ENV_PATH=1 "$folder/env/bin/python" "$folder/credit.py" $version 2>/dev/null
done
echo "as described"
