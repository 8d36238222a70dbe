"""The process's tracer provider: the one that the program set itself, else one made from the `OTEL_…` variables."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider

from jobs import __version__
from jobs.telemetry.otel.export import processors

_STOP_S: Final = 2.0
_NAMELESS: Final = "unknown_service"


def provider_of(service: str, exporter_names: str) -> tuple[trace.TracerProvider, Callable[[], None]]:
    """Return the provider, and what sends the rest of its spans within two seconds.

    `service` is its name where OTEL_SERVICE_NAME gives none. A provider that is there already is not ours to stop.
    """
    there = trace.get_tracer_provider()
    if not isinstance(there, trace.ProxyTracerProvider):
        return there, _nothing
    # Without its own hook at the exit, which may wait for half a minute.
    made = TracerProvider(resource=_resource(service), shutdown_on_exit=False)
    for processor in processors(exporter_names):
        made.add_span_processor(processor)
    trace.set_tracer_provider(made)
    return made, lambda: _stop(made)


def _resource(service: str) -> Resource:
    known = Resource.create({SERVICE_VERSION: __version__})
    is_named = not str(known.attributes.get(SERVICE_NAME, _NAMELESS)).startswith(_NAMELESS)
    return known if is_named else known.merge(Resource({SERVICE_NAME: service}))


def _stop(provider: TracerProvider) -> None:
    """A collector that does not answer must not keep the process."""
    thread = threading.Thread(target=provider.shutdown, name="tracing-stop", daemon=True)
    thread.start()
    thread.join(_STOP_S)


def _nothing() -> None:
    pass
