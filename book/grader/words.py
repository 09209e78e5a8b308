"""The words of the instructors' commands: what does not make sense is one sentence, as in the command ``srcnn``."""

import argparse
import sys
from typing import NoReturn

from srcnn.files import InputError


def yes(text: str) -> bool:
    """The value of an option that is given as ``NAME=yes``."""
    known = {"yes": True, "1": True, "true": True, "no": False, "0": False, "false": False}
    if text.lower() not in known:
        raise argparse.ArgumentTypeError(f"give yes or no, not {text!r}")
    return known[text.lower()]


class Parser(argparse.ArgumentParser):
    """A parser of what ``make`` hands on: one place, and options that have the names of make's variables.

    Args:
        module: what Python runs, such as ``grader.blind``.
        about: the module's docstring; its first paragraph stands above the options, the others below.
        place: make's variable for the one word that has no option before it.
    """

    def __init__(self, module: str, about: str, place: str) -> None:
        head, _, rest = about.partition("\n\n")
        form = argparse.RawDescriptionHelpFormatter
        super().__init__(prog=f"python -m {module}", description=head, epilog=rest, formatter_class=form)
        self.place = place

    def parse_args(self, words: list[str] | None = None, namespace: None = None) -> argparse.Namespace:
        """Understand the words.

        Raises:
            InputError: a word is unknown, missing or empty. make hands on an empty one for a variable that was not
                given, which pathlib would take for the current folder.
        """
        words = sys.argv[1:] if words is None else words
        before = [word if word.startswith("--") else f"--{self.place}" for word in ["", *words]]
        missing = [f"{name[2:].upper()}=" for name, word in zip(before, words, strict=False) if word == ""]
        if missing:
            self.error(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")
        return super().parse_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the words."""
        raise InputError(f"{message}; `PYTHONPATH=book {self.prog} --help` tells more")
