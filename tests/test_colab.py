"""A chapter's first cell on a machine like Colab's: it fetches the course by its tag and leaves what is there alone.

That machine has a torch, a NumPy and a Pillow, an ipywidgets older than ours, and neither srcnn nor pytorch-optimizer.
GitHub is a folder on this disk, to which git is sent; PyPI is the real one. How each chapter runs once the package is
there is seen by `make chapters`.
"""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import address
import nbformat
import pytest
from test_address import ROOT, copy_repository, edit

CHAPTER = ROOT / "book" / "01_super_resolution.ipynb"
KEPT = ("torch", "numpy", "pillow", "ipywidgets")
NOT_THERE = ("srcnn", "__editable__", "_srcnn", "pytorch_optimizer", "ipywidgets")
WIDGETS = ("ipywidgets==7.7.1", "ipython_genutils==0.2.0")

# Run by the machine's Python in an empty folder: a chapter's first cell, and what is there afterwards.
SCRIPT = """
import json, sys
from importlib.metadata import distribution
from pathlib import Path
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
first = next(cell for cell in notebook.cells if cell.cell_type == "code")
notebook.cells = [first, nbformat.v4.new_code_cell("import srcnn; print(srcnn.__file__)")]
NotebookClient(notebook, kernel_name="python3", timeout=600).execute()
said, file = ("".join(output.get("text", "") for output in cell.outputs) for cell in notebook.cells)
origin = json.loads(distribution("srcnn").read_text("direct_url.json"))
left = [path.name for path in Path().iterdir()]
print(json.dumps({"said": said, "file": file.strip(), "origin": origin, "left": left}))
"""

pytestmark = pytest.mark.skipif(
    shutil.which("git") is None or shutil.which("make") is None, reason="there is no git, or no make"
)


def tag_again(checkout: Path) -> None:
    """Put the version's tag on the files as they are."""
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "All"], ["tag", "--force", address.tag()]):
        subprocess.run([*git, *command], cwd=checkout, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path) -> Path:
    """The repository, in a folder that stands for https://github.com."""
    checkout = copy_repository(tmp_path / "github" / address.current())
    tag_again(checkout)
    return checkout


@pytest.fixture(scope="module")
def theirs(tmp_path_factory) -> Path:
    """The packages of that machine: ours as links, less what it has not."""
    theirs = tmp_path_factory.mktemp("theirs")
    for path in Path(pytest.__file__).parents[1].iterdir():
        if not path.name.startswith(NOT_THERE) and path.suffix != ".pth":
            (theirs / path.name).symlink_to(path)
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(theirs), *WIDGETS]
    got = subprocess.run(install, capture_output=True, text=True)
    if got.returncode:
        pytest.skip(f"PyPI cannot be reached, and a first cell fetches from it: {got.stderr.splitlines()[-1]}")
    return theirs


@pytest.fixture
def python(theirs, tmp_path) -> Path:
    """The Python of that machine. What lies outside of its own folder cannot be replaced by pip, only hidden."""
    machine = tmp_path / "machine"
    venv.create(machine)
    (packages,) = machine.glob("lib/python*/site-packages")
    (packages / "theirs.pth").write_text(str(theirs), encoding="utf-8")
    return machine / "bin" / "python"


@pytest.fixture
def settings(checkout) -> dict[str, str]:
    """Environment variables: git finds that folder for https://github.com, and no GPU is on."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    folder = checkout.parents[1]
    git = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.file://{folder}/.insteadOf"}
    return {**kept, **git, "GIT_CONFIG_VALUE_0": "https://github.com/", "CUDA_VISIBLE_DEVICES": ""}


def places(python: Path) -> dict[str, str]:
    """Version and folder of what is to stay."""
    code = (
        f"import json, sys; from importlib.metadata import distribution as one; names = {KEPT};"
        "print(json.dumps({name: [one(name).version, str(one(name).locate_file(''))] for name in names}))"
    )
    return json.loads(subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout)


def first_cell(python: Path, settings: dict[str, str], folder: Path) -> subprocess.CompletedProcess:
    folder.mkdir()
    return subprocess.run([python, "-c", SCRIPT, CHAPTER], cwd=folder, env=settings, capture_output=True, text=True)


@pytest.mark.release
def test_the_first_cell_fetches_the_tag_and_leaves_what_is_there_alone(python, settings, tmp_path):
    before = places(python)
    assert before["ipywidgets"][0] == "7.7.1"
    got = first_cell(python, settings, tmp_path / "empty")
    assert got.returncode == 0, got.stderr
    told = json.loads(got.stdout.splitlines()[-1])
    assert Path(told["file"]).is_relative_to(python.parents[1])
    assert told["origin"]["url"] == f"https://github.com/{address.current()}"
    assert told["origin"]["vcs_info"]["requested_revision"] == address.tag()
    assert "No GPU is on" in told["said"]
    assert "In Colab: Runtime, Change runtime type" in told["said"]
    assert told["left"] == []
    assert places(python) == before


@pytest.mark.release
def test_the_first_cell_fails_rather_than_replace_what_is_there(python, settings, checkout, tmp_path):
    before = places(python)
    edit(checkout / "pyproject.toml", r'^    "pillow>=.*",$', '    "pillow<12",')
    tag_again(checkout)
    got = first_cell(python, settings, tmp_path / "empty")
    assert got.returncode != 0
    assert "No module named 'srcnn'" in got.stderr
    assert places(python) == before


@pytest.mark.release
def test_the_weekly_check_runs_chapters_with_the_python_that_is_there_and_names_those_that_fail(
    python, settings, checkout
):
    chapters = []
    for name, code in (("00_broken", "1 / 0"), ("01_whole", "print(1)")):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
        nbformat.write(notebook, checkout / "book" / f"{name}.ipynb")
        chapters.append(f"book/{name}.ipynb")
    command = ["make", "colab", f"PYTHON={python}"]

    def run(names: list[str]) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*command, f"CHAPTERS={' '.join(names)}"], cwd=checkout, env=settings, capture_output=True, text=True
        )

    good = run(chapters[1:])
    assert good.returncode == 0, good.stdout + good.stderr
    assert "_build/colab/01_whole.ipynb " in good.stdout
    bad = run(chapters)
    assert bad.returncode != 0
    assert "these fail: _build/colab/00_broken.ipynb\n" in bad.stdout
    assert "_build/colab/01_whole.ipynb " in bad.stdout
