#!/usr/bin/env bash
# Guess: SSIM with a Gaussian window of 11 x 11 and sigma 1.5 is Wang's in every release of torchmetrics: the mean over the
# windows that lie wholly inside the image, as scikit-image has it with gaussian_weights=True.
# Seen: 1.4.1 has that. The patch release 1.4.2, and 1.9.0, mirror the image beyond its border and take the mean over the
# windows around every pixel, with no setting for the old one. Their map, less 5 pixels of border, is scikit-image's; their
# mean on an image of 60 x 60 pixels differs in the third digit. Two papers with the same settings of the same library so
# have two SSIMs, and only the older one is that of the published tables of super-resolution.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q torch==2.13.0 numpy==2.4.6 scikit-image==0.26.0 lightning-utilities==0.15.3 2>/dev/null
for version in 1.4.1 1.4.2 1.9.0; do
    "$folder/env/bin/pip" install -q --no-deps --target "$folder/$version" "torchmetrics==$version" 2>/dev/null
done
cat >"$folder/compare.py" <<'PYTHON'
import numpy as np
import torch
import torchmetrics
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity
from torchmetrics.functional.image import structural_similarity_index_measure as ssim

image = gaussian_filter(np.random.default_rng(0).random((60, 60)), 1.0)
image = (image - image.min()) / (image.max() - image.min()) * np.linspace(0.2, 1, 60)  # darker at its left side
blurred = gaussian_filter(image, 0.8)
tensors = [torch.from_numpy(each)[None, None] for each in (blurred, image)]
mean, whole = ssim(*tensors, data_range=1.0, return_full_image=True)
options = {"data_range": 1.0, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
wang, theirs = structural_similarity(image, blurred, full=True, **options)
version = torchmetrics.__version__
print(f"torchmetrics {version}: {mean:.5f}, scikit-image: {wang:.5f}")
assert np.abs(whole[0, 0].numpy() - theirs)[5:-5, 5:-5].max() < 1e-9
if version == "1.4.1":
    assert abs(float(mean) - wang) < 1e-9
else:
    assert abs(float(mean) - wang) > 1e-3
    assert abs(float(whole.mean()) - float(mean)) < 1e-9
PYTHON
for version in 1.4.1 1.4.2 1.9.0; do
    PYTHONPATH="$folder/$version" "$folder/env/bin/python" "$folder/compare.py"
done
echo "as described"
