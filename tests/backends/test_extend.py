"""extend.lua: leases are renewed by token, and a holder learns that somebody wants its job stopped."""

from __future__ import annotations

import pytest

from jobs.backends.base import MAX_BATCH
from jobs.domain.status import Status
from tests.stores import LEASE_MS, Bench


def expiry(bench: Bench, job_id: str) -> float | None:
    return bench.client.zscore(bench.keys.index(Status.RUNNING), job_id)


def test_a_renewed_lease_outlives_its_first_expiry(bench: Bench) -> None:
    job_id = bench.submit()
    lease = bench.lease()
    bench.hold_clock()
    bench.advance(LEASE_MS - 1_000)
    extension = bench.run(bench.consumer.extend([(job_id, lease.token)], LEASE_MS))
    assert (extension.extended, extension.lost, extension.cancel_requested) == ((job_id,), (), ())
    bench.advance(LEASE_MS - 1_000)
    assert bench.run(bench.maintainer.reap()) == 0
    assert bench.settle(lease) is Status.COMPLETED


def test_a_lease_lasts_as_long_as_asked_for_from_now(bench: Bench) -> None:
    job_id = bench.submit()
    lease = bench.lease()
    before = bench.now()
    bench.run(bench.consumer.extend([(job_id, lease.token)], 60_000))
    found = expiry(bench, job_id)
    assert found is not None
    assert before + 60_000 <= found <= bench.now() + 60_000


def test_a_lease_that_expired_but_was_not_reaped_may_still_be_renewed(bench: Bench) -> None:
    job_id = bench.submit()
    lease = bench.lease()
    bench.advance(LEASE_MS * 3)
    assert bench.run(bench.consumer.extend([(job_id, lease.token)], LEASE_MS)).extended == (job_id,)
    assert bench.run(bench.maintainer.reap()) == 0


def test_each_lease_of_a_batch_is_judged_by_itself(bench: Bench) -> None:
    ids = [bench.submit() for _ in range(3)]
    held, cancelled, settled = bench.claim(3).leases
    bench.cancel(cancelled.job.id, running=True)
    bench.settle(settled)
    never = bench.ids.make()
    batch = [(lease.job.id, lease.token) for lease in (held, cancelled, settled)] + [(never, held.token)]
    extension = bench.run(bench.consumer.extend(batch, LEASE_MS))
    assert extension.extended == (ids[0], ids[1])
    assert extension.cancel_requested == (ids[1],)
    assert extension.lost == (ids[2], never)


def test_another_token_is_lost_and_changes_nothing(bench: Bench) -> None:
    job_id = bench.submit()
    bench.lease()
    extension = bench.refused(bench.consumer.extend([(job_id, "other-1")], LEASE_MS))
    assert extension.lost == (job_id,)


def test_a_lost_lease_does_not_renew_that_of_the_next_holder(bench: Bench) -> None:
    job_id = bench.submit()
    lost = bench.lease()
    bench.advance(LEASE_MS + 1)
    bench.run(bench.maintainer.reap())
    bench.lease(worker="w2")
    assert bench.refused(bench.consumer.extend([(job_id, lost.token)], LEASE_MS)).lost == (job_id,)


def test_a_repeat_answers_alike_and_is_no_event(bench: Bench) -> None:
    job_id = bench.submit()
    call = bench.consumer.extend([(job_id, bench.lease().token)], LEASE_MS)
    assert bench.run(call) == bench.run(call)
    assert bench.verbs() == ["submit", "claim"]


def test_a_renewal_makes_no_entry_where_there_is_none(bench: Bench) -> None:
    bench.is_checked = False
    job_id = bench.submit()
    lease = bench.lease()
    bench.client.zrem(bench.keys.index(Status.RUNNING), job_id)
    bench.run(bench.consumer.extend([(job_id, lease.token)], LEASE_MS))
    assert expiry(bench, job_id) is None


def test_a_batch_takes_200_leases_and_no_more(bench: Bench) -> None:
    batch = [(bench.ids.make(), "t")] * MAX_BATCH
    assert len(bench.run(bench.consumer.extend(batch, LEASE_MS)).lost) == MAX_BATCH
    with pytest.raises(ValueError, match="at most 200"):
        bench.consumer.extend([*batch, batch[0]], LEASE_MS)
