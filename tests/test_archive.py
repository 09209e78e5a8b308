"""The files of a release: the book in one zip file, the wheel, and checksums that other programs can check."""

import shutil
import subprocess
import zipfile
from pathlib import Path

import address
import archive
import pytest

VERSION = address.project()["version"]


@pytest.fixture
def pages(tmp_path) -> Path:
    pages = tmp_path / "html"
    (pages / "book").mkdir(parents=True)
    (pages / "index.html").write_text("<p>index</p>", encoding="utf-8")
    (pages / "book" / "01.html").write_bytes(bytes(range(256)) * 100)
    return pages


@pytest.fixture
def dist(tmp_path) -> Path:
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / f"srcnn-{VERSION}-py3-none-any.whl").write_bytes(b"a wheel")
    return dist


def test_a_release_is_the_book_the_wheel_and_their_checksums(pages, dist, tmp_path):
    book, wheel, listed = archive.release(pages, dist, f"v{VERSION}")
    assert sorted(path.name for path in dist.iterdir()) == sorted([book.name, wheel.name, "SHA256SUMS"])
    shutil.unpack_archive(book, tmp_path / "out")
    unpacked = tmp_path / "out" / f"srcnn-course-html-{VERSION}"
    names = sorted(path.relative_to(pages) for path in pages.rglob("*"))
    assert sorted(path.relative_to(unpacked) for path in unpacked.rglob("*")) == names
    for name in filter(lambda name: (pages / name).is_file(), names):
        assert (unpacked / name).read_bytes() == (pages / name).read_bytes()
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--check", "--strict", listed.name], cwd=dist, check=True, capture_output=True)
    assert len(listed.read_text(encoding="utf-8").splitlines()) == 2


def test_the_same_pages_give_the_same_file(pages, tmp_path):
    first, second = tmp_path / "a" / "book.zip", tmp_path / "b" / "book.zip"
    for target in (first, second):
        target.parent.mkdir()
        archive.zip_book(pages, target)
        (pages / "index.html").touch()
    assert first.read_bytes() == second.read_bytes()
    assert zipfile.ZipFile(first).testzip() is None


def test_a_release_under_a_foreign_tag_or_with_something_missing_is_refused(pages, dist):
    with pytest.raises(SystemExit, match=r"tag 'v9\.9\.9' .* would be 'v\d"):
        archive.release(pages, dist, "v9.9.9")
    (dist / f"srcnn-{VERSION}-py3-none-any.whl").unlink()
    with pytest.raises(SystemExit, match="make archive"):
        archive.release(pages, dist, f"v{VERSION}")
    (pages / "index.html").unlink()
    with pytest.raises(SystemExit, match="make book"):
        archive.release(pages, dist, f"v{VERSION}")
    assert list(dist.iterdir()) == []
