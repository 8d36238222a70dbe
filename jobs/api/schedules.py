"""`/schedules`: what makes jobs by the clock."""

from __future__ import annotations

import time

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.body import Fields, as_object, read_body, read_fields, read_optional_object
from jobs.api.jobs import MAX_REASON, read_reason
from jobs.api.query import Query, refuse_parameters
from jobs.api.schedule_shapes import (
    ScheduleListShape,
    history_shape,
    preview_shape,
    schedule_shape,
)
from jobs.api.view import ApiView
from jobs.domain.idempotency import HEADER, checked_key
from jobs.domain.job_document import submitted_shape
from jobs.domain.schedule import MAX_JITTER_MS
from jobs.domain.schedule_body import TIMING_FIELDS, read_timing
from jobs.services import schedule_runs, schedules
from jobs.services.schedule_runs import MAX_HISTORY, MAX_PREVIEW
from jobs.telemetry.tracing import trace_asked_for

_USUAL_PREVIEW = 10
_PREVIEW_FIELDS = TIMING_FIELDS | {"timezone", "jitter_ms", "count"}


class SchedulesView(ApiView):
    """All schedules."""

    def get(self, request: Request) -> Response:
        """List the schedules."""
        refuse_parameters(request)
        return Response(ScheduleListShape(tuple(map(schedule_shape, schedules.list_schedules(self.actor)))))

    def post(self, request: Request) -> Response:
        """Make one."""
        refuse_parameters(request)
        source, reason = _without_reason(as_object(read_body(request)))
        made = schedules.create_schedule(self.actor, source, reason=reason)
        return Response(schedule_shape(made), status=201, headers={"Location": _address(request, made.name)})


class ScheduleView(ApiView):
    """One schedule."""

    def get(self, request: Request, name: str) -> Response:
        """Look at it."""
        refuse_parameters(request)
        return Response(schedule_shape(schedules.get_schedule(self.actor, name)))

    def put(self, request: Request, name: str) -> Response:
        """Let it be as the body says, and make it where there is none."""
        refuse_parameters(request)
        source, reason = _without_reason(as_object(read_body(request)))
        made, is_new = schedules.put_schedule(self.actor, name, source, reason=reason)
        return Response(schedule_shape(made), status=201 if is_new else 200)

    def patch(self, request: Request, name: str) -> Response:
        """Change some fields."""
        refuse_parameters(request)
        changes, reason = _without_reason(read_optional_object(request))
        return Response(schedule_shape(schedules.patch_schedule(self.actor, name, changes, reason=reason)))

    def delete(self, request: Request, name: str) -> Response:
        """Remove it."""
        refuse_parameters(request)
        schedules.delete_schedule(self.actor, name, reason=read_reason(request))
        return Response(status=204)


class SchedulePauseView(ApiView):
    """Whether it fires."""

    def post(self, request: Request, name: str) -> Response:
        """Let nothing fire until it is resumed."""
        refuse_parameters(request)
        return Response(schedule_shape(schedules.pause_schedule(self.actor, name, reason=read_reason(request))))


class ScheduleResumeView(ApiView):
    """Whether it fires again."""

    def post(self, request: Request, name: str) -> Response:
        """Let it fire from now on."""
        refuse_parameters(request)
        return Response(schedule_shape(schedules.resume_schedule(self.actor, name, reason=read_reason(request))))


class ScheduleRunView(ApiView):
    """A job by hand."""

    def post(self, request: Request, name: str) -> Response:
        """Make one job now."""
        refuse_parameters(request)
        key = checked_key(request.headers.get(HEADER))
        trace = trace_asked_for(request.headers.get)
        job = schedule_runs.run_schedule(self.actor, name, reason=read_reason(request), key=key, trace=trace)
        headers = {"Location": _address(request, job.id, "api-job")}
        return Response(submitted_shape(job.id, job.status, job.created_at), status=202, headers=headers)


class SchedulePreviewView(ApiView):
    """What it will do."""

    def get(self, request: Request, name: str) -> Response:
        """Return its next instants."""
        query = Query(request, frozenset({"count"}))
        amount = query.integer("count", 1, MAX_PREVIEW, _USUAL_PREVIEW)
        query.finish()
        return Response(preview_shape(schedule_runs.preview_of(self.actor, name, amount)))


class ScheduleTrialView(ApiView):
    """What a schedule would do that nobody has saved."""

    def post(self, request: Request) -> Response:
        """Return its next instants."""
        refuse_parameters(request)
        source = as_object(read_body(request))
        numbers: list[int] = []

        def take(fields: Fields) -> None:
            numbers.append(fields.reader.integer("jitter_ms", 0, MAX_JITTER_MS, 0))
            numbers.append(fields.reader.integer("count", 1, MAX_PREVIEW, _USUAL_PREVIEW))

        read_fields(source, _PREVIEW_FIELDS, take)
        jitter_ms, amount = numbers
        now_ms = int(time.time() * 1000)
        timing = read_timing(source, _PREVIEW_FIELDS, now_ms=now_ms)
        return Response(preview_shape(schedule_runs.preview_timing(self.actor, timing, jitter_ms, amount, now_ms)))


class ScheduleHistoryView(ApiView):
    """What became of its instants."""

    def get(self, request: Request, name: str) -> Response:
        """Return the newest."""
        query = Query(request, frozenset({"limit"}))
        limit = query.integer("limit", 1, MAX_HISTORY, MAX_HISTORY)
        query.finish()
        outcomes = schedule_runs.history_of(self.actor, name, limit)
        return Response(history_shape(outcomes, schedules.get_schedule(self.actor, name).fault))


def _without_reason(source: dict[str, object]) -> tuple[dict[str, object], str]:
    """Return the fields of a schedule, and why it is made or changed."""
    given: list[str] = []
    said = {name: value for name, value in source.items() if name == "reason"}
    read_fields(said, frozenset({"reason"}), lambda fields: given.append(fields.text("reason", MAX_REASON, default="")))
    return {name: value for name, value in source.items() if name != "reason"}, given[0]


def _address(request: Request, thing: str, view: str = "api-schedule") -> str:
    match = request.resolver_match
    prefix = f"{match.namespace}:" if match is not None and match.namespace else ""
    return reverse(f"{prefix}{view}", args=[thing])
