"""`/workflows`: graphs of jobs."""

from __future__ import annotations

import time

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.body import json_body
from jobs.api.jobs import read_reason
from jobs.api.query import Query, refuse_parameters
from jobs.api.shapes import PageShape
from jobs.api.view import ApiView
from jobs.api.workflow_shapes import WorkflowListShape, summary_shape, workflow_shape
from jobs.domain.bulk_body import MAX_BULK_BYTES
from jobs.domain.idempotency import HEADER, checked_key, fingerprint_of
from jobs.domain.workflow import WorkflowStatus
from jobs.domain.workflow_body import read_added, read_workflow
from jobs.services import workflow_submission, workflows
from jobs.services.workflow_cursor import cursor_of, place_of
from jobs.services.workflows import MAX_LISTED
from jobs.telemetry.tracing import trace_asked_for

_USUAL_LIMIT = 50


class WorkflowsView(ApiView):
    """All workflows."""

    def get(self, request: Request) -> Response:
        """List them."""
        query = Query(request, frozenset({"status", "limit", "cursor"}))
        status = query.choice("status", WorkflowStatus)
        limit = query.integer("limit", 1, MAX_LISTED, _USUAL_LIMIT)
        cursor = query.text("cursor", 64)
        query.finish()
        page = workflows.list_workflows(self.actor, status, place_of(cursor), limit)
        return Response(WorkflowListShape(tuple(map(summary_shape, page.workflows)), PageShape(cursor_of(page.after))))

    def post(self, request: Request) -> Response:
        """Put one in."""
        refuse_parameters(request)
        key = checked_key(request.headers.get(HEADER))
        body = json_body(request, MAX_BULK_BYTES)
        spec = read_workflow(body, now_ms=time.time_ns() // 1_000_000)
        fingerprint = fingerprint_of(body) if key else ""
        details, is_replay = workflow_submission.submit_workflow(
            self.actor, spec, key=key, fingerprint=fingerprint, trace=trace_asked_for(request.headers.get)
        )
        headers = {"Location": _address(request, details.workflow.id)}
        if is_replay:
            headers["Idempotent-Replayed"] = "true"
        return Response(workflow_shape(details), status=200 if is_replay else 202, headers=headers)


class WorkflowView(ApiView):
    """One workflow."""

    def get(self, request: Request, workflow_id: str) -> Response:
        """Look at it and its steps."""
        refuse_parameters(request)
        return Response(workflow_shape(workflows.get_workflow(self.actor, workflow_id)))


class WorkflowCancelView(ApiView):
    """The end of what has not ended."""

    def post(self, request: Request, workflow_id: str) -> Response:
        """Cancel the rest."""
        refuse_parameters(request)
        reason = read_reason(request)
        return Response(workflow_shape(workflows.cancel_workflow(self.actor, workflow_id, reason=reason)))


class WorkflowRetryView(ApiView):
    """A further run of what failed."""

    def post(self, request: Request, workflow_id: str) -> Response:
        """Run again the steps that failed or were cancelled."""
        refuse_parameters(request)
        reason = read_reason(request)
        return Response(workflow_shape(workflows.retry_workflow(self.actor, workflow_id, reason=reason)))


class WorkflowStepsView(ApiView):
    """Steps that are added while it runs."""

    def post(self, request: Request, workflow_id: str) -> Response:
        """Add steps, for who holds the lease of one."""
        refuse_parameters(request)
        body = json_body(request)
        holder, token, steps = read_added(body, now_ms=time.time_ns() // 1_000_000)
        trace = trace_asked_for(request.headers.get)
        details = workflow_submission.add_steps(self.actor, workflow_id, holder, token, steps, trace=trace)
        return Response(workflow_shape(details))


def _address(request: Request, workflow_id: str) -> str:
    """Return the workflow's address under the prefix that the client uses."""
    match = request.resolver_match
    prefix = f"{match.namespace}:" if match is not None and match.namespace else ""
    return reverse(f"{prefix}api-workflow", args=[workflow_id])
