"""Reading JSON bodies safely: size, encoding, depth and numbers are judged before anything else looks at them.

The payload itself is opaque: it is kept as the bytes that this module made, and never decoded by the store.
"""

from __future__ import annotations

import json
import math
import re

import msgspec

from jobs.domain.errors import MalformedInput

MAX_PAYLOAD_BYTES = 256 * 1024
MAX_RESULT_BYTES = 256 * 1024
MAX_DEPTH = 64
# A payload sits inside a job, and a job inside a bulk array.
MAX_BODY_DEPTH = MAX_DEPTH + 2
# Python refuses int() of longer texts (CVE-2020-10735); every other language loses precision far earlier.
MAX_NUMBER_DIGITS = 400

_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
# The closing quote is optional: a string that never ends is then passed over once, not once from each quote in it.
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_encoder = msgspec.json.Encoder()


def _constant(text: str) -> object:
    raise MalformedInput(f"{text} is not a JSON value.", code="invalid_number")


def _integer(text: str) -> int:
    if len(text) > MAX_NUMBER_DIGITS:
        raise MalformedInput(f"A number has more than {MAX_NUMBER_DIGITS} digits.", code="invalid_number")
    return int(text)


def _decimal(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise MalformedInput("A number is too large for a 64-bit float.", code="invalid_number")
    return value


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise MalformedInput("An object names the same member twice.", code="duplicate_member")
    return result


_reader = json.JSONDecoder(parse_constant=_constant, parse_int=_integer, parse_float=_decimal, object_pairs_hook=_pairs)


def depth_exceeds(text: str, limit: int) -> bool:
    """Tell whether arrays and objects nest deeper than `limit` in JSON text, without recursion."""
    depth = 0
    for match in _STRUCTURE.finditer(text):
        mark = match.group()
        if mark in "[{":
            depth += 1
            if depth > limit:
                return True
        elif mark in "]}":
            depth -= 1
    return False


def read_json(body: bytes, *, max_depth: int = MAX_BODY_DEPTH) -> object:
    """Return the value of a JSON document. Raises MalformedInput, naming what is wrong.

    Stricter than RFC 8259: no byte order mark, no duplicate members, no lone surrogates, no number beyond a float.
    """
    if not body.strip():
        raise MalformedInput("The body is empty; a JSON document is expected.", code="empty_body")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedInput(f"The body is not UTF-8 (byte {error.start}).", code="invalid_utf8") from error
    if depth_exceeds(text, max_depth):
        raise MalformedInput(f"The JSON nests deeper than {max_depth} levels.", code="too_deep")
    try:
        value: object = _reader.decode(text)
    except json.JSONDecodeError as error:
        detail = f"The body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        raise MalformedInput(detail, code="invalid_json") from error
    if "\\u" in text and has_lone_surrogate(value):
        raise MalformedInput("A string holds half of a surrogate pair.", code="invalid_unicode")
    return value


def has_lone_surrogate(value: object) -> bool:
    """Tell whether any string in a decoded JSON value cannot be written as UTF-8."""
    if isinstance(value, str):
        return _LONE_SURROGATE.search(value) is not None
    if isinstance(value, dict):
        return any(has_lone_surrogate(key) or has_lone_surrogate(item) for key, item in value.items())
    if isinstance(value, list):
        return any(has_lone_surrogate(item) for item in value)
    return False


def encode_json(value: object) -> bytes:
    """Return compact UTF-8 JSON. Raises TypeError for what JSON cannot hold, ValueError for NaN and infinities."""
    if has_non_finite(value):
        raise ValueError("NaN and infinities are not JSON values")
    return _encoder.encode(value)


def depth_of(value: object) -> int:
    """Return how deep arrays and objects nest in a decoded JSON value, without recursion; 0 for a scalar."""
    deepest = 0
    to_visit = [(value, 0)]
    while to_visit:
        item, depth = to_visit.pop()
        deepest = max(deepest, depth)
        if isinstance(item, dict):
            to_visit.extend((inner, depth + 1) for inner in item.values())
            deepest = max(deepest, depth + 1)
        elif isinstance(item, (list, tuple)):
            to_visit.extend((inner, depth + 1) for inner in item)
            deepest = max(deepest, depth + 1)
    return deepest


def has_non_finite(value: object) -> bool:
    """Tell whether a value holds a float that JSON cannot write; msgspec would turn it into null."""
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, dict):
        return any(has_non_finite(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(has_non_finite(item) for item in value)
    return False


def decode_json(data: bytes) -> object:
    """Return the value of JSON that `encode_json` wrote."""
    return json.loads(data)
