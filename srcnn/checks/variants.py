"""Variants: the numbers of a question that differ from student to student, drawn from the code in the notebook.

A notebook says ``checks.use("7K3F-QM2A")`` before its questions; one without a code has the first of all choices. The
code comes of the instructor's seed and the student's key and gives neither away (book/exercises/variants.py).
"""

import random
import re

from srcnn.checks.judging import NotYet

CODE = re.compile(r"[A-Z2-7]{4}-[A-Z2-7]{4}")
_CALLED = re.compile(r"^\s*checks\.use\(", re.M)
_USED = re.compile(r"""^\s*checks\.use\(\s*["']([^"']*)["']""", re.M)
_QUOTED = re.compile(
    rf"""^[^#\n]*?["']({CODE.pattern})["']""", re.M
)  # whoever calls it by another name, or sets it apart
# assignment -> name of a number -> what it may be; the first is that of the notebook without a code
CHOICES: dict[str, dict[str, tuple[float, ...]]] = {
    "training": {
        "momentum": (0.9, 0.8, 0.85, 0.88, 0.92, 0.95),
        "slow": (0.1, 0.05, 0.2, 0.25, 0.4, 0.5),
        "level": (95, 80, 90, 98, 99),
    },
    "troubleshoot": {},  # what is broken comes of the code itself, where no student reads it
}


def numbers(assignment: str, code: str) -> dict[str, float]:
    """The numbers of a variant.

    Args:
        assignment: the name of it.
        code: the notebook's, or nothing.

    Raises:
        NotYet: it is no code.
    """
    choices = CHOICES.get(assignment, {})
    if not code:
        return {name: values[0] for name, values in choices.items()}
    if not CODE.fullmatch(code):
        raise NotYet(
            f"{code!r} is no variant; it has eight letters and digits, as in 7K3F-QM2A: copy it from your notebook"
        )
    return {name: random.Random(f"{assignment} {name} {code}").choice(values) for name, values in choices.items()}


def doubt(code: str) -> str:
    """What an instructor should know of the variants in a notebook's code; nothing where all is well."""
    codes = {each for each in _USED.findall(code) if CODE.fullmatch(each)} | set(_QUOTED.findall(code))
    if _CALLED.search(code) and not codes:
        return "its variant cannot be read, as checks.use has no code in quotation marks; the common one was graded"
    if len(codes) > 1:
        return f"it has the codes of {len(codes)} variants, {', '.join(sorted(codes))}; {found(code)} was graded"
    return ""


def found(code: str) -> str:
    """The variant that a notebook's code uses, the last one where there are several; nothing where there is none."""
    codes = [each for each in _USED.findall(code) if CODE.fullmatch(each)] or _QUOTED.findall(code)
    return codes[-1] if codes else ""
