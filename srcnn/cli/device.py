"""The device that a command computes on."""

import argparse

import torch


def known_device(text: str) -> str:
    """A word of the command line as a device that this machine has."""
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    kind, _, number = text.partition(":")
    if kind not in available or (number and not number.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no device; it is cpu, cuda or mps")
    if not available[kind] or (kind == "cuda" and int(number or 0) >= torch.cuda.device_count()):
        raise argparse.ArgumentTypeError(f"there is no {text} device on this machine; leave --device out")
    return text


def fastest_device(*, training: bool = False) -> str:
    """``cuda``, ``mps`` or ``cpu``: the first that is there, but for training never ``mps``.

    PyTorch's SOAP needs eigenvectors, which mps lacks, and 8,129 weights gain nothing there.
    """
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() and not training else "cpu"
