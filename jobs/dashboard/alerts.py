"""Alerts: what is watched, where it stands, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
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
from jobs.services.alerts import AlertDetails, SetAlert

_TITLE = gettext_noop("Alerts")

_MAX_REASON = 500
_TEXTS = ("metric", "queue", "webhook", "reason")
_NUMBERS = ("threshold", "for_s", "window_minutes")
_QUEUES_OFFERED = 200
# What a form says of each metric, and its threshold when the form is opened.
_WORDS = {
    Metric.OLDEST_AGE: (gettext_noop("Age of the oldest ready job (s)"), gettext_noop("is above")),
    Metric.FAILURE_RATE: (gettext_noop("Attempts that failed (%)"), gettext_noop("is above")),
    Metric.DEAD_LETTERS: (gettext_noop("Dead letters"), gettext_noop("is above")),
    Metric.WORKERS: (gettext_noop("Workers alive"), gettext_noop("is below")),
    Metric.STORE_MEMORY: (gettext_noop("Memory of the store (%)"), gettext_noop("is above")),
}


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert, and the id of the dialog that changes it: another one where the rule is."""

    details: AlertDetails
    form_name: str


@require_GET
@page("alerts", _TITLE)
def show(visit: Visit) -> HttpResponse:
    """Show all alerts."""
    return _show(visit)


@require_POST
@page("alerts", _TITLE)
def set_alert(visit: Visit) -> HttpResponse:
    """Watch something. A secret is shown on the page that follows, and nowhere else."""
    policy.authorize(visit.actor, Action.ALERT_SET)  # before a word about the form
    form = visit.request.POST
    name = form.get("name", "").strip()
    rule, reason = read_rule(name, _source(form), _MAX_REASON)
    done = alerts.set_alert(visit.actor, rule, reason=reason)
    said = gettext("%(name)s is watched.") if done.is_new else gettext("%(name)s is watched as it says now.")
    return _told(visit, said, done)


@require_POST
@page("alerts", _TITLE)
def change(visit: Visit, name: str) -> HttpResponse:
    """Change what it watches and whom it tells; a field that a form has not stays."""
    policy.authorize(visit.actor, Action.ALERT_CHANGE)
    form = visit.request.POST
    read = _source(form)
    changes = {field: read.get(field) for field in (*_NUMBERS, *_TEXTS, "emails") if field in form}
    webhook = alerts.get_alert(visit.actor, name).rule.webhook
    if webhook and changes.get("webhook") == webhook.partition("?")[0]:
        del changes["webhook"]  # the form shows it without its query, which may hold a secret
    done = alerts.change_alert(visit.actor, name, changes, max_reason=_MAX_REASON)
    return _told(visit, gettext("%(name)s is watched as it says now."), done)


@require_POST
@page("alerts", _TITLE)
def rotate(visit: Visit, name: str) -> HttpResponse:
    """Make a new secret."""
    return _told(visit, gettext("Made a new secret for %(name)s."), alerts.rotate_alert(visit.actor, name))


@require_POST
@page("alerts", _TITLE)
def remove(visit: Visit, name: str) -> HttpResponse:
    """Watch it no more."""
    alerts.remove_alert(visit.actor, name, reason=visit.request.POST.get("reason", "")[:_MAX_REASON])
    return visit.done(gettext("%(name)s is watched no more.") % {"name": name}, reverse("console:alerts"))


@require_POST
@page("alerts", _TITLE)
def try_out(visit: Visit, name: str) -> HttpResponse:
    """Send a message that says it is a test."""
    alerts.try_alert(visit.actor, name)
    return visit.done(gettext("A test of %(name)s is on its way.") % {"name": name}, reverse("console:alerts"))


def _told(visit: Visit, said: str, done: SetAlert) -> HttpResponse:
    """Say what was done. A secret is shown on this very page: no session keeps it until another is asked for."""
    name = done.details.rule.name
    said %= {"name": name}
    if done.secret is None:
        return visit.done(said, reverse("console:alerts"))
    visit.say(said)
    return _show(visit, ShownSecret(name, done.secret))


def _show(visit: Visit, secret: ShownSecret | None = None) -> HttpResponse:
    may_set = policy.can(visit.actor, Action.ALERT_SET)
    has_store = visit.actor.namespace == DEFAULT_NAMESPACE
    offered = [metric for metric in Metric if metric is not Metric.STORE_MEMORY or has_store]
    rows = [_row(details) for details in alerts.list_alerts(visit.actor, with_notices=may_set)]
    context: dict[str, object] = {
        "rows": rows,
        "may_set": may_set,
        "metrics": [(metric.value, *map(gettext, _WORDS[metric])) for metric in offered],
        "has_mail": conf().has_mail,
        "queue_names": _queue_names(visit) if may_set else [],
        "form_name": f"alert-new-{len(rows)}",
        "limits": (DEFAULT_FOR_S, MAX_FOR_S, DEFAULT_WINDOW, MAX_WINDOW),
        "secret": secret,
    }
    return visit.show("alerts/alerts.html", context)


def _row(details: AlertDetails) -> AlertRow:
    return AlertRow(details, f"alert-change-{details.rule.name}-{crc32(repr(details.rule).encode()):x}")


def _queue_names(visit: Visit) -> list[str]:
    return [queue.name for queue in queues.overview(visit.actor).queues][:_QUEUES_OFFERED]


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
