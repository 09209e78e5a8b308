"""What several test files share."""

from pathlib import Path

import pytest

from srcnn.data import registry, roots


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of the real image sets; a test that asks for it carries ``@pytest.mark.data``."""
    for place in roots():
        if all((place / folder).is_dir() for entry in registry().values() for folder in entry.folders.values()):
            return place
    pytest.skip(
        "the image sets are not here: set SRCNN_DATA to their folder, "
        f"or run `srcnn data fetch` for each of {', '.join(registry())}"
    )
