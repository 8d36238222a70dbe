"""Webhooks: who hears of the ends of jobs, which kinds are sent to URLs, and the log of what was told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_POST

from jobs.access import policy
from jobs.access.scopes import Action
from jobs.dashboard.deliveries import log_of
from jobs.dashboard.visit import Visit, own_address, page
from jobs.domain.endpoint import (
    DEFAULT_ENDPOINT_TIMEOUT_MS,
    MAX_ENDPOINT_TIMEOUT_MS,
    MIN_ENDPOINT_TIMEOUT_MS,
    Endpoint,
)
from jobs.domain.errors import InvalidInput, NotFound, Problem
from jobs.domain.status import Status
from jobs.services import endpoints, queues, webhooks

_TITLE = gettext_noop("Webhooks")

# The ends in the order in which a form names them.
_ENDS = (Status.COMPLETED, Status.DEAD_LETTER, Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class ShownSecret:
    """A secret on the one page that shows it; `of` is whose it is."""

    of: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BindingView:
    """A binding, until when an earlier secret is valid (Unix ms), and how its kind has fared since the beginning.

    `form_name` is the id of the dialog that changes it.
    """

    endpoint: Endpoint
    form_name: str
    overlap_until: int | None
    attempts: int
    failed: int
    dead: int


@require_GET
@page("webhooks", _TITLE)
def show(visit: Visit) -> HttpResponse:
    """Show the page."""
    return show_page(visit, visit.request.GET)


@require_POST
@page("webhooks", _TITLE)
def set_webhook(visit: Visit) -> HttpResponse:
    """Have a URL told of the ends of jobs."""
    policy.authorize(visit.actor, Action.WEBHOOK_SET)  # before a word about the form
    form = visit.request.POST
    url, statuses = form.get("url", "").strip(), form.getlist("status")
    if url and not statuses:
        raise InvalidInput([Problem("/statuses", "required", _("Tick at least one end that the URL hears of."))])
    bound = webhooks.set_webhook(visit.actor, url, statuses)
    said = _("Set the webhook.") if url else _("The webhook has no URL: only jobs' own webhooks are told.")
    return shown_once(visit, said, _("the webhook"), bound.secret)


@require_POST
@page("webhooks", _TITLE)
def rotate_webhook(visit: Visit) -> HttpResponse:
    """Make a new secret."""
    bound = webhooks.rotate_webhook(visit.actor)
    return shown_once(visit, _("Made a new secret for the webhook."), _("the webhook"), bound.secret)


@require_POST
@page("webhooks", _TITLE)
def remove_webhook(visit: Visit) -> HttpResponse:
    """Tell nobody any more."""
    webhooks.remove_webhook(visit.actor)
    return visit.done(_("Removed the webhook. Nobody is told any more."), reverse("console:webhooks"))


def shown_once(visit: Visit, said: str, of: str, secret: str | None) -> HttpResponse:
    """Say what was done. A secret is shown on this very page: no session keeps it until another is asked for."""
    if secret is None:
        return visit.done(said, reverse("console:webhooks"))
    visit.say(said)
    here = own_address(visit.request, visit.request.POST.get("back", "")) or reverse("console:webhooks")
    at_home = replace(visit, shell=replace(visit.shell, here=here))
    return show_page(at_home, QueryDict(urlsplit(here).query), ShownSecret(of, secret))


def show_page(visit: Visit, query: QueryDict, secret: ShownSecret | None = None) -> HttpResponse:
    """Show the page as an address asks for it. What is an admin's is left out for others."""
    seen, now = queues.overview(visit.actor), endpoints.now_ms()
    context: dict[str, object] = {"log": log_of(visit, query, seen), "secret": secret, "ends": _ENDS}
    if visit.shell.may.endpoint:
        webhook, bound = _webhook(visit), endpoints.list_endpoints(visit.actor)
        context |= {
            "webhook": webhook,
            "overlap_until": webhook.overlap_until(now) if webhook else None,
            "told": set(webhook.statuses) if webhook and webhook.url else {end.value for end in _ENDS},
            "bindings": [_binding(found, now, seen.totals) for found in bound],
            "changed": (str(webhook.changed_at) if webhook else "", str(len(bound))),
            "limits": (MIN_ENDPOINT_TIMEOUT_MS, DEFAULT_ENDPOINT_TIMEOUT_MS, MAX_ENDPOINT_TIMEOUT_MS),
        }
    return visit.show("webhooks/webhooks.html", context)


def _webhook(visit: Visit) -> Endpoint | None:
    try:
        return webhooks.get_webhook(visit.actor)
    except NotFound:
        return None


def _binding(endpoint: Endpoint, now_ms: int, totals: dict[str, float]) -> BindingView:
    attempts = sum(number for name, number in totals.items() if name.startswith(f"dur_le:{endpoint.kind}:"))
    failed, dead = (totals.get(f"{what}:{endpoint.kind}", 0) for what in ("failed", "dead"))
    form_name = f"change-{endpoint.kind}-{endpoint.changed_at}"
    return BindingView(endpoint, form_name, endpoint.overlap_until(now_ms), int(attempts), int(failed), int(dead))
