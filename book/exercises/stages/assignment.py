# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Assignment: Three stages by hand
#
# SRCNN consists of three convolutions, and the paper explains each of them by an older idea: patches are extracted
# and represented, the representations are mapped, and overlapping patches are put back and averaged. In this
# assignment you write all three yourself, without any of PyTorch's convolutions. At the end, your functions run the
# trained network and reproduce its output.
#
# You need chapter 3 (*Patch extraction and representation*), chapter 4 (*Non-linear mapping*) and chapter 5
# (*Reconstruction*). There are eight questions and 20 points; allow four hours.
#
# **How it works.** Each question names a function. Write it in place of the three dots and run the cell below it: one
# line tells you that your answer is right, or what to reconsider. You may add cells and functions of your own. For
# grading, your functions are called by name with other images, of other sizes, so make sure that they work beyond the
# example.
#
# All tensors are float32. An image is `(H, W)`, and `n` feature maps are `(n, H, W)`. Do not change the tensors that
# you are given: make new ones. You may use your earlier answers in later ones, and everything in Python and PyTorch
# except what a question rules out. Before you hand in, restart the kernel, run all cells, and make sure that every
# check says "right". Then hand in this one file.

# %%
# SET-UP

# %%
import torch
import torch.nn.functional as F

import srcnn
from srcnn import checks, images, pretrained
from srcnn.pairs import pair
from srcnn.plotting import curves, gallery, tiles

trained = pretrained.load("srcnn-9-1-5-x3").model.requires_grad_(False)
weights = trained.state_dict()  # six tensors: weight and bias of each stage
low, high = pair(srcnn.luma(images.sample("coins")), 3, enlarged=True)
low, high = low[0, 81:161, 164:244], high[0, 81:161, 164:244]  # one coin, (80, 80)
for name, values in weights.items():
    print(f"{name:22} {tuple(values.shape)}")

# %% [markdown]
# ## Question 1: extract the patches (2 points)
#
# Write `patches(image, size)`, which returns all patches of `size` x `size` pixels of an image `(H, W)` as the rows
# of a tensor `(N, size * size)`. Patches overlap: there is one at every position where it fits into the image. Take
# the positions row by row, like the words on a page, and write the pixels of each patch row by row, too.
#
# The patches of size 2 of the image with the rows 1, 2, 3 and 4, 5, 6 are `[[1, 2, 4, 5], [2, 3, 5, 6]]`.
#
# Do not use any kind of `unfold`, which computes just this. (In chapter 3, *A filter bank is a matrix*, each column
# is a patch; here each row is.)

# %%
def patches(image, size):
    """All patches of an image (H, W) as rows, (N, size * size)."""
    # BEGIN SOLUTION
    height, width = image.shape
    down, across = height - size + 1, width - size + 1
    # pixel (i, j) of all patches together is a part of the image, shifted by (i, j)
    shifted = [
        image[i : i + down, j : j + across] for i in range(size) for j in range(size)
    ]
    return torch.stack([entry.flatten() for entry in shifted], dim=1)
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.stages(1, patches)

# %% [markdown]
# ## Question 2: apply a filter to every patch (2 points)
#
# Write `filter_image(image, kernel)`, which returns the dot product of the kernel `(f, f)` and the patch under it at
# every position where the kernel fits into the image `(H, W)`. The output is an image, too, `(H - f + 1, W - f + 1)`.
# This is what deep learning calls a convolution.
#
# For the image with the rows 1, 2, 3 and 4, 5, 6 and the kernel with the rows 0, 1 and 0, 0, the output is
# `[[2, 3]]`.
#
# Use loops or patches, but none of PyTorch's or SciPy's convolutions. (Chapter 3, *A patch is a vector, and so is a
# filter*, equation (3.1).)

# %%
def filter_image(image, kernel):
    """The responses of a kernel (f, f) at all positions in an image, (H - f + 1, W - f + 1)."""
    # BEGIN SOLUTION
    down, across = image.shape[0] - len(kernel) + 1, image.shape[1] - len(kernel) + 1
    responses = torch.zeros(down, across)
    for i in range(len(kernel)):  # one weight, for all positions at once
        for j in range(len(kernel)):
            responses += kernel[i, j] * image[i : i + down, j : j + across]
    return responses
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.stages(2, filter_image)

