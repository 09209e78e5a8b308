"""What notebooks share: those who copied are found, in every way that people copy, and those who did not are not."""

import ast
import csv
import json
import random
import re

import nbformat
import pytest
from grader import answers, honesty, suite

NAME = "stages"
SOLUTION, STUDENT = (dict(nbformat.read(suite.EXERCISES / NAME / f"{k}.ipynb", 4)) for k in ("solution", "student"))
SIZE = 24  # honest students


class Renamed(ast.NodeTransformer):
    """Gives the local names of a function others, and shuffles nothing else."""

    def __init__(self, node: ast.FunctionDef, draw: random.Random) -> None:
        stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self.names = {name: f"{name}_{draw.randrange(10**9):x}" for name in sorted(stored)}

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.names.get(node.id, node.id), node.ctx)


def code(cells: list[dict]) -> list[dict]:
    return [cell for cell in cells if cell["cell_type"] == "code"]


def notebook(seed: int) -> dict:
    """An honest student's: right answers in names of one's own, one's own comment, run on one's own machine."""
    draw = random.Random(seed)
    made = json.loads(json.dumps(SOLUTION))
    for number, (cell, given) in enumerate(zip(code(made["cells"]), code(STUDENT["cells"]), strict=True)):
        cell["metadata"] = {
            "id": f"{draw.getrandbits(60):x}",
            "executionInfo": {"timestamp": draw.getrandbits(40), "user": {"userId": f"{seed + 1000}"}},
        }
        if cell["source"] == given["source"]:
            continue
        tree = ast.parse("".join(cell["source"]))
        for place, node in enumerate(tree.body):
            if isinstance(node, ast.FunctionDef):
                tree.body[place] = Renamed(node, draw).visit(node)
        said = f"# student {seed} thinks of line {number} in a way that nobody else does"
        cell["source"] = f"{said}\n{ast.unparse(tree)}"
        cell["outputs"] = []
    return made


def longest(cells: list[dict]) -> int:
    """The cell with the longest answer."""
    return max(range(len(cells)), key=lambda k: len(cells[k]["source"]) if cells[k]["source"].startswith("# st") else 0)


def same_answer(mine: list[dict], theirs: list[dict]) -> None:
    k = longest(theirs)
    mine[k]["source"] = "\n" + theirs[k]["source"].split("\n", 1)[1].replace("    ", "  ")


def same_comment(mine: list[dict], theirs: list[dict]) -> None:
    k = longest(theirs)
    mine[k]["source"] = theirs[k]["source"].split("\n", 1)[0].upper() + "\n" + mine[k]["source"]


def same_cells(mine: list[dict], theirs: list[dict]) -> None:
    for a, b in zip(mine[3:6], theirs[3:6], strict=True):
        a["metadata"]["id"] = b["metadata"]["id"]


def same_identifiers(mine: list[dict], theirs: list[dict]) -> None:
    """As nbformat stores them."""
    for a, b, identifier in zip(mine[3:6], theirs[3:6], ("3fa94c1e", "77be02d1", "a0c41d9f"), strict=True):
        a["metadata"] = b["metadata"] = {}
        a["id"] = b["id"] = identifier


def same_run(mine: list[dict], theirs: list[dict]) -> None:
    mine[4]["metadata"]["executionInfo"]["timestamp"] = theirs[4]["metadata"]["executionInfo"]["timestamp"]


def same_run_in_lab(mine: list[dict], theirs: list[dict]) -> None:
    times = {"iopub.status.busy": "2026-11-03T10:21:07.123456Z", "shell.execute_reply": "2026-11-03T10:21:08.654321Z"}
    mine[4]["metadata"] = {"execution": times}
    theirs[4]["metadata"] = {"execution": dict(times)}


def same_account(mine: list[dict], theirs: list[dict]) -> None:
    for a, b in zip(mine, theirs, strict=True):
        a["metadata"]["executionInfo"]["user"] = b["metadata"]["executionInfo"]["user"]


def same_names(mine: list[dict], theirs: list[dict]) -> None:
    line = "\nquokka_{0} = wombat_{0} = dugong_{0} = {0}"
    for cells, value in ((mine, 1), (theirs, 2)):
        cells[longest(cells)]["source"] += line.format("hilbert").replace("= hilbert", f"= {value}")


