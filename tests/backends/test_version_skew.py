"""Versions side by side: what a newer program adds to a job does not keep an older one from running it."""

from __future__ import annotations

import msgspec

from jobs.domain.outcome import OutcomeKind
from jobs.domain.status import Status
from tests.stores import Bench


def test_a_job_with_fields_of_a_newer_version_is_seen_run_and_settled_and_keeps_them(bench: Bench) -> None:
    job_id = bench.submit(payload=b"7")
    key = bench.keys.named("job_prefix") + job_id
    spec = ["demo.echo", "main", 2, 3, 60_000, None, False, 1_000, 300_000, "none", "", {"new": True}, "newer"]
    bench.client.hset(key, mapping={"spec": msgspec.msgpack.encode(spec), "novelty": b"\xff\x00"})
    assert bench.get(job_id).kind == "demo.echo"
    lease = bench.lease()
    assert (lease.job.id, lease.job.payload) == (job_id, b"7")
    assert bench.settle(lease, OutcomeKind.FAILED) is Status.FAILED
    bench.advance(10_000)
    assert bench.settle(bench.lease()) is Status.COMPLETED
    kept = bench.raw(job_id)
    assert kept["novelty"] == b"\xff\x00"
    assert msgspec.msgpack.decode(kept["spec"])[-1] == "newer"


def test_a_corrupt_job_harms_no_other(bench: Bench) -> None:
    ids = [bench.submit() for _ in range(5)]
    bench.client.hset(bench.keys.named("job_prefix") + ids[2], "spec", b"\xc1")
    taken = bench.claim(5).leases
    assert [lease.job.id for lease in taken] == [*ids[:2], *ids[3:]]
    assert {bench.settle(lease) for lease in taken} == {Status.COMPLETED}
    assert bench.get(ids[2]).reason == "undecodable"
