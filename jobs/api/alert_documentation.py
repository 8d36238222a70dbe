"""What the documents say about alerts."""

from __future__ import annotations

from typing import Any

from jobs.api.alert_shapes import AlertListShape, AlertShape
from jobs.api.documented import BODY, ON_THING, REFUSED, Answer, Documented
from jobs.domain.alert import (
    DEFAULT_FOR_S,
    DEFAULT_WINDOW,
    MAX_EMAILS,
    MAX_FOR_S,
    MAX_THRESHOLD,
    MAX_WINDOW,
    Metric,
)
from jobs.domain.naming import QUEUE
from jobs.domain.target import MAX_URL

_FIELDS: dict[str, Any] = {
    "metric": {"type": "string", "enum": [each.value for each in Metric]},
    "threshold": {
        "type": "number",
        "minimum": 0,
        "maximum": MAX_THRESHOLD,
        "description": "Bad is what lies above it; of `workers` what lies below.",
    },
    "for_s": {
        "type": "integer",
        "minimum": 0,
        "maximum": MAX_FOR_S,
        "default": DEFAULT_FOR_S,
        "description": "It fires when it was bad for so long, and is over when it was good for so long.",
    },
    "queue": {
        "type": "string",
        "pattern": f"^{QUEUE.pattern}$",
        "description": "Of oldest_age_s: this queue alone.",
    },
    "window_minutes": {
        "type": "integer",
        "minimum": 1,
        "maximum": MAX_WINDOW,
        "default": DEFAULT_WINDOW,
        "description": "Of failure_rate_percent: of the attempts of so many minutes.",
    },
    "emails": {"type": "array", "maxItems": MAX_EMAILS, "items": {"type": "string"}},
    "webhook": {"type": "string", "maxLength": MAX_URL, "description": "Gets a signed POST."},
    "reason": {"type": "string", "maxLength": 500, "description": "Kept in the audit log."},
}
_REQUIRED = ("metric", "threshold")

ALERT_SCHEMAS: dict[str, Any] = {
    "AlertRule": {
        "type": "object",
        "additionalProperties": False,
        "required": list(_REQUIRED),
        "properties": _FIELDS,
    },
    "AlertChange": {
        "type": "object",
        "additionalProperties": False,
        "description": "What is named is changed; null takes a field back to its default.",
        "properties": {
            name: each if name in _REQUIRED else {"anyOf": [each, {"type": "null"}]} for name, each in _FIELDS.items()
        },
    },
}

ALERT_ROUTES: dict[tuple[str, str], Documented] = {
    ("alerts", "GET"): Documented(
        "listAlerts",
        "List what is watched",
        (Answer(200, "All alerts by name, and where each stands.", AlertListShape),),
    ),
    ("alert", "GET"): Documented(
        "getAlert",
        "Look at an alert",
        (Answer(200, "The alert, with the ten newest messages for those who may set it.", AlertShape),),
        refusals=ON_THING,
    ),
    ("alert", "PUT"): Documented(
        "setAlert",
        "Watch something",
        (
            Answer(200, "It is watched like this from now on; a state that it had is forgotten.", AlertShape),
            Answer(201, "It is watched.", AlertShape),
        ),
        "Servers look every 10 seconds and send themselves, so an alert needs neither a worker nor room in the store. "
        "A message that does not arrive is tried again for a day.",
        refusals=(*BODY, *REFUSED, 409),
        request="AlertRule",
        request_example={
            "metric": Metric.OLDEST_AGE.value,
            "threshold": 120,
            "queue": "mail",
            "webhook": "https://ops.example.com/ironforge",
        },
        is_body_required=True,
    ),
    ("alert", "PATCH"): Documented(
        "changeAlert",
        "Change some fields of an alert",
        (Answer(200, "It is watched like this from now on.", AlertShape),),
        "Where it stands stays while it watches the same number: servers judge it by its new threshold at their next "
        "look, and tell new receivers when it changes then. Another metric, queue or window begins anew. Messages to "
        "receivers that it names no more are given up. A webhook where there was none: `secret` is shown once.",
        refusals=(*BODY, *ON_THING, 409),
        request="AlertChange",
        request_example={"threshold": 300, "emails": ["ops@example.com"], "reason": "too early"},
        is_body_required=True,
    ),
    ("alert-rotate", "POST"): Documented(
        "rotateAlertSecret",
        "Make a new secret for the webhook of an alert",
        (Answer(200, "`secret` is shown this once; the one before is signed with for a day.", AlertShape),),
        refusals=(*BODY, *ON_THING, 409),
        request="Reason",
        request_example={"reason": "It stood in a log."},
    ),
    ("alert", "DELETE"): Documented(
        "removeAlert",
        "Watch it no more",
        (Answer(204, "It is gone, with what was not sent yet.", None),),
        refusals=(*BODY, *ON_THING),
        request="Reason",
        request_example={"reason": "The queue is gone."},
    ),
    ("alert-test", "POST"): Documented(
        "testAlert",
        "Try who is told",
        (Answer(202, "Messages that say they are a test are on their way.", AlertShape),),
        refusals=(*BODY, *ON_THING, 409, 429),
        request="Reason",
        request_example={"reason": "A new address."},
    ),
}
