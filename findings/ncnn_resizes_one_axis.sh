#!/usr/bin/env bash
# Guess: ncnn's resize functions, which take a width and a height, give an image of that width and height, or an error.
# Seen with 1.0.20261020: a two-dimensional Mat, which is what a NumPy array (height, width) becomes, is resized in its
# width only, without a word: 24 rows that should be 72 stay 24. The same array as (1, height, width) is resized in both. So
# it is for nearest, bilinear and bicubic, and for the layer Interp of a network. An image's luma is just such an array.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check "ncnn==1.0.20261020" "numpy==2.4.6"
cd "$folder"
cat >resize.py <<'PYTHON'
from pathlib import Path

import ncnn
import numpy as np

Path("up.param").write_text("7767517\n2 2\nInput in 0 1 x\nInterp up 1 1 x y 0=3 3=72 4=90\n")
Path("up.bin").write_bytes(b"")
flat = np.random.default_rng(0).random((24, 30)).astype(np.float32)
deep = flat[None].copy()  # kept alive, for a Mat only points at the array's memory


def layer(image: np.ndarray) -> tuple[int, ...]:
    network = ncnn.Net()
    assert network.load_param("up.param") == 0 and network.load_model("up.bin") == 0
    extractor = network.create_extractor()
    extractor.input("x", ncnn.Mat(image))
    return np.array(extractor.extract("y")[1]).shape


def resized(function: str, image: np.ndarray) -> tuple[int, ...]:
    out = ncnn.Mat()
    getattr(ncnn, function)(ncnn.Mat(image), out, 90, 72)
    return np.array(out).shape


print("ncnn", ncnn.__version__)
for function in ("resize_nearest", "resize_bilinear", "resize_bicubic"):
    seen = resized(function, flat), resized(function, deep)
    print(f"{function} to 90 wide, 72 high: {flat.shape} -> {seen[0]}, {deep.shape} -> {seen[1]}")
    assert seen == ((24, 90), (1, 72, 90))
print(f"layer Interp: {flat.shape} -> {layer(flat)}, {deep.shape} -> {layer(deep)}")
assert (layer(flat), layer(deep)) == ((24, 90), (1, 72, 90))
PYTHON
env/bin/python resize.py
echo "as described"
