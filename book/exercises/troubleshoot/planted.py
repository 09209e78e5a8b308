"""The repository of *A broken repository*: twelve functions, two mistakes for each, and which eight are planted.

Every mistake is one that the book tells of: chapter 7, *Mistakes and what they cost*, chapter 12, and the page *When it
does not train*. Sources are text, because the notebook shows them.
"""

import functools
import random
import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

import srcnn
from srcnn import images, pretrained

PLANTED = 8
SCALE = 3


@dataclass(frozen=True)
class Piece:
    """A function of the repository.

    Attributes:
        right: its source.
        mistakes: hint -> what of the source becomes what.
    """

    right: str
    mistakes: dict[str, tuple[str, str]]


PIECES = {
    "luma": Piece(
        '''
def luma(rgb):
    """Luma in studio range, in whole gray levels, of an RGB image (3, H, W)."""
    weights = torch.tensor([65.481, 128.553, 24.966]).view(3, 1, 1)
    return quantize(((rgb * weights).sum(0, keepdim=True) + 16) / 255)
''',
        {
            "the luma is full-range gray; the protocol uses studio range": (
                "[65.481, 128.553, 24.966]).view(3, 1, 1)\n    return quantize(((rgb * weights).sum(0, keepdim=True)"
                " + 16) / 255)",
                "[0.299, 0.587, 0.114]).view(3, 1, 1)\n    return quantize((rgb * weights).sum(0, keepdim=True))",
            ),
            "the weights of red and blue are exchanged": ("65.481, 128.553, 24.966", "24.966, 128.553, 65.481"),
        },
    ),
    "modcrop": Piece(
        '''
def modcrop(image, scale):
    """The image, cropped at the bottom and on the right to multiples of the scale."""
    height, width = (side // scale * scale for side in image.shape[-2:])
    return image[..., :height, :width]
''',
        {
            "the original is resized to a multiple of the scale, which blurs it; it should be cropped": (
                "return image[..., :height, :width]",
                'return F.interpolate(image[None], size=(height, width), mode="bilinear", antialias=True)[0]',
            ),
            "it crops to the next smaller power of two, and loses most of the image": (
                "side // scale * scale for", "scale * 2 ** int(math.log2(side // scale)) for",
            ),
        },
    ),
    "degrade": Piece(
        '''
def degrade(image, scale):
    """The low-resolution image: bicubic, antialiased."""
    return srcnn.shrink(image, scale)
''',
        {
            "it downsamples without antialiasing": (
                "return srcnn.shrink(image, scale)",
                'return F.interpolate(image[None], scale_factor=1 / scale, mode="bicubic")[0]',
            ),
            "it downsamples by the mean of each block, which is another degradation than the network was trained for": (
                "return srcnn.shrink(image, scale)", "return F.avg_pool2d(image[None], scale)[0]",
            ),
        },
    ),
    "upsample": Piece(
        '''
def upsample(low, scale):
    """The low-resolution image at its final size: bicubic."""
    return srcnn.enlarge(low, scale)
''',
        {
            "it upsamples by another bicubic, PyTorch's default": (
                "return srcnn.enlarge(low, scale)",
                'return F.interpolate(low[None], scale_factor=scale, mode="bicubic")[0]',
            ),
            "it upsamples bilinearly; the network was trained on bicubic inputs": (
                "return srcnn.enlarge(low, scale)",
                'return F.interpolate(low[None], scale_factor=scale, mode="bilinear")[0]',
            ),
        },
    ),
    "pad": Piece(
        '''
def pad(image, border):
    """The image (1, H, W) with its border repeated outward, so that the network's output has its size."""
    return F.pad(image[None], [border] * 4, mode="replicate")[0]
''',
        {
            "the border is padded with black; it should be repeated": (', mode="replicate"', ""),
            "the image is wrapped around: its other side is no neighbor": ('mode="replicate"', 'mode="circular"'),
        },
    ),
    "forward": Piece(
        '''
def forward(weights, image):
    """What the network 9-1-5 makes of an image (1, H, W): valid convolutions, which lose 12 rows and columns."""
    x = image[None]
    x = F.relu(F.conv2d(x, weights["extraction.weight"], weights["extraction.bias"]))
    x = F.relu(F.conv2d(x, weights["mapping.weight"], weights["mapping.bias"]))
    return F.conv2d(x, weights["reconstruction.weight"], weights["reconstruction.bias"])[0]
''',
        {
            "the second ReLU is missing": (
                'F.relu(F.conv2d(x, weights["mapping.weight"], weights["mapping.bias"]))',
                'F.conv2d(x, weights["mapping.weight"], weights["mapping.bias"])',
            ),
            "the filters of the first layer are transposed, as those from MATLAB are": (
                'weights["extraction.weight"],', 'weights["extraction.weight"].transpose(2, 3),',
            ),
        },
    ),
    "quantize": Piece(
        '''
def quantize(image):
    """The image in the 256 gray levels of a file: limited to 0..1, then rounded."""
    return (image.clamp(0, 1) * 255).round() / 255
''',
        {
            "gray levels are cut off; they should be rounded": (".round() / 255", ".floor() / 255"),
            "it rounds to 16 gray levels, not to 256": ("* 255).round() / 255", "* 15).round() / 15"),
        },
    ),
    "shave": Piece(
        '''
def shave(image, border):
    """The image without a border on each of its four sides."""
    height, width = image.shape[-2:]
    return image[..., border : height - border, border : width - border]
''',
        {
            "so much is cut that only the middle is scored": (
                "border : height - border, border : width - border",
                "height // 3 : height - height // 3, width // 3 : width - width // 3",
            ),
            "only the border is left, and what should be scored is cut off": (
                "return image[..., border : height - border, border : width - border]",
                "return torch.cat([image[..., :border, :], image[..., height - border :, :]], -2)",
            ),
        },
    ),
    "mse": Piece(
        '''
def mse(output, target):
    """The mean squared error of two images in 0..1."""
    return (output - target).double().square().mean().item()
''',
        {
            "differences of bytes wrap around: -1 becomes 255": (
                "(output - target).double()", "((output * 255).byte() - (target * 255).byte()).double().div(255)",
            ),
            "it is the square of the mean absolute error": (".square().mean().item()", ".abs().mean().square().item()"),
        },
    ),
    "psnr": Piece(
        '''
def psnr(output, target):
    """The peak signal-to-noise ratio in dB of two images in 0..1."""
    return 10 * math.log10(1 / mse(output, target))
''',
        {
            "the peak is 255, but images are in 0..1": ("math.log10(1 / mse", "math.log10(255**2 / mse"),
            "it uses the natural logarithm; decibels need the logarithm to base 10": ("math.log10(", "math.log("),
        },
    ),
    "average": Piece(
        '''
def average(scores):
    """The score of a set: the mean of its images' PSNRs."""
    return sum(scores) / len(scores)
''',
        {
            "it is the PSNR of the mean error; the mean of the PSNRs is asked for": (
                "return sum(scores) / len(scores)",
                "return -10 * math.log10(sum(10 ** (-score / 10) for score in scores) / len(scores))",
            ),
            "one image too few is divided by": ("/ len(scores)", "/ (len(scores) - 1)"),
        },
    ),
    "compare": Piece(
        '''
def compare(rgb, scale, weights):
    """The PSNR of the network's output for one photograph (3, H, W)."""
    target = modcrop(luma(rgb), scale)
    upsampled = upsample(degrade(target, scale), scale)
    output = quantize(forward(weights, pad(upsampled, 6)))
    return psnr(shave(output, scale), shave(target, scale))
''',
        {
            "the output is compared with the network's own input, not with the original": (
                "shave(target, scale))", "shave(upsampled, scale))",
            ),
            "the score is that of the bicubic image: the network is not used": (
                "quantize(forward(weights, pad(upsampled, 6)))", "quantize(upsampled)",
            ),
        },
    ),
}  # fmt: skip
HEAD = """import math

import torch
import torch.nn.functional as F

import srcnn
"""
TAIL = '''
def evaluate(photographs, scale, weights):
    """The score of the network on a set of photographs."""
    return average([compare(rgb, scale, weights) for rgb in photographs])
'''


