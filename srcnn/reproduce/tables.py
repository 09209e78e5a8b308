"""The tables of chapter 12: bicubic and every shipped network on every test set, by the protocol."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from srcnn.recipes import SCALES
from srcnn.results import file_name, measure, methods, write_json

TEST_SETS = ("set5", "set14", "bsds300", "bsds500-test-gray")


def run(folder: Path) -> Iterator[dict[str, Any]]:
    """Measure everything on Set5, Set14, BSD100 and, in full-range gray, BSD200.

    Args:
        folder: for one JSON file a record.

    Yields:
        Each record after it was written.
    """
    for dataset in TEST_SETS:
        for scale in SCALES:
            gray = dataset.endswith("-gray")
            records = measure(methods(dataset, scale), dataset.removesuffix("-gray"), scale, gray=gray)
            for weights, record in records.items():
                write_json(record, folder / file_name(weights, dataset, scale))
                yield with_line(record)


def with_line(record: dict[str, Any]) -> dict[str, Any]:
    """The record with the line that the command prints."""
    where = f"{record['data']:18} x{record['scale']} {record['weights']:20}"
    return {**record, "line": f"{where} {record['mean']['psnr']:.2f} dB"}
