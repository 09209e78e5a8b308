"""Pack the built book for a release: ``python tools/archive.py v0.1.0``.

Beside the wheel in dist/ comes the book as one zip file, and SHA256SUMS of both. The same pages give the same zip file:
names are sorted, and the files have no date.
"""

import hashlib
import os
import sys
import zipfile
from pathlib import Path

from address import ROOT, project, tag

from srcnn.files import atomic, write


def zip_book(pages: Path, target: Path) -> None:
    """Write the built pages, under one folder named as the file."""
    with atomic(target) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in pages.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(f"{target.stem}/{path.relative_to(pages).as_posix()}")
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # the same on Windows
            archive.writestr(entry, path.read_bytes())


def sums(files: list[Path]) -> str:
    """One line per file, as ``sha256sum --check`` reads them."""
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


def release(pages: Path, folder: Path, name: str) -> list[Path]:
    """The files of a release; the wheel is there already.

    Raises:
        SystemExit: the tag is of another version, or something that belongs to the release is missing.
    """
    if name != tag():
        raise SystemExit(f"the tag {name!r} is not the version of pyproject.toml; that would be {tag()!r}")
    if not (pages / "index.html").exists():
        raise SystemExit(f"{pages} has no built book; `make book` builds it")
    version = project()["version"]
    wheel = folder / f"srcnn-{version}-py3-none-any.whl"
    if not wheel.exists():
        raise SystemExit(f"{wheel} is not there; `make archive` builds it")
    book = folder / f"srcnn-course-html-{version}.zip"
    zip_book(pages, book)
    listed = folder / "SHA256SUMS"
    write(listed, sums([book, wheel]))
    return [book, wheel, listed]


if __name__ == "__main__":
    for file in release(ROOT / "_build" / "html", ROOT / "dist", sys.argv[1] or tag()):
        print(os.path.relpath(file))
