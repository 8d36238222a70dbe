"""A busy shop's traffic, written into a store through the worker protocol, as if an hour had passed.

The store's clock of the namespace is put back by the length of the history and moved on minute by minute, so that the
charts, the ages and the lists look as after that time. No worker may run meanwhile.
"""

from __future__ import annotations

import math
import random
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from jobs.domain.error_group import ErrorTally
from jobs.domain.job import JobError, JobSpec
from jobs.domain.lease import Lease
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.priority import Priority
from jobs.domain.queue import WorkerRecord
from jobs.domain.status import Status
from tests.browser.shared_bench import SharedBench

MINUTE_MS = 60_000
LONG_LEASE_MS = 3_600_000
LONGEST_BATCH = 200

TRACEBACK = """Traceback (most recent call last):
  File "/srv/shop/.venv/lib/python3.12/site-packages/ironforge/workers/execution.py", line 88, in run
    result = await handler(context, payload)
  File "/srv/shop/billing/handlers.py", line 41, in charge
    receipt = gateway.charge(invoice.customer, invoice.total)
  File "/srv/shop/billing/gateway.py", line 17, in charge
    raise CardDeclined(answer["reason"])
billing.gateway.CardDeclined: insufficient_funds
"""


@dataclass(frozen=True)
class Kind:
    """What the shop does: where, how urgent, how many a minute, how long, and how one in `odds` of them fails."""

    name: str
    queue: str
    priority: Priority
    per_minute: float
    duration_ms: int
    odds: float
    error: JobError
    payload: dict[str, object]


KINDS = (
    Kind("email.send", "mail", Priority.HIGH, 42, 180, 0.010,
         JobError("smtplib.SMTPServerDisconnected", "Connection unexpectedly closed: timed out"),
         {"to": "ada@example.com", "template": "order_confirmed", "order": 84121}),
    Kind("invoice.charge", "billing", Priority.CRITICAL, 14, 640, 0.035,
         JobError("billing.gateway.CardDeclined", "insufficient_funds", TRACEBACK),
         {"invoice": "INV-20418", "customer": {"id": 5521, "card_number": "4111111111111111"}, "total_cents": 12990}),
    Kind("image.resize", "media", Priority.MEDIUM, 26, 420, 0.006,
         JobError("PIL.UnidentifiedImageError", "cannot identify image file 'uploads/8c1f/front.heic'"),
         {"source": "s3://uploads/8c1f/front.jpg", "sizes": [320, 640, 1280], "format": "webp"}),
    Kind("webhook.deliver", "webhooks", Priority.MEDIUM, 18, 260, 0.050,
         JobError("httpx.ConnectTimeout", "https://hooks.partner.example/orders did not answer within 5 s"),
         {"url": "https://hooks.partner.example/orders", "event": "order.paid", "authorization": "Bearer 1f0c"}),
    Kind("search.reindex", "search", Priority.LOW, 9, 1400, 0.004,
         JobError("opensearchpy.ConflictError", "version_conflict_engine_exception: [products][77120]"),
         {"index": "products", "ids": [77120, 77121, 77122]}),
)  # fmt: skip

# How many jobs stay ready at the end: priority by queue.
BACKLOG = {
    "mail": {Priority.CRITICAL: 6, Priority.HIGH: 88, Priority.MEDIUM: 41},
    "billing": {Priority.CRITICAL: 12, Priority.HIGH: 5},
    "media": {Priority.MEDIUM: 210, Priority.LOW: 64},
    "webhooks": {Priority.HIGH: 9, Priority.MEDIUM: 31, Priority.LOW: 4},
    "search": {Priority.LOW: 118},
    "reports": {Priority.MEDIUM: 3, Priority.LOW: 19},
}
VERSIONS = ("2.4.1", "2.5.0")
HOSTS = (("worker-eu-1", 4112), ("worker-eu-2", 3987), ("worker-us-1", 20114))


