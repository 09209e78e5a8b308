"""Whose a file is: exports in the forms of learning platforms, and in those that people make of them."""

import io
import json
import os
import random
import zipfile
from pathlib import Path

import pytest
import students
from grader import __main__ as command_line
from grader import autograde, collect, layout, people, suite
from grader.confine import Protection
from grader.inside import statements

JANE, BOB, CEM = "jane", "bob", "cem"
METADATA = """---
submission_111222:
  :submitters:
  - :name: Jane Doe
    :sid: '1'
  :created_at: 2026-10-01
submission_111333:
  :submitters:
  - :name: Bob Ray
    :sid: '2'
"""


def work(who: str, age: int = 0, of: str = "stages") -> bytes:
    """A notebook of an assignment that is one person's; an older one has more code."""
    return students.notebook((f"# {who} {age}\n" + "x = 1\n" * age + f"checks.{of}(1, answer)",))


# path -> whose newest notebook it is, with a mark where it is an older one or no submission at all
OLDER, NOBODY = "older ", ""
LAYOUTS = {
    "files": {"jane.ipynb": JANE, "bob.ipynb": BOB},
    "folders": {"Jane/stages.ipynb": JANE, "Bob/stages.ipynb": BOB},
    "an outer folder": {"HW 2/Jane/stages.ipynb": JANE, "HW 2/Bob/stages.ipynb": BOB},
    "outer folders": {"a/b/HW 2/jane.ipynb": JANE, "a/b/HW 2/bob.ipynb": BOB},
    "an outer folder with a person's name": {"Miller/jane.ipynb": JANE, "Miller/bob.ipynb": BOB},
    "sections": {"Section A/Jane/x.ipynb": JANE, "Section A/Bob/x.ipynb": BOB, "Section B/Cem/x.ipynb": CEM},
    "sections of files": {"s1/jane.ipynb": JANE, "s1/bob.ipynb": BOB, "s2/cem.ipynb": CEM, "s2/dan.ipynb": "dan"},
    "sections in an outer folder": {"HW/A/Jane/x.ipynb": JANE, "HW/A/Bob/x.ipynb": BOB, "HW/B/Cem/x.ipynb": CEM},
    "one section among students": {
        "Jane/x.ipynb": JANE, "Bob/x.ipynb": BOB,
        "Cem/cem.ipynb": CEM, "B/dan.ipynb": "dan", "B/eve.ipynb": "eve", "B/fay.ipynb": "fay",
    },
    "one student": {"jane/stages.ipynb": JANE},
    "one student in folders": {"HW 2/Jane/work/stages.ipynb": JANE},
    "downloads from messages": {"HW 2/stages.ipynb": JANE, "HW 2/stages (1).ipynb": BOB, "HW 2/stages (2).ipynb": CEM},
    "assignments in folders": {
        "jane/measure/measure.ipynb": NOBODY, "jane/stages/stages.ipynb": JANE, "bob/stages/stages.ipynb": BOB,
    },
    "a whole repository": {
        "stages-jane/book/exercises/stages/student.ipynb": JANE, "stages-jane/book/01_start.ipynb": NOBODY,
        "stages-jane/book/02_network.ipynb": NOBODY, "stages-jane/book/07_metrics.ipynb": NOBODY,
        "stages-bob/book/exercises/stages/student.ipynb": BOB,
    },
    "a student's other files": {
        "Jane/stages.ipynb": JANE, "Jane/helper.py": NOBODY, "Jane/plot.png": NOBODY, "Jane/data/x.csv": NOBODY,
        "bob.ipynb": BOB, "bob.pdf": NOBODY,
    },
    "late and renamed": {
        "jane.ipynb": OLDER, "jane_LATE.ipynb": JANE, "bob.ipynb": OLDER, "bob (1).ipynb": BOB,
        "Copy of cem.ipynb": CEM,
    },
    "Gradescope": {
        "assignment_9_export/submission_111222/stages.ipynb": JANE,
        "assignment_9_export/submission_111222/helper.py": NOBODY,
        "assignment_9_export/submission_111333/stages.ipynb": BOB,
        "assignment_9_export/submission_metadata.yml": NOBODY,
    },
    "Moodle": {
        "Jane Doe_77_assignsubmission_file_/stages.ipynb": JANE,
        "Jane Doe_77_assignsubmission_onlinetext_/onlinetext.html": NOBODY,
        "Bob_78_assignsubmission_file_/a/b/stages.ipynb": BOB,
    },
    "Moodle without folders": {
        "Jane Doe_77_assignsubmission_file_stages.ipynb": JANE, "Jane Doe_77_assignsubmission_file_notes.txt": NOBODY,
        "Jane Doe_77_assignsubmission_onlinetext_onlinetext.html": NOBODY,
        "Bob_78_assignsubmission_file_stages.ipynb": BOB,
    },
    "Moodle, blind": {
        "Participant_77_assignsubmission_file_/x.ipynb": JANE, "Participant_78_assignsubmission_file_/x.ipynb": BOB,
    },
    "Moodle, a course of two groups": {
        "A/Jane_77_assignsubmission_file_/x.ipynb": JANE, "B/Bob_78_assignsubmission_file_/x.ipynb": BOB,
    },
    "Canvas": {
        "doejane_101_5001_stages.ipynb": OLDER, "doejane_LATE_101_5009_stages-1.ipynb": JANE,
        "doejane_101_5002_plot.png": NOBODY, "raybob_102_5003_stages.ipynb": BOB, "raybob_102_text.html": NOBODY,
        "cem_LATE_103_5004_My stages.ipynb": CEM,
    },
    "Canvas, anonymous": {"anon_ab1_5001_stages.ipynb": JANE, "LATE_anon_cd2_5002_stages.ipynb": BOB},
    "names that look like Canvas's": {"hw_2_101_jane.ipynb": JANE, "hw_2_101_bob.ipynb": BOB},
    "dates that look like Canvas's": {"2026_10_105_jane.ipynb": JANE, "2026_10_106_bob.ipynb": BOB},
    "Blackboard": {
        "HW 2_jdoe_attempt_2026-10-01-10-00-00_stages.ipynb": OLDER,
        "HW 2_jdoe_attempt_2026-10-01-10-00-00.txt": NOBODY,
        "HW 2_jdoe_attempt_2026-10-02-10-00-00_stages.ipynb": JANE,
        "HW 2_jdoe_attempt_2026-10-02-10-00-00.txt": NOBODY,
        "HW 2_j_ray_attempt_2026-10-01-10-00-00_stages.ipynb": BOB,
        "HW 2_k_ray_attempt_2026-10-01-10-00-00_stages.ipynb": CEM,
    },
    "Brightspace": {
        "index.html": NOBODY,
        "501-99 - Jane Doe - Oct 9, 2026 930 AM/stages.ipynb": OLDER,
        "501-99 - Jane Doe - Oct 10, 2026 1130 PM/stages.ipynb": JANE,
        "502-99 - Bob Ray - Oct 9, 2026 930 AM/stages.ipynb": BOB,
    },
    "Brightspace without folders": {
        "index.html": NOBODY, "501-99 - Jane Doe- Oct 9, 2026 930 AM - stages.ipynb": JANE,
        "502-99 - Bob Ray- Oct 9, 2026 930 AM - stages.ipynb": BOB,
    },
    "what systems add": {
        "jane.ipynb": JANE, "bob.ipynb": BOB, "Thumbs.db": NOBODY, "desktop.ini": NOBODY, "grades.csv": NOBODY,
        ".DS_Store": NOBODY, "__MACOSX/._jane.ipynb": NOBODY, ".ipynb_checkpoints/jane-checkpoint.ipynb": NOBODY,
    },
}  # fmt: skip


