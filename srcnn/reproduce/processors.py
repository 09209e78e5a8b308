"""Whether what the chapters assert of live trainings, and the shipped tables, hold on any processor.

A program rounds differently with SSE, AVX2 or AVX-512 and on one thread or two, and a short training then takes another
path. The chapters that train are run on every path that the machine has and from several seeds, and each assertion is
recorded with the distance by which it held, instead of being raised.
"""

import ast
import hashlib
import json
import operator
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from itertools import product
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch

import srcnn
from srcnn import model, pairs, training
from srcnn.files import InputError, read_records
from srcnn.pretrained import hardware_name, names
from srcnn.results import measure, results, write_json

CHAPTERS = (
    "03_extraction", "08_building", "09_data", "10_training", "11_gpu", "13_experiments", "14_subpixel",
    "15_tutorial", "16_photographs",
)  # fmt: skip
SEEDS = range(5)
THREADS = (1, 2)
# of a processor: what oneDNN may use, what PyTorch's own kernels may, and what PyTorch then calls itself
LANES = {
    "SSE4.1": ("SSE41", "default", "DEFAULT"),
    "AVX2": ("AVX2", "avx2", "AVX2"),
    "AVX-512": ("AVX512_CORE", "avx512", "AVX512"),
}
_BOOK = Path(srcnn.__file__).resolve().parents[1] / "book"
_ORDER = {ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge}


def run(folder: Path) -> Iterator[dict[str, Any]]:
    """Run every chapter that trains, on every path and from every seed, and measure the shipped tables on every path.

    A chapter that was measured on all of these paths is not run again if its code is as it was and it asserts nothing
    new. Each chapter is written when it is done, and runs are kept in ``processors.jsonl`` until all are, so that a
    measurement that was stopped goes on.

    Args:
        folder: for ``processors.json``.

    Yields:
        A line for each run.

    Raises:
        InputError: the chapters are not there, as beside an installed package; the processor is no x86; or one stops.
    """
    if not _BOOK.is_dir():
        raise InputError("the chapters are not beside the package; run this in a checkout of the course")
    if platform.machine() not in ("x86_64", "AMD64"):
        raise InputError(f"SSE, AVX2 and AVX-512 are paths of x86 processors; this one is {platform.machine()}")
    capability = torch.backends.cpu.get_cpu_capability()
    lanes = list(LANES)[: [told for _, _, told in LANES.values()].index(capability) + 1]
    target, journal = folder / "processors.json", folder / "processors.jsonl"
    had = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {"chapters": {}, "tables": {}}
    kept = had["chapters"]
    whole = {"lanes": lanes, "threads": list(THREADS), "seeds": len(SEEDS)}
    measured = [name for name in kept if whole.items() <= kept[name].items()]
    wanted = [name for name in CHAPTERS if name not in measured or not _still_true(kept[name], name)]
    records = [r for r in (read_records(journal) if journal.exists() else []) if _still_true(r, r["chapter"])]
    done = {(r["chapter"], r["seed"], r["lane"], r["threads"]) for r in records}
    with journal.open("a", encoding="utf-8") as stream:
        for name, threads in product(wanted, THREADS):
            keys = [(name, seed, lane, threads) for seed, lane in product(SEEDS, lanes)]
            keys = [key for key in keys if key not in done]
            with ThreadPoolExecutor(max(THREADS) // threads) as pool:  # as many at once as take all the threads
                for record in pool.map(_measured, keys):
                    stream.write(json.dumps(record) + "\n")
                    stream.flush()
                    records.append(record)
                    yield {"line": _line(record)}
            if threads == THREADS[-1]:
                kept[name] = _summary(name, records, lanes)
                _write(target, kept, had["tables"])
    tables = {}
    for lane, threads in product(lanes, THREADS):
        name = f"{lane}, {threads} threads"
        tables[name] = _child(["tables"], lane, threads)
        yield {"line": f"shipped tables, {name}: at most {tables[name]['largest']:.4f} dB from the stored ones"}
    _write(target, kept, tables)
    journal.unlink()


def _write(target: Path, chapters: dict[str, Any], tables: dict[str, Any]) -> None:
    what = "least, mean and deviation over runs of the distance by which a comparison holds, in its own unit"
    made = {"command": "srcnn reproduce processors", "srcnn": version("srcnn"), "torch": version("torch")}
    chapters = {name: chapters[name] for name in CHAPTERS if name in chapters}
    write_json({"measure": what, "chapters": chapters, "tables": tables, "provenance": made}, target)


def _still_true(record: dict[str, Any] | None, chapter: str) -> bool:
    """Whether what was measured of a chapter is of its code as it is now, and has all that it asserts."""
    path = _BOOK / f"{chapter}.ipynb"
    return record is not None and record["sha256"] == _digest(path) and set(claims(path)) <= set(record["claims"])


def _digest(chapter: Path) -> str:
    """SHA-256 of the code that a reader sees, but for the cell that installs the package, which computes nothing."""
    shown = (source for source, tags in _code(chapter) if "remove-cell" not in tags and "%pip install" not in source)
    return hashlib.sha256("\0".join(shown).encode()).hexdigest()


def _code(chapter: Path) -> list[tuple[str, list[str]]]:
    """A chapter's code cells, each with its tags: the built book leaves out those tagged remove-cell."""
    cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    code = (cell for cell in cells if cell["cell_type"] == "code")
    return [("".join(cell["source"]), cell["metadata"].get("tags", [])) for cell in code]


def claims(chapter: Path) -> list[str]:
    """The assertions of a chapter's hidden cells, as text in one form: what its prose says."""
    trees = (ast.parse(source) for source, tags in _code(chapter) if "remove-cell" in tags)
    return [ast.unparse(node.test) for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Assert)]


