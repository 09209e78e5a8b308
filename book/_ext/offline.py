"""Mathematics without a network: MathJax comes from the package ``sphinx-mathjax-offline`` and travels with the book.

Where that package cannot be had, the book is built all the same, with MathJax from its usual host, and the build says
so. Over ``file://`` search shows titles without summaries (book.js sees to it): a browser lets no script read the pages.
"""

from importlib.util import find_spec

from sphinx.util import logging

CARRIER = "sphinx-mathjax-offline"


def setup(app) -> dict:
    """Take MathJax from the package, or say that it will come over the network."""
    if find_spec(CARRIER):
        app.setup_extension(CARRIER)
    else:  # no warning, which would end a strict build: the book is whole, but not offline
        logging.getLogger(__name__).info(
            f"The package {CARRIER} is not installed, so pages with mathematics will ask cdn.jsdelivr.net for MathJax; "
            f"`pip install {CARRIER}` makes them work without a network."
        )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