def contents(layout: dict[str, str]) -> dict[str, bytes]:
    made = {}
    for path, who in layout.items():
        made[path] = work(who or "nobody", of="measure" if "measure" in path else "stages")
        if who == OLDER:
            made[path] = work(path, age=9)
        elif path.endswith(".ipynb") and not who and "measure" not in path:
            made[path] = students.notebook(('checks.exercise("7.1", psnr)\ndef patches(x): ...\ndef average(x): ...',))
        elif path.endswith("yml"):
            made[path] = METADATA.encode()
        elif not path.endswith(".ipynb"):
            made[path] = b"import os"
    return made


def zipped(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return made.getvalue()


def unpack(files: dict[str, bytes], place: Path) -> Path:
    for path, data in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(data)
        os.utime(place / path, (1e9, 1e9))
    return place


@pytest.mark.parametrize("form", ["folder", "zip", "zip in a folder", "zip in a zip"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_each_gets_one_row_with_the_newest_notebook(name, form, tmp_path):
    files = contents(LAYOUTS[name])
    wanted = {files[path]: path for path, who in LAYOUTS[name].items() if who not in (OLDER, NOBODY)}
    place = tmp_path / "in"
    place.mkdir()
    if form == "folder":
        unpack(files, place)
    elif form == "zip in a folder":
        (place / "export.zip").write_bytes(zipped(files))
    else:
        place = tmp_path / "in.zip"
        place.write_bytes(zipped(files if form == "zip" else {"outer/export.zip": zipped(files)}))
    found = [submission.of("stages") for submission in collect.find(place)]
    assert {one.data: one.file.removeprefix("outer/").removeprefix("export.zip/") for one in found} == wanted
    assert len(found) == len(wanted)
    assert len({one.key for one in found}) == len(wanted)
    older = [path for path, who in LAYOUTS[name].items() if who == OLDER]
    told = " ".join(one.remark for one in found)
    assert all(f"not {path}" in told or path in told for path in older)
    assert [one.remark for one in found if one.remark and not older] == []


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_student_has_the_same_key_when_a_later_copy_is_added(name, tmp_path):
    files = contents(LAYOUTS[name])
    first = {path: data for path, data in files.items() if LAYOUTS[name][path] not in (OLDER, NOBODY) or "yml" in path}
    keys = [{one.key for one in collect.find(unpack(some, tmp_path / str(k)))} for k, some in enumerate((first, files))]
    if "one student" not in name:  # who is alone has another folder's name
        assert keys[0] == keys[1]


def test_a_name_is_shown_as_the_platform_has_it(tmp_path):
    shown = {}
    for name in ("Gradescope", "Moodle", "Canvas", "Blackboard", "Brightspace", "sections", "one student in folders"):
        shown[name] = [one.student for one in collect.find(unpack(contents(LAYOUTS[name]), tmp_path / name))]
    assert shown == {
        "Gradescope": ["Bob Ray (submission_111333)", "Jane Doe (submission_111222)"],
        "Moodle": ["Bob_78", "Jane Doe_77"],
        "Canvas": ["cem_103", "doejane_101", "raybob_102"],
        "Blackboard": ["j_ray", "jdoe", "k_ray"],
        "Brightspace": ["Bob Ray", "Jane Doe"],
        "sections": ["Bob", "Cem", "Jane"],
        "one student in folders": ["Jane"],
    }


def test_the_times_of_two_notebooks_decide_and_without_them_the_code(tmp_path):
    old, new = work(JANE, age=9), work(JANE)
    place = unpack({"Jane/first.ipynb": old, "Jane/second.ipynb": new, "Bob/b.ipynb": work(BOB)}, tmp_path)
    chosen = {one.student: one for one in collect.find(place)}["Jane"]
    assert chosen.data == old
    assert chosen.remark == "Jane/first.ipynb was graded, which has the most code, and not Jane/second.ipynb"
    os.utime(place / "Jane" / "first.ipynb", (1e9, 1e9))
    os.utime(place / "Jane" / "second.ipynb", (1e9 + 1, 1e9 + 1))  # an archive could not tell this from the other's
    assert {one.student: one for one in collect.find(place)}["Jane"].data == old
    os.utime(place / "Jane" / "second.ipynb", (2e9, 2e9))
    chosen = {one.student: one for one in collect.find(place)}["Jane"]
    assert chosen.data == new
    assert chosen.remark == "Jane/second.ipynb was graded, which is the newest, and not Jane/first.ipynb"


def test_a_newer_file_that_cannot_be_graded_does_not_hide_the_older_one(tmp_path):
    files = {
        "jane.ipynb": work(JANE),
        "jane (1).ipynb": b'{"cells": [',
        "jane (2).ipynb": students.notebook(("x = 1",)),
    }
    (found,) = collect.find(unpack({**files, "jane.py": b"checks.stages(1, f)"}, tmp_path))
    assert found.data == files["jane.ipynb"]
    assert "which is the newest of this assignment that can be read, and not jane (1).ipynb, jane (2)" in found.remark


def test_who_only_typed_or_handed_in_another_kind_of_file_is_told_so(tmp_path):
    files = {
        "Jane_77_assignsubmission_onlinetext_/onlinetext.html": b"<p>see my Drive",
        "Bob_78_assignsubmission_file_/work.rar": b"Rar!",
        "Cem_79_assignsubmission_file_/work.pdf": b"%PDF",
        "Dan_80_assignsubmission_file_/stages.ipynb": work("dan"),
    }
    found = {one.student: one.problem for one in collect.find(unpack(files, tmp_path))}
    assert found.pop("Dan_80") == ""
    assert found == {
        "Jane_77": "there is no notebook, only what was typed into the platform",
        "Bob_78": "work.rar is an archive of the kind .rar, which is not read",
        "Cem_79": "there is no notebook: no file whose name ends in .ipynb",
    }


HELPER = b"def resize(image):\n    return image\n"


@pytest.mark.parametrize(
    "files",
    [
        {"stages.ipynb": work(JANE)},
        {"stages.ipynb": work(JANE), "helpers/__init__.py": HELPER, "a/b/c.py": HELPER, "zz.py": HELPER},
        {"work/week 3/stages.ipynb": work(JANE), "a.py": HELPER, "helpers/a.py": HELPER},
        {"z/stages.ipynb": work(JANE), "a/measure.ipynb": work(JANE, 5, "measure"), "a/trial.ipynb": HELPER},
        {"hand in.zip": zipped({"z/stages.ipynb": work(JANE), "a/x.py": HELPER}), "README.md": b"mine"},
        {
            "stages.py": b"# %%\ndef extract(image):\n    return 1\n\n# %%\ndef average(image):\n    return 1\n",
            "a/__init__.py": HELPER,
        },
    ],
)
def test_in_the_folder_of_one_student_the_notebook_is_found_whatever_is_beside_it(files, tmp_path):
    """As in a checkout, and in Gradescope: all folders are the same student's."""
    found = collect.of_one(unpack(files, tmp_path), "stages")
    assert found.problem == ""
    assert collect.assignment(found.notebook, collect.NAMES) == "stages"


@pytest.mark.parametrize("files", [{}, {"README.md": b"mine"}, {"a/work.pdf": b"%PDF"}])
def test_in_the_folder_of_one_student_without_a_notebook_that_is_said(files, tmp_path):
    assert collect.of_one(unpack(files, tmp_path), "stages").problem == collect.NO_NOTEBOOK


def test_archives_in_archives_end_somewhere(tmp_path):
    data = zipped({"stages.ipynb": work(JANE)})
    for _ in range(6):
        data = zipped({"jane.zip": data})
    (tmp_path / "jane.zip").write_bytes(data)
    (tmp_path / "bob.ipynb").write_bytes(work(BOB))
    found = {one.student: one.problem for one in collect.find(tmp_path)}
    assert found == {"bob": "", "jane": "it has zip files in zip files, more than 4 deep"}


def test_names_in_archives_of_windows_are_read(tmp_path):
    data = bytearray(zipped({"Jürgen/stages.ipynb": work(JANE), "Zoë/x.ipynb": work(BOB)}))
    place = tmp_path / "in.zip"
    place.write_bytes(
        bytes(data).replace("Jürgen/".encode(), "Jürgen\\".encode()).replace("Zoë/".encode(), "Zoë\\".encode())
    )
    assert {one.student for one in collect.find(place)} == {"Jürgen", "Zoë"}


def test_a_notebook_with_large_outputs_is_graded_without_them(tmp_path):
    stored = json.loads(work(JANE))
    picture = {"output_type": "display_data", "metadata": {}, "data": {"image/png": 'A\\n"' * 8_000_000}}
    lines = {"output_type": "stream", "name": "stdout", "text": ["tensor([0.1, 0.2])\n"] * 300_000}
    stored["cells"][0]["outputs"] = [picture, lines]
    data = json.dumps(stored).encode()
    assert len(data) > 40e6
    (tmp_path / "jane.ipynb").write_bytes(data)
    (found,) = collect.find(tmp_path)
    assert found.notebook.cells == collect.read(work(JANE)).cells
    assert len(found.data) < 2000


def test_a_file_that_would_fill_the_memory_is_refused(tmp_path):
    (tmp_path / "jane.ipynb").write_bytes(b"[" + b"[]," * 7_500_000 + b"[]]")
    (found,) = collect.find(tmp_path)
    with pytest.raises(collect.Unreadable, match="millions of lists"):
        _ = found.notebook


def test_two_folders_whose_names_end_alike_have_results_of_their_own(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(command_line, "_found", lambda place, out: asked.append(out.name) or [])
    monkeypatch.setattr(command_line, "_assignment", lambda *_: "nothing")
    for name in ("hw.A", "hw.B", "hw.zip"):
        (tmp_path / name).mkdir() if name != "hw.zip" else (tmp_path / name).touch()
        command_line.main([str(tmp_path / name), "--seed", "1"])
    assert asked == ["hw.A-grades", "hw.B-grades", "hw-grades"]


def test_who_has_withdrawn_is_in_no_table_and_told(tmp_path, monkeypatch, capsys):
    def results(waiting, *_):
        for submission in waiting:
            result = autograde.blank(submission)
            result.questions = [autograde._unanswered(1, suite.load("stages").cases[1])]
            yield result

    monkeypatch.setattr(command_line.pool, "results", results)
    monkeypatch.setattr(command_line.sandbox, "choose", lambda *_: Protection("none"))
    place = unpack({"jane.ipynb": work(JANE), "bob.ipynb": work(BOB)}, tmp_path / "in")
    assert command_line.main([str(place), "--seed", "1"]) == 0
    (place / "bob.ipynb").unlink()
    (place / "jane.ipynb").unlink()
    unpack({"jane_LATE.ipynb": work(JANE)}, place)  # renamed, and otherwise the same
    assert command_line.main([str(place), "--seed", "1"]) == 0
    said = capsys.readouterr().out
    assert "1 graded before are no longer among the submissions, and in no table: bob" in said
    assert "1 submissions, 1 of them graded before" in said
    table = (tmp_path / "in-grades" / "grades.csv").read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[0] for row in table] == ["student", "jane"]
    assert len(list((tmp_path / "in-grades" / "results").iterdir())) == 2


WORDS = ["jane", "bob", "hw", "2", "stages", "(1)", "late", "copy of", "final", "v2", "77", "101", "_", "x", "miller"]


def test_no_notebook_is_ever_lost_in_whatever_folders():
    draw = random.Random(1)
    for _ in range(2000):
        paths = set()
        for _ in range(draw.randint(1, 8)):
            parts = [
                draw.choice("_ ").join(draw.choices(WORDS, k=draw.randint(1, 4))) for _ in range(draw.randint(1, 4))
            ]
            paths.add("/".join(parts) + ".ipynb")
        owners = layout.owners(sorted(paths), lambda path: True)
        assert set(owners) == paths
        assert all(owner.who and owner.student for owner in owners.values())
        plain = {
            path for path in paths if "/" not in path and people.personal(path) and people.again(path[:-6])[1] == 0
        }
        names = {owners[path].who for path in plain if not owners[path].who.startswith("canvas")}
        assert len(names) == len([path for path in plain if not owners[path].who.startswith("canvas")]), paths


def test_statements_put_together_are_the_text_again():
    draw = random.Random(1)
    for _ in range(2000):
        text = "".join(draw.choices("abc=(): \n\n\"'%!#@\t", k=draw.randint(0, 60)))
        assert "".join(statements.split(text)) == text


def test_again_takes_off_what_marks_a_copy():
    for name in ("jane", "Copy of jane", "jane (1)", "jane_LATE", "jane - Copy", "Copy of jane_v2 (3)", "jane final"):
        assert people.again(name)[0] == "jane", name
    assert [people.again(name)[1] for name in ("jane", "jane (3)", "jane_v2")] == [0, 3, 2]
    assert people.again("(1)") == ("(1)", 0)
