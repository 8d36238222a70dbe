"""One installation for all tests of the SDK, and both clients behind one face."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from ironforge_client import AsyncClient, Client, exchange
from ironforge_client.conformance.gate import Gate
from tests.journeys.installation import MANAGE, Installation, installation

# A machine that is busy with other tests takes its time for ten thousand jobs.
PATIENCE_S = 90.0


@pytest.fixture(autouse=True)
def _slow_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take no silence for a lost connection, where that is not cut."""
    monkeypatch.setattr(exchange, "SILENCE_S", PATIENCE_S)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Return a running installation with the demo handlers."""
    with installation(tmp_path_factory.mktemp("client") / "data") as started:
        yield started


@pytest.fixture(scope="session")
def root_key(running: Installation) -> str:
    """Return a key with the right over the installation."""
    argv = [*MANAGE, "ironforge_key", "mint", "--name", "root", "--scopes", "admin,installation"]
    environment = {**os.environ, "IRONFORGE_DATA_DIR": str(running.data_dir), "DATABASE_URL": ""}
    return subprocess.run(argv, env=environment, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="session")
def url(running: Installation) -> str:
    """Return where it answers."""
    return f"http://127.0.0.1:{running.api.port}"


@pytest.fixture
def unheard_port() -> Iterator[int]:
    """Return a port of this machine on which nobody listens, nor can meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


@pytest.fixture
def queue() -> str:
    """Return a queue that nobody else uses."""
    return f"q{secrets.token_hex(6)}"


@pytest.fixture
def gate(url: str) -> Iterator[Gate]:
    """Return a gate before the server."""
    with Gate(url) as made:
        yield made


# What goes through pages.
_LISTS = ("list", "bulk_operations", "bulk_outcomes", "unique_locks", "audit", "export")


class Blocking:
    """Calls an AsyncClient as if it were a Client, so that one suite judges both."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._loop = asyncio.Runner()
        self._client = AsyncClient(*args, **options)

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            made = getattr(self._client, name)(*args, **options)
            return self._loop.run(_collected(made) if name in _LISTS else made)

        return call

    def end(self) -> None:
        """Close the client and its loop."""
        self._loop.run(self._client.close())
        self._loop.close()


async def _collected(jobs: Any) -> Iterator[Any]:
    return iter([job async for job in jobs])


@contextmanager
def _made(kind: str, *args: Any, **options: Any) -> Iterator[Client]:
    if kind == "sync":
        with Client(*args, **options) as client:
            yield client
        return
    blocking = Blocking(*args, **options)
    try:
        yield cast("Client", blocking)
    finally:
        blocking.end()


@pytest.fixture(params=["sync", "async"])
def client(request: pytest.FixtureRequest, url: str) -> Iterator[Client]:
    """Return a client of the server."""
    with _made(request.param, url, timeout_s=PATIENCE_S) as made:
        yield made


@pytest.fixture(params=["sync", "async"])
def gated(request: pytest.FixtureRequest, gate: Gate) -> Iterator[Client]:
    """Return a client that reaches the server through the gate."""
    with _made(request.param, gate.url, timeout_s=PATIENCE_S, retries=8) as made:
        yield made
