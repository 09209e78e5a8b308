"""Answers in words in all the ways in which students write them: found, or flagged, and never empty in silence."""

import itertools
import json

import habits
import pytest
from grader import autograde, collect, notebook, report, suite, written
from grader.results import Result

REPORT = "I trained for half a minute.\n\nThe gain over bicubic interpolation is 1.12 dB on two photographs."
HEAD = "### Your answer to question 7"
TESTS = suite.load("training")


def md(*texts: str) -> habits.Sheet:
    return [("markdown", text) for text in texts]


def code(*texts: str) -> habits.Sheet:
    return [("code", text) for text in texts]


COMMENTED = "\n".join(f"# {line}" for line in REPORT.split("\n"))
# what stands in the place of the cell with the heading, and whether a person is told to look
WAYS: dict[str, tuple[habits.Sheet, bool]] = {
    "as asked": (md(f"{HEAD}\n\n{REPORT}"), False),
    "a new cell below": (md(f"{HEAD}\n\nWrite here.", REPORT), False),
    "a new cell below the heading alone": (md(HEAD, REPORT), False),
    "a new cell above": (md(REPORT, f"{HEAD}\n\nWrite here."), False),
    "bold": (md(f"**Your answer to question 7**\n\n{REPORT}"), False),
    "bold, in the next cell": (md("**Your answer to question 7:**", REPORT), False),
    "a heading of its own": (md(f"## My report\n\n{REPORT}"), False),
    "a heading of its own, alone": (md("# Report", REPORT), False),
    "no heading": (md(REPORT), False),
    "HTML": (md(f"<h3>Your answer to question 7</h3>\n\n{REPORT}"), False),
    "another level": (md(f"# your answer to Question 7 \n{REPORT}"), False),
    "on the heading's line": (md(f"### Your answer to question 7: {REPORT}"), False),
    "the placeholder left": (md(f"{HEAD}\n\nWrite here.\n\n{REPORT}"), False),
    "instead of the placeholder's end": (md(f"{HEAD}\n\nWrite here. {REPORT}"), False),
    "an empty copy below": (md(f"{HEAD}\n\n{REPORT}", f"{HEAD}\n\nWrite here."), False),
    "an empty copy above": (md(f"{HEAD}\n\nWrite here.", f"{HEAD}\n\n{REPORT}"), False),
    "the same twice": (md(f"{HEAD}\n\n{REPORT}", f"{HEAD}\n\n{REPORT}"), False),
    "in parts": (md(f"{HEAD}\n\n{REPORT.split(chr(10))[0]}", REPORT.split("\n")[2]), False),
    "a raw cell": ([*md(HEAD), ("raw", REPORT)], False),
    "a code cell": (code(f"{HEAD}\n\n{REPORT}"), True),
    "a code cell below": (md(f"{HEAD}\n\nWrite here.") + code(REPORT), True),
    "comments": (md(HEAD) + code(COMMENTED), True),
    "a string": (md(HEAD) + code(f'"""\n{REPORT}\n"""'), True),
    "a name": (md(HEAD) + code(f'answer = """\n{REPORT}\n"""\nprint(answer)'), True),
    "printed": (md(HEAD) + code(f'print("""{REPORT}""")'), True),
    "a cell magic": (md(HEAD) + code(f"%%markdown\n{REPORT}"), True),
    "code and words": (md(f"{HEAD}\n\n{REPORT}") + code('print("on five more photographs it is 0.9 dB")'), True),
}  # fmt: skip
FORMS = {name: habits.FORMS[name][0] for name in ("notebook", "colab", "databricks", "percent", "nbconvert")}


def template() -> habits.Sheet:
    return [("code" if cell.code else "markdown", cell.source) for cell in TESTS.template.sheet]


def found(sheet: habits.Sheet, form: str = "notebook") -> tuple[str, list[str]]:
    """The answer to question 7 and what is told about it."""
    texts, doubts = written.find(notebook.read(FORMS[form](sheet)), TESTS.template)
    return texts[7], doubts


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(("way", "form"), list(itertools.product(WAYS, FORMS)))
def test_an_answer_is_found_however_it_is_written(way, form):
    cells, doubtful = WAYS[way]
    if form != "notebook" and (way == "a raw cell" or '"""' in cells[-1][1] or "%%" in cells[-1][1]):
        return  # those programs do not store it so
    text, doubts = found(template()[:-1] + cells, form)
    told = words(text) if way != "in parts" else words(text.replace("\n\n", " "))
    assert words(REPORT) in told
    assert "Write here" not in text or "end" in way
    assert len(told) < len(words(REPORT)) + 80
    if form == "notebook":
        assert bool(doubts) is doubtful
    elif way != "comments" or form != "nbconvert":  # there, words and comments look the same
        assert doubts or not doubtful


@pytest.mark.parametrize("sheet", [template(), template()[:-1] + md(HEAD), template()[:-1] + md(f"{HEAD}\n\n\n")])
def test_what_was_left_empty_is_empty_and_nobody_is_called(sheet):
    assert found(sheet) == ("", [])


def test_in_doubt_a_person_is_told():
    mine = md("I found this exercise hard, and my loss never went below 0.003.")
    assert found(template()[:-1]) == (
        "", ["the answer in words to question 7 was not found, and its cell is gone"],
    )  # fmt: skip
    text, doubts = found(mine + template()[1:-2])
    assert text == mine[0][1]
    assert "was not found in its place" in doubts[0]
    text, doubts = found(template()[:-1] + md(f"{HEAD}\n\n![scan](attachment:report.png)"))
    assert doubts == ["the answer in words to question 7 is a picture; see the notebook"]
    text, doubts = found(mine + template())  # notes elsewhere do not make an empty answer one
    assert (text, len(doubts)) == (mine[0][1], 1)


def test_notes_elsewhere_and_comments_of_code_are_no_part_of_the_answer():
    sheet = md("A note of mine on question 1.") + template()[:-1] + md(f"{HEAD}\n\n{REPORT}")
    assert found(sheet) == (REPORT, [])
    assert found(template()[:-1] + md(f"{HEAD}\n\n{REPORT}") + code("x = 1  # one\n# two words")) == (REPORT, [])


def test_the_words_of_the_solution_are_found():
    data = (suite.EXERCISES / "training" / "solution.ipynb").read_bytes()
    texts, doubts = written.find(collect.read(data), TESTS.template)
    last = json.loads(data)["cells"][-1]["source"]
    assert texts[7] == "".join(last).split("\n", 1)[1].strip()
    assert doubts == []


def test_what_needs_a_person_s_eye_is_in_the_summary(tmp_path):
    result = Result("ann", "ann-1", "a.ipynb", "0f", remarks=["the answer in words to question 7 is in a code cell"])
    result.questions = [autograde._unanswered(number, cases) for number, cases in TESTS.cases.items()]
    for question in result.questions:
        for case in question.cases:
            case.passed = True
    report.write(tmp_path, [result], TESTS, {})
    text = (tmp_path / "summary.html").read_text(encoding="utf-8")
    assert "the answer in words to question 7 is in a code cell" in text.partition("To look at yourself")[2]
    result.remarks = []
    report.write(tmp_path, [result], TESTS, {})
    assert "Nothing stands out" in (tmp_path / "summary.html").read_text(encoding="utf-8")
