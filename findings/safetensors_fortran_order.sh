#!/usr/bin/env bash
# Guess: safetensors writes the values of a NumPy array, whatever their order in memory, or refuses an order that it cannot
# write, as it does for torch's tensors.
# Seen: up to 0.7.0 it does. 0.8.0 writes the bytes as they lie in memory under the shape of the array, without an error:
# whatever is in Fortran's order comes back scrambled, with save and with save_file. That is the order of a transposed
# array and of every matrix that SciPy reads from a MATLAB file, so of filters that are converted from one.
# np.ascontiguousarray before saving makes it right. (The documentation asks for contiguous arrays; these are.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check "numpy==2.4.6" "scipy==1.17.1"
for version in 0.7.0 0.8.0; do
    "$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
        --target "$folder/$version" "safetensors==$version"
done
cd "$folder"
cat >order.py <<'PYTHON'
import numpy as np
import safetensors
import scipy.io
from safetensors.numpy import load, load_file, save, save_file

filters = np.arange(12, dtype=np.float32).reshape(3, 4)
scipy.io.savemat("filters.mat", {"filters": filters})
arrays = {
    "C's order": filters,
    "transposed": filters.T,
    "from MATLAB": scipy.io.loadmat("filters.mat")["filters"],
    "made contiguous": np.ascontiguousarray(filters.T),
}
version, seen = safetensors.__version__, {}
for name, array in arrays.items():
    save_file({"x": array}, "x.safetensors")
    back = load(save({"x": array}))["x"], load_file("x.safetensors")["x"]
    assert all((each.shape, each.dtype) == (array.shape, array.dtype) for each in back)
    assert np.array_equal(*back)
    seen[name] = "right" if np.array_equal(back[0], array) else "scrambled"
print(f"safetensors {version}: {seen}")
wrong = [name for name, told in seen.items() if told == "scrambled"]
assert wrong == ([] if version == "0.7.0" else ["transposed", "from MATLAB"])
PYTHON
for version in 0.7.0 0.8.0; do
    PYTHONPATH="$folder/$version" env/bin/python order.py
done
echo "as described"
