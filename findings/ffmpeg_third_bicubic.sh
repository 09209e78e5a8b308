#!/usr/bin/env bash
# Guess: FFmpeg's bicubic scaling has the kernel of MATLAB and Pillow (a = -0.5) or that of OpenCV and PyTorch (a = -0.75).
# Seen with FFmpeg 7.0.2 (imageio-ffmpeg 0.6.0), filter scale with flags=bicubic: neither, but a = -0.6. An image of random
# squares, enlarged by 4, is within a gray level of what this kernel makes of it, and up to 4 levels from what -0.5 makes of
# it, 6 from -0.75; reduced by 4, with the kernel stretched, up to 2 and 3. With param1=0.5 the filter gives -0.5.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check "imageio-ffmpeg==0.6.0" "numpy==2.4.6"
cat >"$folder/kernel.py" <<'PYTHON'
import subprocess

import imageio_ffmpeg
import numpy as np

program = imageio_ffmpeg.get_ffmpeg_exe()
print("FFmpeg", imageio_ffmpeg.get_ffmpeg_version())


def scaled(image: np.ndarray, size: int, options: str) -> np.ndarray:
    """A square gray image, scaled by FFmpeg."""
    side = image.shape[0]
    raw = ["-f", "rawvideo", "-pix_fmt", "gray"]
    how = f"scale={size}:{size}:flags=bicubic+accurate_rnd{options}"
    command = [program, "-v", "error", *raw, "-s", f"{side}x{side}", "-i", "-", "-vf", how, *raw, "-"]
    done = subprocess.run(command, input=image.tobytes(), capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.uint8).reshape(size, size).astype(float)


def keys(x: np.ndarray, a: float) -> np.ndarray:
    x = np.abs(x)
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def expected(image: np.ndarray, size: int, a: float) -> np.ndarray:
    """The same with Keys' kernel, made wider where the image becomes smaller."""
    side = image.shape[0]
    place = (np.arange(size) + 0.5) * side / size - 0.5
    wider = max(1.0, side / size)
    weights = keys((place[:, None] - np.arange(side)[None]) / wider, a)
    weights /= weights.sum(1, keepdims=True)
    return np.clip(weights @ image @ weights.T, 0, 255)


rng = np.random.default_rng(0)
image = np.kron(rng.integers(60, 196, (8, 8)), np.ones((6, 6))).astype(np.uint8)
for size, seen in ((192, {-0.5: 4, -0.75: 6}), (12, {-0.5: 2, -0.75: 3})):
    inner = slice(size // 6, -size // 6)  # away from the edges
    for options, right in (("", -0.6), (":param0=0:param1=0.5", -0.5)):
        got = scaled(image, size, options)
        away = {a: np.abs(got - expected(image, size, a))[inner, inner].max() for a in (-0.5, -0.6, -0.75)}
        print(f"48 to {size}{options}:", ", ".join(f"a = {a}: {levels:.1f} levels away" for a, levels in away.items()))
        assert min(away, key=away.get) == right
        assert away[right] < 1
        assert options or {a: round(away[a]) for a in seen} == seen
PYTHON
"$folder/env/bin/python" "$folder/kernel.py"
echo "as described"
