"""Turns an API key into an Actor. Every refusal is the same error after the same work.

A key that passed is remembered, and looked up again at most a second after its last look-up: a revocation takes
effect within that second, and the database is not asked on each request. While the database is down, keys that were
known go on working.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hmac import compare_digest

from django.db import Error as DatabaseFailure
from django.db.models import Q
from django.utils import timezone

from jobs.access.actor import Actor, ActorKind
from jobs.access.key_text import hash_key, prefix_of
from jobs.access.models import ApiKey
from jobs.access.scopes import KEY_SCOPES
from jobs.domain.errors import BackendUnavailable, NotAuthenticated

_RECHECK_S = 1.0
# A lane that looks up off its event loop may go on with a key for this long; a revocation takes effect within 2 s.
_TRUSTED_S = 1.9
_CAPACITY = 10_000
_LAST_USED_STEP = timedelta(minutes=1)

# Looked up and compared in place of what is not there, so that a refusal costs the same whatever its reason.
_NO_PREFIX = "-"
_NO_HASH = hash_key("")


@dataclass(frozen=True, slots=True)
class _Remembered:
    """A key that passed: whose it is, when it ends, and when that was last looked up (monotonic seconds)."""

    actor: Actor
    expires_at: datetime | None
    checked_at: float

    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()


class Authenticator:
    """Knows the keys that this process has seen. Safe to use from several threads."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic, capacity: int = _CAPACITY) -> None:
        self._monotonic = monotonic
        self._capacity = capacity
        self._lock = threading.Lock()
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()

    def authenticate(self, text: str) -> Actor:
        """Return whose key this is. Raises NotAuthenticated, or BackendUnavailable while the database is down."""
        digest = hash_key(text)
        now = self._monotonic()
        known = self._recall(digest)
        if known is not None and now - known.checked_at < _RECHECK_S and not known.has_expired():
            return known.actor
        try:
            found = _look_up(text, digest)
        except DatabaseFailure as failure:
            if known is None or known.has_expired():
                raise BackendUnavailable("Keys cannot be checked now.", code="database_unavailable") from failure
            self._remember(digest, replace(known, checked_at=now))
            return known.actor
        if found is None:
            self._forget(digest)
            raise NotAuthenticated("The API key is not valid.")
        actor = _actor_of(found)
        self._remember(digest, _Remembered(actor, found.expires_at, now))
        return actor

    def known(self, text: str) -> tuple[Actor, bool] | None:
        """Return whose key this is by memory alone and whether it is due to be looked up again; None: look it up."""
        known = self._recall(hash_key(text))
        if known is None or known.has_expired():
            return None
        age_s = self._monotonic() - known.checked_at
        return (known.actor, age_s >= _RECHECK_S) if age_s < _TRUSTED_S else None

    def forget_all(self) -> None:
        """Look every key up again at its next use."""
        with self._lock:
            self._remembered.clear()

    def _recall(self, digest: str) -> _Remembered | None:
        with self._lock:
            known = self._remembered.get(digest)
            if known is not None:
                self._remembered.move_to_end(digest)
            return known

    def _remember(self, digest: str, entry: _Remembered) -> None:
        with self._lock:
            self._remembered[digest] = entry
            self._remembered.move_to_end(digest)
            while len(self._remembered) > self._capacity:
                self._remembered.popitem(last=False)

    def _forget(self, digest: str) -> None:
        with self._lock:
            self._remembered.pop(digest, None)


_authenticator = Authenticator()


def authenticate_key(text: str) -> Actor:
    """Return whose key this is, by the memory of this process. Raises NotAuthenticated or BackendUnavailable."""
    return _authenticator.authenticate(text)


def known_key(text: str) -> tuple[Actor, bool] | None:
    """Return whose key this is by the memory of this process, and whether to look it up again; None: unknown."""
    return _authenticator.known(text)


def forget_keys() -> None:
    """Look every key up again at its next use, in this process."""
    _authenticator.forget_all()


def _look_up(text: str, digest: str) -> ApiKey | None:
    """Return the row of a key that may be used now, else None."""
    row = ApiKey.objects.select_related("namespace").filter(prefix=prefix_of(text) or _NO_PREFIX).first()
    is_right = compare_digest(row.secret_hash if row is not None else _NO_HASH, digest)
    now = timezone.now()
    if row is None or not is_right or row.revoked_at is not None:
        return None
    if row.expires_at is not None and row.expires_at <= now:
        return None
    _note_use(row, now)
    return row


def _note_use(row: ApiKey, now: datetime) -> None:
    """Write down that the key was used, at most once a minute whatever the number of processes and requests."""
    earlier = now - _LAST_USED_STEP
    if row.last_used_at is not None and row.last_used_at > earlier:
        return
    with contextlib.suppress(DatabaseFailure):
        stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=earlier)
        ApiKey.objects.filter(stale, pk=row.pk).update(last_used_at=now)


def _actor_of(row: ApiKey) -> Actor:
    held = frozenset(scope for scope in KEY_SCOPES if scope.value in row.scopes)
    return Actor(kind=ActorKind.KEY, name=row.name, namespace=row.namespace.name, scopes=held, reference=row.prefix)
