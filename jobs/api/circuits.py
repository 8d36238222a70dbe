"""`/limits/kinds/{kind}/circuit`, and the fields of a limit that say when a kind is given a rest."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.body import Fields, as_object, read_body, read_fields
from jobs.api.jobs import MAX_REASON
from jobs.api.limit_shapes import limit_shape
from jobs.api.query import refuse_parameters
from jobs.api.view import ApiView
from jobs.domain.circuit import (
    MAX_COOL_DOWN_MS,
    MAX_LEAST,
    MAX_PER_MINUTE,
    MAX_PROBES,
    MAX_WINDOW_MS,
    MIN_COOL_DOWN_MS,
    MIN_WINDOW_MS,
    Circuit,
    CircuitState,
    RetryBudget,
)
from jobs.domain.field_reader import FieldReader
from jobs.services.circuits import turn_circuit

CIRCUIT_FIELDS = frozenset({"percent", "least", "window_ms", "cool_down_ms", "max_cool_down_ms", "probes"})
BUDGET_FIELDS = frozenset({"percent", "per_minute", "window_ms"})
_TURNS = (CircuitState.OPEN, CircuitState.CLOSED)


class CircuitView(ApiView):
    """The circuit of one kind."""

    def put(self, request: Request, kind: str) -> Response:
        """Open or close it by hand."""
        refuse_parameters(request)
        asked: dict[str, Any] = {}

        def take(fields: Fields) -> None:
            asked["state"] = _state(fields)
            asked["reason"] = fields.text("reason", MAX_REASON, default="")

        read_fields(as_object(read_body(request)), frozenset({"state", "reason"}), take)
        return Response(limit_shape(turn_circuit(self.actor, kind, **asked)))


def read_circuit(fields: Fields) -> Circuit | None:
    """Return the field `circuit` of a limit; what it leaves out has the usual value."""
    inner = _inner(fields, "circuit", CIRCUIT_FIELDS)
    if inner is None:
        return None
    usual = Circuit()
    cool_down_ms = inner.integer("cool_down_ms", MIN_COOL_DOWN_MS, MAX_COOL_DOWN_MS, usual.cool_down_ms)
    longest_ms = max(cool_down_ms, usual.max_cool_down_ms)
    return Circuit(
        inner.integer("percent", 1, 100, usual.percent),
        inner.integer("least", 1, MAX_LEAST, usual.least),
        inner.integer("window_ms", MIN_WINDOW_MS, MAX_WINDOW_MS, usual.window_ms),
        cool_down_ms,
        inner.integer("max_cool_down_ms", cool_down_ms, MAX_COOL_DOWN_MS, longest_ms),
        inner.integer("probes", 1, MAX_PROBES, usual.probes),
    )


def read_retry_budget(fields: Fields) -> RetryBudget | None:
    """Return the field `retry_budget` of a limit; what it leaves out has the usual value."""
    inner = _inner(fields, "retry_budget", BUDGET_FIELDS)
    if inner is None:
        return None
    usual = RetryBudget()
    return RetryBudget(
        inner.integer("percent", 0, 100, usual.percent),
        inner.integer("per_minute", 0, MAX_PER_MINUTE, usual.per_minute),
        inner.integer("window_ms", MIN_WINDOW_MS, MAX_WINDOW_MS, usual.window_ms),
    )


def _inner(fields: Fields, name: str, known: frozenset[str]) -> FieldReader | None:
    source = fields.source.get(name)
    if source is None:
        return None
    if not isinstance(source, dict):
        fields.reader.refuse(name, "invalid_type", f"{name} must be an object.")
        return None
    return FieldReader(source, f"/{name}", fields.problems, known)


def _state(fields: Fields) -> CircuitState:
    value = fields.source.get("state")
    if isinstance(value, str) and value in _TURNS:
        return CircuitState(value)
    fields.reader.refuse("state", "required" if value is None else "invalid_value", "state is open or closed.")
    return CircuitState.CLOSED
