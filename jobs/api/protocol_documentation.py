"""What the documents say about the worker protocol: the words and the examples. For people: docs/protocol.md."""

from __future__ import annotations

from jobs.api.documented import BODY, ON_THING, REFUSED, Answer, Documented
from jobs.domain.lease import DEFAULT_LEASE_MS
from jobs.domain.worker_document import (
    ClaimedShape,
    ExtendedShape,
    HeartbeatShape,
    RegisteredShape,
    ReportedShape,
    SettledShape,
)

_JOB_ID = "019a9c4e-7c1f-7d3a-9b1e-5f0c2a7d4e00"
_WORKER_ID = "mailer-8f3b1c9d2e4a5f60"
_PROOF = "0f1e2d3c4b5a69788796a5b4c3d2e1f0-5f0c2a7d4e00"
_HELD = {"job_id": _JOB_ID, "lease_token": _PROOF}
_EXTENDED = {"extended": [_JOB_ID], "lost": [], "cancel_requested": []}
_TIME = "2026-01-17T10:30:00.000Z"
_REFUSALS = (*BODY, *REFUSED, 501)
_OF_WORKER = (*BODY, *ON_THING, 501)

PROTOCOL_ROUTES: dict[tuple[str, str], Documented] = {
    ("workers", "POST"): Documented(
        "registerWorker",
        "Begin the life of a worker",
        (
            Answer(
                201,
                "Its id, which no other worker ever has.",
                RegisteredShape,
                {"worker_id": _WORKER_ID, "lease_ms": DEFAULT_LEASE_MS, "heartbeat_ms": 3000},
                headers={"Location": "Where its life is ended."},
            ),
        ),
        "For workers in any language; those in Python that reach the store need none of this.",
        refusals=(*_REFUSALS, 429),
        request="Registration",
        request_example={"name": "mailer", "language": "node", "queues": ["main"], "concurrency": 10},
        is_body_required=True,
    ),
    ("worker-heartbeat", "POST"): Documented(
        "beat",
        "Say that a worker lives, and extend what it holds",
        (Answer(200, "What it shall do.", HeartbeatShape, {"order": "run", **_EXTENDED, "server_time": _TIME}),),
        "`order` is `run`, `quiet` (finish, claim nothing) or `terminate` (finish, say goodbye, end).",
        refusals=_OF_WORKER,
        request="Heartbeat",
        request_example={"status": "running", "busy": 1, "leases": [_HELD]},
    ),
    ("worker", "DELETE"): Documented(
        "endWorker",
        "End the life of a worker",
        (Answer(204, "It is forgotten, and what it named goes back without an attempt.", None),),
        refusals=_OF_WORKER,
        request="Farewell",
        request_example={"leases": [_HELD]},
    ),
    ("leases", "POST"): Documented(
        "claimJobs",
        "Claim jobs, waiting for the first",
        (Answer(200, "What was claimed, perhaps nothing.", ClaimedShape, {"leases": [], "server_time": _TIME}),),
        "Of one worker one claim waits at a time: a second one ends the first. The same `claim_id` again answers with "
        "the same leases while any of them is held.",
        refusals=(*_OF_WORKER, 429),
        request="Claim",
        request_example={"worker_id": _WORKER_ID, "queues": ["main"], "max_jobs": 10, "wait_ms": 20000},
        is_body_required=True,
    ),
    ("leases-extend", "POST"): Documented(
        "extendLeases",
        "Extend leases",
        (Answer(200, "Jobs by what became of their leases.", ExtendedShape, _EXTENDED),),
        refusals=_REFUSALS,
        request="Renewal",
        request_example={"leases": [_HELD], "lease_ms": DEFAULT_LEASE_MS},
        is_body_required=True,
    ),
    ("leases-settle", "POST"): Documented(
        "settleLeases",
        "Say how attempts ended",
        (
            Answer(
                200,
                "An entry for each, in order.",
                SettledShape,
                {"results": [{"job_id": _JOB_ID, "status": "completed"}, {"job_id": _JOB_ID, "code": "lease_lost"}]},
            ),
        ),
        "The same settlement again answers as the first time.",
        refusals=_REFUSALS,
        request="Settlements",
        request_example={"settlements": [{**_HELD, "outcome": "completed", "result": {"sent": 1}, "duration_ms": 12}]},
        is_body_required=True,
    ),
    ("leases-report", "POST"): Documented(
        "reportProgress",
        "Say how attempts get on",
        (
            Answer(
                200,
                "An entry for each, in order.",
                ReportedShape,
                {"results": [{"job_id": _JOB_ID, "accepted": True}]},
            ),
        ),
        "Progress, lines of log and a checkpoint, from which the next attempt goes on.",
        refusals=_REFUSALS,
        request="Reports",
        request_example={
            "reports": [
                {
                    **_HELD,
                    "number": 1,
                    "progress": {"fraction": 0.4, "text": "2 of 5"},
                    "log": ["sent 2"],
                    "checkpoint": 2,
                }
            ]
        },
        is_body_required=True,
    ),
}
