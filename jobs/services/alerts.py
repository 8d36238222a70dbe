"""Alert rules: set, listed, looked at, tried and removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from django.db import Error as DatabaseFailure
from django.db import transaction

from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.alert import Alert, AlertNotice
from jobs.access.scopes import Action
from jobs.conf import conf
from jobs.domain.alert import MAX_RULES, AlertRule, AlertState, Metric
from jobs.domain.errors import InvalidInput, NotFound, Problem, StateConflict
from jobs.domain.naming import DEFAULT_NAMESPACE, QUEUE, is_queue
from jobs.domain.signature import new_secret
from jobs.services.acts import database_unavailable, record_act, require_audit_log
from jobs.services.alert_notices import put_notices
from jobs.services.endpoints import require_target

_SHOWN_NOTICES = 10


@dataclass(frozen=True, slots=True)
class AlertDetails:
    """A rule and where it stands; `since` in Unix seconds, `value` None where it could not be had.

    `may_see_receivers` is false for who may not set rules: addresses of people are theirs.
    """

    rule: AlertRule
    state: AlertState
    since: float
    value: float | None
    created_by: str
    may_see_receivers: bool
    notices: tuple[AlertNotice, ...] = ()


@dataclass(frozen=True, slots=True)
class SetAlert:
    """What setting a rule did. `secret` is told once, where it is new."""

    details: AlertDetails
    is_new: bool
    secret: str | None = field(repr=False)


def list_alerts(actor: Actor) -> list[AlertDetails]:
    """Return the rules of the namespace by name. Raises NotPermitted."""
    policy.authorize(actor, Action.ALERT_READ)
    try:
        return [_details(actor, row) for row in Alert.objects.filter(namespace=actor.namespace)[:MAX_RULES]]
    except DatabaseFailure as failure:
        raise database_unavailable() from failure


def firing_alerts(actor: Actor) -> list[AlertDetails]:
    """Return those that fire, for who may see them; none while the database is away."""
    if not policy.can(actor, Action.ALERT_READ):
        return []
    try:
        rows = Alert.objects.filter(namespace=actor.namespace, state=AlertState.FIRING)[:MAX_RULES]
        return [_details(actor, row) for row in rows]
    except DatabaseFailure:
        return []


def get_alert(actor: Actor, name: str) -> AlertDetails:
    """Return one rule with the newest messages about it. Raises NotPermitted or NotFound."""
    policy.authorize(actor, Action.ALERT_READ)
    row = _row(actor, name)
    return _details(actor, row, tuple(row.notices.all()[:_SHOWN_NOTICES]))


def set_alert(actor: Actor, rule: AlertRule, *, reason: str = "") -> SetAlert:
    """Watch something, in place of what a rule of that name watched; it begins anew, its secret stays.

    Raises NotPermitted, or InvalidInput (`invalid_name`, `not_allowed`, `no_mail_server`, `invalid_url`,
    `blocked_address`, `too_many_alerts`).
    """
    policy.authorize(actor, Action.ALERT_SET)
    _require_sound(actor, rule)
    require_audit_log()
    with transaction.atomic():
        row = Alert.objects.select_for_update().filter(namespace=actor.namespace, name=rule.name).first()
        before = None if row is None else _rule(row)
        if row is None:
            if Alert.objects.filter(namespace=actor.namespace).count() >= MAX_RULES:
                detail = f"A namespace has at most {MAX_RULES} alerts."
                raise InvalidInput([Problem("", "too_many_alerts", detail)], code="too_many_alerts")
            row = Alert(namespace=actor.namespace, name=rule.name, secret=new_secret(), created_by=actor.label[:200])
        is_new = before is None
        row.rule = msgspec.json.encode(rule).decode()
        row.state, row.since, row.better_since, row.value, row.looked_at = AlertState.OK.value, 0, None, None, 0
        row.save()
        record_act(
            actor, Action.ALERT_SET, "alert", rule.name, reason=reason, before=_state(before), after=_state(rule)
        )
    had_webhook = before is not None and before.webhook is not None
    secret = row.secret if rule.webhook and not had_webhook else None
    return SetAlert(_details(actor, row), is_new=is_new, secret=secret)


def remove_alert(actor: Actor, name: str, *, reason: str = "") -> None:
    """Watch it no more; what was not sent yet is not sent. Raises NotPermitted or NotFound."""
    policy.authorize(actor, Action.ALERT_REMOVE)
    row = _row(actor, name)
    require_audit_log()
    record_act(actor, Action.ALERT_REMOVE, "alert", name, reason=reason, before=_state(_rule(row)))
    row.delete()


def try_alert(actor: Actor, name: str, *, reason: str = "") -> AlertDetails:
    """Send its receivers a message that says it is a test. Raises NotPermitted, NotFound, or StateConflict."""
    policy.authorize(actor, Action.ALERT_TEST)
    row = _row(actor, name)
    rule = _rule(row)
    if not rule.emails and not rule.webhook:
        raise StateConflict("The alert has neither e-mail addresses nor a webhook.", code="no_receiver")
    put_notices(row, rule, "test")
    record_act(actor, Action.ALERT_TEST, "alert", name, reason=reason)
    return get_alert(actor, name)


def _require_sound(actor: Actor, rule: AlertRule) -> None:
    problems: list[Problem] = []
    if not is_queue(rule.name):
        problems.append(Problem("", "invalid_name", f"The name of an alert matches ^{QUEUE.pattern}$."))
    if rule.metric is Metric.STORE_MEMORY and actor.namespace != DEFAULT_NAMESPACE:
        detail = f"The store is everybody's: only the namespace {DEFAULT_NAMESPACE} may watch it."
        problems.append(Problem("/metric", "not_allowed", detail))
    if rule.emails and not conf().has_mail:
        detail = "No mail server is set: IRONFORGE_EMAIL_URL names one."
        problems.append(Problem("/emails", "no_mail_server", detail))
    if problems:
        raise InvalidInput(problems)
    if rule.webhook:
        require_target(rule.webhook, "/webhook")


def _row(actor: Actor, name: str) -> Alert:
    try:
        row = Alert.objects.filter(namespace=actor.namespace, name=name).first() if is_queue(name) else None
    except DatabaseFailure as failure:
        raise database_unavailable() from failure
    if row is None:
        raise NotFound(f"There is no alert {name[:64]!r}.")
    return row


def _rule(row: Alert) -> AlertRule:
    return msgspec.json.decode(row.rule, type=AlertRule)


def _details(actor: Actor, row: Alert, notices: Sequence[AlertNotice] = ()) -> AlertDetails:
    may_see = policy.can(actor, Action.ALERT_SET)
    state = AlertState(row.state)
    return AlertDetails(
        _rule(row), state, row.since, row.value, row.created_by, may_see, tuple(notices) if may_see else ()
    )


def _state(rule: AlertRule | None) -> dict[str, object] | None:
    """Return a rule as the audit log keeps it: without the query of its URL, which may hold a secret."""
    if rule is None:
        return None
    found: dict[str, object] = msgspec.to_builtins(rule)
    found["webhook"] = rule.webhook.partition("?")[0] if rule.webhook else None
    return found
