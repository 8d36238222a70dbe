"""Very many jobs at once: each script takes a bounded part, so that nobody waits for another's crowd."""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import pytest

from jobs.backends.base import MAX_BATCH
from jobs.backends.base import Submission as Submitting
from jobs.backends.call import Call
from jobs.domain.job import JobSpec
from tests.backends.servers import Server
from tests.conftest import FIGURE
from tests.stores import BY, LEASE_MS, Bench

T = TypeVar("T")

SCRIPT_MS = 20
# A claim of another namespace, meanwhile; of all of them 95 %, and of the scripts all but one in ten: the machine is
# shared by three processes of tests, and its clock goes on while others have the processor. A script that does too much
# is long each time. What was measured is told.
CLAIM_S = 0.05
ONE_OF = 10
AT_ONCE = 20


@dataclass
class Crowd:
    """A namespace that is filled, and another whose claims are timed meanwhile."""

    bench: Bench
    other: Bench
    claims_s: list[float]

    def run(self, call: Call[T]) -> T:
        """Carry a call out, and time a claim of the other namespace behind it."""
        answer = self.bench.run(call)
        self.other.submit()
        began = time.perf_counter()
        self.other.settle(self.other.lease())
        self.claims_s.append(time.perf_counter() - began)
        return answer

    def fill(self, number: int, *, delay_ms: int = 0) -> None:
        """Store so many jobs, all due in the same millisecond if they are delayed."""
        due = self.bench.now() + delay_ms if delay_ms else None
        spec = JobSpec(kind="demo.echo", scheduled_for=due)
        batches = [min(MAX_BATCH, number - first) for first in range(0, number, MAX_BATCH)]
        for first in range(0, len(batches), AT_ONCE):
            calls = [
                self.bench.producer.submit([Submitting(self.bench.ids.make(), spec) for _ in range(size)])
                for size in batches[first : first + AT_ONCE]
            ]
            self.bench.run_many(calls)

    def judge(self, scripts: int) -> str:
        """Fail if scripts took longer than 20 ms or claims waited; return what was measured."""
        slow = [entry for entry in self.bench.client.slowlog_get(10_000) if b"EVAL" in entry["command"]]
        worst = sorted((entry["duration"] // 1000 for entry in slow), reverse=True)
        assert len(slow) <= 1 + scripts // ONE_OF, worst
        percent = statistics.quantiles(self.claims_s, n=100)
        assert percent[94] < CLAIM_S
        late = f"{len(slow)} of {scripts} scripts over {SCRIPT_MS} ms (longest {max(worst, default=0)} ms)"
        return f"{late}, p99 of claims meanwhile {percent[98] * 1000:.1f} ms"


@pytest.fixture
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """Return a crowd on a server of its own that remembers every slow script."""
    with Server(tmp_path_factory.mktemp("big")) as server, server.client() as client:
        client.config_set("slowlog-log-slower-than", SCRIPT_MS * 1000)
        client.config_set("slowlog-max-len", 10_000)
        with Bench(url=server.url, is_checked=False) as bench, Bench(url=server.url) as other:
            yield Crowd(bench, other, [])


@pytest.mark.parametrize("jobs", [6_000, pytest.param(200_000, marks=[pytest.mark.long, pytest.mark.timeout(600)])])
def test_jobs_due_in_the_same_millisecond_become_ready_in_short_steps(
    crowd: Crowd, jobs: int, record_property: Callable[[str, object], None]
) -> None:
    crowd.fill(jobs, delay_ms=3_600_000)
    crowd.bench.advance(3_600_001)
    steps = [crowd.run(crowd.bench.maintainer.promote_due())]
    while steps[-1]:
        steps.append(crowd.run(crowd.bench.maintainer.promote_due()))
    assert (sum(steps), max(steps)) == (jobs, MAX_BATCH)
    record_property(FIGURE, f"{jobs} jobs due at once: {crowd.judge(2 * len(steps))}")
    assert crowd.bench.client.zcard(crowd.bench.keys.queue("main")) == jobs


@pytest.mark.parametrize("jobs", [6_000, pytest.param(500_000, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
def test_a_purge_of_very_many_jobs_goes_in_short_steps(
    crowd: Crowd, jobs: int, record_property: Callable[[str, object], None]
) -> None:
    crowd.fill(jobs)
    until_ms, done = crowd.bench.now() + 1, 0
    after: int | None = 0
    while after is not None:
        call = crowd.bench.operator.purge("main", secrets.token_hex(8), until_ms, after, by=BY)
        progress = crowd.run(call)
        done, after = done + progress.purged, progress.after
    assert done == jobs
    record_property(FIGURE, f"purge of {jobs} jobs: {crowd.judge(4 * (jobs // MAX_BATCH))}")


def test_very_many_leases_that_run_out_together_end_in_short_steps(crowd: Crowd) -> None:
    crowd.run(crowd.bench.maintainer.reap())
    crowd.fill(4_000)
    while crowd.bench.claim(MAX_BATCH).leases:
        pass
    crowd.bench.advance(LEASE_MS + 1)
    steps = [crowd.run(crowd.bench.maintainer.reap())]
    while steps[-1]:
        steps.append(crowd.run(crowd.bench.maintainer.reap()))
    assert (sum(steps), max(steps)) == (4_000, MAX_BATCH)
    crowd.judge(4 * len(steps))
