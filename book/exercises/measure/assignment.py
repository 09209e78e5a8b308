# %% [markdown]
# # Assignment: Measure
#
# To claim that one method is better than another, you have to measure both, and two people who measure the same
# method have to get the same number. In this assignment you write the whole protocol yourself: the squared error, the
# PSNR, the luma, the shaving, the mean over a test set, and the bicubic interpolation that is the baseline of every
# table. At the end, your functions compute the PSNR of bicubic interpolation on any color photograph, to a hundredth
# of a decibel.
#
# You need [chapter 6](../../06_bicubic.ipynb) (*Bicubic interpolation, the degradation and the baseline*) and
# [chapter 7](../../07_measuring.ipynb) (*MSE, PSNR, SSIM and the protocol*). There are eight questions and 20 points;
# allow three hours.
#
# **How it works.** Each question names a function. Write it in place of the three dots and run the cell below it: one
# line tells you that your answer is right, or what to reconsider. You may add cells and functions of your own. For
# grading, your functions are called by name with other images, of other sizes, so make sure that they work beyond the
# example.
#
# An image is a tensor of floating-point numbers, `(H, W)` or `(C, H, W)`. Do not change the tensors that you are
# given: make new ones. You may use your earlier answers in later ones, and everything in Python, PyTorch and the
# package except what a question rules out. Before you hand in, restart the kernel, run all cells, and make sure that
# every check says "right". Then hand in this one file.

# %%
# SET-UP

# %%
import math

import torch

import srcnn
from srcnn import checks, images
from srcnn.plotting import curves, gallery

coffee = images.sample("coffee")  # (3, 400, 600): red, green and blue, float32 in 0..1
cat = images.sample("chelsea")
eye = cat[1:2, 50:170, 100:280]  # around one eye, (1, 120, 180)
print(tuple(coffee.shape), tuple(cat.shape), tuple(eye.shape))

# %% [markdown]
# ## Question 1: the mean squared error (2 points)
#
# Write `mse(output, target)`, which returns the mean squared error of an image as one number. The two images have the
# same shape, `(H, W)` or `(C, H, W)`, and the mean is taken over all their values.
#
# For an output with the rows 1, 2 and 3, 4 and a target with the rows 1, 4 and 3, 8 it is (0 + 4 + 0 + 16) / 4 = 5.
#
# Do not use `srcnn.mse` or `F.mse_loss`, which compute just this. (Chapter 7, *The squared error*, equation (7.1).)

# %%
def mse(output, target):
    """The mean squared error of an image, one number."""
    # BEGIN SOLUTION
    return (output - target).square().mean().item()
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.measure(1, mse)

# %% [markdown]
# ## Question 2: PSNR (2 points)
#
# Write `psnr(output, target, peak)`, which returns the peak signal-to-noise ratio of an image in decibels. `peak` is
# the largest value that a pixel can have: 1 for images in 0..1, 255 for bytes, 4095 for a camera with 12 bits. For
# two identical images, return `math.inf`.
#
# If every pixel is off by one of 255 gray levels, it is 48.13 dB.
#
# Do not use `srcnn.psnr`. (Chapter 7, *PSNR: the squared error in decibels*, equation (7.3).)

# %%
def psnr(output, target, peak):
    """The peak signal-to-noise ratio of an image, in dB."""
    # BEGIN SOLUTION
    error = mse(output, target)
    return 10 * math.log10(peak**2 / error) if error else math.inf
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.measure(2, psnr)

# %% [markdown]
# Here your function scores one image with more and more noise. At which PSNR do *you* begin to see the noise?

# %%
noise = torch.randn(eye.shape, generator=torch.Generator().manual_seed(0))
noisy = [(eye + strength * noise).clamp(0, 1) for strength in (0.01, 0.03, 0.1, 0.3)]
gallery({f"{psnr(output, eye, 1):.1f} dB": output for output in noisy}, columns=2)

# %% [markdown]
# ## Question 3: luma (2 points)
#
# Write `luma(rgb)`, which returns the luma of a color image `(3, H, W)` with red, green and blue in 0..1, according
# to ITU-R BT.601 in studio range. The output has the shape `(1, H, W)`. It is divided by 255, so that it lies in 0..1
# as well, and it is not rounded.
#
# White becomes 235/255 = 0.9216 and pure red (16 + 65.481)/255 = 0.3195.
#
# Do not use `srcnn.luma` or `srcnn.rgb_to_ycbcr`. (Chapter 7, *Luma: only brightness is measured*, equation (7.4).)

# %%
def luma(rgb):
    """The luma of an image (3, H, W) in studio range, (1, H, W)."""
    # BEGIN SOLUTION
    red, green, blue = rgb
    return (16 + 65.481 * red + 128.553 * green + 24.966 * blue)[None] / 255
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.measure(3, luma)

# %% [markdown]
# Here are the three channels and the luma that you computed from them. Which channel does the luma resemble most, and
# why?

# %%
red, green, blue = coffee
gallery({"red": red, "green": green, "blue": blue, "luma": luma(coffee)}, columns=2)

# %% [markdown]
# ## Question 4: shaving the border (2 points)
#
# Write `shave(image, border)`, which cuts `border` pixels off all four sides of an image. Images are `(H, W)` or
# `(C, H, W)`, with any number of channels. The border is an integer and may be 0.
#
# Shaved by 1, the image with the rows 1, 2, 3 and 4, 5, 6 and 7, 8, 9 becomes the single pixel 5.
#
# (Chapter 7, *The protocol*.)

# %%
def shave(image, border):
    """The image without the outer `border` pixels."""
    # BEGIN SOLUTION
    height, width = image.shape[-2:]
    return image[..., border : height - border, border : width - border]
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.measure(4, shave)

