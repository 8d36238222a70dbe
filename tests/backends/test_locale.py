"""A store whose locale sorts text otherwise than by its bytes: lists are whole and in order all the same."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.backends.redis.embedded.server import EmbeddedStore
from jobs.domain.job import JobSpec
from jobs.domain.status import Status
from tests.backends.embedded import client_of
from tests.backends.servers import Server
from tests.backends.test_pages import fill
from tests.backends.walking import walk
from tests.consistency import faults_of
from tests.stores import Bench

# Does a word that begins with "aa" stand before one that begins with "ab"?
ASKS = "return tostring('aa' < 'ab')"


@pytest.fixture
def danish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a locale in whose alphabet "aa" is a letter, the last one."""
    made = subprocess.run(
        ["localedef", "-i", "da_DK", "-f", "UTF-8", str(tmp_path / "da_DK.UTF-8")], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("no locales can be made on this system (Debian: locales)")
    monkeypatch.setenv("LOCPATH", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "da_DK.UTF-8")


@pytest.fixture
def bench(tmp_path: Path, danish: None) -> Iterator[Bench]:
    """Return a namespace on a server of that locale."""
    with Server(tmp_path / "store") as server, Bench(url=server.url) as made:
        assert made.client.eval(ASKS, 0) == b"false"
        yield made


def test_all_jobs_are_listed_in_order_in_stretches_of_any_length(bench: Bench) -> None:
    ids = fill(bench, 40)
    assert any("aa" in job_id for job_id in ids)
    assert faults_of(bench.client, bench.keys) == []
    assert walk(bench, None, limit=200) == ids[::-1]
    assert walk(bench, None, limit=30, backwards=True) == ids


def test_jobs_of_one_moment_are_listed_in_order(bench: Bench) -> None:
    due = bench.now() + 60_000
    ids = [answer.job_id for answer in bench.submit_all([JobSpec(kind="k", scheduled_for=due)] * 200)]
    ids += [answer.job_id for answer in bench.submit_all([JobSpec(kind="k", scheduled_for=due)] * 200)]
    assert walk(bench, Status.SCHEDULED, limit=30) == sorted(ids)
    bench.advance(60_001)
    while bench.run(bench.maintainer.promote_due()):
        pass
    assert walk(bench, Status.QUEUED, limit=30) == sorted(ids)


def test_the_embedded_store_compares_bytes(data_dir: Path, store: EmbeddedStore, danish: None) -> None:
    store.start()
    with client_of(data_dir) as client:
        assert client.eval(ASKS, 0) == b"true"
