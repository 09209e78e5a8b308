"""The plans' hours, the learning outcomes and the prerequisites test agree with the book and with each other."""

import contextlib
import io
import itertools
import json
import math
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import quizzes
import torch
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
PAGES = {
    name: (BOOK / "teaching" / f"{name}.md").read_text(encoding="utf-8") for name in ("plans", "outcomes", "marks")
}
TEACHING = (BOOK / "teaching.md").read_text(encoding="utf-8")
READY = BOOK / "prerequisites.md"
TITLES = {"Measure": "measure", "Three stages by hand": "stages", "Train and report": "training",
          "A broken repository": "troubleshoot"}  # fmt: skip
HOMEWORK = list(TITLES)[:3]
BOTH = pytest.mark.parametrize("plan", ["Five weeks", "Two weeks"])


def text(path: Path) -> str:
    return "\n".join("".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"])


CHAPTERS = [text(path) for path in sorted(BOOK.glob("[0-9]*.ipynb"))]  # chapter n is CHAPTERS[n - 1]
HANDED = {title: text(BOOK / "exercises" / name / "student.ipynb") for title, name in TITLES.items()}
EXERCISES = {n: grade for whole in CHAPTERS for n, grade in re.findall(r"\*\*Exercise ([\d.]+) \((\w+)\)", whole)}
QUESTIONS = {title: re.split(r"^## Question \d+: ", whole, flags=re.M)[1:] for title, whole in HANDED.items()}


def minutes(number: int) -> int:
    """The reading time that a chapter tells."""
    return int(re.search(r"(\d+) minutes of reading", CHAPTERS[number - 1])[1])


def asked(number: int) -> int:
    """How many questions a chapter's quiz has."""
    return len(quizzes.read(sorted(BOOK.glob("[0-9]*.ipynb"))[number - 1]).questions)


def numbers(told: str) -> set[int]:
    """Chapters, as in "6 to 8, 12"."""
    parts = [part.split(" to ") for part in told.split(", ")]
    return set(itertools.chain(*(range(int(part[0]), int(part[-1]) + 1) for part in parts)))


def plans() -> dict[str, list[tuple[list[int], int, str, float, float]]]:
    """Plan -> for each week or day chapters, minutes of reading, assignments, their hours, all hours."""
    found = {}
    for plan in re.split(r"^## ", PAGES["plans"], flags=re.M)[1:3]:
        rows = re.findall(r"^\| (\d+) \| (.+?) \| (\d+) \| (.+?) \| (\d+) \| ([\d.]+) \|$", plan, flags=re.M)
        assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1))
        found[plan.split("\n")[0]] = [
            ([int(n) for n in re.findall(r"\[(\d+)\]", c)], int(m), a, int(h), float(all_))
            for _, c, m, a, h, all_ in rows
        ]
    return found


def assignments() -> dict[str, tuple[set[int], int, float, int]]:
    """Title -> chapters, questions, points and hours, from the table of the teaching page."""
    rows = re.findall(r"^\| \*(.+?)\* \| ([\d, to]+) \| (\d+) \| (\d+) \| (\d+) \|$", TEACHING, flags=re.M)
    return {t: (numbers(c), int(q), float(p), int(h)) for t, c, q, p, h in rows}


def rate(start: str) -> float:
    """The number in the second column of the row of a table of rates that begins so."""
    return float(re.search(rf"^\| {re.escape(start)}[^|]* \| ([\d.]+)", PAGES["plans"], re.M)[1])


@pytest.mark.parametrize(("name", "rows"), [("Five weeks", 5), ("Two weeks", 10)])
def test_a_plan_reads_the_chapters_in_order_in_the_time_that_they_tell(name, rows):
    plan = plans()[name]
    assert len(plan) == rows
    # the last three chapters are for students who are ahead
    assert list(itertools.chain(*(chapters for chapters, *_ in plan))) == list(range(1, 14))
    assert [total for _, total, *_ in plan] == [sum(map(minutes, chapters)) for chapters, *_ in plan]


