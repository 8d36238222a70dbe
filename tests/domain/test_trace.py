"""W3C Trace Context: what is sound is read and written back, what is not is as if it had not been sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.trace import TraceContext, packed_trace, parse_trace, unpacked_trace

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SOUND = f"00-{TRACE_ID}-{SPAN_ID}-01"
ids = st.tuples(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1))
keys = st.from_regex(r"[a-z][a-z0-9_*/-]{0,20}(@[a-z][a-z0-9]{0,5})?", fullmatch=True)
values = st.from_regex(r"[!-+\--<>-~]{1,20}", fullmatch=True)
states = st.lists(st.tuples(keys, values), max_size=12).map(lambda them: ",".join(f"{k}={v}" for k, v in them))


@given(ids, st.integers(0, 3), states)
def test_a_trace_is_read_as_it_was_written(them: tuple[int, int], flags: int, state: str) -> None:
    trace = TraceContext(f"{them[0]:032x}", f"{them[1]:016x}", flags, state if len(state) <= 512 else "")
    headers = trace.headers()
    assert parse_trace(headers["traceparent"], headers.get("tracestate", "")) == trace
    assert unpacked_trace(packed_trace(trace)) == trace
    assert trace.is_sampled == bool(flags & 1)


@given(st.text(), st.text())
def test_any_text_is_a_trace_or_none(parent: str, state: str) -> None:
    trace = parse_trace(parent, state)
    assert trace is None or parse_trace(trace.traceparent, trace.state) == trace
    with_state = parse_trace(SOUND, state)
    assert with_state is not None
    assert with_state.state.isascii()
    assert len(with_state.state) <= 512


@given(st.integers(0, len(SOUND) - 1), st.characters())
def test_one_wrong_character_is_enough(place: int, letter: str) -> None:
    changed = SOUND[:place] + letter + SOUND[place + 1 :]
    trace = parse_trace(changed)
    assert (trace is not None) == (
        changed[2::1][0] == changed[35] == changed[52] == "-" and set(changed) <= set("0123456789abcdef-")
        and changed.count("-") == 3 and not changed.startswith("ff")
    )  # fmt: skip


@pytest.mark.parametrize(
    "parent",
    [
        "",
        SOUND.upper(),
        f"{SOUND}-more",
        f"ff-{TRACE_ID}-{SPAN_ID}-01",
        f"00-{'0' * 32}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"{SOUND},{SOUND}",
        f"{SOUND}\n",
    ],
)
def test_what_breaks_the_rules_is_no_trace(parent: str) -> None:
    assert parse_trace(parent) is None


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    assert parse_trace(f"cc-{TRACE_ID}-{SPAN_ID}-ff-what-ever") == TraceContext(TRACE_ID, SPAN_ID, 3)
    assert parse_trace(f"cc-{TRACE_ID}-{SPAN_ID}-01more") is None


@pytest.mark.parametrize("state", ["A=1", "a", "a=", "a=1;b=2\x7f", "=1", ",".join(f"k{i}=1" for i in range(33))])
def test_a_bad_state_is_dropped_and_the_trace_goes_on(state: str) -> None:
    assert parse_trace(SOUND, state) == TraceContext(TRACE_ID, SPAN_ID)
    assert parse_trace(SOUND, " a=1 ,, b@c=x y\t") == TraceContext(TRACE_ID, SPAN_ID, 1, "a=1,b@c=x y")
