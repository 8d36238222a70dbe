"""Who may listen: the person of the session cookie, in a namespace of theirs, looked up anew each time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest

from jobs.access import policy
from jobs.access.person import NAMESPACE_KEY, belongings, home_of, session_actor
from jobs.access.scopes import Action, Scope

SOCKETS_PER_PERSON = 20

_open: Counter[str] = Counter()


@dataclass(frozen=True, slots=True)
class Listener:
    """A person who may listen to one namespace, and what they may do there."""

    person: str
    namespace: str
    scopes: frozenset[Scope]


def admit(session_key: str) -> Listener | None:
    """Return who listens to what; None for a session that ended, or a person who may not read jobs there."""
    request = HttpRequest()
    request.session = SessionStore(session_key)
    user = get_user(request)
    places = belongings(user)
    if not places:
        return None
    actor = session_actor(user, home_of(places, request.session.get(NAMESPACE_KEY)))
    if not policy.can(actor, Action.JOB_READ):
        return None
    return Listener(actor.reference, actor.namespace, actor.scopes)


def take_seat(person: str) -> bool:
    """Count one socket of a person; False if they have too many on this process already."""
    if _open[person] >= SOCKETS_PER_PERSON:
        return False
    _open[person] += 1
    return True


def give_seat(person: str) -> None:
    """Count one socket less."""
    _open[person] -= 1
    if _open[person] <= 0:
        del _open[person]
