"""Any field of a job may be damaged from outside, in any status: no call fails for it, and it stops no other job."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jobs.backends.base import ActCode, Submission, SubmitCode
from jobs.backends.retention import Retention
from jobs.domain.job import JobError, JobSpec
from jobs.domain.lease import Lease
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.status import Status
from tests.backends.situations import REACHABLE, in_status
from tests.backends.test_damage import damage
from tests.backends.test_reconcile import reconcile
from tests.stores import BY, LEASE_MS, Bench

_pack = msgspec.msgpack.encode
FIELDS = [
    *("status", "spec", "payload", "idem", "created", "ready_at", "scheduled_for", "started_at", "finished_at"),
    *("attempt", "attempt:1", "retry_count", "lost_leases", "unknown_kinds", "lease", "settled", "cancel_by"),
    *("acted", "reason", "error_type", "error_message", "traceback", "result"),
]
NO_NUMBERS = [None, b"", b"nan", b"-nan", b"inf", b"-1", b"1e400", b"1e300", b"9007199254740992", b"0x10", b"x", b"1 2"]
NOT_SPECS = [
    b"\xc0",
    b"\xc1",
    b"\x07",
    b"\xff\xfe",
    _pack(["k", "main", float("nan")]),
    _pack(["k", "main", 1.5]),
    _pack(["k", "main", 4]),
    _pack(["k", "a|b", 1]),
    _pack(["k", "main", 1, "many", "long"]),
    _pack(["k", "main", 1, None, None, float("inf")]),
    _pack(["k", "main", 1, 3, 1000, None, 7, 0, float("nan"), 3, 8]),
    _pack({"k": 1}),
]
DAMAGE = st.sampled_from(NO_NUMBERS + NOT_SPECS + [b"queued", b"running", b"t w " + b"9" * 30]) | st.binary(max_size=24)


class Scene:
    """A good job beside a damaged one in every status, and the leases of those that ran."""

    def __init__(self, bench: Bench, status: Status, field: str, value: bytes | None) -> None:
        self.bench = bench
        self.queues = ["main"]
        bench.run(bench.maintainer.reap())
        self.bad = in_status(bench, status)
        self.lease = self._lease_of(self.bad) if status is Status.RUNNING else None
        damage(bench, self.bad, field, value)

    def _lease_of(self, job_id: str) -> Lease:
        token = self.bench.raw(job_id)["lease"].split()[0].decode()
        return Lease(self.bench.get(job_id), token, 1, self.bench.now() + LEASE_MS)

    def good(self, status: Status) -> str:
        """Return a sound job in that status; the damaged one may be met on the way."""
        bench = self.bench
        queue = f"good-{len(self.queues)}"
        self.queues.append(queue)
        due = bench.now() + 60_000 if status is Status.SCHEDULED else None
        job_id = bench.submit("demo.good", queue=queue, scheduled_for=due, max_retries=0 if due is None else 3)
        if status is Status.RUNNING:
            bench.claim(queues=(queue,))
        elif status is Status.DEAD_LETTER:
            bench.fail(bench.lease(queues=(queue,)))
        return job_id


def act(scene: Scene, how: str, status: Status) -> None:
    """Carry out an operator's act on both jobs at once: the good one's is done."""
    operator, good, request = scene.bench.operator, scene.good(status), secrets.token_hex(8)
    both = [scene.bad, good]
    call = {
        "cancel": lambda: operator.cancel(both, request, running=True, by=BY),
        "discard": lambda: operator.discard(both, request, by=BY),
        "retry": lambda: operator.retry(both, request, by=BY),
        "promote": lambda: operator.promote(both, request, by=BY),
    }[how]()
    answers = scene.bench.run(call)
    assert answers[1].code in {ActCode.DONE, ActCode.REQUESTED}
    assert scene.bench.run(call) == answers


def settle(scene: Scene, outcome: OutcomeKind) -> None:
    good = scene.good(Status.QUEUED)
    (lease,) = scene.bench.claim(queues=(scene.queues[-1],)).leases
    error = JobError("ValueError", "no")
    settlements = [
        Settlement(job_id=each.job.id, token=each.token, outcome=outcome, error=error)
        for each in (scene.lease, lease)
        if each is not None
    ]
    call = scene.bench.consumer.settle(settlements)
    answers = scene.bench.run(call)
    assert answers[-1].status is scene.bench.get(good).status is not None
    assert scene.bench.run(call) == answers


def claim(scene: Scene) -> None:
    good = scene.good(Status.QUEUED)
    consumer, token = scene.bench.consumer, secrets.token_hex(16)
    scene.bench.seq += 1
    call = consumer.claim(scene.queues, "w9", seq=scene.bench.seq, token=token, limit=200, lease_ms=LEASE_MS)
    taken = {lease.job.id for lease in scene.bench.run(call).leases}
    assert good in taken
    assert {lease.job.id for lease in scene.bench.run(call).leases} == taken
    assert scene.bench.run(consumer.extend([(good, f"{token}-{good[-12:]}")], LEASE_MS)).extended


def upkeep(scene: Scene) -> None:
    """Do all that a round does, long enough after that everything is due: the good ones come back."""
    bench, running, due = scene.bench, scene.good(Status.RUNNING), scene.good(Status.SCHEDULED)
    bench.advance(max(LEASE_MS, 60_000) + 1)
    bench.run(bench.maintainer.promote_due())
    bench.run(bench.maintainer.reap())
    assert {bench.get(job_id).status for job_id in (running, due)} == {Status.QUEUED}
    assert [lease.job.id for lease in bench.claim(queues=(scene.queues[-2],)).leases] == [running]
    bench.run(bench.maintainer.lose_worker("w1", "killed", 0))
    assert bench.get(running).status is Status.FAILED


def submit_again(scene: Scene) -> None:
    bench = scene.bench
    specs = [Submission(scene.bad, JobSpec(kind="demo.echo")), Submission(bench.ids.make(), JobSpec(kind="demo.echo"))]
    answers = bench.run(bench.producer.submit(specs))
    assert {answer.code for answer in answers} == {SubmitCode.ACCEPTED}


def look(scene: Scene) -> None:
    bench = scene.bench
    good = scene.good(Status.QUEUED)
    bench.run(bench.inspector.overview(5))
    bench.run(bench.inspector.get(scene.bad))
    for status in (None, *REACHABLE):
        bench.run(bench.inspector.list_jobs(status, None, None, 50))
    listed = bench.run(bench.inspector.list_jobs(None, None, None, 50)).jobs
    # Without a status it is no job to anybody, until the walk.
    expected = {scene.bad, good} if "status" in bench.raw(scene.bad) else {good}
    assert expected <= {job.id for job in listed}


def end(scene: Scene) -> None:
    """A walk puts right what it can, once; then all jobs can be purged and pruned."""
    bench = scene.bench
    reconcile(bench)
    assert reconcile(bench).is_clean
    for queue in scene.queues:
        bench.run(bench.operator.purge(queue, secrets.token_hex(8), bench.now() + 1, 0, by=BY))
    bench.advance(1)
    bench.run(bench.maintainer.prune(Retention(max_jobs=0, dead_letter_age_ms=0)))


STEPS: dict[str, Any] = {
    "cancel": lambda scene: act(scene, "cancel", Status.QUEUED),
    "cancel running": lambda scene: act(scene, "cancel", Status.RUNNING),
    "discard": lambda scene: act(scene, "discard", Status.DEAD_LETTER),
    "retry": lambda scene: act(scene, "retry", Status.DEAD_LETTER),
    "promote": lambda scene: act(scene, "promote", Status.SCHEDULED),
    "claim": claim,
    "upkeep": upkeep,
    "submit": submit_again,
    "look": look,
} | {f"settle {outcome}": (lambda scene, outcome=outcome: settle(scene, outcome)) for outcome in OutcomeKind}


@pytest.mark.usefixtures("_store_server")
@settings(max_examples=150, deadline=None)
@given(
    status=st.sampled_from(REACHABLE),
    field=st.sampled_from([*FIELDS, "spec", "ready_at"]),
    value=DAMAGE,
    steps=st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=3),
)
@example(status=Status.RUNNING, field="spec", value=b"\xc1", steps=["upkeep"])
@example(status=Status.RUNNING, field="ready_at", value=b"x", steps=["upkeep"])
@example(status=Status.SCHEDULED, field="spec", value=None, steps=["upkeep"])
@example(status=Status.RUNNING, field="unknown_kinds", value=b"x", steps=["settle unknown_kind"])
@example(status=Status.RUNNING, field="attempt", value=b"nan", steps=["settle failed"])
@example(status=Status.RUNNING, field="lease", value=b"t w " + b"9" * 30, steps=["settle completed"])
@example(status=Status.QUEUED, field="ready_at", value=b"nan", steps=["look", "claim"])
@example(status=Status.QUEUED, field="status", value=b"\xff", steps=["cancel", "submit"])
def test_no_damaged_field_makes_a_call_fail_or_stops_another_job(
    status: Status, field: str, value: bytes | None, steps: list[str]
) -> None:
    with Bench(is_checked=False) as bench:
        scene = Scene(bench, status, field, value)
        for step in steps:
            STEPS[step](scene)
        end(scene)
