"""Alert rules: set, listed, looked at, tried and removed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
from django.db import Error as DatabaseFailure
from django.db import IntegrityError, transaction
from django.db.models import Window
from django.db.models.functions import RowNumber

from jobs.access import audit, policy
from jobs.access.actor import Actor
from jobs.access.alert import Alert, AlertNotice
from jobs.access.scopes import Action
from jobs.conf import conf
from jobs.domain.alert import MAX_RULES, AlertRule, AlertState, Metric
from jobs.domain.alert_body import read_change
from jobs.domain.endpoint import OVERLAP_MS
from jobs.domain.errors import InvalidInput, NotFound, Problem, StateConflict
from jobs.domain.instant import instant
from jobs.domain.naming import DEFAULT_NAMESPACE, QUEUE, is_queue
from jobs.domain.signature import new_secret
from jobs.services.acts import database_unavailable
from jobs.services.alert_notices import drop_notices, put_notices, require_test
from jobs.services.endpoints import require_target

_SHOWN_NOTICES = 10


@dataclass(frozen=True, slots=True)
class AlertDetails:
    """A rule and where it stands; times in Unix seconds, `value` None where it could not be had.

    `overlap_until` is when the secret before the present one ends, None if there is none.

    `may_see_receivers` is false for who may not set rules: addresses of people are theirs.
    """

    rule: AlertRule
    state: AlertState
    since: float
    value: float | None
    created_by: str
    may_see_receivers: bool
    overlap_until: float | None = None
    notices: tuple[AlertNotice, ...] = ()


@dataclass(frozen=True, slots=True)
class SetAlert:
    """What setting a rule did. `secret` is told once, where it is new."""

    details: AlertDetails
    is_new: bool
    secret: str | None = field(repr=False)


def list_alerts(actor: Actor, *, with_notices: bool = False) -> list[AlertDetails]:
    """Return the rules of the namespace by name, if it is asked with the newest messages about each.

    Raises NotPermitted or BackendUnavailable.
    """
    policy.authorize(actor, Action.ALERT_READ)
    try:
        rows = list(Alert.objects.filter(namespace=actor.namespace)[:MAX_RULES])
        told = _newest_notices(rows) if with_notices else {}
        return [_details(actor, row, told.get(row.pk, ())) for row in rows]
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

    Raises NotPermitted, BackendUnavailable, StateConflict `alert_changed`, or InvalidInput (`invalid_name`,
    `not_allowed`, `no_mail_server`, `invalid_url`, `blocked_address`, `too_many_alerts`).
    """
    policy.authorize(actor, Action.ALERT_SET)
    _require_sound(actor, rule)
    with _together():
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
        drop_notices(row, rule)
        audit.record(
            actor, Action.ALERT_SET, "alert", rule.name, reason=reason, before=_state(before), after=_state(rule)
        )
    had_webhook = before is not None and before.webhook is not None
    secret = row.secret if rule.webhook and not had_webhook else None
    return SetAlert(_details(actor, row), is_new=is_new, secret=secret)


def change_alert(actor: Actor, name: str, changes: dict[str, object], *, max_reason: int) -> SetAlert:
    """Change some fields of a rule, as `read_change` reads them with the reason.

    While it watches the same number it stands where it stood until the next look; otherwise it begins anew. Raises as
    `set_alert` does, NotFound, or InvalidInput with all that is wrong with the fields.
    """
    policy.authorize(actor, Action.ALERT_CHANGE)
    row = _row(actor, name)
    before = _rule(row)
    rule, reason = read_change(before, changes, max_reason)
    _require_sound(actor, rule)
    anew = {} if rule.watches_as(before) else {"state": AlertState.OK, "since": 0, "better_since": None, "value": None}
    fresh = {"rule": msgspec.json.encode(rule).decode(), "looked_at": 0, **anew}
    with _together():
        # The watch writes where it stands: while it watches the same, nothing of that is written here.
        if not Alert.objects.filter(pk=row.pk, rule=row.rule).update(changed_at=datetime.now(UTC), **fresh):
            raise _has_changed()
        drop_notices(row, rule)
        states = {"before": _state(before), "after": _state(rule)}
        audit.record(actor, Action.ALERT_CHANGE, "alert", name, reason=reason, **states)
    secret = row.secret if rule.webhook and not before.webhook else None
    return SetAlert(_details(actor, _row(actor, name)), is_new=False, secret=secret)


