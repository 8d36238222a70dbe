"""Bindings of kinds to URLs as the API shows them."""

from __future__ import annotations

import msgspec

from jobs.api.shapes import PageShape
from jobs.domain.endpoint import Endpoint
from jobs.domain.instant import instant, rfc3339
from jobs.outbound.posting import Answer, Unsent

_SHOWN_BYTES = 1_024


class EndpointShape(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the jobs of a kind are sent. `secret` is there only in the answer to the act that made it.

    Until `overlap_until` requests are also signed with the secret before.
    """

    kind: str
    url: str
    timeout_ms: int
    created_by: str
    created_at: str
    changed_at: str
    overlap_until: str | None
    secret: str | None = None


class EndpointListShape(msgspec.Struct, frozen=True):
    """All bindings."""

    data: tuple[EndpointShape, ...]
    page: PageShape = PageShape()


class WebhookShape(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who hears of the ends of jobs: of those in `statuses`. A null `url`: only jobs' own webhooks are told.

    `secret` is there only in the answer to the act that made it.
    """

    url: str | None
    statuses: tuple[str, ...]
    created_by: str
    created_at: str
    changed_at: str
    overlap_until: str | None
    secret: str | None = None


class EndpointTestShape(msgspec.Struct, frozen=True, kw_only=True):
    """What came back of a test: `delivered`, the status and the first 1 024 bytes, or why there is no answer."""

    delivered: bool
    status: int | None
    answer: str
    code: str | None
    detail: str
    duration_ms: int


def endpoint_shape(endpoint: Endpoint, now_ms: int, secret: str | None = None) -> EndpointShape:
    """Return a binding; `secret` only where it was just made."""
    return EndpointShape(
        kind=endpoint.kind,
        url=endpoint.url,
        timeout_ms=endpoint.timeout_ms,
        created_by=endpoint.created_by,
        created_at=instant(endpoint.created_at),
        changed_at=instant(endpoint.changed_at),
        overlap_until=rfc3339(endpoint.overlap_until(now_ms)),
        secret=secret,
    )


def webhook_shape(webhook: Endpoint, now_ms: int, secret: str | None = None) -> WebhookShape:
    """Return the namespace's webhook; `secret` only where it was just made."""
    return WebhookShape(
        url=webhook.url or None,
        statuses=webhook.statuses,
        created_by=webhook.created_by,
        created_at=instant(webhook.created_at),
        changed_at=instant(webhook.changed_at),
        overlap_until=rfc3339(webhook.overlap_until(now_ms)),
        secret=secret,
    )


def endpoint_test_shape(came: Answer | Unsent) -> EndpointTestShape:
    """Return what came back of a test."""
    if isinstance(came, Unsent):
        return EndpointTestShape(
            delivered=False, status=None, answer="", code=came.code, detail=came.detail, duration_ms=came.duration_ms
        )
    return EndpointTestShape(
        delivered=200 <= came.status < 300,
        status=came.status,
        answer=came.body[:_SHOWN_BYTES].decode("utf-8", "replace"),
        code=None,
        detail="",
        duration_ms=came.duration_ms,
    )
