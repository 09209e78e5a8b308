"""Which cases of a test `make test` runs, and which run before a release and every week alone, by `make test-all`."""

from collections.abc import Iterable

import pytest

CASE = type(pytest.param())


def one_in(number: int, cases: Iterable, *, first: int = 0) -> list:
    """All cases of a test, of which one in so many, from the one that is `first`, runs every time."""
    marked = []
    for place, case in enumerate(cases):
        given = case if isinstance(case, CASE) else pytest.param(*(case if isinstance(case, tuple) else [case]))
        later = () if place % number == first else (pytest.mark.release,)
        marked.append(pytest.param(*given.values, marks=[*given.marks, *later], id=given.id))
    return marked