# %% [markdown]
# With this function you can see how single filters of the trained network respond to the coin: red where the response
# is positive, blue where it is negative, each divided by its largest magnitude.

# %%
seen = {"input": low}
for k in (5, 11, 47, 62):
    responses = filter_image(low, weights["extraction.weight"][k, 0])
    seen[f"filter {k}"] = responses / responses.abs().max()
gallery(seen, signed=[title for title in seen if title.startswith("filter")])

# %% [markdown]
# ## Question 3: stage one, represent the patches (2 points)
#
# Write `extract(patches, weight, bias)`, equation (3.2) of chapter 3, for patches that have already been extracted:
#
# $$F_1(Y) = \max(0,\; W_1 * Y + B_1)$$
#
# `patches` is `(N, c * f * f)`, with one patch in each row: the pixels of the first channel, row by row, then those
# of the second, and so on. `weight` is `(n1, c, f, f)` and `bias` is `(n1,)`, as in the network. The output is
# `(N, n1)`, with the `n1` activations of one patch in each row.
#
# For the patches `[[1, 2], [3, 4]]`, two filters of one pixel and two channels, (1, -1) and (0, 1), and the biases 0
# and -3, the output is `[[0, 0], [0, 1]]`.
#
# Do not use convolutions. (Chapter 3, *A filter bank is a matrix*. Mind the order in which `view` and `reshape` read
# a tensor: a result can have the right shape and the wrong values.)

# %%
def extract(patches, weight, bias):
    """Patches (N, c * f * f) to their activations (N, n1)."""
    # BEGIN SOLUTION
    filters = weight.flatten(1)  # (n1, c * f * f): a filter in each row
    return torch.relu(patches @ filters.T + bias)
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.stages(3, extract)

# %% [markdown]
# ## Question 4: stage two, map the features (2 points)
#
# Write `mapping(features, weight, bias)`, equation (4.1) of chapter 4, with filters of 1 x 1:
#
# $$F_2(Y) = \max(0,\; W_2 * F_1(Y) + B_2)$$
#
# `features` is `(n1, H, W)`, `weight` is `(n2, n1, 1, 1)`, `bias` is `(n2,)`, and the output is `(n2, H, W)`. At each
# pixel it is the same fully connected layer, so a single matrix product computes all pixels at once.
#
# For one pixel with the activations 1 and 2, the filters (1, 1) and (1, -1), and the biases 0 and 0,
# the output is 3 and 0, in the shape `(2, 1, 1)`.
#
# Do not use convolutions. (Chapter 4, *A fully connected layer at every pixel*.)

# %%
def mapping(features, weight, bias):
    """Feature maps (n1, H, W) to feature maps (n2, H, W), pixel by pixel."""
    # BEGIN SOLUTION
    pixels = features.flatten(1)  # (n1, H * W): a pixel in each column
    mapped = torch.relu(weight.flatten(1) @ pixels + bias[:, None])  # (n2, H * W)
    return mapped.view(-1, *features.shape[1:])
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.stages(4, mapping)

# %% [markdown]
# Two of the three stages are done. Here are the first sixteen feature maps of the coin before the mapping, and the
# first sixteen after it.

# %%
features = extract(
    patches(low, 9), weights["extraction.weight"], weights["extraction.bias"]
)  # (72 * 72, 64)
before = features.T.reshape(64, 72, 72)
after = mapping(before, weights["mapping.weight"], weights["mapping.bias"])
gallery(
    {
        "before the mapping": tiles(before[:16], columns=4, gap=4),
        "after the mapping": tiles(after[:16], columns=4, gap=4),
    },
    width=8,
)

