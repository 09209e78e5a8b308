#!/usr/bin/env bash
# Guess: an interpolation works on each channel alone, so a color image enlarged by OpenCV is its three channels enlarged.
# Seen with OpenCV 5.0.0 on an x86 processor: at x3, INTER_CUBIC gives about one value in two thousand another level (by
# 1) when the channels go in together; at x2 and x4, and with the other kernels, none. With Intel's IPP switched off
# (OPENCV_IPP=disabled) there is no difference. A PSNR on luma and one on RGB so have two bicubics, not one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check \
    "opencv-python-headless==5.0.0.93" "numpy==2.3.5"
cd "$folder"
cat >compare.py <<'PYTHON'
import sys

import cv2
import numpy as np

image = np.random.default_rng(0).integers(0, 256, (120, 80, 3), dtype=np.uint8)
kernels = {"cubic": cv2.INTER_CUBIC, "linear": cv2.INTER_LINEAR, "Lanczos": cv2.INTER_LANCZOS4}
differ = {}
for name, kernel in kernels.items():
    for scale in (2, 3, 4):
        size = (80 * scale, 120 * scale)
        whole = cv2.resize(image, size, interpolation=kernel)
        planes = [np.ascontiguousarray(image[..., channel]) for channel in range(3)]
        apart = np.dstack([cv2.resize(plane, size, interpolation=kernel) for plane in planes])
        levels = np.abs(whole.astype(int) - apart)
        if levels.any():
            differ[name, scale] = int(levels.max()), float((levels > 0).mean())
print(f"OpenCV {cv2.__version__}, IPP {sys.argv[1]}: {differ or 'no difference'}")
if sys.argv[1] == "on":
    assert list(differ) == [("cubic", 3)], differ
    largest, share = differ["cubic", 3]
    assert largest == 1 and 1e-4 < share < 1e-3, differ
else:
    assert not differ, differ
PYTHON
env/bin/python compare.py on
OPENCV_IPP=disabled env/bin/python compare.py off 2>/dev/null
echo "as described"
