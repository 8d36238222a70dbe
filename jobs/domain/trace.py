"""The trace that a job belongs to, as W3C Trace Context names it (https://www.w3.org/TR/trace-context/).

A header that breaks the rules is as if it had not been sent: tracing never refuses a request.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
MAX_STATE: Final = 512

_SAMPLED: Final = 0x01
# Of the flags of later versions nothing is known, so nothing of them is passed on.
_KNOWN_FLAGS: Final = 0x03
_MAX_MEMBERS: Final = 32
_PARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_KEY: Final = r"[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13}|[a-z0-9][a-z0-9_\-*/]{0,255}"
_VALUE: Final = r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
_MEMBER: Final = re.compile(rf"(?:{_KEY})={_VALUE}")


class TraceContext(msgspec.Struct, frozen=True):
    """One span of a trace. The ids are lower case hex, 32 and 16 digits; `state` is what other tracing tools keep."""

    trace_id: str
    span_id: str
    flags: int = _SAMPLED
    state: str = ""

    @property
    def is_sampled(self) -> bool:
        """Tell whether whoever began the trace records it."""
        return bool(self.flags & _SAMPLED)

    @property
    def traceparent(self) -> str:
        """Return the value of the header of that name."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags:02x}"

    def headers(self) -> dict[str, str]:
        """Return the headers by which another service becomes a part of the trace."""
        return {TRACEPARENT: self.traceparent, **({TRACESTATE: self.state} if self.state else {})}


def parse_trace(parent: str, state: str = "") -> TraceContext | None:
    """Return the trace of two headers, None where the first is not sound; a bad `tracestate` is dropped."""
    match = _PARENT.fullmatch(parent.strip(" \t"))
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return TraceContext(trace_id, span_id, int(flags, 16) & _KNOWN_FLAGS, _sound_state(state))


def packed_trace(trace: TraceContext) -> str:
    """Return a trace as one short text, which `unpacked_trace` reads."""
    return f"{trace.traceparent} {trace.state}" if trace.state else trace.traceparent


def unpacked_trace(packed: str) -> TraceContext | None:
    """Return the trace of such a text, None for any other."""
    parent, _, state = packed.partition(" ")
    return parse_trace(parent, state)


def _sound_state(state: str) -> str:
    members = [member for each in state.split(",") if (member := each.strip(" \t"))]
    text = ",".join(members)
    if len(text) > MAX_STATE or len(members) > _MAX_MEMBERS or not all(map(_MEMBER.fullmatch, members)):
        return ""
    return text
