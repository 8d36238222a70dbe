"""What the documents say about the routes of bulk operations and of a job's place."""

from __future__ import annotations

from jobs.api.documented import BODY, ON_THING, REFUSED, Answer, Documented, Parameter
from jobs.api.operation_shapes import OperationListShape, OperationShape, OutcomeListShape
from jobs.domain.bulk_operation import (
    ACTS_ON,
    MAX_CANARY,
    MAX_FACTOR,
    MAX_IDS,
    MAX_PACE_PER_S,
    MAX_WINDOW_MS,
    MIN_FACTOR,
    MIN_WINDOW_MS,
    BulkAction,
)
from jobs.domain.error_group import GROUP_ID
from jobs.domain.job import MAX_TAG_VALUE, MAX_TAGS
from jobs.domain.job_document import JobShape
from jobs.domain.naming import KIND, QUEUE
from jobs.domain.payload_match import MAX_LENGTH, MAX_MATCHES
from jobs.domain.priority import Priority

Schema = dict[str, object]

_JOB_ID = "019a9c4e-7c1f-7d3a-9b1e-5f0c2a7d4e00"
_BULK = {
    "action": "retry",
    "filter": {"kind": "email.send", "error_type": "TimeoutError"},
    "canary": {"first": 20, "window_ms": 60_000, "max_failure_rate": 0.1},
    "pace_per_s": 50,
    "reason": "The mail server is back.",
}
_REASON = {"reason": "Wrong filter."}
_AT = {"Location": "Where to look for it."}
_THE_OPERATION = Answer(200, "The operation.", OperationShape)
_THE_JOB = Answer(200, "The job.", JobShape)
_CURSOR = Parameter("cursor", "`page.next` of an earlier answer.", {"type": "string"})
_LIMIT = Parameter("limit", "Items a page.", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50})
_ONLY_WAITING = "Only queued, scheduled, failed and waiting jobs have a place; others are 409 `not_waiting`."


def _steer(name: str, summary: str, description: str) -> Documented:
    return Documented(
        name,
        summary,
        (_THE_OPERATION,),
        description,
        refusals=(*BODY, *ON_THING, 409),
        request="Reason",
        request_example=_REASON,
    )


OPERATION_ROUTES: dict[tuple[str, str], Documented] = {
    ("job-move", "POST"): Documented(
        "moveJob",
        "Put a job that waits into another queue",
        (_THE_JOB,),
        f"Its priority and the time since which it waits stay. {_ONLY_WAITING}",
        refusals=(*BODY, *ON_THING, 409),
        request="Move",
        request_example={"queue": "bulk"},
        is_body_required=True,
    ),
    ("job-reprioritise", "POST"): Documented(
        "reprioritiseJob",
        "Give a job that waits another priority",
        (_THE_JOB,),
        f"The time since which it waits stays. {_ONLY_WAITING}",
        refusals=(*BODY, *ON_THING, 409),
        request="Reprioritise",
        request_example={"priority": "high"},
        is_body_required=True,
    ),
    ("bulk-operations", "POST"): Documented(
        "startBulkOperation",
        "Act on many jobs, by filter or by id",
        (
            Answer(202, "Begun; a small one is done already.", OperationShape, headers=_AT),
            Answer(200, "A dry run: `counts` says what it would take.", OperationShape, headers=_AT),
        ),
        "`retry` re-injects and `discard` gives up dead letters; `cancel` also asks running jobs to stop; "
        "`reprioritise` and `move` change the place of jobs that wait. Jobs are found first, as they are at the "
        "request: what comes later is not taken. A dry run that takes longer than two seconds is 202.",
        refusals=(*BODY, *REFUSED, 409),
        request="BulkOperation",
        request_example=_BULK,
        is_body_required=True,
    ),
    ("bulk-operations", "GET"): Documented(
        "listBulkOperations",
        "List bulk operations",
        (Answer(200, "A page of them, newest first.", OperationListShape),),
        parameters=(_LIMIT, _CURSOR),
        refusals=ON_THING,
    ),
    ("bulk-operation", "GET"): Documented(
        "getBulkOperation", "Look how far an operation is", (_THE_OPERATION,), refusals=ON_THING
    ),
    ("bulk-outcomes", "GET"): Documented(
        "listBulkOutcomes",
        "List what became of the jobs of an operation",
        (Answer(200, "A page, in the order in which they were taken.", OutcomeListShape),),
        "Kept for 30 days after its end.",
        refusals=ON_THING,
        parameters=(
            _LIMIT,
            _CURSOR,
            Parameter("undone", "Only jobs that were skipped or failed.", {"type": "boolean", "default": False}),
        ),
    ),
    ("bulk-abort", "POST"): _steer("abortBulkOperation", "End an operation", "What is done stays done."),
    ("bulk-pause", "POST"): _steer("pauseBulkOperation", "Hold an operation", "After the step that is under way."),
    ("bulk-resume", "POST"): _steer(
        "resumeBulkOperation",
        "Go on with an operation",
        "One that was paused, that its canary stopped, or a dry run, which is then done to the jobs that it found.",
    ),
}

