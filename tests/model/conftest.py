"""A store of this test process's own, for tests that fill it with very many namespaces or leave it in the middle."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.backends.servers import Server


@pytest.fixture(scope="session")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a plain server that a test may empty."""
    with Server(tmp_path_factory.mktemp("crowd")) as server:
        yield server
