"""Circuits whose rule is changed while some jobs are on trial: whatever is decided, it is decided."""

from __future__ import annotations

import msgspec

from jobs.domain.circuit import CircuitState
from tests.backends.test_circuit import FRAGILE, RULE, circuit, claimed, opened, put, submit
from tests.stores import Bench


def test_a_trial_for_fewer_jobs_than_have_ended_is_decided_by_the_next_one(bench: Bench) -> None:
    put(bench, msgspec.structs.replace(FRAGILE, circuit=msgspec.structs.replace(RULE, probes=10)))
    opened(bench)
    bench.advance(30_000)
    submit(bench, *["mail"] * 3)
    for lease in claimed(bench):
        bench.settle(lease)
    put(bench)
    assert circuit(bench).state is CircuitState.HALF_OPEN
    ids = submit(bench, *["mail"] * 3)
    (lease,) = claimed(bench)
    bench.settle(lease)
    assert circuit(bench).state is CircuitState.CLOSED
    assert [lease.job.id for lease in claimed(bench)] == ids[1:]