@BOTH
def test_the_hours_of_a_plan_follow_from_its_rates(plan):
    weekly = plan == "Five weeks"
    lecture = 90 if weekly else 60
    assert f"| the lecture | {'90 a week' if weekly else '90 a week, or 60 a day'}" in PAGES["plans"]
    each = {grade: rate(f"an exercise marked *{grade}*") for grade in ("check", "apply", "explore")}
    each["apply"] *= weekly
    for chapters, reading, _, hours, told in plans()[plan]:
        graded = [grade for n, grade in EXERCISES.items() if int(n.split(".")[0]) in chapters]
        spent = 2 * reading + sum(each[grade] for grade in graded) + rate("a quiz question") * sum(map(asked, chapters))
        assert told == pytest.approx((spent + lecture) / 60 + hours, abs=0.051)


def test_no_week_is_a_third_longer_than_another_and_the_whole_is_what_is_told():
    hours = [row[-1] for row in plans()["Five weeks"]]
    assert max(hours) < 4 / 3 * min(hours)
    assert f"Five weeks come to {sum(hours):.0f} hours" in PAGES["plans"]
    reading = [row[1] for row in plans()["Five weeks"]]
    assert reading[3] == min(reading)  # week 4, in which two assignments meet


@BOTH
def test_an_assignment_is_due_when_its_chapters_have_been_read_and_its_hours_lie_between(plan):
    rows, covered = plans()[plan], [0] * len(plans()[plan])
    for title in HOMEWORK:
        chapters, _, _, hours = assignments()[title]
        read, out, due = set(), None, None
        for place, (new, _, told, *_) in enumerate(rows):
            read |= set(new)
            for said in re.findall(rf"\*{title}\*[^*]*", told):
                out = place if "out" in said else out
                if "due" in said:
                    due = place
                    assert chapters <= read, title
        assert out is not None
        assert due is not None
        assert out <= due
        possible = range(out, due + 1)
        assert sum(rows[place][3] for place in possible) >= hours
        for place in possible:
            covered[place] = 1
    assert [bool(row[3]) <= bool(there) for row, there in zip(rows, covered, strict=True)] == [True] * len(rows)
    assert sum(row[3] for row in rows) == sum(assignments()[title][3] for title in HOMEWORK)


def test_the_broken_repository_stands_where_its_chapters_have_been_read():
    section = PAGES["plans"].split("## Where *A broken repository* stands")[1].split("\n## ")[0]
    chapters, _, _, hours = assignments()["A broken repository"]
    words = ("one", "two", "three", "four", "five")
    assert f"takes {words[hours - 1]} hours" in section
    needs = re.search(r"It needs chapters ([\d, ]+) and (\d+)", section)
    assert numbers(f"{needs[1]}, {needs[2]}") == chapters
    for plan, due in (("Five weeks", r"due on Monday of week (\d+)"), ("Two weeks", r"due on day (\d+)")):
        last = next(k for k, row in enumerate(plans()[plan], start=1) if max(chapters) in row[0])
        assert int(re.search(due, section)[1]) > last
    assert f"takes away {words[assignments()['Train and report'][3] - hours - 1]}" in section


@pytest.mark.parametrize("title", TITLES)
def test_the_table_of_assignments_says_what_their_sources_say(title):
    chapters, questions, points, hours = assignments()[title]
    worth = [float(p) for p in re.findall(r"^## Question \d+.*\((\d+(?:\.\d+)?) points?\)$", HANDED[title], flags=re.M)]
    assert len(worth) == questions
    assert sum(worth) == points
    words = ("one", "two", "three", "four", "five", "six")
    assert f"{words[hours - 1]} hours" in " ".join(HANDED[title].split())
    told = re.search(r"You need (.+?)\. There are", " ".join(HANDED[title].split()))[1]
    assert {int(n) for n in re.findall(r"chapter (\d+)", told)} == chapters


# An instructor's hours


