"""Dependencies: each has its reason, its version and a license that the course takes, and the table says so."""

from importlib.metadata import PackageNotFoundError, distribution

import dependencies
import pytest


def _installed(name: str) -> bool:
    try:
        return bool(distribution(name))
    except PackageNotFoundError:
        return False


def test_the_table_has_every_distribution_with_a_reason_its_version_and_its_license():
    rows, versions = dependencies.rows(), dependencies.pinned()
    assert list(rows) == list(dependencies.named())
    for name, (extras, reason, version, license, released) in rows.items():
        assert extras == dependencies.named()[name]
        assert len(reason) > 8
        assert version == versions[name]
        assert "2022" <= released[:4] <= "2030"
        if _installed(name):
            assert license == dependencies.license_of(name)
    assert len({reason for _, reason, *_ in rows.values()}) == len(rows)


def test_every_license_is_one_that_the_course_takes():
    installed = [name for name in dependencies.pinned() if _installed(name)]
    assert len(installed) > 100
    assert {name: dependencies.license_of(name) for name in installed if not dependencies.allowed(name)} == {}


@pytest.mark.parametrize(
    ("license", "right"),
    [
        ("MIT", True),
        ("Apache-2.0 OR BSD-2-Clause", True),
        ("(MIT AND Zlib) OR MPL-2.0", True),
        ("GPL-3.0-only", False),
        ("MIT AND AGPL-3.0-or-later", False),
        ("GPL-2.0-only", False),  # which codespell alone may have
        ("none", False),
    ],
)
def test_another_license_is_refused(license, right, monkeypatch):
    monkeypatch.setitem(dependencies.READ, "numpy", license)
    assert dependencies.allowed("numpy") is right


def test_what_was_read_by_a_person_is_still_installed():
    assert set(dependencies.READ) <= set(dependencies.pinned())


def test_writing_the_table_again_changes_what_pypi_says_alone(tmp_path, monkeypatch, capsys):
    before = dependencies.TABLE.read_text(encoding="utf-8")
    copy = tmp_path / "table.md"
    copy.write_text(before, encoding="utf-8")
    monkeypatch.setattr(dependencies, "TABLE", copy)
    days = {name: cells[-1] for name, cells in dependencies.rows().items()} | {"numpy": "2027-01-31"}
    monkeypatch.setattr(dependencies, "last_release", days.__getitem__)
    assert dependencies.main() == 0
    after = copy.read_text(encoding="utf-8")
    changed = [line for line in after.splitlines() if line not in before.splitlines()]
    assert [line.split("|")[1].strip() for line in changed] == ["`numpy`"]
    assert changed[0].endswith("| 2027-01-31 |")
    copy.write_text(after.replace("the figures of the chapters", ""), encoding="utf-8")
    assert dependencies.main() == 1
    assert "matplotlib has no reason in table.md" in capsys.readouterr().out
