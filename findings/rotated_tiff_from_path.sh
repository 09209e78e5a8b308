#!/usr/bin/env bash
# Guess: whether an image is opened by its path or from a stream makes no difference to its pixels.
# Seen with Pillow 13.0.0: an uncompressed gray TIFF whose Orientation is 6 has its pixels scrambled when it is opened by
# its path, without an error; from a stream, or with compression, it is right. Pillow reports the turned size as soon as
# the file is opened (since 11.0), and the way that maps a file into memory then takes that size for the stored rows.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check "pillow==13.0.0" "numpy==2.3.5"
cd "$folder"
env/bin/python - <<'PYTHON'
import numpy as np
from PIL import Image

stored = (np.arange(24 * 20) % 251).astype(np.uint8).reshape(24, 20)
turned = np.rot90(stored, -1)  # what Orientation 6 asks for


def right(source) -> bool:
    with Image.open(source) as image:
        return np.array_equal(np.asarray(image), turned)


seen = {}
for compression in ("raw", "tiff_adobe_deflate"):
    Image.fromarray(stored).save("scan.tif", tiffinfo={274: 6}, compression=compression)
    seen[compression, "path"] = right("scan.tif")
    with open("scan.tif", "rb") as stream:
        seen[compression, "stream"] = right(stream)
for (compression, source), good in seen.items():
    print(f"{compression}, opened by {source}: {'right' if good else 'scrambled'}")
assert [key for key, good in seen.items() if not good] == [("raw", "path")]
PYTHON
echo "as described"
