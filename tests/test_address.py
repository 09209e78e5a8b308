"""One address: what a fork has to change is one command, and its book shows that address and no other."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import address
import launch
import pytest
from browse import PAGES

ROOT = Path(__file__).resolve().parents[1]
HUB = "https://hub.school.example"
FORK = "somebody/their-course"
SMALL = """import sys
sys.path.insert(0, "../book/_ext")
extensions = ["myst_nb", "launch"]
nb_execution_mode = "off"
suppress_warnings = ["myst"]
html_theme = "sphinx_book_theme"
html_theme_options = {}
"""
SCRIPT = [sys.executable, "tools/address.py"]


def copy_repository(target: Path) -> Path:
    """Copy the repository's files, as they are now, and nothing else."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True).stdout.split("\0")[:-1]
    if not names:
        pytest.skip("not a git checkout")
    for name in names:
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)
    return target


def edit(path: Path, pattern: str, new: str) -> None:
    text, times = re.subn(pattern, new, path.read_text(encoding="utf-8"), flags=re.M)
    assert times == 1
    path.write_text(text, encoding="utf-8")


def set_hub(fork: Path, hub: str) -> None:
    """Fill in the line that pyproject.toml has for it."""
    edit(fork / "pyproject.toml", "^(# )?JupyterHub = .*$", f'JupyterHub = "{hub}"')


def run(fork: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([*SCRIPT, *arguments], cwd=fork, capture_output=True, text=True)


@pytest.fixture
def fork(tmp_path) -> Path:
    return copy_repository(tmp_path / "fork")


def build(folder: Path, *command: str) -> Path:
    """Build pages in a process of its own, in a fork of the course that has a hub."""
    got = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True)
    assert got.returncode == 0, got.stdout[-3000:] + got.stderr[-3000:]
    return folder / "_build" / "html"


@pytest.fixture(scope="module")
def with_hub(tmp_path_factory) -> Path:
    """A fork of the course that has a hub."""
    fork = copy_repository(tmp_path_factory.mktemp("with_hub"))
    set_hub(fork, HUB)
    assert run(fork, FORK).returncode == 0
    return fork


@pytest.fixture(scope="module")
def chapter(with_hub) -> Path:
    """The pages of the first chapter alone, with the extension that makes the buttons and the theme that shows them."""
    small = with_hub / "small"
    (small / "book").mkdir(parents=True)
    shutil.copy(with_hub / "book" / "01_super_resolution.ipynb", small / "book")
    (small / "index.md").write_text("# Small\n\n```{toctree}\nbook/01_super_resolution\n```\n", encoding="utf-8")
    (small / "conf.py").write_text(SMALL, encoding="utf-8")
    return build(small, "-m", "sphinx", "-q", ".", "_build/html")


@pytest.fixture(scope="module")
def built(with_hub) -> Path:
    """The pages of the whole fork; building them takes half a minute."""
    book = "from jupyter_book.cli.main import main; main()"
    return build(with_hub, "-c", book, "build", ".", "--all", "-W", "-n", "--keep-going")


