"""Bad input: the cases of tools/fuzz in short, and each kind of fault that they found."""

import io
import json
import struct
import time
import zipfile
from pathlib import Path

import pytest
import torch
from exercises import variants
from fuzz import __main__ as fuzz
from fuzz import guard
from grader import collect, manual, notebook, term
from grader import files as handed_in
from grader.inside import statements
from grader.platforms import canvas, export, moodle

from srcnn import containers, data, pretrained, runs
from srcnn.cli import main
from srcnn.cli.errors import sentence
from srcnn.files import InputError, read_records, whole_zip
from srcnn.model import SRCNN
from srcnn.recipes import with_changes

NOTEBOOK = json.dumps({"cells": [{"cell_type": "code", "source": "checks.stages(1, x)"}]})


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="a process's memory is told by Linux alone")
def test_no_case_of_any_kind_ends_in_a_fault():
    cases = list(fuzz.run("+".join(fuzz.SHARES), 320, seed=1))
    assert len(cases) == 320
    assert [case for case in cases if case["outcome"] not in fuzz.FINE] == []
    assert {"taken", "refused"} <= {case["outcome"] for case in cases}


@pytest.mark.parametrize(
    ("work", "fault"),
    [
        (lambda: 1 / 0, "traceback"),
        (lambda: open("new", "w").close(), "written"),
        (lambda: open("kept", "w").close(), "overwritten"),
        (lambda: open("../outside", "w").close(), "outside"),
        (lambda: 1, "status"),
        (lambda: max(0 for _ in iter(int, 1)), "hang"),
        (lambda: 2, "sentence"),
        (lambda: bytearray(2**62), "memory"),
    ],
)
def test_the_guard_sees_every_kind_of_fault(work, fault, tmp_path, monkeypatch):
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "kept").write_text("kept")
    monkeypatch.chdir(tmp_path / "case")
    monkeypatch.setattr(guard, "SECONDS", 0.5)
    assert guard.outcome(guard.Case(work), tmp_path / "case")[0] == fault
    assert guard.outcome(guard.Case(lambda: None), tmp_path / "case")[0] == "taken"


ENTRY = '[a]\ntitle = "A"\nwhat = "B"\nlicense = "C"\nfolders = { test = "A" }\nmirrors = [["https://x.org/a.zip"]]\n'


@pytest.mark.parametrize(
    ("entry", "lines", "told"),
    [
        ("[a", "", "the registry in .* is damaged"),
        ("a = 3", "", r"\[a\]: title, what, license, folders, mirrors are wanted"),
        (ENTRY.replace('"B"', "3"), "", "title, what and license are text"),
        (ENTRY.replace('{ test = "A" }', "{}"), "", "folders are those of train, of test, or of both"),
        (ENTRY.replace('test = "A"', 'test = "../A"'), "", "a folder lies under the root"),
        (ENTRY.replace('test = "A"', 'test = "/A"'), "", "a folder lies under the root"),
        (ENTRY.replace("https", "file"), "", "mirrors are lists of lists of addresses"),
        (ENTRY, "abc", r"checksums.txt, line 1: SHA-256"),
        (ENTRY, f"{'0' * 64} - A/../../x.png", r"checksums.txt, line 1: SHA-256"),
        (ENTRY, b"\xff", "the registry in .* is damaged"),
    ],
)
def test_a_damaged_registry_is_told_and_leads_nowhere_else(entry, lines, told, tmp_path, monkeypatch):
    (tmp_path / "registry.toml").write_text(entry)
    (tmp_path / "checksums.txt").write_bytes(lines if isinstance(lines, bytes) else lines.encode())
    monkeypatch.setattr(data, "shipped", tmp_path.joinpath)
    with pytest.raises(InputError, match=told):
        data.registry.__wrapped__()


class Asked(io.BytesIO):
    """A file that keeps how many bytes it was asked for at once."""

    most = 0

    def read(self, size: int = -1) -> bytes:
        self.most = max(self.most, size)
        return super().read(size)


