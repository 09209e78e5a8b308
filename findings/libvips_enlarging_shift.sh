#!/usr/bin/env bash
# Guess: libvips places its samples as Pillow, PyTorch and OpenCV do, with the centers of the outer edges in common, when it
# enlarges as when it reduces: a ramp stays where it is.
# Seen with libvips 8.18.7 (pyvips 3.2.0): reducing by 2 does. Enlarging by 2 and by 3 with resize() shifts the image by half a
# pixel of the output to the right and down, with every kernel. So reducing and enlarging do not cancel: an image that was
# made small and large again is shifted against its original: here its PSNR is 29 dB, where Pillow's enlarging gives 62 dB.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check "pyvips==3.2.0" "pyvips-binary==8.18.7" \
    "numpy==2.4.6" "pillow==13.0.0"
cat >"$folder/shift.py" <<'PYTHON'
import numpy as np
import pyvips
from PIL import Image

ramp = np.tile(np.arange(40, dtype=np.float32), (40, 1))
print("libvips", ".".join(str(pyvips.version(part)) for part in range(3)))


def vips(image: np.ndarray, scale: float, kernel: str = "cubic") -> np.ndarray:
    return pyvips.Image.new_from_array(image).resize(scale, kernel=kernel).numpy()


def shift(image: np.ndarray, scale: float, kernel: str) -> float:
    """How far the middle of the ramp lies to the right of its place, in pixels of the output."""
    got = vips(image, scale, kernel)
    middle = slice(got.shape[1] // 2 - 6, got.shape[1] // 2 + 6)  # a whole number of periods at x2 and at x3
    place = (np.arange(got.shape[1]) + 0.5) / scale - 0.5
    return float(scale * (place - got[got.shape[0] // 2])[middle].mean())


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(-10 * np.log10(np.square(one - other)[16:-16, 16:-16].mean()))


for kernel in ("linear", "cubic", "lanczos3"):
    right = {scale: round(shift(ramp, scale, kernel), 2) for scale in (0.5, 2, 3)}
    print(f"{kernel}: shift in pixels of the output {right}")
    assert right == {0.5: 0.0, 2: 0.5, 3: 0.5}
y, x = np.mgrid[:120, :120]
rings = (0.5 + 0.4 * np.sin((x - 60) ** 2 / 300 + (y - 60) ** 2 / 300)).astype(np.float32)
small = vips(rings, 0.5)
pillow = np.asarray(Image.fromarray(small).resize((120, 120), Image.Resampling.BICUBIC))
seen = psnr(pillow, rings), psnr(vips(small, 2), rings)
print(f"halved by libvips, then doubled: by Pillow {seen[0]:.1f} dB, by libvips {seen[1]:.1f} dB")
assert 28 < seen[1] < 31 < 58 < seen[0]
PYTHON
"$folder/env/bin/python" "$folder/shift.py"
echo "as described"
