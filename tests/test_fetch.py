"""fetch: sets from a faulty server on this machine, known by content; and the download of one file."""

import io
import random
import re
import socket
import sys
import tarfile
import zipfile

import pytest
from tiny_sets import LEARN, TINY, files_in, picture, write_files

from srcnn import data, images
from srcnn import fetch as fetching
from srcnn.fetch import download, fetch, verify
from srcnn.files import InputError


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


@pytest.mark.parametrize("pack", [_tar, _zip])
def test_an_archive_is_known_by_content_and_its_names_lead_nowhere(server, root, tmp_path, pack):
    """Names that would climb out of the root or stand on the disk's own; what is not of the set is left out."""
    names = ("../../evil.bmp", str(tmp_path / "absolute.bmp"), "../root/Tiny/z.bmp")
    members = dict(zip(names, (TINY["Tiny/a.bmp"], TINY["Tiny/b.bmp"], TINY["Tiny/d.bmp"]), strict=True))
    server.files["tiny.zip"] = pack({"../../outside.txt": b"evil", **members, "Tiny/a.bmp": b"not a picture"})
    assert fetch("tiny") == root
    assert files_in(tmp_path) == {f"root/{path}": content for path, content in TINY.items()}


def test_a_second_fetch_downloads_nothing(server, root):
    server.files["tiny.zip"] = _zip(TINY)
    fetch("tiny")
    fetch("tiny")
    assert len(server.asked) == 1


def test_a_damaged_and_a_missing_file_are_fetched_again(server, root):
    server.files["tiny.zip"] = _zip(TINY)
    fetch("tiny")
    (root / "Tiny/a.bmp").write_bytes(b"damaged")
    (root / "Tiny/b.bmp").unlink()
    assert verify("tiny") == dict(zip(TINY, ("damaged", "missing", "ok", "ok"), strict=True))
    fetch("tiny")
    assert set(verify("tiny").values()) == {"ok"}
    assert files_in(root) == TINY


def test_a_broken_fetch_goes_on_where_it_stopped(server, root):
    server.files["tiny.zip"], server.breaks["tiny.zip"] = _zip(TINY), [100, 0]
    with pytest.raises(InputError, match="the connection broke"):
        fetch("tiny")
    fetch("tiny")
    assert files_in(root) == TINY
    assert server.served == len(server.files["tiny.zip"])


def test_a_png_of_the_same_pixels_is_taken_for_a_bmp(server, root):
    _mirrors(server, ["0.png", "1.png", "2.png"])
    server.files = {f"{seed}.png": picture(seed, "PNG") for seed in range(3)}
    fetch("tiny")
    assert set(verify("tiny").values()) == {"ok"}
    assert set(files_in(root)) == set(TINY)
    assert all(content.startswith(b"BM") for content in files_in(root).values())


def test_mirrors_complete_each_other(server, root):
    _mirrors(server, ["part.zip"], ["gone.zip"], ["d.bmp"])
    server.files = {"part.zip": _tar(dict(list(TINY.items())[:3])), "d.bmp": TINY["Tiny/d.bmp"]}
    fetch("tiny")
    assert files_in(root) == TINY


def test_where_every_mirror_fails_one_sentence_tells_how_each_did(server, root):
    _mirrors(server, ["gone.zip"], ["page.zip"], ["cut.tgz"], ["break.zip"])
    server.files = {"page.zip": b"<html>moved</html>", "cut.tgz": _tar(TINY)[:200], "break.zip": _zip(TINY)}
    server.breaks["break.zip"] = [0]
    with pytest.raises(InputError) as error:
        fetch("tiny")
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
        fetch("tiny")
    server.files["tiny.zip"] = _zip(TINY)
    fetch("tiny")
    assert files_in(root) == TINY


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
            fetching._take(file, missing, root)
            outcomes.add("read")
        except InputError as error:
            assert "archive is a damaged archive" in str(error)  # noqa: PT017
            outcomes.add("sentence")
        assert all((root / path).read_bytes() == TINY[path] for path in TINY if path not in missing)
    assert outcomes == {"read", "sentence"}


@pytest.mark.parametrize("length", [True, False])
def test_a_mirror_without_end_is_left_after_more_than_any_set_has(length, server, root, monkeypatch):
    monkeypatch.setattr(fetching, "_LARGEST_DOWNLOAD", 100_000)
    _mirrors(server, ["endless.zip"], ["tiny.zip"])
    server.length, server.files = length, {"endless.zip": bytes(400_000), "tiny.zip": _zip(TINY)}
    fetch("tiny")
    assert files_in(root) == TINY
    del server.files["tiny.zip"]
    (root / "Tiny/a.bmp").unlink()
    with pytest.raises(InputError, match=r"endless\.zip: it (sends more than|would have) .* bytes; no image"):
        fetch("tiny")
    assert sum(path.stat().st_size for path in (root / ".downloads").iterdir()) == 0


@pytest.mark.parametrize("pack", [_tar, _zip, lambda members: members["large"]])
def test_what_is_larger_than_any_image_is_not_read_from_an_archive(pack, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "_LARGEST", 100_000)
    archive = tmp_path / "archive"
    members = {"first": b"a picture", "large": bytes(100_000), "last": bytes(99_999)}
    archive.write_bytes(pack(members))
    small = [members["first"], members["last"]] if pack in (_tar, _zip) else []
    assert list(fetching._members(archive)) == small


@pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
def test_of_two_fetches_into_one_place_one_is_asked_to_wait(server, root):
    server.files["tiny.zip"] = _zip(TINY)
    asked = []

    def meanwhile(url: str, done: int, total: int | None) -> None:
        with pytest.raises(InputError, match=f"another `srcnn data fetch` is at work in {root}; start again when it"):
            fetch("tiny")
        asked.append(url)

    fetch("tiny", meanwhile)
    assert asked
    assert files_in(root) == TINY
    fetch("tiny")


