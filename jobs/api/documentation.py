"""What the documents say about each method of each route: the words and the examples, and nothing that acts."""

from __future__ import annotations

from jobs.api.alert_documentation import ALERT_ROUTES
from jobs.api.deploy_documentation import DEPLOY_ROUTES
from jobs.api.documented import BODY, JSON, ON_THING, REFUSED, Answer, Documented, Parameter
from jobs.api.endpoint_documentation import ENDPOINT_ROUTES
from jobs.api.error_group_documentation import ERROR_GROUP_ROUTES
from jobs.api.explain_documentation import EXPLAIN_ROUTES
from jobs.api.export_parameters import EXPORT_PARAMETERS
from jobs.api.health_shapes import HealthShape, StatusShape
from jobs.api.history_documentation import HISTORY_ROUTES
from jobs.api.job_shapes import JobListShape, JobLogShape
from jobs.api.job_view_documentation import VIEW_ROUTES
from jobs.api.limit_documentation import LIMIT_ROUTES
from jobs.api.operation_documentation import OPERATION_ROUTES
from jobs.api.operation_shapes import OperationShape
from jobs.api.protocol_documentation import PROTOCOL_ROUTES
from jobs.api.queue_shapes import PurgedShape, QueueListShape, QueueShape, StatsShape
from jobs.api.scaling_documentation import SCALING_ROUTES
from jobs.api.schedule_documentation import SCHEDULE_ROUTES
from jobs.api.submission_headers import submission_headers
from jobs.api.system_documentation import SYSTEM_ROUTES
from jobs.api.tenant_documentation import TENANT_ROUTES
from jobs.api.unique_documentation import UNIQUE_ROUTES
from jobs.api.worker_documentation import WORKER_ROUTES
from jobs.api.workflow_documentation import WORKFLOW_ROUTES
from jobs.domain.bulk_document import BulkShape
from jobs.domain.error_group import GROUP_ID
from jobs.domain.job_document import JobShape, SubmittedShape
from jobs.domain.priority import Priority
from jobs.domain.status import Status

DESCRIPTION = (
    "Submit jobs, look at them, steer queues. JSON only, UTF-8, no trailing slashes; every refusal is a problem "
    "document (RFC 9457) with a stable `code`. Every answer carries `X-Request-ID`, which you may choose yourself."
)
JOB_ID = "019a9c4e-7c1f-7d3a-9b1e-5f0c2a7d4e00"


_TEXT = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}

_LIST = (
    Parameter("status", "Only jobs in this status.", {"type": "string", "enum": [str(status) for status in Status]}),
    Parameter("queue", "Only this queue.", _TEXT),
    Parameter("kind", "Only this kind.", _TEXT),
    Parameter("priority", "Only this priority.", {"type": "string", "enum": [str(level) for level in Priority]}),
    Parameter(
        "metadata",
        "Only jobs with this tag, `name:value`; may be repeated, then all must be there.",
        {"type": "array", "items": _TEXT},
        example=["team:payments"],
    ),
    Parameter("error_type", "Only jobs whose last error has this type, or whose end has this reason.", _TEXT),
    Parameter("error", "Only jobs with this text in their last error or the reason of their end.", _TEXT),
    Parameter(
        "error_group",
        "Only jobs whose last failure is of this group.",
        {"type": "string", "pattern": f"^{GROUP_ID.pattern}$"},
    ),
    Parameter(
        "payload",
        "Only jobs with this value at this path of their payload; of a list one item is enough. May be repeated up to "
        "three times. Needs `payload:read` as well.",
        {"type": "array", "items": _TEXT},
        example=["order.id:42"],
    ),
    Parameter("created_after", "Only jobs submitted then or later.", _TIME),
    Parameter("created_before", "Only jobs submitted then or earlier.", _TIME),
    Parameter("limit", "Jobs a page.", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}),
    Parameter("cursor", "`page.next` or `page.prev` of an earlier answer.", _TEXT),
)
_HEADERS = submission_headers("job")
_NEW_JOB = {
    "kind": "email.send",
    "payload": {"to": "user@example.com", "template": "welcome"},
    "priority": "high",
    "max_retries": 3,
}
_SUBMITTED = {"id": JOB_ID, "status": "queued", "created_at": "2026-01-17T10:30:00.000Z"}
_SUBMITTED_BULK = {"items": [{"index": 0, "id": JOB_ID, "status": "queued"}], "accepted": 1, "rejected": 0}
_BULK_ITEMS = (
    "An item for each job, in order: accepted, or with the problem that kept it out. Read `rejected`: what the store "
    "could not take in time is told here too (`overloaded`, `retryable`), not by the status; submit such jobs again."
)
_REASON = {"reason": "The mail server is down."}
_AT = {"Location": "Where to look for it."}
_THE_JOB = Answer(200, "The job.", JobShape)
_THE_QUEUE = Answer(200, "The queue.", QueueShape)
_STATUS = {"status": "ok"}


