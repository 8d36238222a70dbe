"""Namespaces: the tenants that keys and people are bound to, what they may have and how long they keep what ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.db import Error, IntegrityError, transaction

from jobs import wiring
from jobs.access import audit, policy
from jobs.access.actor import Actor
from jobs.access.models import ApiKey, Membership, Namespace
from jobs.access.scopes import Action, Scope
from jobs.domain.errors import InvalidInput, Problem, StateConflict
from jobs.domain.naming import ALL_NAMESPACES, NAMESPACE, is_namespace
from jobs.domain.quota import DEFAULT_WEIGHT, OwnRetention, Quota, TenantUse
from jobs.services import keys
from jobs.services.keys import KeyRequest, MintedKey
from jobs.services.reach import reached, refuse_deleting, within


@dataclass(frozen=True, slots=True)
class NamespaceDetails:
    """What may be told of a namespace. `status`: `active`, `deleting`, or `deleted`, when only the name is kept."""

    name: str
    created_at: datetime
    status: str
    deleting_since: datetime | None
    deleted_jobs: int
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class NamespaceNow:
    """A namespace with its rules and their use."""

    details: NamespaceDetails
    use: TenantUse
    members: int
    keys: int


@dataclass(frozen=True, slots=True)
class CreatedNamespace:
    """A namespace that was just made, with its first key if one was asked for."""

    now: NamespaceNow
    first_key: MintedKey | None


def list_namespaces(actor: Actor, limit: int | None = None, after: str = "") -> list[NamespaceDetails]:
    """Return the namespaces that the actor reaches, by name, up to `limit` behind the name `after`; None for all.

    Raises NotPermitted.
    """
    policy.authorize(actor, Action.NAMESPACE_READ)
    rows = Namespace.objects.filter(name__gt=after).order_by("name")
    if Scope.INSTALLATION not in actor.scopes:
        rows = rows.filter(name=actor.namespace)
    return [details_of(row) for row in rows[:limit]]


def get_namespace(actor: Actor, name: str) -> NamespaceNow:
    """Return one with its use. Raises NotPermitted, NotFound or BackendUnavailable."""
    policy.authorize(actor, Action.NAMESPACE_READ)
    return _now(reached(actor, name))


def create_namespace(
    actor: Actor,
    name: str,
    quota: Quota,
    retention: OwnRetention,
    *,
    weight: int = DEFAULT_WEIGHT,
    first_key: KeyRequest | None = None,
    reason: str = "",
) -> CreatedNamespace:
    """Make a namespace and, if it is asked for, its first key.

    Raises NotPermitted, InvalidInput (`invalid_name`, and what is wrong with the key), StateConflict
    (`namespace_exists`, `namespace_deleting`) or BackendUnavailable.
    """
    policy.authorize(actor, Action.NAMESPACE_CREATE)
    _require_name(name)
    known = Namespace.objects.filter(name=name).first()
    if known is not None:
        refuse_deleting(known)
        raise _exists(name)
    try:
        with transaction.atomic():
            # Of several who make it at once one has the row, and only that one's rules are put. They are before anybody
            # else sees the row, so that nobody acts there before they hold.
            row = Namespace.objects.create(name=name)
            _put(name, quota, retention, weight)
            after = _rules(quota, retention, weight)
            audit.record(actor, Action.NAMESPACE_CREATE, "namespace", name, reason=reason, after=after)
            minted = keys.mint(within(actor, name), first_key) if first_key is not None else None
    except IntegrityError as raced:
        raise _exists(name) from raced
    return CreatedNamespace(_now(row), minted)


def ensure_namespace(actor: Actor) -> bool:
    """Make the actor's namespace; False if it exists. Raises NotPermitted, InvalidInput or StateConflict."""
    policy.authorize(actor, Action.NAMESPACE_CREATE)
    _require_name(actor.namespace)
    with transaction.atomic():
        row, is_new = Namespace.objects.get_or_create(name=actor.namespace)
        if is_new:
            audit.record(actor, Action.NAMESPACE_CREATE, "namespace", actor.namespace)
    refuse_deleting(row)
    return is_new


