"""`/deploys`: which version of the application came when."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.body import Fields, as_object, read_body, read_fields
from jobs.api.deploy_shapes import DeployListShape, deploy_shape
from jobs.api.jobs import read_reason
from jobs.api.query import refuse_parameters
from jobs.api.view import ApiView
from jobs.domain.deploy import MAX_LINK, MAX_NOTE, MAX_VERSION
from jobs.domain.reader import parse_instant
from jobs.services import deploys

_FIELDS = frozenset({"version", "at", "note", "link"})


class DeploysView(ApiView):
    """All marks."""

    def get(self, request: Request) -> Response:
        """List them."""
        refuse_parameters(request)
        return Response(DeployListShape(tuple(map(deploy_shape, deploys.list_deploys(self.actor)))))

    def post(self, request: Request) -> Response:
        """Mark a deployment."""
        refuse_parameters(request)
        given: dict[str, str] = {}
        times: list[int | None] = []

        def take(fields: Fields) -> None:
            given["version"] = fields.text("version", MAX_VERSION)
            given["note"] = fields.text("note", MAX_NOTE, default="")
            given["link"] = fields.text("link", MAX_LINK, default="")
            text = fields.text("at", 64, default="")
            times.append(parse_instant(text) if text else None)
            if text and times[0] is None:
                fields.reader.refuse("at", "invalid_time", "at is an RFC 3339 date and time with an offset.")

        read_fields(as_object(read_body(request)), _FIELDS, take)
        made = deploys.mark_deploy(self.actor, given["version"], at_ms=times[0], note=given["note"], link=given["link"])
        return Response(deploy_shape(made), status=201)


class DeployView(ApiView):
    """One mark."""

    def delete(self, request: Request, deploy_id: str) -> Response:
        """Take it away."""
        refuse_parameters(request)
        deploys.remove_deploy(self.actor, deploy_id, reason=read_reason(request))
        return Response(status=204)
