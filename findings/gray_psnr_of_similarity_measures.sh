#!/usr/bin/env bash
# Guess: a program that takes gray images gives two equal ones an infinite PSNR, and their size does not matter.
# Seen with image-similarity-measures 0.3.6, whose command says that it evaluates super-resolution: a gray image of 48 x 48
# beside itself has 9.7 dB, and so has one that is a level brighter. Only the first image gets an axis for its channel, so
# NumPy compares the columns of one with the rows of the other; a gray image that is not square ends in an error. With that
# axis in both, (48, 48, 1), all is right, and so is RGB. The luma on which SRCNN is measured is such an image.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check scikit-image==0.20.0 numpy==1.26.4 \
    scipy==1.17.1
# OpenCV without its windows, which nothing here needs
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps image-similarity-measures==0.3.6 \
    phasepack==1.5 opencv-python-headless==4.11.0.86
cat >"$folder/gray.py" <<'PYTHON'
from importlib.metadata import version

import numpy as np
from image_similarity_measures.quality_metrics import psnr, rmse

print("image-similarity-measures", version("image-similarity-measures"))
gray = np.random.default_rng(0).integers(0, 200, (48, 48), dtype=np.uint8)
with np.errstate(divide="ignore"):
    alone = psnr(gray, gray, max_p=255), rmse(gray, gray, max_p=255)
    with_axis = psnr(gray[..., None], gray[..., None], max_p=255)
    color = np.stack([gray, gray + 10, gray + 20], axis=-1)
    assert psnr(color, color, max_p=255) == np.inf
levels = gray.astype(float)
mixed = 20 * np.log10(255 / np.sqrt(np.mean((levels[:, :, None] - levels[None, :, :]) ** 2)))
print(f"a gray image beside itself: PSNR {alone[0]:.2f} dB, RMSE {255 * alone[1]:.0f} levels")
print(f"beside one that is a level brighter: {psnr(gray, gray + 1, max_p=255):.2f} dB")
print(f"beside itself, with an axis for the channel: {with_axis} dB")
assert 9 < alone[0] < 11
assert alone[1] > 0.3
assert with_axis == np.inf
assert abs(psnr(gray[..., None], gray[..., None] + 1, max_p=255) - 20 * np.log10(255)) < 1e-4
assert abs(alone[0] - mixed) < 1e-3
try:
    psnr(gray[:40], gray[:40], max_p=255)
except ValueError as error:
    print("40 x 48:", error)
else:
    raise SystemExit("40 x 48 is taken")
PYTHON
"$folder/env/bin/python" -W ignore "$folder/gray.py"
echo "as described"