def _measured(key: tuple[str, int, str, int]) -> dict[str, Any]:
    chapter, seed, lane, threads = key
    path = _BOOK / f"{chapter}.ipynb"
    found = _child([str(path), str(seed)], lane, threads)
    return {
        "chapter": chapter, "sha256": _digest(path), "seed": seed, "lane": lane, "threads": threads, "claims": found
    }  # fmt: skip


def _child(arguments: list[str], lane: str, threads: int) -> dict[str, Any]:
    """What this module prints as a program in a process of its own, which computes on that path."""
    isa, capability, told = LANES[lane]
    path = {
        "ONEDNN_MAX_CPU_ISA": isa,
        "ATEN_CPU_CAPABILITY": capability,
        "OMP_NUM_THREADS": str(threads),
        "MPLBACKEND": "Agg",
    }
    command = [sys.executable, "-m", __name__, *arguments]
    with tempfile.TemporaryDirectory() as folder:
        ended = subprocess.run(command, env=os.environ | path, cwd=folder, capture_output=True, text=True)
    if ended.returncode:
        raise InputError(
            f"{Path(arguments[0]).stem} stops on {lane}: {''.join(ended.stderr.strip().splitlines()[-1:])}"
        )
    answer = json.loads(ended.stdout.splitlines()[-1])
    assert answer["capability"] == told, f"{lane} was asked for, and torch computes with {answer['capability']}"
    result: dict[str, Any] = answer["result"]
    return result


def _line(record: dict[str, Any]) -> str:
    failed = [text for text, claim in record["claims"].items() if not claim["holds"]]
    what = f"{record['chapter']}, {record['lane']}, {record['threads']} threads, seed {record['seed']}"
    return f"{what}: {len(record['claims']) - len(failed)} hold{''.join(f'; FAILS: {text}' for text in failed)}"


def _summary(chapter: str, records: list[dict[str, Any]], lanes: list[str]) -> dict[str, Any]:
    found = [record["claims"] for record in records if record["chapter"] == chapter]
    return {
        "sha256": _digest(_BOOK / f"{chapter}.ipynb"),
        "machine": hardware_name().split(",")[0],
        "lanes": lanes,
        "threads": list(THREADS),
        "seeds": len(SEEDS),
        "runs": len(found),
        "claims": {
            text: {"held": sum(each[text]["holds"] for each in found)}
            | _spread([each[text]["margin"] for each in found])
            for text in found[0]
        },
    }


