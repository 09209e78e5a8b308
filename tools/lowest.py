"""Pin what the package needs to the lowest versions that it allows: ``python tools/lowest.py [torch==2.13.0 ...]``.

Prints the lower bounds of pyproject.toml as constraints for pip, one a line: ``numpy>=1.26`` becomes ``numpy==1.26``.
What those packages need themselves is pip's choice. A version that is named is taken instead of the lowest one.
"""

import re
import sys

from address import project


def pins(requirements: list[str], instead: list[str] = ()) -> list[str]:
    """The lower bounds as exact versions, but for those that are given.

    Raises:
        SystemExit: a requirement has no lower bound, or more than that.
    """
    given = {pin.split("==")[0]: pin for pin in instead}
    found = []
    for requirement in requirements:
        bound = re.fullmatch(r"([\w-]+)>=([\d.]+)", requirement)
        if bound is None:
            raise SystemExit(f"pyproject.toml: {requirement!r} is no lower bound; give one such as 'numpy>=1.26'")
        found.append(given.get(bound[1], f"{bound[1]}=={bound[2]}"))
    return found


if __name__ == "__main__":
    print("\n".join(pins(project()["dependencies"], sys.argv[1:])))