def same_shape(mine: list[dict], theirs: list[dict]) -> None:
    """Two answers that nobody else has, copied and renamed."""
    for k in sorted(range(len(theirs)), key=lambda k: len(theirs[k]["source"]), reverse=True):
        if not theirs[k]["source"].startswith("# st"):
            continue
        head, body = theirs[k]["source"].split("\n", 1)
        tree = ast.parse(body)
        (function,) = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        function.body.insert(
            0, ast.parse("extra = [k * 2 for k in range(3)]\nif len(extra) > 4:\n  raise OSError").body[0]
        )
        theirs[k]["source"] = f"{head}\n{ast.unparse(tree)}"
        Renamed(function, random.Random(5)).visit(function)
        mine[k]["source"] = mine[k]["source"].split("\n", 1)[0] + "\n" + ast.unparse(tree)


def same_variant(mine: list[dict], theirs: list[dict]) -> None:
    for cells in (mine, theirs):
        cells[longest(cells)]["source"] += '\nchecks.use("7K3F-QM2A")'


WAYS = {
    "variant": same_variant,
    "answer": same_answer, "comment": same_comment, "cell": same_cells, "cell, nbformat": same_identifiers,
    "run": same_run, "run, lab": same_run_in_lab, "account": same_account, "name": same_names, "shape": same_shape,
}  # fmt: skip
RING = dict(zip(WAYS, range(100, 100 + 10 * len(WAYS), 10), strict=True))


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """The report of a class in which honest ones are many, and one pair shares each trait; and where it is."""
    place = tmp_path_factory.mktemp("class") / "handed"
    place.mkdir()
    made = {f"honest {k}": notebook(k) for k in range(SIZE)}
    for way, seed in RING.items():
        theirs = notebook(seed)
        mine = notebook(seed + 1)
        WAYS[way](code(mine["cells"]), code(theirs["cells"]))
        made |= {f"{way} a": theirs, f"{way} b": mine}
    made["untouched"] = STUDENT
    made["solution"] = SOLUTION
    stolen = notebook(500)
    cells = code(stolen["cells"])
    k = longest(cells)
    cells[k]["source"] = code(STUDENT["cells"])[k]["source"]
    cells[k]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["the mean is 0.25\n"]}]
    number = int(re.search(r"\((\d)", "".join(cells[k + 1]["source"]))[1])
    cells[k + 1]["outputs"] = [output(f"Question {number}: right.")]
    made["stolen outputs"] = stolen
    borrowed = {"cell_type": "code", "source": "best = tune(0.1)\nprint(best)", "metadata": {}}
    stolen["cells"].append(borrowed | {"outputs": [{"output_type": "stream", "name": "stdout", "text": "31.25 dB\n"}]})
    for name in ("honest 3", "honest 4"):  # who is right gets the same
        code(made[name]["cells"])[-1]["outputs"] = [output("0.125"), output("0.375")]
    for name, stored in made.items():
        (place / f"{name}.ipynb").write_text(json.dumps(stored), encoding="utf-8")
    (place / "broken.ipynb").write_text('{"cells": [', encoding="utf-8")
    assert honesty.main([str(place)]) == 0
    out = place.with_name("handed-honesty")
    with (out / "honesty.csv").open(encoding="utf-8", newline="") as file:
        return out, list(csv.DictReader(file)), number


