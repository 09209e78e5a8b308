# %% [markdown]
# # Assignment: Measure
#
# Before a method can be better than another, somebody has to measure, and two people who measure have to get the same
# number. Here you write the whole ruler yourself: the error, the decibels, the luma, the frame, the mean, and the
# bicubic interpolation that every table begins with. In the end your functions give the score of bicubic on any
# photograph, to a hundredth of a decibel.
#
# You need [chapter 6](../../06_bicubic.ipynb) (*How is a picture shrunk and enlarged?*) and
# [chapter 7](../../07_measuring.ipynb) (*How good is an enlarged picture?*). Eight questions, 20 points; plan three
# hours.
#
# **How it works.** Each question names a function. Write it in place of the three dots and run the cell below it:
# one line says that it is right, or what to think about again. You may add cells and functions of your own. The grading
# calls your functions by name with other pictures, of other sizes, so think of more than the example.
#
# A picture is a tensor of floating-point numbers, `(H, W)` or `(C, H, W)`. Do not change what you are given: make new
# tensors. You may use earlier answers in later ones, and everything of Python, PyTorch and the package except what a
# question excludes. Before you hand in: *Restart kernel and run all cells*, and look whether every line says "right".
# Then hand in this one file.

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
# ## Question 1: one number for an error (2 points)
#
# Write `mse(output, target)`: the mean squared error of a picture, as one number. The two pictures have the same shape,
# `(H, W)` or `(C, H, W)`, and the mean is one over all their values.
#
# For the pictures with the rows 1, 2 and 3, 4 and the rows 1, 4 and 3, 8 it is (0 + 4 + 0 + 16) / 4 = 5.
#
# Without `srcnn.mse` and `F.mse_loss`, which is what you are writing. (Chapter 7, *Squared error: the price of a wrong
# pixel*.)

# %%
def mse(output, target):
    """The mean squared error of a picture, one number."""
    # BEGIN SOLUTION
    return (output - target).square().mean().item()
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.measure(1, mse)

# %% [markdown]
# ## Question 2: decibels (2 points)
#
# Write `psnr(output, target, peak)`: the peak signal-to-noise ratio of a picture in decibels. `peak` is the largest value
# that a pixel can have: 1 for pictures in 0..1, 255 for bytes, 4095 for a camera with 12 bits. Two equal pictures have
# the PSNR `math.inf`.
#
# If every pixel is wrong by 1 of 255 gray levels, it is 48.13 dB.
#
# Without `srcnn.psnr`. (Chapter 7, *Decibels: the same number on a ruler*.)

# %%
def psnr(output, target, peak):
    """The peak signal-to-noise ratio of a picture, in dB."""
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
# Here is your ruler at work: one picture with more and more noise. From which of them on do *you* see it?

# %%
noise = torch.randn(eye.shape, generator=torch.Generator().manual_seed(0))
noisy = [(eye + strength * noise).clamp(0, 1) for strength in (0.01, 0.03, 0.1, 0.3)]
gallery({f"{psnr(output, eye, 1):.1f} dB": output for output in noisy}, columns=2)

# %% [markdown]
# ## Question 3: brightness (2 points)
#
# Write `luma(rgb)`: the luma of a color picture `(3, H, W)` with red, green and blue in 0..1, by ITU-R BT.601 in studio
# range. The answer has the shape `(1, H, W)`, lies on the scale 0..1 as well, and is not rounded.
#
# White becomes 235/255 = 0.9216 and pure red (16 + 65.481)/255 = 0.3195.
#
# Without `srcnn.luma` and `srcnn.rgb_to_ycbcr`. (Chapter 7, *Luma: why only brightness is counted*.)

# %%
def luma(rgb):
    """The luma of a picture (3, H, W) in studio range, (1, H, W)."""
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
# What each channel shows, and the luma that is made of them. Which of the three is it most like, and why?

# %%
red, green, blue = coffee
gallery({"red": red, "green": green, "blue": blue, "luma": luma(coffee)}, columns=2)

# %% [markdown]
# ## Question 4: the frame (2 points)
#
# Write `shave(image, border)`: the picture without a frame of `border` pixels on all four sides. Pictures are `(H, W)` or
# `(C, H, W)`, with any number of channels. The border is a whole number, and may be 0.
#
# From the picture with the rows 1, 2, 3 and 4, 5, 6 and 7, 8, 9 a border of 1 leaves the single pixel 5.
#
# (Chapter 7, *The protocol, step by step*.)