class Links(HTMLParser):
    """The addresses of a page's links, and of what its buttons download."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        if tag == "a":
            self.found.append(dict(attributes).get("href", ""))


def test_one_command_changes_the_address_everywhere(fork):
    before = address.current()
    assert run(fork, "someone/first.course").returncode == 0
    changed = run(fork, FORK).stdout.split()
    notebooks = [path.relative_to(fork).as_posix() for path in fork.glob("book/**/*.ipynb")]
    assert set(changed) >= {"pyproject.toml", "CITATION.cff", *notebooks}
    for path in filter(Path.is_file, fork.rglob("*")):
        if not path.is_relative_to(fork / "tests") and path.suffix in (".toml", ".md", ".cff", ".ipynb", ".yml"):
            text = path.read_text(encoding="utf-8")
            told = [line for line in text.splitlines() if f"{before} means" not in line]
            assert not [line for line in told if before in line or "first.course" in line], path


def test_a_new_version_brings_its_tag_into_every_first_cell(fork):
    edit(fork / "pyproject.toml", '^version = ".*"$', 'version = "7.8.9rc1"')
    assert run(fork).returncode == 0
    for path in fork.glob("book/**/*.ipynb"):
        told = re.findall(r"git\+https://github\.com/(\S+)@(v[^\s\"\\]+)", path.read_text(encoding="utf-8"))
        assert told == [(address.current(), "v7.8.9rc1")], path


@pytest.mark.parametrize("wrong", ["no address", "owner", "owner/", "https://github.com/a/b", "a/b/c", "a/$(b)"])
def test_what_is_no_repository_is_refused_before_anything_is_written(fork, wrong):
    before = {path: path.read_bytes() for path in fork.rglob("*.ipynb")}
    got = run(fork, wrong)
    assert got.returncode == 1
    assert got.stderr == f"{wrong!r} is no repository; give REPO=owner/name\n"
    assert {path: path.read_bytes() for path in fork.rglob("*.ipynb")} == before


def test_a_hub_that_is_no_site_is_refused_by_name(fork, monkeypatch):
    set_hub(fork, "our hub")
    monkeypatch.setattr(address, "ROOT", fork)
    with pytest.raises(SystemExit, match=r"pyproject.toml: JupyterHub = 'our hub' .* give one such as"):
        address.hub()


def test_without_a_hub_there_is_no_button_for_it(monkeypatch):
    monkeypatch.setattr(address, "hub", lambda: None)
    assert set(launch.options("a/b")["launch_buttons"]) == {"notebook_interface", "colab_url"}


def assert_buttons(built: Path, notebooks: list[Path]) -> None:
    """Each chapter's page leads to it in Colab and on the hub, and lets a reader download it."""
    for notebook in notebooks:
        links = Links((built / "book" / f"{notebook.stem}.html").read_text(encoding="utf-8")).found
        page = f"book/{notebook.name}"
        assert f"https://colab.research.google.com/github/{FORK}/blob/{address.tag()}/{page}" in links
        assert (
            f"{HUB}/hub/user-redirect/git-pull?repo=https%3A//github.com/{FORK}"
            f"&urlpath=lab/tree/their-course/{page}&branch=main"
        ) in links
        assert f"https://github.com/{FORK}" in links
        assert f"../_sources/{page}" in links
        told = (built / "_sources" / page).read_text(encoding="utf-8")
        assert f"git+https://github.com/{FORK}@{address.tag()}" in told


def test_a_chapter_of_a_fork_opens_in_colab_and_on_the_hub_and_is_downloaded(chapter):
    assert_buttons(chapter, [ROOT / "book" / "01_super_resolution.ipynb"])


@pytest.mark.release
def test_every_chapter_of_a_fork_opens_in_colab_and_on_the_hub_and_is_downloaded(built):
    assert_buttons(built, sorted((ROOT / "book").glob("[0-9]*.ipynb")))


def test_a_doi_is_asked_for_at_its_registry_and_no_other_address_is_changed():
    asked = launch.registered(None, "https://doi.org/10.1007/978-3-319-10593-2_13")
    assert asked == "https://doi.org/api/handles/10.1007/978-3-319-10593-2_13"
    assert launch.registered(None, "https://example.org/?from=https://doi.org/10.1") is None


@pytest.mark.release
def test_no_page_of_a_fork_shows_another_address(built):
    texts = {path: path.read_text(encoding="utf-8") for path in built.rglob("*") if path.suffix in (".html", ".ipynb")}
    assert len(texts) > 20
    assert [path for path, text in texts.items() if address.current() in text or address.UNKNOWN in text] == []


@pytest.mark.skipif(address.current() != address.UNKNOWN, reason="this repository has an address")
def test_without_an_address_a_page_has_no_button_that_needs_one():
    if not (PAGES / "index.html").exists():
        pytest.skip("there is no built book; `make book` builds it")
    links = Links((PAGES / "book" / "01_super_resolution.html").read_text(encoding="utf-8")).found
    assert [link for link in links if "colab" in link or "git-pull" in link or "OWNER" in link] == []
    assert "../_sources/book/01_super_resolution.ipynb" in links
