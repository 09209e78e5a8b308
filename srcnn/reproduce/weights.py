"""The weights that come with the package, each by the command that trains it. Chapter 12.

``srcnn reproduce weights`` trains whatever is missing of them, one run after the other, and turns each into a file with
its card and its log. It takes hours on two cores; it may be stopped, and goes on where it was.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from srcnn.recipes import RECIPES, SCALES, TrainConfig
from srcnn.results import export
from srcnn.runs import Run

CARD_SETS = ("set5", "set14", "bsd100")  # whose scores the cards tell
_FAST = RECIPES["fast"]
# bfloat16 halves the time on a processor that has it, larger crops waste less of it at their borders
_LONG = replace(_FAST, patch_size=48, batch_size=16, steps=8_000, learning_rate=5e-3, precision="bfloat16")
# the three architectures of the paper are trained alike: on the 91 images at smaller sizes too, with a long warm-up,
# after which fewer filters are silent
_ALIKE = replace(
    _LONG,
    steps=60_000,
    full_precision_share=0.1,
    scale_augmentation="1-0.9-0.8-0.7-0.6-0.5",
    warmup_steps=2_000,
)
_ARCHITECTURES = ("9-1-5", "9-3-5", "9-5-5")


def _of_scale(scale: int) -> dict[str, TrainConfig]:
    return {
        **{f"srcnn-{name}-x{scale}": replace(_ALIKE, architecture=name, scale=scale) for name in _ARCHITECTURES},
        f"subpixel-x{scale}": replace(
            _LONG,
            architecture="subpixel",
            padding="zeros",
            scale=scale,
            patch_size=24,
            batch_size=32,
            learning_rate=1e-2,
            steps=6_000,
        ),
    }


SHIPPED: dict[str, TrainConfig] = {
    **{name: config for scale in SCALES for name, config in _of_scale(scale).items()},
    # the largest network gains from more steps at the largest scale; equal-training.json has it with the usual ones
    "srcnn-9-5-5-x4": replace(_ALIKE, architecture="9-5-5", scale=4, steps=120_000, learning_rate=3e-3),
    "srcnn-9-1-5-rgb-x3": replace(_LONG, color="rgb"),
}


def run(folder: Path, *, runs: Path = Path("runs")) -> Iterator[dict[str, Any]]:
    """Train every network that is shipped, and export it.

    Args:
        folder: for weights, cards and logs; what is there already is left as it is.
        runs: for the runs; one that was begun is gone on with.

    Yields:
        One line for each network.
    """
    for name, config in SHIPPED.items():
        output = folder / f"{name}.safetensors"
        if output.exists():
            yield {"line": f"{name} is there"}
            continue
        training = Run(config, runs / name, resume=(runs / name / "config.json").exists())
        for _ in training:
            pass
        export(training.folder, output, CARD_SETS)
        yield {"line": f"{name} made in {training.card()['seconds']:.0f} s"}
