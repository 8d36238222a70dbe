"""claim.lua for workers that do not count: a name finds a claim again, what was given up takes nothing."""

from __future__ import annotations

from typing import Any

from jobs.backends.base import ClaimManner
from jobs.backends.call import Call
from jobs.domain.job import JobSpec
from jobs.domain.lease import Claim
from jobs.domain.status import Status
from tests.backends.test_heartbeat import record
from tests.stores import LEASE_MS, Bench

FIRST, SECOND, THIRD = "1" * 32, "2" * 32, "3" * 32


def claim_call(
    bench: Bench, token: str, claim_id: str = "", manner: ClaimManner = "now", *, limit: int = 10, latest: int = 0
) -> Call[Claim]:
    return bench.consumer.claim(
        ("main",), "w1", seq=0, token=token, limit=limit, lease_ms=LEASE_MS, manner=manner, claim_id=claim_id,
        latest=latest,
    )  # fmt: skip


def held(claim: Claim) -> list[tuple[str, str]]:
    return [(lease.job.id, lease.token) for lease in claim.leases]


def twice(bench: Bench, call: Call[Claim]) -> Claim:
    """Run a claim, and once more as after a lost reply; the store's clock goes on in between."""
    claim = bench.run(call)
    again = bench.refused(call)
    assert held(again) == held(claim)
    return claim


def two(bench: Bench) -> list[str]:
    return [submitted.job_id for submitted in bench.submit_all([JobSpec(kind="k")] * 2)]


def test_a_worker_that_does_not_count_claims_again_and_again(bench: Bench) -> None:
    ids = two(bench)
    for token, job_id in zip((FIRST, SECOND), ids, strict=True):
        (lease,) = twice(bench, claim_call(bench, token, limit=1)).leases
        assert (lease.job.id, lease.token[:32]) == (job_id, token)


def test_a_name_finds_the_same_leases_under_their_own_token(bench: Bench) -> None:
    ids = two(bench)
    first = bench.run(claim_call(bench, FIRST, "c"))
    again = twice(bench, claim_call(bench, SECOND, "c"))
    assert held(again) == held(first)
    assert [lease.job.id for lease in again.leases] == ids
    assert bench.settle(first.leases[0]) is Status.COMPLETED
    assert held(bench.run(claim_call(bench, THIRD, "c"))) == held(first)[1:]


def test_a_name_is_used_up_when_nothing_of_it_is_held(bench: Bench) -> None:
    two(bench)
    (lease,) = bench.run(claim_call(bench, FIRST, "c", limit=1)).leases
    bench.settle(lease)
    (other,) = bench.run(claim_call(bench, SECOND, "c")).leases
    assert other.token[:32] == SECOND


def test_what_was_given_up_is_recalled_and_found_by_nobody_else(bench: Bench) -> None:
    two(bench)
    taken = bench.run(claim_call(bench, FIRST, "c"))
    recalled = twice(bench, claim_call(bench, FIRST, "", "recall"))
    assert held(recalled) == held(taken)
    assert bench.run(claim_call(bench, SECOND, "c")).leases == ()


def test_who_asked_before_recalls_nothing_once_another_has_asked(bench: Bench) -> None:
    two(bench)
    bench.run(claim_call(bench, FIRST, "c"))
    again = bench.run(claim_call(bench, SECOND, "c"))
    assert bench.refused(claim_call(bench, FIRST, "", "recall")).leases == ()
    assert held(bench.run(claim_call(bench, SECOND, "", "recall"))) == held(again)


def test_a_recall_takes_nothing(bench: Bench) -> None:
    two(bench)
    assert bench.refused(claim_call(bench, FIRST, "c", "recall")).leases == ()
    assert bench.refused(claim_call(bench, FIRST, "", "recall")).leases == ()


def test_a_request_that_comes_too_late_takes_nothing(bench: Bench) -> None:
    job_id = bench.submit()
    latest = bench.now() + 1_000
    bench.advance(1_500)
    assert bench.refused(claim_call(bench, FIRST, latest=latest)).leases == ()
    (lease,) = bench.run(claim_call(bench, FIRST, latest=bench.now() + 60_000)).leases
    assert lease.job.id == job_id


def test_an_unnamed_claim_is_found_by_no_name(bench: Bench) -> None:
    two(bench)
    bench.run(claim_call(bench, FIRST, limit=1))
    (second,) = bench.run(claim_call(bench, SECOND, "c")).leases
    assert second.token[:32] == SECOND


def test_a_claim_without_a_name_is_remembered_as_before(bench: Bench) -> None:
    job_id = bench.submit()
    call = bench.consumer.claim(("main",), "w1", seq=7, token=FIRST, limit=1, lease_ms=LEASE_MS)
    assert [lease.job.id for lease in bench.run(call).leases] == [job_id]
    kept: Any = bench.client.get(bench.keys.named("claim_prefix") + "w1")
    assert len(kept) < 100, "three values, as before there were names"
    assert [lease.job.id for lease in twice(bench, call).leases] == [job_id]


def test_one_worker_is_looked_at_alone(bench: Bench) -> None:
    assert bench.run(bench.consumer.worker("w1")) is None
    bench.run(bench.consumer.heartbeat(record(via="http", language="go")))
    found = bench.run(bench.consumer.worker("w1"))
    assert found is not None
    assert (found.host, found.via, found.language) == ("höst", "http", "go")
