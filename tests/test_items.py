"""The item analysis: its figures are those that NumPy gives, and nobody's name or words are in it."""

import csv
import random

import numpy as np
import pytest
from grader import items, report, suite
from grader.results import CaseResult, Mark, QuestionResult, Result

from srcnn.checks import ASSIGNMENTS, VARIANTS, training_report

SUITE = suite.load("stages")
WORDS = suite.load("training")
WORTH = {number: sum(case.points for case in cases) for number, cases in SUITE.cases.items()}


def student(name: str, passed: dict[int, float], tests: suite.TestSuite = SUITE, **hints: str) -> Result:
    """A result where each case of a question passes up to a share of them; ``q3="hint"`` says what of the others."""
    questions = []
    for number, cases in tests.cases.items():
        right = round(passed.get(number, 0) * len(cases))
        judged = [
            CaseResult(case.title, case.points, k < right, "" if k < right else hints.get(f"q{number}", "its value"))
            for k, case in enumerate(cases)
        ]
        questions.append(QuestionResult(number, judged))
    return Result(name, name, f"{name}.ipynb", name, questions=questions)


def classroom(size: int, seed: int) -> list[Result]:
    """Students of one ability each; questions grow harder, and the last is guessed."""
    draw = random.Random(seed)
    made = []
    for k in range(size):
        ability = draw.random()
        share = {n: float(draw.random() < ability + 0.3 - 0.1 * n) for n in SUITE.cases}
        share[max(share)] = draw.choice((0, 0.5, 1))
        made.append(student(f"student {k}", share))
    return made


@pytest.mark.parametrize("seed", range(5))
def test_the_figures_are_those_of_numpy(seed):
    results = classroom(60, seed)
    found, alpha = items.analyze(results, SUITE)
    points = np.array([[question.points for question in result.questions] for result in results])
    assert [item.number for item in found] == list(SUITE.cases)
    for k, item in enumerate(found):
        rest = np.delete(points, k, axis=1).sum(1)
        assert item.discrimination == pytest.approx(np.corrcoef(points[:, k], rest)[0, 1], abs=1e-12)
        assert item.difficulty == pytest.approx(points[:, k].mean() / WORTH[item.number])
        assert item.spread == pytest.approx(points[:, k].std(ddof=1) / WORTH[item.number])
        assert (item.full, item.none) == ((points[:, k] == item.possible).sum(), (points[:, k] == 0).sum())
    covariance = np.cov(points.T)
    k = len(covariance)
    assert alpha == pytest.approx(k / (k - 1) * (1 - np.trace(covariance) / covariance.sum()))


def test_a_question_whose_key_is_wrong_stands_out_and_one_that_all_solve_too():
    results = [student(f"s{k}", {1: 1, 2: k >= 6, 3: k >= 10, 4: k < 8, 5: k >= 12, 6: k >= 9}) for k in range(20)]
    notes = {item.number: item.notes for item in items.analyze(results, SUITE)[0]}
    assert "is its key right" in notes[4][0]
    assert ["tells nobody apart" in notes[1][0], notes[1][1]] == [True, "nearly everybody solves it"]
    assert notes[3] == ()


def test_a_few_submissions_are_not_judged_by_and_none_breaks_nothing():
    assert all("too few" in item.notes[0] for item in items.analyze(classroom(5, 0), SUITE)[0])
    found, alpha = items.analyze([], SUITE)
    assert {item.count for item in found} == {0}
    assert alpha is None
    one, alpha = items.analyze(classroom(1, 0), SUITE)
    assert {item.discrimination for item in one} | {alpha} == {None}


def test_what_could_not_be_graded_does_not_make_a_question_harder():
    results = classroom(30, 1)
    lost = Result("x", "x", "x.ipynb", "x", status="not graded", questions=student("x", {}).questions)
    assert items.analyze([*results, lost], SUITE) == items.analyze(results, SUITE)
    assert items.slips([*results, lost], SUITE) == items.slips(results, SUITE)


