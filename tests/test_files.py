"""Files: written whole or not at all."""

import os

import pytest

from srcnn.files import InputError, atomic, shipped, writable


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
    for harm in (lambda part: (part / "below").touch(), lambda part: part.parent.rmdir()):  # the second: folder gone
        with pytest.raises(FileNotFoundError) as failed, atomic(target) as part:
            harm(part)
        assert failed.value.filename == str(target)


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
