"""Alerts: what is watched, where it stands, and who is told."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from jobs.access import policy
from jobs.access.scopes import Action
from jobs.conf import conf
from jobs.dashboard.visit import Visit, page
from jobs.dashboard.webhooks import ShownSecret
from jobs.domain.alert import DEFAULT_FOR_S, DEFAULT_WINDOW, MAX_FOR_S, MAX_WINDOW, Metric
from jobs.domain.alert_body import read_rule
from jobs.domain.naming import DEFAULT_NAMESPACE
from jobs.services import alerts, queues

_MAX_REASON = 500
_TEXTS = ("metric", "queue", "webhook", "reason")
_NUMBERS = ("threshold", "for_s", "window_minutes")
# What a form says of each metric, and its threshold when the form is opened.
_WORDS = {
    Metric.OLDEST_AGE: ("Age of the oldest ready job (s)", "is above"),
    Metric.FAILURE_RATE: ("Attempts that failed (%)", "is above"),
    Metric.DEAD_LETTERS: ("Dead letters", "is above"),
    Metric.WORKERS: ("Workers alive", "is below"),
    Metric.STORE_MEMORY: ("Memory of the store (%)", "is above"),
}


@require_GET
@page("alerts", "Alerts")
def show(visit: Visit) -> HttpResponse:
    """Show all alerts."""
    return _show(visit)


@require_POST
@page("alerts", "Alerts")
def set_alert(visit: Visit) -> HttpResponse:
    """Watch something. A secret is shown on the page that follows, and nowhere else."""
    policy.authorize(visit.actor, Action.ALERT_SET)  # before a word about the form
    form = visit.request.POST
    name = form.get("name", "").strip()
    rule, reason = read_rule(name, _source(form), _MAX_REASON)
    done = alerts.set_alert(visit.actor, rule, reason=reason)
    said = f"{name} is watched." if done.is_new else f"{name} is watched as it says now."
    if done.secret is None:
        return visit.done(said, reverse("console:alerts"))
    messages.success(visit.request, said)
    return _show(visit, ShownSecret(name, done.secret))


@require_POST
@page("alerts", "Alerts")
def remove(visit: Visit, name: str) -> HttpResponse:
    """Watch it no more."""
    alerts.remove_alert(visit.actor, name, reason=visit.request.POST.get("reason", "")[:_MAX_REASON])
    return visit.done(f"{name} is watched no more.", reverse("console:alerts"))


@require_POST
@page("alerts", "Alerts")
def try_out(visit: Visit, name: str) -> HttpResponse:
    """Send a message that says it is a test."""
    alerts.try_alert(visit.actor, name)
    return visit.done(f"A test of {name} is on its way.", reverse("console:alerts"))


def _show(visit: Visit, secret: ShownSecret | None = None) -> HttpResponse:
    found = alerts.list_alerts(visit.actor)
    may_set = policy.can(visit.actor, Action.ALERT_SET)
    has_store = visit.actor.namespace == DEFAULT_NAMESPACE
    offered = [metric for metric in Metric if metric is not Metric.STORE_MEMORY or has_store]
    context: dict[str, object] = {
        "rows": [alerts.get_alert(visit.actor, each.rule.name) if may_set else each for each in found],
        "may_set": may_set,
        "metrics": [(metric.value, *_WORDS[metric]) for metric in offered],
        "has_mail": conf().has_mail,
        "queue_names": [queue.name for queue in queues.overview(visit.actor).queues] if may_set else [],
        "limits": (DEFAULT_FOR_S, MAX_FOR_S, DEFAULT_WINDOW, MAX_WINDOW),
        "secret": secret,
    }
    return visit.show("alerts/alerts.html", context)


def _source(form: QueryDict) -> dict[str, object]:
    """Return the fields of the form as the API takes them; what is left empty is not given."""
    given = {name: str(form.get(name, "")).strip() for name in (*_NUMBERS, *_TEXTS, "emails")}
    source: dict[str, object] = {name: text for name in _TEXTS if (text := given[name])}
    source |= {name: _number(text) for name in _NUMBERS if (text := given[name])}
    emails = given["emails"].replace(",", " ").split()
    if emails:
        source["emails"] = emails
    # The form has the fields of all metrics.
    for name, metric in (("queue", Metric.OLDEST_AGE), ("window_minutes", Metric.FAILURE_RATE)):
        if source.get("metric") != metric:
            source.pop(name, None)
    return source


def _number(text: str) -> object:
    """Return the number that a text is; the text itself otherwise, which is then refused as what it is."""
    try:
        return int(text) if text.isascii() and text.isdigit() else float(text)
    except ValueError:
        return text
