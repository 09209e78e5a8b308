"""Files: written whole or not at all."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from srcnn.files import InputError, Taken, atomic, free_memory, hold, naming, shipped, writable, write


def test_the_registry_travels_with_the_package():
    assert shipped("registry.toml").is_file()
    assert shipped("checksums.txt").is_file()


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    target = tmp_path / "result.json"
    with atomic(target) as part:
        part.write_text("new")
        assert not target.exists()
        assert part.parent == tmp_path, "a rename from another disk would not be atomic"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_the_old_file_stays_when_writing_fails(tmp_path, error):
    target = tmp_path / "result.json"
    target.write_text("old")
    with pytest.raises(error), atomic(target) as part:  # noqa: PT012
        part.write_text("half of the ne")
        raise error
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failure_names_the_file_and_not_the_temporary_one(tmp_path):
    target = tmp_path / "folder" / "result.json"
    target.parent.mkdir()
    for harm in (lambda part: part.unlink(), lambda part: shutil.rmtree(part.parent)):  # the second: folder gone
        with pytest.raises(FileNotFoundError) as failed, atomic(target) as part:
            harm(part)
        assert failed.value.filename == str(target)


POSIX = pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
KILLED = """
import os, signal, sys
from srcnn.files import atomic
with atomic(sys.argv[1]) as part:
    part.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@POSIX
def test_what_a_killed_process_left_is_written_over_and_gone_with_the_next_one(tmp_path):
    target = tmp_path / "result.json"
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", KILLED, str(target)], check=False)
        assert done.returncode == -signal.SIGKILL
    assert [path.read_text() for path in tmp_path.iterdir()] == ["half"]
    write(target, "new")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"result.json": "new"}


@POSIX
def test_two_that_write_one_file_at_once_do_not_write_into_each_other(tmp_path):
    """Processes in two containers on one disk may even have one number."""
    target = tmp_path / "result.json"
    with atomic(target) as one:
        one.write_text("one")
        with atomic(target) as other:
            other.write_text("other")
        assert target.read_text() == "other"
        assert one.read_text() == "one"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"result.json": "one"}


def test_a_new_file_takes_the_place_of_none(tmp_path):
    target = tmp_path / "result.json"
    write(target, "first", new=True)
    with pytest.raises(FileExistsError):
        write(target, "second", new=True)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"result.json": "first"}


def test_a_new_file_is_written_where_the_disk_has_no_links(tmp_path, monkeypatch):
    def none(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", none)
    test_a_new_file_takes_the_place_of_none(tmp_path)


@POSIX
def test_a_file_is_held_by_one_at_a_time_and_free_when_that_one_is_gone(tmp_path):
    release = hold(tmp_path / "lock")
    with pytest.raises(Taken):
        hold(tmp_path / "lock")
    release()
    hold(tmp_path / "lock")()


def test_an_error_of_the_disk_has_the_name_of_an_open_file_and_one_of_the_network_none():
    with pytest.raises(OSError, match=r"full: 'log'"), naming("log"):
        raise OSError(28, "full")
    with pytest.raises(ConnectionError, match=r"^broke$"), naming("log"):
        raise ConnectionError("broke")


# what /proc/self/cgroup says; the folder, limit, use and cached bytes of a group; and what is left of 8,192 bytes
GROUPS = {
    "none": ("", None, 8_192),
    "version 2, unlimited": ("0::/user/lab", ("sys/fs/cgroup/user/lab", "max", 5_000, 1_000), 8_192),
    "version 2, limited": ("0::/user/lab", ("sys/fs/cgroup/user/lab", 6_000, 5_000, 1_000), 2_000),
    "version 2, limited above": ("0::/user/lab", ("sys/fs/cgroup/user", 5_500, 5_000, 1_000), 1_500),
    "version 2, seen from inside": ("0::/gone", ("sys/fs/cgroup", 6_000, 5_900, 0), 100),
    "version 1": ("3:cpu,cpuacct:/\n8:memory:/lab", ("sys/fs/cgroup/memory/lab", 6_000, 5_000, 7), 1_007),
    "version 1, unlimited": ("8:memory:/", ("sys/fs/cgroup/memory", 2**63 - 4_096, 5_000, 7), 8_192),
    "more taken than allowed": ("0::/", ("sys/fs/cgroup", 6_000, 7_000, 0), 0),
}


@pytest.mark.parametrize(("own", "group", "left"), GROUPS.values(), ids=GROUPS)
def test_free_memory_is_what_the_machine_and_every_control_group_leave(own, group, left, tmp_path):
    def put(name: str, text: object) -> None:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")

    put("proc/meminfo", "MemTotal:   99 kB\nMemAvailable:   8 kB")
    put("proc/self/cgroup", own or "1:name=systemd:/")
    if group:
        folder, most, used, cached = group
        old = "memory" in folder
        put(f"{folder}/memory.{'limit_in_bytes' if old else 'max'}", most)
        put(f"{folder}/memory.{'usage_in_bytes' if old else 'current'}", used)
        put(f"{folder}/memory.stat", f"cache 1\n{'total_' * old}inactive_file {cached}")
    assert free_memory(tmp_path) == left


def test_a_system_that_does_not_tell_its_memory_is_believed(tmp_path):
    assert free_memory(tmp_path) is None


def test_a_name_as_long_as_the_system_allows_is_written(tmp_path):
    target = tmp_path / ("a" * 255)
    with atomic(target) as part:
        part.write_text("new")
    assert target.read_text() == "new"


def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "real" / "file.txt")
    with atomic(link) as part:
        part.write_text("new")
    assert link.is_symlink()
    assert (tmp_path / "real" / "file.txt").read_text() == "new"


def test_what_cannot_be_written_is_refused_with_its_name(tmp_path):
    (tmp_path / "file").write_text("")
    for path, message in [
        (tmp_path, "is a folder; give the name of a file"),
        (tmp_path / "missing" / "file", f"there is no folder {tmp_path / 'missing'}"),
        (tmp_path / "file" / "below", "there is no folder"),
        ("/dev/null", "is not an ordinary file"),
    ]:
        with pytest.raises(InputError, match=f"{path}.*{message}"):
            writable(path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_closed_folder_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(InputError, match="is not open to you"):
            writable(tmp_path / "file")
    finally:
        tmp_path.chmod(0o700)
