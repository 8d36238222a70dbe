"""`/metrics`: what Prometheus reads; from this machine, or with a key."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from jobs.api.credentials import authenticate, is_local
from jobs.api.query import refuse_parameters
from jobs.api.view import ApiView
from jobs.services.metrics import metrics_text
from jobs.telemetry.exposition import CONTENT_TYPE


class MetricsView(ApiView):
    """The metrics."""

    # It judges its callers itself: a program on this machine needs no key here even where all else needs one.
    is_public = True

    def get(self, request: Request) -> HttpResponse:
        """Return the metrics of all namespaces, or of the key's."""
        actor = None if is_local(request) else authenticate(request)
        refuse_parameters(request)
        return HttpResponse(metrics_text(actor), content_type=CONTENT_TYPE)
