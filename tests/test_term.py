"""A term's file: due times, what late work costs, who has longer; and marks that a person changes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import platforms
import pytest
from grader import adjust, report, suite, term
from grader.results import Result

from srcnn.files import InputError

TEXT = """
timezone = "America/New_York"
[due]
measure = 2026-03-07T20:00:00
stages = 2026-04-01T00:00:00Z
[late]
grace_minutes = 30
percent_a_day = 15
cap_percent = 40
closed_after_days = 5
[[extension]]
student = 7
assignment = "measure"
until = 2026-03-10T20:00:00
[[accommodation]]
student = "8"
extra_days = 1
extra_hours = 12
[keep]
until = 2027-03-31
"""


@pytest.fixture
def rule(tmp_path) -> term.Term:
    (tmp_path / "term.toml").write_text(TEXT)
    return term.read(tmp_path / "term.toml")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("student", "submitted", "percent", "closed"),
    [
        ("1", "2026-03-07T19:59-05:00", 0, False),
        ("1", "2026-03-07T20:30-05:00", 0, False),
        ("1", "2026-03-07T20:31-05:00", 15, False),
        ("1", "2026-03-08T21:00-04:00", 15, False),  # 24 hours, for clocks are put forward in this night
        ("1", "2026-03-08T21:01-04:00", 30, False),
        ("1", "2026-03-09T21:30-04:00", 40, False),
        ("1", "2026-03-12T21:00-04:00", 40, False),
        ("1", "2026-03-12T21:01-04:00", 40, True),
        ("7", "2026-03-10T20:29-04:00", 0, False),
        ("7", "2026-03-10T20:31-04:00", 15, False),
        ("8", "2026-03-09T08:30-04:00", 0, False),  # a day and a half on the wall's clock
        ("8", "2026-03-09T08:31-04:00", 15, False),
    ],
)
def test_what_late_work_costs(rule, student, submitted, percent, closed):
    late = rule.late(student, "measure", at(submitted))
    assert (late.percent, late.closed) == (percent, closed)
    assert bool(late.reason) == bool(percent)


def test_the_file_says_the_rest(rule):
    assert rule.students == {"7", "8"}
    assert str(rule.keep) == "2027-03-31"
    assert rule.due_for("1", "stages") == datetime(2026, 4, 1, tzinfo=UTC)
    assert rule.due_for("7", "stages") == datetime(2026, 4, 1, tzinfo=UTC)
    with pytest.raises(InputError, match="does not say when training is due"):
        rule.due_for("1", "training")


def test_later_is_never_cheaper():
    policy = term.Policy(timedelta(minutes=10), 12, 60)
    due = datetime(2026, 10, 24, 23, 59, tzinfo=platforms.ZONE)
    rule = term.Term(platforms.ZONE, policy, {"measure": due}, {}, {})
    costs = [rule.late("1", "measure", due.astimezone(UTC) + timedelta(minutes=m)).percent for m in range(0, 30_000, 7)]
    assert costs == sorted(costs)
    assert set(costs) == {0, 12, 24, 36, 48, 60}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("timezone", "# timezone", "timezone = .* is wanted, and not None"),
        ("America/New_York", "New York", "and not 'New York'"),
        ("percent_a_day", "percent_per_day", "percent_a_day is meant, perhaps"),
        ("percent_a_day = 15", "percent_a_day = 150", "a number from 0 to 100 is wanted, and not 150"),
        ("percent_a_day = 15", 'percent_a_day = "15"', "and not '15'"),
        ("grace_minutes = 30", "grace_minutes = -1", "of 0 or more is wanted"),
        ("cap_percent = 40", 'of = "points"', '"earned" or "possible" is wanted'),
        ("2026-03-07T20:00:00", '"2026-03-07"', "without quotation marks"),
        ("2026-03-07T20:00:00", "2026-03-07", "a time such as"),
        ("student = 7", "name = 'Ann'", "'name', which nothing reads"),
        ("student = 7", "# none", "wants student ="),
        ('assignment = "measure"', 'assignment = "measures"', "an extension is for 'measures', and .due. has"),
        ("[[extension]]", "[extension]", "written as ..extension.., with two brackets"),
        ("[keep]\nuntil = 2027-03-31", "[keep]\nuntil = 'June'", "a day such as 2027-03-31"),
        ("[due]", "[due", "is not TOML"),
        ("[[accommodation]]", "[[extension]]\nstudent = 7\nassignment = 'measure'\nuntil = 2026-03-11T20:00:00\n"
         "[[accommodation]]", "has two extensions"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_named(tmp_path, old, new, sentence):
    (tmp_path / "term.toml").write_text(TEXT.replace(old, new))
    with pytest.raises(InputError, match=sentence):
        term.read(tmp_path / "term.toml")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        term.read(tmp_path / "term.toml")


# Marks that a person changes


@pytest.fixture
def out(tmp_path) -> Path:
    (tmp_path / "feedback").mkdir()
    return tmp_path


def settled(out: Path, overrides: str = "", late: str = "") -> Result:
    """Ann, who has all points of question 1 (2 of 20) and no others, after what the tables say of her."""
    for name, text in (("overrides.csv", overrides), ("late.csv", late)):
        if text:
            (out / name).write_text(text)
    result = Result("Ann", "ann-1", "a.ipynb", "0f", questions=platforms.questions(FIRST))
    assert result.points == 2
    report.write(out, [result], suite.load("measure"), {})
    return result


FIRST = list(range(len(suite.load("measure").cases[1])))  # the places of question 1's cases
HEAD = "key,question,points,reason\n"
LATE = ",".join(adjust.LATE_COLUMNS) + "\n"


def test_a_person_changes_points_and_the_rule_for_late_work_counts_after_them(out):
    rows = HEAD + "ann-1,2,1.5,the sandbox had no room\nann-1,1,1,copied\n"
    result = settled(out, rows, LATE + "ann-1,5,x,y,20,earned,2 days late\n")
    assert result.mark == pytest.approx((1 + 1.5) * 0.8)
    page = (out / "feedback" / "ann-1.html").read_text()
    assert "<strong>2</strong> of 20" in page
    for told in ("+1.5 points: a person gave 1.5 for question 2: the sandbox had no room", "-1 points", "2 days late"):
        assert told in page
    table = (out / "grades.csv").read_text()
    assert "Ann,a.ipynb,graded,2,20" in table
    assert "copied" in table
    assert "Mean 2, median 2" in (out / "summary.html").read_text()


def test_what_is_given_for_everything_stays_whatever_the_rule_says(out):
    result = settled(out, HEAD + "ann-1,total,18,oral examination\n", LATE + "ann-1,5,x,y,50,earned,late\n")
    assert result.mark == 18


@pytest.mark.parametrize(("of", "mark"), [("earned", 1.0), ("possible", 0.0)])
def test_percentages_are_of_what_the_file_says_and_nobody_goes_below_nothing(out, of, mark):
    assert settled(out, late=LATE + f"ann-1,5,x,y,50,{of},late\n").mark == mark


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("key,question,points\nann-1,1,1\n", "row 2: the columns key, question, points and reason"),
        (HEAD + "ann-1,1,1,\n", "row 2: a reason is wanted"),
        (HEAD + "ann-1,9,1,x\n", "'9' is no question; 1, 2, .* or total"),
        (HEAD + "ann-1,1,2.5,x\n", "points from 0 to 2 are wanted, and not '2.5'"),
        (HEAD + "ann-1,1,nan,x\n", "and not 'nan'"),
        (HEAD + "ann-1,total,-1,x\n", "points from 0 to 20"),
        (HEAD + "ann-1,1,1,x\nann-1,1,2,y\n", "row 3: ann-1 has this question twice"),
        (HEAD + "bob-1,1,1,x\n", "there is no submission bob-1"),
        (HEAD + ",1,1,x\n", "a key is wanted"),
    ],
)
def test_an_override_that_cannot_be_used_is_named(out, rows, sentence):
    with pytest.raises(InputError, match=sentence):
        settled(out, rows)
    assert not (out / "grades.csv").exists()
