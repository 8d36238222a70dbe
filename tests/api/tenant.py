"""A tenant of a test's own: its keys, its jobs, and a client that speaks with its whole key unless told otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.access.actor import Actor, system_actor
from jobs.access.models import Namespace
from jobs.access.scopes import KEY_SCOPES, Scope
from jobs.domain.job import JobError
from jobs.domain.lease import Lease
from jobs.domain.outcome import OutcomeKind
from jobs.domain.status import Status
from jobs.services import keys
from tests.api.lane import NOTHING, Answer, Lane, Request
from tests.stores import Bench

# Looks like the id of a job and of an operation, and is that of neither.
NOBODYS_ID = "019a9c4e-7c1f-7d3a-9b1e-5f0c2a7d4e00"
# The queued job is the last to be made, so that no other way claims it.
ANY_STATUS = tuple(sorted(set(Status) - {Status.WAITING}, key=lambda status: (status is Status.QUEUED, status)))
# Of what a tenant can do: nothing over the installation.
ALL_SCOPES = tuple(sorted(scope.value for scope in KEY_SCOPES - {Scope.INSTALLATION}))


@dataclass
class Tenant:
    """One namespace, seen from inside (`bench`) and from outside (`ask`)."""

    lane: Lane
    bench: Bench
    keys: dict[tuple[str, ...], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        Namespace.objects.create(name=self.name)

    @property
    def name(self) -> str:
        """Return the namespace."""
        return self.bench.namespace

    @property
    def system(self) -> Actor:
        """Return the server itself, acting here."""
        return system_actor("test", self.name)

    def mint(self, *scopes: str, name: str = "ci") -> keys.MintedKey:
        """Return a new key."""
        return keys.mint(self.system, keys.KeyRequest(name=name, scopes=scopes or ALL_SCOPES))

    def key(self, *scopes: str) -> str:
        """Return the text of a key with just these scopes, all of them for none."""
        if scopes not in self.keys:
            self.keys[scopes] = self.mint(*scopes).text
        return self.keys[scopes]

    def request(self, method: str, target: str, body: object = NOTHING, **headers: str) -> Request:
        """Return a request with the whole key; a header `idempotency_key` is sent as `Idempotency-Key`."""
        named = {name.replace("_", "-").title(): value for name, value in headers.items()}
        return Request(method, target, body, {"Authorization": f"Bearer {self.key()}", **named})

    def ask(self, method: str, target: str, body: object = NOTHING, **headers: str) -> Answer:
        """Return the answer to such a request."""
        return self.lane.ask(self.request(method, target, body, **headers))

    def ask_as(self, key: str, method: str, target: str, body: object = NOTHING) -> Answer:
        """Return the answer to the request with another key."""
        return self.ask(method, target, body, authorization=f"Bearer {key}")

    def ask_anonymously(self, method: str, target: str, body: object = NOTHING, **headers: str) -> Answer:
        """Return the answer to the request without any credential."""
        request = self.request(method, target, body, **headers)
        bare = {name: value for name, value in request.headers.items() if name != "Authorization"}
        return self.lane.ask(replace(request, headers=bare))

    def submit(self, kind: str = "demo.echo", **fields: Any) -> str:
        """Submit a job that must be accepted and return its id."""
        answer = self.ask("POST", "/jobs", {"kind": kind, **fields})
        assert answer.status == 202, answer
        return str(answer.body["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        """Return a job that must be there."""
        answer = self.ask("GET", f"/jobs/{job_id}")
        assert answer.status == 200, answer
        return answer.body

    def job_in(self, status: Status) -> str:
        """Return a job that has come to be in that status."""
        ways: dict[Status, Callable[[], str]] = {
            Status.QUEUED: self.bench.submit,
            Status.SCHEDULED: lambda: self.bench.submit(scheduled_for=4_000_000_000_000),
            Status.RUNNING: lambda: self._claimed().job.id,
            Status.COMPLETED: lambda: self._settled(OutcomeKind.COMPLETED, result=b'{"sent":1}'),
            # It is retried long after the test.
            Status.FAILED: lambda: self._settled(
                OutcomeKind.FAILED, error=JobError("ValueError", "no"), delay_ms=3_600_000
            ),
            Status.DEAD_LETTER: self.bench.dead_letter,
            Status.CANCELLED: self._cancelled,
        }
        return ways[status]()

    def one_of_each(self) -> dict[Status, str]:
        """Return a job in each status."""
        return {status: self.job_in(status) for status in ANY_STATUS}

    def stored(self) -> dict[bytes, Any]:
        """Return every raw key of the tenant with its content, to tell whether anything changed.

        What only remembers the server's life is left out: any call may renew it.
        """
        client = self.bench.client
        found = list(client.scan_iter(f"ironforge:{{{self.name}/*", count=1_000))
        return {key: client.dump(key) for key in found if not key.endswith(b":store_life")}

    def _claimed(self) -> Lease:
        self.bench.submit()
        return self.bench.lease()

    def _settled(self, outcome: OutcomeKind, **more: object) -> str:
        lease = self._claimed()
        self.bench.settle(lease, outcome, **more)
        return lease.job.id

    def _cancelled(self) -> str:
        job_id = self.bench.submit()
        self.bench.run(self.bench.operator.cancel([job_id], "test", running=False, by="test"))
        return job_id


def in_a_month() -> str:
    """Return an instant that lies ahead on whichever day a test runs, as the API tells it."""
    return (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
