"""Namespaces: those that a person may administer, and one with its members, keys, rules and their use."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import KEY_SCOPES, Action, Role, Scope
from jobs.dashboard.namespace_form import expiry_of, quota_of, retention_of, rule_fields, weight_of
from jobs.dashboard.visit import Visit, page
from jobs.dashboard.webhooks import ShownSecret
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.quota import OwnRetention, Quota
from jobs.services import keys, members, namespace_deletion, namespaces
from jobs.services.keys import KeyRequest
from jobs.services.namespaces import NamespaceNow
from jobs.services.reach import within

_USUAL_SCOPES = frozenset({"jobs:write", "jobs:read"})


@dataclass(frozen=True, slots=True)
class UseRow:
    """One thing that may be limited: how much there is and how much there may be (None: any number)."""

    label: str
    used: int
    most: int | None
    are_bytes: bool = False

    @property
    def percent(self) -> int:
        """Return how full it is, at most 100."""
        return min(100, self.used * 100 // self.most) if self.most else 100 if self.most == 0 else 0


@require_GET
@page("namespaces", "Namespaces")
def show_all(visit: Visit) -> HttpResponse:
    """Show those within reach."""
    context: dict[str, object] = {
        "rows": namespaces.list_namespaces(visit.actor),
        "may_create": policy.can(visit.actor, Action.NAMESPACE_CREATE),
    }
    return visit.show("namespaces/namespaces.html", context)


@require_POST
@page("namespaces", "Namespaces")
def create(visit: Visit) -> HttpResponse:
    """Make one, without limits at first."""
    name = visit.request.POST.get("name", "").strip()
    namespaces.create_namespace(visit.actor, name, Quota(), OwnRetention())
    return visit.done(f"Made {name}.", reverse("console:namespace_one", args=[name]))


@require_GET
@page("namespaces", "Namespace")
def show(visit: Visit, namespace: str) -> HttpResponse:
    """Show one."""
    return _show(visit, namespace)


@require_POST
@page("namespaces", "Namespace")
def set_rules(visit: Visit, namespace: str) -> HttpResponse:
    """Change quota and retention."""
    policy.authorize(visit.actor, Action.NAMESPACE_UPDATE)  # before a word about the form
    form = visit.request.POST
    namespaces.update_namespace(visit.actor, namespace, quota_of(form), retention_of(form), weight=weight_of(form))
    return visit.done(f"Changed the rules of {namespace}.", _address(namespace))


@require_POST
@page("namespaces", "Namespace")
def delete(visit: Visit, namespace: str) -> HttpResponse:
    """Begin to delete one."""
    confirm = visit.request.POST.get("confirm", "").strip()
    reason = visit.request.POST.get("reason", "").strip()
    namespace_deletion.delete_namespace(visit.actor, namespace, confirm=confirm, reason=reason)
    return visit.done(f"Deleting {namespace}. Its keys are revoked.", _address(namespace))


@require_POST
@page("namespaces", "Namespace")
def create_key(visit: Visit, namespace: str) -> HttpResponse:
    """Make a key and show it once."""
    policy.authorize(visit.actor, Action.KEY_MINT)
    form = visit.request.POST
    request = KeyRequest(form.get("name", ""), tuple(form.getlist("scope")), expiry_of(form))
    minted = keys.mint(within(visit.actor, namespace), request)
    messages.success(visit.request, f"Made the key {minted.details.prefix}.")
    return _show(visit, namespace, ShownSecret(f"key {minted.details.name}", minted.text))


@require_POST
@page("namespaces", "Namespace")
def revoke_key(visit: Visit, namespace: str, prefix: str) -> HttpResponse:
    """Revoke a key for good."""
    policy.authorize(visit.actor, Action.KEY_REVOKE)
    revoked = keys.revoke(within(visit.actor, namespace), prefix)
    return visit.done(f"Revoked {revoked.name}. Servers follow within two seconds.", _address(namespace))


@require_POST
@page("namespaces", "Namespace")
def set_member(visit: Visit, namespace: str) -> HttpResponse:
    """Give a person a role; a password that was made is shown once."""
    policy.authorize(visit.actor, Action.MEMBER_SET)
    form = visit.request.POST
    person, role = form.get("person", "").strip(), form.get("role", "")
    if role not in list(Role):
        raise InvalidInput([Problem("/role", "invalid_choice", "Choose a role.")])
    member, _ = members.set_member(visit.actor, namespace, person, Role(role))
    said = f"{member.name} is {member.role.value} in {namespace}."
    if member.password is None:
        return visit.done(said, _address(namespace))
    messages.success(visit.request, said)
    return _show(visit, namespace, ShownSecret(f"{member.name}, the password", member.password))


@require_POST
@page("namespaces", "Namespace")
def remove_member(visit: Visit, namespace: str) -> HttpResponse:
    """End a person's role."""
    person = visit.request.POST.get("person", "")
    members.remove_member(visit.actor, namespace, person)
    return visit.done(f"{person} is no member of {namespace} any more.", _address(namespace))


def _show(visit: Visit, namespace: str, secret: ShownSecret | None = None) -> HttpResponse:
    now = namespaces.get_namespace(visit.actor, namespace)
    is_active = now.details.status == "active"
    there = within(visit.actor, namespace) if is_active else visit.actor
    address = _address(namespace)
    at_home = replace(visit, shell=replace(visit.shell, title=namespace, here=address))
    context: dict[str, object] = {
        "now": now,
        "rows": _use_rows(now),
        "is_active": is_active,
        "fields": rule_fields(now.use),
        "members": members.list_members(visit.actor, namespace) if is_active else [],
        "keys": _newest_first(there) if is_active else [],
        "roles": [role.value for role in Role],
        "scopes": [(scope, scope in _USUAL_SCOPES) for scope in _scopes_for(visit.actor)],
        "may_rule": is_active and policy.can(visit.actor, Action.NAMESPACE_UPDATE),
        "is_own": namespace == visit.actor.namespace,
        "secret": secret,
    }
    return at_home.show("namespaces/namespace.html", context)


def _newest_first(actor: Actor) -> list[keys.KeyDetails]:
    """Return the keys, those that work before the others."""
    found = keys.list_keys(actor)[::-1]
    return sorted(found, key=lambda key: key.status != "active")


def _scopes_for(actor: Actor) -> list[str]:
    return sorted(scope.value for scope in KEY_SCOPES if scope in actor.scopes or Scope.INSTALLATION in actor.scopes)


def _use_rows(now: NamespaceNow) -> list[UseRow]:
    use, quota = now.use, now.use.quota
    return [
        UseRow("Stored jobs", use.jobs, quota.jobs),
        UseRow("Stored bytes", use.bytes, quota.bytes, are_bytes=True),
        UseRow("Running jobs", use.running, quota.running),
    ]


def _address(namespace: str) -> str:
    return reverse("console:namespace_one", args=[namespace])
