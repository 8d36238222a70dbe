"""A store that restarts keeps what it acknowledged, forgets its scripts, and grants running jobs a grace."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from jobs.backends.redis.embedded.server import EmbeddedStore
from jobs.domain.status import Status
from tests.backends.embedded import end_server
from tests.stores import LEASE_MS, Bench


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_jobs_outlive_a_restart_and_their_leases_have_a_grace(
    store: EmbeddedStore, data_dir: Path, number: signal.Signals
) -> None:
    store.start()
    with Bench(url=EmbeddedStore.locate(data_dir).url) as bench:
        waiting = [bench.submit() for _ in range(3)]
        bench.run(bench.maintainer.reap())
        lease = bench.lease()
        end_server(store, number)
        store.restart()
        bench.advance(LEASE_MS + 1)
        assert bench.run(bench.maintainer.reap()) == 0
        assert bench.get(lease.job.id).status is Status.RUNNING
        assert bench.settle(lease) is Status.COMPLETED
        assert bench.queue_ids() == waiting[1:]
        lost = bench.lease()
        bench.advance(2 * LEASE_MS)
        assert bench.run(bench.maintainer.reap()) == 1
        assert bench.settle(lost) is None