def rotate_alert(actor: Actor, name: str, *, reason: str = "") -> SetAlert:
    """Make a new secret for what its webhook gets; the one before signs for another day, beside it.

    Raises NotPermitted, NotFound, BackendUnavailable, or StateConflict (`no_receiver`, `alert_changed`).
    """
    policy.authorize(actor, Action.ALERT_ROTATE)
    row = _row(actor, name)
    if not _rule(row).webhook:
        raise StateConflict("The alert has no webhook.", code="no_receiver")
    with _together():
        same = Alert.objects.filter(pk=row.pk, secret=row.secret)
        row.secret, row.earlier_secret = new_secret(), row.secret
        row.earlier_until = time.time() + OVERLAP_MS / 1000
        secrets = {name: getattr(row, name) for name in ("secret", "earlier_secret", "earlier_until")}
        if not same.update(changed_at=datetime.now(UTC), **secrets):
            raise _has_changed()
        until = {"earlier_secret_until": instant(int(row.earlier_until * 1000))}
        audit.record(actor, Action.ALERT_ROTATE, "alert", name, reason=reason, after=until)
    return SetAlert(_details(actor, row), is_new=False, secret=row.secret)


def remove_alert(actor: Actor, name: str, *, reason: str = "") -> None:
    """Watch it no more; what was not sent yet is not sent. Raises NotPermitted, NotFound or BackendUnavailable."""
    policy.authorize(actor, Action.ALERT_REMOVE)
    row = _row(actor, name)
    with _together():
        if not Alert.objects.filter(pk=row.pk).delete()[0]:
            raise _no_such_alert(name)  # somebody else was first
        audit.record(actor, Action.ALERT_REMOVE, "alert", name, reason=reason, before=_state(_rule(row)))


def try_alert(actor: Actor, name: str, *, reason: str = "") -> AlertDetails:
    """Send its receivers a message that says it is a test.

    Raises NotPermitted, NotFound, BackendUnavailable, StateConflict `no_receiver`, or TooManyAttempts.
    """
    policy.authorize(actor, Action.ALERT_TEST)
    row = _row(actor, name)
    rule = _rule(row)
    if not rule.emails and not rule.webhook:
        raise StateConflict("The alert has neither e-mail addresses nor a webhook.", code="no_receiver")
    with _together():
        require_test(actor.namespace)
        put_notices(row, rule, "test")
        audit.record(actor, Action.ALERT_TEST, "alert", name, reason=reason)
    return _details(actor, row, tuple(row.notices.all()[:_SHOWN_NOTICES]))


@contextmanager
def _together() -> Iterator[None]:
    """Do it all and record it, or nothing. Raises BackendUnavailable or StateConflict `alert_changed`."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError:
        raise _has_changed() from None
    except DatabaseFailure as failure:
        raise database_unavailable() from failure


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


def _newest_notices(rows: Sequence[Alert]) -> dict[int, list[AlertNotice]]:
    """Return the newest messages about each, by rule, with one query for all."""
    place = Window(RowNumber(), partition_by="alert_id", order_by="-id")
    newest = AlertNotice.objects.filter(alert__in=rows).annotate(place=place).filter(place__lte=_SHOWN_NOTICES)
    told: dict[int, list[AlertNotice]] = {}
    for notice in newest:
        told.setdefault(notice.alert_id, []).append(notice)
    return told


def _row(actor: Actor, name: str) -> Alert:
    try:
        row = Alert.objects.filter(namespace=actor.namespace, name=name).first() if is_queue(name) else None
    except DatabaseFailure as failure:
        raise database_unavailable() from failure
    if row is None:
        raise _no_such_alert(name)
    return row


def _no_such_alert(name: str) -> NotFound:
    return NotFound(f"There is no alert {name[:64]!r}.")


def _has_changed() -> StateConflict:
    return StateConflict("Somebody else has just set or removed it.", code="alert_changed")


def _rule(row: Alert) -> AlertRule:
    return msgspec.json.decode(row.rule, type=AlertRule)


def _details(actor: Actor, row: Alert, notices: Sequence[AlertNotice] = ()) -> AlertDetails:
    may_see = policy.can(actor, Action.ALERT_SET)
    return AlertDetails(
        _rule(row),
        AlertState(row.state),
        row.since,
        row.value,
        row.created_by,
        may_see,
        row.earlier_until if row.earlier_until > time.time() else None,
        tuple(notices) if may_see else (),
    )


def _state(rule: AlertRule | None) -> dict[str, object] | None:
    """Return a rule as the audit log keeps it: without the query of its URL, which may hold a secret."""
    if rule is None:
        return None
    found: dict[str, object] = msgspec.to_builtins(rule)
    found["webhook"] = rule.webhook.partition("?")[0] if rule.webhook else None
    return found