@pytest.mark.parametrize("name", [b"tEXt", b"zTXt", b"eXIf", b"gAMA", b"abcd", b"iCCP"])
@pytest.mark.parametrize("size", [2**31 - 1, 2**32 - 1])
def test_no_chunk_of_a_png_takes_the_memory_that_it_states(name, size):
    stream = Asked(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", size) + name + bytes(40))
    containers.sound_png(stream)
    list(containers.png_chunks(stream))
    assert stream.most <= 60


def test_a_zip_is_whole_or_not_whatever_is_wrong_with_it(tmp_path):
    path = tmp_path / "a.pt"
    torch.save({"a": torch.ones(9)}, path)
    good = path.read_bytes()
    assert whole_zip(path)
    head = good.rfind(b"PK\1\2")
    for at, wrong in ((8, b"\1\0"), (8, b"\0\x08"), (10, b"\x63\0"), (46, b"\xff\xff"), (24, b"\xff\xff\xff\x7f")):
        path.write_bytes(good[: head + at] + wrong + good[head + at + len(wrong) :])
        assert isinstance(whole_zip(path), bool)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("archive/data.pkl", bytes(10**6))
    assert not whole_zip(path)


@pytest.mark.parametrize("at", [6, 8, 10, 46])
def test_a_damaged_checkpoint_is_passed_over_whatever_is_damaged(at, tmp_path, pictures):
    settings = {"architecture": "3-1-3", "widths": "2-2", "batch_size": 2, "optimizer": "adam", "steps": 2}
    config = with_changes("fast", data=str(pictures), scale=2, **settings)
    run = runs.Run(config, tmp_path / "run")
    for _ in run:
        pass
    file = tmp_path / "run" / "checkpoint.pt"
    bad = bytearray(file.read_bytes())
    for head in (k for k in range(len(bad)) if bad[k : k + 4] == b"PK\1\2"):
        bad[head + at] ^= 0xFF
        bad[head + 9] ^= 0x08  # its name says that it is UTF-8
    file.write_bytes(bad)
    with pytest.raises(InputError, match="damaged, and no checkpoint is left"):
        runs.Run(config, tmp_path / "run", resume=True)


def test_a_number_too_large_for_a_float_ends_a_log_as_damage_does(tmp_path):
    (tmp_path / "log").write_text('{"a": 1}\n{"a": 1' + "0" * 400 + "}\n")
    assert read_records(tmp_path / "log", numbers=["a"]) == [{"a": 1}]


def _safetensors(shapes: dict[str, list[int]]) -> bytes:
    header, at = {}, 0
    for name, shape in shapes.items():
        size = 4 * torch.Size(shape).numel()
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(at)


@pytest.mark.parametrize("first", [[1, 1, 100_001, 0], [1, 1, 20_001, 1], [1, 100_000, 9, 0], [0, 1, 9_999, 9_999]])
def test_no_network_is_made_of_sizes_that_a_small_file_states(first, tmp_path, monkeypatch):
    path = tmp_path / "w.safetensors"
    biases = {f"{stage}.bias": [1] for stage in ("extraction", "mapping", "reconstruction")}
    weights = {f"{stage}.weight": [1, 1, 1, 1] for stage in ("mapping", "reconstruction")}
    path.write_bytes(_safetensors({"extraction.weight": first} | weights | biases))
    monkeypatch.setattr(SRCNN, "__init__", lambda *_, **__: pytest.fail("a network was made"))
    with pytest.raises(InputError, match="holds another network"):
        pretrained.load(path)


def test_no_network_is_made_of_a_number_that_says_it_is_a_million(tmp_path, monkeypatch):
    one = torch.ones(1)
    giant = {f"{layer}.weight": one.expand(9_999, 9_999, 9, 9) for layer in "abc"} | {f"{n}.bias": one for n in "abc"}
    torch.save(giant, tmp_path / "w.pth")
    monkeypatch.setattr(SRCNN, "__init__", lambda *_, **__: pytest.fail("a network was made"))
    with pytest.raises(InputError, match="holds another network"):
        pretrained.load(tmp_path / "w.pth")


def test_what_is_said_can_be_read():
    long = "a" * 10_000
    for told in (str(InputError(f"{long} is no number")), sentence(ValueError(f"{long} is no number"))):
        assert len(told) <= 1_500
        assert told.endswith("a is no number")


def test_a_sentence_has_one_line_whatever_a_name_in_it_has():
    assert str(InputError("no column 'a\nb'\r\nis there")) == "no column 'a b' is there"


def test_figures_do_not_take_the_place_of_weights_or_of_a_photograph(pictures, weights, capsys):
    before = {path: path.read_bytes() for path in (pictures / "0.png", Path(weights))}
    for path, content in before.items():
        words = ["evaluate", "--weights", "bicubic", "--data", str(pictures), "--scale", "2", "--json", str(path)]
        assert main(words) == 2
        assert f"{path} is there already and no .json file" in capsys.readouterr().err
        assert path.read_bytes() == content


# What was handed in


@pytest.mark.parametrize("line", ["if a:", "try:", "x = (", "x = '''", "'''", "@a", "class A:"])
def test_a_file_of_statements_without_an_end_is_cut_in_seconds(line):
    text = f"{line}\n" * 1500
    began = time.process_time()
    assert "".join(statements.split(text)) == text
    assert time.process_time() - began < 8


def test_a_long_string_is_one_statement_and_a_comment_does_not_end_a_block():
    text = 'x = """\n' + "words\n" * 3000 + '"""\nif x:\n# why\n    y = 1\n'
    assert len(statements.split(text)) == 2


@pytest.mark.parametrize("cells", [1.5, 7, True, {"a": 1}, "text"])
def test_a_worksheet_whose_cells_are_no_list_has_none(cells):
    assert notebook.read(json.dumps({"worksheets": [{"cells": cells}]}).encode()).cells == ()


def test_half_a_character_does_not_keep_a_notebook_from_being_written():
    text = notebook.read(b'{"cells": [{"cell_type": "markdown", "source": ["a\\ud83d", "b"]}]}').words
    assert text.encode() == b"a?b"


def _class(tmp_path, members: dict[str, str | bytes], **about) -> list[collect.Submission]:
    with zipfile.ZipFile(tmp_path / "class.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo("x", about.get("date_time", (2026, 10, 1, 1, 1, 1)))
            info.filename, info.compress_type = name, zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return collect.find(tmp_path / "class.zip")


@pytest.mark.parametrize("name", ["a/" * 1500, "a/" * 20_000, "a" * 60_000, "(1)" * 15_000, "x.py" * 15_000])
def test_a_name_that_no_disk_could_have_costs_nobody_else_anything(name, tmp_path):
    began = time.process_time()
    found = _class(tmp_path, {f"{name}x.ipynb": NOTEBOOK, "bob.ipynb": NOTEBOOK + " "})
    assert "bob" in {submission.student for submission in found}
    assert len(found) == 2
    assert time.process_time() - began < 5


def test_a_month_0_is_no_reason_to_refuse_an_archive(tmp_path):
    (found,) = _class(tmp_path, {"jane.ipynb": NOTEBOOK}, date_time=(1980, 0, 0, 0, 0, 0))
    assert found.notebook.cells


def test_two_files_of_one_name_are_both_there(tmp_path):
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        archive.writestr("jane.ipynb", NOTEBOOK)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("jane.ipynb", NOTEBOOK + " ")
    paths = [file.path for file in handed_in.find(tmp_path / "class.zip")]
    assert paths == ["jane.ipynb", "jane (2).ipynb"]


@pytest.mark.parametrize("limit", ["KEPT", "MOST"])
def test_what_of_an_archive_was_not_looked_at_is_told(limit, tmp_path, monkeypatch):
    monkeypatch.setattr(handed_in, limit, 2 if limit == "MOST" else 1)
    monkeypatch.setattr(handed_in, "TIMES", 0 if limit == "KEPT" else 20)
    found = _class(tmp_path, {f"s{k}/jane{k}.ipynb": NOTEBOOK for k in "abcd"})
    assert any(handed_in.REST in submission.file and submission.problem for submission in found)


def test_a_name_that_is_not_what_it_says_damages_the_archive_alone(tmp_path):
    _class(tmp_path, {"é.ipynb": NOTEBOOK})
    path = tmp_path / "class.zip"
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xff"))
    assert [file.problem for file in handed_in.find(path)] == [handed_in.DAMAGED]


@pytest.mark.parametrize("size", [notebook.LARGEST * 2])
@pytest.mark.parametrize("pattern", [b'"a",', b" x"])
def test_a_large_file_that_is_no_notebook_is_not_kept_whole(size, pattern):
    assert len(notebook.slim(pattern * (size // len(pattern)))) <= notebook.LARGEST


# Tables


def _table(tmp_path, text: str):
    path = tmp_path / "table.csv"
    path.write_text(text)
    return path


def test_a_cell_without_end_is_told_by_every_reader_of_tables(tmp_path):
    path = _table(tmp_path, 'ID,key,Student\n1,"' + "a" * 140_000)
    for read in (export.read, manual.rows_of, lambda table: variants.keys(table, "key")):
        with pytest.raises(InputError, match="a quotation mark may be missing"):
            read(path)


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 5000])
def test_a_terms_file_with_an_endless_value_is_told(value, tmp_path):
    (tmp_path / "term.toml").write_text(f"[late]\ngrace_minutes = {value}\n")
    with pytest.raises(InputError, match=r"term\.toml"):
        term.read(tmp_path / "term.toml")


def test_a_gradebook_without_names_and_a_worksheet_with_endless_numbers_are_told(tmp_path):
    with pytest.raises(InputError, match="no column 'LastName'"):
        canvas.places(export.read(_table(tmp_path, "ID,Section,A (7)\n1,One,2\n")), "A")
    head = "Identifier,Grade,Maximum Grade,Last modified (grade)\n"
    table = export.read(_table(tmp_path, f"{head}Participant {'9' * 5000},,10,-\nParticipant 12,,10,-\n"))
    assert [place.id for place in moodle.places(table)[0]] == ["12"]
