"""SRCNN, image super-resolution with three convolutions: the code of the course.

The paper is nine modules, best read in this order: color, resize, metrics, model, evaluation, pairs, recipes, training,
published. What chapters use most is here.
"""

from importlib.metadata import version

from srcnn.color import luma, quantize, rgb_to_ycbcr, ycbcr_to_rgb
from srcnn.evaluation import evaluate, mean_scores, upscaler
from srcnn.files import InputError
from srcnn.metrics import mse, psnr, ssim
from srcnn.model import SRCNN, SubPixelSRCNN, initialize
from srcnn.resize import enlarge, modcrop, shrink

__version__ = version("srcnn")
initialise = initialize  # the name of version 0.1, which students' notebooks have
__all__ = [
    "SRCNN",
    "InputError",
    "SubPixelSRCNN",
    "enlarge",
    "evaluate",
    "initialize",
    "luma",
    "mean_scores",
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
