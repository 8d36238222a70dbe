"""Reads what claim.lua answers: one msgpack text for all leases, since a worker does this for every job."""

from __future__ import annotations

import msgspec

from jobs.backends.redis.spec import decode_spec
from jobs.domain.job import Job
from jobs.domain.lease import Lease
from jobs.domain.status import Status


class _Values(msgspec.Struct, array_like=True):
    """A job's fields in the order of FIELDS in claim.lua, which a test compares; False where a field is not stored.

    Spec and payload are bytes to Lua, which calls them text; they need not be UTF-8.
    """

    status: str
    spec: msgspec.Raw
    payload: msgspec.Raw
    created: str
    ready_at: str | bool
    attempt: str | bool
    scheduled_for: str | bool
    retry_count: str | bool
    lost_leases: str | bool


class _Leased(msgspec.Struct, array_like=True):
    job_id: str
    token: str
    attempt: int
    expires_at: int
    values: _Values


CLAIM_FIELDS = _Values.__struct_fields__
_decoder = msgspec.msgpack.Decoder(list[_Leased])


def decode_leases(packed: bytes, namespace: str) -> tuple[Lease, ...]:
    """Return the leases that a claim brought. Raises msgspec.MsgspecError for what claim.lua never writes."""
    # An empty table is an empty map to cmsgpack.
    leased = _decoder.decode(packed) if packed != b"\x80" else []
    return tuple(Lease(_job_of(each, namespace), each.token, each.attempt, each.expires_at) for each in leased)


def _job_of(leased: _Leased, namespace: str) -> Job:
    values = leased.values
    spec = decode_spec(_bytes_of(values.spec))
    return Job(
        id=leased.job_id,
        namespace=namespace,
        kind=spec.kind,
        queue=spec.queue,
        priority=spec.priority,
        status=Status.RUNNING,
        max_retries=spec.max_retries,
        retry_count=int(values.retry_count),
        timeout_ms=spec.timeout_ms,
        delivery=spec.delivery,
        backoff=spec.backoff,
        metadata=spec.metadata(),
        created_at=int(values.created),
        scheduled_for=int(float(values.scheduled_for)) if values.scheduled_for else None,
        # Microseconds, which Lua writes with an exponent now and then.
        ready_at=int(float(values.ready_at)) // 1000 if values.ready_at else None,
        payload=_bytes_of(values.payload),
        attempt=leased.attempt,
        lost_leases=int(values.lost_leases),
    )


def _bytes_of(raw: msgspec.Raw) -> bytes:
    """Return the bytes of a msgpack string, whatever its length is written with."""
    packed = bytes(raw)
    return packed[_HEAD_BYTES.get(packed[0], 1) :]


# str 8, str 16, str 32; a shorter one has its length in its first byte.
_HEAD_BYTES = {0xD9: 2, 0xDA: 3, 0xDB: 5}
