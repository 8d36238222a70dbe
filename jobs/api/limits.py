"""`/limits`: how many jobs of a kind run at once, and start in a time."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.body import Fields, as_object, read_body, read_fields
from jobs.api.jobs import MAX_REASON, read_reason
from jobs.api.limit_shapes import LimitListShape, limit_shape
from jobs.api.query import refuse_parameters
from jobs.api.view import ApiView
from jobs.domain.field_reader import FieldReader
from jobs.domain.limit import MAX_CONCURRENCY, MAX_PERIOD_MS, MAX_STARTS, Rate
from jobs.services import limits

_FIELDS = frozenset({"concurrency", "rate", "reason"})
_RATE_FIELDS = frozenset({"starts", "period_ms", "burst"})


class LimitsView(ApiView):
    """All limits."""

    def get(self, request: Request) -> Response:
        """List the limits."""
        refuse_parameters(request)
        return Response(LimitListShape(tuple(map(limit_shape, limits.list_limits(self.actor)))))


class LimitView(ApiView):
    """The limits of one kind."""

    def get(self, request: Request, kind: str) -> Response:
        """Look at them."""
        refuse_parameters(request)
        return Response(limit_shape(limits.get_limit(self.actor, kind)))

    def put(self, request: Request, kind: str) -> Response:
        """Limit the kind."""
        refuse_parameters(request)
        numbers: list[int | None] = []
        rates: list[Rate | None] = []
        reasons: list[str] = []

        def take(fields: Fields) -> None:
            numbers.append(_optional(fields, "concurrency", MAX_CONCURRENCY))
            rates.append(_rate(fields))
            reasons.append(fields.text("reason", MAX_REASON, default=""))

        read_fields(as_object(read_body(request)), _FIELDS, take)
        use, is_new = limits.set_limit(self.actor, kind, concurrency=numbers[0], rate=rates[0], reason=reasons[0])
        return Response(limit_shape(use), status=201 if is_new else 200)

    def delete(self, request: Request, kind: str) -> Response:
        """End its limits."""
        refuse_parameters(request)
        limits.drop_limit(self.actor, kind, reason=read_reason(request))
        return Response(status=204)


def _optional(fields: Fields, name: str, most: int) -> int | None:
    return None if fields.source.get(name) is None else fields.reader.integer(name, 1, most, 1)


def _rate(fields: Fields) -> Rate | None:
    source = fields.source.get("rate")
    if source is None:
        return None
    if not isinstance(source, dict):
        fields.reader.refuse("rate", "invalid_type", "rate must be an object.")
        return None
    inner = FieldReader(source, "/rate", fields.problems, _RATE_FIELDS)
    if "starts" not in source:
        inner.refuse("starts", "required", "starts is required.")
    starts = inner.integer("starts", 1, MAX_STARTS, 1)
    return Rate(
        starts, inner.integer("period_ms", 1, MAX_PERIOD_MS, 1_000), inner.integer("burst", 1, MAX_STARTS, starts)
    )
