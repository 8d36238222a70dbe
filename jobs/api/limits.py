"""`/limits`: how many jobs of a kind, of a queue or of each key of a kind run at once, and start in a time."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.body import Fields, as_object, read_body, read_fields
from jobs.api.circuits import read_circuit, read_retry_budget
from jobs.api.jobs import MAX_REASON, read_reason
from jobs.api.limit_shapes import LimitListShape, limit_shape
from jobs.api.query import Query, refuse_parameters
from jobs.api.view import ApiView
from jobs.domain.errors import Problem
from jobs.domain.field_reader import FieldReader
from jobs.domain.limit import MAX_CONCURRENCY, MAX_PERIOD_MS, MAX_STARTS, Limit, LimitBy, Rate
from jobs.domain.limit_key import PATH, is_limit_key, is_path
from jobs.services import limits

_FIELDS = frozenset({"concurrency", "rate", "reason"})
_MORE_FIELDS = {
    LimitBy.KIND: frozenset({"circuit", "retry_budget"}),
    LimitBy.QUEUE: frozenset(),
    LimitBy.KEY: frozenset({"path"}),
}
_RATE_FIELDS = frozenset({"starts", "period_ms", "burst"})


class LimitsView(ApiView):
    """All limits."""

    def get(self, request: Request) -> Response:
        """List the limits."""
        refuse_parameters(request)
        return Response(LimitListShape(tuple(map(limit_shape, limits.list_limits(self.actor)))))


class LimitView(ApiView):
    """The limits of one kind; in the views below of what their addresses name."""

    by = LimitBy.KIND

    def get(self, request: Request, kind: str = "", name: str = "") -> Response:
        """Look at them."""
        refuse_parameters(request)
        return Response(limit_shape(limits.get_limit(self.actor, kind or name, self.by)))

    def put(self, request: Request, kind: str = "", name: str = "") -> Response:
        """Limit it."""
        refuse_parameters(request)
        asked: dict[str, Any] = {}
        reason = ""

        def take(fields: Fields) -> None:
            nonlocal reason
            asked["concurrency"] = _optional(fields, "concurrency", MAX_CONCURRENCY)
            asked["rate"] = _rate(fields)
            asked["path"] = _path(fields)
            if self.by is LimitBy.KIND:
                asked["circuit"] = read_circuit(fields)
                asked["retry_budget"] = read_retry_budget(fields)
            reason = fields.text("reason", MAX_REASON, default="")

        read_fields(as_object(read_body(request)), _FIELDS | _MORE_FIELDS[self.by], take)
        terms = Limit(by=self.by, name=kind or name, **asked)
        use, is_new = limits.set_limit(self.actor, terms, reason=reason)
        return Response(limit_shape(use), status=201 if is_new else 200)

    def delete(self, request: Request, kind: str = "", name: str = "") -> Response:
        """End its limits."""
        refuse_parameters(request)
        limits.drop_limit(self.actor, kind or name, self.by, reason=read_reason(request))
        return Response(status=204)


class QueueLimitView(LimitView):
    """The limits of one queue."""

    by = LimitBy.QUEUE


class KeyLimitView(LimitView):
    """The limits of each key of one kind."""

    by = LimitBy.KEY

    def get(self, request: Request, kind: str = "", name: str = "") -> Response:
        """Look at them, or at one key."""
        query = Query(request, frozenset({"key"}))
        key = query.name("key", is_limit_key)
        query.finish()
        return Response(limit_shape(limits.get_limit(self.actor, kind or name, self.by, key)))


def read_limit(fields: Fields, name: str) -> tuple[int | None, Rate | None] | None:
    """Return concurrency and rate of a field that holds a limit; None: it is null, and nothing is to limit."""
    source = fields.source.get(name)
    if source is None:
        return None
    if not isinstance(source, dict):
        fields.reader.refuse(name, "invalid_type", f"{name} must be an object.")
        return None
    inner = Fields(source)
    inner.reader.refuse_unknown(frozenset({"concurrency", "rate"}))
    found = _optional(inner, "concurrency", MAX_CONCURRENCY), _rate(inner)
    fields.problems.extend(Problem(f"/{name}{it.pointer}", it.code, it.detail) for it in inner.problems)
    if found == (None, None) and not inner.problems:
        fields.reader.refuse(name, "no_limit", f"{name} has concurrency, rate or both; null ends it.")
    return found


def _optional(fields: Fields, name: str, most: int) -> int | None:
    return None if fields.source.get(name) is None else fields.reader.integer(name, 1, most, 1)


def _path(fields: Fields) -> str | None:
    value = fields.source.get("path")
    if value is None:
        return None
    if not isinstance(value, str):
        fields.reader.refuse("path", "invalid_type", "path must be a string.")
        return None
    if not is_path(value):
        fields.reader.refuse("path", "invalid_name", f"path must match ^{PATH.pattern}$, as payload.account_id does.")
    return value


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
