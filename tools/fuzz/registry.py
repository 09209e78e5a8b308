"""The registry of image sets, its checksums, and the archives that mirrors send, damaged and absurd."""

import hashlib
import io
import os
import stat
import struct
import tarfile
import zipfile
from pathlib import Path
from random import Random

from fuzz.guard import Case
from fuzz.mutate import damaged
from srcnn import data, files, images
from srcnn.cli import main
from srcnn.images import sample, to_bytes

MIRROR = "http://127.0.0.1:9/set.zip"  # where nothing listens
ENTRY = """[tiny]
title = "Tiny"
what = "One photograph."
license = "none"
folders = {{ test = "{folder}" }}
mirrors = [["{mirror}"]]
"""
FOLDERS = ("Tiny/test", "Tiny/test", "Tiny", "../out", "/out", "Tiny/../../out", "", ".", "a\\\\b", "é", "a" * 300)
LINES = (
    'title = 7', 'folders = "Tiny"', "folders = {}", "mirrors = 3", 'mirrors = ["x"]', "mirrors = [[7]]", "x = 1",
    "[tiny]",
    "folders = { test = 3 }", "[[other]]", "other = 3", "[a]", "mirrors = []", "=", "[" * 2000,
        'mirrors = [["file:///etc/passwd"]]',
)  # fmt: skip


def prepare(place: Path) -> bytes:
    """A photograph."""
    place.mkdir(parents=True, exist_ok=True)
    path = place / "photo.png"
    images.write_photograph(path, images.Photograph(to_bytes(sample("coffee")[:, :20, :24])))
    return path.read_bytes()


def case(chance: Random, place: Path, photo: bytes) -> Case:
    """A registry, a root with or without the file or the archive, and a command."""
    shelf, root = place / "shelf", place / "root"
    shelf.mkdir()
    root.mkdir()
    folder = chance.choice(FOLDERS) if chance.random() < 0.3 else FOLDERS[0]
    entry = ENTRY.format(folder=folder, mirror=MIRROR)
    pixels = chance.choice(("-", images.pixel_hash(_kept(place / "photo.png", photo)), "0" * 64))
    (place / "photo.png").unlink()
    lines = f"{hashlib.sha256(photo).hexdigest()} {pixels} {folder or 'x'}/photo.png\n"
    way = chance.randrange(7)
    if way == 0:
        entry = damaged(entry.encode(), chance)
    elif way == 1:
        shown = entry.splitlines()
        shown[chance.randrange(len(shown))] = chance.choice(LINES)
        entry = "\n".join(shown)
    elif way == 2:
        lines = damaged(lines.encode(), chance)
    elif way == 3:
        lines += chance.choice(
            ("x", "a b", "a b c d", f"x - {folder}/../../up.png", f"{'0' * 64} - {folder}//etc/x", "\n\n")
        )
    for name, content in (("registry.toml", entry), ("checksums.txt", lines)):
        (shelf / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    safe = folder == "Tiny/test"
    if safe and chance.random() < 0.3:
        (root / folder).mkdir(parents=True)
        (root / folder / "photo.png").write_bytes(chance.choice((photo, photo[:-9], b"")))
    if chance.random() < 0.6:
        downloads = root / ".downloads"
        downloads.mkdir()
        kept = f"{hashlib.sha256(MIRROR.encode()).hexdigest()[:8]}-set.zip"
        (downloads / kept).write_bytes(_archive(chance, photo))
    words = chance.choice((
        ["data", "list"], ["data", "verify"], ["data", "verify", "tiny"], ["data", "fetch", "tiny"], ["data",
            "fetch", "tiny"],
        ["data", "fetch", "tiny"], ["evaluate", "--data", "tiny", "--weights", "bicubic", "--scale", "2",
            "--device", "cpu"],
    ))  # fmt: skip
    return Case(
        lambda: _run([*words, "--root", "root"], shelf),
        may=("root/",) if "fetch" in words else (),
        partly=True,
        asks=True,
    )


def _run(words: list[str], shelf: Path) -> int:
    """The command beside another registry, and without proxies."""
    shipped, environ = files.shipped, dict(os.environ)
    os.environ["no_proxy"] = "*"
    data.registry.cache_clear()
    data.shipped = shelf.joinpath
    try:
        return main(words)
    finally:
        data.shipped = shipped
        data.registry.cache_clear()
        os.environ.clear()
        os.environ.update(environ)


def _kept(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _archive(chance: Random, photo: bytes) -> bytes:
    """What a mirror may send: names that lead elsewhere, links, members of any stated size, other files."""
    out, names = io.BytesIO(), ("photo.png", "../../up.png", "/etc/up.png", "a/../b.png", "", "C:\\up.png", "x" * 400)
    way = chance.randrange(4)
    if way == 0:
        with tarfile.open(fileobj=out, mode=chance.choice(("w", "w:gz", "w:xz"))) as archive:
            for _ in range(3):
                info = tarfile.TarInfo(chance.choice(names))
                info.type = chance.choice(
                    (tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)
                )
                info.linkname, info.size = "/etc/passwd", len(photo) if info.isfile() else 0
                archive.addfile(info, io.BytesIO(photo) if info.isfile() else None)
    elif way == 1:
        with zipfile.ZipFile(out, "w") as archive:
            for _ in range(3):
                info = zipfile.ZipInfo(chance.choice(names) or "a")
                info.external_attr = chance.choice((0, (stat.S_IFLNK | 0o777) << 16))
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, chance.choice((photo, b"/etc/passwd", bytes(10**7))))
    else:
        out.write(chance.choice((photo, b"<html>Sign in</html>", b"", b"PK", photo[: len(photo) // 2])))
    content = out.getvalue()
    if way == 1 and chance.random() < 0.4:  # stated sizes of 4 GB or nothing
        at = content.rfind(b"PK\1\2")
        size = struct.pack("<I", chance.choice((0, 1, 2**32 - 2)))
        content = content[: at + 24] + size + content[at + 28 :]
    return damaged(content, chance) if chance.random() < 0.4 else content
