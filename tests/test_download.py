"""Download, from a server on this machine that breaks in the ways of real ones."""

import random
import socket

import pytest

from srcnn.download import download
from srcnn.files import InputError

CONTENT = random.Random(0).randbytes(200_000)


@pytest.fixture
def url(server) -> str:
    server.files["set.zip"] = CONTENT
    return server.url("set.zip")


def test_a_file_arrives_whole_and_its_progress_is_told(url, tmp_path):
    told = []
    download(url, tmp_path / "set.zip", lambda done, total: told.append((done, total)))
    assert (tmp_path / "set.zip").read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [tmp_path / "set.zip"]
    assert told == sorted(told)
    assert told[-1] == (200_000, 200_000)


def test_a_length_that_is_not_told_is_none(server, url, tmp_path):
    server.length, told = False, []
    download(url, tmp_path / "set.zip", lambda done, total: told.append((done, total)))
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
    download(url, tmp_path / "set.zip", lambda done, total: told.append((done, total)))
    assert (tmp_path / "set.zip").read_bytes() == CONTENT
    assert server.asked[1] == ("set.zip", "bytes=70000-")
    assert told[-1] == (200_000, 200_000)


def test_a_part_longer_than_the_file_is_begun_again(server, url, tmp_path):
    (tmp_path / "set.zip.part").write_bytes(bytes(200_001))
    download(url, tmp_path / "set.zip")
    assert (tmp_path / "set.zip").read_bytes() == CONTENT
    assert [wanted for _, wanted in server.asked] == ["bytes=200001-", None]


def test_a_part_outgrown_at_the_last_attempt_is_no_success(server, url, tmp_path):
    def shorten(done: int, total: int | None) -> None:
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
