"""Data: fetching and finding, with tiny sets from a server on this machine; and the real registry."""

import hashlib
import io
import random
import re
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from srcnn import data, images
from srcnn.data import DataSet, fetch, fingerprint, paths, photographs, verify
from srcnn.files import InputError


def _picture(seed: int, kind: str = "BMP") -> bytes:
    values = np.random.default_rng(seed).integers(0, 256, (6, 5 + seed, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, kind)
    return stream.getvalue()


# c is b over again, as t36 and t65 of T91 are one picture
TINY = {"Tiny/a.bmp": _picture(0), "Tiny/b.bmp": _picture(1), "Tiny/c.bmp": _picture(1), "Tiny/d.bmp": _picture(2)}
LEARN = {"Learn/train/x.jpg": _picture(3, "JPEG"), "Learn/test/y.jpg": _picture(4, "JPEG")}


@pytest.fixture
def root(tmp_path, monkeypatch, server) -> Path:
    """An empty data root; the registry has ``tiny``, a test set, and ``learn``, and no other root holds anything."""

    def checksums(path: str, content: bytes) -> tuple[str, str | None]:
        picture = tmp_path / "picture"
        picture.write_bytes(content)
        pixels = None if path.endswith(".jpg") else images.pixel_hash(picture)
        picture.unlink()
        return hashlib.sha256(content).hexdigest(), pixels

    def entry(name: str, files: dict[str, bytes], **folders: str) -> DataSet:
        sums = {path: checksums(path, content) for path, content in files.items()}
        return DataSet(name, name.title(), "Tests.", "none", folders, [[server.url(f"{name}.zip")]], sums)

    sets = {
        "tiny": entry("tiny", TINY, test="Tiny"),
        "learn": entry("learn", LEARN, train="Learn/train", test="Learn/test"),
    }
    monkeypatch.setattr(data, "registry", lambda: sets)
    monkeypatch.delenv("SRCNN_DATA", raising=False)
    monkeypatch.setattr(data.platformdirs, "user_cache_path", lambda name: tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "root"


def _mirrors(server, *mirrors: list[str]) -> None:
    data.registry()["tiny"].mirrors[:] = [[server.url(name) for name in names] for names in mirrors]


def _zip(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def _tar(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        link = tarfile.TarInfo("link.bmp")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def _write(place: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content)


def _files(place: Path) -> dict[str, bytes]:
    return {str(p.relative_to(place)): p.read_bytes() for p in place.rglob("*") if p.is_file()}


@pytest.mark.parametrize("pack", [_tar, _zip])
def test_an_archive_is_known_by_content_and_its_names_lead_nowhere(server, root, tmp_path, pack):
    """Names that would climb out of the root or stand on the disk's own; what is not of the set is left out."""
    names = ("../../evil.bmp", str(tmp_path / "absolute.bmp"), "../root/Tiny/z.bmp")
    members = dict(zip(names, (TINY["Tiny/a.bmp"], TINY["Tiny/b.bmp"], TINY["Tiny/d.bmp"]), strict=True))
    server.files["tiny.zip"] = pack({"../../outside.txt": b"evil", **members, "Tiny/a.bmp": b"not a picture"})
    assert fetch("tiny", root) == root
    assert _files(tmp_path) == {f"root/{path}": content for path, content in TINY.items()}


def test_a_second_fetch_downloads_nothing(server, root):
    server.files["tiny.zip"] = _zip(TINY)
    fetch("tiny", root)
    fetch("tiny", root)
    assert len(server.asked) == 1


def test_a_damaged_and_a_missing_file_are_fetched_again(server, root):
    server.files["tiny.zip"] = _zip(TINY)
    fetch("tiny", root)
    (root / "Tiny/a.bmp").write_bytes(b"damaged")
    (root / "Tiny/b.bmp").unlink()
    assert verify("tiny", root) == dict(zip(TINY, ("damaged", "missing", "ok", "ok"), strict=True))
    fetch("tiny", root)
    assert set(verify("tiny", root).values()) == {"ok"}
    assert _files(root) == TINY


def test_a_broken_fetch_goes_on_where_it_stopped(server, root):
    server.files["tiny.zip"], server.breaks["tiny.zip"] = _zip(TINY), [100, 0]
    with pytest.raises(InputError, match="the connection broke"):
        fetch("tiny", root)
    fetch("tiny", root)
    assert _files(root) == TINY
    assert server.served == len(server.files["tiny.zip"])


def test_a_png_of_the_same_pixels_is_taken_for_a_bmp(server, root):
    _mirrors(server, ["0.png", "1.png", "2.png"])
    server.files = {f"{seed}.png": _picture(seed, "PNG") for seed in range(3)}
    fetch("tiny", root)
    assert set(verify("tiny", root).values()) == {"ok"}
    assert set(_files(root)) == set(TINY)
    assert all(content.startswith(b"BM") for content in _files(root).values())


def test_mirrors_complete_each_other(server, root):
    _mirrors(server, ["part.zip"], ["gone.zip"], ["d.bmp"])
    server.files = {"part.zip": _tar(dict(list(TINY.items())[:3])), "d.bmp": TINY["Tiny/d.bmp"]}
    fetch("tiny", root)
    assert _files(root) == TINY


def test_where_every_mirror_fails_one_sentence_tells_how_each_did(server, root):
    _mirrors(server, ["gone.zip"], ["page.zip"], ["cut.tgz"], ["break.zip"])
    server.files = {"page.zip": b"<html>moved</html>", "cut.tgz": _tar(TINY)[:200], "break.zip": _zip(TINY)}
    server.breaks["break.zip"] = [0]
    with pytest.raises(InputError) as error:
        fetch("tiny", root)
    message = str(error.value)
    assert message.startswith("4 of the 4 files of Tiny could not be had. ")
    assert f"{server.url('gone.zip')}: HTTP 404" in message
    assert f"{server.url('page.zip')}: none of the missing files is in it" in message
    assert re.search(r"cut\.tgz.* is a damaged archive", message)
    assert f"{server.url('break.zip')}: the connection broke before the end" in message
    assert "`srcnn data verify tiny`" in message
    assert "\n" not in message


@pytest.mark.parametrize("wrong", [b"<html>come back later</html>", _tar(TINY)[:120], _zip(LEARN)])
def test_a_wrong_file_is_not_kept_for_the_next_time(server, root, wrong):
    server.files["tiny.zip"] = wrong
    with pytest.raises(InputError):
        fetch("tiny", root)
    server.files["tiny.zip"] = _zip(TINY)
    fetch("tiny", root)
    assert _files(root) == TINY


@pytest.mark.parametrize("pack", [_tar, _zip])
def test_no_damage_of_an_archive_raises_anything_else(root, tmp_path, pack):
    """Cuts and changed bytes by a fixed seed; every file that is taken all the same is right."""
    good, chance, file = pack(TINY), random.Random(0), tmp_path / "archive"
    (root / ".downloads").mkdir(parents=True)
    outcomes = set()
    for trial in range(150):
        bad = bytearray(good[: chance.randrange(len(good))] if trial % 4 == 0 else good)
        for _ in range(chance.choice((1, 2, 8)) if trial % 4 else 0):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        file.write_bytes(bad)
        missing = dict(data.registry()["tiny"].files)
        try:
            data._take(file, missing, root)
            outcomes.add("read")
        except InputError as error:
            assert "archive is a damaged archive" in str(error)  # noqa: PT017
            outcomes.add("sentence")
        assert all((root / path).read_bytes() == TINY[path] for path in TINY if path not in missing)
    assert outcomes == {"read", "sentence"}


def test_a_root_that_cannot_hold_data_is_named(root):
    root.write_text("a file")
    with pytest.raises(InputError, match=rf"{root} cannot hold the data: .*; give another --root"):
        fetch("tiny", root)


def test_roots_are_searched_in_their_order(root, tmp_path, monkeypatch):
    monkeypatch.setenv("SRCNN_DATA", str(tmp_path / "variable"))
    places = [root, tmp_path / "variable", tmp_path / "data", tmp_path / "cache"]
    for place in reversed(places):
        _write(place, TINY)
        assert [path.absolute() for path in paths("tiny", "test", root)] == [place / path for path in TINY]


def test_photographs_come_in_order_with_their_names(root):
    _write(root, TINY | LEARN)
    found = dict(photographs("tiny+learn", "test", root))
    assert list(found) == ["a", "b", "c", "d", "y"]
    assert torch.equal(found["a"], images.read(root / "Tiny/a.bmp"))
    assert [name for name, _ in photographs("LEARN", "train", root)] == ["x"]


def test_so_many_of_a_set_are_spread_evenly_over_it(tmp_path):
    assert [n for n, _ in data.photographs("leaves:4+sample:1", "train")] == [
        "leaves-0", "leaves-10", "leaves-20", "leaves-30", next(iter(images.SAMPLE["train"]))
    ]  # fmt: skip
    folder = tmp_path / "of:7"  # a folder may have a colon
    folder.mkdir()
    images.write_photograph(folder / "a.png", images.Photograph(images.to_bytes(images.sample("camera")[:, :9, :9])))
    assert [n for n, _ in data.photographs(str(folder), "train")] == ["a"]
    for spec in ("leaves:0", "leaves:41"):
        with pytest.raises(InputError, match=f"{spec} asks for .* images; there are 40, so give 1 to 40"):
            list(data.photographs(spec, "train"))


def test_a_folder_of_ones_own_is_a_set(root, tmp_path):
    _write(tmp_path, {"mine/q.bmp": TINY["Tiny/a.bmp"]})
    for use in ("train", "test"):
        assert [name for name, _ in photographs(str(tmp_path / "mine"), use, root)] == ["q"]
        assert [name for name, _ in photographs("mine", use, root)] == ["q"]


def test_sample_and_leaves_need_no_file_and_never_test_on_what_was_trained_on(root, monkeypatch):
    monkeypatch.setattr(data, "dead_leaves", lambda seed: torch.full((1, 2, 2), float(seed)))  # drawing takes seconds
    for name in data.GENERATED:
        train, test = ({n for n, _ in photographs(name, use, root)} for use in ("train", "test"))
        assert train
        assert test
        assert train.isdisjoint(test)


@pytest.mark.parametrize(
    ("spec", "use", "message"),
    [
        ("sett5", "test", "no data set 'sett5'; there are tiny, learn, sample, leaves, or a folder"),
        ("learn+", "train", "no data set ''"),
        ("no/such/folder", "test", "no/such/folder is no folder of images"),
        ("tiny", "train", "Tiny is a test set: a model trained on it has no honest score"),
        ("tiny", "test", r"Tiny is not here; `srcnn data fetch tiny` downloads it, or set SRCNN_DATA .* holds Tiny/"),
        ("learn", "train", r"Learn is not here; .* holds Learn/train/"),
    ],
)
def test_what_is_not_there_is_told_with_the_next_step(root, spec, use, message):
    _write(root, LEARN if spec == "learn+" else {})
    with pytest.raises(InputError, match=message):
        list(photographs(spec, use, root))


@pytest.mark.parametrize("name", data.GENERATED)
def test_a_set_without_files_is_not_called_unknown(name, root):
    with pytest.raises(InputError, match=f"{name} needs no download and has no files"):
        fetch(name, root)


def test_capitals_do_not_matter_in_the_name_of_a_set(root):
    _write(root, TINY)
    assert set(verify("Tiny", root).values()) == {"ok"}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the names of files are Unicode")
def test_a_name_that_is_no_utf8_has_a_fingerprint(root):
    _write(root, {"mine/a\udcff.bmp": TINY["Tiny/a.bmp"], "yours/a.bmp": TINY["Tiny/a.bmp"]})
    assert fingerprint(str(root / "mine"), "test") != fingerprint(str(root / "yours"), "test")


def test_a_set_that_is_there_in_part_is_told(root):
    _write(root, dict(list(TINY.items())[:3]))
    with pytest.raises(InputError, match=r"Tiny in .*root/Tiny lacks 1 of its 4 files; `srcnn data fetch tiny` comp"):
        paths("tiny", "test", root)


def test_the_fingerprint_knows_names_and_pixels(root):
    _write(root, {"p/a.bmp": TINY["Tiny/a.bmp"], "q/a.png": _picture(0, "PNG"), "r/b.bmp": TINY["Tiny/a.bmp"]})
    _write(root, {"s/a.bmp": TINY["Tiny/b.bmp"]})
    one, same, renamed, other = (fingerprint(str(root / folder), "test") for folder in "pqrs")
    assert one == same
    assert len({one, renamed, other}) == 3


def test_every_registered_set_is_described_and_has_a_checksum_for_each_file():
    counts = {"t91": 91, "bsds300": 300, "bsds500-test": 200, "set5": 5, "set14": 14}
    assert {name: len(entry.files) for name, entry in data.registry().items()} == counts
    for entry in data.registry().values():
        assert entry.title
        assert entry.what
        assert entry.licence
        assert entry.mirrors
        assert set(entry.folders) <= {"train", "test"}
        for url in (url for mirror in entry.mirrors for url in mirror):
            # the authors' own address has no https; what comes from it is checked all the same
            assert url.startswith(("https://", "http://mmlab.ie.cuhk.edu.hk/")), url
        for path, (sha, pixels) in entry.files.items():
            assert re.fullmatch("[0-9a-f]{64}", sha), path
            assert (pixels is None) == path.endswith(".jpg"), path
            assert pixels is None or re.fullmatch("[0-9a-f]{64}", pixels), path


def test_the_fields_names_for_the_bsds_test_images_are_understood():
    assert data.lookup("bsd100").name == "bsds300"
    assert data.lookup("bsd200").name == "bsds500-test"


@pytest.mark.data
@pytest.mark.parametrize("name", ["t91", "bsds300", "bsds500-test", "set5", "set14"])
def test_the_checksums_fit_the_real_files(data_root, name):
    assert set(verify(name, data_root).values()) == {"ok"}
    for path, (_, pixels) in data.registry()[name].files.items():
        assert pixels is None or images.pixel_hash(data_root / path) == pixels
