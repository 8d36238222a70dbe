"""Mixed calls in an order that a seed decides, one script each, as servers, workers and people make them."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable

from jobs.backends.base import Submission
from jobs.backends.retention import Retention
from jobs.domain.job import Delivery, JobSpec
from jobs.domain.lease import Lease
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.priority import Priority
from jobs.domain.queue import WorkerRecord
from tests.stores import BY, LEASE_MS, Bench

QUEUES = ("main", "mail")
HOUR_MS = 3_600_000


class Traffic:
    """Does the next thing each time it is told to."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self._bench = bench
        self._chance = random.Random(seed)
        self._ids: list[str] = []
        self._leases: list[Lease] = []
        self._acts: list[Callable[[], object]] = [
            *[self._submit, self._submit_together, self._claim, self._settle] * 4,
            *[self._steer] * 3,
            *[self._extend, self._pass_time, self._reap, self._promote_due],
            *[self._heartbeat, self._pause, self._resume, self._purge, self._prune],
        ]

    def go_on(self) -> None:
        """Do one thing, which is one call of the store at most."""
        self._chance.choice(self._acts)()

    def _new(self) -> Submission:
        chance, later = self._chance, self._bench.now() + HOUR_MS
        spec = JobSpec(
            kind="demo.echo",
            payload=b'"%s"' % (b"x" * chance.choice((1, 30, 600))),
            queue=chance.choice(QUEUES),
            max_retries=chance.randint(0, 2),
            delivery=chance.choice(list(Delivery)),
            scheduled_for=chance.choice((None, None, later)),
        )
        key = chance.choice((None, f"key-{chance.randint(0, 30)}"))
        return Submission(self._bench.ids.make(), spec, key, "0" * 64)

    def _store(self, number: int, *, is_atomic: bool) -> None:
        batch = [self._new() for _ in range(number)]
        answers = self._bench.run(self._bench.producer.submit(batch, is_atomic=is_atomic))
        self._ids += [answer.job_id for answer in answers]

    def _submit(self) -> None:
        self._store(1, is_atomic=False)

    def _submit_together(self) -> None:
        self._store(self._chance.randint(2, 6), is_atomic=self._chance.random() < 0.5)

    def _claim(self) -> None:
        self._leases += self._bench.claim(self._chance.randint(1, 5), QUEUES).leases

    def _taken(self) -> list[Lease]:
        self._chance.shuffle(self._leases)
        return self._leases[: self._chance.randint(1, 3)]

    def _settle(self) -> None:
        taken = self._taken()
        self._leases = [lease for lease in self._leases if lease not in taken]
        settlements = [
            Settlement(
                job_id=lease.job.id,
                token=lease.token,
                outcome=self._chance.choice(list(OutcomeKind)),
                result=b'{"sent":1}',
                delay_ms=HOUR_MS,
            )
            for lease in taken
        ]
        self._bench.run(self._bench.consumer.settle(settlements))

    def _extend(self) -> None:
        self._bench.run(self._bench.consumer.extend([(it.job.id, it.token) for it in self._leases[:50]], LEASE_MS))

    def _steer(self) -> None:
        if not self._ids:
            return
        names = self._chance.sample(self._ids, min(4, len(self._ids)))
        operator, request_id = self._bench.operator, secrets.token_hex(8)
        calls = [
            operator.cancel(names, request_id, running=self._chance.random() < 0.5, by=BY),
            operator.retry(names, request_id, by=BY),
            operator.discard(names, request_id, by=BY),
            operator.promote(names, request_id, by=BY),
            operator.reprioritise(names, request_id, self._chance.choice(list(Priority)), by=BY),
            operator.move(names, request_id, self._chance.choice(QUEUES), by=BY),
        ]
        self._bench.run(self._chance.choice(calls))

    def _pass_time(self) -> None:
        self._bench.client.incrby(self._bench.keys.named("test_clock"), self._chance.choice((LEASE_MS, HOUR_MS)))

    def _reap(self) -> None:
        self._bench.run(self._bench.maintainer.reap())

    def _promote_due(self) -> None:
        self._bench.run(self._bench.maintainer.promote_due())

    def _heartbeat(self) -> None:
        worker = WorkerRecord(
            id="w1", host="h", pid=1, version="1", queues=QUEUES, kinds=(), concurrency=1, busy=0,
            started_at=0, memory_bytes=0, jobs=(),
        )  # fmt: skip
        self._bench.run(self._bench.consumer.heartbeat(worker))

    def _pause(self) -> None:
        self._bench.run(self._bench.operator.pause("mail", by=BY, reason=""))

    def _resume(self) -> None:
        self._bench.run(self._bench.operator.resume("mail", by=BY))

    def _purge(self) -> None:
        until_ms = self._bench.now() - self._chance.choice((0, HOUR_MS))
        self._bench.run(self._bench.operator.purge("mail", secrets.token_hex(8), until_ms, 0, by=BY))

    def _prune(self) -> None:
        self._bench.run(self._bench.maintainer.prune(Retention(max_jobs=20)))
