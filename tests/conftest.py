"""Places with real data, where they are there."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with real streets and places."""
    if not SHARED.is_dir():
        pytest.skip("the real data sets are not here")
    return SHARED
