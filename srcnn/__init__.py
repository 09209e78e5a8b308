"""SRCNN, image super-resolution with three convolutions: the code of the course, tested and readable in one sitting.

What chapters use is here; the modules say the rest.
"""

from importlib.metadata import version

from srcnn.color import luma, quantize, rgb_to_ycbcr, ycbcr_to_rgb
from srcnn.evaluation import evaluate, mean, upscaler
from srcnn.files import InputError
from srcnn.metrics import mse, psnr, ssim
from srcnn.model import SRCNN, SubPixelSRCNN, initialise
from srcnn.resize import enlarge, modcrop, shrink

__version__ = version("srcnn")
__all__ = [
    "SRCNN",
    "InputError",
    "SubPixelSRCNN",
    "enlarge",
    "evaluate",
    "initialise",
    "luma",
    "mean",
    "modcrop",
    "mse",
    "psnr",
    "quantize",
    "rgb_to_ycbcr",
    "shrink",
    "ssim",
    "upscaler",
    "ycbcr_to_rgb",
]
