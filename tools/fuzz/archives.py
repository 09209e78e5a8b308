"""What platforms and students pack: archives in archives, names that lead elsewhere, links, bombs."""

import io
import json
import re
import stat
import struct
import zipfile
from functools import partial
from pathlib import Path
from random import Random

from grader import collect
from grader.notebook import Unreadable

from fuzz.guard import Case
from fuzz.mutate import EXTREMES, damaged

SAFE = re.compile(r"[A-Za-z0-9_-]{1,80}")
NAMES = (
    "jane.ipynb", "bob.ipynb", "Jane/stages.ipynb", "Bob/stages.ipynb", "../../up.ipynb", "/etc/up.ipynb",
    "a/../../b.ipynb", "..",
    "C:\\Users\\jane\\x.ipynb", "\\\\server\\x.ipynb", "Jane Doe_123_assignsubmission_file_/stages.ipynb",
    "doejane_123_456_x.ipynb",
    "Jane Doe_124_assignsubmission_onlinetext_/onlinetext.html", "doejane_LATE_123_457_x.ipynb",
    "submission_111222/stages.ipynb",
    "123-456 - Jane Doe - Oct 1, 2026 1105 PM/x.ipynb", "HW_jdoe_attempt_2026-10-01-10-00-00_x.ipynb",
    "submission_metadata.yml",
    ".hidden/x.ipynb", "__MACOSX/._x.ipynb", "x.rar", "x.tar.gz", "notes.txt", "x.py", "empty/", "é漢.ipynb",
    "\ud83d.ipynb", "a\nb.ipynb",
    "con.ipynb", "jane.ipynb.txt", "jane (1).ipynb", "Copy of jane.ipynb", "in.zip", "Jane.zip", "deep/in.zip",
    ".ipynb", "/", "//", "\\",
    "(1)" * 9000 + ".ipynb", ".py" * 9000, "1-1 - a- " + "1234 " * 9000 + ".ipynb",
    "_1" * 9000 + "_assignsubmission_", "a/" * 20_000 + "x.ipynb",
    "a/" * 1500 + "x.ipynb", "b/" * 300 + "x.ipynb", "a" * 60_000 + ".ipynb", "a" * 300 + ".ipynb", " ",
    "x.ipynb/y.ipynb", "x.ipynb",
)  # fmt: skip
METADATA = b"---\nsubmission_111222:\n  :submitters:\n  - :name: Jane Doe\n"


def prepare(place: Path) -> None:
    """Nothing is needed."""


def case(chance: Random, place: Path, tools: None) -> Case:
    """A folder or an archive, in which the submissions are looked for."""
    if chance.random() < 0.25:
        (place / "secret").write_text("of the instructor")
        _folder(chance, place / "class")
        return Case(partial(_found, Path("class")))
    content = _zip(chance, 0)
    if chance.random() < 0.3:
        content = damaged(content, chance)
    (place / "class.zip").write_bytes(content)
    return Case(partial(_found, Path("class.zip")))


def _found(place: Path) -> None:
    """What grading does first; each student must have a name that is safe, and one's own."""
    submissions = collect.find(place)
    keys = [submission.key for submission in submissions]
    assert all(SAFE.fullmatch(key) for key in keys), "a key is no safe name"
    assert len(set(keys)) == len(keys), "two students have one key"
    for submission in submissions:
        for one in (submission, submission.of("stages")):
            try:
                words = one.notebook.words
            except Unreadable as problem:
                words = str(problem)
            f"{one.student} {one.file} {one.remark} {words}".encode()


def _notebook(chance: Random) -> bytes:
    code = f"x = {chance.randrange(9)}\nchecks.stages(1, x)"
    return json.dumps({"cells": [{"cell_type": "code", "source": code}], "nbformat": 4}).encode()


def _content(chance: Random, name: str, depth: int) -> bytes:
    if name.lower().endswith(".zip") and depth < 7:
        return _zip(chance, depth + 1)
    if name.endswith(".yml"):
        return damaged(METADATA, chance)
    if depth < 2 and chance.random() < 0.004:
        return chance.choice((b" ", b"x", b'"a",', b"[", b"\\")) * chance.choice((10**7, 5 * 10**7))
    return chance.choice((_notebook(chance), _notebook(chance), b"", damaged(_notebook(chance), chance)))


def _zip(chance: Random, depth: int) -> bytes:
    """An archive whose members have any names, kinds, times and stated sizes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for _ in range(chance.choice((0, 1, 2, 3) if depth else (0, 1, 2, 3, 6, 6, 40))):
            name = chance.choice(NAMES)
            info = zipfile.ZipInfo("x")
            info.filename = name.encode("utf-8", "replace").decode()
            info.external_attr = chance.choice((0, 0, 0, (stat.S_IFLNK | 0o777) << 16, (stat.S_IFIFO | 0o777) << 16))
            info.compress_type = chance.choice(
                (zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_STORED)
            )
            info.date_time = chance.choice(
                ((2026, 10, 1, 1, 1, 1), (2026, 10, 2, 1, 1, 1), (1980, 0, 0, 0, 0, 0), (2107, 15, 31, 31, 63, 62))
            )
            content = b"../up.ipynb" if info.external_attr else _content(chance, name, depth)
            if len(content) > 10**6:
                info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    content = bytearray(out.getvalue())
    for _ in range(chance.choice((0, 0, 0, 1, 3))):  # a head's fields: flags, method, time, checksum, sizes, lengths
        at = content.find(chance.choice((b"PK\1\2", b"PK\3\4", b"PK\5\6")), chance.randrange(len(content)))
        if at >= 0:
            field = at + chance.randrange(4, 44)
            content[field : field + 2] = struct.pack("<H", chance.choice(EXTREMES) & 0xFFFF)
    return bytes(content)


def _folder(chance: Random, place: Path) -> None:
    """The same unpacked, with links where somebody put them."""
    place.mkdir()
    for _ in range(chance.choice((0, 1, 3, 8))):
        name = chance.choice(NAMES).replace("\\", "/").replace("\ud83d", "x").strip("/")
        parts = [part[:200] for part in name.split("/") if part.strip(". ")][:400]
        if not parts:
            continue
        path = place.joinpath(*parts)
        above = [place.joinpath(*parts[:k]) for k in range(1, len(parts))]
        if path.is_symlink() or any(folder.is_symlink() for folder in above):
            continue  # never write through a link
        try:
            for folder in above:
                folder.mkdir(exist_ok=True)
            if chance.random() < 0.2 and not path.exists():
                path.symlink_to(chance.choice(("../secret", "..", "nowhere", path.name)))
            else:
                path.write_bytes(_content(chance, path.name, 0))
        except OSError:  # a name is there as another kind, or too long
            continue
