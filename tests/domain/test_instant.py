"""Instants as texts: what is read can be written, and nothing else is read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobs.domain.instant import instant
from jobs.domain.reader import parse_instant

NOW_MS = 1_768_645_800_000


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-01-17T10:30:00Z", NOW_MS),
        ("2026-01-17t10:30:00z", NOW_MS),
        ("2026-01-17T10:30:00.1234567Z", NOW_MS + 123),
        ("2026-01-17T10:30:00.123456789Z", NOW_MS + 123),
        ("2026-01-17T16:15:00+05:45", NOW_MS),
        ("2026-01-16T10:31:00-23:59", NOW_MS),
        ("2016-12-31T23:59:60Z", None),
        ("2026-02-29T00:00:00Z", None),
        ("2026-01-17T10:30:00", None),
        ("2026-01-17T10:30:00+24:00", None),
        ("2026-01-17T24:00:01Z", None),
        ("2026-01-17 10:30:00Z", None),
        ("2026-01-17", None),
        ("0000-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("٢٠٢٦-01-17T10:30:00Z", None),
        ("2026-01-17T10:30:00Z\n", None),
    ],
)
def test_an_instant_is_rfc_3339(text: str, at: int | None) -> None:
    assert parse_instant(text) == at


@given(
    st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?([zZ]|[+-]\d\d:\d\d)", fullmatch=True)
    | st.builds(
        lambda at, zone: at.isoformat() + zone,
        st.datetimes(),
        st.sampled_from(("Z", "+14:00", "-12:00", "+00:01", "-23:59")),
    )
)
@example("0001-01-01T00:00:00+14:00")
@example("0001-01-01T00:00:00Z")
@example("9999-12-31T23:59:59.999999Z")
@example("9999-12-31T23:59:59-00:01")
def test_what_is_read_as_an_instant_can_be_written_and_read_again(text: str) -> None:
    at = parse_instant(text)
    if at is not None:
        assert parse_instant(instant(at)) == at
        assert datetime.fromtimestamp(at / 1000, UTC).year in range(1, 10_000)
