"""What the store counts for the history alone: how long jobs of queues and kinds waited and ran, how they ended."""

from __future__ import annotations

import pytest

from jobs.backends.retention import Retention
from jobs.domain.outcome import OutcomeKind
from jobs.telemetry.metrics import BUCKETS
from tests.stores import BY, Bench

HOUR_MS = 3_600_000


def details(bench: Bench) -> dict[str, float]:
    """Return what an overview tells with details and not without."""
    without = bench.totals()
    told = bench.refused(bench.inspector.overview(2, with_details=True)).totals
    assert without.items() <= told.items()
    return {name: number for name, number in told.items() if name not in without}


def test_waits_and_runs_are_counted_by_queue_and_waits_by_kind(bench: Bench) -> None:
    for kind, queue in (("a", "mail"), ("a", "main"), ("b", "mail")):
        bench.submit(kind=kind, queue=queue)
    bench.advance(20_000)
    for lease in bench.claim(10, queues=("mail", "main")).leases:
        bench.settle(lease, duration_ms={"mail": 40, "main": 4_000}[lease.job.queue])
    assert details(bench) == {
        "queue_wait:mail:30": 2,
        "queue_wait:main:30": 1,
        "kind_wait:a:30": 2,
        "kind_wait:b:30": 1,
        "queue_run:mail:0.05": 2,
        "queue_run:main:5": 1,
    }
    totals = bench.totals()
    runs = {name: number for name, number in totals.items() if name.startswith("dur_le")}
    assert (totals["wait_le:30"], runs) == (3, {"dur_le:a:0.05": 1, "dur_le:a:5": 1, "dur_le:b:0.05": 1})
    # Each of the three between 20 and 30 s, as was counted above.
    assert (totals["dur_sum:a"], 60 <= totals["wait_sum"] <= 90) == (4.04, True)


@pytest.mark.parametrize(
    ("outcome", "counted"),
    [
        (OutcomeKind.COMPLETED, {"queue_run:main:0.05": 1}),
        (OutcomeKind.FAILED, {"queue_run:main:0.05": 1, "queue_failed:main": 1, "queue_retried:main": 1}),
        (OutcomeKind.DISCARDED, {"queue_run:main:0.05": 1, "queue_failed:main": 1}),
        (OutcomeKind.SNOOZED, {"queue_run:main:0.05": 1, "queue_snoozed:main": 1}),
        (OutcomeKind.RELEASED, {}),
        (OutcomeKind.UNKNOWN_KIND, {}),
    ],
)
def test_ends_are_counted_by_queue(bench: Bench, outcome: OutcomeKind, counted: dict[str, int]) -> None:
    bench.submit()
    bench.settle(bench.lease(), outcome, duration_ms=50)
    told = details(bench)
    assert {name: number for name, number in told.items() if "wait" not in name} == counted


def test_kinds_beyond_500_wait_under_one_label(bench: Bench) -> None:
    bench.client.hset(bench.keys.named("totals"), "kinds", 500)
    for kind in ("late.a", "late.b"):
        bench.submit(kind=kind)
    bench.claim(2)
    waits = {name: number for name, number in details(bench).items() if name.startswith("kind_wait")}
    assert {name.split(":")[1] for name in waits} == {"other"}
    assert sum(waits.values()) == 2


def test_a_queue_that_is_forgotten_takes_its_details_with_it(bench: Bench) -> None:
    edges = [f"{float(edge) * 1000:.0f}" for edge in BUCKETS] + ["inf"]
    sorts = ("queue_wait", "queue_run")
    fields = {f"{sort}:{queue}:{edge}": 1 for sort in sorts for queue in ("mail", "mail.eu") for edge in edges}
    fields |= {f"queue_{word}:mail": 1 for word in ("failed", "retried", "snoozed")}
    bench.client.hset(bench.keys.named("details"), mapping=fields)
    for queue in ("mail", "mail.eu"):
        bench.submit(queue=queue)
    bench.run(bench.operator.purge("mail", "r", bench.now() + 1, 0, by=BY))
    assert len(details(bench)) == len(fields) == 4 * len(edges) + 3
    bench.advance(2 * HOUR_MS)
    bench.run(bench.maintainer.prune(Retention()))
    assert {name.split(":")[1] for name in details(bench)} == {"mail.eu"}
    assert len(details(bench)) == 2 * len(edges)
