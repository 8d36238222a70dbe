"""`/webhook` and `/deliveries`: who hears of the ends of jobs, and what came of it."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.body import Fields, as_object, read_body, read_fields
from jobs.api.delivery_shapes import delivery_list_shape, delivery_shape
from jobs.api.endpoint_shapes import webhook_shape
from jobs.api.jobs import MAX_REASON, read_reason
from jobs.api.query import Query, refuse_parameters
from jobs.api.view import ApiView
from jobs.domain.status import FINAL, Status
from jobs.domain.target import MAX_URL
from jobs.services import deliveries, webhooks
from jobs.services.endpoints import now_ms

_ID_LENGTH = 64
_CURSOR_LENGTH = 500


class WebhookView(ApiView):
    """The namespace's webhook."""

    def get(self, request: Request) -> Response:
        """Look at it."""
        refuse_parameters(request)
        return Response(webhook_shape(webhooks.get_webhook(self.actor), now_ms()))

    def put(self, request: Request) -> Response:
        """Set it."""
        refuse_parameters(request)
        url, reason, statuses = _read(request)
        bound = webhooks.set_webhook(self.actor, url, statuses, reason=reason)
        shape = webhook_shape(bound.endpoint, now_ms(), bound.secret)
        return Response(shape, status=201 if bound.is_new else 200)

    def delete(self, request: Request) -> Response:
        """Remove it."""
        refuse_parameters(request)
        webhooks.remove_webhook(self.actor, reason=read_reason(request))
        return Response(status=204)


class WebhookRotateView(ApiView):
    """New secrets."""

    def post(self, request: Request) -> Response:
        """Make a new secret."""
        refuse_parameters(request)
        bound = webhooks.rotate_webhook(self.actor, reason=read_reason(request))
        return Response(webhook_shape(bound.endpoint, now_ms(), bound.secret))


class DeliveriesView(ApiView):
    """The log."""

    def get(self, request: Request) -> Response:
        """List deliveries: those about one job, or all, by status."""
        query = Query(request, frozenset({"job_id", "status", "limit", "cursor"}))
        job_id, cursor = query.text("job_id", _ID_LENGTH), query.text("cursor", _CURSOR_LENGTH)
        status = query.choice("status", Status)
        limit = query.integer("limit", 1, deliveries.MAX_DELIVERIES, deliveries.MAX_DELIVERIES)
        query.finish()
        if job_id is None:
            page = deliveries.list_deliveries(self.actor, status, cursor, limit)
        else:
            page = deliveries.deliveries_of(self.actor, job_id)
        return Response(delivery_list_shape(page))


class DeliveryResendView(ApiView):
    """Telling once more."""

    def post(self, request: Request, delivery_id: str) -> Response:
        """Make a delivery anew."""
        refuse_parameters(request)
        logged = deliveries.resend_delivery(self.actor, delivery_id, reason=read_reason(request))
        return Response(delivery_shape(logged), status=202)


def _read(request: Request) -> tuple[str, str, list[str]]:
    texts: list[str] = []
    statuses: list[str] = sorted(FINAL)

    def take(fields: Fields) -> None:
        texts.extend([fields.text("url", MAX_URL, default=""), fields.text("reason", MAX_REASON, default="")])
        if "statuses" in fields.source:
            statuses[:] = fields.texts("statuses", len(FINAL))

    read_fields(as_object(read_body(request)), frozenset({"url", "statuses", "reason"}), take)
    url, reason = texts
    return url, reason, statuses
