"""Growth: the exponent is the known one, a small run measures every part, and the record says what the page says."""

import json

import growth
import pytest

from srcnn.results import stored


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent_of_a_power_is_that_power(power):
    rows = [{"size": size, "seconds": 3 * size**power} for size in (1, 10, 100, 1_000)]
    rows[0]["seconds"] += 5  # what every size takes once; the smallest third does not count
    assert growth.exponent(rows) == pytest.approx(power, abs=1e-3)
    assert growth.exponent(rows[:1]) is None


@pytest.mark.parametrize(
    "part",
    ["evaluation", "training set", "collecting", "reporting", pytest.param("grading", marks=pytest.mark.release)],
)
def test_every_part_does_its_work(part, tmp_path):
    work, _, _ = growth.PARTS[part]
    seen = work(3, tmp_path)
    assert seen["seconds"] > 0
    assert seen["peak"] >= 0
    if part in ("reporting", "grading"):
        assert len(list(tmp_path.glob("*/feedback/*"))) == 3
    if part == "collecting":
        found = sorted(path.name for path in (tmp_path / "handed").iterdir())
        assert found == ["student0000", "student0001", "student0002"]


def test_the_images_differ(tmp_path):
    growth.noise(tmp_path / "photos", 7, side=8)
    assert len({path.read_bytes() for path in (tmp_path / "photos").iterdir()}) == 7


def test_a_size_that_fails_is_told_by_its_last_words(monkeypatch, tmp_path):
    (tmp_path / "tool.py").write_text("import sys; sys.exit('no memory left')")
    monkeypatch.setattr(growth, "__file__", str(tmp_path / "tool.py"))
    with pytest.raises(growth.InputError, match="no memory left"):
        growth.fresh("evaluation", 3)


def test_the_record_has_every_part_and_growth_is_linear_or_better():
    record = stored("growth")
    assert set(record["parts"]) == set(growth.PARTS)
    for name, part in record["parts"].items():
        asked = set(growth.PARTS[name][2])
        left_out = sum(told.startswith(f"{name}, ") for told in record["not_measured"])
        assert {row["size"] for row in part["sizes"]} <= asked
        assert len(part["sizes"]) + left_out == len(asked)
        assert part["exponent"] == growth.exponent(part["sizes"]) < growth.EXPONENT
    upscaled = record["parts"]["upscaling"]["sizes"]
    beyond = [row["peak"] - row["pictures"] for row in upscaled]
    assert max(beyond) < 250e6  # one tile, whatever the size
    evaluated = record["parts"]["evaluation"]["sizes"]
    assert evaluated[-1]["peak"] < evaluated[0]["peak"] + 100e6
    for row in record["parts"]["training set"]["sizes"]:
        assert row["peak"] < 2.5 * row["tensors"] + 100e6  # the pairs, and as much again to put them together
    short = record["larger_than_memory"]
    assert short["status"] == 2
    assert short["said"].startswith("srcnn: memory is short after ")
    assert short["peak"] < 2 * short["allowed"]
    assert json.loads(json.dumps(record)) == record
