"""`/jobs`: submit, list, look, wait, cancel, re-inject."""

from __future__ import annotations

import time

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.body import Fields, json_body, read_fields, read_optional_object
from jobs.api.job_filter import FILTER_PARAMETERS, REPEATABLE, read_job_filter
from jobs.api.job_shapes import job_list_shape
from jobs.api.query import Query, refuse_parameters
from jobs.api.view import ApiView
from jobs.domain.idempotency import HEADER, checked_key, fingerprint_of
from jobs.domain.job_document import job_shape, submitted_shape
from jobs.domain.status import Status
from jobs.domain.validation import encode_payload
from jobs.services import job_list, job_reading, jobs, submission
from jobs.services.answers import SubmitCode
from jobs.services.job_list import DEFAULT_LIMIT, MAX_LIMIT
from jobs.telemetry.tracing import trace_asked_for

MAX_REASON = 500
_MAX_CURSOR = 400


class JobsView(ApiView):
    """All jobs."""

    def post(self, request: Request) -> Response:
        """Submit a job."""
        refuse_parameters(request)
        key = checked_key(request.headers.get(HEADER))
        body = json_body(request)
        spec = submission.read_spec(body, now_ms=time.time_ns() // 1_000_000)
        fingerprint = fingerprint_of(body) if key else ""
        trace = trace_asked_for(request.headers.get)
        answer = submission.submit_job(self.actor, submission.NewJob(spec, key, fingerprint), trace)
        is_replay = answer.code is SubmitCode.REPLAYED
        headers = {"Location": _beside(request, answer.job_id)}
        if is_replay:
            headers["Idempotent-Replayed"] = "true"
        is_existing = answer.code is SubmitCode.EXISTING
        return Response(
            submitted_shape(answer.job_id, answer.status, answer.created_at, is_existing=is_existing),
            status=200 if is_replay or is_existing else 202,
            headers=headers,
        )

    def get(self, request: Request) -> Response:
        """List jobs."""
        query = Query(request, FILTER_PARAMETERS | {"limit", "cursor"}, repeatable=REPEATABLE)
        wanted = read_job_filter(query)
        limit = query.integer("limit", 1, MAX_LIMIT, DEFAULT_LIMIT)
        cursor = query.text("cursor", _MAX_CURSOR)
        query.finish()
        return Response(job_list_shape(job_list.list_jobs(self.actor, wanted, cursor, limit)))


class JobView(ApiView):
    """One job."""

    def get(self, request: Request, job_id: str) -> Response:
        """Look at a job, or wait for its end."""
        query = Query(request, frozenset({"wait"}))
        wait_s = query.integer("wait", 0, job_reading.MAX_WAIT_S, 0)
        query.finish()
        return Response(job_shape(job_reading.wait_for_job(self.actor, job_id, wait_s)))

    def delete(self, request: Request, job_id: str) -> Response:
        """Cancel a job that does not run."""
        refuse_parameters(request)
        return Response(job_shape(jobs.cancel_job(self.actor, job_id, reason=read_reason(request))))


class JobCancelView(ApiView):
    """Cancelling, of running jobs too."""

    def post(self, request: Request, job_id: str) -> Response:
        """Cancel a job, or ask a running one to stop."""
        refuse_parameters(request)
        job = jobs.cancel_job(self.actor, job_id, running=True, reason=read_reason(request))
        return Response(job_shape(job), status=202 if job.status is Status.RUNNING else 200)


class JobRetryView(ApiView):
    """Re-injection."""

    def post(self, request: Request, job_id: str) -> Response:
        """Send a dead letter back to its queue, with another payload if one is given."""
        refuse_parameters(request)
        source = read_optional_object(request)
        reason = _reason(source, "payload")
        payload = encode_payload(source["payload"]) if "payload" in source else None
        return Response(job_shape(jobs.retry_job(self.actor, job_id, payload=payload, reason=reason)))


def read_reason(request: Request) -> str:
    """Return the reason in an otherwise empty body. Raises InvalidInput."""
    return _reason(read_optional_object(request))


def _reason(source: dict[str, object], *others: str) -> str:
    given: list[str] = []

    def take(fields: Fields) -> None:
        given.append(fields.text("reason", MAX_REASON, default=""))

    read_fields(source, frozenset({"reason", *others}), take)
    return given[0]


def _beside(request: Request, job_id: str) -> str:
    """Return the job's address under the prefix that the client uses."""
    match = request.resolver_match
    prefix = f"{match.namespace}:" if match is not None and match.namespace else ""
    return reverse(f"{prefix}api-job", args=[job_id])
