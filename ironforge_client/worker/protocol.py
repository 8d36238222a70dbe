"""The worker protocol over HTTP: each request once, as an act, and what its answer says."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ironforge_client.exchange import JSON_TYPE, Act, Request, Retrying, encode, exchange
from ironforge_client.jobs import Job, read_job, read_time
from ironforge_client.version import __version__

# How many leases, settlements or reports one request may name.
MAX_BATCH = 200
MAX_VERSION = 64
# How long one claim may wait for a job.
LONGEST_CLAIM_MS = 20_000

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Options:
    """What a worker says of itself, and how it works; `lease_ms` is 1 000–300 000, `concurrency` 1–200."""

    queues: tuple[str, ...]
    concurrency: int
    lease_ms: int
    grace_s: float
    name: str
    app_version: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.concurrency <= MAX_BATCH:
            raise ValueError(f"concurrency is 1–{MAX_BATCH}, not {self.concurrency}; start several workers for more")
        if not 1_000 <= self.lease_ms <= 300_000:
            raise ValueError(f"lease_ms is 1000–300000, not {self.lease_ms}")
        if len(self.app_version) > MAX_VERSION:
            raise ValueError(f"app_version has at most {MAX_VERSION} characters")
        if not self.queues:
            raise ValueError("a worker needs at least one queue")

    @property
    def margin_s(self) -> float:
        """Return by how much earlier than the server the worker takes a lease for over."""
        return self.lease_ms / 1000 * 0.1


@dataclass(frozen=True, slots=True)
class Registered:
    """A life of a worker, under the id that the server gave it; a heartbeat is due every `heartbeat_s`."""

    worker_id: str
    heartbeat_s: float


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to one attempt at a job, good for `remaining_s` seconds when the server answered."""

    job: Job
    token: str
    attempt: int
    remaining_s: float
    checkpoint: Any
    parents: Mapping[str, Any]

    def key(self) -> Document:
        """Return what names the lease in requests."""
        return {"job_id": self.job.id, "lease_token": self.token}


@dataclass(frozen=True, slots=True)
class Orders:
    """The answer to a heartbeat: `order` is run, quiet or terminate; the rest are ids of jobs."""

    order: str
    extended: frozenset[str]
    lost: frozenset[str]
    cancel_requested: frozenset[str]


def register(options: Options, kinds: Sequence[str], retrying: Retrying) -> Act[Registered]:
    """Begin a life."""
    body = {
        "name": options.name,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "version": __version__,
        "language": "python",
        "queues": options.queues,
        "kinds": kinds,
        "concurrency": options.concurrency,
        **_told_version(options.app_version),
    }
    answer = yield from exchange(_request("POST", "/workers", body), retrying)
    return answer.read(_read_registered)


def heartbeat(
    worker_id: str, status: str, leases: Sequence[Lease], options: Options, retrying: Retrying
) -> Act[Orders]:
    """Say that the worker lives, and extend its leases."""
    body = {
        "status": status,
        "busy": len(leases),
        "leases": [lease.key() for lease in leases],
        "lease_ms": options.lease_ms,
    }
    answer = yield from exchange(_request("POST", f"/workers/{quote(worker_id, safe='')}/heartbeat", body), retrying)
    return answer.read(_read_orders)


def farewell(worker_id: str, leases: Sequence[Lease], retrying: Retrying) -> Act[None]:
    """End a life; jobs that are still held are given back."""
    body = {"leases": [lease.key() for lease in leases]}
    yield from exchange(_request("DELETE", f"/workers/{quote(worker_id, safe='')}", body), retrying)


def claim(
    worker_id: str, claim_id: str, max_jobs: int, options: Options, *, wait_ms: int, retrying: Retrying
) -> Act[tuple[Lease, ...]]:
    """Take jobs; the same `claim_id` again gets the same ones."""
    body = {
        "worker_id": worker_id,
        "queues": options.queues,
        "max_jobs": max_jobs,
        "wait_ms": wait_ms,
        "lease_ms": options.lease_ms,
        "claim_id": claim_id,
    }
    answer = yield from exchange(_request("POST", "/leases", body, held_s=wait_ms / 1000), retrying)
    return answer.read(_read_leases)


def settle(settlements: Sequence[Document], retrying: Retrying, app_version: str = "") -> Act[list[Document]]:
    """Tell how attempts ended; answers an entry for each. Safe to repeat: the token tells."""
    body = {"settlements": settlements, **_told_version(app_version)}
    answer = yield from exchange(_request("POST", "/leases/settle", body), retrying)
    return answer.read(lambda document: _read_results(document, len(settlements)))


def report(reports: Sequence[Document], retrying: Retrying) -> Act[list[Document]]:
    """Tell what attempts say of themselves; answers an entry for each."""
    answer = yield from exchange(_request("POST", "/leases/report", {"reports": reports}), retrying)
    return answer.read(lambda document: _read_results(document, len(reports)))


def _told_version(version: str) -> dict[str, str]:
    return {"app_version": version} if version else {}


def _read_registered(document: Any) -> Registered:
    worker_id, heartbeat_s = document["worker_id"], document["heartbeat_ms"] / 1000
    if not isinstance(worker_id, str) or not heartbeat_s > 0:
        raise ValueError("no worker")
    return Registered(worker_id, heartbeat_s)


def _read_orders(document: Any) -> Orders:
    named = [document[name] for name in ("extended", "lost", "cancel_requested")]
    if not isinstance(document["order"], str) or not all(isinstance(ids, list) for ids in named):
        raise TypeError("no orders")
    return Orders(document["order"], *(frozenset(ids) for ids in named))


def _read_leases(document: Any) -> tuple[Lease, ...]:
    now = read_time(document["server_time"])
    return tuple(
        Lease(
            job=read_job(found["job"]),
            token=found["lease_token"],
            attempt=found["attempt"],
            # Both are of the server's clock, so this machine's may say what it likes.
            remaining_s=(read_time(found["expires_at"]) - now).total_seconds(),
            checkpoint=found.get("checkpoint"),
            parents=found.get("parents") or {},
        )
        for found in document["leases"]
    )


def _read_results(document: Any, count: int) -> list[Document]:
    results = document["results"]
    if len(results) != count or not all(isinstance(result, dict) for result in results):
        raise ValueError("not an entry for each")
    return list(results)


def _request(method: str, path: str, body: Mapping[str, object], *, held_s: float = 0.0) -> Request:
    headers = {"Content-Type": JSON_TYPE}
    return Request(method, path, body=encode(body), headers=headers, is_repeatable=True, held_s=held_s)
