"""An assignment as tests see it: its source, the solution's functions, its hidden cases and what they say."""

import ast
import importlib.util
import math
import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import torch
from grader import suite

import srcnn
from srcnn import pairs, pretrained, recipes, training
from srcnn.checks import ASSIGNMENTS
from srcnn.checks.judging import forbidding

ROOT = Path(__file__).resolve().parents[1]
NAMES = {"math": math, "torch": torch, "F": torch.nn.functional, "srcnn": srcnn, "pretrained": pretrained,
         "pairs": pairs, "recipes": recipes, "training": training}  # fmt: skip


class Assignment:
    """One assignment.

    Args:
        name: of it.
    """

    def __init__(self, name: str) -> None:
        self.questions = ASSIGNMENTS[name]
        self.cases = suite.load(name).cases
        self.source = (ROOT / "book" / "exercises" / name / "assignment.py").read_text(encoding="utf-8")
        parts = re.split(r"^# ## Question (\d)(?=: )", self.source, flags=re.M)
        self.parts = {int(number): part for number, part in zip(parts[1::2], parts[2::2], strict=True)}
        answers = importlib.util.spec_from_file_location(f"answers_{name}", ROOT / "tests" / "answers" / f"{name}.py")
        self.answers = importlib.util.module_from_spec(answers)
        answers.loader.exec_module(self.answers)

    @cached_property
    def solution(self) -> dict[str, object]:
        """The solution's functions by name, and what they use."""
        tree = ast.parse(self.source)
        tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        space = dict(NAMES)
        exec(compile(tree, "assignment.py", "exec"), space)
        return space

    @property
    def wrong(self) -> list[tuple[int, str, str]]:
        """Wrong answers: question, source, and a part of the hint that they should get."""
        return [(number, *answer) for number, wrong in self.answers.WRONG.items() for answer in wrong]

    @property
    def right(self) -> list[tuple[int, str]]:
        """Other right answers than the solution's: question and source."""
        return [(number, source) for number, right in self.answers.RIGHT.items() for source in right]

    def answered(self, number: int, source: str) -> Callable:
        """A student's function for one question, where the others are answered as in the solution."""
        space = dict(self.solution)
        exec(source, space)
        return space[self.questions[number].name]

    def graded(self, number: int, answer: Callable, seed: int) -> list[str | None]:
        """What each hidden case of the question says of an answer that has to do without what is asked; None: right."""

        def proxy(*arguments: object) -> object:
            with forbidding(self.questions[number].forbidden):
                return answer(*arguments)

        said: list[str | None] = []
        for case in self.cases[number]:
            try:
                case(proxy, seed)
                said.append(None)
            except AssertionError as complaint:
                said.append(str(complaint))
        return said

    def points(self) -> dict[int, float]:
        """Question -> points, from its heading."""
        return {n: float(re.match(r"[^\n]*\((\d+) points\)\n", part)[1]) for n, part in self.parts.items()}
