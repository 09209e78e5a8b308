"""The words that the command ``srcnn`` understands, and what it says of those that it does not."""

import argparse
import os
from collections.abc import Callable
from typing import Any, NoReturn

from srcnn import __version__
from srcnn.cli import commands, enlarge, training
from srcnn.cli.device import known_device
from srcnn.files import InputError
from srcnn.model import INITIALIZATIONS, PADDINGS
from srcnn.recipes import RECIPES, flag, kinds, parse_setting
from srcnn.training import PRECISIONS


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are one sentence, like all others."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; `{self.prog} --help` tells more")


def understood(argv: list[str] | None) -> argparse.Namespace:
    """What the words of a command line ask for.

    Raises:
        InputError: a word is unknown, empty or missing, or ``--root`` is no folder.
    """
    given, unknown = parser().parse_known_args(argv)
    if unknown:
        raise InputError(f"unrecognized arguments: {' '.join(unknown)}; `srcnn {given.command} --help` tells more")
    for name, value in vars(given).items():
        # an unset variable of a script; pathlib would take it for the current folder
        if "" in (value if isinstance(value, list) else [value]):
            raise InputError(f"{name} is empty; give it a value (in a script: is its variable set?)")
    root = getattr(given, "root", None)
    if root and not os.path.isdir(root) and getattr(given, "action", "") != "fetch":  # which makes it
        raise InputError(f"--root {root} is no folder; give one that has image sets in it, or leave --root out")
    return given


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; the function of the one given is in ``run``."""
    whole = _Parser(prog="srcnn", description="Image super-resolution with three convolutions, after Dong et al. 2014.")
    whole.add_argument("--version", action="version", version=f"srcnn {__version__}")
    several = whole.add_subparsers(required=True, dest="command", metavar="command")

    def command(name: str, run: Callable[[argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
        added = several.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    sub = command("data", commands.data_sets, "list, download or verify the image sets")
    sub.add_argument(
        "action",
        choices=("list", "fetch", "verify"),
        help="list: which sets there are, and which are here; fetch: download what is missing; verify: compare every "
        "file with its checksum",
    )
    sub.add_argument("sets", nargs="*", default=[], metavar="set", help="a registered set; all of them unless given")
    _root(sub)

    sub = command("train", training.train, "train a network")
    _train_flags(sub)

    sub = command(
        "evaluate", commands.evaluate, "measure a network beside bicubic, by the protocol of the published tables"
    )
    sub.add_argument("--weights", required=True, help="a shipped name, a file, or bicubic")
    sub.add_argument("--data", required=True, help=_HELP["data"])
    sub.add_argument("--scale", type=_setting("scale"), required=True, help=_HELP["scale"])
    sub.add_argument(
        "--gray", "--grey", action="store_true", help="measure full-range gray instead of luma, as BSD200 is"
    )
    sub.add_argument("--json", metavar="FILE", help="write the PSNRs and SSIMs there as well")
    _device(sub)
    _root(sub)

    sub = command("upscale", enlarge.enlarge, "upsample a photograph, or many")
    sub.add_argument("photo", nargs="+", help="a file; several, or a folder, go into the folder that -o names")
    sub.add_argument("-o", "--output", required=True, help="a file, or a folder for many")
    sub.add_argument("--overwrite", action="store_true", help="replace what is there; otherwise it is left as it is")
    sub.add_argument("--scale", type=_setting("scale"), required=True, help=_HELP["scale"])
    sub.add_argument(
        "--weights", help="a shipped name, a file, or bicubic; the shipped 9-1-5 of the scale unless given"
    )
    _device(sub)

    sub = command("explain", commands.explain_figure, "find the way of measuring that gives a claimed PSNR or SSIM")
    _explain_flags(sub)

    sub = command("export", commands.export_run, "turn a finished run into weights with a model card and its log")
    _export_flags(sub)

    sub = command("reproduce", commands.reproduce, "make the measured tables of the book again")
    what = "tables, copies, tutorial, ablations, optimizers, benchmarks, speedrun, processors, gpu or weights"
    sub.add_argument("experiment", help=what)
    sub.add_argument("--out", help="folder for the results; the checkout's own unless given")
    _gpu_flags(sub)
    _root(sub)
    return whole


def _export_flags(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("folder", help="the --out of a run; with --onnx also weights, a shipped name or a file")
    sub.add_argument("-o", "--output", required=True, metavar="FILE", help="it ends in .safetensors, or in .onnx")
    sub.add_argument(
        "--onnx", action="store_true", help="write an ONNX model, with the bicubic interpolation inside, and no card"
    )
    sub.add_argument("--scale", type=_setting("scale"), help="of an ONNX model whose weights do not tell theirs")
    sub.add_argument("--data", nargs="+", action="extend", help="sets whose scores the card tells; set5 unless given")
    _root(sub)


def _explain_flags(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "images",
        nargs="+",
        metavar="image",
        help="an output and its original, or two folders; with --weights the original alone, a folder or a set",
    )
    sub.add_argument(
        "--claimed", required=True, metavar="28.43", help="PSNR in dB, or SSIM, with all the decimals claimed"
    )
    sub.add_argument("--scale", type=_setting("scale"), default=3, help=f"{_HELP['scale']}; 3 unless given")
    sub.add_argument(
        "--weights", help="make the output: bicubic, a shipped name, or a file; every library's degradation is tried"
    )
    _root(sub)


# What the commands of the tutorial and of version 0.1 say in place of today's flags.
_ALIASES = {
    "scale": ["--upscale_factor", "-uf"],
    "batch_size": ["--batchSize", "--batch-size"],
    "learning_rate": ["--learning-rate"],
    "color": ["--colour"],
}
_MOST = 65_536  # epochs, and images at once
_HELP = {
    "data": "a registered set (`srcnn data list`), sample, leaves, a folder, or several joined by +",
    "scale": "2, 3 or 4",
    "architecture": "filter sizes, such as 9-1-5, or subpixel",
    "steps": "optimizer steps",
    "batch_size": "training pairs a step",
    "learning_rate": "learning rate, for the mean squared error of pixels in 0..1",
    "seed": "of the initial weights, the patches and their order",
    "precision": ", ".join(PRECISIONS),
}
_FURTHER = {
    "widths": "filters of every layer but the last, such as 64-32",
    "padding": ", ".join(PADDINGS),
    "color": "what the network sees: luma, rgb or ycbcr",
    "scale_augmentation": "factors by which each image is also downsampled before pairs are cut, such as 1-0.9-0.8",
    "sampling": "how patches are cut: crops (at random), sub-images (on the paper's grid) or tutorial",
    "patch_size": "side of an input patch, in its own pixels",
    "loss": "mse (mean squared error) or l1 (mean absolute error)",
    "optimizer": "soap, adam or sgd (momentum 0.9)",
    "last_layer_lr_factor": "of the learning rate, for the last layer and all biases",
    "cosine": "let the learning rate fall to zero along half a cosine, after a warm-up",
    "warmup_steps": "steps of the warm-up, with --cosine",
    "ema_share": "share of the steps, 0 to 1, over which the weights are averaged exponentially; 0 for the last ones",
    "initialization": ", ".join(INITIALIZATIONS),
    "full_precision_share": "share of the steps, 0 to 1, the last ones, in float32 whatever --precision says",
    "micro_batches": "equal parts of a batch whose gradients are accumulated, to save memory",
    "compile": "let torch.compile make one program of the network",
    "deterministic": "take only algorithms of PyTorch that give the same bits every time",
}


def _train_flags(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--recipe", choices=tuple(RECIPES), help="settings to begin with; fast unless given")
    further = sub.add_argument_group("further settings", "chapter 10 and the page of srcnn.recipes say more of each")
    for name, kind in kinds().items():
        into, text = (sub, _HELP[name]) if name in _HELP else (further, _FURTHER[name])
        flags, text = [flag(name), *_ALIASES.get(name, [])], f"{text} ({_defaults(name)})"
        if kind is bool:
            into.add_argument(*flags, dest=name, action=argparse.BooleanOptionalAction, help=text)
            continue
        choices = PRECISIONS if name == "precision" else None
        into.add_argument(*flags, dest=name, type=_setting(name), choices=choices, help=text, metavar="VALUE")
    sub.add_argument("--nEpochs", type=_count, help="passes over the data instead of --steps; tutorial only")
    sub.add_argument(
        "--testBatchSize",
        type=_count,
        help="images at once of which the tutorial's PSNR is measured; 8 unless given; tutorial only",
    )
    sub.add_argument(
        "--model", "-m", choices=("srcnn",), help="the tutorial's word for its network; srcnn is all there is"
    )
    # version 0.1's flag
    sub.add_argument("--set", nargs="+", default=[], action="extend", type=_old_setting, help=argparse.SUPPRESS)
    sub.add_argument("--out", help="folder of the run; a new one under runs/ unless given")
    sub.add_argument("--resume", action="store_true", help="go on with the run in --out, with its settings")
    _device(sub)
    _root(sub)


def _defaults(name: str) -> str:
    """What the recipes have for a setting, as the help tells it."""
    values = {recipe: getattr(config, name) for recipe, config in RECIPES.items()}
    words = {recipe: {True: "yes", False: "no"}[v] if isinstance(v, bool) else f"{v:g}" if isinstance(v, float) else v
             for recipe, v in values.items()}  # fmt: skip
    if len(set(words.values())) == 1:
        return f"{words['fast']} unless given"
    return ", ".join(f"{recipe}: {word}" for recipe, word in words.items())


def _gpu_flags(sub: argparse.ArgumentParser) -> None:
    only = sub.add_argument_group("of gpu alone", "what a CUDA GPU gives, in ten parts; its figures go into --out")
    only.add_argument("--parts", metavar="1-4,7", help="those parts; all of them unless given")
    only.add_argument("--budget", type=_seconds, metavar="SECONDS", help="of all parts together; 570 unless given")
    only.add_argument(
        "--limit", type=_limit, action="append", metavar="PART=SECONDS", help="of one part; its own unless given"
    )
    only.add_argument("--dry", action="store_true", help="on the CPU with tiny numbers, which measures nothing")


def _root(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--root", help="folder in which image sets are looked for first, before $SRCNN_DATA")


def _device(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--device", type=known_device, help="cpu, cuda or mps; the fastest that is there unless given")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0, such as 300")
    return seconds


def _limit(text: str) -> tuple[int, float]:
    part, equals, seconds = text.partition("=")
    if not (equals and part.isascii() and part.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} limits no part; give part=seconds, such as 5=300")
    return int(part), _seconds(seconds)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) <= _MOST):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to {_MOST:,}")
    return int(text)


def _setting(name: str) -> Callable[[str], Any]:
    """A type for argparse: the value of one setting."""

    def parse(text: str) -> object:
        try:
            return parse_setting(name, text)
        except InputError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse


def _old_setting(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is no setting; give name=value")
    return name, _setting(name)(value)
