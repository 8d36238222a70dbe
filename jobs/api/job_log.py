"""`/jobs/{id}/log`: what the attempts at a job wrote down."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.job_shapes import JobLogShape, LogLineShape
from jobs.api.query import refuse_parameters
from jobs.api.view import ApiView
from jobs.domain.instant import instant
from jobs.services import job_reading


class JobLogView(ApiView):
    """The log of one job."""

    def get(self, request: Request, job_id: str) -> Response:
        """Return the kept lines, oldest first."""
        refuse_parameters(request)
        log = job_reading.get_log(self.actor, job_id)
        lines = tuple(LogLineShape(instant(line.at), line.attempt, line.level, line.text) for line in log.lines)
        return Response(JobLogShape(lines))