class Traffic:
    """Plays the history of one namespace; nothing real may work on its queues meanwhile."""

    def __init__(self, data_dir: Path, minutes: int, namespace: str = "default", seed: int = 7) -> None:
        self.bench = SharedBench(data_dir, namespace, is_checked=False)
        self.minutes = minutes
        self.chance = random.Random(seed)
        self.errors = ErrorTally()
        self.version = VERSIONS[0]
        self.life = secrets.token_hex(4)
        self.now_ms = int(time.time() * 1000)

    def play(self) -> None:
        """Write the whole history and what is going on at its end."""
        began, behind_ms, minute = time.monotonic(), 0, 0
        # A busy machine needs a while for each minute: counted in, or a minute of the charts would stay empty. The
        # history is longer by what all of it took.
        while (wanted_ms := (self.minutes - minute) * MINUTE_MS + round((time.monotonic() - began) * 1000)) >= 0:
            self.bench.advance(behind_ms - wanted_ms)
            behind_ms = wanted_ms
            self._minute(minute)
            minute += 1
        self.bench.advance(behind_ms)
        self._present()

    def _minute(self, minute: int) -> None:
        wave = 1 + 0.35 * math.sin(minute / 6) + 0.25 * self.chance.random()
        burst = 3.0 if self.minutes - 8 <= minute <= self.minutes - 6 else 1.0
        specs = [
            self._spec(kind)
            for kind in KINDS
            for _ in range(round(kind.per_minute * wave * (burst if kind.queue == "webhooks" else 1)))
        ]
        self.chance.shuffle(specs)
        self._submit(specs)
        self.version = VERSIONS[min(minute * len(VERSIONS) // self.minutes, len(VERSIONS) - 1)]
        self._work(tuple(kind.queue for kind in KINDS), burst)
        self._blame()

    def _blame(self) -> None:
        groups = self.bench.backend.error_groups(self.bench.namespace)
        if blames := self.errors.take():
            self.bench.run(groups.blame(blames))

    def _spec(self, kind: Kind, **more: object) -> JobSpec:
        number = self.chance.randrange(10_000, 99_999)
        fields: dict[str, object] = {
            "kind": kind.name,
            "queue": kind.queue,
            "priority": kind.priority,
            "payload": msgspec.json.encode({**kind.payload, "request": f"req-{number}"}),
            "metadata": {"region": self.chance.choice(("eu-1", "us-1")), "customer": str(number % 700)},
            "max_retries": 3,
        }
        return JobSpec(**(fields | more))  # type: ignore[arg-type]

    def _submit(self, specs: list[JobSpec]) -> None:
        for start in range(0, len(specs), LONGEST_BATCH):
            self.bench.submit_all(specs[start : start + LONGEST_BATCH])

    def _work(self, queues: tuple[str, ...], burst: float) -> None:
        while leases := self._claim(queues, LONGEST_BATCH):
            self.bench.run(self.bench.consumer.settle([self._outcome(lease, burst) for lease in leases]))

    def _claim(self, queues: tuple[str, ...], limit: int) -> tuple[Lease, ...]:
        host, pid = self.chance.choice(HOSTS)
        self.bench.seq += 1
        claim = self.bench.consumer.claim(
            queues, f"{host}-{pid}-{self.life}", seq=self.bench.seq, token=secrets.token_hex(16), limit=limit,
            lease_ms=LONG_LEASE_MS,
        )  # fmt: skip
        return self.bench.run(claim).leases

    def _outcome(self, lease: Lease, burst: float) -> Settlement:
        kind = next(kind for kind in KINDS if kind.name == lease.job.kind)
        duration_ms = round(kind.duration_ms * (0.5 + self.chance.random() ** 2 * 3))
        odds = kind.odds * (burst * 3 if kind.queue == "webhooks" and burst > 1 else 1)
        # Who failed before is likely to fail again: that is how jobs die.
        if self.chance.random() < (odds if lease.attempt == 1 else 0.55):
            return self._failure(lease, kind, duration_ms)
        result = msgspec.json.encode({"ok": True, "took_ms": duration_ms})
        return Settlement(job_id=lease.job.id, token=lease.token, outcome=OutcomeKind.COMPLETED, result=result,
                          duration_ms=duration_ms)  # fmt: skip

    def _failure(self, lease: Lease, kind: Kind, duration_ms: int) -> Settlement:
        status = Status.FAILED if lease.job.retry_count < lease.job.max_retries else Status.DEAD_LETTER
        self.errors.note(kind.name, lease.job.id, kind.error, status, self.version)
        return Settlement(
            job_id=lease.job.id,
            token=lease.token,
            outcome=OutcomeKind.FAILED,
            error=kind.error,
            delay_ms=4 * MINUTE_MS if duration_ms == 5_000 else None,
            duration_ms=duration_ms,
        )

    def _present(self) -> None:
        """Leave jobs running, ready and scheduled, a queue paused, and workers alive."""
        kinds = {kind.queue: kind for kind in KINDS}
        reports = Kind("report.build", "reports", Priority.LOW, 0, 9000, 0, JobError("-"), {"month": "2026-10"})
        for queue, amounts in BACKLOG.items():
            kind = kinds.get(queue, reports)
            specs = [self._spec(kind, priority=priority) for priority, n in amounts.items() for _ in range(n)]
            self._submit(specs)
        for queue, running in (("mail", 9), ("billing", 4), ("media", 11), ("webhooks", 3), ("search", 2)):
            self._claim((queue,), running)
        for lease in self._claim(("webhooks",), 7):
            self.bench.run(self.bench.consumer.settle([self._failure(lease, kinds["webhooks"], 5_000)]))
        later = [self.now_ms + self.chance.randrange(MINUTE_MS, 90 * MINUTE_MS) for _ in range(37)]
        self._submit([self._spec(reports, scheduled_for=at) for at in later])
        reason = "Warehouse export runs until noon, see OPS-311"
        self.bench.run(self.bench.operator.pause("reports", by="grace", reason=reason))
        self._blame()
        self.report_workers()

    def report_workers(self, ahead_ms: int = 0) -> None:
        """Tell of living workers; they are silent after 10 s, so tell it again for a picture, or ahead of time."""
        self.bench.advance(ahead_ms)
        queues = tuple(kind.queue for kind in KINDS)
        for number, (host, pid) in enumerate(HOSTS):
            record = WorkerRecord(
                id=f"{host}-{pid}-{self.life}", host=host, pid=pid, version="0.1.0", queues=(*queues, "reports"),
                kinds=tuple(kind.name for kind in KINDS), concurrency=20, busy=(11, 12, 6)[number],
                started_at=self.now_ms - (3 + number) * 3_600_000, memory_bytes=(46 + number * 2) * 1024 * 1024,
                app_version=VERSIONS[number > 0],
            )  # fmt: skip
            self.bench.run(self.bench.consumer.heartbeat(record))
        self.bench.advance(-ahead_ms)

    def close(self) -> None:
        """Leave everything as it is and let go of the store."""
        self.bench.client.close()
