"""reproduce.processors: what the chapters assert was seen to hold on every path of a processor, from other seeds."""

import json
import platform
from pathlib import Path

import nbformat
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

import srcnn
from srcnn import InputError, model, pairs, training
from srcnn.reproduce import processors
from srcnn.reproduce.processors import CHAPTERS, LANES, claims
from srcnn.results import stored

BOOK = Path(__file__).resolve().parents[1] / "book"


def chapter(folder: Path, code: str, hidden: str, *tags: str) -> Path:
    cells = [
        nbformat.v4.new_code_cell(code, metadata={"tags": list(tags)}),
        nbformat.v4.new_code_cell(hidden, metadata={"tags": ["remove-cell"]}),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "chapter.ipynb")
    return folder / "chapter.ipynb"


@pytest.fixture
def watch(monkeypatch):
    """The function that runs a chapter, which here leaves things as they were."""
    for module in (srcnn, model, training):
        monkeypatch.setattr(module, "initialize", module.initialize)
    monkeypatch.setattr(pairs, "_mix", pairs._mix)
    yield processors._watch
    InteractiveShell.clear_instance()


def test_an_assertion_is_recorded_with_its_distance_and_does_not_end_the_chapter(watch, tmp_path):
    hidden = "assert 1 < x < 8\nassert x > 5 > 4.5\nassert x == 3\nfor y in (1, 2.5):\n    assert y < x, 'told'\n"
    hidden += "assert {1} < {1, 2}\nassert {1} >= {2}\nassert 3 <= x\nassert 3 < x\nassert not x\n"
    path = chapter(tmp_path, "x = 3\n%time assert_ = 1", hidden=hidden)
    found = watch(path, 0)
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


@pytest.mark.parametrize("tags", [["nbval-ignore-output"], []])
def test_another_seed_gives_a_cell_that_trains_other_weights_and_other_patches(tags, watch, tmp_path, monkeypatch):
    code = (
        "import srcnn\n"
        "from srcnn import images, pairs, recipes, training\n"
        "network = training.make_model(recipes.RECIPES['fast'])\n"
        "luma = srcnn.luma(images.sample('coins'))\n"
        "batches = pairs.RandomCrops([luma], scale=3, size=33, batch=4, border=6, enlarged=True, seed=0)\n"
        "low, _ = batches(0)\n"
    )
    mix, initialize = pairs._mix, model.initialize
    path = chapter(tmp_path, code, "assert network.mapping.weight.sum().item() > -100\nassert low.sum() > -1", *tags)
    margins = []
    for seed in (0, 0, 1):
        with monkeypatch.context() as undone:
            for module in (srcnn, model, training):
                undone.setattr(module, "initialize", initialize)
            undone.setattr(pairs, "_mix", mix)
            margins.append([claim["margin"] for claim in watch(path, seed).values()])
    first, again, other = margins
    assert first == again
    assert [a != b for a, b in zip(first, other, strict=True)] == [bool(tags)] * 2


@pytest.fixture
def small(tmp_path, monkeypatch) -> Path:
    """A book of two chapters, run from two seeds on the lowest path; the folder of its record."""
    for name, hidden in (("05_one", "assert seed < 5\nassert 1 + seed > 0"), ("07_two", "assert seed == 0")):
        chapter(tmp_path, "print(1)", hidden).rename(tmp_path / f"{name}.ipynb")
    monkeypatch.setattr(processors, "_BOOK", tmp_path)
    monkeypatch.setattr(processors, "CHAPTERS", ("05_one", "07_two"))
    monkeypatch.setattr(processors, "SEEDS", (0, 1))
    monkeypatch.setattr(processors, "THREADS", (1,))
    monkeypatch.setattr(processors, "LANES", {"SSE4.1": LANES["SSE4.1"]})
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: LANES["SSE4.1"][2])
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def answers(asked: list) -> object:
    """In the place of a process: what a chapter would have found, and what was asked for."""

    def child(arguments, lane, threads):
        asked.append((Path(arguments[0]).stem, *arguments[1:]))
        if arguments == ["tables"]:
            return {"data": "set5", "largest": 0.0001, "networks": {"one": 0.0001}}
        seed, texts = int(arguments[1]), processors.claims(Path(arguments[0]))
        return {text: {"holds": text != "seed == 0" or seed == 0, "margin": 4.0 - seed} for text in texts}

    return child


def test_a_measurement_goes_on_where_it_was_and_only_changed_chapters_are_run_again(small, monkeypatch):
    asked = []
    monkeypatch.setattr(processors, "_child", answers(asked))
    measurement = processors.run(small)
    assert "05_one, SSE4.1, 1 threads, seed 0: 2 hold" in next(measurement)["line"]
    measurement.close()
    measurement = processors.run(small)
    lines = [next(measurement)["line"], next(measurement)["line"]]
    measurement.close()  # in the second chapter
    assert list(json.loads((small / "processors.json").read_text())["chapters"]) == ["05_one"]
    rest = lines + [record["line"] for record in processors.run(small)]
    assert asked.count(("07_two", "0")) == 1
    assert asked.count(("05_one", "0")) == 1
    assert any("07_two, SSE4.1, 1 threads, seed 1: 0 hold; FAILS: seed == 0" in line for line in rest)
    record = json.loads((small / "processors.json").read_text())
    assert record["chapters"]["05_one"]["claims"]["seed < 5"]["held"] == 2
    assert record["chapters"]["05_one"]["claims"]["seed < 5"]["mean"] == 3.5
    assert record["chapters"]["07_two"]["claims"]["seed == 0"]["held"] == 1
    assert not (small / "processors.jsonl").exists()
    asked.clear()
    chapter(small.parent, "print(2)", "assert seed == 0").rename(small.parent / "07_two.ipynb")
    assert list(processors.run(small))
    assert sorted(asked) == [("07_two", "0"), ("07_two", "1"), ("tables",)]
    asked.clear()
    monkeypatch.setattr(processors, "THREADS", (1, 2))  # more is wanted than was measured
    assert list(processors.run(small))
    assert sorted(set(asked)) == [("05_one", "0"), ("05_one", "1"), ("07_two", "0"), ("07_two", "1"), ("tables",)]


@pytest.mark.parametrize(("machine", "told"), [("arm64", "this one is arm64"), ("x86_64", "not beside the package")])
def test_where_it_cannot_be_measured_a_sentence_says_why(machine, told, small, monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: machine)
    if machine == "x86_64":
        monkeypatch.setattr(processors, "_BOOK", small / "nowhere")
    with pytest.raises(InputError, match=told):
        next(processors.run(small))


@pytest.mark.parametrize("name", CHAPTERS)
def test_what_a_chapter_asserts_held_every_time_and_by_more_than_luck(name):
    record = stored("processors")["chapters"][name]
    assert set(claims(BOOK / f"{name}.ipynb")) <= set(record["claims"]), "measure it: srcnn reproduce processors"
    assert record["seeds"] >= 5
    assert {"SSE4.1", "AVX2"} <= set(record["lanes"])
    assert record["threads"] == [1, 2]
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
@pytest.mark.release
@pytest.mark.parametrize("lane", ["SSE4.1", "AVX2"])
def test_the_shipped_tables_hold_on_a_path_that_is_not_the_best(data_root, lane):
    assert processors._child(["tables"], lane, 1)["largest"] <= 0.005  # dB, of any image


def test_the_shipped_tables_held_on_every_path():
    tables = stored("processors")["tables"]
    assert len(tables) >= 4
    assert all(table["largest"] <= 0.005 and len(table["networks"]) >= 13 for table in tables.values())
