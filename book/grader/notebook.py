"""A submitted file as cells: a notebook of whatever program stored it, or Python as editors and platforms export it."""

import json
import re
from dataclasses import dataclass

from grader.inside import statements

LARGEST = 20 * 2**20  # bytes of a notebook without its outputs, which has a hundredth of it
BRACKETS = 5_000_000  # of a file; more of them would fill the memory, and are no notebook's
STRINGS = 2 * BRACKETS  # quotation marks
LONG = 50_000  # bytes of a string that is a picture in an output, and no cell
STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.S)
# where programs mark cells: jupytext, VS Code, Spyder (# %%), nbconvert (# In[3]:), Databricks (# COMMAND ----------)
MARK = re.compile(r"^(?:# ?%%(.*)|# (In\[.*\]):?|# (COMMAND) -+)[ \t]*\n?", re.M)
COMMENT = re.compile(r"^# ?", re.M)


class Unreadable(Exception):
    """A file that is no notebook; the text is the reason, for the student."""


@dataclass(frozen=True)
class Cell:
    """One cell: whether it is code or words, and its text."""

    code: bool
    source: str


@dataclass(frozen=True)
class Notebook:
    """What of a notebook is looked at.

    Attributes:
        sheet: its cells, in order.
        remark: how it was read where that was not straightforward.
    """

    sheet: tuple[Cell, ...]
    remark: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """The code cells."""
        return tuple(cell.source for cell in self.sheet if cell.code)

    @property
    def words(self) -> str:
        """The text of the other cells."""
        return "\n\n".join(cell.source for cell in self.sheet if not cell.code)


def slim(data: bytes) -> bytes:
    """A large notebook without its outputs, which are not graded; other files as they are."""
    if len(data) <= LARGEST:
        return data
    if data.count(b'"') > STRINGS:  # none of it is a notebook's, so that the start will do to tell
        return data[:LARGEST]
    short = STRING.sub(lambda text: b'""' if len(text[0]) > LONG else text[0], data)
    try:
        stored = _load(short.decode("utf-8-sig", "replace"))
    except (ValueError, Unreadable):
        return short[:LARGEST]
    return json.dumps(stored).encode() if isinstance(stored, dict) else short[:LARGEST]


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
        stored = _load(text)
    except ValueError:
        return _script(text)
    sheets = stored.get("worksheets") if isinstance(stored, dict) else None
    if isinstance(sheets, list):  # notebooks before 2015
        lists = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
        stored = {"cells": [cell for cells in lists if isinstance(cells, list) for cell in cells]}
    cells = stored.get("cells") if isinstance(stored, dict) else None
    if not isinstance(cells, list):
        raise Unreadable("the file is JSON but no notebook: it has no list of cells")
    whole = [cell for cell in cells if isinstance(cell, dict)]
    return Notebook(tuple(Cell(cell.get("cell_type") == "code", _source(cell)) for cell in whole), remark)


def _load(text: str) -> object:
    """What a JSON text says, without the outputs of cells."""
    if text.count("[") + text.count("{") > BRACKETS or text.count('"') > STRINGS:
        raise Unreadable("the file is no notebook: it has millions of lists or strings")

    def bare(pairs: list[tuple]) -> dict:
        return {key: value for key, value in pairs if key not in ("outputs", "attachments")}

    try:
        return json.loads(text, object_pairs_hook=bare)
    except RecursionError:
        raise Unreadable("the file is no notebook: its lists are nested too deeply") from None


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
    # JSON can name halves of characters (\\ud83d), which no file can be written with
    return source.encode(errors="replace").decode() if isinstance(source, str) else ""


