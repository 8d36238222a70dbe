"""Alerts as the API shows them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from jobs.access.alert import AlertNotice
from jobs.domain.alert import Metric, in_words
from jobs.domain.instant import instant, text_of
from jobs.services.alerts import AlertDetails


class NoticeShape(msgspec.Struct, frozen=True):
    """One message: `event` is `firing`, `resolved` or `test`; `sent_at` is null until it arrived, `detail` says why."""

    event: str
    channel: str
    target: str
    created_at: str
    attempts: int
    sent_at: str | None
    next_attempt_at: str | None
    detail: str


class AlertShape(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rule and where it stands: `state` is `ok`, `pending` or `firing`, since `since`; `value` as it was seen last.

    `emails`, `webhook` and `notices` are shown to those who may set alerts. `secret` is told once; until
    `overlap_until` the one before it signs as well.
    """

    name: str
    metric: str
    threshold: float
    for_s: int
    state: str
    since: str | None
    value: float | None
    text: str
    created_by: str
    queue: str | None = None
    window_minutes: int | None = None
    emails: tuple[str, ...] | None = None
    webhook: str | None = None
    notices: tuple[NoticeShape, ...] | None = None
    secret: str | None = None
    overlap_until: str | None = None


class AlertListShape(msgspec.Struct, frozen=True):
    """All alerts, by name."""

    data: tuple[AlertShape, ...]


def alert_shape(found: AlertDetails, *, secret: str | None = None, is_whole: bool = False) -> AlertShape:
    """Return an alert, with its newest messages if it is to be whole."""
    rule, may_see = found.rule, found.may_see_receivers
    return AlertShape(
        name=rule.name,
        metric=rule.metric.value,
        threshold=rule.threshold,
        for_s=rule.for_s,
        state=found.state.value,
        since=instant(int(found.since * 1000)) if found.since else None,
        value=found.value,
        text=in_words(rule, found.value),
        created_by=found.created_by,
        queue=rule.queue,
        window_minutes=rule.window if rule.metric is Metric.FAILURE_RATE else None,
        emails=rule.emails if may_see else None,
        webhook=rule.webhook if may_see else None,
        notices=tuple(map(_notice, found.notices)) if may_see and is_whole else None,
        secret=secret,
        overlap_until=instant(int(found.overlap_until * 1000)) if found.overlap_until and may_see else None,
    )


def _notice(row: AlertNotice) -> NoticeShape:
    return NoticeShape(
        row.event,
        row.channel,
        row.target.partition("?")[0],
        text_of(row.created_at),
        row.attempts,
        _text(row.sent_at),
        _text(row.next_at),
        row.detail,
    )


def _text(at: datetime | None) -> str | None:
    return None if at is None else text_of(at)