DOCUMENTED: dict[tuple[str, str], Documented] = {
    ("jobs", "POST"): Documented(
        "submitJob",
        "Submit a job",
        (
            Answer(202, "Accepted: it is stored and will run.", SubmittedShape, _SUBMITTED, headers=_AT),
            Answer(200, "The same Idempotency-Key again: the first job.", SubmittedShape, _SUBMITTED, headers=_AT),
        ),
        refusals=(*BODY, *REFUSED, 429),
        parameters=_HEADERS,
        request="NewJob",
        request_example=_NEW_JOB,
        is_body_required=True,
    ),
    ("jobs-bulk", "POST"): Documented(
        "submitJobs",
        "Submit many jobs",
        (Answer(202, _BULK_ITEMS, BulkShape, _SUBMITTED_BULK),),
        description=(
            "1–10 000 jobs, 16 MiB at most: a JSON array, or one object a line as `application/x-ndjson`. Job number "
            "i uses the idempotency key `<key>:<i>`."
        ),
        refusals=(*BODY, *REFUSED, 429),
        parameters=(
            Parameter(
                "atomic",
                "Store all jobs or none; at most 1 000. One that is not valid then refuses the request.",
                {"type": "boolean", "default": False},
            ),
            *_HEADERS,
        ),
        request="NewJobs",
        request_example=[_NEW_JOB],
        is_body_required=True,
    ),
    ("jobs", "GET"): Documented(
        "listJobs",
        "List jobs",
        (Answer(200, "A page of jobs, without payloads and results.", JobListShape),),
        "Newest submission first; queued jobs in the order in which they will run; scheduled and failed ones by due "
        "time; other statuses newest change first. A request looks at 10 000 jobs at most and says so.",
        parameters=_LIST,
    ),
    ("jobs-export", "GET"): Documented(
        "exportJobs",
        "Export what a list finds",
        (Answer(200, "A job a line, in the order of the list.", None, media_type="application/x-ndjson"),),
        'As JSON the last line is `{"end": {"jobs": …, "next": …}}`; an answer without it was cut off. CSV has a '
        "last row `# more: cursor=…` only if there is more. Looks at 1 000 000 jobs at most. `payload` and `result` "
        "are columns for who has `payload:read`; texts that a spreadsheet would take for formulas begin with `'`.",
        parameters=(*_LIST[:-2], *EXPORT_PARAMETERS, _LIST[-1]),
    ),
    ("job", "GET"): Documented(
        "getJob",
        "Look at a job",
        (_THE_JOB,),
        "`payload` and `result` take the scope `payload:read`.",
        refusals=ON_THING,
        parameters=(
            Parameter(
                "wait",
                "Wait up to so many seconds for a final state. Too many waiting at once: the answer comes at once.",
                {"type": "integer", "minimum": 0, "maximum": 30, "default": 0},
            ),
        ),
    ),
    ("job", "DELETE"): Documented(
        "cancelWaitingJob", "Cancel a job that does not run", (_THE_JOB,), refusals=(*BODY, *ON_THING, 409)
    ),
    ("job-cancel", "POST"): Documented(
        "cancelJob",
        "Cancel a job, running or not",
        (_THE_JOB, Answer(202, "It runs, and was asked to stop.", JobShape)),
        refusals=(*BODY, *ON_THING, 409),
        request="Reason",
        request_example=_REASON,
    ),
    ("job-retry", "POST"): Documented(
        "retryJob",
        "Re-inject a dead letter",
        (_THE_JOB,),
        "A payload replaces that of the job, and the key of its limit follows; 429 where the quota has no room for it.",
        refusals=(*BODY, *ON_THING, 409, 429),
        request="Retry",
        request_example={"payload": {"to": "user@example.com"}},
    ),
    ("job-log", "GET"): Documented(
        "getJobLog",
        "Read what a job's attempts wrote down",
        (Answer(200, "The kept lines, oldest first.", JobLogShape),),
        "At most 1 000 lines and 256 KiB a job; the oldest go first. Takes the scope `payload:read`.",
        refusals=ON_THING,
    ),
    ("queues", "GET"): Documented("listQueues", "List the queues", (Answer(200, "All queues.", QueueListShape),)),
    ("queue-stats", "GET"): Documented(
        "queueStats",
        "Count jobs by status and priority",
        (Answer(200, "The numbers at one instant.", StatsShape),),
        parameters=(
            Parameter(
                "minutes",
                "How many minutes of history.",
                {"type": "integer", "minimum": 2, "maximum": 1440, "default": 15},
            ),
        ),
    ),
    **SCALING_ROUTES,
    ("queue", "GET"): Documented("getQueue", "Look at a queue", (_THE_QUEUE,), refusals=ON_THING),
    ("queue", "PATCH"): Documented(
        "updateQueue",
        "Change a queue",
        (_THE_QUEUE,),
        "What is named changes, the rest stays. `paused`: whether its jobs are held back. `limit`: how many of its "
        "jobs run at once (`concurrency`) and start in a time (`rate`); null ends it. `fair`: whether the keys of its "
        "jobs take turns, by their `weights` (1 for a key that is not named); null ends that.",
        refusals=(*BODY, *ON_THING),
        request="QueueChange",
        request_example={"paused": False, "limit": {"concurrency": 10}, "fair": {"weights": {"acme": 3}}, **_REASON},
        is_body_required=True,
    ),
    ("queue-pause", "POST"): Documented(
        "pauseQueue",
        "Pause a queue",
        (_THE_QUEUE,),
        refusals=(*BODY, *ON_THING),
        request="Reason",
        request_example=_REASON,
    ),
    ("queue-resume", "POST"): Documented(
        "resumeQueue",
        "Resume a queue",
        (_THE_QUEUE,),
        refusals=(*BODY, *ON_THING),
        request="Reason",
        request_example=_REASON,
    ),
    ("queue-purge", "POST"): Documented(
        "purgeQueue",
        "Delete the jobs of a queue that are ready now",
        (
            Answer(200, "Done.", PurgedShape, {"purged": 1200}),
            Answer(202, "Not done within 2 s: an operation to poll.", OperationShape, headers=_AT),
        ),
        "Jobs that become ready later stay. The audit log and `ironforge_jobs_purged_total` are the record.",
        refusals=(*BODY, *ON_THING),
        request="Purge",
        request_example={"confirm": "main"},
        is_body_required=True,
    ),
    **WORKER_ROUTES,
    **PROTOCOL_ROUTES,
    **SCHEDULE_ROUTES,
    **EXPLAIN_ROUTES,
    **UNIQUE_ROUTES,
    **WORKFLOW_ROUTES,
    **LIMIT_ROUTES,
    **ENDPOINT_ROUTES,
    **TENANT_ROUTES,
    **ALERT_ROUTES,
    **VIEW_ROUTES,
    **HISTORY_ROUTES,
    **ERROR_GROUP_ROUTES,
    **DEPLOY_ROUTES,
    **OPERATION_ROUTES,
    **SYSTEM_ROUTES,
    ("health", "GET"): Documented(
        "health",
        "Whether store and database answer",
        (Answer(200, "Jobs flow.", HealthShape, _STATUS),),
        "Details for authenticated and local callers.",
        refusals=(503,),
    ),
    ("health-live", "GET"): Documented(
        "live", "Whether this process answers", (Answer(200, "It does.", StatusShape, _STATUS),), refusals=()
    ),
    ("health-ready", "GET"): Documented(
        "ready", "Whether jobs can be taken", (Answer(200, "They can.", StatusShape, _STATUS),), refusals=(503,)
    ),
    ("metrics", "GET"): Documented(
        "metrics",
        "Metrics for Prometheus",
        (Answer(200, "The text format 0.0.4.", None, media_type="text/plain"),),
        "From this machine without a key; else with `jobs:read` or `admin`, which shows the key's own namespace. "
        "An admin key of the namespace `default` sees all.",
        refusals=(401, 403, 422, 503),
    ),
    ("openapi", "GET"): Documented(
        "openapi", "This document", (Answer(200, "OpenAPI 3.1.", None, media_type=JSON),), refusals=()
    ),
    ("docs", "GET"): Documented(
        "docs", "This document for people", (Answer(200, "A page.", None, media_type="text/html"),), refusals=()
    ),
}
