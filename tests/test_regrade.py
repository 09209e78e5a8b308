"""Grading again with a diff and a log, and deleting what is not to be kept."""

import csv
import dataclasses
import datetime
import json
from pathlib import Path

import platforms
import pytest
from grader import __main__ as command_line
from grader import pool, regrade, retain, sandbox, suite
from grader.confine import Protection
from grader.grades import reopen
from grader.results import stored
from platforms import NAME, notebook

CASES = [case for cases in suite.load(NAME).cases.values() for case in cases]


class World:
    """Three students, and a grader that runs nothing."""

    def __init__(self, place: Path, monkeypatch) -> None:
        self.place, self.grades, self.patch = place / "in", place / "grades", monkeypatch
        self.fails, self.stops = set(), None
        self.place.mkdir()
        for name, passed in (("ann", [0, 1]), ("ben", [0, 1, 2, 3]), ("eve", [])):
            (self.place / f"{name}.ipynb").write_bytes(notebook(passed, name))
        monkeypatch.setattr(pool, "results", self.results)
        monkeypatch.setattr(sandbox, "choose", lambda *_: Protection("none"))
        assert command_line.main(self.words()) == 0

    def words(self) -> list[str]:
        return [str(self.place), "--seed", "7", "--out", str(self.grades)]

    def results(self, waiting, *_):
        for k, submission in enumerate(waiting):
            if k == self.stops:
                raise KeyboardInterrupt
            result = platforms.result_of(submission)
            for question in result.questions:
                for case in question.cases:
                    case.passed &= case.name not in self.fails
            yield result

    def change_tests(self, digest: str) -> None:
        other = dataclasses.replace(suite.load(NAME), digest=digest)
        self.patch.setattr(suite, "load", lambda name: other)

    def regrade(self, *more: str, reason: str = "a test was wrong") -> int:
        words = [str(self.place), "--seed", "7", "--grades", str(self.grades), "--reason", reason]
        return regrade.main([*words, *more])

    def points(self) -> dict[str, float]:
        return {result.student: result.points for result in stored(self.grades)}

    def key(self, name: str) -> str:
        return next(result.key for result in stored(self.grades) if result.student == name)

    def files(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.grades)): p.read_bytes() for p in self.grades.rglob("*") if p.is_file()}


@pytest.fixture
def world(tmp_path, monkeypatch) -> World:
    return World(tmp_path, monkeypatch)


def rows(path: Path) -> list[dict]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_changed_tests_give_a_diff_and_a_line_in_the_log(world, capsys):
    before = world.points()
    world.change_tests("ff" * 32)
    assert command_line.main(world.words()) == 2  # as ever
    world.fails = {CASES[3].title}
    (world.grades / "overrides.csv").write_text(f"key,question,points,reason\n{world.key('eve')},1,1,oral\n")
    capsys.readouterr()
    assert world.regrade() == 0
    assert "1 of 3 changed: 0 up, 1 down" in capsys.readouterr().out
    assert world.points() == {**before, "ben": before["ben"] - CASES[3].points}
    (row,) = rows(world.grades / "history" / "001" / "diff.csv")
    assert (row["student"], row["question"]) == ("ben", str(CASES[3].question))
    assert float(row["before"]) - float(row["after"]) == CASES[3].points
    assert f"{CASES[3].title}: now wrong" in row["why"]
    (line,) = rows(world.grades / "regrades.csv")
    assert (line["reason"], line["submissions"], line["changed"], line["down"]) == ("a test was wrong", "3", "1", "1")
    assert line["tests_after"] == "ff" * 8
    assert "oral" in (world.grades / "grades.csv").read_text()  # overrides stay
    assert {result.student: result.points for result in stored(world.grades / "history" / "001")} == before
    world.fails = set()
    assert world.regrade(reason="and back") == 0
    assert [line["up"] for line in rows(world.grades / "regrades.csv")] == ["0", "1"]
    assert world.points() == before
    assert command_line.main(world.words()) == 0  # and the grader goes on from there


def test_one_submission_is_graded_again_for_a_request(world):
    world.fails = {case.title for case in CASES}
    before = world.points()
    assert world.regrade("--key", world.key("ben")) == 0
    assert world.points() == {**before, "ben": 0}
    assert [path.stem for path in (world.grades / "history/001/results").iterdir()] == [world.key("ben")]


def test_interrupted_it_goes_on_where_it_was(world, capsys):
    before = world.points()
    world.stops = 1
    assert world.regrade() == 130
    assert len(world.points()) == 1
    world.stops = None
    assert world.regrade(reason="something else") == 2
    assert "first end it, with REASON='a test was wrong'" in capsys.readouterr().err
    assert world.regrade() == 0
    assert world.points() == before
    assert [path.name for path in (world.grades / "history").iterdir()] == ["001"]


def test_who_is_not_among_the_submissions_any_more_is_not_lost(world, capsys):
    before = world.points()
    (world.place / "ben.ipynb").unlink()
    assert world.regrade() == 0
    assert world.points() == before
    assert "1 are not among the submissions any more" in capsys.readouterr().out


