# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Assignment: Three stages by hand
#
# SRCNN is three convolutions, and the paper reads each of them as an older idea: patches are cut and described, the
# descriptions are mapped, and patches are laid down again and averaged. Here you write all of it yourself, without a
# single convolution of PyTorch's. In the end your functions run the trained network, and give its picture.
#
# You need chapter 3 (*How many numbers describe a patch?*), chapter 4 (*How does a blurred description become a sharp
# one?*) and chapter 5 (*How do patches become one picture again?*). Eight questions, 20 points; plan four hours.
#
# **How it works.** Each question names a function. Write it in place of the three dots and run the cell below it:
# one line says that it is right, or what to think about again. You may add cells and functions of your own. The grading
# calls your functions by name with other pictures, of other sizes, so think of more than the example.
#
# All tensors are float32. A picture is `(H, W)`, maps are `(n, H, W)`. Do not change what you are given: make new
# tensors. You may use earlier answers in later ones, and everything of Python and PyTorch except what a question
# excludes. Before you hand in: *Restart kernel and run all cells*, and look whether every line says "right". Then hand in
# this one file.

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
# ## Question 1: cut the patches (2 points)
#
# Write `patches(image, size)`: all patches of `size` x `size` pixels of a picture `(H, W)`, as the rows of a tensor
# `(N, size * size)`. Patches overlap: one stands at every place where it fits into the picture. The places are walked
# through row by row, like the words of a page, and the pixels of a patch are written down row by row too.
#
# From the picture with the rows 1, 2, 3 and 4, 5, 6 the patches of size 2 are `[[1, 2, 4, 5], [2, 3, 5, 6]]`.
#
# Without `unfold` of any kind, which is what you are writing. (Chapter 3, *A patch is a vector, a filter bank is a
# matrix*, has patches as columns; here they are rows.)

# %%
def patches(image, size):
    """All patches of a picture (H, W) as rows, (N, size * size)."""
    # BEGIN SOLUTION
    height, width = image.shape
    down, across = height - size + 1, width - size + 1
    # pixel (i, j) of all patches together is the picture without its rim, shifted by (i, j)
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
# ## Question 2: lay a filter on every patch (2 points)
#
# Write `filter_image(image, kernel)`: at every place where the kernel `(f, f)` fits into the picture `(H, W)`, the scalar
# product of the kernel with the patch that lies under it. The answer is a picture again, `(H - f + 1, W - f + 1)`. This is
# what deep learning calls a convolution.
#
# The kernel with the rows 0, 1 and 0, 0 answers to the picture with the rows 1, 2, 3 and 4, 5, 6 with `[[2, 3]]`.
#
# By loops or by patches, without PyTorch's or SciPy's convolutions. (Chapter 3, *A patch is a vector, a filter bank is a
# matrix*.)

# %%
def filter_image(image, kernel):
    """The answers of a kernel (f, f) at all places of a picture, (H - f + 1, W - f + 1)."""
    # BEGIN SOLUTION
    down, across = image.shape[0] - len(kernel) + 1, image.shape[1] - len(kernel) + 1
    answers = torch.zeros(down, across)
    for i in range(len(kernel)):  # one weight, for all places at once
        for j in range(len(kernel)):
            answers += kernel[i, j] * image[i : i + down, j : j + across]
    return answers
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.stages(2, filter_image)

# %% [markdown]
# With it you can ask what single filters of the trained network see on the coin: white where they answer strongly.

# %%
seen = {"the picture": low}
for k in (5, 11, 47, 62):
    answers = filter_image(low, weights["extraction.weight"][k, 0])
    seen[f"filter {k}"] = (answers - answers.min()) / (answers.max() - answers.min())
gallery(seen)

# %% [markdown]
# ## Question 3: stage one, describe the patches (2 points)
#
# Write `extract(patches, weight, bias)`, equation (1) of the paper for patches that are cut already:
#
# $$F_1 = \max(0,\; W_1 * Y + B_1)$$
#
# `patches` is `(N, c * f * f)`, one patch a row. In a row stand the pixels of the first channel, row by row, then those of
# the second, and so on. `weight` is `(n1, c, f, f)` and `bias` `(n1,)`, as they stand in the network. The answer is
# `(N, n1)`, a description a row.
#
# The patches `[[1, 2], [3, 4]]` with two filters of one pixel and two channels, (1, -1) and (0, 1), and the biases 0 and
# -3 are described by `[[0, 0], [0, 1]]`.
#
# Without convolutions. (Chapter 3, *A patch is a vector, a filter bank is a matrix*, and the slip *A view that only has the
# right shape*.)

