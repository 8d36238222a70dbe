"""Unique keys that are held: listed, and taken from their holders."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import msgspec

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.domain.errors import InvalidInput, NotFound, Problem
from jobs.domain.unique import Lock, LockPlace
from jobs.services.acts import record_act, require_audit_log
from jobs.services.job_reading import canonical_id

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
# A key of 200 characters of four bytes each, in JSON and base64.
MAX_CURSOR = 2_000


@dataclass(frozen=True, slots=True)
class LockPage:
    """Locks, those taken last first, and the cursor of the next page; None: there is none."""

    locks: tuple[Lock, ...]
    next: str | None


def list_locks(actor: Actor, cursor: str | None = None, limit: int = DEFAULT_LIMIT) -> LockPage:
    """Return a page of the keys that are held. Raises NotPermitted, or InvalidInput `invalid_cursor`."""
    policy.authorize(actor, Action.UNIQUE_READ)
    limit = min(limit, MAX_LIMIT)
    locks = wiring.runner().run(wiring.backend().uniques(actor.namespace).list_locks(_read_cursor(cursor), limit))
    more = _cursor_of(locks[-1]) if len(locks) == limit else None
    return LockPage(tuple(locks), more)


def release_lock(actor: Actor, key: str, *, reason: str = "") -> Lock:
    """Take a key from its holder, which goes on without it; return the lock as it was.

    Raises NotPermitted, or NotFound for a key that nobody holds.
    """
    policy.authorize(actor, Action.UNIQUE_RELEASE)
    require_audit_log()
    uniques = wiring.backend().uniques(actor.namespace)
    lock = wiring.runner().run(uniques.find(key))
    return _release(actor, lock, reason)


def release_lock_of(actor: Actor, job_id: str) -> Lock:
    """Take its key from a job. Raises NotPermitted, or NotFound for a job that holds none."""
    policy.authorize(actor, Action.UNIQUE_RELEASE)
    require_audit_log()
    job = wiring.runner().run(wiring.backend().inspector(actor.namespace).get(canonical_id(job_id)))
    tied = None if job is None else job.unique or job.debounce
    lock = None if tied is None else wiring.runner().run(wiring.backend().uniques(actor.namespace).find(tied.key))
    return _release(actor, lock if lock is not None and lock.job_id == canonical_id(job_id) else None, "")


def _release(actor: Actor, lock: Lock | None, reason: str) -> Lock:
    uniques = wiring.backend().uniques(actor.namespace)
    if lock is None or not wiring.runner().run(uniques.release(lock.key, lock.job_id)):
        raise NotFound("Nobody holds this key.")
    record_act(actor, Action.UNIQUE_RELEASE, "unique", lock.key, reason=reason, before={"job_id": lock.job_id})
    return lock


def _cursor_of(lock: Lock) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([lock.taken_at, lock.key])).rstrip(b"=").decode()


def _read_cursor(cursor: str | None) -> LockPlace | None:
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True)
        return LockPlace(*msgspec.json.decode(text, type=tuple[int, str]))
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        problem = Problem("?cursor", "invalid_cursor", "The cursor is not one of this list.")
        raise InvalidInput([problem]) from None
