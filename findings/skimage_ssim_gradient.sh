#!/usr/bin/env bash
# Guess: with gradient=True, scikit-image's structural_similarity gives the derivative of the SSIM that it returns beside it.
# Seen with 0.26.0: it gives that of another number. The SSIM is the mean over the windows inside the image, the gradient is
# that of the mean over the windows around every pixel, in the second image alone; with channel_axis the SSIM is the mean over
# the channels, and the gradient lacks the division by their number. On a gray image of 32 x 32 it is 0.47 times the
# derivative, on a color image 1.42 times, three times as much; the direction is right away from the border. A step size or
# a weight beside another loss that was found on gray images is therefore wrong for color.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check "scikit-image==0.26.0" "numpy==2.4.6" \
    "scipy==1.17.1"
cat >"$folder/gradient.py" <<'PYTHON'
import numpy as np
import skimage
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

WANG = {"data_range": 1.0, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
print("scikit-image", skimage.__version__)
for channels in (1, 3):
    random = np.random.default_rng(0)
    image = gaussian_filter(random.random((32, 32, channels)), (1, 1, 0))
    noisy = image + 0.05 * random.standard_normal(image.shape)

    def both(moved: np.ndarray) -> np.ndarray:
        """The SSIM that is returned, and the mean over all pixels of its map."""
        mean, whole = structural_similarity(image, moved, full=True, channel_axis=2, **WANG)
        return np.array([mean, whole.mean()])

    gradient = structural_similarity(image, noisy, gradient=True, channel_axis=2, **WANG)[1]
    for pixel in ((16, 16, 0), (14, 18, channels - 1), (17, 15, channels // 2)):
        step = np.zeros_like(noisy)
        step[pixel] = 1e-5
        ratio = gradient[pixel] / ((both(noisy + step) - both(noisy - step)) / 2e-5)
        assert np.allclose(ratio, [channels * 22**2 / 32**2, channels], rtol=1e-4), ratio
    print(f"{channels} channel(s): gradient / derivative of the SSIM {ratio[0]:.3f}, of the mean over all pixels {ratio[1]:.3f}")
PYTHON
"$folder/env/bin/python" "$folder/gradient.py"
echo "as described"
