"""The repository's own files agree with each other."""

import re
import subprocess
import tomllib
from pathlib import Path

import lowest
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LISTED = ["git", "ls-files", "--cached"]
EXTRAS = [requirement for extra in PROJECT["optional-dependencies"].values() for requirement in extra]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: list[str]) -> list[str]:
    return [normal(re.match(r"[\w.-]+", requirement).group()) for requirement in requirements]


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {normal(name): version for name, version in pairs}


def test_every_direct_dependency_is_pinned(pins):
    assert set(names(PROJECT["dependencies"] + EXTRAS)) <= set(pins)


def test_torch_is_the_version_the_book_was_made_with(pins):
    assert pins["torch"] == "2.13.0"


def test_the_package_asks_for_lower_bounds_only_so_that_colab_keeps_its_own_versions():
    assert all(re.fullmatch(r"[\w-]+>=[\d.]+", requirement) for requirement in PROJECT["dependencies"])


def test_the_lowest_versions_are_the_lower_bounds():
    assert lowest.pins(["numpy>=1.26", "pytorch-optimizer>=4.1"]) == ["numpy==1.26", "pytorch-optimizer==4.1"]
    assert lowest.pins(["numpy>=1.26", "torch>=2.4"], ["torch==2.5"]) == ["numpy==1.26", "torch==2.5"]
    assert len(lowest.pins(PROJECT["dependencies"])) == len(PROJECT["dependencies"])
    for without in ("numpy", "numpy>=1.26,<3", "numpy==1.26"):
        with pytest.raises(SystemExit, match="is no lower bound"):
            lowest.pins([without])


def test_conda_gets_the_same_versions(pins):
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    listed = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    pinned = {normal(name): version for name, version in (entry.split("==") for entry in listed if "==" in entry)}
    assert pinned == {name: pins[name] for name in pinned}
    assert set(pinned) == set(names(PROJECT["dependencies"] + EXTRAS))


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "DEPENDENCIES.md"])
def test_every_file_that_a_page_links_to_is_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = [target.split("#")[0] for target in re.findall(r"\]\(([^)]+)\)", text) if "://" not in target]
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_a_newcomer_finds_protocol_photograph_and_data_set_one_hop_from_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for question, file, word in (
        ("PSNR protocol", "srcnn/evaluation.py", "shave"),
        ("my photograph", "srcnn/upscale.py", "bicubic"),
        ("add a data set", "CONTRIBUTING.md", "a data set?"),
    ):
        row = next(line for line in readme.splitlines() if line.startswith("|") and question in line)
        assert file in row
        assert word in (ROOT / file).read_text(encoding="utf-8")


def test_the_commands_that_readme_names_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    pages = "".join((ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "CONTRIBUTING.md"))
    targets = set(re.findall(r"(?:^|`)make ([a-z-]+)", pages, flags=re.M))
    assert targets >= {"book", "test", "lab", "address"}
    assert targets <= set(re.findall(r"^([a-z-]+):", makefile, flags=re.M))


def test_no_image_of_a_set_that_may_not_be_redistributed_is_committed():
    files = subprocess.run(LISTED, cwd=ROOT, capture_output=True, text=True).stdout.split()
    pictures = [name for name in files if name.endswith((".bmp", ".png", ".jpg", ".jpeg", ".tif", ".webp", ".mat"))]
    assert [name for name in pictures if not name.startswith("book/_static/")] == []