def test_grading_takes_what_follows_from_the_rates():
    page, shared = PAGES["plans"], 3 * rate("starting the grading")
    each = 3 * (rate("a submission that needs") + rate("a question about a mark")) / 20 + rate("a conversation") / 10
    report = rate("reading a report")
    rows = re.findall(r"^\| (\d+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) to ([\d.]+) \|$", page, flags=re.M)
    assert [int(row[0]) for row in rows] == [30, 100, 300]
    took = re.search(
        r"took (\d+) seconds for \*Measure\*, (\d+) for \*Three.*? and (\d+) for \*Train", PAGES["marks"], flags=re.S
    )
    seconds = sum(map(int, took.groups()))
    for n, *told in ([float(value) for value in row] for row in rows):
        one = (shared + n * (each + report)) / 60
        wanted = [one, one + n * report / 60, one - n * report / 60, n * seconds / 7200, n * seconds / 3600]
        assert told == pytest.approx(wanted, abs=0.051)
    week = rate("lecture and lab") + rate("preparing")
    assert f"Teaching five weeks takes {5 * week / 60:.0f} hours" in page


def test_the_pages_say_the_same_of_how_long_marking_takes():
    report, marks = rate("reading a report"), " ".join(PAGES["marks"].split())
    assert "two to three minutes per report" in marks
    assert 2 <= report <= 3
    assert f"for 300 reports, {300 * report / 60} hours" in marks
    assert 6 <= 300 * report / 60 / 2 <= 8  # "a long day for two readers"
    low, high = (n * 115 / 3600 for n in (150, 300))
    assert "five to ten hours" in marks
    assert 4.5 < low < 5.5
    assert 9 < high < 10.5
    assert "return its grades on Friday" in TEACHING
    assert "takes longer, because reports are read" in TEACHING


def test_every_lecture_lasts_90_minutes():
    weeks = re.split(r"^### Week \d: ", PAGES["plans"], flags=re.M)[1:]
    assert len(weeks) == len(plans()["Five weeks"])
    for week, (chapters, *_) in zip(weeks, plans()["Five weeks"], strict=True):
        assert sum(int(m) for m in re.findall(r"^\d\. \((\d+)\)", week, flags=re.M)) == 90
        said = {int(n) for n in re.findall(r"[Cc]hapter (\d+)", week.split("**Where")[0])}
        assert said == set(chapters)


# Learning outcomes


def expand(told: str) -> list[str]:
    """Numbers such as "1.1 to 1.4", one by one."""
    found = re.fullmatch(r"(\d+)\.(\d+) to \1\.(\d+)", told)
    assert found, told
    return [f"{found[1]}.{k}" for k in range(int(found[2]), int(found[3]) + 1)]


OUTCOMES = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", PAGES["outcomes"], flags=re.M)


def graded(told: str) -> list[tuple[str, int]]:
    """Questions such as "*Measure* 1, 2"."""
    found = re.findall(r"\*(.+?)\* ((?:\d+(?:, )?)+)", told)
    return [(title, int(n)) for title, listed in found for n in re.findall(r"\d+", listed)]


def test_every_outcome_is_taught_practiced_and_assessed():
    assert [int(row[0]) for row in OUTCOMES] == list(range(1, len(OUTCOMES) + 1))
    taught = set()
    for _, outcome, chapters, exercises, questions, assessed in OUTCOMES:
        here = numbers(chapters)
        taught |= here
        for number in (*expand(exercises), *expand(questions)):
            assert int(number.split(".")[0]) in here, outcome
        assert bool(graded(assessed)) == (here <= set(range(1, 14)) or 15 in here), outcome
        assert graded(assessed) or assessed == "none"
    assert taught == set(range(1, len(CHAPTERS) + 1))


def test_every_exercise_and_quiz_question_serves_one_outcome():
    assert Counter(n for row in OUTCOMES for n in expand(row[3])) == Counter(EXERCISES.keys())
    every = [f"{chapter}.{k}" for chapter in range(1, len(CHAPTERS) + 1) for k in range(1, asked(chapter) + 1)]
    assert Counter(n for row in OUTCOMES for n in expand(row[4])) == Counter(every)