def _spread(margins: list[float | None]) -> dict[str, Any]:
    """Nothing where no distance can be told, or where it is always the same."""
    told = [margin for margin in margins if margin is not None]
    if len(told) < len(margins) or len(set(told)) == 1:
        return {}
    spread = {"least": min(told), "mean": fmean(told), "deviation": stdev(told)}
    return {name: float(f"{value:.4g}") for name, value in spread.items()}


class _Watched(ast.NodeTransformer):
    """Makes of each assertion a call that records it."""

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        test = node.test
        signs: list[ast.expr] = []
        values = [test]
        if isinstance(test, ast.Compare) and all(type(sign) in _ORDER for sign in test.ops):
            signs = [ast.Constant(type(sign).__name__) for sign in test.ops]
            values = [test.left, *test.comparators]
        arguments: list[ast.expr] = [
            ast.Constant(ast.unparse(test)),
            ast.List(signs, ast.Load()),
            ast.List(values, ast.Load()),
        ]
        return ast.copy_location(ast.Expr(ast.Call(ast.Name("__claim__", ast.Load()), arguments, [])), node)


class _Claims(dict[str, Any]):
    """Assertions by their text, each with whether it held every time, and the least distance by which it did."""

    def __call__(self, text: str, signs: list[str], values: list[float]) -> None:
        steps = list(zip(values, signs, values[1:], strict=False))
        holds = all(bool(_ORDER[getattr(ast, sign)](a, b)) for a, sign, b in steps) if signs else bool(values[0])
        try:
            distances = [float(b) - float(a) if sign.startswith("Lt") else float(a) - float(b) for a, sign, b in steps]
        except (TypeError, ValueError):  # sets, and the like
            distances = []
        before = self.setdefault(text, {"holds": True, "margin": min(distances, default=None)})
        before["holds"] &= holds
        if distances and before["margin"] is not None:
            before["margin"] = min(before["margin"], *distances)


def _watch(chapter: Path, seed: int) -> dict[str, dict[str, Any]]:
    """Run a chapter, and train with other weights and other patches; an assertion that fails does not end it.

    Only the cells that train, whose output is not compared with the stored one, get another seed: what the others
    print has to be the same everywhere.
    """
    from IPython.core.interactiveshell import InteractiveShell

    mix, initialize, by = pairs._mix, model.initialize, 0
    patched: dict[str, Any] = {"_mix": lambda first, number: mix(first + by, number)}
    vars(pairs).update(patched)
    modules: list[Any] = [srcnn, model, training]
    for module in modules:
        module.initialize = lambda network, scheme, *, seed: initialize(network, scheme, seed=seed + by)
    shell, found = InteractiveShell.instance(), _Claims()
    shell.user_ns["__claim__"] = found
    for source, tags in _code(chapter):
        by = 1_000 * seed if "nbval-ignore-output" in tags else 0  # the functions above read it
        if "assert " in source:
            source = ast.unparse(ast.fix_missing_locations(_Watched().visit(ast.parse(source))))
        shell.run_cell(source, silent=True).raise_error()
    return found


def _tables() -> dict[str, Any]:
    """How far every shipped network's figures on Set5 lie from the stored ones, the largest of any image, in dB."""
    largest = {}
    for scale in (2, 3, 4):
        for name, now in measure([n for n in names() if n.endswith(f"-x{scale}")], "set5", scale).items():
            kept = results(name, "set5", scale)["images"]
            largest[name] = round(max(abs(now["images"][i]["psnr"] - kept[i]["psnr"]) for i in kept), 4)
    return {"data": "set5", "largest": max(largest.values()), "networks": largest}


if __name__ == "__main__":
    answer = _tables() if sys.argv[1] == "tables" else _watch(Path(sys.argv[1]), int(sys.argv[2]))
    sys.stdout.write("\n" + json.dumps({"capability": torch.backends.cpu.get_cpu_capability(), "result": answer}))
