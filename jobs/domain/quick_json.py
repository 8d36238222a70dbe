"""Reads JSON at the speed of C wherever that provably gives what the strict reader of `payload` would give.

Whatever cannot be proved is left to the strict reader, which then says what is wrong, or that nothing is.
"""

from __future__ import annotations

from typing import Final

import msgspec

from jobs.domain.payload import MAX_DEPTH, MAX_NUMBER_DIGITS, depth_of

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

# So many brackets cannot nest deeper than a payload may, one of them being the object or array around it.
_MOST_BRACKETS: Final = MAX_DEPTH + 1
_STRIDE: Final = MAX_NUMBER_DIGITS // 4
_DIGITS_AS_ZERO: Final = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))


class Odd:
    """What `read_quickly` returns when only the strict reader can judge."""


ODD: Final = Odd()


def read_quickly(body: bytes) -> object:
    """Return the value of a JSON document, or ODD. What is returned is what `payload.read_json` would return.

    msgspec refuses what RFC 8259 refuses, half surrogate pairs in UTF-8 and numbers beyond a float. Three things it
    takes are looked for here: deep nesting, very long numbers, and members that are named twice.
    """
    if b"\\u" in body or _may_hold_long_number(body):
        return ODD
    try:
        value: object = _decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ODD
    if body.count(b"{") + body.count(b"[") > _MOST_BRACKETS and depth_of(value) > _MOST_BRACKETS:
        return ODD
    # The last of two members with one name wins. The loser's quotes are then missing from the value written anew, and
    # nothing else changes their number: without `\u` a quote inside a string is escaped in both texts.
    return value if _encode(value).count(b'"') == body.count(b'"') else ODD


def _may_hold_long_number(body: bytes) -> bool:
    """Tell whether a run of more digits than are allowed may be in there: it would cover four samples in a row."""
    if len(body) <= MAX_NUMBER_DIGITS:
        return False
    return b"0000" in body[::_STRIDE].translate(_DIGITS_AS_ZERO)