# %% [markdown]
# ## Question 5: one step of sparse coding (2 points)
#
# The authors relate their network to sparse coding, which finds the code of a patch in many steps, each with a
# matrix, a bias and a ReLU. Write `sparse_step(code, patch, dictionary, penalty)`, one step of ISTA, equation (4.4)
# of chapter 4:
#
# $$a \;\leftarrow\; \max\bigl(0,\; (I - \eta A^\top A)\, a + \eta A^\top p - \eta\lambda \bigr), \qquad \eta = 1 / \lVert A \rVert^2$$
#
# `code` is $a$, `(n,)`; `patch` is $p$, `(m,)`; `dictionary` is $A$, `(m, n)`, with an atom in each column; `penalty`
# is the number $\lambda$. $\lVert A \rVert$ is the largest singular value of $A$, the largest factor by which $A$ can
# stretch a vector. The output is the new code, `(n,)`.
#
# With the dictionary `[[2.]]`, the code `[1.]`, the patch `[4.]` and the penalty 1, the new code is `[1.75]`.
#
# (Chapter 4, *Sparse coding, unrolled*.)

# %%
def sparse_step(code, patch, dictionary, penalty):
    """The code (n,) after one step of equation (4.4)."""
    # BEGIN SOLUTION
    eta = 1 / torch.linalg.matrix_norm(dictionary, 2) ** 2
    gradient = dictionary.T @ (dictionary @ code - patch) + penalty
    return torch.relu(code - eta * gradient)
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.stages(5, sparse_step)

# %% [markdown]
# Repeated steps lower the objective of equation (4.3) and make the code sparse. The atoms here are 64 patches of the
# image itself, minus their means and scaled to length 1; the patch to be coded is another one.

