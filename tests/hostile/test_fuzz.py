"""The parsers that see every byte first, on bytes that nobody would write: documented refusals only, one verdict."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jobs.domain.bulk_body import MAX_BULK_JOBS, split_array, split_lines
from jobs.domain.errors import InvalidInput, MalformedInput
from jobs.domain.job_body import read_job
from jobs.domain.payload import MAX_BODY_DEPTH, depth_exceeds, depth_of, encode_json, read_json
from jobs.domain.quick_json import ODD, read_quickly
from jobs.domain.validation import parse_job
from jobs.gateway.head import plain_headers, route_of, split_prefix
from jobs.gateway.operations import takes_query
from jobs.gateway.worker_head import LIMITS, worker_headers, worker_route
from jobs.processes.known_heads import END_OF_HEAD, KnownHeads

NOW_MS = 1_764_000_000_000
FEW = settings(max_examples=150, deadline=None)
MANY = settings(max_examples=20_000, deadline=None)

# Pieces of which JSON, and what is nearly JSON, is made.
PIECES = [
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b'"a"', b'"kind"', b'"payload"', b'"queue"', b'"email.send"', b"0",
    b"-", b"1e5", b".5", b"e", b"true", b"null", b"NaN", b"\\u00e9", b"\\ud800", b"\\n", b" ", b"\n", b"\r\n", b"\x00",
    b"\xff",
    b"\xc3\xa9", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"9" * 99, b"[" * 30, b"]" * 30, b'{"a":' * 20, b'{"kind":"k"}',
    b'{"kind":"k","payload":[1,2.0,"x"]}', b"//", b"'",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=14).map(b"".join) | st.binary(max_size=60)


def verdict(read: Callable[..., object], *given_to: object, **named: object) -> tuple[str, str]:
    """Return what a reader made of it; any error but the documented one is raised."""
    try:
        return "made", repr(read(*given_to, **named))
    except InvalidInput as refusal:
        return "refused", repr((type(refusal), refusal.code, refusal.problems))


def strictly(body: bytes) -> object:
    return parse_job(read_json(body), now_ms=NOW_MS)


def judge_job(body: bytes) -> None:
    """Fail unless both readers say the same of a job."""
    assert verdict(read_job, body, now_ms=NOW_MS) == verdict(strictly, body)


def judge_value(body: bytes) -> None:
    """Fail unless a value that was read quickly is the one that is read strictly, and can be kept."""
    value = read_quickly(body)
    strict = verdict(read_json, body)
    if value is not ODD:
        assert strict == ("made", repr(value))
        assert depth_of(value) <= MAX_BODY_DEPTH
        assert repr(json.loads(encode_json(value))) == repr(value)
    elif strict[0] == "made":
        assert not depth_exceeds(body.decode(), MAX_BODY_DEPTH)


def judge_bulk(body: bytes) -> None:
    """Fail unless an array is split into just its elements, and lines into what a line holds."""
    whole = verdict(read_json, body)
    parts = verdict(split_array, body)
    if parts[0] == "made":
        elements = split_array(body)
        assert 1 <= len(elements) <= MAX_BULK_JOBS
        if whole[0] == "made":
            assert repr([read_json(element) for element in elements]) == whole[1]
    else:
        # What is refused is no array, or an empty one.
        assert whole[0] == "refused" or whole[1][0] != "[" or whole[1] == "[]"
    if verdict(split_lines, body)[0] == "made":
        lines = split_lines(body)
        assert b"".join(b"".join(lines).split()) == b"".join(body.split())
        assert all(b"\n" not in line and line.strip() for line in lines)
    for part in (split_array(body) if parts[0] == "made" else [])[:3]:
        judge_job(part)


JUDGES: dict[str, Callable[[bytes], None]] = {"job": judge_job, "value": judge_value, "bulk": judge_bulk}


@pytest.mark.parametrize("name", JUDGES)
def test_no_bytes_surprise_a_reader(name: str) -> None:
    FEW(given(texts)(JUDGES[name]))()


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", JUDGES)
def test_many_more_bytes_surprise_no_reader(name: str) -> None:
    MANY(given(texts)(JUDGES[name]))()


@pytest.mark.parametrize("name", JUDGES)
@pytest.mark.parametrize("size", [0, 1, 66, 1_000, 200_000])
def test_depth_and_length_surprise_no_reader(name: str, size: int) -> None:
    for unit in (
        b"[",
        b'{"a":',
        b'"',
        b"\\",
        b"9",
        b"1,",
        b"\n",
        b'"\\',
        b"{}\n",
        b"\x00",
        b"\xe9",
        b'[{"kind":"k","p":',
    ):
        JUDGES[name](unit * (size // len(unit)))


def test_the_only_refusals_are_the_documented_ones() -> None:
    for body in (b"", b"[", b"{}", b"[" * 9_999, b"\xff", b"[]", b"1," * 2_000_000):
        with pytest.raises(InvalidInput):
            split_array(body)
    with pytest.raises(MalformedInput):
        split_array(b"[1,]")


words = st.binary(max_size=30)
paths = (
    st.sampled_from(["/jobs", "/jobs/bulk", "/jobs/" + "x" * 36, "/api/v1/jobs", "/api/v1/", "/", "//jobs"])
    | st.sampled_from(["/workers", "/workers/", "/workers/w", "/workers//heartbeat", "/workers/w/heartbeat", "/leases"])
    | st.text()
)
names = st.sampled_from(
    [b"host", b"authorization", b"content-type", b"content-length", b"content-encoding", b"cookie", b"x-request-id"]
)
values = words | st.sampled_from(
    [b"localhost:3000", b"application/json", b"-1", b"9" * 5_000, b"\xb2", b"ironforge_session=a"]
)
heads = st.lists(st.tuples(names | words, values), max_size=8)


def judge_worker_head(scope: dict[str, Any]) -> None:
    """Fail unless what decides about a request of the worker protocol comes once."""
    operation = worker_route(scope["method"], split_prefix(scope["path"])[1])
    headers = worker_headers(scope, operation) if operation else None
    if headers is not None:
        assert not scope["query_string"]
        assert sum(name == b"authorization" for name, _ in scope["headers"]) <= 1
        assert int(headers.get(b"content-length", b"0")) <= LIMITS[operation]


@FEW
@given(paths, st.sampled_from(["GET", "POST", "DELETE", ""]) | st.text(max_size=5), heads, words)
@example("/jobs", "POST", [(b"host", b"localhost"), (b"content-length", "²".encode("latin-1"))], b"")
def test_a_head_is_plain_or_somebody_else_judges_it(
    path: str, method: str, pairs: list[tuple[bytes, bytes]], query: bytes
) -> None:
    scope: dict[str, Any] = {"type": "http", "path": path, "method": method, "headers": pairs, "query_string": query}
    operation, prefix = route_of(scope)
    assert operation in ("", "submit", "bulk", "look")
    judge_worker_head(scope)
    assert path.startswith(prefix)
    if not operation:
        return
    takes_query(operation, query)
    headers = plain_headers(scope, operation)
    if headers is not None:
        assert len(headers) == len(pairs), "no header came twice"
        assert b"content-encoding" not in headers or operation == "look"
        assert int(headers.get(b"content-length", b"0")) <= 16 * 1024 * 1024 or operation == "look"


@FEW
@given(
    st.lists(st.sampled_from([b"a", END_OF_HEAD, b"\r\n", b"\n\n", b"POST"]) | words, max_size=6).map(b"".join), words
)
def test_a_known_head_is_served_with_the_body_it_announced_or_not_at_all(piece: bytes, other: bytes) -> None:
    served: list[bytes] = []
    known = KnownHeads()
    body = piece.partition(END_OF_HEAD)[2]
    known.remember(piece, len(body), lambda found, _: bool(served.append(found)))
    for sent in (piece, piece + other, other + piece, other, piece[:-1], piece[: len(piece) - len(body)] + other):
        found = known.find(sent)
        if found is not None:
            assert sent.partition(END_OF_HEAD)[0] == piece.partition(END_OF_HEAD)[0]
            assert len(found[1]) == len(body)
            assert sent.endswith(END_OF_HEAD + found[1])
