"""Make every student's own notebook: ``make variants ROSTER=students.csv SEED=number ASSIGNMENT=training``.

A variant's numbers come from a code in the notebook, and the code from the instructor's seed and the student's key, so
the same seed and key make the same notebook again. The table ``variants.csv`` says whose code is whose.
"""

import base64
import csv
import hashlib
import hmac
import io
import re
import sys
from pathlib import Path

from exercises import build
from grader.words import Parser

from srcnn.checks.variants import CHOICES, CODE
from srcnn.files import InputError, write

SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")


def code(seed: int, key: str) -> str:
    """The code of a student's variant; it tells neither the seed nor the key."""
    digest = hmac.new(str(seed).encode(), key.encode(), hashlib.sha256).digest()
    text = base64.b32encode(digest)[:8].decode()
    return f"{text[:4]}-{text[4:]}"


def keys(roster: Path, column: str) -> list[str]:
    """The keys of the students in a table.

    Raises:
        InputError: the table cannot be used; the message says what would be right.
    """
    try:
        text = roster.read_bytes().decode("utf-8-sig")
    except OSError as why:
        raise InputError(f"{roster} cannot be read: {why.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{roster} is not UTF-8; save it as CSV UTF-8") from None
    head = text.split("\n", 1)[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count))
    try:
        rows, names = list(reader), reader.fieldnames or ()
    except csv.Error as error:
        raise InputError(f"{roster} is no table that can be read ({error}); a quotation mark may be missing") from None
    if column not in names:
        there = ", ".join(names) or "none"
        raise InputError(f"{roster} has no column {column!r}; its columns are {there}; name one with --column")
    found = []
    for line, row in enumerate(rows, start=2):
        key = (row[column] or "").strip()
        if not SAFE.fullmatch(key) or key.startswith("."):
            raise InputError(f"{roster}, row {line}: {key!r} is no key; letters, digits and . _ @ + - are")
        if key.casefold() in {each.casefold() for each in found}:
            raise InputError(
                f"{roster}, row {line}: the key {key!r} was there before; each student has one of their own"
            )
        found.append(key)
    if not found:
        raise InputError(f"{roster} has no students")
    return found


def given(table: Path) -> dict[str, str]:
    """Whose each code is, from the table that :func:`make` wrote.

    Raises:
        InputError: it is no such table.
    """
    try:
        rows = list(csv.reader(table.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as why:
        raise InputError(f"{table} cannot be read: {getattr(why, 'strerror', None) or why}") from None
    if not rows or rows[0] != ["key", "code"] or any(len(row) != 2 or not CODE.fullmatch(row[1]) for row in rows[1:]):
        raise InputError(f"{table} is not the variants.csv that `make variants` wrote, with the columns key and code")
    return {each: key for key, each in rows[1:]}


def make(out: Path, assignment: str, students: list[str], seed: int) -> None:
    """Write ``KEY/ASSIGNMENT.ipynb`` for each student, and ``variants.csv``.

    Raises:
        InputError: two students have the same code, which another seed mends; nothing is written.
    """
    codes = {key: code(seed, key) for key in students}
    if len(set(codes.values())) < len(codes):
        raise InputError(f"with the seed {seed} two students would have the same variant; take another")
    source = build.EXERCISES / assignment / "assignment.py"
    for key in students:
        (out / key).mkdir(parents=True, exist_ok=True)
        write(out / key / f"{assignment}.ipynb", build.notebooks(source, codes[key])["student.ipynb"])
    write(out / "variants.csv", "key,code\n" + "".join(f"{key},{each}\n" for key, each in codes.items()))


def main(words: list[str] | None = None) -> int:
    """Make the notebooks, and return the exit status."""
    parser = Parser("exercises.variants", __doc__.split("\n", 1)[0], "ROSTER")
    parser.add_argument("roster", type=Path, help="table (CSV) with a row for each student")
    parser.add_argument("--column", default="key", help="the column that has a key for each student (%(default)s)")
    parser.add_argument("--seed", required=True, help="a whole number, kept secret")
    parser.add_argument("--assignment", choices=sorted(CHOICES), required=True, help="one that has variants")
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    try:
        options = parser.parse_args(words)
        if not re.fullmatch(r"-?\d+", options.seed):
            raise InputError(f"the seed is a whole number, such as 20261; {options.seed!r} is none")
        if options.out.exists() and (not options.out.is_dir() or any(options.out.iterdir())):
            raise InputError(f"{options.out} has something in it; give --out a new folder")
        students = keys(options.roster, options.column)
        make(options.out, options.assignment, students, int(options.seed))
    except (InputError, OSError) as problem:
        print(f"variants: {problem}", file=sys.stderr)
        return 2
    print(f"{len(students)} notebooks: {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
