"""Members: people of a namespace and what they are there."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from jobs.access import audit, policy
from jobs.access.actor import Actor, ActorKind
from jobs.access.models import Membership, Namespace
from jobs.access.scopes import ROLE_SCOPES, Action, Role, Scope
from jobs.domain.errors import InvalidInput, NotFound, NotPermitted, Problem
from jobs.services.reach import within

# A password and its hash.
Fresh = tuple[str, str]
_PASSWORD_BYTES = 15
# As Django has it.
_PERSON = re.compile(r"[\w.@+-]+")
_NAME_LENGTH = 150


@dataclass(frozen=True, slots=True)
class MemberDetails:
    """A person of a namespace. `password` is there only in the answer to the act that made the person."""

    name: str
    role: Role
    since: datetime
    password: str | None = field(default=None, repr=False)


def list_members(actor: Actor, namespace: str) -> list[MemberDetails]:
    """Return the members by name. Superusers are admin everywhere, and in no list. Raises NotPermitted or NotFound."""
    policy.authorize(actor, Action.MEMBER_READ)
    there = within(actor, namespace)
    rows = Membership.objects.filter(namespace__name=there.namespace).select_related("user")
    return [_details_of(row) for row in rows.order_by("user__username")]


def set_member(
    actor: Actor, namespace: str, person: str, role: Role, *, reason: str = ""
) -> tuple[MemberDetails, bool]:
    """Give a person a role; return the member and whether it is a new one.

    Nobody gives more than they have, nor learns whether somebody exists: an admin names members of the namespaces that
    they administer, and all else is nobody. Who has the right over the installation names anybody, and makes a person
    that is not there, with a random password. Raises NotPermitted, NotFound or InvalidInput `invalid_name`.
    """
    policy.authorize(actor, Action.MEMBER_SET)
    there = within(actor, namespace)
    _require_rights(there, role)
    try:
        return _set(there, person, role, reason)
    except IntegrityError:
        # Somebody else made the person, or the member, at the same time: they are there now.
        return _set(there, person, role, reason)


def _set(there: Actor, person: str, role: Role, reason: str) -> tuple[MemberDetails, bool]:
    # To hash takes long on purpose: not while others wait to write.
    fresh = _fresh_password(there, person)
    with transaction.atomic():
        user, password = _person(there, person, fresh)
        row = Membership.objects.filter(user=user, namespace__name=there.namespace).first()
        before = None if row is None else {"role": row.role}
        if row is None:
            home = Namespace.objects.get(name=there.namespace)
            row = Membership.objects.create(user=user, namespace=home, role=role.value)
        elif row.role != role.value:
            row.role = role.value
            row.save(update_fields=["role"])
        after = {"role": role.value}
        if before != after:
            audit.record(there, Action.MEMBER_SET, "person", person, reason=reason, before=before, after=after)
    return _details_of(row, password), before is None


def remove_member(actor: Actor, namespace: str, person: str, *, reason: str = "") -> None:
    """End a person's role there; open pages of theirs follow within 20 s. Raises NotPermitted or NotFound."""
    policy.authorize(actor, Action.MEMBER_REMOVE)
    there = within(actor, namespace)
    with transaction.atomic():
        row = Membership.objects.filter(user__username=_clean(person), namespace__name=there.namespace).first()
        if row is None or not row.delete()[0]:
            raise NotFound(f"There is no member {person[:64]!r}.")
        audit.record(there, Action.MEMBER_REMOVE, "person", person, reason=reason, before={"role": row.role})


def _require_rights(actor: Actor, role: Role) -> None:
    # What no key can hold takes nothing away from who may make people.
    beyond = sorted(scope.value for scope in ROLE_SCOPES[role] - actor.scopes - {Scope.PAYLOAD_REVEAL})
    if beyond and Scope.INSTALLATION not in actor.scopes:
        raise NotPermitted(f"The role {role.value} has scopes that {actor.label} does not have: {', '.join(beyond)}.")


def _fresh_password(actor: Actor, name: str) -> Fresh | None:
    """Return a password for a person who is to be made, None for one who is there."""
    is_maker = Scope.INSTALLATION in actor.scopes
    return _made_password() if is_maker and not User.objects.filter(username=_clean(name)).exists() else None


def _made_password() -> Fresh:
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    return password, make_password(password)


def _person(actor: Actor, name: str, fresh: Fresh | None) -> tuple[User, str | None]:
    """Return the person of this name, as far as the actor may know it, and, where it was just made, the password."""
    if Scope.INSTALLATION not in actor.scopes:
        user = _known_to(actor).filter(username=_clean(name)).first()
        if user is None:
            raise NotFound(f"There is no member {name[:64]!r}. Who runs the installation can add people.")
        return user, None
    user = User.objects.filter(username=_clean(name)).first()
    if user is not None:
        return user, None
    if len(name) > _NAME_LENGTH or not _PERSON.fullmatch(name):
        detail = f"A person's name is 1 to {_NAME_LENGTH} letters, digits and @ . + - _."
        raise InvalidInput([Problem("", "invalid_name", detail)])
    # Whoever was removed in between is made anew.
    password, hashed = fresh or _made_password()
    made = User.objects.create(username=User.normalize_username(name), password=hashed)
    audit.record(actor, Action.PERSON_CREATE, "person", name)
    return made, password


def _known_to(actor: Actor) -> QuerySet[User]:
    """Return the members of the namespaces that the actor administers; a key administers its own."""
    places = Q(namespace__name=actor.namespace)
    if actor.kind is ActorKind.SESSION:
        own = Membership.objects.filter(user_id=actor.reference, role=Role.ADMIN.value)
        places |= Q(namespace__in=own.values("namespace"))
    return User.objects.filter(pk__in=Membership.objects.filter(places).values("user"))


def _clean(name: str) -> str:
    """Return the name without what a database may refuse; such a name is nobody's."""
    return name.replace("\0", " ")[: _NAME_LENGTH + 1]


def _details_of(row: Membership, password: str | None = None) -> MemberDetails:
    return MemberDetails(row.user.get_username(), Role(row.role), row.created_at, password)