def test_what_was_withdrawn_is_kept_and_gets_no_mark(world):
    run = json.loads((world.grades / "run.json").read_text())
    (world.grades / "run.json").write_text(json.dumps({**run, "withdrawn": [world.key("ben")]}))
    assert {result.student for result in reopen(world.grades).results} == {"ann", "eve"}


@pytest.mark.parametrize(
    ("more", "reason", "sentence"),
    [
        (["--seed", "8"], "x", "graded with another seed"),
        ([], " ", "REASON= is wanted"),
        (["--key", "nobody"], "x", "there is no submission nobody"),
        (["--", "--jobs", "0"], "x", "nothing was graded, and the grades are as they were"),
    ],
)
def test_what_cannot_be_regraded_leaves_everything_as_it_was(world, capsys, more, reason, sentence):
    before = world.files()
    assert world.regrade(*more, reason=reason) == 2
    assert sentence in capsys.readouterr().err
    assert world.files() == before


def test_one_alone_is_not_graded_by_other_tests_than_the_rest(world, capsys):
    world.change_tests("ee" * 32)
    before = world.files()
    assert world.regrade("--key", world.key("ann")) == 2
    assert "the tests have changed" in capsys.readouterr().err
    assert world.files() == before


# What is kept, and how it goes

RULE = platforms.POLICY + "[keep]\nuntil = 2027-03-31\n"


def forget(world: World, day: str, *more: str, rule: str = RULE) -> int:
    policy = world.grades.parent / "term.toml"
    policy.write_text(rule)
    words = ["--policy", str(policy), *more, *([] if "." in more else [str(world.grades)])]
    return retain.main(words, today=datetime.date.fromisoformat(day))


def test_what_there_is_and_when_it_is_due_is_told_and_nothing_is_deleted(world, capsys):
    before = world.files()
    assert forget(world, "2027-03-01") == 0
    said = capsys.readouterr().out
    assert f"{world.grades}: {len(before)} files" in said
    assert f"{world.place}: 3 files" in said
    assert "kept until 2027-03-31, 30 days from today" in said
    assert forget(world, "2027-04-01") == 0
    assert "TO BE DELETED" in capsys.readouterr().out
    assert world.files() == before


def test_after_the_last_day_all_of_it_goes_but_a_table_without_names(world, capsys):
    assert forget(world, "2027-03-31", "--delete", "yes") == 2
    assert "keeps these data until 2027-03-31" in capsys.readouterr().err
    assert world.grades.exists()
    assert forget(world, "2027-04-01", "--delete", "yes") == 0
    left = sorted(path.name for path in world.grades.parent.iterdir())
    assert left == ["deleted.csv", "grades-points.csv", "term.toml"]
    text = "".join(path.read_text() for path in world.grades.parent.glob("*.csv"))
    assert not [name for name in ("ann", "ben", "eve") if name in text]
    first = rows(world.grades.parent / "grades-points.csv")[0]
    assert (first["question"], first["submissions"]) == ("1", "3")
    assert [row["rule"] for row in rows(world.grades.parent / "deleted.csv")] == ["kept until 2027-03-31"] * 2


def test_a_folder_that_has_more_in_it_than_submissions_is_not_deleted(world, capsys):
    (world.place / "thesis.docx").write_text("mine")
    assert forget(world, "2027-04-01", "--delete", "yes") == 2
    assert "has more in it than submissions, such as thesis.docx" in capsys.readouterr().err
    assert world.grades.exists()
    assert (world.place / "ann.ipynb").exists()


def test_one_student_goes_from_everywhere(world, capsys):
    key = world.key("ben")
    (world.grades / "overrides.csv").write_text(
        f"key,question,points,reason\n{key},1,1,oral\n{world.key('ann')},1,2,x\n"
    )
    assert world.regrade() == 0
    (world.grades / "handin").mkdir()
    (world.grades / "handin" / "moodle-report.csv").write_text("ben")
    (world.grades / "blind").mkdir()
    (world.grades / "blind" / "codes.json").write_text(json.dumps({"codes": {key: "AB12CD"}}))
    (world.grades / "blind" / "x.csv").write_text("code,question,points\nAB12CD,1,2\nFFFFFF,1,1\n")
    capsys.readouterr()
    assert forget(world, "2026-12-01", "--key", key, "--delete", "yes") == 0
    assert "remove ben.ipynb there" in capsys.readouterr().out
    text = b"".join(data for name, data in world.files().items() if name != "blind/codes.json").decode()
    assert not [word for word in ("ben", key, "AB12CD") if word in text]
    assert set(world.points()) == {"ann", "eve"}
    assert "FFFFFF" in text
    assert "ann,ann.ipynb" in (world.grades / "grades.csv").read_text()


@pytest.mark.parametrize(
    ("rule", "more", "sentence"),
    [
        (platforms.POLICY, [], "does not say how long data are kept"),
        (RULE, ["--key", "../run", "--delete", "yes"], "there is no submission"),
        (RULE, ["."], "is no folder that `make grade` made"),
    ],
)
def test_what_cannot_be_deleted_is_said_in_one_sentence(world, tmp_path, monkeypatch, capsys, rule, more, sentence):
    monkeypatch.chdir(tmp_path)
    before = world.files()
    assert forget(world, "2027-04-01", *more, rule=rule) == 2
    assert sentence in capsys.readouterr().err
    assert world.files() == before