# %% [markdown]
# ## Question 5: the score of a test set (2 points)
#
# Write `mean_psnr(outputs, targets, peak)`, which returns the score of a method on a test set, as tables report it.
# `outputs` and `targets` are lists of images; the first output belongs to the first target, and so on. Different
# pairs may have different sizes.
#
# If one image of a set has 30 dB and another has 40 dB, the score is 35 dB.
#
# You may use your `psnr`, or `srcnn.psnr` with `shave=0`. (Chapter 7, *A mean of logarithms is not the logarithm of a
# mean*, equation (7.5).)

# %%
def mean_psnr(outputs, targets, peak):
    """The score of a set of images, in dB."""
    # BEGIN SOLUTION
    scores = [
        psnr(output, target, peak) for output, target in zip(outputs, targets, strict=True)
    ]
    return sum(scores) / len(scores)
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.measure(5, mean_psnr)

# %% [markdown]
# ## Question 6: the kernel (2 points)
#
# Write `cubic(x)`, the kernel of bicubic interpolation with $a = -\tfrac12$: the weight of a pixel at the distance
# `x` from the position of the new value. `x` is a tensor of any shape, negative on one side and positive on the
# other; the output has the same shape.
#
# At the distances 0, 0.5, 1 and 1.5 the weights are 1, 0.5625, 0 and -0.0625.
#
# (Chapter 6, *A kernel from four conditions*, equation (6.2).)

# %%
def cubic(x):
    """The weight at a distance x, for a = -0.5."""
    # BEGIN SOLUTION
    x = x.abs()
    inner = 1.5 * x**3 - 2.5 * x**2 + 1
    outer = -0.5 * (x**3 - 5 * x**2 + 8 * x - 4)
    return torch.where(x <= 1, inner, torch.where(x < 2, outer, torch.zeros_like(x)))
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.measure(6, cubic)

# %%
x = torch.linspace(-2.5, 2.5, 201)
curves(
    {"your kernel": (x.tolist(), cubic(x).tolist())},
    x="distance from the pixel",
    y="weight",
)

# %% [markdown]
# ## Question 7: upsampling a row (4 points)
#
# Write `enlarge_row(row, scale)`, which upsamples a row of $n \ge 2$ pixels to $n \cdot$ `scale` pixels by bicubic
# interpolation with $a = -\tfrac12$. Each new pixel is a weighted sum of the four old pixels around its center. The
# two rows cover the same length, edge to edge, which determines where the centers lie. Beyond its ends, the row is
# mirrored at the edge: `c b a | a b c`.
#
# At scale 2, the row `[0, 1]` becomes `[-0.0938, 0.2031, 0.7969, 1.0938]`.
#
# Do not use `F.interpolate` or `srcnn.enlarge`, which compute just this. You may use your `cubic`. (Chapter 6,
# *Upsampling: a sum of kernels*, equation (6.4), and for the ends *Both operations as matrices*.)

# %%
def enlarge_row(row, scale):
    """A row (n,) upsampled by bicubic interpolation, (n * scale,)."""
    # BEGIN SOLUTION
    size = len(row)
    centers = (torch.arange(size * scale) + 0.5) / scale - 0.5
    near = centers.floor().long()[:, None] + torch.arange(-1, 3)  # (n * scale, 4)
    weights = cubic(centers[:, None] - near)
    index = near % (2 * size)
    index = torch.where(index < size, index, 2 * size - 1 - index)  # mirrored at the ends
    return (weights * row[index]).sum(1)
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.measure(7, enlarge_row)

# %% [markdown]
# To upsample an image, upsample its rows and then its columns. Your function gives the same result as the package's.

# %%
small = eye[0, 30:70, 60:120]
wide = torch.stack([enlarge_row(row, 3) for row in small])
large = torch.stack([enlarge_row(column, 3) for column in wide.T]).T
print(
    f"largest difference from srcnn.enlarge: {(large - srcnn.enlarge(small, 3)).abs().max():.0e}"
)
gallery({"low resolution": small, "yours": large, "srcnn.enlarge": srcnn.enlarge(small, 3)})

# %% [markdown]
# ## Question 8: the protocol (4 points)
#
# Write `score(rgb, scale)`, which returns the PSNR of bicubic interpolation on one color photograph `(3, H, W)` in
# 0..1, following the protocol of the published tables: compute the luma and round it to bytes; crop it to multiples
# of the scale; downsample and upsample it by bicubic interpolation; round the output; shave both images by the scale;
# compute the PSNR.
#
# For `coffee` and the scale 3 it is 28.40 dB.
#
# You may use your own functions and everything in the package except `srcnn.evaluate`: `srcnn.modcrop`,
# `srcnn.shrink`, `srcnn.enlarge` and `srcnn.quantize` are available, and the question is where they belong.
# (Chapter 7, *The protocol* and *Mistakes and what they cost*.)

# %%
def score(rgb, scale):
    """The PSNR of bicubic interpolation on a photograph, following the protocol, in dB."""
    # BEGIN SOLUTION
    high = srcnn.modcrop(srcnn.quantize(luma(rgb)), scale)
    output = srcnn.quantize(srcnn.enlarge(srcnn.shrink(high, scale), scale))
    return psnr(shave(output, scale), shave(high, scale), 1)
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.measure(8, score)

# %% [markdown]
# This is the bicubic column of every table in this field, the baseline of any network that you train.

# %%
for name in ("astronaut", "chelsea", "coffee", "rocket"):
    scores = [score(images.sample(name), scale) for scale in (2, 3, 4)]
    print(f"{name:10}" + "".join(f"{value:8.2f} dB" for value in scores))
