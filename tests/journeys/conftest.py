"""One installation for the journeys that kill nothing; the others start their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.api import Api
from tests.journeys.installation import Installation, installation


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Return an installation that several journeys use; each takes jobs and queues of its own."""
    with installation(tmp_path_factory.mktemp("shared") / "data") as running:
        yield running


@pytest.fixture
def api(shared: Installation) -> Api:
    """Return the HTTP interface of the shared installation."""
    return shared.api


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Return a data directory for an installation of one journey."""
    return tmp_path / "data"
