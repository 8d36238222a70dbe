"""The reader of JSON bodies refuses what would hurt later, and never breaks on anything."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.errors import MalformedInput
from jobs.domain.payload import (
    MAX_BODY_DEPTH,
    MAX_DEPTH,
    decode_json,
    depth_exceeds,
    depth_of,
    encode_json,
    has_lone_surrogate,
    read_json,
)

# What UTF-8 can carry: no half surrogate pairs.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    scalars | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def nested(depth: int) -> bytes:
    """Return arrays in arrays."""
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty_body"),
        (b" \r\n\t", "empty_body"),
        (nested(65), "too_deep"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 100_000, "too_deep"),
        (b'["\\ud800"]', "invalid_unicode"),
        (b'{"\\udfff":1}', "invalid_unicode"),
        (b'"\\ude00\\ud83d"', "invalid_unicode"),
        (b'"\xed\xa0\x80"', "invalid_utf8"),
        (b"NaN", "invalid_number"),
        (b"[Infinity]", "invalid_number"),
        (b'{"a":-Infinity}', "invalid_number"),
        (b"1e999", "invalid_number"),
        (b"-1e999", "invalid_number"),
        (b"9" * 5_000, "invalid_number"),
        (b'{"a":[-' + b"9" * 5_000 + b"]}", "invalid_number"),
        (b"\xef\xbb\xbf{}", "invalid_json"),
        ('{"a":1}'.encode("utf-16"), "invalid_utf8"),
        ('{"a":1}'.encode("utf-16-le"), "invalid_json"),
        (b"\xff", "invalid_utf8"),
        (b'"\xc3', "invalid_utf8"),
        (b'{"a":1,"a":1}', "duplicate_member"),
        (b'[{"a":{"b":1,"\\u0062":2}}]', "duplicate_member"),
        (b"{} {}", "invalid_json"),
        (b"1 2", "invalid_json"),
        (b"[1,]", "invalid_json"),
        (b"{'a':1}", "invalid_json"),
        (b"{", "invalid_json"),
        (b'"\n"', "invalid_json"),
        (b'"\x00"', "invalid_json"),
        (b"01", "invalid_json"),
        (b'"abc', "invalid_json"),
        (b'"abc\\', "invalid_json"),
    ],
)
def test_a_bad_body_is_refused_by_name(body: bytes, code: str) -> None:
    with pytest.raises(MalformedInput) as caught:
        read_json(body, max_depth=MAX_DEPTH)
    assert caught.value.code == code
    assert caught.value.problems[0].code == code


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"null", None),
        (b" [1, 2.5, true] ", [1, 2.5, True]),
        (b'"\\ud83d\\ude00"', "😀"),
        ('"😀"'.encode(), "😀"),
        (b'"\\u0000"', "\0"),
        (b"1e-999", 0.0),
        (b"9" * 400, int("9" * 400)),
        (b'{"[[[":"]]]{{{"}', {"[[[": "]]]{{{"}),
        (b'"\\\\\\"["', '\\"['),
    ],
)
def test_a_good_body_is_read(body: bytes, value: object) -> None:
    assert read_json(body) == value


def test_depth_64_is_read_and_65_is_not() -> None:
    assert depth_of(read_json(nested(64), max_depth=MAX_DEPTH)) == 64
    assert read_json(nested(MAX_BODY_DEPTH)) is not None
    with pytest.raises(MalformedInput):
        read_json(nested(MAX_BODY_DEPTH + 1))


@pytest.mark.parametrize("unit", [b'\\"', b"\\", b'"', b'"\\', b"["])
def test_a_string_that_never_ends_costs_no_more_than_its_length(unit: bytes) -> None:
    body = b'"' + unit * 100_000
    started = time.process_time()
    with pytest.raises(MalformedInput):
        read_json(body)
    assert time.process_time() - started < 1


@given(values)
def test_what_is_written_reads_back_alike(value: object) -> None:
    written = encode_json(value)
    assert read_json(written) == value == decode_json(written)
    assert encode_json(read_json(written)) == written


@given(values)
def test_depth_is_that_of_the_text(value: object) -> None:
    depth = depth_of(value)
    text = json.dumps(value)
    assert not depth_exceeds(text, depth)
    assert depth == 0 or depth_exceeds(text, depth - 1)


@given(st.binary(max_size=40) | st.text(alphabet='{}[]":,\\u0dD8eE+-.19 ntf', max_size=30).map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        value = read_json(body)
    except MalformedInput:
        return
    assert decode_json(encode_json(value)) == value


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": (float("-inf"),)}])
def test_what_json_cannot_hold_is_not_written(value: object) -> None:
    with pytest.raises(ValueError, match="NaN"):
        encode_json(value)


def test_half_a_surrogate_pair_is_found_anywhere() -> None:
    assert has_lone_surrogate({"a": ["ok", {"\ud800": 1}]})
    assert not has_lone_surrogate({"a": ["ok", 1, None]})


def test_depth_needs_no_recursion() -> None:
    value: object = 1
    for _ in range(100_000):
        value = [value]
    assert depth_of(value) == 100_000
    while isinstance(value, list):
        value = value.pop()
