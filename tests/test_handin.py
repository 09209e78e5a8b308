"""Marks and pages go back to Moodle and to Canvas, each to the student whom it belongs to, and nowhere else."""

import csv
import zipfile
from pathlib import Path

import platforms
import pytest
from grader import handin, suite
from grader.platforms import canvas, export, moodle
from grader.results import Result
from platforms import POLICY, Student, notebook

MOODLE = {
    "plain": True, "no line at the end": True, "flat file": True, "two folders": True, "online text as well": True,
    "zip inside": True, "python": True, "name with numbers": True, "foreign time": True, "outer junk": True,
    "locked": False, "none": False, "damaged": False, "pdf": False, "empty": False, "another assignment": False,
}  # fmt: skip
CANVAS = {
    "plain": True, "handed in twice": True, "handed in ten times": True, "name with numbers": True, "zip inside": True,
    "bad copy after it": True, "python": True, "old and new": True,
    "excused": False, "unassigned": False, "none": False, "damaged": False, "text entry": False, "pdf": False,
}  # fmt: skip


def moodle_export(students: list[Student], path: Path) -> None:
    """What Moodle's *Download all submissions* gives."""
    with zipfile.ZipFile(path, "w") as archive:
        for one in students:
            who, data = " ".join(one.name), notebook(one.passed, str(one.id))
            folder = f"{who}_{one.id}_assignsubmission_file_"
            if one.kind == "none":
                continue
            if one.kind in ("no line at the end", "two folders"):
                folder = folder[:-1]
            content = {
                "damaged": {"measure.ipynb": data[:40]},
                "pdf": {"measure.pdf": b"%PDF"},
                "empty": {"measure.ipynb": b""},
                "another assignment": {"x.ipynb": data.replace(b"checks.measure", b"checks.nothing")},
                "two folders": {"hw/week 6/measure.ipynb": data},
                "python": {"measure.py": f"passed = {one.passed}\n# %%\nchecks.measure(1, mse)\n".encode()},
                "name with numbers": {"12_34_measure_7.ipynb": data},
                "outer junk": {"measure.ipynb": data, "picture.png": b"\x89PNG", "__MACOSX/._measure.ipynb": b"?"},
            }.get(one.kind, {"measure.ipynb": data})
            if one.kind == "flat file":
                archive.writestr(f"{folder}measure.ipynb", data)
                continue
            for name, each in content.items():
                archive.writestr(f"{folder}/{name}", each)
            if one.kind == "online text as well":
                archive.writestr(f"{who}_{one.id}_assignsubmission_onlinetext_/onlinetext.html", "<p>Here it is.</p>")
        archive.writestr("Gone Away_3_assignsubmission_file_/measure.ipynb", notebook([0, 1]))  # withdrawn since


def canvas_export(students: list[Student], path: Path, number: int = 500_000) -> None:
    """What Canvas's *Download Submissions* gives, with attachments that are counted from a number on."""
    with zipfile.ZipFile(path, "w") as archive:
        for one in students:

            def add(file: str, data: bytes, one: Student = one) -> None:
                nonlocal number
                number += 3
                one.attachments.append(number)
                archive.writestr(platforms.canvas_name(one, number, file), data)

            data, others = notebook(one.passed, str(one.id)), notebook([], f"old {one.id}")
            if one.kind == "text entry":
                archive.writestr(f"{platforms.canvas_name(one, 0, '').removesuffix('_0_')}_text.html", "<p>Hello</p>")
            elif one.kind in ("handed in twice", "handed in ten times", "old and new"):
                times = {"handed in twice": 1, "handed in ten times": 9, "old and new": 1}[one.kind]
                for k in range(times):
                    add(f"measure-{k}.ipynb" if k else "measure.ipynb", others)
                add("a new name.ipynb" if one.kind == "old and new" else f"measure-{times}.ipynb", data)
            elif one.kind == "zip inside":
                inner = path.with_name("inner.zip")
                with zipfile.ZipFile(inner, "w") as packed:
                    packed.writestr("week_6_7/measure.ipynb", data)
                add("hw.zip", inner.read_bytes())
            elif one.kind == "bad copy after it":
                add("measure.ipynb", data)
                add("measure.ipynb.pdf", b"%PDF")
            elif one.kind == "python":
                add("measure.py", f"passed = {one.passed}\n# %%\nchecks.measure(1, mse)\n".encode())
            elif one.kind != "none":
                bad = {"damaged": data[:40], "pdf": b"%PDF"}.get(one.kind, data)
                name = {"name with numbers": "12_34_x.ipynb", "pdf": "measure.pdf"}.get(one.kind, "measure.ipynb")
                add(name, bad)
        archive.writestr("goneaway_3_499999_measure.ipynb", notebook([0, 1]))  # withdrawn since


