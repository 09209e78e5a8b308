"""What students handed in: found in a folder or an archive as learning platforms export them, and read with care."""

import ast
import functools
import hashlib
import json
import re
import unicodedata
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

LARGEST = 20 * 2**20  # bytes of one file; a notebook with its pictures has a tenth of it
MOST = 20_000  # files of an archive
ENDINGS = (".ipynb", ".py", ".txt", ".json")  # browsers add .txt or .json to a notebook
NO_NOTEBOOK = "there is no notebook: no file whose name ends in .ipynb"
PLACEHOLDER = "Write here."
HEADING = re.compile(r"^#+ *Your answer to question (\d+)[^\n]*\n(.*)", re.M | re.S | re.I)


class Unreadable(Exception):
    """A file that is no notebook; the text is the reason, for the student."""


@dataclass(frozen=True)
class Notebook:
    """What of a notebook is graded.

    Attributes:
        cells: the code cells.
        written: number of a question -> the student's text.
        remark: how it was read where that was not straightforward.
    """

    cells: tuple[str, ...]
    written: dict[int, str]
    remark: str = ""


@dataclass(frozen=True)
class Submission:
    """One student's submission.

    Attributes:
        student: as the platform's file or folder has it.
        key: a safe name of a file, another one for each student.
        file: where it was found, for the instructor.
        data: the file's content.
        problem: why there is no content.
        remark: what else the instructor should know.
    """

    student: str
    key: str
    file: str
    data: bytes = field(repr=False, default=b"")
    problem: str = ""
    remark: str = ""

    @functools.cached_property
    def notebook(self) -> Notebook:
        """What is graded; read once.

        Raises:
            Unreadable: there is nothing that could be.
        """
        if self.problem:
            raise Unreadable(self.problem)
        return read(self.data)

    @property
    def digest(self) -> str:
        """Changes when the submission does."""
        return hashlib.sha256(self.problem.encode() + b"\0" + self.data).hexdigest()


def find(place: Path) -> list[Submission]:
    """All submissions of a folder, or of a zip file of one.

    A student is a file ``NAME.ipynb``, or a folder ``NAME`` or archive ``NAME.zip`` with the notebook somewhere inside.

    Args:
        place: the folder or the zip file.

    Returns:
        One submission for each student, sorted by name.
    """
    groups: dict[str, list[tuple[str, bytes, str]]] = defaultdict(list)
    for path, data, problem in _files(place):
        groups[path.split("/")[0]].append((path, data, problem))
    students = [(_student(top, files), top, files) for top, files in sorted(groups.items())]
    return [_choose(student, _key(student, top), top, files) for student, top, files in students]


def _files(place: Path) -> Iterator[tuple[str, bytes, str]]:
    """Path, content and problem of every file that could matter; a problem where the content could not be had."""
    if place.is_file():
        yield from _zipped(place)
        return
    for path in sorted(place.rglob("*")):
        name = path.relative_to(place).as_posix()
        if _hidden(name) or (path.is_symlink() and path.is_dir()):
            continue
        if path.is_dir():
            if path.parent == place and not any(path.iterdir()):
                yield f"{name}/", b"", "the folder is empty"
        elif path.is_symlink() or not path.is_file():
            yield (name, b"", "it is a link, not a file")  # it could point at anything of ours
        elif path.suffix.lower() == ".zip":
            yield from ((f"{name}/{inner}", data, problem) for inner, data, problem in _zipped(path))
        elif not name.lower().endswith(ENDINGS):
            yield name, b"", ""
        elif path.stat().st_size > LARGEST:
            yield name, b"", f"the file is larger than {LARGEST >> 20} MB"
        else:
            yield name, path.read_bytes(), ""


