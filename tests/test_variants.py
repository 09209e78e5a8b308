"""Each student's own notebook: the same for the same seed and key, another for each, and graded by its own numbers."""

import json
import re

import forked
import pytest
from exercises import build, variants
from grader import __main__ as command_line
from grader import autograde, collect, suite
from grader.collect import Submission
from grader.confine import Limits, Protection
from lanes import one_in

from srcnn import checks
from srcnn.checks import variants as numbers_of
from srcnn.checks.judging import NotYet
from srcnn.files import InputError

SOURCE = build.EXERCISES / "training" / "assignment.py"
ROSTER = "name;key\nAnn;a17\nBob;b-2\nZoë;z@x.example\n"


def table(place, text=ROSTER, encoding="utf-8"):
    path = place / "roster.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_everybody_has_a_notebook_of_their_own_and_the_same_again(tmp_path):
    roster = table(tmp_path, encoding="utf-8-sig")
    made = []
    for folder, seed in (("one", "7"), ("two", "7"), ("three", "8")):
        words = [str(roster), "--seed", seed, "--assignment", "training", "--out", str(tmp_path / folder)]
        assert variants.main(words) == 0
        files = sorted(path for path in (tmp_path / folder).rglob("*") if path.is_file())
        made.append(
            {path.relative_to(tmp_path / folder).as_posix(): path.read_text(encoding="utf-8") for path in files}
        )
    assert set(made[0]) == {"variants.csv", *(f"{key}/training.ipynb" for key in ("a17", "b-2", "z@x.example"))}
    assert made[0] == made[1]
    assert len({*made[0].values(), *made[2].values()}) == 8
    rows = [line.split(",") for line in made[0]["variants.csv"].splitlines()[1:]]
    assert [key for key, _ in rows] == ["a17", "b-2", "z@x.example"]
    for key, code in rows:
        notebook = made[0][f"{key}/training.ipynb"]
        assert f'checks.use(\\"{code}\\")' in notebook
        assert "<<" not in notebook
        assert "SOLUTION" not in notebook


def test_a_notebook_says_the_numbers_that_its_code_gives():
    code = variants.code(20261, "a17")
    cells = json.loads(build.notebooks(SOURCE, code)["student.ipynb"])["cells"]
    text = " ".join(" ".join("".join(cell["source"]).split()) for cell in cells)
    drawn = numbers_of.numbers("training", code)
    assert f"Each velocity keeps {drawn['momentum']:g} of its value" in text
    assert f"all biases use {drawn['slow']:g} of the rate" in text
    assert f"its {drawn['level']:g}% bootstrap interval" in text
    weight = re.search(r"a weight 1.0 of the first layer becomes ([\d.]+) and its velocity ([\d.]+);", text)
    velocity = 2 * drawn["momentum"] + 0.5
    assert [float(each) for each in weight.groups()] == pytest.approx([1 - 0.1 * velocity, velocity], rel=1e-3)
    assert "checks.use" not in build.notebooks(SOURCE)["student.ipynb"]


def test_a_code_tells_neither_seed_nor_key_and_every_number_comes_up():
    codes = [variants.code(seed, f"s{k}") for seed in (1, 2) for k in range(150)]
    assert len(set(codes)) == len(codes)
    assert all(numbers_of.CODE.fullmatch(code) for code in codes)
    drawn = [numbers_of.numbers("training", code) for code in codes]
    for name, choices in numbers_of.CHOICES["training"].items():
        counts = [sum(one[name] == choice for one in drawn) for choice in choices]
        assert min(counts) > len(codes) / len(choices) / 2


@pytest.mark.parametrize(
    ("text", "words", "told"),
    [
        ("name\nAnn\n", (), r"has no column 'key'; its columns are name; name one with --column"),
        ("", (), r"its columns are none"),
        ("key\n", (), r"has no students"),
        ('key\na\n"../b"\n', (), r"row 3: '\.\./b' is no key"),
        ("key\nA1\na1\n", (), r"row 3: the key 'a1' was there before"),
        (ROSTER, ("--seed", "x"), r"the seed is a whole number, such as 20261; 'x' is none"),
    ],
)
def test_a_roster_that_cannot_be_used_is_told_and_nothing_is_written(tmp_path, capsys, text, words, told):
    out = tmp_path / "out"
    given = [str(table(tmp_path, text)), "--seed", "1", "--assignment", "training", "--out", str(out), *words]
    assert variants.main(given) == 2
    said = capsys.readouterr().err
    assert re.search(told, said), said
    assert said.count("\n") == 1
    assert not out.exists()