def _script(text: str) -> Notebook:
    """A Python file under a notebook's name, cell by cell; else the reason why it is no notebook."""
    text = text.replace("\r\n", "\n")
    start = text.lstrip()
    if start.startswith("{"):
        raise Unreadable("the notebook is cut off or damaged: it is no whole JSON; perhaps the upload broke off")
    if start.startswith("<"):
        raise Unreadable("the file is a web page, not a notebook; use File > Download > .ipynb")
    if len(text) > statements.LONGEST:
        raise Unreadable(f"the file is no notebook, and longer than the {statements.LONGEST:,} characters of a script")
    sheet = _marked(text) if MARK.search(text) else _unmarked(text)
    good = [cell for cell in sheet if cell.code and re.search(r"^(?:def|class|import|from|@)\b|=", cell.source, re.M)]
    if not any(not statements.problem(part) for cell in good for part in statements.split(cell.source)):
        raise Unreadable("the file is neither a notebook nor Python")
    return Notebook(tuple(sheet), "the file is Python and no notebook; it was graded as such, cell by cell")


def _marked(text: str) -> list[Cell]:
    """The cells of a file in which a program has marked them."""
    marks = list(MARK.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    sheet = [Cell(True, text[: marks[0].start()])]
    for mark, end in zip(marks, ends, strict=True):
        source = text[mark.end() : end]
        if re.search(r"\[(?:markdown|md|raw)\]", mark[1] or ""):
            sheet.append(Cell(False, _uncommented(source)))
        elif mark[2]:
            sheet += _exported(source)
        else:
            sheet.append(_databricks(source))
    return [cell for cell in sheet if cell.source.strip()]


def _uncommented(source: str) -> str:
    """The words of a cell that a program made comments of, or a string."""
    source = source.strip()
    quoted = re.fullmatch(r'[rR]?("""|\'\'\')(.*)\1', source, re.S)
    return quoted[2] if quoted else COMMENT.sub("", source)


def _exported(source: str) -> list[Cell]:
    """A cell of ``jupyter nbconvert --to script``, where the words of the next ones follow as comments."""
    lines = source.rstrip().split("\n")
    end = len(lines)
    while end and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    return [Cell(True, "\n".join(lines[:end])), Cell(False, COMMENT.sub("", "\n".join(lines[end:])).strip())]


def _databricks(source: str) -> Cell:
    """A cell of a Databricks source file: ``# MAGIC`` stands before each line of what is not Python.

    https://docs.databricks.com/en/notebooks/notebook-export-import.html
    """
    if not source.lstrip().startswith(("# MAGIC", "# DBTITLE")):
        return Cell(True, source)
    lines = [line for line in source.strip().split("\n") if not line.startswith("# DBTITLE")]
    if not any(line.startswith("# MAGIC") for line in lines):
        return Cell(True, "\n".join(lines))
    bare = re.sub(r"^# MAGIC ?", "", "\n".join(lines), flags=re.M)
    words = re.match(r"%md(?:-sandbox)?\b *", bare)
    return Cell(False, bare[words.end() :]) if words else Cell(True, re.sub(r"^%python\b *\n?", "", bare))


def _unmarked(text: str) -> list[Cell]:
    """A file without marks, as Colab exports it: words are strings, and each statement may be a cell of its own."""
    sheet = []
    for part in statements.split(text):
        words = re.fullmatch(r'\s*(?:#[^\n]*\n|\s)*[rRuU]?("""|\'\'\')(.*?)\1\s*', part, re.S)
        sheet.append(Cell(False, words[2]) if words else Cell(True, part))
    return [cell for cell in sheet if cell.source.strip()]


def assignment(notebook: Notebook, names: dict[str, set[str]]) -> str | None:
    """Which assignment a notebook is of: that whose checks it calls, or whose functions it defines.

    Args:
        notebook: the notebook.
        names: of each assignment, what its questions ask for.
    """
    text = "\n".join(notebook.cells)
    calls = {name: len(re.findall(rf"\b(?:checks\.)?{name}\(\s*\d", text)) for name in names}
    defined = set(re.findall(r"^(?:def +)?(\w+)(?= *=|\()", text, flags=re.M))
    if "checks.exercise(" in text and not any(calls.values()):
        return None  # a chapter of the book, which defines some of the same functions
    # a check that is called says it; two assignments may ask for functions of the same name
    scores = {name: (calls[name], len(defined & names[name])) for name in names}
    best = max(scores, key=scores.__getitem__, default=None)
    return best if best and any(scores[best]) else None
