"""The package's shape: arrows go down only, each library has one door, modules and functions fit on a screen or two."""

import ast
from pathlib import Path

import pytest

import srcnn

PACKAGE = Path(srcnn.__file__).parent
LAYERS = (
    {"files"},
    {"color", "resize", "metrics", "model", "published", "leaves", "download", "progress", "recipes", "distributed"}
    | {"questions"},
    {"images", "pairs", "training", "evaluation", "pretrained", "checks_patches"},
    {"data", "checks_bicubic", "checks_network", "checks_descent", "checks_weights"},
    {"runs", "upscale", "plotting", "compare", "checks_measure", "checks_stages", "checks_training"},
    {"experiments", "checks"},
    {"footprint", "plain"},
    {"ablations", "benchmarks", "shipping"},
    {"reproduce"},
    {"arguments"},
    {"cli"},
)
LAYER = {module: number for number, layer in enumerate(LAYERS) for module in layer}
TREES = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.glob("*.py"))}


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
    """The modules of the package that a module imports."""
    second = {name.split(".")[1] for name in imports(module) if name.startswith("srcnn.")}
    return second & set(LAYER)


def users(library: str) -> set[str]:
    """The modules that import a library."""
    return {module for module in TREES if any(name.split(".")[0] == library for name in imports(module))}


def test_every_module_has_its_layer():
    assert set(TREES) - {"__init__", "__main__"} == set(LAYER)


@pytest.mark.parametrize("module", LAYER)
def test_a_module_imports_from_lower_layers_alone(module):
    wrong = {other for other in own_imports(module) - {module} if LAYER[other] >= LAYER[module]}
    assert not wrong, f"{module} (layer {LAYER[module]}) imports {sorted(wrong)}"


def test_only_images_knows_pillow():
    assert users("PIL") == {"images"}


def test_only_plotting_draws_and_it_computes_nothing():
    assert users("matplotlib") == {"plotting"}
    assert own_imports("plotting") == set()
    assert not any(name.startswith(("numpy", "torch.nn", "scipy", "skimage")) for name in imports("plotting"))


def test_only_the_command_line_prints():
    calls = {
        module
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert calls == {"cli"}


@pytest.mark.parametrize("module", TREES)
def test_a_module_has_at_most_350_lines_and_its_functions_60(module):
    tree = TREES[module]
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    long = {f.name: f.end_lineno - f.lineno + 1 for f in functions if f.end_lineno - f.lineno + 1 > 60}
    assert not long
    assert len((PACKAGE / f"{module}.py").read_text(encoding="utf-8").splitlines()) <= 350


def test_what_the_package_offers_is_there_and_sorted():
    assert all(hasattr(srcnn, name) for name in srcnn.__all__)
    assert sorted(srcnn.__all__, key=str.lower) == sorted(set(srcnn.__all__), key=str.lower)