def planted(code: str = "") -> dict[str, str]:
    """Name of a broken function -> the hint of its mistake, for a variant; in an order that tells nothing."""
    draw = random.Random(f"troubleshoot {code}")
    return {name: draw.choice(sorted(PIECES[name].mistakes)) for name in draw.sample(sorted(PIECES), PLANTED)}


def wrong(name: str, hint: str) -> str:
    """The source of a function with one of its mistakes."""
    before, after = PIECES[name].mistakes[hint]
    made = PIECES[name].right.replace(before, after)
    if made == PIECES[name].right:
        raise ValueError(f"{name}: the mistake {hint!r} changes nothing")
    return made


def source(broken: dict[str, str]) -> str:
    """The repository with these mistakes and no others."""
    parts = [wrong(name, broken[name]) if name in broken else piece.right for name, piece in PIECES.items()]
    return "\n".join([HEAD, *parts, TAIL]).strip()


def mended(broken: dict[str, str]) -> str:
    """The right sources of the functions that are broken, in the order of the repository."""
    return "\n\n".join(piece.right.strip() for name, piece in PIECES.items() if name in broken)


@functools.cache
def _run(text: str) -> dict[str, Callable]:
    space: dict = {"math": __import__("math"), "torch": torch, "F": F, "srcnn": srcnn}
    exec(re.sub(r"^import .*$", "", text, flags=re.M), space)
    return space


def repository(broken: dict[str, str]) -> dict[str, Callable]:
    """The functions of the repository with these mistakes, by name."""
    return _run(source(broken))


def photographs() -> list[Tensor]:
    """The photographs of the notebook, on which prices are measured."""
    return [images.sample(name)[:, 100:251, 150:321] for name in ("astronaut", "coffee", "chelsea")]


@functools.cache
def weights() -> dict[str, Tensor]:
    """The network of the notebook."""
    return pretrained.load("srcnn-9-1-5-x3").model.state_dict()


@functools.cache
def price(name: str, hint: str) -> float:
    """By how many dB the score is lower when this mistake alone is in the repository."""
    right, less = (repository(broken)["evaluate"](photographs(), SCALE, weights()) for broken in ({}, {name: hint}))
    return right - less
