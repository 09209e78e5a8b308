"""Shipping: the weights that come with the package, each by the command that trains it. Chapter 10.

``srcnn reproduce weights`` trains whatever is missing of them, one run after the other, and turns each into a file with
its card and its log. It takes hours on two cores; it may be stopped, and goes on where it was.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from srcnn import pretrained
from srcnn.experiments import SCALES, measure
from srcnn.files import InputError, atomic
from srcnn.recipes import RECIPES, TrainConfig
from srcnn.runs import Run

CARD_SETS = ("set5", "set14", "bsd100")  # whose scores the cards tell
_FAST = RECIPES["fast"]
# bfloat16 halves the time on a processor that has it, larger crops waste less of it at their borders
_LONG = replace(_FAST, crop=48, batch=16, steps=8_000, learning_rate=5e-3, precision="bfloat16")
# seven times the weights of 9-1-5 have more to learn from: the 91 images, at smaller sizes as well
_LARGE = replace(_LONG, architecture="9-5-5", steps=60_000, exact=0.1, zooms="1-0.9-0.8-0.7-0.6-0.5")


def _of_scale(scale: int) -> dict[str, TrainConfig]:
    return {
        f"srcnn-9-1-5-x{scale}": replace(_FAST, scale=scale, steps=30_000),
        f"srcnn-9-3-5-x{scale}": replace(_LONG, architecture="9-3-5", scale=scale),
        f"subpixel-x{scale}": replace(
            _LONG,
            architecture="subpixel",
            padding="zeros",
            scale=scale,
            crop=24,
            batch=32,
            learning_rate=1e-2,
            steps=6_000,
        ),
    }


SHIPPED: dict[str, TrainConfig] = {
    **{name: config for scale in SCALES for name, config in _of_scale(scale).items()},
    **{f"srcnn-9-5-5-x{scale}": replace(_LARGE, scale=scale) for scale in SCALES},
    # with the short warm-up and large steps of the others, 27 of its 96 filters are silent on the sample photographs
    "srcnn-9-5-5-x4": replace(_LARGE, scale=4, steps=120_000, learning_rate=3e-3, warm_up=2_000),
    "srcnn-9-1-5-rgb-x3": replace(_LONG, colour="rgb"),
}


def ship(folder: Path, root: str | os.PathLike | None = None, *, runs: Path = Path("runs")) -> Iterator[dict]:
    """Train every network that is shipped, and export it.

    Args:
        folder: for weights, cards and logs; what is there already is left as it is.
        root: where image sets are looked for first.
        runs: for the runs; one that was begun is gone on with.

    Yields:
        One line for each network.
    """
    for name, config in SHIPPED.items():
        output = folder / f"{name}.safetensors"
        if output.exists():
            yield {"line": f"{name} is there"}
            continue
        run = Run(config, runs / name, root=root, resume=(runs / name / "config.json").exists())
        for _ in run:
            pass
        export(run.folder, output, CARD_SETS, root)
        yield {"line": f"{name} made in {run.card()['seconds']:.0f} s"}


def export(
    run: Path, output: Path, datasets: Sequence[str] = ("set5",), root: str | os.PathLike | None = None
) -> list[Path]:
    """Turn a finished run into weights to share: a safetensors file, its card in Markdown, and the log beside it.

    Args:
        run: the folder of the run.
        output: the ``.safetensors`` file.
        datasets: sets whose scores the card tells, beside bicubic's.
        root: where image sets are looked for first.

    Returns:
        The files written.

    Raises:
        InputError: the run is not finished, or a set is not there.
    """
    weights = run / "weights.safetensors"
    if not weights.is_file():
        raise InputError(f"{run} holds no finished run; `srcnn train --resume --out {run}` ends it")
    loaded = pretrained.load(weights)
    history = run / "history.jsonl"
    if not history.is_file() or not {"scale", "training", "command"} <= set(loaded.card):
        raise InputError(f"{run} lacks its history or the record in its weights; train anew in another --out")
    scale = loaded.card["scale"]
    scores = {}
    for dataset in datasets:
        ours, bicubic = (measure(str(w), dataset, scale, root=root)["mean"] for w in (weights, "bicubic"))
        scores[dataset] = {"psnr": ours["psnr"], "ssim": ours["ssim"], "bicubic_psnr": bicubic["psnr"]}
    card = {**loaded.card, "scores": scores}
    card_file, log = output.with_suffix(".md"), output.with_suffix(".jsonl")
    told = pretrained.describe(output.stem, loaded.model, card)
    pretrained.save(loaded.model, output, card)
    for path, text in ((card_file, told), (log, history.read_text(encoding="utf-8"))):
        with atomic(path) as part:
            part.write_text(text, encoding="utf-8")
    return [output, card_file, log]