# %%
def shave(image, border):
    """The picture without a frame of `border` pixels."""
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
# ## Question 5: a score for many pictures (2 points)
#
# Write `mean_psnr(outputs, targets, peak)`: the score of a method on a set, as tables print it. `outputs` and `targets`
# are lists of pictures, the first output belongs to the first target, and so on; pairs differ in size.
#
# If one picture of a set has 30 dB and another has 40 dB, the score is 35 dB.
#
# You may use your `psnr`, or `srcnn.psnr` with `shave=0`. (Chapter 7, *A mean of logarithms is not the logarithm of a
# mean*.)

# %%
def mean_psnr(outputs, targets, peak):
    """The score of a set of pictures, in dB."""
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
# ## Question 6: the curve (2 points)
#
# Write `cubic(x)`: the kernel of bicubic interpolation with $a = -\tfrac12$, the weight of a pixel that lies at the
# distance `x` from the place that is asked about. `x` is a tensor of any shape, negative to one side and positive to the
# other; the answer has its shape.
#
# At the distances 0, 0.5, 1 and 1.5 the weights are 1, 0.5625, 0 and -0.0625.
#
# (Chapter 6, *A curve from four wishes*.)

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
# ## Question 7: a longer row (4 points)
#
# Write `enlarge_row(row, scale)`: a row of $n \ge 2$ pixels becomes a row of $n \cdot$ `scale` pixels, by bicubic
# interpolation with $a = -\tfrac12$. Each new pixel is the weighted sum of the four old pixels around its center. The two
# rows cover the same stretch, edge to edge, which says where the centers lie. Beyond its ends the row goes on as in a
# mirror that stands on the edge: `c b a | a b c`.
#
# The row `[0, 1]` with the scale 2 becomes `[-0.0938, 0.2031, 0.7969, 1.0938]`.
#
# Without `F.interpolate` and `srcnn.enlarge`, which is what you are writing. You may use your `cubic`. (Chapter 6, *Where
# the pixels lie*.)

# %%
def enlarge_row(row, scale):
    """A row (n,) by bicubic interpolation, (n * scale,)."""
    # BEGIN SOLUTION
    size = len(row)
    centers = (torch.arange(size * scale) + 0.5) / scale - 0.5
    near = centers.floor().long()[:, None] + torch.arange(-1, 3)  # (n * scale, 4)
    weights = cubic(centers[:, None] - near)
    place = near % (2 * size)
    place = torch.where(place < size, place, 2 * size - 1 - place)  # in the mirror
    return (weights * row[place]).sum(1)
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.measure(7, enlarge_row)

# %% [markdown]
# A picture is enlarged row by row, and then column by column. Your function does it, and the package's has nothing to
# add.

# %%
small = eye[0, 30:70, 60:120]
wide = torch.stack([enlarge_row(row, 3) for row in small])
large = torch.stack([enlarge_row(column, 3) for column in wide.T]).T
print(
    f"largest difference from srcnn.enlarge: {(large - srcnn.enlarge(small, 3)).abs().max():.0e}"
)
gallery({"small": small, "yours": large, "srcnn.enlarge": srcnn.enlarge(small, 3)})

# %% [markdown]
# ## Question 8: the protocol (4 points)
#
# Write `score(rgb, scale)`: the PSNR of bicubic interpolation on one color photograph `(3, H, W)` in 0..1, by the
# protocol of the published tables. Its steps are those of chapter 7: luma, rounded to bytes; cropped to multiples of the
# scale; made small and large again by bicubic interpolation; rounded; shaved by the scale; compared.
#
# For `coffee` and the scale 3 it is 28.40 dB.
#
# You may use your own functions and everything of the package but `srcnn.evaluate`: `srcnn.modcrop`, `srcnn.shrink`,
# `srcnn.enlarge` and `srcnn.quantize` are there, and where they belong is the question. (Chapter 7, *The protocol, step
# by step*.)

# %%
def score(rgb, scale):
    """The PSNR of bicubic interpolation on a photograph, by the protocol, in dB."""
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
# That is the first column of every table in this field, and any network that you train will stand beside it.

# %%
for name in ("astronaut", "chelsea", "coffee", "rocket"):
    scores = [score(images.sample(name), scale) for scale in (2, 3, 4)]
    print(f"{name:10}" + "".join(f"{value:8.2f} dB" for value in scores))
