"""A platform's own table, read and written back as it was, but for what is filled in."""

import csv
import io
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from srcnn.files import InputError, write


@dataclass(frozen=True)
class Place:
    """One student of an export.

    Attributes:
        id: the platform's number for them.
        row: where they stand in the table.
        grade: what the export has in the column of the grade.
        most: the most points that the platform takes, or None where it does not say.
        locked: why the platform would not take a grade; empty where it would.
        submitted: when, as the export has it; empty where it does not say.
        name: as the export has it; it may confirm a number, and finds nobody.
    """

    id: str
    row: int
    grade: str
    most: float | None
    locked: str = ""
    submitted: str = ""
    name: str = ""


@dataclass
class Export:
    """A table with a head.

    Attributes:
        path: where it was read.
        head: names of the columns.
        rows: cells as text, as many in each row as there are columns.
        encoding, delimiter, newline: how it was written.
    """

    path: Path
    head: list[str]
    rows: list[list[str]]
    encoding: str = "utf-8"
    delimiter: str = ","
    newline: str = "\n"

    def column(self, name: str, told: str) -> int:
        """Where a column is.

        Raises:
            InputError: there is none, or two; ``told`` ends the sentence.
        """
        places = [k for k, each in enumerate(self.head) if each.strip() == name]
        if len(places) != 1:
            count = "two columns" if places else "no column"
            raise InputError(f"{self.path} has {count} {name!r} ({', '.join(self.head[:12])}); {told}")
        return places[0]

    def write(self, path: Path, columns: list[int] | None = None) -> None:
        """Write the table, or some of its columns, in the encoding and with the delimiter that it came with."""
        keep = range(len(self.head)) if columns is None else columns
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self.delimiter, lineterminator=self.newline)
        writer.writerows([row[k] for k in keep] for row in [self.head, *self.rows])
        write(path, text.getvalue().encode(self.encoding))


def read(path: Path) -> Export:
    """Read a platform's table.

    Raises:
        InputError: it is missing, or no table of text; one sentence says which.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    if data.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        raise InputError(f"{path} is a spreadsheet or an archive; the table that the platform exports is CSV")
    text, encoding = _decode(data)
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise InputError(f"{path} is no table that can be read ({error}); a quotation mark may be missing") from None
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if len(rows) < 2 or len(rows[0]) < 2:
        raise InputError(f"{path} is no table with a head and a row for each student")
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(rows[0]):
            raise InputError(f"{path}, row {line} has {len(row)} cells and the head {len(rows[0])}; export it anew")
    return Export(path, rows[0], rows[1:], encoding, delimiter, "\r\n" if "\r\n" in text else "\n")


def _decode(data: bytes) -> tuple[str, str]:
    encodings = ("utf-8-sig",) if data.startswith(b"\xef\xbb\xbf") else ("utf-8",)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ("utf-16",)
    for encoding in (*encodings, "cp1252"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1"), "latin-1"


def decimal(text: str) -> float | None:
    """The number that a cell has, with a comma or a point, or None."""
    found = re.fullmatch(r"\s*(\d+(?:[.,]\d+)?)\s*", text)
    return float(found[1].replace(",", ".")) if found else None


def parsed(text: str, formats: tuple[str, ...]) -> datetime | None:
    """The time that a cell has, in one of some formats, or None."""
    text = " ".join(text.split())  # some write a narrow space before PM
    for each in formats:
        try:
            return datetime.strptime(text, each)
        except ValueError:
            continue
    return None
