"""Marking without names: what markers see, how far they agree, what is to be settled, and where the marks go."""

import csv
import json
import random
import re
from pathlib import Path

import pytest
from grader import agreement, blind, suite
from grader.results import Result

POSSIBLE = 4  # of the report, question 7 of Train and report
NAMES = ["Jane Doe", "Zoë Müller-Łoś", "Li"]


@pytest.fixture
def grades(tmp_path) -> Path:
    """Thirty reports and one without an answer; every third says whose it is."""
    out = tmp_path / "grades"
    (out / "results").mkdir(parents=True)
    digest = suite.load("training").digest
    (out / "run.json").write_text(json.dumps({"assignment": "training", "seed": 1, "tests": digest, "facts": {}}))
    for k in range(31):
        name = NAMES[k % 3]
        text = f"Report {k}: the sigmoid did not help." + (f" {name}, jane.{k}@school.example" if k % 3 == 0 else "")
        one = Result(f"{name}_{1000 + k}_assignsubmission_file_", f"key-{k}", f"{name}/x.ipynb", "0f")
        one.written = {7: text if k < 30 else " "}
        (out / "results" / f"key-{k}.json").write_text(one.to_json())
    return out


def rows(path: Path) -> list[dict]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def fill(path: Path, give) -> None:
    table = rows(path)
    for row in table:
        row["points"], row["remark"] = give(row)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, table[0])
        writer.writeheader()
        writer.writerows(table)


def report_of(row: dict) -> int:
    return int(re.search(r"Report (\d+)", row["answer"])[1])


def test_a_sheet_shows_no_name_no_key_and_no_order(grades, capsys):
    assert blind.main([str(grades), "--markers", "ann ben"]) == 0
    said = capsys.readouterr().out
    assert "names were hidden in 10 answers" in said
    assert "1 have no answer in words" in said
    sheets = {name: rows(grades / "blind" / f"{name}.csv") for name in ("ann", "ben")}
    for table in sheets.values():
        text = json.dumps(table, ensure_ascii=False)
        assert not [word for word in ("Jane", "Doe", "Müller", "@", "key-", "assignsubmission") if word in text]
        assert sorted(map(report_of, table)) == list(range(30))
        assert [report_of(row) for row in table] != list(range(30))
    assert len({row["code"] for row in sheets["ann"]}) == 30
    assert {(r["code"], r["answer"]) for r in sheets["ann"]} == {(r["code"], r["answer"]) for r in sheets["ben"]}
    assert sum(float(row["points"]) for row in rows(grades / "blind" / "rubric.csv")) == POSSIBLE
    assert (grades / "blind").stat().st_mode & 0o77 == 0


