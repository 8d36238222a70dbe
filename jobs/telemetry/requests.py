"""Counts what the data plane answered, as django-prometheus counts for the control plane."""

from __future__ import annotations

from functools import cache

from prometheus_client import Counter

_answers = Counter("ironforge_gateway_answers_total", "Requests that the data plane answered.", ("operation", "status"))


def answered(operation: str, status: int) -> None:
    """Count one answer; `operation` is one of a few words, `status` an HTTP status, 0 for none."""
    _series(operation, status).inc()


@cache
def _series(operation: str, status: int) -> Counter:
    # The lookup by labels costs more than the counting.
    return _answers.labels(operation, str(status))
