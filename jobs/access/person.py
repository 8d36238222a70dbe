"""Turns a signed-in person into an Actor, and says where that person belongs."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User

from jobs.access.actor import Actor, ActorKind
from jobs.access.models import Membership, Namespace
from jobs.access.scopes import ROLE_SCOPES, Role, Scope
from jobs.domain.errors import NotAuthenticated, NotFound
from jobs.domain.naming import DEFAULT_NAMESPACE

# Where a session keeps the namespace that its person chose to look at.
NAMESPACE_KEY = "ironforge_namespace"


@dataclass(frozen=True, slots=True)
class Belonging:
    """A namespace that a person may look at, and as what."""

    namespace: str
    role: Role


def belongings(user: AbstractBaseUser | AnonymousUser) -> list[Belonging]:
    """Return where the person belongs, by name. A superuser is admin everywhere. What is being deleted is nobody's."""
    if not isinstance(user, User) or not user.is_active:
        return []
    if user.is_superuser:
        living = Namespace.objects.filter(deleting_since__isnull=True)
        return [Belonging(name, Role.ADMIN) for name in living.values_list("name", flat=True)]
    found = Membership.objects.filter(user=user, namespace__deleting_since__isnull=True).order_by("namespace__name")
    return [Belonging(name, Role(role)) for name, role in found.values_list("namespace__name", "role")]


def home_of(places: list[Belonging], chosen: object) -> str:
    """Return the namespace to show: the chosen one while it is theirs, else `default`, else their first.

    `places` must not be empty.
    """
    names = [place.namespace for place in places]
    if isinstance(chosen, str) and chosen in names:
        return chosen
    return DEFAULT_NAMESPACE if DEFAULT_NAMESPACE in names else names[0]


def _role_in(user: User, namespace: str) -> Role | None:
    """Return what the person is in a namespace, as `belongings` has it, without reading all of them."""
    if user.is_superuser:
        living = Namespace.objects.filter(name=namespace, deleting_since__isnull=True)
        return Role.ADMIN if living.exists() else None
    own = Membership.objects.filter(user=user, namespace__name=namespace, namespace__deleting_since__isnull=True)
    role = own.values_list("role", flat=True).first()
    return None if role is None else Role(role)


def session_actor(user: AbstractBaseUser | AnonymousUser, namespace: str) -> Actor:
    """Return the person as an actor in one namespace.

    Raises NotAuthenticated for nobody, and NotFound for a namespace that is not theirs or does not exist.
    The role is read anew each time, so that its removal counts at once.
    """
    if not isinstance(user, User) or not user.is_active:
        raise NotAuthenticated("Sign in first.")
    role = _role_in(user, namespace)
    if role is None:
        raise NotFound("There is no such namespace.")
    return Actor(
        kind=ActorKind.SESSION,
        name=user.get_username(),
        namespace=namespace,
        scopes=ROLE_SCOPES[role] | {Scope.INSTALLATION} if user.is_superuser else ROLE_SCOPES[role],
        reference=str(user.pk),
    )
