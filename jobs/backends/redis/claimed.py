"""Reads what claim.lua answers: one msgpack text for all, since a worker does this for every job."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from jobs.backends.redis.spec import decode_spec
from jobs.domain.job import Job
from jobs.domain.lease import Claim, Lease
from jobs.domain.status import Status

_copy = msgspec.structs.replace
_FALSE = msgspec.Raw(b"\xc2")


class _Leased(msgspec.Struct, array_like=True):
    """What `fields_of` reads, then MORE_FIELDS of include/claimed.lua; a test compares. False: not stored.

    The id stands in place of the status. Spec and payload are bytes to Lua, which calls them text; they need not be
    UTF-8.
    """

    job_id: str
    spec: msgspec.Raw
    payload: msgspec.Raw
    ready_at: str | bool
    attempt: int
    created: str | bool
    scheduled_for: str | bool = False
    retry_count: str | bool = False
    lost_leases: str | bool = False
    checkpoint: msgspec.Raw = _FALSE
    expires_at: int = 0  # of its own: a claim that is repeated finds leases that were extended


class _Claimed(msgspec.Struct, array_like=True):
    now: int
    next_due_at: int
    expires_at: int
    leased: list[_Leased] | bool
    token: str  # of the claim: an earlier one's where that is told again
    parents: list[msgspec.Raw] | bool = False


CLAIM_FIELDS = ("status", *_Leased.__struct_fields__[1:-1])
_decoder = msgspec.msgpack.Decoder(_Claimed)


def decode_claim(namespace: str, packed: bytes) -> Claim:
    """Return what a claim brought. Raises msgspec.MsgspecError for what claim.lua never writes."""
    claimed = _decoder.decode(packed)
    leased = claimed.leased if isinstance(claimed.leased, list) else []
    parents = _parents_of(claimed.parents)
    leases = [
        # The end of its id makes each job's token of the claim's, as in `token_of`.
        Lease(
            _job_of(each, namespace),
            f"{claimed.token}-{each.job_id[-12:]}",
            each.attempt,
            each.expires_at or claimed.expires_at,
            None if each.checkpoint == _FALSE else _bytes_of(each.checkpoint),
            parents.get(place),
        )
        for place, each in enumerate(leased, 1)
    ]
    return Claim(tuple(leases), claimed.now, claimed.next_due_at or None)


def _job_of(leased: _Leased, namespace: str) -> Job:
    model = _model(_bytes_of(leased.spec), namespace)
    # Microseconds.
    ready_at = int(leased.ready_at) // 1000 if leased.ready_at else None
    return _copy(
        model,
        id=leased.job_id,
        metadata={**model.metadata},
        retry_count=int(leased.retry_count),
        # A job that was ready at once keeps one moment for both.
        created_at=int(leased.created) if leased.created else ready_at or 0,
        scheduled_for=int(leased.scheduled_for) if leased.scheduled_for else None,
        ready_at=ready_at,
        payload=_bytes_of(leased.payload),
        attempt=leased.attempt,
        lost_leases=int(leased.lost_leases),
    )


@lru_cache(maxsize=512)
def _model(packed_spec: bytes, namespace: str) -> Job:
    """Return a running job of this spec, for copies with what is a job's own: jobs that are alike come in rows."""
    given = decode_spec(packed_spec).given()
    return Job(id="", namespace=namespace, **given, status=Status.RUNNING, retry_count=0, created_at=0)


def _parents_of(flat: list[msgspec.Raw] | bool) -> dict[int, bytes]:
    """Return what steps are told of their parents, by the place of the lease from 1."""
    if not isinstance(flat, list):
        return {}
    return {msgspec.msgpack.decode(flat[at], type=int): _bytes_of(flat[at + 1]) for at in range(0, len(flat), 2)}


def _bytes_of(raw: msgspec.Raw) -> bytes:
    """Return the bytes of a msgpack string, whatever its length is written with."""
    packed = bytes(raw)
    return packed[_HEAD_BYTES.get(packed[0], 1) :]


# str 8, str 16, str 32; a shorter one has its length in its first byte.
_HEAD_BYTES = {0xD9: 2, 0xDA: 3, 0xDB: 5}