def test_every_graded_question_serves_an_outcome_of_the_chapter_that_it_names():
    served = {}
    for _, _, chapters, *_, assessed in OUTCOMES:
        for question in graded(assessed):
            served.setdefault(question, set()).update(numbers(chapters))
    assert set(served) == {(title, n) for title, asked in QUESTIONS.items() for n in range(1, len(asked) + 1)}
    for (title, number), chapters in served.items():
        part = QUESTIONS[title][number - 1]
        named = {int(n) for n in re.findall(r"[Cc]hapter (\d+)", part)} or assignments()[title][0]
        if part.startswith("report ("):  # it is about the whole assignment
            named |= assignments()[title][0]
        assert named & chapters, (title, number)


def test_what_is_lost_without_an_assignment_is_told():
    def only(title: str) -> set[int]:
        return {int(row[0]) for row in OUTCOMES if {t for t, _ in graded(row[5])} == {title}}

    told = re.search(r"serves outcomes (.+?); without \*Train and report\*, none serves (.+?)\.", PAGES["outcomes"])
    assert [numbers(each.replace(" and ", ", ")) for each in told.groups()] == [
        only("A broken repository"),
        only("Train and report"),
    ]


# The prerequisites test


def ready() -> tuple[quizzes.Question, ...]:
    """Its questions, read as the chapters' are."""
    quiz = READY.read_text(encoding="utf-8").split("\n## Quiz\n")[1]
    assert quizzes.ASKED.findall(quiz) == [str(n) for n in range(1, 11)]
    return quizzes.questions(quiz, READY.name)


def plain(markup: str) -> str:
    return BeautifulSoup(markup, "html.parser").get_text().strip()


def run(source: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(source, {})
    return out.getvalue().strip()


def eigen() -> str:
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    made = turn.T @ (turn @ np.diag([5.0, 2.0]) @ turn.T) @ turn
    assert np.allclose(made, np.diag([5, 2]))
    return "A diagonal matrix with 5 and 2"


def slope() -> str:
    w = torch.tensor(1.0, requires_grad=True)
    ((2 * w - 6) ** 2).backward()
    return f"{w.grad.item():.0f}".replace("-", "−")


COMPUTED = {
    5: lambda: "$AB$, with {} rows and {} columns".format(*(np.ones((2, 3)) @ np.ones((3, 4))).shape),
    6: lambda: {8: "Eight"}[12 - np.linalg.matrix_rank(np.random.default_rng(0).normal(size=(4, 12)))],
    7: eigen,
    8: slope,
    9: lambda: f"By {-10 * math.log10(0.1 * 0.1):.0f}",
    10: lambda: f"{3 / math.sqrt(25):.1f} dB",
}


@pytest.mark.parametrize("number", range(1, 11))
def test_the_right_answer_is_what_comes_out(number):
    question = ready()[number - 1]
    code = BeautifulSoup(question.text, "html.parser").find("code", class_="language-python")
    truth = run(code.get_text()) if code else COMPUTED[number]()
    truth = truth.replace("$", "")
    agree = [answer.right for answer in question.answers if re.sub(r"\\[()]", "", plain(answer.text)).startswith(truth)]
    assert agree == [True]


def test_every_answer_is_explained_and_no_form_gives_it_away():
    places, longest = [], 0
    for question in ready():
        assert len(question.answers) == 3
        assert min(len(plain(answer.feedback)) for answer in question.answers) > 40
        assert len({answer.feedback for answer in question.answers}) == 3
        (right,) = [k for k, answer in enumerate(question.answers) if answer.right]
        places.append(right)
        lengths = [len(answer.text) for answer in question.answers]
        longest += lengths[right] == max(lengths)
    assert max(Counter(places).values()) <= 5
    assert len(set(places)) == 3
    assert longest <= 4


def test_each_question_says_where_it_is_needed_and_where_to_read_up():
    rows = re.findall(r"^\| (\d+) \| (.+?) \| \[(\d+)\]\((\S+)\) \| \[.+?\]\((https://\S+?)\)", READY.read_text(), re.M)
    assert [int(row[0]) for row in rows] == list(range(1, 11))
    for _, _, chapter, file, _ in rows:
        assert file.startswith(f"{int(chapter):02}_")
        assert (BOOK / file).exists()
    assert "prerequisites.md" in PAGES["plans"]
