"""What tests of live figures share: controls are moved, results are read, and a chapter's own code is the judge."""

import ast
import base64
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

BOOK = Path(__file__).parents[1] / "book"


def defined(chapter: str, name: str) -> Callable:
    """A function that a chapter defines."""
    cells = json.loads((BOOK / f"{chapter}.ipynb").read_text(encoding="utf-8"))["cells"]
    (text,) = (text for cell in cells if f"def {name}(" in (text := "".join(cell["source"])))
    (found,) = (node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == name)
    names = {"math": math, "torch": torch, "F": F, "SCALE": 3}
    exec(compile(ast.Module([found], []), chapter, "exec"), names)
    return names[name]


def source(chapter: str, start: str) -> str:
    """The cell of a chapter that begins with a text."""
    cells = json.loads((BOOK / f"{chapter}.ipynb").read_text(encoding="utf-8"))["cells"]
    (text,) = (text for cell in cells if (text := "".join(cell["source"])).startswith(start))
    return text


def settled(page) -> None:
    """Wait until the newest request is answered."""
    page.wait_for_function("document.querySelector('.live').ariaBusy === 'false'", timeout=30_000)


def slide(page, label: str, value: float) -> None:
    """Move a slider, as a reader's hand does."""
    page.get_by_label(label, exact=True).evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }", value
    )


def told(page) -> str:
    """What the figure says in words."""
    return page.get_by_role("status").inner_text()


def state(page) -> dict:
    """What the figure has computed; arrays as lists."""
    text = page.locator(".live").evaluate(
        "root => JSON.stringify(root.state, (_, v) => ArrayBuffer.isView(v) ? [...v] : v)"
    )
    return json.loads(text)


def plane(page, name: str) -> np.ndarray:
    """An array of float32 that the figure keeps under a name."""
    text = page.evaluate(
        f"""() => {{
          const bytes = new Uint8Array(document.querySelector('.live').state.{name}.buffer);
          let all = "";
          for (let i = 0; i < bytes.length; i += 8192) all += String.fromCharCode(...bytes.subarray(i, i + 8192));
          return btoa(all);
        }}"""
    )
    return np.frombuffer(base64.b64decode(text), np.float32)


def redrawn_in(control, values, seen: str = "root.ariaBusy !== 'true' && root.state") -> float:
    """Time from an input to what it shows, in loops of a fixed length: medians, the two in turns.

    A loop takes about 10 ms where nothing else runs, so that 10 are a tenth of a second there; beside other programs
    and on a slower machine both take longer, and their ratio is what it was.

    Args:
        control: the slider that is moved.
        values: its positions, one after the other.
        seen: an expression that has another value, not false, when the figure shows the new position.
    """
    times, loops = control.evaluate(
        f"""async (input, values) => {{
          const root = document.querySelector(".live"), times = [], loops = [];
          for (const value of values) {{
            let start = performance.now(), sum = 1;
            for (let k = 0; k < 8e6; k++) sum = Math.imul(sum ^ k, 0x9e3779b1);
            window.sum = sum;  // so that the loop is not left out
            loops.push(performance.now() - start);
            const former = {seen};
            start = performance.now();
            input.value = value;
            input.dispatchEvent(new Event("input"));
            for (let now = {seen}; !now || now === former; now = {seen}) await new Promise((next) => setTimeout(next));
            times.push(performance.now() - start);
          }}
          return [times, loops];
        }}""",
        [str(value) for value in values],
    )
    return float(np.median(times) / np.median(loops))
