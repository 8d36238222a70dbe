"""In which namespace a signed-in person acts: the one chosen in this session, else the default, else the first."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from jobs.access.actor import Actor
from jobs.access.person import belongings, session_actor
from jobs.domain.errors import NotPermitted
from jobs.domain.naming import DEFAULT_NAMESPACE

# The key in the session under which the console keeps the choice.
SESSION_NAMESPACE = "ironforge_namespace"


def actor_of_session(user: AbstractBaseUser | AnonymousUser, chosen: object) -> Actor:
    """Return the person as an actor. A choice that is not theirs any more counts as none.

    Raises NotAuthenticated for nobody, NotPermitted for a person who belongs nowhere.
    """
    names = [found.namespace for found in belongings(user)]
    if isinstance(chosen, str) and chosen in names:
        return session_actor(user, chosen)
    if not names:
        if user.is_authenticated:
            raise NotPermitted("You are not a member of any namespace.")
        return session_actor(user, DEFAULT_NAMESPACE)
    return session_actor(user, DEFAULT_NAMESPACE if DEFAULT_NAMESPACE in names else names[0])
