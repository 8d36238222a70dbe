"""Namespaces: the tenants that keys and people are bound to."""

from __future__ import annotations

from django.db import Error, transaction

from jobs.access import audit, policy
from jobs.access.actor import Actor
from jobs.access.models import Namespace
from jobs.access.scopes import Action
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.naming import is_namespace


def create_namespace(actor: Actor) -> bool:
    """Make the actor's namespace; False if it exists. Raises NotPermitted or InvalidInput."""
    policy.authorize(actor, Action.NAMESPACE_CREATE)
    if not is_namespace(actor.namespace):
        detail = "A namespace is 1 to 63 of a-z, 0-9 and -, not beginning with -."
        raise InvalidInput([Problem("/namespace", "invalid_name", detail)])
    with transaction.atomic():
        _, is_new = Namespace.objects.get_or_create(name=actor.namespace)
        if is_new:
            audit.record(actor, Action.NAMESPACE_CREATE, "namespace", actor.namespace)
    return is_new


def is_unknown(name: str) -> bool:
    """Tell whether there is certainly no such namespace: False while the database cannot say."""
    try:
        return not Namespace.objects.filter(name=name).exists()
    except Error:
        return False
