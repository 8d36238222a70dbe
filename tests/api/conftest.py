"""Lanes into the interface and tenants that ask through them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import connections
from pytest_django import Settings

from jobs.access import credentials
from jobs.access.credentials import Authenticator
from tests.api.lane import KNOWN_HEADS, LANES, Lane
from tests.api.socket_lane import SocketLane
from tests.api.tenant import Tenant
from tests.patience import let_services_wait
from tests.stores import Bench

MakeTenant = Callable[[], Tenant]


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="session")
def _lanes() -> Iterator[dict[str, Lane]]:
    made: dict[str, Lane] = {}
    yield made
    for lane in made.values():
        lane.close()


@pytest.fixture
def _committing_database(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the database commit, for requests are answered in threads of their own, which keep no connection."""
    monkeypatch.setitem(connections.databases["default"], "CONN_MAX_AGE", 0)


@pytest.fixture
def _patience(patient_calls: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a store that is slow; who stops it says so, see `tests.api.test_outage.store_stopped`."""
    let_services_wait(monkeypatch)


@pytest.fixture
def lane(
    request: pytest.FixtureRequest,
    _lanes: dict[str, Lane],
    _store_server: None,
    _committing_database: None,
    _patience: None,
) -> Lane:
    """Return the way in: that of a server as it starts by itself, or each in turn for a test with `each_lane`."""
    name = str(getattr(request, "param", next(iter(LANES))))
    if name not in _lanes:
        _lanes[name] = SocketLane() if name == KNOWN_HEADS else Lane(name, LANES[name])
    return _lanes[name]


@pytest.fixture
def make_tenant(lane: Lane) -> Iterator[MakeTenant]:
    """Return a function that makes a tenant; each is checked for contradictions in the end."""
    benches: list[Bench] = []

    def make() -> Tenant:
        benches.append(Bench())
        return Tenant(lane, benches[-1])

    yield make
    for bench in benches:
        try:
            if bench.is_checked:
                bench.check()
        finally:
            bench.is_checked = False
            # All keys of a tenant lie in one slot: one call, also after ten thousand jobs.
            if keys := list(bench.client.scan_iter(f"ironforge:{{{bench.namespace}/*", count=1_000)):
                bench.client.unlink(*keys)
            bench.close()


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> Tenant:
    """Return a tenant of this test's own."""
    return make_tenant()


@pytest.fixture
def other(make_tenant: MakeTenant) -> Tenant:
    """Return a second one."""
    return make_tenant()


@pytest.fixture
def key_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock by which keys are looked up again, with nothing remembered yet."""
    clock = Clock()
    monkeypatch.setattr(credentials, "_authenticator", Authenticator(monotonic=clock))
    return clock


@pytest.fixture
def open_access(settings: Settings) -> None:
    """Turn open access on, as `manage.py ironforge` does on a loopback address."""
    settings.IRONFORGE_OPEN = True
