"""Hidden test cases of *A broken repository*: three for each planted mistake, found, priced and mended.

The truth is the repository itself, with one mistake in it or with none; the package's functions judge the mending.
"""

import math
from collections.abc import Callable

import torch
from exercises.draw import Case, Draw, case
from exercises.troubleshoot import planted

from srcnn.checks.judging import NotYet, agrees
from srcnn.checks.troubleshoot_repository import QUESTIONS, REFERENCE, TOLERANCE, arguments

ORDER = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
NEAR = 0.01  # dB; and a hundredth of the price


def _value(number: int, answer: object) -> object:
    """A value, or what a function without arguments returns; of the right form."""
    name = QUESTIONS[number].name
    assert answer is not None, f"there is no {name} in the notebook"
    value = answer() if callable(answer) else answer
    assert value is not ..., f"{name} has not been written yet"
    complaint = QUESTIONS[number].accept((), value)
    assert complaint is None, complaint
    return value


def _mistake(place: int, draw: Draw) -> tuple[str, str]:
    return list(planted.planted(draw.variant).items())[place]


def _found(place: int) -> Case:
    def found(answer: object, draw: Draw) -> None:
        name, hint = _mistake(place, draw)
        assert name in _value(1, answer), f"{name} is broken too: {hint}"

    return case(question=1, points=0.5, title=f"the {ORDER[place]} mistake is found")(found)


def _priced(place: int) -> Case:
    def priced(answer: object, draw: Draw) -> None:
        name, hint = _mistake(place, draw)
        prices = _value(2, answer)
        assert name in prices, f"{name} has no price; its mistake: {hint}"
        told, price = float(prices[name]), planted.price(name, hint)
        near = NEAR + abs(price) / 100
        if abs(told - price) <= near:
            return
        if abs(told + price) <= near:
            raise AssertionError(f"{name}: the sign is wrong; a price is positive where the mistake lowers the score")
        raise AssertionError(
            f"{name}: its price is another; mend all, put this one mistake back, and take the difference of the scores"
        )

    return case(question=2, points=1, title=f"the {ORDER[place]} mistake has its price")(priced)


def _mended(place: int) -> Case:
    def mended(answer: Callable | None, draw: Draw) -> None:
        name, hint = _mistake(place, draw)
        assert answer is not None, "there is no mended in the notebook"
        given = arguments(name, torch.Generator().manual_seed(draw.between(0, 2**31)))
        try:
            got = answer(name, *given)
        except NotYet:
            raise
        except Exception as error:  # whatever a student's code may raise
            raise AssertionError(f"{name} stops with {type(error).__name__}: {error}") from None
        assert got is not ..., "mended has not been written yet"
        if agrees(got, REFERENCE[name](*given), TOLERANCE):
            return
        with torch.inference_mode():
            same = agrees(got, planted.repository({name: hint})[name](*given), TOLERANCE)
        raise AssertionError(
            f"{name} is still broken: {hint}" if same else f"{name} does not do what its docstring says"
        )

    return case(question=3, points=1, title=f"the {ORDER[place]} mistake is mended")(mended)


(FOUND_1, FOUND_2, FOUND_3, FOUND_4, FOUND_5, FOUND_6, FOUND_7, FOUND_8) = map(_found, range(planted.PLANTED))
(PRICED_1, PRICED_2, PRICED_3, PRICED_4, PRICED_5, PRICED_6, PRICED_7, PRICED_8) = map(_priced, range(planted.PLANTED))
(MENDED_1, MENDED_2, MENDED_3, MENDED_4, MENDED_5, MENDED_6, MENDED_7, MENDED_8) = map(_mended, range(planted.PLANTED))
assert math.isclose(sum(c.points for c in (FOUND_1, PRICED_1, MENDED_1)) * planted.PLANTED, 20)
