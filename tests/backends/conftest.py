"""Further stores for the tests of the backend; each is started once a test process, and only when asked for."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs import wiring
from jobs.backends.redis.embedded.server import EmbeddedStore
from tests.backends.caller import KINDS, Caller, patiently
from tests.backends.embedded import Events
from tests.backends.relay import Relay
from tests.backends.servers import Server, one_node_cluster
from tests.patience import let_calls_wait
from tests.stores import PATIENCE_S, Bench

SHARDS = 12


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Return where an embedded store of the test's own would be; it does not exist yet."""
    return tmp_path / "data"


@pytest.fixture
def events() -> Events:
    """Return what the store of `store` logs."""
    return Events()


@pytest.fixture
def store(data_dir: Path, events: Events) -> Iterator[EmbeddedStore]:
    """Return an embedded store of the test's own, not started."""
    store = EmbeddedStore(data_dir, log=events)
    yield store
    store.stop()


@pytest.fixture(scope="session")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a one-node Cluster."""
    with one_node_cluster(tmp_path_factory.mktemp("cluster")) as server:
        yield f"redis+cluster://127.0.0.1:{server.port}"


@pytest.fixture(params=["one store", "three masters"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Return a namespace of its own: on one store, and as one of twelve shards over three masters."""
    if request.param == "one store":
        request.getfixturevalue("_store_server")
        made = Bench()
    else:
        url = request.getfixturevalue("three_masters").url
        made = Bench(url=url, shards=SHARDS, shard=secrets.randbelow(SHARDS))
    yield made
    made.close()


@pytest.fixture(scope="session")
def spare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a plain server whose settings a test may change for its own time."""
    with Server(tmp_path_factory.mktemp("spare")) as server:
        yield server


@pytest.fixture(params=["embedded", "cluster"])
def any_url(request: pytest.FixtureRequest) -> str:
    """Return the address of each kind of store in turn."""
    if request.param == "cluster":
        return str(request.getfixturevalue("cluster_url"))
    request.getfixturevalue("_store_server")
    return wiring.store_url()


@pytest.fixture
def any_bench(any_url: str, caller: Caller) -> Iterator[Bench]:
    """Return a namespace on each kind of store, whose calls each kind of runner carries out in turn."""
    with Bench(url=any_url) as bench:
        runner = caller.runner(any_url, namespace=bench.namespace, has_test_clock=True)
        patiently(runner.run, bench.inspector.overview(0))
        bench.run, bench.run_many = runner.run, runner.run_many  # type: ignore[method-assign]
        yield bench


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a store that is slow, where a test is not about that."""
    let_calls_wait(monkeypatch, keep_runner=True)


@pytest.fixture(params=KINDS)
def caller(request: pytest.FixtureRequest, patience: None) -> Iterator[Caller]:
    """Return who carries out calls with each kind of runner in turn."""
    made = Caller(request.param, PATIENCE_S)
    yield made
    made.close()


@pytest.fixture(params=KINDS)
def prompt_caller(request: pytest.FixtureRequest) -> Iterator[Caller]:
    """Return one that gives a silent store up when a server does."""
    made = Caller(request.param)
    yield made
    made.close()


@pytest.fixture
def relay(spare: Server) -> Iterator[Relay]:
    """Return a relay before the spare server, that loses what a test wants lost."""
    with Relay(spare.port) as made:
        yield made