_TEXT: Schema = {"type": ["string", "null"], "maxLength": 500}
_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
_PRIORITY: Schema = {"type": "string", "enum": [str(level) for level in Priority]}
_QUEUE: Schema = {"type": "string", "pattern": f"^{QUEUE.pattern}$"}


def _object(properties: Schema, *required: str) -> Schema:
    made: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return made | ({"required": list(required)} if required else {})


_STATUSES = sorted({str(status) for statuses in ACTS_ON.values() for status in statuses})
_FILTER = _object(
    {
        "status": {"type": "string", "enum": _STATUSES, "description": "One on which the action acts."},
        "queue": _QUEUE,
        "kind": {"type": "string", "pattern": f"^{KIND.pattern}$"},
        "priority": _PRIORITY,
        "metadata": {
            "type": "object",
            "maxProperties": MAX_TAGS,
            "additionalProperties": {"type": "string", "maxLength": MAX_TAG_VALUE},
        },
        "error_type": {
            "type": "string",
            "maxLength": 200,
            "description": "Of the last error, or the reason of its end.",
        },
        "error": {
            "type": "string",
            "maxLength": 200,
            "description": "Part of the last error or of the reason of its end, in capitals or not.",
        },
        "payload": {
            "type": "array",
            "maxItems": MAX_MATCHES,
            "items": {"type": "string", "maxLength": MAX_LENGTH},
            "description": "Paths and values such as `order.id:42`; all must fit. Needs `payload:read` as well.",
        },
        "error_group": {"type": "string", "pattern": f"^{GROUP_ID.pattern}$", "description": "Of the last failure."},
        "created_after": _TIME,
        "created_before": _TIME,
        "finished_after": _TIME,
        "finished_before": _TIME,
    }
)
_WINDOW: Schema = {"type": "integer", "minimum": MIN_WINDOW_MS, "maximum": MAX_WINDOW_MS}
_RAMP = _object(
    {
        "from_per_s": {
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_PACE_PER_S,
            "description": "The first pace, below pace_per_s.",
        },
        "factor": {"type": "number", "minimum": MIN_FACTOR, "maximum": MAX_FACTOR},
        "every_ms": _WINDOW,
    },
    "from_per_s", "factor", "every_ms",
)  # fmt: skip
_RAISES = "After the canary the pace grows by `factor` each `every_ms`, up to `pace_per_s`."
_CANARY = _object(
    {
        "first": {"type": "integer", "minimum": 1, "maximum": MAX_CANARY},
        "window_ms": _WINDOW,
        "max_failure_rate": {"type": "number", "minimum": 0, "maximum": 1},
        "ramp": _RAMP | {"description": _RAISES},
    },
    "first", "window_ms", "max_failure_rate",
)  # fmt: skip
OPERATION_SCHEMAS: dict[str, Schema] = {
    "Move": _object({"queue": _QUEUE, "reason": _TEXT}, "queue"),
    "Reprioritise": _object({"priority": _PRIORITY, "reason": _TEXT}, "priority"),
    "BulkOperation": _object(
        {
            "action": {"type": "string", "enum": [str(action) for action in BulkAction]},
            "ids": {
                "type": "array",
                "items": {"type": "string", "examples": [_JOB_ID]},
                "minItems": 1,
                "maxItems": MAX_IDS,
            },
            "filter": _FILTER | {"description": "Instead of ids. All that is given must fit; {} means all jobs."},
            "dry_run": {"type": "boolean", "default": False, "description": "Only find and count."},
            "pace_per_s": {"type": ["integer", "null"], "minimum": 1, "maximum": MAX_PACE_PER_S},
            "canary": _CANARY | {"description": "Only with retry."},
            "priority": _PRIORITY | {"description": "Only with reprioritise."},
            "queue": _QUEUE | {"description": "Only with move."},
            "reason": _TEXT,
        },
        "action",
    ),
}
