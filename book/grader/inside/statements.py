"""Python text cut into its statements, magics among them; a statement that cannot be parsed costs only itself."""

import ast
import functools
import re

MAGIC = re.compile(r"^(\s*)[%!].*$", re.M)
ASSIGNED = re.compile(r"(?<=[^=!<>%]= )[%!][^=].*$|(?<=[^=!<>%]=)[%!][^=].*$", re.M)
CONTINUED = re.compile(r"[ \t)\]}]|(?:else|elif|except|finally)\b")
# what more lines could mend, in the words of Python 3.11 to 3.14
UNFINISHED = re.compile(r"was never closed|unterminated triple|expected 'except'|expected an indented block|EOF")
BLOCK = re.compile(r"expected 'except'|expected an indented block")  # which no line without indentation can be
QUOTES = re.compile(r"""\"{3}|'{3}""")
SHORT = 10_000  # characters of a statement that is worth keeping in memory
LONGEST = 500_000  # characters of a program; nobody writes more, and parsing it takes long
# Characters that may be parsed again in search of a statement's end, for one statement and for all: a file of a
# thousand that have none would else take hours.
ONE, ALL = 200_000, 2_000_000


def plain(text: str) -> str:
    """The text with its magics and system commands exchanged for something that Python can parse."""
    return ASSIGNED.sub("None", MAGIC.sub(r"\1pass", text))


def split(text: str) -> list[str]:
    """The statements of a text, each with the comments before it; put together they are the text again.

    Args:
        text: of a cell or a file. A cell magic (``%%name`` in the first line) is one statement.
    """
    if text.lstrip().startswith("%%"):
        return [text]
    lines = text.splitlines(keepends=True)
    starts = [k for k, line in enumerate(lines) if line.strip() and not CONTINUED.match(line)]
    found, begin, k, left = [], 0, 0, ALL
    while k < len(starts):
        k, used = _end(lines, starts, k, min(ONE, left))
        left -= used
        end = starts[k] if k < len(starts) else len(lines)
        found.append("".join(lines[begin:end]))
        begin = end
    return found or [text]


def _end(lines: list[str], starts: list[int], first: int, most: int) -> tuple[int, int]:
    """Which of the starts comes after the statement that begins at a given one, and how much was parsed again."""
    alone = first + 1
    while alone < len(starts) and lines[starts[alone - 1]].startswith(("@", "#")):
        alone += 1  # decorators and comments belong to what follows them
    used, error = 0, ""
    for k in range(alone, len(starts) + 1):
        end = starts[k] if k < len(starts) else len(lines)
        if "triple" in error and not QUOTES.search("".join(lines[starts[k - 1] : end])):
            continue  # the string goes on
        text = "".join(lines[starts[first] : end])
        error = problem(text)
        if not error:
            return k, used
        used += len(text) if k > alone else 0
        plain_next = k < len(starts) and not lines[starts[k]].startswith("#")
        if not UNFINISHED.search(error) or (BLOCK.search(error) and plain_next) or used > most:
            break
    return alone, used


def problem(text: str) -> str:
    """Why a text is not Python; empty where it is."""
    if len(text) > LONGEST:
        return f"it is longer than {LONGEST:,} characters"
    return (_remembered if len(text) <= SHORT else _parsed)(text)


def _parsed(text: str) -> str:
    try:
        ast.parse(plain(text))
    except SyntaxError as error:
        return error.msg
    except (ValueError, RecursionError, MemoryError) as error:
        return str(error) or type(error).__name__
    return ""


_remembered = functools.lru_cache(maxsize=4096)(_parsed)  # the same statement is asked about more than once