def _zipped(path: Path) -> Iterator[tuple[str, bytes, str]]:
    """The files of an archive; nothing is written, so no name in it can do harm."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _hidden(entry.filename)]
            for entry in entries[:MOST]:
                name = "/".join(part for part in entry.filename.split("/") if part not in ("", ".", ".."))
                if not name.lower().endswith(ENDINGS):
                    yield name, b"", ""
                    continue
                with archive.open(entry) as file:
                    data = file.read(LARGEST + 1)  # its stated size may be a lie
                if len(data) > LARGEST:
                    yield name, b"", f"the file is larger than {LARGEST >> 20} MB"
                else:
                    yield name, data, ""
            if not entries:
                yield "", b"", "the archive is empty"
    except (zipfile.BadZipFile, RuntimeError, OSError, EOFError, NotImplementedError, zlib.error):
        yield "", b"", "the zip file is damaged or has a password"


def _hidden(name: str) -> bool:
    return any((part.startswith(".") and part not in (".", "..")) or part == "__MACOSX" for part in name.split("/"))


def _student(top: str, files: list) -> str:
    single = len(files) == 1 and files[0][0] == top
    return Path(top).stem if single or top.lower().endswith(".zip") else top.rstrip("/")


def _key(student: str, top: str) -> str:
    plain = unicodedata.normalize("NFKD", student).encode("ascii", "ignore").decode()
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", plain).strip("-")[:60]
    return f"{safe or 'student'}-{hashlib.sha256(top.encode(errors='surrogateescape')).hexdigest()[:8]}"


def _choose(student: str, key: str, top: str, files: list[tuple[str, bytes, str]]) -> Submission:
    """The one file of a student that is graded."""
    fitting = [entry for entry in files if entry[0].lower().endswith(".ipynb")]
    fitting = fitting or [entry for entry in files if entry[0].lower().endswith(ENDINGS)]
    if not fitting:
        problem = next(filter(None, (problem for _, _, problem in files)), NO_NOTEBOOK)
        return Submission(student, key, top, problem=problem)
    kept = fitting[0] if len(fitting) == 1 else max(fitting, key=lambda entry: (len(_code(entry[1])), entry[0]))
    others = sorted(path for path, data, _ in fitting if data != kept[1])
    remark = f"{kept[0]} was graded, which has the most code, and not {', '.join(others)}"[:500] if others else ""
    return Submission(student, key, *kept, remark=remark)


def _code(data: bytes) -> str:
    try:
        return "".join(read(data).cells)
    except Unreadable:
        return ""


def read(data: bytes) -> Notebook:
    """The cells of a notebook, whatever program stored it: metadata, outputs and the kernel's name are not looked at.

    Args:
        data: the file's content.

    Raises:
        Unreadable: it is no notebook.
    """
    if not data.strip(b"\0 \t\r\n"):
        raise Unreadable("the file is empty")
    text, remark = _decode(data)
    try:
        stored = json.loads(text)
    except ValueError:
        return _script(text)
    except RecursionError:
        raise Unreadable("the file is no notebook: its lists are nested too deeply") from None
    sheets = stored.get("worksheets") if isinstance(stored, dict) else None
    if isinstance(sheets, list):  # notebooks before 2015
        stored = {"cells": [c for s in sheets if isinstance(s, dict) for c in s.get("cells") or []]}
    cells = stored.get("cells") if isinstance(stored, dict) else None
    if not isinstance(cells, list):
        raise Unreadable("the file is JSON but no notebook: it has no list of cells")
    code, written = [], {}
    for cell in cells:
        if not isinstance(cell, dict):
            continue
        source = _source(cell)
        if cell.get("cell_type") == "code":
            code.append(source)
        elif found := HEADING.search(source):
            text = found[2].strip()
            written[int(found[1][:6])] = "" if text == PLACEHOLDER else text
    return Notebook(tuple(code), written, remark)


def words(data: bytes) -> str:
    """The text of a notebook's Markdown cells."""
    cells = json.loads(data)["cells"]
    return "\n\n".join(_source(cell) for cell in cells if cell["cell_type"] == "markdown")


def _decode(data: bytes) -> tuple[str, str]:
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            try:
                return data.decode(encoding), ""
            except UnicodeDecodeError:
                raise Unreadable(f"the file says that it is {encoding}, and is not") from None
    try:
        return data.decode(), ""
    except UnicodeDecodeError:
        pass
    if b"\0" in data[:1000]:
        raise Unreadable("the file is no notebook: it is not text")
    return data.decode("latin-1"), "the file is not UTF-8; it was read as Latin-1"


def _source(cell: dict) -> str:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""


def _script(text: str) -> Notebook:
    """A Python file under a notebook's name, cut where editors mark cells; else the reason why it is no notebook."""
    start = text.lstrip()
    if start.startswith("{"):
        raise Unreadable("the notebook is cut off or damaged: it is no whole JSON; perhaps the upload broke off")
    if start.startswith("<"):
        raise Unreadable("the file is a web page, not a notebook; use File > Download > .ipynb")
    cells = re.split(r"^# (?:%%.*|In\[.*\]:?)$", text, flags=re.M)
    try:
        ast.parse("".join(line for line in text.splitlines(True) if not line.startswith(("%", "!"))))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Unreadable("the file is neither a notebook nor Python") from None
    return Notebook(tuple(cells), {}, "the file is Python and no notebook; it was graded as such")


def assignment(notebook: Notebook, names: dict[str, set[str]]) -> str | None:
    """Which assignment a notebook is of: that whose checks it calls, or whose functions it defines.

    Args:
        notebook: the notebook.
        names: of each assignment, what its questions ask for.
    """
    text = "\n".join(notebook.cells)
    calls = {name: len(re.findall(rf"\bchecks\.{name}\(", text)) for name in names}
    defined = set(re.findall(r"^(?:def +)?(\w+)(?= *=|\()", text, flags=re.M))
    # a check that is called says it; two assignments may ask for functions of the same name
    scores = {name: (calls[name], len(defined & names[name])) for name in names}
    best = max(scores, key=scores.__getitem__, default=None)
    return best if best and any(scores[best]) else None