def test_a_full_disk_is_told_with_the_name_of_the_file(server, url, tmp_path):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match=r"No space left on device.*set\.zip"):
        download(url, tmp_path / "set.zip", full)


def test_a_root_that_cannot_hold_data_is_named(root):
    root.write_text("a file")
    with pytest.raises(InputError, match=rf"{root} cannot hold the data: .*; give another --root"):
        fetch("tiny")


@pytest.mark.parametrize("name", data.GENERATED)
def test_a_set_without_files_is_not_called_unknown(name):
    with pytest.raises(InputError, match=f"{name} needs no download and has no files"):
        fetch(name)


def test_capitals_do_not_matter_in_the_name_of_a_set(root):
    write_files(root, TINY)
    assert set(verify("Tiny").values()) == {"ok"}


@pytest.mark.data
@pytest.mark.parametrize("name", ["t91", "bsds300", "bsds500-test", "set5", "set14"])
def test_the_checksums_fit_the_real_files(data_root, name):
    assert set(verify(name).values()) == {"ok"}
    for path, (_, pixels) in data.registry()[name].files.items():
        assert pixels is None or images.pixel_hash(data_root / path) == pixels


# The download of one file


CONTENT = random.Random(0).randbytes(200_000)


@pytest.fixture
def url(server) -> str:
    server.files["set.zip"] = CONTENT
    return server.url("set.zip")


def test_a_file_arrives_whole_and_its_progress_is_told(url, tmp_path):
    told = []
    download(url, tmp_path / "set.zip", lambda url, done, total: told.append((done, total)))
    assert (tmp_path / "set.zip").read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [tmp_path / "set.zip"]
    assert told == sorted(told)
    assert told[-1] == (200_000, 200_000)


def test_a_length_that_is_not_told_is_none(server, url, tmp_path):
    server.length, told = False, []
    download(url, tmp_path / "set.zip", lambda url, done, total: told.append((done, total)))
    assert (tmp_path / "set.zip").read_bytes() == CONTENT
    assert told[-1] == (200_000, None)


def test_after_a_break_only_what_is_missing_is_asked_for(server, url, tmp_path):
    server.breaks["set.zip"] = [70_000, 50_000]
    download(url, tmp_path / "set.zip")
    assert (tmp_path / "set.zip").read_bytes() == CONTENT
    assert [wanted for _, wanted in server.asked] == [None, "bytes=70000-", "bytes=120000-"]
    assert server.served == 200_000


def test_what_came_is_kept_for_a_later_call(server, url, tmp_path):
    server.breaks["set.zip"] = [10_000] * 3
    with pytest.raises(InputError, match=f"{url}: the connection broke before the end"):
        download(url, tmp_path / "set.zip")
    assert not (tmp_path / "set.zip").exists()
    assert (tmp_path / "set.zip.part").read_bytes() == CONTENT[:30_000]
    download(url, tmp_path / "set.zip")
    assert (tmp_path / "set.zip").read_bytes() == CONTENT
    assert server.served == 200_000


def test_a_server_that_sends_nothing_is_not_asked_again(server, url, tmp_path):
    server.breaks["set.zip"] = [0, 0, 0]
    with pytest.raises(InputError, match="broke before the end"):
        download(url, tmp_path / "set.zip")
    assert len(server.asked) == 1


def test_a_server_without_ranges_sends_the_file_again_from_its_start(server, url, tmp_path):
    server.ranges, server.breaks["set.zip"], told = False, [70_000], []
    download(url, tmp_path / "set.zip", lambda url, done, total: told.append((done, total)))
    assert (tmp_path / "set.zip").read_bytes() == CONTENT
    assert server.asked[1] == ("set.zip", "bytes=70000-")
    assert told[-1] == (200_000, 200_000)


def test_a_part_longer_than_the_file_is_begun_again(server, url, tmp_path):
    (tmp_path / "set.zip.part").write_bytes(bytes(200_001))
    download(url, tmp_path / "set.zip")
    assert (tmp_path / "set.zip").read_bytes() == CONTENT
    assert [wanted for _, wanted in server.asked] == ["bytes=200001-", None]


def test_a_part_outgrown_at_the_last_attempt_is_no_success(server, url, tmp_path):
    def shorten(url: str, done: int, total: int | None) -> None:
        if done == 30:  # another, shorter file is put there before the third attempt
            server.files["set.zip"] = CONTENT[:5]

    server.breaks["set.zip"] = [10, 20]
    with pytest.raises(InputError, match="HTTP 416"):
        download(url, tmp_path / "set.zip", shorten)
    assert not (tmp_path / "set.zip").exists()
    download(url, tmp_path / "set.zip")
    assert (tmp_path / "set.zip").read_bytes() == CONTENT[:5]


def test_a_missing_file_is_told_by_its_status(server, tmp_path):
    with pytest.raises(InputError, match=rf"{server.url('gone')}: HTTP 404"):
        download(server.url("gone"), tmp_path / "gone")
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_named(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers
        url = f"http://127.0.0.1:{free.getsockname()[1]}/set.zip"
        with pytest.raises(InputError, match=f"{url}: .*refused"):
            download(url, tmp_path / "set.zip")


@pytest.mark.parametrize("url", ["no address", "http://", "carrier-pigeon://x/y"])
def test_what_is_no_address_is_told(url, tmp_path):
    with pytest.raises(InputError, match=url):
        download(url, tmp_path / "set.zip")
