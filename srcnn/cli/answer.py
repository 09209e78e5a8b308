"""What ``srcnn explain`` tells: the ways that give a claimed figure, the published tables' value, and a statement."""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tqdm import tqdm

from srcnn import data, images, pretrained
from srcnn.cli import degradations, explain
from srcnn.cli.explain import Way, matching, metric_of
from srcnn.files import InputError


def told(given: argparse.Namespace) -> Iterator[str]:
    """The lines of ``srcnn explain``.

    Yields:
        Each line, without its end.

    Raises:
        InputError: an image, the weights or the figure will not do.
    """
    metric = metric_of(given.claimed)
    if len(given.images) != (1 if given.weights else 2):
        raise InputError("give an output and its original; with --weights, which makes the output, the original alone")
    yield from (_of_made if given.weights else _of_output)(given, metric)


def _of_output(given: argparse.Namespace, metric: str) -> Iterator[str]:
    pairs = {}
    for output, original in explain.compared(*map(Path, given.images)):
        theirs, truth = images.read(output), images.read(original)
        truth, lost = explain.aligned(theirs, truth, given.scale)
        pairs[output] = theirs, truth
        if lost:
            yield f"{output}: {lost} pixels were lost on each side, as by valid convolutions; replicate the edges."
    values = explain.measure(list(pairs.values()), scale=given.scale, metric=metric)
    for output, pair in pairs.items():
        yield from (f"{output}: {trouble}" for trouble in explain.troubles(*pair))
    gray = all(len(output) == 1 for output, _ in pairs.values())
    paper = explain.protocol(given.scale, metric=metric, gray=gray)
    yield from answer(values, given.claimed, paper, lambda way: explain.statement(way, len(pairs)))


def _of_made(given: argparse.Namespace, metric: str) -> Iterator[str]:
    """Of the degradation, too, because the output is yet to be made."""
    (name,) = given.images
    model = None if given.weights == "bicubic" else pretrained.load(given.weights, scale=given.scale).model
    if model is not None and model.channels not in (1, 3):
        raise InputError(f"{given.weights} works on {model.channels} channels; only luma or RGB can be measured")
    originals = [images.read(name)] if Path(name).is_file() else [i for _, i in data.photographs(name, "test")]
    bar = partial(tqdm, unit="degradation", disable=None, leave=False)
    values = degradations.measure(originals, scale=given.scale, model=model, metric=metric, progress=bar)
    yield from degradations.untried()
    paper = degradations.protocol(given.scale, model=model, metric=metric)
    yield from answer(values, given.claimed, paper, lambda way: degradations.statement(way, len(originals)))


def answer(values: dict[Way, float], claimed: str, paper: Way, state: Callable[[Way], str]) -> list[str]:
    """What gives the claimed figure or comes near it, what the published tables have, and the statement for a paper.

    Args:
        values: as for :func:`srcnn.cli.explain.matching`.
        claimed: the figure, as it is printed.
        paper: the way of the published tables.
        state: gives the statement.
    """
    found, metric = matching(values, claimed), metric_of(claimed)
    unit = " dB" if metric == "PSNR" else ""
    nearest = sorted(values, key=lambda way: abs(values[way] - float(claimed)))[:3]
    return [
        f"{claimed}{unit} is" if found else f"no way of measuring gives {claimed}{unit}; the nearest are",
        *(f"  {metric} of {way}{f': {values[way]:.4f}{unit}' if not found else ''}" for way in found or nearest),
        f"the published tables have the {metric} of {paper}: {values[paper]:.4f}{unit}",
        state(paper if paper in found or not found else found[0]),
    ]
