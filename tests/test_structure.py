"""The package's shape: a reading order that is the import order, one door to each library, modules of one sitting."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import srcnn

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path(srcnn.__file__).parent
PAPER = ["color", "resize", "metrics", "model", "evaluation", "pairs", "recipes", "training", "published"]
FOLDERS = ["checks", "cli", "reproduce"]


def names_in(line: str) -> list[str]:
    return re.findall(r"`(\w+)`", line)


def order() -> list[str]:
    """The flat modules in the one list that there is of them, a line of CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return names_in(next(line for line in text.splitlines() if line.startswith("`files` `color`")))


def name_of(path: Path) -> str:
    """``color``, ``checks.judging``."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


TREES = {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
FLAT = [name for name in TREES if "." not in name and name not in (*FOLDERS, "__init__", "__main__")]


def imports(module: str) -> set[str]:
    """Full names of what a module imports, those inside its functions too: ``srcnn.data``, ``PIL.Image``."""
    names = set()
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively, which this test does not follow"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def own_imports(module: str) -> set[str]:
    """The flat modules and the folders that a module imports."""
    second = {name.split(".")[1] for name in imports(module) if name.startswith("srcnn.")}
    return second & {*FLAT, *FOLDERS}


def users(library: str) -> set[str]:
    """The modules that import a library."""
    return {module for module in TREES if any(name.split(".")[0] == library for name in imports(module))}


def test_the_one_list_has_every_flat_module_and_begins_with_the_paper():
    listed = order()
    assert sorted(listed) == sorted(FLAT)
    assert listed[:10] == ["files", *PAPER]
    assert len(listed) <= 24


def test_readme_shows_the_papers_modules_in_the_same_order():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert PAPER in [names_in(line) for line in lines]


def test_there_are_three_folders():
    assert sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()) == FOLDERS


@pytest.mark.parametrize("module", FLAT)
def test_a_flat_module_imports_only_from_those_before_it(module):
    listed = order()
    wrong = own_imports(module) - set(listed[: listed.index(module)])
    assert not wrong, f"{module} imports {sorted(wrong)}"


@pytest.mark.parametrize("module", [name for name in TREES if name.split(".")[0] == "checks"])
def test_what_students_see_knows_neither_the_command_nor_the_workshop(module):
    assert own_imports(module) & {"cli", "reproduce"} == set()


def test_a_command_loads_nothing_of_the_workshop():
    told = "import sys, srcnn.cli; print(*[m for m in sys.modules if m.startswith(('srcnn.reproduce', 'scipy.io'))])"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_pillow_is_known_where_files_are_read_and_written_alone():
    assert users("PIL") == {"formats", "images"}


def test_only_plotting_draws_and_it_computes_nothing():
    assert users("matplotlib") == {"plotting"}
    assert own_imports("plotting") == {"files"}  # where its diagrams lie
    assert not any(name.startswith(("numpy", "torch.nn", "scipy", "skimage")) for name in imports("plotting"))


def test_only_the_command_prints():
    calls = {
        module
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert calls == {"cli", "cli.commands", "cli.enlarge", "cli.training"}


@pytest.mark.parametrize("module", TREES)
def test_a_module_has_at_most_300_lines_and_its_functions_60(module):
    functions = [node for node in ast.walk(TREES[module]) if isinstance(node, ast.FunctionDef)]
    long = {f.name: f.end_lineno - f.lineno + 1 for f in functions if f.end_lineno - f.lineno + 1 > 60}
    assert not long
    path = PACKAGE.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_what_the_package_offers_is_there_and_sorted():
    assert all(hasattr(srcnn, name) for name in srcnn.__all__)
    assert sorted(srcnn.__all__, key=str.lower) == sorted(set(srcnn.__all__), key=str.lower)
