"""The schemas of the bodies of the worker protocol. Their limits are the domain's own constants."""

from __future__ import annotations

from typing import Any

from jobs.domain import naming
from jobs.domain.error_group import MAX_VERSION
from jobs.domain.job import MAX_DELAY_MS
from jobs.domain.lease import DEFAULT_LEASE_MS, MAX_CLAIM_WAIT_MS, MAX_HTTP_LEASE_MS, MAX_LEASES, MIN_LEASE_MS
from jobs.domain.lease_body import CLAIM_ID, MAX_DURATION_MS, MAX_QUEUES_CLAIMED, OUTCOMES, TOKEN
from jobs.domain.report import LEVELS, MAX_LINES_A_REPORT
from jobs.domain.report_body import MAX_NUMBER
from jobs.domain.worker_body import MAX_CONCURRENCY, MAX_KINDS_KNOWN, MAX_PID, MAX_QUEUES_SERVED, NAME, STATUSES

Schema = dict[str, Any]


def _integer(low: int, high: int, default: int | None, description: str) -> Schema:
    made: Schema = {"type": "integer", "minimum": low, "maximum": high, "description": description}
    return made if default is None else made | {"default": default}


def _text(longest: int, description: str) -> Schema:
    return {"type": "string", "maxLength": longest, "description": description}


def _array(items: Schema, most: int, description: str, *, least: int = 1) -> Schema:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most, "description": description}


def _object(properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    made: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return made | ({"required": list(required)} if required else {})


_QUEUE = {"type": "string", "pattern": f"^{naming.QUEUE.pattern}$"}
_KIND = {"type": "string", "pattern": f"^{naming.KIND.pattern}$"}
_KEY: Schema = {
    "job_id": {"type": "string", "format": "uuid"},
    "lease_token": {"type": "string", "pattern": f"^{TOKEN.pattern}$", "description": "As it came with the job."},
}
_HELD = _object(_KEY, ("job_id", "lease_token"))
_LEASE_MS = _integer(MIN_LEASE_MS, MAX_HTTP_LEASE_MS, DEFAULT_LEASE_MS, "How long the leases are from now on.")
_SETTLEMENT = _object(
    {
        **_KEY,
        "outcome": {"type": "string", "enum": list(OUTCOMES)},
        "result": {"description": "Of `completed`: any JSON. What is larger than 256 KiB is dropped, and said."},
        "error": _object(
            {
                "type": {"type": "string", "minLength": 1, "description": "Short; groups alike failures."},
                "message": {"type": "string"},
                "traceback": {"type": "string"},
            },
            ("type",),
        ),
        "delay_ms": _integer(0, MAX_DELAY_MS, None, "Of `snoozed`: required. Of `failed`: in place of the backoff."),
        "duration_ms": _integer(0, MAX_DURATION_MS, 0, "How long the attempt took."),
    },
    ("job_id", "lease_token", "outcome"),
)
_LINE = _object({"level": {"type": "string", "enum": list(LEVELS), "default": "info"}, "text": {"type": "string"}})
_REPORT = _object(
    {
        **_KEY,
        "number": _integer(1, MAX_NUMBER, None, "Counts the reports of an attempt: a repeated one changes nothing."),
        "progress": _object(
            {"fraction": {"type": "number", "minimum": 0, "maximum": 1}, "text": {"type": "string"}}, ("fraction",)
        ),
        "log": _array({"anyOf": [{"type": "string"}, _LINE]}, MAX_LINES_A_REPORT, "Lines, oldest first.", least=0),
        "checkpoint": {"description": "Any JSON, at most 256 KiB: the next attempt gets it with its lease."},
    },
    ("job_id", "lease_token"),
)

PROTOCOL_SCHEMAS: dict[str, Schema] = {
    "Registration": _object(
        {
            "name": {"type": "string", "pattern": f"^{NAME.pattern}$", "default": "worker"},
            "host": _text(255, "Where it runs."),
            "pid": _integer(0, MAX_PID, 0, "Its process id there."),
            "version": _text(64, "Of the program."),
            "app_version": _text(MAX_VERSION, "Of the code that runs jobs: a new one is marked in the charts."),
            "language": _text(32, "Such as `node` or `go`."),
            "queues": _array(_QUEUE, MAX_QUEUES_SERVED, "What it serves."),
            "kinds": _array(_KIND, MAX_KINDS_KNOWN, "What it can run.", least=0),
            "concurrency": _integer(1, MAX_CONCURRENCY, 1, "How many jobs it runs at a time."),
        },
        ("queues",),
    ),
    "Heartbeat": _object(
        {
            "status": {"type": "string", "enum": list(STATUSES), "default": STATUSES[0]},
            "busy": _integer(0, MAX_CONCURRENCY, None, "How many jobs run; by default as many as leases are named."),
            "leases": _array(_HELD, MAX_LEASES, "To be extended.", least=0),
            "lease_ms": _LEASE_MS,
        }
    ),
    "Farewell": _object({"leases": _array(_HELD, MAX_LEASES, "What it still holds, to be released.", least=0)}),
    "Claim": _object(
        {
            "worker_id": {"type": "string", "pattern": f"^{naming.WORKER_ID.pattern}$"},
            "queues": _array(_QUEUE, MAX_QUEUES_CLAIMED, "In the order in which they are served."),
            "max_jobs": _integer(1, MAX_LEASES, 1, "How many at most."),
            "wait_ms": _integer(0, MAX_CLAIM_WAIT_MS, 0, "How long to wait for the first."),
            "lease_ms": _LEASE_MS,
            "claim_id": {"type": "string", "pattern": f"^{CLAIM_ID.pattern}$", "description": "Makes a repeat safe."},
        },
        ("worker_id", "queues"),
    ),
    "Renewal": _object({"leases": _array(_HELD, MAX_LEASES, "To be extended."), "lease_ms": _LEASE_MS}, ("leases",)),
    "Settlements": _object(
        {
            "settlements": _array(_SETTLEMENT, MAX_LEASES, "In any order."),
            "app_version": _text(MAX_VERSION, "Of the code that ran: error groups name it."),
        },
        ("settlements",),
    ),
    "Reports": _object({"reports": _array(_REPORT, MAX_LEASES, "In any order.")}, ("reports",)),
}