def test_marks_go_where_they_belong_and_what_differs_is_settled_by_a_person(grades, capsys):
    truth = {k: (k % 9) / 2 for k in range(30)}  # 0 to 4
    apart = {3: 4.0, 10: 3.0}  # what ben gives instead, more than half a point away
    near = {5: 3.0}  # half a point away, so that the mean counts
    assert blind.main([str(grades), "--markers", "ann", "ben"]) == 0
    fill(grades / "blind" / "ann.csv", lambda row: (truth[report_of(row)], f"a{report_of(row)}"))
    fill(grades / "blind" / "ben.csv", lambda row: ({**truth, **apart, **near}[report_of(row)], ""))
    capsys.readouterr()
    assert blind.main([str(grades)]) == 0
    said = capsys.readouterr().out
    assert "30 answers marked by both, 27 the same" in said
    assert "2 to settle" in said
    marks = {row["key"]: row for row in rows(grades / "marks.csv")}
    assert len(marks) == 31
    for k in range(31):
        expected = "" if k in apart or k == 30 else f"{2.75 if k in near else truth[k]:g}"
        assert marks[f"key-{k}"]["points"] == expected
    assert marks["key-7"]["remark"] == "a7"
    settle = rows(grades / "blind" / "settle.csv")
    assert {report_of(row) for row in settle} == set(apart)
    with (grades / "blind" / "settle.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, settle[0])
        writer.writeheader()
        writer.writerows({**row, "settled": 2, "reason": "we spoke"} for row in settle)
    assert blind.main([str(grades)]) == 0
    assert "to settle" not in capsys.readouterr().out
    marks = {row["key"]: row for row in rows(grades / "marks.csv")}
    assert [(marks[f"key-{k}"]["points"], marks[f"key-{k}"]["remark"]) for k in apart] == [("2", "we spoke")] * 2
    page = (grades / "feedback" / "key-3.html").read_text()
    assert "we spoke" in page
    assert "<strong>2</strong> of 4" in page
    assert len(rows(grades / "blind" / "settle.csv")) == 2


def test_points_that_a_person_entered_are_not_overwritten(grades, capsys):
    assert blind.main([str(grades), "--markers", "ann"]) == 0
    fill(grades / "blind" / "ann.csv", lambda row: (1, "") if report_of(row) < 20 else ("", ""))
    assert blind.main([str(grades)]) == 0
    assert "10 answers in the sheets have no points yet" in capsys.readouterr().out
    fill(grades / "marks.csv", lambda row: ("3", "mine") if row["key"] == "key-4" else (row["points"], row["remark"]))
    assert blind.main([str(grades)]) == 0
    assert "1 stand there with other points" in capsys.readouterr().out
    marks = {row["key"]: row["points"] for row in rows(grades / "marks.csv")}
    assert marks["key-4"] == "3"
    assert sum(points == "1" for points in marks.values()) == 19


def test_two_markers_may_share_the_work(grades):
    assert blind.main([str(grades), "--markers", "ann", "ben", "--common", "20"]) == 0
    sheets = [{row["code"] for row in rows(grades / "blind" / f"{name}.csv")} for name in ("ann", "ben")]
    assert len(sheets[0] & sheets[1]) == 6
    assert len(sheets[0] | sheets[1]) == 30
    assert abs(len(sheets[0]) - len(sheets[1])) <= 1


def test_kappa_is_cohens():
    # Cohen's example with three categories (Educational and Psychological Measurement 20, 1960, table 2): kappa 0.492
    table = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
    pairs = [(i, j) for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
    assert agreement.kappa(pairs) == pytest.approx(0.492, abs=0.0005)
    # weighted by |i - j|, by hand: observed (14 + 10 + 10 + 6 + 2 * (18 + 2)) / 200 = 0.4; chance from the margins
    # (120, 60, 20) and (100, 60, 40):
    # (120 * 60 + 60 * 100 + 60 * 40 + 20 * 60 + 2 * (120 * 40 + 20 * 100)) / 200^2 = 0.76
    assert agreement.kappa(pairs, weighted=True) == pytest.approx(1 - 0.4 / 0.76)
    draw = random.Random(1)
    chance = [(draw.randrange(5), draw.randrange(5)) for _ in range(20_000)]
    assert abs(agreement.kappa(chance)) < 0.02
    assert agreement.kappa([(k % 4, k % 4) for k in range(20)]) == 1
    assert agreement.kappa([(2, 2)] * 9) is None
    assert agreement.kappa([]) is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--markers", "a", "b", "c"], "one marker or two"),
        (["--markers", "ann", "ann"], "with different names"),
        (["--markers", "../ann"], "letters, digits and - are wanted"),
        (["--markers", "codes"], "letters, digits and - are wanted"),
        (["--markers", "ann", "--common", "120"], "COMMON: points from 0 to 100"),
        ([], "has no sheets"),
    ],
)
def test_what_cannot_be_handed_out_is_said_in_one_sentence(grades, capsys, words, sentence):
    assert blind.main([str(grades), *words]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert not (grades / "blind").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text: text.replace("code,", "cod,", 1), "columns code, question and points"),
        (lambda text: re.sub(r"\n[0-9A-F]{6},", "\n000000X,", text, count=1), "was not in this sheet"),
        (lambda text: text.replace(",,", ",9,", 1), "points from 0 to 4 are wanted, and not '9'"),
        (None, "there is no"),
    ],
)
def test_a_sheet_that_cannot_be_read_is_named_and_no_mark_is_entered(grades, capsys, change, sentence):
    assert blind.main([str(grades), "--markers", "ann"]) == 0
    sheet = grades / "blind" / "ann.csv"
    if change:
        sheet.write_text(change(sheet.read_text()))
    else:
        sheet.unlink()
    assert blind.main([str(grades)]) == 2
    assert sentence in capsys.readouterr().err
    assert not (grades / "marks.csv").exists()
    assert blind.main([str(grades), "--markers", "ann"]) == 2
    assert "is there already" in capsys.readouterr().err