# %%
cut = patches(low, 9)
cut = cut - cut.mean(1, keepdim=True)
busy = cut[cut.norm(dim=1) > 0.3]  # no flat patches
dictionary = F.normalize(busy[:: len(busy) // 64][:64], dim=1).T  # (81, 64)
patch, penalty = busy[17], 0.02
code, objective, zeros = torch.zeros(64), [], []
for _ in range(100):
    code = sparse_step(code, patch, dictionary, penalty)
    misfit = (patch - dictionary @ code).square().sum() / 2
    objective.append((misfit + penalty * code.sum()).item())
    zeros.append((code == 0).sum().item())
print(f"zeros among 64 coefficients: {zeros[0]} after 1 step, {zeros[-1]} after 100")
curves({"": (range(1, 101), objective)}, x="steps", y="objective (4.3)", log="xy")

# %% [markdown]
# ## Question 6: average overlapping patches (3 points)
#
# Now we go back from patches to an image. Write `average(patches, height, width)`. The rows of `patches`,
# `(N, f * f)`, are patches as question 1 extracts them from an image `(height, width)`, one for every position, in
# the same order, but each may have been changed since. Put every patch back at its position. Where patches overlap,
# each pixel is the mean of all its estimates, at the border as well as inside. The output is `(height, width)`.
#
# Two patches of 2 x 2 pixels, `[[1., 1., 1., 1.], [3., 3., 3., 3.]]`, in an image of height 2 and width 3 give two
# rows `[1., 2., 3.]`.
#
# Do not use `F.fold` or convolutions. (Chapter 5, *Twenty-five estimates of one pixel*.)

# %%
def average(patches, height, width):
    """Overlapping patches (N, f * f), one for every position, averaged to an image (height, width)."""
    # BEGIN SOLUTION
    size = round(patches.shape[1] ** 0.5)
    down, across = height - size + 1, width - size + 1
    total, count = torch.zeros(2, height, width)
    for k in range(size * size):  # pixel k of all patches together
        rows = slice(k // size, k // size + down)
        columns = slice(k % size, k % size + across)
        total[rows, columns] += patches[:, k].view(down, across)
        count[rows, columns] += 1
    return total / count
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.stages(6, average)

# %% [markdown]
# What does averaging gain? Below, every pixel of every patch of the original gets an independent random error. A
# single estimate of a pixel has all of this error; in the average of 25 estimates most of the error is gone, but none
# of the detail.

# %%
noise = torch.Generator().manual_seed(0)
noisy = patches(high, 5)
noisy = noisy + 0.2 * torch.randn(noisy.shape, generator=noise)
middle = noisy[:, 12].view(76, 76)  # one estimate of each pixel
gallery({"one estimate": middle, "average": average(noisy, 80, 80), "original": high})

# %% [markdown]
# ## Question 7: stage three, reconstruct (3 points)
#
# Averaging patches is a convolution, and its weights can be learned. This is the third layer, equation (5.1) of
# chapter 5:
#
# $$F(Y) = W_3 * F_2(Y) + B_3$$
#
# Write `reconstruct(features, weight, bias)`. `features` is `(n2, H, W)`; `weight` is `(c, n2, f, f)`, with a filter
# for each feature map; `bias` is `(c,)`. Convolve each map with its filter, at the positions where the filter fits,
# and add up the results. The output is `(c, H - f + 1, W - f + 1)`: one channel for luma, three for color.
#
# Two maps of one pixel, 1 and 2, with the weights 3 and -2 and the bias 0.5 give -0.5, in the shape `(1, 1, 1)`.
#
# Do not use convolutions. `F.unfold` is allowed from here on, since you have written it yourself in question 1; mind
# that it returns patches as columns. (Chapter 5, *From 32 maps to one image* and *Averaging is a convolution*.)

# %%
def reconstruct(features, weight, bias):
    """Feature maps (n2, H, W) to an image (c, H - f + 1, W - f + 1)."""
    # BEGIN SOLUTION
    size = weight.shape[-1]
    columns = F.unfold(features[None], size)[0]  # (n2 * f * f, N)
    pixels = weight.flatten(1) @ columns + bias[:, None]  # (c, N)
    return pixels.view(-1, features.shape[1] - size + 1, features.shape[2] - size + 1)
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.stages(7, reconstruct)

# %% [markdown]
# ## Question 8: the whole network (4 points)
#
# Write `sharpen(image, weights)`, the whole network for an upsampled image `(H, W)`. `weights` is a dictionary like
# the one whose shapes are printed at the top of this notebook: `extraction.weight` and `extraction.bias`, and the
# same for `mapping` and `reconstruction`. The output is an image of the *same size*: pad the input of each layer by
# repeating its border pixels, half a filter on each side (replicate padding), as `srcnn.SRCNN(padding="replicate")`
# does.
#
# The filters are square with odd sides, but the sides need not be 9, 1 and 5, and there need not be 64 and 32
# filters: read both from the shapes. The filters of the mapping may be larger than 1 x 1, too.
#
# Do not use convolutions or the package's network. (Chapter 5, *All three layers at one pixel*.)

# %%
def sharpen(image, weights):
    """SRCNN by hand: an upsampled image (H, W) to a sharper one (H, W)."""
    # BEGIN SOLUTION
    maps = image[None]
    for stage in ("extraction", "mapping", "reconstruction"):
        weight, bias = weights[f"{stage}.weight"], weights[f"{stage}.bias"]
        size = weight.shape[-1]
        padded = F.pad(maps[None], [size // 2] * 4, mode="replicate")
        columns = F.unfold(padded, size)[0]  # each pixel's patch of all maps
        maps = (weight.flatten(1) @ columns + bias[:, None]).view(-1, *image.shape)
        if stage != "reconstruction":
            maps = torch.relu(maps)
    return maps[0]
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.stages(8, sharpen)

# %% [markdown]
# Here are your three stages with the weights of the trained network. (If loops over all positions make this slow, use
# a part of the image, such as `low[:40, :40]`.)

# %%
output = sharpen(low, weights)
package = trained(low[None, None])[0, 0]
print(
    f"largest difference from the package's network: {(output - package).abs().max():.0e}"
)
scores = [
    srcnn.psnr(srcnn.quantize(p)[None], high[None], peak=1, shave=3) for p in (low, output)
]
gallery(
    {
        f"bicubic, {scores[0]:.1f} dB": low,
        f"your three stages, {scores[1]:.1f} dB": output,
        "original": high,
    }
)
