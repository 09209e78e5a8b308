# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Assignment: A broken repository
#
# You have taken over a repository that measures SRCNN at x3. It runs without an error, and its score is nonsense. Eight
# of its twelve functions have one mistake each, of the kinds that this book tells of; the other four are right. Find
# the eight, say what each costs, and mend them.
#
# You need [chapter 6](../../06_bicubic.ipynb), [chapter 7](../../07_measuring.ipynb),
# [chapter 8](../../08_building.ipynb), [chapter 12](../../12_evaluating.ipynb) and
# [When it does not train](../../symptoms.md). There are three questions and 20 points, all given by a program; allow
# four hours.
#
# **How it works.** Each question names a value or a function. Write it in place of the three dots, and run the cell
# below it. For the first two, that cell only sees whether your answer is complete: whether it is right is seen in the
# grading. You may add cells and functions of your own, and use everything in Python, PyTorch and the package but
# `srcnn.evaluate`, `srcnn.luma` and `srcnn.psnr`. `srcnn.shrink` and `srcnn.enlarge`, which the repository uses, are right, and so
# are the docstrings, the function `evaluate` and the weights. If your notebook has the code of a variant, its mistakes
# are your own: others have others.

# %%
# SET-UP

# %%
# REPOSITORY

# %%
from srcnn import checks, images, pretrained

WEIGHTS = pretrained.load("srcnn-9-1-5-x3").model.state_dict()
PHOTOGRAPHS = [images.sample(name)[:, 100:251, 150:321] for name in ("astronaut", "coffee", "chelsea")]

print(f"{evaluate(PHOTOGRAPHS, 3, WEIGHTS):.2f} dB")

# %%
# VARIANT

# %% [markdown]
# ## Question 1: what is broken? (4 points)
#
# Write `found`, a list of the names of the eight broken functions, such as `["luma", "psnr", ...]`. Do not guess: feed
# each function something small whose answer you know. Half a point for each that is right; a list with more or fewer
# than eight names earns nothing.

# %%
# BEGIN SOLUTION
found = ["luma", "modcrop", "upsample", "pad", "quantize", "psnr", "average", "compare"]
# END SOLUTION
"""  # BEGIN PROMPT
found = ...
"""  # END PROMPT

# %%
checks.troubleshoot(1, found)

# %% [markdown]
# ## Question 2: what does it cost? (8 points)
#
# Write `prices`, a dictionary from the names of the eight functions to the price of its mistake in dB: by how much the
# score `evaluate(PHOTOGRAPHS, 3, WEIGHTS)` is *lower* when this mistake alone is in the repository and all others are
# mended. A mistake that raises the score has a negative price. Compute it, do not type it: mend everything first
# (question 3), then put one mistake back at a time. A price counts if it is right within 0.01 dB plus one percent.

# %%
# BEGIN SOLUTION
prices = {
    "luma": 1.428,
    "modcrop": -0.422,
    "upsample": 1.861,
    "pad": 10.511,
    "quantize": 2.224,
    "psnr": -42.091,
    "average": 0.148,
    "compare": -2.165,
}
# END SOLUTION
"""  # BEGIN PROMPT
prices = ...
"""  # END PROMPT

# %%
checks.troubleshoot(2, prices)

# %% [markdown]
# ## Question 3: mend it (8 points)
#
# Write the broken functions anew in the cell below, under their own names and with the same arguments, so that each
# does what its docstring says. Then let `mended(name, *arguments)` call the function of that name, as in
# `mended("pad", image, 3)`: the grading calls all functions through it.

# %%
# BEGIN SOLUTION
# MENDED


def mended(name, *arguments):
    """Call the function of the mended repository that has this name."""
    return globals()[name](*arguments)
    # END SOLUTION
"""  # BEGIN PROMPT
# the eight functions


def mended(name, *arguments):
    # call the function of the mended repository that has this name
    return ...
"""  # END PROMPT

# %%
checks.troubleshoot(3, mended)

# %% [markdown]
# The mended repository gives the score that the package gives.

# %%
print(f"{evaluate(PHOTOGRAPHS, 3, WEIGHTS):.2f} dB")