# %%
def extract(patches, weight, bias):
    """Patches (N, c * f * f) to their descriptions (N, n1)."""
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
# ## Question 4: stage two, map the descriptions (2 points)
#
# Write `mapping(features, weight, bias)`, equation (2) of the paper with filters of 1 x 1:
#
# $$F_2 = \max(0,\; W_2 * F_1 + B_2)$$
#
# `features` is `(n1, H, W)`, `weight` `(n2, n1, 1, 1)`, `bias` `(n2,)`, and the answer `(n2, H, W)`. At each pixel it is
# the same small fully connected layer, so one product of two matrices does all pixels at once.
#
# For one pixel with the features 1 and 2, the weights (1, 1), (1, -1) and the biases 0 and 0 the answer is 3 and 0, in the
# shape `(2, 1, 1)`.
#
# Without convolutions. (Chapter 4, *A small network at every pixel*.)

# %%
def mapping(features, weight, bias):
    """Maps (n1, H, W) to maps (n2, H, W), pixel by pixel."""
    # BEGIN SOLUTION
    pixels = features.flatten(1)  # (n1, H * W): a pixel in each column
    answers = torch.relu(weight.flatten(1) @ pixels + bias[:, None])  # (n2, H * W)
    return answers.view(-1, *features.shape[1:])
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.stages(4, mapping)

# %% [markdown]
# Two of three stages stand. Here are the first sixteen maps of the coin before the mapping, and sixteen after it.

# %%
described = extract(
    patches(low, 9), weights["extraction.weight"], weights["extraction.bias"]
)  # (72 * 72, 64)
before = described.T.reshape(64, 72, 72)
after = mapping(before, weights["mapping.weight"], weights["mapping.bias"])
gallery(
    {
        "before the mapping": tiles(before[:16], columns=4, gap=4),
        "after the mapping": tiles(after[:16], columns=4, gap=4),
    },
    width=8,
)

# %% [markdown]
# ## Question 5: the ancestor, one step of sparse coding (2 points)
#
# Stage two has an ancestor that took many steps, and each of them is a matrix, a bias and a max. Write
# `sparse_step(code, patch, dictionary, price)`, one step of equation (5.2) of chapter 4:
#
# $$a \leftarrow \max\bigl(0,\; a - \eta D^\top (D a - x) - \eta \lambda\bigr), \qquad \eta = 1 / \lVert D \rVert^2$$
#
# `code` is $a$, `(n,)`; `patch` is $x$, `(m,)`; `dictionary` is $D$, `(m, n)`, an atom a column; `price` is the number
# $\lambda$. $\lVert D \rVert$ is the largest factor by which $D$ can stretch a vector, its largest singular value. The
# answer is the new code, `(n,)`.
#
# With the dictionary `[[2.]]`, the code `[1.]`, the patch `[4.]` and the price 1 the new code is `[1.75]`.
#
# (Chapter 4, *The ancestor: sparse coding*.)

# %%
def sparse_step(code, patch, dictionary, price):
    """The code (n,) after one step of equation (5.2)."""
    # BEGIN SOLUTION
    eta = 1 / torch.linalg.matrix_norm(dictionary, 2) ** 2
    slope = dictionary.T @ (dictionary @ code - patch) + price
    return torch.relu(code - eta * slope)
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.stages(5, sparse_step)

# %% [markdown]
# Repeated, the step goes downhill and makes the code sparse. The atoms are 64 patches of the picture itself, less their
# mean and brought to length 1; the patch is another one.

