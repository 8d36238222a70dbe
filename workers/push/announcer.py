"""Tells a webhook of the end of a job: a delivery is a job, and this is its handler."""

from __future__ import annotations

import time

import msgspec

from jobs.backends.base import Inspector
from jobs.backends.call import Runner
from jobs.domain.delivery import Delivery, event_of, message_id_of
from jobs.domain.endpoint import WEBHOOK
from jobs.domain.signature import signed_headers
from jobs.domain.trace import TRACEPARENT
from jobs.outbound.posting import Answer, post
from jobs.outbound.rules import Rules
from workers.context import Context
from workers.push.table import EndpointTable
from workers.push.verdicts import SHOWN_BYTES, result_of
from workers.verdict import Discard, StatedFailure

_LIMIT_S = 10.0


class Announcer:
    """Sends deliveries of one namespace."""

    def __init__(self, table: EndpointTable, inspector: Inspector, runner: Runner, rules: Rules) -> None:
        self._table = table
        self._inspector = inspector
        self._runner = runner
        self._rules = rules

    def announce(self, context: Context, payload: object) -> dict[str, object]:
        """Return what the receiver said. Raises a verdict, or BackendUnavailable."""
        delivery = msgspec.convert(payload, Delivery)
        webhook = self._table.find(WEBHOOK)
        url = delivery.url or (webhook.url if webhook else "")
        if not url:
            raise Discard("The namespace has no webhook any more.")
        if webhook is None:
            raise StatedFailure(
                "no_secret", "The namespace has no webhook, whose secret signs: PUT /webhook makes one."
            )
        job = self._runner.run(self._inspector.get_many([delivery.job_id]))[0]
        body = msgspec.json.encode(event_of(delivery, job))
        now_ms = int(time.time() * 1000)
        message_id = message_id_of(delivery, context.job_id)
        headers = signed_headers(webhook.valid_secrets(now_ms), message_id, now_ms // 1000, body) | _trace_of(context)
        came = post(url, body, headers, min(_LIMIT_S, context.remaining_s), self._rules)
        result_of(came, context.attempt)
        assert isinstance(came, Answer)  # noqa: S101 (what is none has raised)
        return {"status_code": came.status, "answer": came.body[:SHOWN_BYTES].decode("utf-8", "replace")}


def _trace_of(context: Context) -> dict[str, str]:
    """Return what lets the receiver go on with the trace.

    `tracestate` stays here: it is other tools' own, and who is told of an end need not be of those who made the trace.
    """
    return {} if context.trace is None else {TRACEPARENT: context.trace.traceparent}
