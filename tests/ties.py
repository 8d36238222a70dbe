"""Looks for locks of unique keys without a live holder, for jobs that expire unseen, and for ones kept too long."""

from __future__ import annotations

from typing import Any

import msgspec

from jobs.backends.redis.connection import Client
from jobs.backends.redis.keys import Keys

LIVING = {b"queued", b"scheduled", b"waiting", b"failed", b"running"}
NOT_STARTED = {b"queued", b"scheduled", b"waiting"}
ENDED = {b"completed", b"cancelled"}
EXPIRES_AT, UNIQUE, RETENTION_MS = 12, 13, 17


def wrong_ties(client: Client, keys: Keys, jobs: dict[str, dict[bytes, bytes]]) -> list[str]:
    """Return what is wrong, in words."""
    prefix = keys.named("unique_prefix")
    locks = {key[len(prefix.encode()) :]: client.get(key) for key in client.scan_iter(f"{prefix}*", count=1000)}
    listed = set(client.zrange(keys.named("unique_keys"), 0, -1))
    faults = [f"the unique key {key!r} stands in one place only" for key in listed ^ locks.keys()]
    for key, entry in locks.items():
        job = jobs.get(entry.partition(b" ")[0].decode(), {})
        unique = _place(job, UNIQUE) or [""]
        if job.get(b"status") not in LIVING or unique[0].encode() != key:
            faults.append(f"the unique key {key!r} is held by {entry!r}, which is {job.get(b'status')!r}")
        elif unique[1] == "started" and job[b"status"] not in NOT_STARTED:
            faults.append(f"{entry!r} has started and holds {key!r}")
    wanted = {
        job_id: at
        for job_id, job in jobs.items()
        if (at := _place(job, EXPIRES_AT)) and job[b"status"] in NOT_STARTED and b"attempt" not in job
    }
    found = {job_id.decode(): at for job_id, at in client.zrange(keys.named("expiring"), 0, -1, withscores=True)}
    faults += _wrongly_retained(client, keys, jobs)
    return faults + ([f"{sorted(found)} expire, not {sorted(wanted)}"] if found != wanted else [])


def _wrongly_retained(client: Client, keys: Keys, jobs: dict[str, dict[bytes, bytes]]) -> list[str]:
    wanted = {
        job_id: int(job[b"finished_at"]) + retention_ms
        for job_id, job in jobs.items()
        if job[b"status"] in ENDED and isinstance(retention_ms := _place(job, RETENTION_MS), int)
    }
    found = {job_id.decode(): at for job_id, at in client.zrange(keys.named("retained"), 0, -1, withscores=True)}
    return [f"{found} are kept by a time of their own, not {wanted}"] if found != wanted else []


def _place(job: dict[bytes, bytes], place: int) -> Any:
    spec = msgspec.msgpack.decode(job[b"spec"]) if b"spec" in job else []
    return spec[place] if len(spec) > place else None
