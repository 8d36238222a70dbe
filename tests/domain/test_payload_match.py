"""`order.id:42`: which texts are such a condition, and which payloads it fits."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.domain.payload import encode_json
from jobs.domain.payload_match import PayloadMatch, read_payload_match

PAYLOAD = {
    "order": {"id": 42, "code": "42"}, "lines": [{}, {"sku": "x y"}], "tags": ["red", 7], "paid": True, "gone": None,
    "name": 'é"q\n', "total": 1.5, "note": "", "a.b": 1, "c:d": 2, "word": "true", "3": {"x": 1},
}  # fmt: skip


@pytest.mark.parametrize(
    ("fits", "texts"),
    [
        (True, ["order.id:42", "payload.order.id:42", "order.code:42", "lines.1.sku:x y", "tags:red", "tags:7"]),
        (True, ["tags.0:red", "paid:true", "gone:null", 'name:é"q\n', "total:1.5", "note:", r"a\.b:1", r"c\:d:2"]),
        (True, ["3.x:1", "word:true"]),
        (False, ["order.id:421", "order.id:4", "order:42", "lines:x", "lines.2.sku:x y", "tags.1:red", "paid:false"]),
        (False, ["gone:", "absent:null", "note:null", "total:1.50", "a.b:1", "word:1", "order.id:42:"]),
        (None, ["", "order.id", ":42", ".:1", "a..b:1", "x" * 301 + ":1", "a\0:1", f"{'a.' * 16}a:1"]),
    ],
)  # fmt: skip
def test_a_condition_fits_just_what_stands_at_its_path(fits: bool | None, texts: list[str]) -> None:
    for text in texts:
        match = read_payload_match(text)
        assert (None if match is None else match.fits(encode_json(PAYLOAD))) is fits, text


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
NAMES = st.text(min_size=1, max_size=8)


# The first draw of text reads the tables of Unicode, which a busy machine is slow at.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=3), max_size=3), NAMES, NAMES, VALUES)
def test_a_payload_that_fits_holds_the_bytes_that_are_looked_for_first(
    others: dict[str, dict[str, object]], outer: str, inner: str, value: object
) -> None:
    payload = encode_json({**others, outer: {**others.get(outer, {}), inner: value}})
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    match = PayloadMatch((outer, inner), text)
    assert match.fits(payload)
    assert match.needle in payload


def test_what_is_no_json_fits_nothing() -> None:
    assert not PayloadMatch(("a",), "").fits(b"{")
