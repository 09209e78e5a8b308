"""The words that the command ``srcnn`` understands, and what it says of those that it does not."""

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

from srcnn import __version__
from srcnn.cli import commands, enlarge, training
from srcnn.cli.device import known_device
from srcnn.files import InputError
from srcnn.recipes import RECIPES, flag, kinds, parse_setting
from srcnn.training import PRECISIONS


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are one sentence, like all others."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; `{self.prog} --help` tells more")


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; the function of the one given is in ``run``."""
    whole = _Parser(prog="srcnn", description="Image super-resolution with three convolutions, after Dong et al. 2014.")
    whole.add_argument("--version", action="version", version=f"srcnn {__version__}")
    several = whole.add_subparsers(required=True, metavar="command")

    def command(name: str, run: Callable[[argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
        added = several.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    sub = command("data", commands.data_sets, "list, download or verify the image sets")
    sub.add_argument("action", choices=("list", "fetch", "verify"))
    sub.add_argument("sets", nargs="*", metavar="set", help="all of them where none is named")
    _root(sub)

    sub = command("train", training.train, "train a network")
    _train_flags(sub)

    sub = command(
        "evaluate", commands.evaluate, "measure a network beside bicubic, by the protocol of the published tables"
    )
    sub.add_argument("--weights", required=True, help="a shipped name, a file, or bicubic")
    sub.add_argument("--data", required=True, help="a registered set, sample, leaves, or a folder")
    sub.add_argument("--scale", type=_setting("scale"), required=True, help="2, 3 or 4")
    sub.add_argument(
        "--gray", "--grey", action="store_true", help="measure full-range gray instead of luma, as BSD200 is"
    )
    sub.add_argument("--json", metavar="FILE", help="write the figures there as well")
    _device(sub)
    _root(sub)

    sub = command("upscale", enlarge.enlarge, "enlarge a photograph, or many")
    sub.add_argument("photo", nargs="+", help="a file; several, or a folder, go into the folder that -o names")
    sub.add_argument("-o", "--output", required=True, help="a file, or a folder for many")
    sub.add_argument("--overwrite", action="store_true", help="replace what is there; otherwise it is left as it is")
    sub.add_argument("--scale", type=_setting("scale"), required=True, help="2, 3 or 4")
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
    sub.add_argument("--claimed", required=True, metavar="28.43", help="with the digits that are claimed")
    sub.add_argument("--scale", type=_setting("scale"), default=3, help="2, 3 or 4; 3 unless given")
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
_HELP = {
    "data": "a registered set, sample, leaves, a folder, or several joined by +",
    "scale": "2, 3 or 4",
    "architecture": "9-1-5 and the like, or subpixel",
    "steps": "optimizer steps",
    "batch_size": "pairs a step",
    "learning_rate": "the optimizer's",
    "precision": ", ".join(PRECISIONS),
}


def _train_flags(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--recipe", choices=tuple(RECIPES), help="settings to begin with; fast unless given")
    further = sub.add_argument_group(
        "further settings", "what each does is said in chapter 10; the recipe has them unless given"
    )
    for name, kind in kinds().items():
        into = sub if name in _HELP or name == "seed" else further
        flags = [flag(name), *_ALIASES.get(name, [])]
        if kind is bool:
            into.add_argument(*flags, dest=name, action=argparse.BooleanOptionalAction)
            continue
        choices = PRECISIONS if name == "precision" else None
        into.add_argument(
            *flags, dest=name, type=_setting(name), choices=choices, help=_HELP.get(name), metavar="VALUE"
        )
    sub.add_argument("--nEpochs", type=_whole, help="passes over the data instead of --steps; tutorial only")
    sub.add_argument(
        "--testBatchSize", type=_setting("batch_size"), default=8, help="of the tutorial's measure; 8 unless given"
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


def _gpu_flags(sub: argparse.ArgumentParser) -> None:
    only = sub.add_argument_group("of gpu alone", "what a CUDA GPU gives, in ten parts; its figures go into --out")
    only.add_argument("--parts", metavar="1-4,7", help="those parts; all of them unless given")
    only.add_argument("--budget", type=_seconds, metavar="SECONDS", help="of all parts together; 570 unless given")
    only.add_argument(
        "--limit", type=_limit, action="append", metavar="PART=SECONDS", help="of one part; its own unless given"
    )
    only.add_argument("--dry", action="store_true", help="on the CPU with tiny numbers, which measures nothing")


def _root(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--root", help="where image sets are looked for first")


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


def _whole(text: str) -> int:
    steps: int = _setting("steps")(text)
    return steps


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
