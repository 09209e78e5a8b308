"""Arguments: the words that the command ``srcnn`` understands, and what it says of those that it does not."""

import argparse
from typing import NoReturn

import torch

from srcnn import __version__
from srcnn.experiments import SCALES
from srcnn.files import InputError
from srcnn.recipes import RECIPES, setting
from srcnn.reproduce import EXPERIMENTS


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are one sentence, like all others."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; `{self.prog} --help` tells more")


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; the name of the one given is in ``command``."""
    whole = _Parser(prog="srcnn", description="Image super-resolution with three convolutions, after Dong et al. 2014.")
    whole.add_argument("--version", action="version", version=f"srcnn {__version__}")
    commands = whole.add_subparsers(required=True, metavar="command", dest="command")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text)

    sub = command("data", "list, download or verify the image sets")
    sub.add_argument("action", choices=("list", "fetch", "verify"))
    sub.add_argument("sets", nargs="*", metavar="set", help="all of them where none is named")
    _root(sub)

    sub = command("train", "train a network")
    _train_flags(sub)

    sub = command("evaluate", "measure a network beside bicubic, by the protocol of the published tables")
    sub.add_argument("--weights", required=True, help="a shipped name, a file, or bicubic")
    sub.add_argument("--data", required=True, help="a registered set, sample, leaves, or a folder")
    sub.add_argument("--scale", type=int, choices=SCALES, required=True)
    sub.add_argument("--grey", action="store_true", help="measure full-range grey instead of luma, as BSD200 is")
    sub.add_argument("--json", metavar="FILE", help="write the figures there as well")
    _device(sub)
    _root(sub)

    sub = command("upscale", "enlarge a photograph")
    sub.add_argument("photo")
    sub.add_argument("-o", "--output", required=True)
    sub.add_argument("--scale", type=int, choices=SCALES, required=True)
    sub.add_argument(
        "--weights", help="a shipped name, a file, or bicubic; the shipped 9-1-5 of the scale unless given"
    )
    _device(sub)

    sub = command("export", "turn a finished run into weights with a model card and its log")
    sub.add_argument("folder", help="the --out of a run")
    sub.add_argument("-o", "--output", required=True, metavar="FILE.safetensors")
    sub.add_argument("--data", nargs="+", default=["set5"], help="sets whose scores the card tells; set5 unless given")
    _root(sub)

    sub = command("reproduce", "make the measured tables of the book again")
    sub.add_argument("experiment", choices=tuple(EXPERIMENTS))
    sub.add_argument("--out", help="folder for the results; the package's own unless given")
    _root(sub)
    return whole


def _train_flags(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--recipe", default="fast", choices=tuple(RECIPES), help="settings to begin with; fast unless given"
    )
    sub.add_argument("--data", help="a registered set, sample, leaves, a folder, or several joined by +")
    sub.add_argument("--scale", "--upscale_factor", "-uf", type=int, choices=SCALES)
    sub.add_argument("--architecture", help="9-1-5 and the like, or subpixel")
    sub.add_argument("--steps", type=_positive, help="optimizer steps")
    sub.add_argument("--nEpochs", type=_positive, help="passes over the data instead of --steps; tutorial only")
    sub.add_argument("--batch", "--batchSize", type=_batch, help="pairs a step")
    sub.add_argument("--testBatchSize", type=_batch, default=8, help="of the tutorial's measure; 8 unless given")
    sub.add_argument("--lr", type=_rate, help="learning rate")
    sub.add_argument("--seed", type=_natural)
    sub.add_argument(
        "--model", "-m", choices=("srcnn",), help="the tutorial's word for its network; srcnn is all there is"
    )
    sub.add_argument("--precision", choices=("auto", "float32", "bfloat16", "float16"))
    sub.add_argument(
        "--set",
        nargs="+",
        default=[],
        type=_setting,
        metavar="NAME=VALUE",
        help="any other setting of the recipe, loss=l1 say; chapter 9 lists them",
    )
    sub.add_argument("--out", help="folder of the run; a new one under runs/ unless given")
    sub.add_argument("--resume", action="store_true", help="go on with the run in --out")
    _device(sub)
    _root(sub)


def _root(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--root", help="where image sets are looked for first")


def _device(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--device", type=_known_device, help="cpu, cuda or mps; the fastest that is there unless given")


def _positive(text: str) -> int:
    value = _natural(text)
    if value == 0:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _natural(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 0 or more, with at most 15 digits")
    return int(text)


def _batch(text: str) -> int:
    value = _positive(text)
    if value > 65_536:  # the system would kill the process before it could say a word
        raise argparse.ArgumentTypeError("must be at most 65536")
    return value


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e3:
        raise argparse.ArgumentTypeError(f"{text!r} is no learning rate; a number above 0 such as 0.005")
    return value


def _setting(text: str) -> tuple[str, object]:
    try:
        return setting(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _known_device(text: str) -> str:
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    kind, _, number = text.partition(":")
    if kind not in available or (number and not number.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no device; it is cpu, cuda or mps")
    if not available[kind] or (kind == "cuda" and int(number or 0) >= torch.cuda.device_count()):
        raise argparse.ArgumentTypeError(f"there is no {text} device on this machine; leave --device out")
    return text


def fastest_device() -> str:
    """``cuda``, ``mps`` or ``cpu``: the first that is there."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
