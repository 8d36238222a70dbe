"""Builds the calls about unique keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jobs.backends.base import MAX_BATCH
from jobs.backends.call import Call, spread
from jobs.backends.redis.codec import text_of
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.script_call import script_call
from jobs.backends.redis.spec import decode_spec
from jobs.domain.shard import shard_of_key
from jobs.domain.status import Status
from jobs.domain.unique import Lock, LockPlace, Until


class RedisUniques:
    """The names follow `jobs.backends.uniques.Uniques`."""

    def __init__(self, shards: Sequence[Keys]) -> None:
        self._shards = shards

    def list_locks(self, after: LockPlace | None, limit: int) -> Call[list[Lock]]:
        """Return a stretch of the keys of all shards."""
        limit = min(limit, MAX_BATCH)
        place = ("", "") if after is None else (after.taken_at, after.key)
        steps = [script_call("locks", keys, (*place, limit), _read) for keys in self._shards]

        def merge(answers: Sequence[list[Lock]]) -> list[Lock]:
            found = sorted((lock for answer in answers for lock in answer), key=_order, reverse=True)
            return found[:limit]

        return steps[0] if len(steps) == 1 else spread(steps, merge)

    def find(self, key: str) -> Call[Lock | None]:
        """Return who holds a key; None for nobody."""

        def first(reply: Sequence[Sequence[bytes]]) -> Lock | None:
            return next(_locks(reply), None)

        return script_call("lock", self._keys_of(key), (key,), first)

    def release(self, key: str, holder: str) -> Call[bool]:
        """Take a key from its holder."""
        return script_call("unlock", self._keys_of(key), (key, holder), bool)

    def _keys_of(self, key: str) -> Keys:
        return self._shards[shard_of_key(key, len(self._shards))]


def _order(lock: Lock) -> tuple[int, bytes]:
    return lock.taken_at, lock.key.encode()


def _read(reply: Sequence[Sequence[bytes]]) -> list[Lock]:
    return list(_locks(reply))


def _locks(reply: Sequence[Sequence[bytes]]) -> Iterator[Lock]:
    for key, taken_at, entry, status, packed in reply:
        job_id, _, ends_at = text_of(entry).partition(" ")
        spec = decode_spec(packed)
        # A key without a job that can be read is the reconciler's.
        if job_id and status in _STATUSES:
            yield Lock(
                key=text_of(key),
                job_id=job_id,
                kind=spec.kind,
                queue=spec.queue,
                status=_STATUSES[status],
                until=Until.STARTED if spec.debounce else spec.unique.until if spec.unique else Until.FINISHED,
                is_debounced=spec.debounce is not None,
                taken_at=int(float(taken_at)),
                ends_at=int(ends_at) if ends_at.isdigit() and ends_at != "0" else None,
            )


_STATUSES = {status.value.encode(): status for status in Status}
