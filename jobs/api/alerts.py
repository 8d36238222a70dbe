"""`/alerts`: what is watched, and who is told."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.alert_shapes import AlertListShape, alert_shape
from jobs.api.body import as_object, read_body
from jobs.api.jobs import MAX_REASON, read_reason
from jobs.api.query import refuse_parameters
from jobs.api.view import ApiView
from jobs.domain.alert_body import read_rule
from jobs.services import alerts


class AlertsView(ApiView):
    """All alerts."""

    def get(self, request: Request) -> Response:
        """List them."""
        refuse_parameters(request)
        return Response(AlertListShape(tuple(map(alert_shape, alerts.list_alerts(self.actor)))))


class AlertView(ApiView):
    """One alert."""

    def get(self, request: Request, name: str) -> Response:
        """Look at it and at what was sent."""
        refuse_parameters(request)
        return Response(alert_shape(alerts.get_alert(self.actor, name), is_whole=True))

    def put(self, request: Request, name: str) -> Response:
        """Set it."""
        refuse_parameters(request)
        rule, reason = read_rule(name, as_object(read_body(request)), MAX_REASON)
        done = alerts.set_alert(self.actor, rule, reason=reason)
        return Response(alert_shape(done.details, secret=done.secret), status=201 if done.is_new else 200)

    def patch(self, request: Request, name: str) -> Response:
        """Change some fields of it."""
        refuse_parameters(request)
        done = alerts.change_alert(self.actor, name, as_object(read_body(request)), max_reason=MAX_REASON)
        return Response(alert_shape(done.details, secret=done.secret))

    def delete(self, request: Request, name: str) -> Response:
        """Watch it no more."""
        refuse_parameters(request)
        alerts.remove_alert(self.actor, name, reason=read_reason(request))
        return Response(status=204)


class AlertRotateView(ApiView):
    """New secrets."""

    def post(self, request: Request, name: str) -> Response:
        """Make a new secret."""
        refuse_parameters(request)
        done = alerts.rotate_alert(self.actor, name, reason=read_reason(request))
        return Response(alert_shape(done.details, secret=done.secret))


class AlertTestView(ApiView):
    """A try of who is told."""

    def post(self, request: Request, name: str) -> Response:
        """Send a message that says it is a test."""
        refuse_parameters(request)
        tried = alerts.try_alert(self.actor, name, reason=read_reason(request))
        return Response(alert_shape(tried, is_whole=True), status=202)
