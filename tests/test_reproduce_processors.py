"""reproduce.processors: what the chapters assert was seen to hold on every path of a processor, from other seeds."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from srcnn.reproduce.processors import CHAPTERS, LANES, claims
from srcnn.results import stored

BOOK = Path(__file__).resolve().parents[1] / "book"


def chapter(folder: Path, code: str, hidden: str) -> Path:
    cells = [nbformat.v4.new_code_cell(code), nbformat.v4.new_code_cell(hidden, metadata={"tags": ["remove-cell"]})]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "chapter.ipynb")
    return folder / "chapter.ipynb"


def watched(*arguments: object, lane: str | None = None) -> dict:
    names = ("ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY")
    path = dict(zip(names, LANES[lane], strict=False)) if lane else {}
    command = [sys.executable, "-m", "srcnn.reproduce.processors", *map(str, arguments)]
    ended = subprocess.run(command, env=os.environ | path, capture_output=True, text=True, check=True, timeout=240)
    answer = json.loads(ended.stdout.splitlines()[-1])
    assert lane is None or answer["capability"] == LANES[lane][2]
    return answer["result"]


def test_an_assertion_is_recorded_with_its_distance_and_does_not_end_the_chapter(tmp_path):
    hidden = "assert 1 < x < 8\nassert x > 5 > 4.5\nassert x == 3\nfor y in (1, 2.5):\n    assert y < x, 'told'\n"
    hidden += "assert {1} < {1, 2}\nassert {1} >= {2}\nassert 3 <= x\nassert 3 < x\nassert not x\n"
    path = chapter(tmp_path, "x = 3\n%time assert_ = 1", hidden=hidden)
    found = watched(path, 0)
    assert found == {
        "1 < x < 8": {"holds": True, "margin": 2},
        "x > 5 > 4.5": {"holds": False, "margin": -2},
        "x == 3": {"holds": True, "margin": None},
        "y < x": {"holds": True, "margin": 0.5},  # the least of the loop
        "{1} < {1, 2}": {"holds": True, "margin": None},
        "{1} >= {2}": {"holds": False, "margin": None},
        "3 <= x": {"holds": True, "margin": 0},
        "3 < x": {"holds": False, "margin": 0},
        "not x": {"holds": False, "margin": None},
    }
    assert set(claims(path)) == set(found)


def test_another_seed_gives_other_weights_and_other_patches(tmp_path):
    code = (
        "import srcnn\n"
        "from srcnn import images, pairs, recipes, training\n"
        "model = training.make_model(recipes.RECIPES['fast'])\n"
        "luma = srcnn.luma(images.sample('coins'))\n"
        "batches = pairs.RandomCrops([luma], scale=3, size=33, batch=4, border=6, enlarged=True, seed=0)\n"
        "low, _ = batches(0)\n"
    )
    path = chapter(tmp_path, code, hidden="assert model.mapping.weight.sum() > -100\nassert low.sum() > -1")
    first, again, other = ([claim["margin"] for claim in watched(path, seed).values()] for seed in (0, 0, 1))
    assert first == again
    assert all(a != b for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("name", CHAPTERS)
def test_what_a_chapter_asserts_held_every_time_and_by_more_than_luck(name):
    record = stored("processors")["chapters"][name]
    assert set(claims(BOOK / f"{name}.ipynb")) <= set(record["claims"]), "measure it: srcnn reproduce processors"
    assert record["seeds"] >= 5
    assert record["threads"] == [1, 2]
    assert {"SSE4.1", "AVX2"} <= set(record["lanes"])
    assert record["runs"] == len(record["lanes"]) * len(record["threads"]) * record["seeds"]
    for text in claims(BOOK / f"{name}.ipynb"):
        claim = record["claims"][text]
        assert claim["held"] == record["runs"], text
        assert claim.get("mean", 0) >= 2 * claim.get("deviation", 0), text


def test_every_chapter_that_trains_is_among_them():
    trains = {path.stem for path in BOOK.glob("[0-9]*.ipynb") if "training.train(" in path.read_text(encoding="utf-8")}
    assert len(trains) >= 5
    assert trains <= set(CHAPTERS)


@pytest.mark.data
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the paths are those of x86 processors")
@pytest.mark.parametrize("lane", ["SSE4.1", pytest.param("AVX2", marks=pytest.mark.release)])
def test_the_shipped_tables_hold_on_a_path_that_is_not_the_best(data_root, lane):
    assert watched("tables", lane=lane)["largest"] <= 0.005  # dB, of any image


def test_the_shipped_tables_held_on_every_path():
    tables = stored("processors")["tables"]
    assert len(tables) >= 4
    assert all(table["largest"] <= 0.005 and len(table["networks"]) >= 13 for table in tables.values())
