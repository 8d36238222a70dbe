"""Namespaces: those that a person may administer, and one with its members, keys, rules and their use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_POST

from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import KEY_SCOPES, Action, Role, Scope
from jobs.dashboard.look import word_of
from jobs.dashboard.namespace_form import expiry_of, quota_of, retention_of, rule_fields, weight_of
from jobs.dashboard.templatetags.console import number, size
from jobs.dashboard.visit import Visit, page
from jobs.dashboard.webhooks import ShownSecret
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.naming import is_namespace
from jobs.domain.quota import OwnRetention, Quota
from jobs.services import keys, members, namespace_deletion, namespaces
from jobs.services.keys import KeyRequest
from jobs.services.namespaces import NamespaceNow
from jobs.services.reach import within

_ALL = gettext_noop("Namespaces")
_ONE = gettext_noop("Namespace")

_PAGE = 50
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

    @property
    def used_text(self) -> str:
        """Return how much there is, in words."""
        return size(self.used) if self.are_bytes else number(self.used)

    @property
    def most_text(self) -> str:
        """Return how much there may be, in words; a dash for any number."""
        return size(self.most) if self.are_bytes and self.most is not None else number(self.most)


@require_GET
@page("namespaces", _ALL)
def show_all(visit: Visit) -> HttpResponse:
    """Show a page of those within reach, by name."""
    asked = visit.request.GET.get("after", "")
    after = asked if is_namespace(asked) else ""
    found = namespaces.list_namespaces(visit.actor, _PAGE + 1, after)
    address = reverse("console:namespaces")
    context: dict[str, object] = {
        "rows": found[:_PAGE],
        "first_url": address if after else "",
        "next_url": f"{address}?{urlencode({'after': found[_PAGE - 1].name})}" if len(found) > _PAGE else "",
        "may_create": policy.can(visit.actor, Action.NAMESPACE_CREATE),
    }
    return visit.show("namespaces/namespaces.html", context)


@require_POST
@page("namespaces", _ALL)
def create(visit: Visit) -> HttpResponse:
    """Make one, without limits at first."""
    name = visit.request.POST.get("name", "").strip()
    namespaces.create_namespace(visit.actor, name, Quota(), OwnRetention())
    return visit.done(_("Made %s.") % name, reverse("console:namespace_one", args=[name]))


@require_GET
@page("namespaces", _ONE)
def show(visit: Visit, namespace: str) -> HttpResponse:
    """Show one."""
    return _show(visit, namespace)


@require_POST
@page("namespaces", _ONE)
def set_rules(visit: Visit, namespace: str) -> HttpResponse:
    """Change quota and retention."""
    policy.authorize(visit.actor, Action.NAMESPACE_UPDATE)  # before a word about the form
    form = visit.request.POST
    namespaces.update_namespace(visit.actor, namespace, quota_of(form), retention_of(form), weight=weight_of(form))
    return visit.done(_("Changed the rules of %s.") % namespace, _address(namespace))


@require_POST
@page("namespaces", _ONE)
def delete(visit: Visit, namespace: str) -> HttpResponse:
    """Begin to delete one."""
    confirm = visit.request.POST.get("confirm", "").strip()
    reason = visit.request.POST.get("reason", "").strip()
    namespace_deletion.delete_namespace(visit.actor, namespace, confirm=confirm, reason=reason)
    return visit.done(_("Deleting %s. Its keys are revoked.") % namespace, _address(namespace))


@require_POST
@page("namespaces", _ONE)
def create_key(visit: Visit, namespace: str) -> HttpResponse:
    """Make a key and show it once."""
    policy.authorize(visit.actor, Action.KEY_MINT)
    form = visit.request.POST
    request = KeyRequest(form.get("name", ""), tuple(form.getlist("scope")), expiry_of(form))
    minted = keys.mint(within(visit.actor, namespace), request)
    visit.say(_("Made the key %s.") % minted.details.prefix)
    return _show(visit, namespace, ShownSecret(_("key %s") % minted.details.name, minted.text))


@require_POST
@page("namespaces", _ONE)
def revoke_key(visit: Visit, namespace: str, prefix: str) -> HttpResponse:
    """Revoke a key for good."""
    policy.authorize(visit.actor, Action.KEY_REVOKE)
    revoked = keys.revoke(within(visit.actor, namespace), prefix)
    return visit.done(_("Revoked %s. Servers follow within two seconds.") % revoked.name, _address(namespace))


@require_POST
@page("namespaces", _ONE)
def set_member(visit: Visit, namespace: str) -> HttpResponse:
    """Give a person a role; a password that was made is shown once."""
    policy.authorize(visit.actor, Action.MEMBER_SET)
    form = visit.request.POST
    person, role = form.get("person", "").strip(), form.get("role", "")
    if role not in list(Role):
        raise InvalidInput([Problem("/role", "invalid_choice", _("Choose a role."))])
    member, _is_new = members.set_member(visit.actor, namespace, person, Role(role))
    names = {"person": member.name, "role": word_of(member.role.value), "namespace": namespace}
    said = _("%(person)s is %(role)s in %(namespace)s.") % names
    if member.password is None:
        return visit.done(said, _address(namespace))
    visit.say(said)
    return _show(visit, namespace, ShownSecret(_("%s, the password") % member.name, member.password))


@require_POST
@page("namespaces", _ONE)
def remove_member(visit: Visit, namespace: str) -> HttpResponse:
    """End a person's role."""
    person = visit.request.POST.get("person", "")
    members.remove_member(visit.actor, namespace, person)
    names = {"person": person, "namespace": namespace}
    return visit.done(_("%(person)s is no member of %(namespace)s any more.") % names, _address(namespace))


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
        UseRow(_("Stored jobs"), use.jobs, quota.jobs),
        UseRow(_("Stored bytes"), use.bytes, quota.bytes, are_bytes=True),
        UseRow(_("Running jobs"), use.running, quota.running),
    ]


def _address(namespace: str) -> str:
    return reverse("console:namespace_one", args=[namespace])
