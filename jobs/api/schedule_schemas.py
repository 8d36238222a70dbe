"""The schemas of what is sent to the routes of schedules."""

from __future__ import annotations

from jobs.api.request_schemas import REQUEST_SCHEMAS, Schema
from jobs.domain import naming
from jobs.domain.cron import MAX_CRON
from jobs.domain.schedule import (
    DEFAULT_CATCH_UP_LIMIT,
    MAX_CATCH_UP_LIMIT,
    MAX_EVERY_MS,
    MAX_JITTER_MS,
    MIN_EVERY_MS,
)
from jobs.domain.schedule_body import NOT_OF_ITS_JOBS
from jobs.domain.schedule_policy import CatchUp, Overlap
from jobs.services.schedule_runs import MAX_PREVIEW

_TIMING: Schema = {
    "cron": {
        "type": ["string", "null"],
        "maxLength": MAX_CRON,
        "description": "Five fields, or `@daily` and the like.",
    },
    "every_ms": {"type": ["integer", "null"], "minimum": MIN_EVERY_MS, "maximum": MAX_EVERY_MS},
    "at": {"type": ["string", "null"], "format": "date-time", "description": "Once, within the next five years."},
    "timezone": {"type": ["string", "null"], "default": "UTC", "description": "A zone of the IANA database."},
    "jitter_ms": {
        "type": "integer",
        "minimum": 0,
        "maximum": MAX_JITTER_MS,
        "default": 0,
        "description": "Each job waits a part of it, the same one whoever reckons it.",
    },
}
_REASON: Schema = REQUEST_SCHEMAS["Reason"]["properties"]
_OF_JOBS: Schema = {
    name: schema for name, schema in REQUEST_SCHEMAS["NewJob"]["properties"].items() if name not in NOT_OF_ITS_JOBS
}
_SCHEDULE: Schema = {
    "name": {"type": "string", "pattern": f"^{naming.QUEUE.pattern}$"},
    **_TIMING,
    "catch_up": {
        "type": "string",
        "enum": [str(policy) for policy in CatchUp],
        "default": CatchUp.LATEST.value,
        "description": "What is done about instants that nobody was there for.",
    },
    "catch_up_limit": {
        "type": ["integer", "null"],
        "minimum": 1,
        "maximum": MAX_CATCH_UP_LIMIT,
        "description": f"With `all`: no more than so many, the newest; {DEFAULT_CATCH_UP_LIMIT} by default.",
    },
    "overlap": {
        "type": "string",
        "enum": [str(policy) for policy in Overlap],
        "default": Overlap.ALLOW.value,
        "description": "Whether it fires while the job of the instant before is not final, or has not started.",
    },
    **_OF_JOBS,
    **_REASON,
}


def _object(properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    made: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return made | ({"required": list(required)} if required else {})


SCHEDULE_SCHEMAS: dict[str, Schema] = {
    "Schedule": _object(_SCHEDULE, ("kind",)),
    "ScheduleChange": _object(_SCHEDULE),
    "Timing": _object({**_TIMING, "count": {"type": "integer", "minimum": 1, "maximum": MAX_PREVIEW, "default": 10}}),
}
