"""`/jobs/{id}/explain`: why a job is not running."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.explain_shapes import explanation_shape
from jobs.api.query import refuse_parameters
from jobs.api.view import ApiView
from jobs.services import explanations


class JobExplainView(ApiView):
    """An explanation."""

    def get(self, request: Request, job_id: str) -> Response:
        """Say why a job is not running."""
        refuse_parameters(request)
        return Response(explanation_shape(explanations.explain_job(self.actor, job_id)))