def output(text: str) -> dict:
    return {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": {"text/plain": [text]}}


def test_who_shares_something_is_found_and_nobody_else(reported):
    _, rows, _ = reported
    found = {(row["student"], row["other"]): row["what"] for row in rows if row["kind"] == "pair"}
    assert set(found) == {(f"{way} a", f"{way} b") for way in WAYS}
    told = {
        "variant": "the same code of a variant: 7K3F-QM2A",
        "answer": "the same answer, names included: question", "comment": "the same comment", "cell": "same identifier",
        "run": "one and the same run", "account": "same account", "name": "dugong_hilbert, quokka_hilbert",
        "shape": "the same answer with other names: question",
    }  # fmt: skip
    for way in WAYS:
        assert told[way.split(",")[0]] in found[f"{way} a", f"{way} b"], way


def test_outputs_without_their_code_and_the_published_solution_are_told(reported):
    _, rows, number = reported
    outputs = [row["what"] for row in rows if row["kind"] == "output"]
    assert {row["student"] for row in rows if row["kind"] == "output"} == {"stolen outputs"}
    assert re.fullmatch(r"code cell \d+ has an output \(the mean is 0\.25\), and no code that could .*", outputs[0])
    assert re.fullmatch(rf"code cell \d+ says that question {number} is right, and \w+ is not answered", outputs[1])
    assert re.fullmatch(r"code cell \d+ has an output and uses tune, which is nowhere defined", outputs[2])
    assert [row["student"] for row in rows if row["kind"] == "solution"] == ["solution"]
    (broken,) = [row for row in rows if row["kind"] == "not read"]
    assert (broken["student"], "cut off" in broken["what"]) == ("broken", True)


def test_the_page_says_what_the_table_says(reported):
    out, rows, _ = reported
    page = (out / "honesty.html").read_text(encoding="utf-8")
    assert f"{len(WAYS)} pairs that share" in page
    assert all(row["student"] in page for row in rows)
    assert "no proof" in page


def test_each_has_a_folder_of_python_and_what_was_handed_out_is_apart(reported):
    out = reported[0]
    folders = sorted((out / "submissions").iterdir())
    assert len(folders) == SIZE + 2 * len(WAYS) + 3
    base = (out / "base" / "base.py").read_text(encoding="utf-8")
    ast.parse(base)
    ast.parse((out / "old" / "solution" / "answers.py").read_text(encoding="utf-8"))
    for folder in folders:
        (file,) = folder.iterdir()
        tree = ast.parse(file.read_text(encoding="utf-8"))
        defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        untouched = folder.name.startswith("untouched")
        assert (defined == set()) == untouched
        assert ("find_spec" in file.read_text(encoding="utf-8")) is False
    assert "find_spec" in base
    assert "def extract" in base


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (["%matplotlib inline\nx = 1"], "pass  # %matplotlib inline\nx = 1"),
        (["!pip install x\n", "y = [2]"], "pass  # !pip install x\ny = [2]"),
        (["for k in y:\n    %time f(k)"], "for k in y:\n    pass  # %time f(k)"),
        (["help?"], "pass  # help?"),
        (["this is\nprose"], "# this is\n# prose"),
        (["x = 17 % 5\ny = '!'"], "x = 17 % 5\ny = '!'"),
    ],
)
def test_what_is_no_python_does_not_hide_the_rest(cells, wanted):
    code, tree = answers.python(cells)
    assert code == wanted
    ast.parse(code)
    assert (tree is None) == wanted.startswith("# ")


def test_nothing_of_another_s_is_overwritten_and_the_place_is_named(tmp_path, capsys):
    place, out = tmp_path / "in", tmp_path / "out"
    for folder in (place, out):
        folder.mkdir()
    (place / "a.ipynb").write_text(json.dumps(SOLUTION), encoding="utf-8")
    (out / "thesis.txt").write_text("mine")
    for words, told in (
        ([place, "--out", out], "something else in it"), ([place, "--out", place / "x"], "inside the folder"),
        ([tmp_path / "no"], "there is no folder"), ([out], "no submissions|no submission in"),
    ):  # fmt: skip
        assert honesty.main([str(word) for word in words]) == 2
        said = capsys.readouterr().err
        assert re.search(told, said), said
        assert said.count("\n") == 1
    assert [path.name for path in out.iterdir()] == ["thesis.txt"]
    assert not (tmp_path / "out-honesty").exists()


def test_a_pair_alone_is_compared_too(tmp_path):
    place = tmp_path / "two"
    place.mkdir()
    for name in ("a", "b"):
        (place / f"{name}.ipynb").write_text(json.dumps(notebook(1)), encoding="utf-8")
    assert honesty.main([str(place)]) == 0
    with (tmp_path / "two-honesty" / "honesty.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["student"], row["other"]) == ("a", "b")
