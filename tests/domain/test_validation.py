"""From a request to a job: every problem is named at once, and nothing else is ever raised."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain import naming
from jobs.domain.backoff import Backoff, Jitter
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.job import (
    MAX_DELAY_MS,
    MAX_ERROR_MESSAGE,
    MAX_ERROR_TRACEBACK,
    MAX_ERROR_TYPE,
    Delivery,
    JobError,
    JobSpec,
)
from jobs.domain.payload import MAX_PAYLOAD_BYTES
from jobs.domain.priority import Priority
from jobs.domain.reader import parse_instant
from jobs.domain.validation import FIELDS, encode_payload, parse_job

NOW_MS = 1_768_645_800_000
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70) | st.from_regex(r"\d{4}-\d\d-.*"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=70), inner, max_size=4),
    max_leaves=8,
)
almost_jobs = st.dictionaries(st.sampled_from(sorted(FIELDS)) | st.text(max_size=5), anything, max_size=8)


def problems_of(**fields: object) -> list[tuple[str, str]]:
    """Return pointer and code of each problem of a job whose kind is in order."""
    with pytest.raises(InvalidInput) as caught:
        parse_job({"kind": "demo.echo"} | fields, now_ms=NOW_MS)
    assert caught.value.code == "invalid"
    return [(problem.pointer, problem.code) for problem in caught.value.problems]


def test_a_kind_is_enough() -> None:
    assert parse_job({"kind": "demo.echo"}, now_ms=NOW_MS) == JobSpec(kind="demo.echo")


def test_every_field_is_read() -> None:
    spec = parse_job(
        {
            "kind": "email.send",
            "payload": {"to": "ü"},
            "queue": "mail",
            "priority": "high",
            "max_retries": 0,
            "timeout_ms": 86_400_000,
            "scheduled_for": "2026-01-17T12:30:00.5+02:00",
            "metadata": {"team": "a b", "leer": ""},
            "delivery": "at_most_once",
            "backoff": {"base_ms": 5, "max_ms": 50, "jitter": "full"},
        },
        now_ms=NOW_MS,
    )
    assert spec == JobSpec(
        kind="email.send",
        payload='{"to":"ü"}'.encode(),
        queue="mail",
        priority=Priority.HIGH,
        max_retries=0,
        timeout_ms=86_400_000,
        scheduled_for=NOW_MS + 500,
        metadata={"team": "a b", "leer": ""},
        delivery=Delivery.AT_MOST_ONCE,
        backoff=Backoff(5, 50, Jitter.FULL),
    )


def test_all_problems_are_named_at_once_under_the_pointer_of_the_item() -> None:
    wrong = {
        "kind": "Ä",
        "queue": "",
        "priority": "urgent",
        "max_retries": True,
        "timeout_ms": 0,
        "scheduled_for": "tomorrow",
        "metadata": {"a/b~": 1},
        "delivery": None,
        "backoff": {"base_ms": 0, "jitter": "some", "x": 1},
        "status": "completed",
    }
    with pytest.raises(InvalidInput) as caught:
        parse_job(wrong, now_ms=NOW_MS, pointer="/3")
    assert {(problem.pointer, problem.code) for problem in caught.value.problems} == {
        ("/3/kind", "invalid_name"),
        ("/3/queue", "invalid_name"),
        ("/3/priority", "invalid_choice"),
        ("/3/max_retries", "invalid_type"),
        ("/3/timeout_ms", "out_of_range"),
        ("/3/scheduled_for", "invalid_time"),
        ("/3/metadata/a~1b~0", "invalid_type"),
        ("/3/delivery", "invalid_choice"),
        ("/3/backoff/base_ms", "out_of_range"),
        ("/3/backoff/jitter", "invalid_choice"),
        ("/3/backoff/x", "unknown_field"),
        ("/3/status", "unknown_field"),
    }


@pytest.mark.parametrize("value", [None, [], "x", 1, True, [{"kind": "a"}]])
def test_what_is_no_object_is_no_job(value: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_job(value, now_ms=NOW_MS)
    assert [(problem.pointer, problem.code) for problem in caught.value.problems] == [("", "invalid_type")]


def test_a_missing_kind_is_required() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_job({}, now_ms=NOW_MS)
    assert [(problem.pointer, problem.code) for problem in caught.value.problems] == [("/kind", "required")]
    assert problems_of(kind=None) == [("/kind", "invalid_type")]


@pytest.mark.parametrize("field", ["status", "namespace", "attempts", "id", "Kind"])
def test_a_field_that_no_feature_reads_is_unknown(field: str) -> None:
    assert problems_of(**{field: "x"}) == [(f"/{field}", "unknown_field")]


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ({"delay": 5}, ": perhaps scheduled_for is meant."),
        ({"Args": []}, ": perhaps payload is meant."),
        ({"retries": 3}, ": perhaps max_retries is meant."),
        ({"retries": 3, "max_retries": 3}, "object."),
        ({"crontab": "* * * * *"}, "object."),
        ({"x": 3}, "object."),
    ],
)
def test_a_field_that_other_queues_have_is_named_as_it_is_here(fields: dict[str, object], hint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_job({"kind": "a", **fields}, now_ms=NOW_MS)
    assert caught.value.problems[0].detail.endswith(hint)


@pytest.mark.parametrize("mark", [chr(code) for code in (*range(0x21), *range(0x7F, 0x100), 0x200B, 0x202E, 0xFEFF)])
def test_a_name_holds_no_hidden_character(mark: str) -> None:
    assert problems_of(kind=f"a{mark}", queue=f"{mark}a") == [("/kind", "invalid_name"), ("/queue", "invalid_name")]


@pytest.mark.parametrize("mark", ["\0", "\n", "\x1b", "\x7f", "\x85", "\u200b", "\u202e", "\u2066", "\ud800"])
def test_the_name_of_a_tag_is_printable(mark: str) -> None:
    assert problems_of(metadata={f"a{mark}": "x"}) == [("/metadata", "invalid_name")]


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("max_retries", (0, 255), (-1, 256, 10**23)),
        ("timeout_ms", (1, 86_400_000), (0, 86_400_001)),
        ("kind", ("a", "a" * 128), ("a" * 129, "", ".a", "A", "a\n")),
        ("queue", ("a", "a" * 64), ("a" * 65, "", "-a", "a b")),
        ("metadata", ({}, {str(n): "" for n in range(32)}, {"a" * 64: "b" * 256}), ({"": ""}, {"a" * 65: ""})),
        ("metadata", ({"a": "b" * 256},), ({"a": "b" * 257}, {str(n): "" for n in range(33)}, [], {"a": "\ud800"})),
        ("backoff", ({}, {"base_ms": 10**6}, None), ({"base_ms": 2, "max_ms": 1}, {"base_ms": 10**12}, [], "x")),
        ("scheduled_for", (None,), ("", 5, True, {})),
    ],
)
def test_a_bound_holds(field: str, good: tuple[object, ...], bad: tuple[object, ...]) -> None:
    for value in good:
        parse_job({"kind": "a"} | {field: value}, now_ms=NOW_MS)
    for value in bad:
        assert len(problems_of(**{field: value})) == 1


@pytest.mark.parametrize("value", [True, False, 1.0, "1", None, []])
def test_only_an_integer_is_an_integer(value: object) -> None:
    assert problems_of(max_retries=value) == [("/max_retries", "invalid_type")]


def test_a_payload_is_bounded_in_bytes_and_depth() -> None:
    assert len(encode_payload("ü" * (MAX_PAYLOAD_BYTES // 2 - 1))) == MAX_PAYLOAD_BYTES
    assert problems_of(payload="ü" * (MAX_PAYLOAD_BYTES // 2)) == [("/payload", "too_large")]
    deep: list[object] = []
    for _ in range(64):
        deep = [deep]
    assert problems_of(payload=deep) == [("/payload", "too_deep")]
    assert encode_payload(deep[0]).startswith(b"[" * 64)
    with pytest.raises(InvalidInput):
        encode_payload(deep)


@pytest.mark.parametrize("payload", [float("nan"), "\ud800", {"a": object()}])
def test_a_payload_that_is_not_json_is_refused(payload: object) -> None:
    assert problems_of(payload=payload) == [("/payload", "invalid_value")]


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "1969-12-31T23:59:59Z"])
def test_an_instant_out_of_reach_is_refused(text: str) -> None:
    assert problems_of(scheduled_for=text)[0][0] == "/scheduled_for"


def test_ten_years_ahead_is_the_limit_and_the_past_means_now() -> None:
    spec = parse_job({"kind": "a", "scheduled_for": "2026-01-17T10:30:00Z"}, now_ms=NOW_MS - MAX_DELAY_MS)
    assert spec.scheduled_for == NOW_MS
    with pytest.raises(InvalidInput):
        parse_job({"kind": "a", "scheduled_for": "2026-01-17T10:30:00Z"}, now_ms=NOW_MS - MAX_DELAY_MS - 1)
    assert parse_job({"kind": "a", "scheduled_for": "1970-01-01T00:00:00Z"}, now_ms=NOW_MS).scheduled_for == 0


@given(almost_jobs | anything)
def test_anything_becomes_a_job_or_invalid_input(value: object) -> None:
    problems: list[Problem] = []
    try:
        spec = parse_job(value, now_ms=NOW_MS)
    except InvalidInput as error:
        problems = error.problems
        spec = None
    assert (spec is None) == bool(problems)
    assert all(re.fullmatch(r"(/.*)?", problem.pointer, re.DOTALL) for problem in problems)
    assert spec is None or (naming.is_kind(spec.kind) and naming.is_queue(spec.queue))


@given(st.text(max_size=30) | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", fullmatch=True))
def test_any_text_is_an_instant_or_none(text: str) -> None:
    assert isinstance(parse_instant(text), (int, type(None)))


@given(st.text(), st.integers(0, 3000))
def test_an_error_is_cut_between_characters_and_can_always_be_written(text: str, times: int) -> None:
    long = (text + "ü😀\udcff") * times
    bounded = JobError(long, long, long).bounded()
    assert len(bounded.type) <= MAX_ERROR_TYPE
    assert len(bounded.message) <= MAX_ERROR_MESSAGE
    assert len(bounded.traceback) <= MAX_ERROR_TRACEBACK
    assert "\udcff" not in bounded.traceback.encode().decode()
    assert bounded.bounded() == bounded


def test_a_traceback_keeps_its_end() -> None:
    text = "".join(random.Random(1).choices("abc", k=20_000)) + "ValueError"
    assert JobError("ValueError", "", text).bounded().traceback.endswith("ValueError")


@pytest.mark.parametrize(
    ("is_valid", "good", "bad"),
    [
        (naming.is_namespace, ("a", "0-a", "a" * 63), ("", "-a", "a" * 64, "a/b", "a}", "A", "a_b", "a\n")),
        (naming.is_worker_id, ("Host.1:77@a-b", "w" * 128), ("", "-w", "w w", "w" * 129, "w\n", "ü")),
    ],
)
def test_a_name_matches_its_pattern(is_valid: object, good: tuple[str, ...], bad: tuple[str, ...]) -> None:
    assert callable(is_valid)
    assert all(is_valid(text) for text in good)
    assert not any(is_valid(text) for text in bad)


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"expires_at": "soon"}, [("/expires_at", "invalid_time")]),
        ({"expires_at": "2099-01-01T00:00:00Z"}, [("/expires_at", "out_of_range")]),
        (
            {"expires_at": "2026-01-17T10:30:00Z", "scheduled_for": "2026-01-17T10:30:00Z"},
            [("/expires_at", "out_of_range")],
        ),
        ({"retention_ms": 0}, [("/retention_ms", "out_of_range")]),
        ({"retention_ms": 1.5}, [("/retention_ms", "invalid_type")]),
        ({"unique": "k"}, [("/unique", "invalid_type")]),
        ({"unique": {"for": 1}}, [("/unique/for", "unknown_field"), ("/unique/key", "required")]),
        ({"unique": {"key": "a\n"}}, [("/unique/key", "invalid_name")]),
        ({"unique": {"key": "a" * 201}}, [("/unique/key", "invalid_name")]),
        ({"unique": {"key": 7, "ttl_ms": 0}}, [("/unique/ttl_ms", "out_of_range"), ("/unique/key", "invalid_type")]),
        (
            {"unique": {"key": "a", "until": "later", "on_conflict": "wait"}},
            [("/unique/until", "invalid_choice"), ("/unique/on_conflict", "invalid_choice")],
        ),
        ({"debounce": {"key": "a"}}, [("/debounce/delay_ms", "required")]),
        (
            {"debounce": {"key": "a", "delay_ms": 5, "max_wait_ms": 4}},
            [("/debounce/max_wait_ms", "out_of_range")],
        ),
        (
            {"debounce": {"key": "a", "delay_ms": 5}, "unique": {"key": "b"}},
            [("/debounce", "conflicting_fields")],
        ),
    ],
)
def test_what_makes_a_job_unique_is_judged(fields: dict[str, object], wanted: list[tuple[str, str]]) -> None:
    assert problems_of(**fields) == wanted
