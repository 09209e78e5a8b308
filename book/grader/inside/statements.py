"""Python text cut into its statements, magics among them; a statement that cannot be parsed costs only itself."""

import ast
import re

MAGIC = re.compile(r"^(\s*)[%!].*$", re.M)
ASSIGNED = re.compile(r"(?<=[^=!<>%]= )[%!][^=].*$|(?<=[^=!<>%]=)[%!][^=].*$", re.M)
CONTINUED = re.compile(r"[ \t)\]}]|(?:else|elif|except|finally)\b")
# what more lines could mend, in the words of Python 3.11 to 3.14
UNFINISHED = re.compile(r"was never closed|unterminated triple|expected 'except'|expected an indented block|EOF")


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
    found, begin, k = [], 0, 0
    while k < len(starts):
        k = _end(lines, starts, k)
        end = starts[k] if k < len(starts) else len(lines)
        found.append("".join(lines[begin:end]))
        begin = end
    return found or [text]


def _end(lines: list[str], starts: list[int], first: int) -> int:
    """Which of the starts comes after the statement that begins at a given one."""
    alone = first + 1
    while alone < len(starts) and lines[starts[alone - 1]].startswith(("@", "#")):
        alone += 1  # decorators and comments belong to what follows them
    for k in range(alone, len(starts) + 1):
        end = starts[k] if k < len(starts) else len(lines)
        error = problem("".join(lines[starts[first] : end]))
        if not error:
            return k
        if not UNFINISHED.search(error):
            break
    return alone


def problem(text: str) -> str:
    """Why a text is not Python; empty where it is."""
    try:
        ast.parse(plain(text))
    except SyntaxError as error:
        return error.msg
    except (ValueError, RecursionError, MemoryError) as error:
        return str(error) or type(error).__name__
    return ""
