#!/usr/bin/env bash
# Guess: torch's interpolate with antialias=True treats columns and rows alike, so an image one pixel wide is resized
# along its height as an image one pixel high is along its width.
# Seen with 2.13.0 on the CPU: the row is right. Of the column every output pixel gets the value of the first one, without
# a warning: the ramp 0, 1, ..., 11 becomes 1.25, 1.25, 1.25, 1.25 where 1.25, 4, 7, 9.75 is right (Pillow, and torch
# itself for two equal columns). So it is for bilinear and bicubic, float32 and float64, larger and smaller, and where an
# image becomes one pixel wide; without antialias=True it is right. A narrow image should be transposed first.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q torch==2.13.0 numpy==2.4.6 pillow==13.0.0 2>/dev/null
cat >"$folder/column.py" <<'PYTHON'
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def resized(image: torch.Tensor, height: int, width: int, mode: str, antialias: bool = True) -> np.ndarray:
    return F.interpolate(image[None, None], (height, width), mode=mode, antialias=antialias)[0, 0].numpy()


print("torch", torch.__version__)
ramp = torch.arange(12.0)
column, row = ramp[:, None], ramp[None]
for height in (4, 6, 24):
    for mode, kernel in FILTERS.items():
        right = np.asarray(Image.fromarray(column.numpy()).resize((1, height), kernel))
        assert np.abs(resized(row, 1, height, mode).T - right).max() < 1e-4  # a row
        assert np.abs(resized(column.expand(-1, 2).contiguous(), height, 2, mode)[:, :1] - right).max() < 1e-4
        for image in (column, column.double()):
            wrong = resized(image, height, 1, mode)
            assert np.abs(wrong - right[0]).max() < 1e-4, wrong  # the first value everywhere
        assert np.ptp(right) > 8
        plain = resized(column, height, 1, mode, antialias=False)
        assert np.ptp(plain) > 8
        print(f"{mode} to {height}: {wrong.ravel()[:4].round(2)}..., and not {right.ravel()[:4].round(2)}...")
narrowed = resized(torch.stack([ramp, ramp], 1), 4, 1, "bilinear")
assert np.ptp(narrowed) < 1e-4, narrowed
PYTHON
"$folder/env/bin/python" "$folder/column.py"
