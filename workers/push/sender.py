"""Sends one job to where its kind is bound."""

from __future__ import annotations

import time
from collections.abc import Callable

from jobs import wiring
from jobs.conf import conf
from jobs.domain.endpoint import Endpoint
from jobs.domain.errors import BackendUnavailable
from jobs.domain.naming import DELIVERY_KIND
from jobs.domain.payload import encode_json
from jobs.domain.signature import signed_headers
from jobs.outbound.posting import post
from jobs.outbound.rules import Rules, rules_of
from workers.context import Context
from workers.push.announcer import Announcer
from workers.push.table import EndpointTable
from workers.push.verdicts import result_of
from workers.verdict import Snooze, UnknownKind

_STORE_AWAY_S = 1.0


class Sender:
    """The handler of every kind that has no other."""

    def __init__(self, table: EndpointTable, rules: Rules, announcer: Announcer) -> None:
        self._table = table
        self._rules = rules
        self._announcer = announcer

    def send(self, context: Context, payload: object) -> object:
        """Return what the receiver made of the job. Raises UnknownKind for a kind that is not bound, else a verdict."""
        try:
            if context.kind == DELIVERY_KIND:
                return self._announcer.announce(context, payload)
            endpoint = self._table.find(context.kind)
        except BackendUnavailable:
            raise Snooze(_STORE_AWAY_S) from None
        if endpoint is None:
            raise UnknownKind
        body = encode_json(payload)
        limit_s = min(endpoint.timeout_ms / 1000, context.remaining_s)
        came = post(endpoint.url, body, _headers(context, endpoint, body), limit_s, self._rules)
        return result_of(came, context.attempt)


def sender_of(namespace: str) -> Callable[[Context, object], object]:
    """Return the handler of a namespace's bound kinds."""
    table = EndpointTable(wiring.backend().endpoints(namespace), wiring.runner())
    rules = rules_of(conf().push_allow, conf().allowed_hosts)
    announcer = Announcer(table, wiring.backend().inspector(namespace), wiring.runner(), rules)
    return Sender(table, rules, announcer).send


def _headers(context: Context, endpoint: Endpoint, body: bytes) -> dict[str, str]:
    now_ms = int(time.time() * 1000)
    signed = signed_headers(endpoint.valid_secrets(now_ms), context.job_id, now_ms // 1000, body)
    return signed | {
        "ironforge-job-id": context.job_id,
        "ironforge-kind": context.kind,
        "ironforge-attempt": str(context.attempt),
        "ironforge-lease-token": context.lease_token,
        "ironforge-namespace": context.namespace,
        **(context.trace.headers() if context.trace is not None else {}),
    }