# %%
cut = patches(low, 9)
cut = cut - cut.mean(1, keepdim=True)
busy = cut[cut.norm(dim=1) > 0.3]  # flat patches teach nothing
dictionary = F.normalize(busy[:: len(busy) // 64][:64], dim=1).T  # (81, 64)
patch, price = busy[17], 0.02
code, objective, zeros = torch.zeros(64), [], []
for _ in range(100):
    code = sparse_step(code, patch, dictionary, price)
    misfit = (patch - dictionary @ code).square().sum() / 2
    objective.append((misfit + price * code.sum()).item())
    zeros.append((code == 0).sum().item())
print(f"zeros among 64 amounts: {zeros[0]} after one step, {zeros[-1]} after a hundred")
curves({"": (range(1, 101), objective)}, x="steps", y="objective (5.1)", log="xy")

# %% [markdown]
# ## Question 6: lay the patches down (3 points)
#
# Now the way back from patches to a picture. Write `average(patches, height, width)`: the rows of `patches`,
# `(N, f * f)`, are patches as question 1 cuts them from a picture `(height, width)`, one for every place, in the same
# order, but each may have been changed since. Lay every patch down at its place. Where patches overlap, each pixel is the
# mean of all that is said about it, at the border as well as inside. The answer is `(height, width)`.
#
# Two patches of two by two pixels, `[[1., 1., 1., 1.], [3., 3., 3., 3.]]`, in a picture of height 2 and width 3 give rows
# of `[1., 2., 3.]`.
#
# Without `F.fold` and without convolutions. (Chapter 5, *Twenty-five opinions about one pixel*.)

# %%
def average(patches, height, width):
    """Overlapping patches (N, f * f), one for every place, averaged to a picture (height, width)."""
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
# What is averaging good for? Every pixel of every patch of the original gets a random error of its own. One patch shows it
# in full; in the average of 25 most of it is gone, and no detail with it.

# %%
noise = torch.Generator().manual_seed(0)
spoilt = patches(high, 5)
spoilt = spoilt + 0.2 * torch.randn(spoilt.shape, generator=noise)
middle = spoilt[:, 12].view(76, 76)  # one opinion about each pixel
gallery({"one opinion": middle, "the average": average(spoilt, 80, 80), "original": high})

# %% [markdown]
# ## Question 7: stage three, reconstruct (3 points)
#
# Averaging with better numbers is a convolution, equation (3) of the paper:
#
# $$F = W_3 * F_2 + B_3$$
#
# Write `reconstruct(features, weight, bias)`: `features` is `(n2, H, W)`, `weight` `(c, n2, f, f)`, a filter for each map,
# and `bias` `(c,)`. What the filters make of their maps is added up, at the places where they fit. The answer is
# `(c, H - f + 1, W - f + 1)`: one channel for luma, three for color.
#
# Two maps of one pixel, 1 and 2, with the weights 3 and -2 and the bias 0.5 give -0.5, in the shape `(1, 1, 1)`.
#
# Without convolutions. `F.unfold` is allowed from here on, as you have shown what it does; mind that its patches are
# columns. (Chapter 5, *One pixel, 800 products* and *The same sum in another order*.)

# %%
def reconstruct(features, weight, bias):
    """Maps (n2, H, W) to a picture (c, H - f + 1, W - f + 1)."""
    # BEGIN SOLUTION
    size = weight.shape[-1]
    columns = F.unfold(features[None], size)[0]  # (n2 * f * f, N)
    answers = weight.flatten(1) @ columns + bias[:, None]  # (c, N)
    return answers.view(-1, features.shape[1] - size + 1, features.shape[2] - size + 1)
    # END SOLUTION
    """  # BEGIN PROMPT
    return ...
    """  # END PROMPT


# %%
checks.stages(7, reconstruct)

# %% [markdown]
# ## Question 8: the three stages in a row (4 points)
#
# Write `sharpen(image, weights)`, the whole network for an enlarged picture `(H, W)`. `weights` is a dictionary like the
# one that the set-up cell printed: `extraction.weight` and `extraction.bias`, the same for `mapping` and
# `reconstruction`. The answer is a picture of the *same size*: before each layer its input is padded by repeating the
# outermost pixels, half a filter on each side, as `srcnn.SRCNN(padding="replicate")` does it.
#
# The filters are square and odd, but need not be 9, 1 and 5, and there need not be 64 and 32 of them: read it from the
# shapes. The mapping may be larger than 1 x 1, too.
#
# Without convolutions and without the package's network. (Chapter 5, *The same sum in another order*.)

# %%
def sharpen(image, weights):
    """SRCNN by hand: an enlarged picture (H, W) to a sharper one (H, W)."""
    # BEGIN SOLUTION
    maps = image[None]
    for stage in ("extraction", "mapping", "reconstruction"):
        weight, bias = weights[f"{stage}.weight"], weights[f"{stage}.bias"]
        size = weight.shape[-1]
        padded = F.pad(maps[None], [size // 2] * 4, mode="replicate")
        columns = F.unfold(padded, size)[0]  # a patch of all maps for each pixel
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
# Your three stages, with the weights of the trained network. (Should loops over all places make this slow, take a part
# of the picture, such as `low[:40, :40]`.)

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
