"""`/jobs/{id}/move` and `/jobs/{id}/reprioritise`: another place for a job that waits."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.body import as_object, read_body
from jobs.api.jobs import MAX_REASON
from jobs.api.query import refuse_parameters
from jobs.api.view import ApiView
from jobs.domain.bulk_operation_body import read_target
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.field_reader import FieldReader
from jobs.domain.job_document import job_shape
from jobs.domain.priority import Priority
from jobs.services import jobs


class JobMoveView(ApiView):
    """Another queue."""

    def post(self, request: Request, job_id: str) -> Response:
        """Put a job that waits into another queue."""
        reader, problems = _reader(request, "queue")
        queue, reason = read_target(reader), reader.text("reason", MAX_REASON)
        if problems:
            raise InvalidInput(problems)
        return Response(job_shape(jobs.move_job(self.actor, job_id, queue, reason=reason)))


class JobReprioritiseView(ApiView):
    """Another priority."""

    def post(self, request: Request, job_id: str) -> Response:
        """Give a job that waits another priority."""
        reader, problems = _reader(request, "priority")
        if not reader.has("priority"):
            reader.refuse("priority", "required", "priority is required.")
        priority = reader.choice("priority", tuple(str(level) for level in Priority), "medium")
        reason = reader.text("reason", MAX_REASON)
        if problems:
            raise InvalidInput(problems)
        return Response(job_shape(jobs.reprioritise_job(self.actor, job_id, Priority(priority), reason=reason)))


def _reader(request: Request, field: str) -> tuple[FieldReader, list[Problem]]:
    refuse_parameters(request)
    problems: list[Problem] = []
    return FieldReader(as_object(read_body(request)), "", problems, frozenset({field, "reason"})), problems