def test_what_is_there_stays(tmp_path, capsys):
    roster = table(tmp_path)
    given = [str(roster), "--seed", "1", "--assignment", "training", "--out", str(tmp_path)]
    assert variants.main(given) == 2
    assert "has something in it" in capsys.readouterr().err
    assert roster.read_text(encoding="utf-8") == ROSTER


STEP = """def sgd_step(weights, gradients, velocities, rate):
    velocities = {{name: {momentum} * v + gradients[name] for name, v in velocities.items()}}
    slow = {{name for name in weights if name.startswith("reconstruction") or name.endswith("bias")}}
    return {{n: w - rate * ({slow} if n in slow else 1) * velocities[n] for n, w in weights.items()}}, velocities
"""


@pytest.mark.parametrize("whose", ["own", "another"])
def test_the_grading_asks_with_the_numbers_of_the_notebook(whose, monkeypatch):
    forked.install(monkeypatch)
    code = variants.code(5, "a17")
    drawn = numbers_of.numbers("training", code if whose == "own" else "")
    cells = ["from srcnn import checks", f'checks.use("{code}")', STEP.format(**drawn), "checks.training(2, sgd_step)"]
    made = [{"cell_type": "code", "source": cell, "metadata": {}, "outputs": []} for cell in cells]
    data = json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}).encode()
    result = autograde.grade(
        Submission("a", "a", "a.ipynb", data), suite.load("training"), 3, Protection("none"), Limits()
    )
    question = next(question for question in result.questions if question.number == 2)
    assert (question.points == question.possible) == (whose == "own")
    assert not [remark for remark in result.remarks if "variant" in remark]
    if whose == "another":
        hints = {question.reason, *(case.hint for case in question.cases)}
        assert any("numbers are those of another variant" in hint for hint in hints), hints


def test_the_checks_use_the_variant_that_was_said(monkeypatch):
    monkeypatch.setattr(checks, "_variant", "")
    space: dict = {}
    exec(STEP.format(momentum=0.9, slow=0.1), space)
    assert checks.training(2, space["sgd_step"]) == "Question 2: right."
    code = variants.code(5, "a17")
    assert checks.use(code) == f"Variant {code}."
    with pytest.raises(NotYet, match="another variant"):
        checks.training(2, space["sgd_step"])
    with pytest.raises(NotYet, match="'7K3F' is no variant"):
        checks.use("7K3F")
    assert numbers_of.found(f'x\nchecks.use( "{code}")\n# checks.use("AAAA-AAAA")') == code
    assert numbers_of.found("checks.use(code)") == ""


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["x = 1"], ""),
        (['checks.use("7K3F-QM2A")'], ""),
        (['checks.use("7K3F-QM2A")', 'checks.use("7K3F-QM2A")'], ""),
        *one_in(
            3,
            [
                (['checks.use("7K3F-QM2A")', 'checks.use("AAAA-2222")'], "2 variants, 7K3F-QM2A, AAAA-2222; AAAA-2222"),
                (["checks.use(code)"], "its variant cannot be read"),
                (['checks.use("")'], "its variant cannot be read"),
            ],
        ),
    ],
)
def test_a_variant_that_leaves_doubt_is_told_to_the_instructor(lines, told, monkeypatch):
    forked.install(monkeypatch)
    said = numbers_of.doubt("\n".join(lines))
    assert told in said
    assert (told == "") == (said == "")
    made = [{"cell_type": "code", "source": line, "metadata": {}, "outputs": []} for line in [*lines, "sgd_step = 1"]]
    data = json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}).encode()
    if told:
        handed = Submission("a", "a", "a.ipynb", data)
        result = autograde.grade(handed, suite.load("training"), 3, Protection("none"), Limits())
        assert said in result.remarks


