"""The database of accounts that all installations of these tests share: they only look at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.failover.site import make_database


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory whose database has its tables."""
    made = tmp_path_factory.mktemp("failover") / "data"
    made.mkdir()
    make_database(made)
    return made
