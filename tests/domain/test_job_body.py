"""The quick way from bytes to a job gives what the strict way gives, and refuses what it refuses."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.job import JobSpec
from jobs.domain.job_body import read_job, read_job_object
from jobs.domain.payload import read_json
from jobs.domain.quick_json import ODD, read_quickly
from jobs.domain.status import Status
from jobs.domain.validation import parse_job

NOW_MS = 1_764_000_000_000
OUTLINE = (
    b'{"kind":"email.send","payload":{"to":"user@example.com","template":"welcome"},"priority":"high","max_retries":3}'
)

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)
fields = {
    "kind": st.sampled_from(["email.send", "a", "A", "", "x" * 129, "a\n", 1]),
    "payload": values,
    "queue": st.sampled_from(["main", "mail", "no good", "", None]),
    "priority": st.sampled_from(["critical", "low", "HIGH", 1, None]),
    "max_retries": st.sampled_from([0, 255, 256, -1, 1.0, True, "3", None]),
    "timeout_ms": st.sampled_from([1, 86_400_000, 86_400_001, 0, 5.5, False]),
    "delivery": st.sampled_from(["at_most_once", "at_least_once", "never"]),
    "metadata": st.sampled_from([{}, {"a": "b"}, {"a": 1}, None]),
    "scheduled_for": st.sampled_from([None, "2026-01-17T10:30:00Z", "soon"]),
    "backoff": st.sampled_from([None, {"base_ms": 5}, {"base_ms": 0}]),
    "namespace": st.just("other"),
}
jobs = st.fixed_dictionaries({"kind": fields["kind"]}, optional={k: v for k, v in fields.items() if k != "kind"})


def strictly(body: bytes) -> JobSpec | list[Problem]:
    try:
        return parse_job(read_json(body), now_ms=NOW_MS)
    except InvalidInput as refusal:
        return refusal.problems


def quickly(body: bytes) -> JobSpec | list[Problem]:
    try:
        return read_job(body, now_ms=NOW_MS)
    except InvalidInput as refusal:
        return refusal.problems


def as_read_strictly(body: bytes) -> object:
    try:
        return read_json(body)
    except InvalidInput as refusal:
        return refusal.problems


@given(jobs, st.booleans(), st.sampled_from([None, 1]))
def test_both_ways_make_the_same_job_of_the_same_text(job: object, is_ascii: bool, indent: int | None) -> None:
    body = json.dumps(job, ensure_ascii=is_ascii, indent=indent).encode("utf-8", "surrogatepass")
    assert quickly(body) == strictly(body)


@given(st.binary(max_size=40), st.integers(0, len(OUTLINE)), st.integers(0, 20))
@example(b"\xef\xbb\xbf", 0, 0)
@example(b'"kind":"b",', 1, 0)
@example(b"\x00", 20, 0)
def test_both_ways_judge_a_damaged_text_alike(noise: bytes, at: int, cut: int) -> None:
    body = OUTLINE[:at] + noise + OUTLINE[at + cut :]
    assert quickly(body) == strictly(body)


@given(values)
def test_a_value_read_quickly_is_the_value_read_strictly(value: object) -> None:
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    read = read_quickly(body)
    if read is not ODD:
        assert repr(read) == repr(read_json(body))


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"a":{"b":"x","b":"x"}}',
        r'{"a\"b":1,"a\"b":2}',
        r'{"a":"\u0022","a":"\u0022"}',
        "[" * 66 + "]" * 66,
        "1" * 401,
        '{"x":"' + "y" * 99 + '","n":' + "9" * 401 + "}",
        "1e999",
        "-1e999",
        '"\\ud800"',
        '"\ud800"',
        "NaN",
        "1.",
        "[1,]",
        '"a\tb"',
        "",
        " ",
        "1 2",
        "\ufeff1",
    ],
)
def test_what_the_strict_reader_refuses_is_never_read_quickly(text: str) -> None:
    body = text.encode("utf-8", "surrogatepass")
    assert isinstance(as_read_strictly(body), list)
    assert read_quickly(body) is ODD


@pytest.mark.parametrize("body", [OUTLINE, b'{"kind":"a"}', b'{"kind":"a","payload":[1,2.5,"\xc3\xa9\\n\\\\",null]}'])
def test_a_plain_job_is_read_quickly(body: bytes) -> None:
    assert read_quickly(body) is not ODD
    assert quickly(body) == strictly(body)


def test_a_payload_as_deep_as_allowed_passes_and_one_deeper_is_refused() -> None:
    def job_with(depth: int) -> bytes:
        return b'{"kind":"a","payload":' + b"[" * depth + b"]" * depth + b"}"

    assert isinstance(quickly(job_with(64)), JobSpec)
    assert quickly(job_with(65)) == strictly(job_with(65))
    assert isinstance(quickly(job_with(65)), list)


odd_scalars = st.sampled_from(
    [
        math.nan,
        math.inf,
        2**70,
        -(2**70),
        "\ud800",
        "null",
        datetime(2026, 1, 2, tzinfo=UTC),
        b"bytes",
        object(),
        Status.QUEUED,
    ]
)
python_values = st.recursive(
    scalars | odd_scalars,
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=8,
)
python_jobs = st.fixed_dictionaries(
    {"kind": fields["kind"]}, optional={k: v for k, v in fields.items() if k not in ("kind", "payload")}
)


def nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth - 1):
        value = [value]
    return value


@given(python_jobs, python_values)
@example({"kind": "a"}, nested(64))
@example({"kind": "a"}, nested(65))
@example({"kind": "a"}, nested(100_000))
@example({"kind": "a"}, {"n": math.nan})
@example({"kind": "a"}, [None, math.inf])
@example({"kind": "a"}, "x" * 262_142)
@example({"kind": "a"}, "x" * 262_143)
def test_both_ways_make_the_same_job_of_the_same_objects(job: dict[str, object], payload: object) -> None:
    def made_by(read: Callable[..., JobSpec]) -> JobSpec | list[Problem]:
        try:
            return read({**job, "payload": payload}, now_ms=NOW_MS)
        except InvalidInput as refusal:
            return refusal.problems

    assert made_by(read_job_object) == made_by(parse_job)