def _graded(folder, handed, *words):
    """Results by name of a class whose notebooks have an answer to question 2 alone."""
    for name, cells in handed.items():
        path = folder / "in" / name / "training.ipynb"
        path.parent.mkdir(parents=True)
        made = [{"cell_type": "code", "source": cell, "metadata": {}, "outputs": []} for cell in cells]
        path.write_text(json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    given = [str(folder / "in"), "--seed", "3", "--out", str(folder / "out"), "--assignment", "training", *words]
    assert command_line.main([*given, "--unprotected", "--jobs", "1"]) == 0
    stored = [json.loads(path.read_text()) for path in (folder / "out" / "results").iterdir()]
    return {each["student"]: each for each in stored}


def _right(each):
    question = next(question for question in each["questions"] if question["number"] == 2)
    return all(case["passed"] for case in question["cases"])


@pytest.mark.release
def test_six_ways_with_a_variant_get_no_mark_that_nobody_looks_at(tmp_path):
    """Who takes a code that suits a copied answer, or hides it, may get the points; the instructor is told."""
    own, other = variants.code(5, "ann"), variants.code(5, "ben")
    (tmp_path / "variants.csv").write_text(f"key,code\nann,{own}\nben,{other}\n")
    easy = next(  # a code, of which a student may try as many as there is time, with the common notebook's numbers
        code
        for code in (variants.code(1, str(k)) for k in range(10_000))
        if numbers_of.numbers("training", code) == numbers_of.numbers("training", "")
    )

    def cells(code, *use):
        return ["from srcnn import checks", *use, STEP.format(**numbers_of.numbers("training", code))]

    handed = {
        "chosen": cells("", f'checks.use("{easy}")'),
        "borrowed": cells(other, f'checks.use("{other}")'),
        "owner": cells(other, f'checks.use("{other}")'),
        "renamed": cells(own, f'begin = checks.use\nbegin("{own}")'),
        "decoy": cells("", f'checks.use("{own}")', f'text = """\nchecks.use("{easy}")\n"""'),
        "built": cells("", 'checks.use("-".join(["AAAA", "AAAA"]))'),
        "without": cells(""),
    }
    found = _graded(tmp_path, handed, "--variants", str(tmp_path / "variants.csv"))
    told = {name: " ".join(each["notes"] + each["remarks"]) for name, each in found.items()}
    assert f"its variant {easy} was never given out" in told["chosen"]
    assert all("is that of ben, and 2 notebooks have it" in told[name] for name in ("borrowed", "owner"))
    assert "variant" not in told["renamed"]
    assert f"it has the codes of 2 variants, {', '.join(sorted([own, easy]))}" in told["decoy"]
    assert "its variant cannot be read" in told["built"]
    assert all("it has no variant, and was graded by the common one" in told[name] for name in ("built", "without"))
    assert [name for name, each in found.items() if not _right(each)] == []
    summary = (tmp_path / "out" / "summary.html").read_text(encoding="utf-8")
    assert all(name in summary for name in ("chosen", "borrowed", "decoy", "built", "without"))
    assert summary.count("was never given out") == 2  # chosen, decoy


@pytest.mark.parametrize(
    ("text", "assignment", "told"),
    [
        ("key,code\nann,AAAA\n", "training", "is not the variants.csv"),
        ("name,key\nann,a17\n", "training", "is not the variants.csv"),
        (None, "training", "cannot be read: No such file"),
        ("key,code\n", "stages", "stages has no variants"),
    ],
)
def test_a_table_of_variants_that_cannot_be_used_is_told(text, assignment, told, tmp_path):
    if text is not None:
        (tmp_path / "variants.csv").write_text(text)
    with pytest.raises((InputError, command_line.UsageError), match=told):
        command_line._doubts(tmp_path / "variants.csv", [], assignment)


def test_a_grading_with_another_table_of_variants_is_another_one(tmp_path):
    run = {"assignment": "training", "seed": 1, "tests": "t", "photographs": "", "variants": "a"}
    command_line._prepare(tmp_path / "out", run)
    with pytest.raises(command_line.UsageError, match="has results of another table of variants"):
        command_line._prepare(tmp_path / "out", run | {"variants": "b"})


def test_a_grading_on_a_folder_of_photographs_is_another_one(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command_line.os, "environ", dict(command_line.os.environ))
    with pytest.raises(command_line.UsageError, match="only Train and report"):
        command_line._photographs(tmp_path, "stages")
    with pytest.raises(command_line.UsageError, match="has 0 photographs"):
        command_line._photographs(tmp_path, "training")
    assert command_line._photographs(None, "stages") == ""
    run = {"assignment": "training", "seed": 1, "tests": "t", "photographs": ""}
    command_line._prepare(tmp_path / "out", run)
    with pytest.raises(command_line.UsageError, match="has results of other photographs"):
        command_line._prepare(tmp_path / "out", run | {"photographs": "x"})
    command_line._prepare(tmp_path / "out", run)


def test_collect_still_recognizes_a_variant_s_notebook():
    text = build.notebooks(SOURCE, variants.code(5, "a17"))["student.ipynb"]
    assert collect.assignment(collect.read(text.encode()), autograde.NAMES) == "training"