def update_namespace(
    actor: Actor,
    name: str,
    quota: dict[str, int | None],
    retention: dict[str, int | None],
    *,
    weight: int | None = None,
    reason: str = "",
) -> NamespaceNow:
    """Change the parts of the rules that are named, each to a number or to None for no limit, and the weight if given.

    Raises NotPermitted, NotFound, StateConflict `namespace_deleting` or BackendUnavailable.
    """
    policy.authorize(actor, Action.NAMESPACE_UPDATE)
    there = within(actor, name)
    with transaction.atomic():
        # One after another: each changes parts, and the store is told the whole.
        refuse_deleting(Namespace.objects.select_for_update().get(name=name))
        told, after = _change(name, quota, retention, weight)
        audit.record(there, Action.NAMESPACE_UPDATE, "namespace", name, reason=reason, before=told, after=after)
    return _now(reached(actor, name))


def tell_workers() -> None:
    """Write down in the store which namespaces there are, for workers that serve all. Raises BackendUnavailable."""
    wiring.tell_namespaces(Namespace.objects.filter(deleting_since__isnull=True).values_list("name", flat=True))


def is_unknown(name: str) -> bool:
    """Tell whether there is certainly no such namespace: False while the database cannot say."""
    try:
        return not Namespace.objects.filter(name=name).exists()
    except Error:
        return False


def details_of(row: Namespace) -> NamespaceDetails:
    """Return what may be told of a row."""
    status = "deleted" if row.deleted_at else "deleting" if row.deleting_since else "active"
    return NamespaceDetails(
        name=row.name,
        created_at=row.created_at,
        status=status,
        deleting_since=row.deleting_since,
        deleted_jobs=row.deleted_jobs,
        deleted_at=row.deleted_at,
    )


def _now(row: Namespace) -> NamespaceNow:
    return NamespaceNow(
        details=details_of(row),
        use=wiring.runner().run(wiring.backend().tenants(row.name).use()),
        members=Membership.objects.filter(namespace=row).count(),
        keys=ApiKey.objects.filter(namespace=row, revoked_at__isnull=True).count(),
    )


def _change(
    name: str, quota: dict[str, int | None], retention: dict[str, int | None], weight: int | None
) -> tuple[dict[str, object], dict[str, object]]:
    """Put the parts that are named; return the rules of before and of now as the audit log keeps them."""
    tenants = wiring.backend().tenants(name)
    before = wiring.runner().run(tenants.use())
    changed = msgspec.structs.replace(before.quota, **quota), msgspec.structs.replace(before.retention, **retention)
    if quota:
        wiring.runner().run(tenants.set_quota(changed[0]))
    if retention:
        wiring.runner().run(tenants.set_retention(changed[1]))
    if weight is not None:
        wiring.runner().run(tenants.set_weight(weight))
    told = _rules(before.quota, before.retention, before.weight)
    return told, _rules(*changed, before.weight if weight is None else weight)


def _put(name: str, quota: Quota, retention: OwnRetention, weight: int) -> None:
    tenants = wiring.backend().tenants(name)
    wiring.runner().run(tenants.set_quota(quota))
    wiring.runner().run(tenants.set_retention(retention))
    wiring.runner().run(tenants.set_weight(weight))


def _rules(quota: Quota, retention: OwnRetention, weight: int) -> dict[str, object]:
    """Return what the audit log keeps: the parts that are set."""
    told: dict[str, object] = {}
    for name, rules in (("quota", quota), ("retention", retention)):
        parts = msgspec.to_builtins(rules)
        told[name] = {part: number for part, number in parts.items() if number is not None}
    if weight != DEFAULT_WEIGHT:
        told["weight"] = weight
    return told


def _require_name(name: str) -> None:
    if not is_namespace(name) or name == ALL_NAMESPACES:
        detail = f"A namespace is 1 to 63 of a-z, 0-9 and -, not beginning with -: ^{NAMESPACE.pattern}$; not all."
        raise InvalidInput([Problem("/name", "invalid_name", detail)])


def _exists(name: str) -> StateConflict:
    return StateConflict(f"There is a namespace {name} already.", code="namespace_exists")
