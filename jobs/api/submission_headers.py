"""Headers of the requests that make jobs, as the documents describe them."""

from __future__ import annotations

from jobs.api.documented import Parameter
from jobs.domain.trace import MAX_STATE, TRACEPARENT, TRACESTATE

_UNSOUND = "One that breaks the rules is as if it had not been sent, never a refusal."

TRACE_HEADERS = (
    Parameter(
        TRACEPARENT,
        "The span that this is a part of, as W3C Trace Context has it, where IRONFORGE_TRACING is on; else it is not "
        f"read. {_UNSOUND}",
        {"type": "string"},
        place="header",
        example="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ),
    Parameter(
        TRACESTATE,
        f"What other tracing tools keep beside it, up to {MAX_STATE} characters. {_UNSOUND}",
        {"type": "string"},
        place="header",
        example="vendor=1",
    ),
)


def submission_headers(first: str) -> tuple[Parameter, ...]:
    """Return those of a request that makes what `first` names, once for each Idempotency-Key."""
    key = Parameter(
        "Idempotency-Key",
        f"1–255 printable characters, kept 24 h: the same request again answers with the first {first}.",
        {"type": "string", "minLength": 1, "maxLength": 255},
        place="header",
    )
    return (key, *TRACE_HEADERS)