def test_an_answer_in_words_counts_when_all_are_marked():
    (number,) = WORDS.written
    results = [student(f"s{k}", dict.fromkeys(WORDS.cases, k / 19), WORDS) for k in range(20)]
    for k, result in enumerate(results):
        result.marks = [Mark(number, "words", k % 5, WORDS.written[number].points)]
    found = {item.name: item for item in items.analyze(results, WORDS)[0]}
    rest = [sum(question.points for question in result.questions) for result in results]
    assert found["in words"].discrimination == pytest.approx(np.corrcoef([k % 5 for k in range(20)], rest)[0, 1])
    results[3].marks[0].points = None
    assert "in words" not in {item.name for item in items.analyze(results, WORDS)[0]}


def test_every_known_mistake_is_counted_once_for_a_student_and_unmade_ones_are_named():
    first, second = (mistake.hint for mistake in ASSIGNMENTS["stages"][2].mistakes[:2])
    told = [first, first, first, second, "it stops with NameError: name 'zoe' is not defined", "its shape is (3,)"]
    results = [student(f"s{k}", {}, q2=hint) for k, hint in enumerate(told)]
    results[0].questions[1].cases[0].passed = True
    missing = student("m", {})
    missing.questions[1] = QuestionResult(2, [CaseResult(c.title, c.points) for c in SUITE.cases[2]], "is not there")
    found = {slip.hint: slip.count for slip in items.slips([*results, missing], SUITE) if slip.number == 2}
    assert (found.pop(first), found.pop(second)) == (3, 1)
    assert (found.pop(items.STOPPED), found.pop(items.OTHER), found.pop(items.UNANSWERED)) == (1, 1, 1)
    assert set(found.values()) == {0}
    assert len(found) == len(ASSIGNMENTS["stages"][2].mistakes) - 2


def test_a_mistake_in_a_variant_is_the_same_mistake():
    own = training_report.questions("7K3F-QM2A")
    for number, question in own.items():
        common = [mistake.hint for mistake in ASSIGNMENTS["training"][number].mistakes]
        told = [mistake.hint for mistake in question.mistakes]
        results = [student(f"s{k}", {}, WORDS, **{f"q{number}": hint}) for k, hint in enumerate(told)]
        found = {slip.hint: slip.count for slip in items.slips(results, WORDS) if slip.number == number}
        assert [found[hint] for hint in common] == [1] * len(common)
    assert own[2].mistakes[6].hint not in {mistake.hint for mistake in ASSIGNMENTS["training"][2].mistakes}


@pytest.mark.parametrize("name", VARIANTS)
def test_no_two_known_mistakes_differ_in_their_numbers_alone(name):
    for question in ASSIGNMENTS[name].values():
        hints = {mistake.hint for mistake in question.mistakes}
        assert len({items._shape(hint) for hint in hints}) == len(hints)


def test_the_tables_and_the_page_have_no_names_and_no_words_of_a_student(tmp_path):
    error = "it stops with NameError: name 'zoe_ruiz' is not defined"
    results = [*classroom(12, 2), student("Zoe Ruiz", {1: 1}, q3=error, q4="its value is wrong")]
    report.write(tmp_path, results, SUITE, {})
    rows = {}
    for name in ("items.csv", "mistakes.csv", "items.html"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert not {"zoe", "ruiz", "student "} & {word for word in ("zoe", "ruiz", "student ") if word in text.lower()}
        if name.endswith(".csv"):
            rows[name] = list(csv.DictReader(text.splitlines()))
    found, _ = items.analyze(results, SUITE)
    assert [float(row["discrimination"]) for row in rows["items.csv"]] == pytest.approx(
        [item.discrimination for item in found], abs=5e-4
    )
    stopped = [row for row in rows["mistakes.csv"] if row["mistake"] == items.STOPPED and row["question"] == "3"]
    assert [row["submissions"] for row in stopped] == ["1"]
    assert '<a href="items.html">' in (tmp_path / "summary.html").read_text(encoding="utf-8")