def report(out: Path, platform: str) -> list[dict]:
    """What was said of each student."""
    with (out / "handin" / f"{platform}-report.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def policy(tmp_path: Path, more: str = "") -> Path:
    path = tmp_path / "term.toml"
    path.write_text(POLICY + more)
    return path


def unpacked(archive: Path, place: Path) -> Path:
    """The folder of an export, with each student's zip inside it as it is."""
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(place)
    return place


def test_a_moodle_class_of_300_comes_back_each_mark_where_it_belongs(tmp_path):
    students = platforms.a_class(300, MOODLE, 1)
    free, longer, closed, wise = [one for one in students if one.kind == "plain" and one.hours > 40][:4]
    longer.hours = 50  # two days on the wall's clock are 49 hours in this night
    more = f"[[extension]]\nstudent = {free.id}\nuntil = 2026-11-20T12:00:00\n"
    more += f'[[accommodation]]\nstudent = "{longer.id}"\nextra_days = 2\n'
    free.deserves, longer.deserves = platforms.points(free.passed), round(platforms.points(longer.passed) * 0.9, 2)
    closed.hours, closed.deserves = 15 * 24, None
    for one in students:
        if one.kind == "foreign time":
            one.deserves = platforms.points(one.passed)  # nothing is taken off for a time that nobody could read
    moodle_export(students, tmp_path / "all.zip")
    sheet, out = tmp_path / "worksheet.csv", tmp_path / "grades"
    sheet.write_text(platforms.worksheet(students), encoding="utf-8", newline="")
    platforms.graded(tmp_path / "all.zip", out)
    (out / "overrides.csv").write_text(f"key,question,points,reason\n{_key(out, wise)},total,17.5,shown in person\n")
    wise.deserves = 17.5
    words = "moodle", "--grades", str(out), "--export", str(sheet), "--policy", str(policy(tmp_path, more))
    before = sheet.read_bytes()
    assert handin.main(list(words)) == 0
    assert sheet.read_bytes() == before
    table, pages = (out / "handin" / name for name in ("moodle-grades.csv", "moodle-feedback.zip"))
    known = {one.id for one in students}
    grades, found = platforms.moodle_imports(table.read_bytes(), pages.read_bytes(), known)
    assert _wrong(students, grades) == []
    silent = {closed.id} | {one.id for one in students if one.kind in ("none", "locked")}
    assert set(found) == known - silent  # who gets no mark is not promised one by a page
    _pages_are_their_own(students, found, out, moodle)
    _nothing_else_changed(before, table.read_bytes(), "Grade")
    _all_are_told(
        students, report(out, "moodle"), {"locked", "damaged", "pdf", "empty", "another assignment"}, [closed]
    )
    unreadable = [row for row in report(out, "moodle") if "cannot be read" in row["why"]]
    assert len(unreadable) == sum(one.kind == "foreign time" for one in students) > 10


def _key(out: Path, one: Student, ids=moodle.ids) -> str:
    stored = (Result.from_json(path.read_text(encoding="utf-8")) for path in (out / "results").glob("*.json"))
    (key,) = (result.key for result in stored if str(one.id) in ids(result.file))
    return key


def _wrong(students: list[Student], grades: dict[int, float]) -> list[str]:
    wrong = []
    for one in students:
        expected = (float(one.before) if one.before else None) if one.deserves is None else one.deserves
        if grades.get(one.id) != (None if expected is None else pytest.approx(expected, abs=0.006)):
            wrong.append(f"{one.kind}, {one.hours} h: {grades.get(one.id)}, and not {expected}")
    return wrong


def _pages_are_their_own(students: list[Student], found: dict[int, bytes], out: Path, module) -> None:
    """A student's page is that of a submission with their number, and shows the mark that they get."""
    files = {}
    for path in (out / "results").glob("*.json"):
        result = Result.from_json(path.read_text(encoding="utf-8"))
        files[(out / "feedback" / f"{result.key}.html").read_bytes()] = result.file
    for one in students:
        if one.id not in found:
            continue
        assert f"_{one.id}_" in files[found[one.id]]
        if one.deserves is not None:
            shown = f"{one.deserves:.2f}".rstrip("0").rstrip(".")
            assert f"<strong>{shown}</strong>".encode() in found[one.id], one


def _nothing_else_changed(before: bytes, after: bytes, column: str) -> None:
    old, new = (list(csv.DictReader(text.decode().splitlines())) for text in (before, after))
    assert len(old) == len(new)
    assert all({**a, column: ""} == {**b, column: ""} for a, b in zip(old, new, strict=True))


def _all_are_told(students: list[Student], rows: list[dict], kinds: set[str], others: list[Student]) -> None:
    """Whoever gets no mark although they handed something in stands first, with a reason."""
    held = {int(row["id"]) for row in rows if row["status"] == "held back"}
    assert held == {one.id for one in students if one.kind in kinds or one in others}
    assert all(row["why"] for row in rows if row["status"] == "held back")
    assert sum(row["status"] == "nobody's" for row in rows) == 1
    assert [row["status"] for row in rows] == sorted(
        (row["status"] for row in rows), key=["nobody's", "held back", "given", "unchanged"].index
    )


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_canvas_class_of_300_comes_back_each_mark_where_it_belongs(tmp_path, delimiter):
    students = platforms.a_class(300, CANVAS, 2)
    canvas_export(students, tmp_path / "submissions.zip")
    book, out, times = tmp_path / "gradebook.csv", tmp_path / "grades", tmp_path / "times.csv"
    book.write_bytes(b"\xef\xbb\xbf" + platforms.gradebook(students, delimiter=delimiter).encode())
    times.write_text("id,submitted\n" + "".join(f"{one.id},{one.submitted.isoformat()}\n" for one in students))
    platforms.graded(unpacked(tmp_path / "submissions.zip", tmp_path / "submissions"), out)
    words = ["canvas", "--grades", str(out), "--export", str(book), "--column", "measure"]
    assert handin.main([*words, "--policy", str(policy(tmp_path)), "--times", str(times)]) == 0
    table, pages = ((out / "handin" / name).read_bytes() for name in ("canvas-grades.csv", "canvas-feedback.zip"))
    assert table.startswith(b"\xef\xbb\xbf")
    grades, found = platforms.canvas_imports(table[3:], pages, students, delimiter=delimiter)
    assert {one.id for one in students if grades[one.id] == "EX"} == {s.id for s in students if s.kind == "excused"}
    assert {one.id for one in students if grades[one.id] == "N/A"} == {s.id for s in students if s.kind == "unassigned"}
    numbers = {who: float(grade) for who, grade in grades.items() if grade not in ("", "EX", "N/A")}
    assert _wrong([one for one in students if one.kind not in ("excused", "unassigned")], numbers) == []
    _pages_are_their_own(students, found, out, canvas)
    silent = ("none", "text entry", "excused", "unassigned")
    assert set(found) == {one.id for one in students if one.kind not in silent}
    _all_are_told(students, report(out, "canvas"), {"excused", "unassigned", "damaged", "pdf", "text entry"}, [])


# What is handed in by several, what is missing, and what cannot be used


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> tuple[Path, list[Student]]:
    """Three students in Canvas, of whom the first two are a group, and the third handed in nothing."""
    place = tmp_path_factory.mktemp("small")
    students = [Student(number, (f"F{number}", "L"), passed=[0, 1]) for number in (11, 12, 13)]
    for one in students[1:]:
        one.kind = "none"
    canvas_export(students, place / "all.zip")
    (place / "gradebook.csv").write_text(platforms.gradebook(students))
    platforms.graded(unpacked(place / "all.zip", place / "submissions"), place / "grades")
    return place, students


def canvas_marks(place: Path, capsys, *more: str) -> dict[str, str]:
    words = [
        "canvas",
        "--grades",
        str(place / "grades"),
        "--export",
        str(place / "gradebook.csv"),
        "--column",
        "Measure",
    ]
    assert handin.main([*words, *more]) == 0, capsys.readouterr().err
    with (place / "grades" / "handin" / "canvas-grades.csv").open(newline="") as file:
        return {row["ID"]: row["Measure (4711)"] for row in csv.DictReader(file) if row["ID"] not in ("", "100000")}


def test_a_group_shares_a_mark_and_the_missing_get_what_is_asked_for(small, capsys):
    place, students = small
    mark = f"{platforms.points([0, 1]):g}"
    assert canvas_marks(place, capsys) == {"11": mark, "12": "", "13": ""}
    assert canvas_marks(place, capsys, "--missing", "0") == {"11": mark, "12": "0", "13": "0"}
    groups = place / "groups.csv"
    groups.write_text("name,canvas_user_id,user_id,login_id,group_name\nA,11,,,Red\nB,12,,,Red\nC,13,,,\n")
    assert canvas_marks(place, capsys, "--groups", str(groups)) == {"11": mark, "12": mark, "13": ""}
    with zipfile.ZipFile(place / "grades" / "handin" / "canvas-feedback.zip") as archive:
        assert archive.namelist() == [f"lf11_11_{students[0].attachments[0]}_feedback.html"]


def test_a_late_group_has_the_time_of_its_member_who_has_longest(small, capsys):
    place, _ = small
    groups, times = place / "groups.csv", place / "times.csv"
    groups.write_text("id,group\n11,Red\n12,Red\n")
    times.write_text("id,submitted\n11,2026-10-26T12:00\n")
    late = ["--groups", str(groups), "--times", str(times), "--policy"]
    marks = canvas_marks(place, capsys, *late, str(policy(place)))
    assert marks["11"] == marks["12"] == f"{platforms.points([0, 1]) * 0.8:g}"
    more = "[[extension]]\nstudent = 12\nuntil = 2026-10-26T13:00:00\n"
    marks = canvas_marks(place, capsys, *late, str(policy(place, more)))
    assert marks["11"] == marks["12"] == f"{platforms.points([0, 1]):g}"
    (place / "grades" / "late.csv").unlink()


def test_a_platform_with_other_points_gets_them_when_asked(small, capsys):
    place, _ = small
    book = place / "other.csv"
    book.write_text((place / "gradebook.csv").read_text().replace("20.00", "100.00"))
    words = ["canvas", "--grades", str(place / "grades"), "--export", str(book), "--column", "Measure (4711)"]
    assert handin.main(words) == 2
    assert "100 points for it, and the assignment 20" in capsys.readouterr().err
    assert handin.main([*words, "--scale", "yes"]) == 0
    told = {row["id"]: row["after"] for row in report(place / "grades", "canvas")}
    assert told["11"] == f"{platforms.points([0, 1]) * 5:g}"


def test_in_a_new_canvas_a_files_number_may_be_a_students(tmp_path, capsys):
    students = [Student(k, (f"F{k}", "L"), passed=[k % 20], before="") for k in range(4, 63)]
    canvas_export(students, tmp_path / "all.zip", 2)
    (tmp_path / "gradebook.csv").write_text(platforms.gradebook(students))
    platforms.graded(unpacked(tmp_path / "all.zip", tmp_path / "submissions"), tmp_path / "grades")
    expected = {str(one.id): f"{platforms.points(one.passed):g}" for one in students}
    assert canvas_marks(tmp_path, capsys) == expected


@pytest.mark.parametrize("name", ["doe_9999", "lf_9999"])
def test_nobody_gives_their_file_to_somebody_else(tmp_path, capsys, name):
    """Canvas lets people choose a name, which then stands before their number."""
    students = [Student(6789, (name, ""), passed=[0, 1]), Student(9999, ("F", "L"), passed=[0, 1])]
    place = tmp_path / "submissions"
    place.mkdir()
    (place / f"{name}_6789_500003_measure.ipynb").write_bytes(notebook([]))
    (tmp_path / "gradebook.csv").write_text(platforms.gradebook(students))
    platforms.graded(place, tmp_path / "grades")
    marks = canvas_marks(tmp_path, capsys)
    assert marks["9999"] == ""
    (row, *_) = report(tmp_path / "grades", "canvas")
    if name.startswith("lf"):  # the other one's name as well: a person looks
        assert marks["6789"] == ""
        assert row["status"] == "nobody's"
        assert "its path has the numbers 9999 and 6789" in row["why"]
    else:
        assert marks["6789"] == "0"


HEAD = "Student,ID,SIS Login ID,Section,Measure (4711)\n"


@pytest.mark.parametrize(
    ("table", "words", "sentence"),
    [
        (None, [], "cannot be read"),
        ("PK\x03\x04", [], "spreadsheet or an archive"),
        ("", [], "no table with a head"),
        ("a,b\n1,2\n", [], "no column 'ID'"),
        (HEAD + "A,11,x\n", [], "row 2 has 3 cells and the head 5"),
        (HEAD + "A,11,x,S,\nB,11,y,S,\n", [], "a student's number twice"),
        (HEAD + "A,,x,S,\n", [], "no student's number"),
        (
            HEAD + "A,11,x,S,\n",
            ["--column", "Measures"],
            "0 assignments 'Measures'; its assignments are Measure (4711)",
        ),
        (HEAD + "A,11,x,S,\n", ["--policy", "term.toml"], "give TIMES="),
        (HEAD + "A,11,x,S,\n", ["--groups", "nowhere.csv"], "there is no file nowhere.csv"),
        (HEAD + "A,11,x,S,\n", ["--missing", "21"], "points from 0 to 20 are wanted, and not '21'"),
        (HEAD + "A,11,x,S,\n", ["--policy", "term.toml", "--times", "bad.csv"], "bad.csv, row 3: a time such as"),
        (HEAD + "A,11,x,S,\n", ["--policy", "term.toml", "--times", "twice.csv"], "the student 11 is there twice"),
        (HEAD + "A,11,x,S,\n", ["--groups", "bad.csv"], "columns id and group are wanted, and group is not there"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence_and_nothing_is_written(
    small, tmp_path, monkeypatch, capsys, table, words, sentence
):
    place, _ = small
    monkeypatch.chdir(tmp_path)
    policy(tmp_path)
    Path("bad.csv").write_text("id,submitted\n1,2026-10-09\n11,Friday\n")
    Path("twice.csv").write_text("id,submitted\n11,2026-10-09\n11,2026-10-10\n")
    if table is not None:
        Path("book.csv").write_text(table)
    files = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    options = words if "--column" in words else [*words, "--column", "Measure"]
    assert handin.main(["canvas", "--grades", str(place / "grades"), "--export", "book.csv", *options]) == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert said.err.count("\n") == 1
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == files


def test_answers_in_words_that_wait_for_a_mark_hold_everything_back(tmp_path, capsys):
    tests = suite.load("training")
    (tmp_path / "grades" / "results").mkdir(parents=True)
    (tmp_path / "grades" / "run.json").write_text(
        f'{{"assignment": "training", "seed": 1, "tests": "{tests.digest}", "facts": {{}}}}'
    )
    result = Result("Ann", "ann-1", "Ann_5_assignsubmission_file_/x.ipynb", "0f", written={8: "I tried."})
    (tmp_path / "grades" / "results" / "ann-1.json").write_text(result.to_json())
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("Identifier,Grade,Maximum Grade,Last modified (grade)\nParticipant 5,,24.00,-\n")
    words = ["moodle", "--grades", str(tmp_path / "grades"), "--export", str(sheet)]
    assert handin.main(words) == 2
    assert "1 answers in words wait for a mark" in capsys.readouterr().err
    assert not (tmp_path / "grades" / "handin").exists()
    table = tmp_path / "grades" / "marks.csv"
    lines = [line.split(",") for line in table.read_text().splitlines()]
    lines[1][5] = "3.5"
    table.write_text("\n".join(",".join(line) for line in lines))
    assert handin.main(words) == 0
    assert report(tmp_path / "grades", "moodle")[0]["after"] == "3.5"


def test_a_worksheet_with_a_scale_is_refused(small, tmp_path, capsys):
    place, _ = small
    sheet = tmp_path / "sheet.csv"
    sheet.write_text('Identifier,Grade,Scale,Last modified (grade)\nParticipant 11,,"Good, Bad",-\n')
    assert handin.main(["moodle", "--grades", str(place / "grades"), "--export", str(sheet)]) == 2
    assert "no column 'Maximum Grade'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "numbers"),
    [
        ("doejane_6789_4711_measure.ipynb", ["6789", "4711"]),
        ("doejane_LATE_6789_4711_name.ipynb", ["6789", "4711"]),
        ("week_6_7/doejane_6789_4711_hw_1_2.ipynb", ["6", "7", "6789", "4711"]),
        ("doejane_6789_text.html", ["6789"]),
        ("anon_7Xq2z_4711_99_x.ipynb", []),
        ("jane.ipynb", []),
    ],
)
def test_the_number_in_a_name_of_canvas(file, numbers):
    assert canvas.ids(file) == numbers


@pytest.mark.parametrize(
    ("file", "numbers"),
    [
        ("Jane Doe_12345_assignsubmission_file_/measure.ipynb", ["12345"]),
        ("Jane Doe_12345_assignsubmission_file/measure.ipynb", ["12345"]),
        ("Jane Doe_12345_assignsubmission_file_measure_2.ipynb", ["12345"]),
        ("Participant_12345_assignsubmission_file_/a.zip/b.ipynb", ["12345"]),
        ("Red-Jane Doe_007_assignsubmission_file_/x.ipynb", ["7"]),
        ("Jane Doe_12345_assignsubmission_onlinetext_/onlinetext.html", ["12345"]),
        ("Jane_2/measure.ipynb", []),
        ("Jane Doe_12345_assignsubmission_file_/John_9_assignsubmission_file_/x.ipynb", ["12345"]),
    ],
)
def test_the_number_in_a_name_of_moodle(file, numbers):
    assert moodle.ids(file) == numbers


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_table_is_written_back_as_it_came(tmp_path, delimiter, encoding, newline):
    lines = [["Ä", "b"], ['x "y"', "1"], ["=1+1", f"a{delimiter}b"]]
    text = "".join(
        delimiter.join(f'"{c.replace(chr(34), 2 * chr(34))}"' if set(c) & {'"', delimiter} else c for c in line)
        + newline
        for line in lines
    )
    (tmp_path / "in.csv").write_bytes(text.encode(encoding))
    export.read(tmp_path / "in.csv").write(tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "in.csv").read_bytes()
