"""A worker that speaks HTTP, as a tenant's program in any language would."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.api.lane import Answer, Body, Lane
from tests.api.tenant import NOBODYS_ID, Tenant

LONG_MS = 20_000
_HELD: Body = {"job_id": NOBODYS_ID, "lease_token": "0" * 32 + "-" + "0" * 12}
# What the data plane alone serves, and bodies that name nothing of anybody's.
PROTOCOL: dict[tuple[str, str], object] = {
    ("workers", "POST"): {"queues": ["main"]},
    ("worker", "DELETE"): b"",
    ("worker-heartbeat", "POST"): {},
    ("leases", "POST"): {"worker_id": "nobody", "queues": ["main"]},
    ("leases-extend", "POST"): {"leases": [_HELD]},
    ("leases-settle", "POST"): {"settlements": [{**_HELD, "outcome": "released"}]},
    ("leases-report", "POST"): {"reports": [_HELD]},
}


def is_served(row: tuple[str, str], lane: Lane) -> bool:
    """Tell whether a way in serves a method of a route."""
    return row not in PROTOCOL or lane.name != "control-plane"


@dataclass
class RemoteWorker:
    """One life of a worker of a tenant."""

    tenant: Tenant
    queues: tuple[str, ...] = ("main",)
    id: str = field(init=False)

    def __post_init__(self) -> None:
        answer = self.tenant.ask("POST", "/workers", {"name": "remote", "language": "node", "queues": self.queues})
        assert answer.status == 201, answer
        self.id = answer.body["worker_id"]

    def order(self, **more: Any) -> Body:
        """Return the body of a claim."""
        return {"worker_id": self.id, "queues": list(self.queues), "max_jobs": 10, **more}

    def claim(self, **more: Any) -> list[Body]:
        """Return the leases that a claim brings."""
        answer = self.tenant.ask("POST", "/leases", self.order(**more))
        assert answer.status == 200, answer
        leases: list[Body] = answer.body["leases"]
        return leases

    def one(self, **fields: Any) -> Body:
        """Submit a job and return its lease."""
        job_id = self.tenant.submit(**fields)
        (lease,) = self.claim()
        assert lease["job_id"] == job_id
        return lease

    def settle(self, lease: Body, outcome: str = "completed", **more: Any) -> Body:
        """Return what becomes of one settlement."""
        answer = self.ask_settle([{**held(lease), "outcome": outcome, **more}])
        assert answer.status == 200, answer
        (result,) = answer.body["results"]
        return dict(result)

    def ask_settle(self, settlements: list[Body]) -> Answer:
        """Return the answer to settlements."""
        return self.tenant.ask("POST", "/leases/settle", {"settlements": settlements})

    def beat(self, **more: Any) -> Answer:
        """Return the answer to a heartbeat."""
        return self.tenant.ask("POST", f"/workers/{self.id}/heartbeat", more)


def held(lease: Body) -> Body:
    """Return what names a lease."""
    return {"job_id": lease["job_id"], "lease_token": lease["lease_token"]}
