"""Fields of a job that are not valid: 422 with the pointer of each, and nothing stored."""

from __future__ import annotations

import pytest

from jobs.api.job_shapes import JobShape
from jobs.domain.validation import FIELDS
from tests.api.lane import each_lane
from tests.api.refusals import refused
from tests.api.tenant import Tenant

pytestmark = each_lane

WRONG_NUMBERS: dict[str, tuple[object, str]] = {
    "one too many": (256, "out_of_range"),
    "below zero": (-1, "out_of_range"),
    "beyond a double": (2**53 + 1, "out_of_range"),
    "10^23": (10**23, "out_of_range"),
    "400 digits": (10**399, "out_of_range"),
    "1e308": (1e308, "invalid_type"),
    "a float": (1.0, "invalid_type"),
    "true": (True, "invalid_type"),
    "null": (None, "invalid_type"),
    "a text": ("3", "invalid_type"),
    "a list": ([3], "invalid_type"),
    "an object": ({"a": 3}, "invalid_type"),
}
NO_NAMES: dict[str, object] = {
    "nothing": "",
    "a blank": " ",
    "capitals": "Email.Send",
    "a dash first": "-a",
    "a dot first": ".a",
    "too long": "a" * 129,
    "ten thousand characters": "a" * 10_000,
    "a newline at the end": "a\n",
    "a colon": "a:b",
    "braces": "{x}",
    "a star": "*",
    "two dots": "..",
    "a slash": "a/b",
    "a homoglyph": "\u0430bc",
    "a full width letter": "\uff41",
    "an accent": "é",
    "an emoji": "🔥",
    "bidi": "a\u202eb",
    "zero width": "a\u200bb",
    "a text of Lua": "redis.call('flushall')",
    "a number": 7,
    "null": None,
    "true": True,
    "a list": ["a"],
    "an object": {"a": 1},
}
OTHERS: dict[str, tuple[dict[str, object], str, str]] = {
    "no kind": ({"kind": ...}, "/kind", "required"),
    "a priority of another word": ({"priority": "urgent"}, "/priority", "invalid_choice"),
    "a priority in capitals": ({"priority": "HIGH"}, "/priority", "invalid_choice"),
    "a priority by number": ({"priority": 10**23}, "/priority", "invalid_choice"),
    "no priority": ({"priority": None}, "/priority", "invalid_choice"),
    "a delivery of another word": ({"delivery": "exactly_once"}, "/delivery", "invalid_choice"),
    "no time limit": ({"timeout_ms": 0}, "/timeout_ms", "out_of_range"),
    "a time limit beyond a day": ({"timeout_ms": 86_400_001}, "/timeout_ms", "out_of_range"),
    "a day that is none": ({"scheduled_for": "2026-02-30T00:00:00Z"}, "/scheduled_for", "invalid_time"),
    "a time without offset": ({"scheduled_for": "2026-02-03T00:00:00"}, "/scheduled_for", "invalid_time"),
    "a time as a number": ({"scheduled_for": 1e308}, "/scheduled_for", "invalid_time"),
    "a time in words": ({"scheduled_for": "tomorrow"}, "/scheduled_for", "invalid_time"),
    "the year 9999": ({"scheduled_for": "9999-12-31T23:59:59Z"}, "/scheduled_for", "out_of_range"),
    "the year 1": ({"scheduled_for": "0001-01-01T00:00:00+14:00"}, "/scheduled_for", "invalid_time"),
    "tags as a list": ({"metadata": ["a"]}, "/metadata", "invalid_type"),
    "33 tags": ({"metadata": {str(number): "" for number in range(33)}}, "/metadata", "too_many"),
    "a tag that is a number": ({"metadata": {"a/b~c": 1}}, "/metadata/a~1b~0c", "invalid_type"),
    "a tag that is too long": ({"metadata": {"a": "é" * 257}}, "/metadata/a", "too_large"),
    "a tag without name": ({"metadata": {"": "x"}}, "/metadata", "invalid_name"),
    "a tag with a long name": ({"metadata": {"n" * 65: "x"}}, "/metadata", "invalid_name"),
    "a tag with a NUL in its name": ({"metadata": {"a\0": "x"}}, "/metadata", "invalid_name"),
    "a tag with bidi in its name": ({"metadata": {"a\u202e": "x"}}, "/metadata", "invalid_name"),
    "a backoff that is a number": ({"backoff": 5}, "/backoff", "invalid_type"),
    "no wait": ({"backoff": {"base_ms": 0}}, "/backoff/base_ms", "out_of_range"),
    "a shorter longest wait": ({"backoff": {"base_ms": 9, "max_ms": 8}}, "/backoff/max_ms", "out_of_range"),
    "another jitter": ({"backoff": {"jitter": "some"}}, "/backoff/jitter", "invalid_choice"),
    "a wait of its own": ({"backoff": {"factor": 2}}, "/backoff/factor", "unknown_field"),
}
# What a client might try to set itself, and what belongs to the record of a job.
NOT_GIVEN = {
    *("state", "namespace", "attempts", "is_staff", "id", "status", "retry_count", "created_at", "token"),
    *("lease_token", "progress", "workflow_id", "schedule_id", "crash_count", "score", "__proto__", ""),
}


def test_a_number_of_retries_is_an_integer_from_0_to_255(tenant: Tenant) -> None:
    for name, (value, code) in WRONG_NUMBERS.items():
        answer = refused(tenant, "POST", "/jobs", {"kind": "k", "max_retries": value})
        assert (answer.status, answer.problems) == (422, [("/max_retries", code)]), name


@pytest.mark.parametrize("field", ["kind", "queue"])
def test_a_name_is_plain_and_short(tenant: Tenant, field: str) -> None:
    for name, value in NO_NAMES.items():
        answer = refused(tenant, "POST", "/jobs", {"kind": "k", field: value})
        code = "invalid_name" if isinstance(value, str) else "invalid_type"
        assert (answer.status, answer.problems) == (422, [(f"/{field}", code)]), name


@pytest.mark.parametrize("field", ["kind", "queue"])
def test_of_the_first_256_characters_few_may_stand_in_a_name(tenant: Tenant, field: str) -> None:
    letters = [chr(code) for code in range(256)]
    requests = [tenant.request("POST", "/jobs", {"kind": "k", field: f"a{letter}a"}) for letter in letters]
    answers = tenant.lane.ask_all(requests, at_once=8)
    taken = {letter for letter, answer in zip(letters, answers, strict=True) if answer.status == 202}
    assert taken == set("abcdefghijklmnopqrstuvwxyz0123456789._-")
    assert {answer.status for answer in answers} == {202, 422}


@pytest.mark.parametrize("length", [64, 65])
def test_the_name_of_a_queue_has_64_characters(tenant: Tenant, length: int) -> None:
    answer = tenant.ask("POST", "/jobs", {"kind": "k" * 128, "queue": "q" * length})
    assert answer.status == (202 if length == 64 else 422)


def test_a_wrong_field_is_named_by_its_pointer(tenant: Tenant) -> None:
    for name, (fields, pointer, code) in OTHERS.items():
        body = {field: value for field, value in {"kind": "k", **fields}.items() if value is not ...}
        answer = refused(tenant, "POST", "/jobs", body)
        assert (answer.status, answer.problems) == (422, [(pointer, code)]), name


def test_a_field_that_is_not_the_clients_is_unknown(tenant: Tenant) -> None:
    for field in sorted(NOT_GIVEN | (set(JobShape.__struct_fields__) - FIELDS)):
        answer = refused(tenant, "POST", "/jobs", {"kind": "k", field: "x"})
        assert (answer.status, answer.problems) == (422, [(f"/{field}", "unknown_field")])


SCRIPT = "]]'\"; return redis.call('FLUSHALL') -- ${7*7} %s {0} \\ \0 \r\n KEYS[1] ARGV[1]"


def test_text_that_looks_like_a_script_is_only_text(tenant: Tenant, other: Tenant) -> None:
    kept = other.submit()
    sent = {"kind": "k", "payload": {SCRIPT: SCRIPT}, "metadata": {"t": SCRIPT}}
    first = tenant.ask("POST", "/jobs", sent, idempotency_key="]]'); return 1 --")
    job = tenant.job(first.body["id"])
    assert (job["payload"], job["metadata"]) == (sent["payload"], sent["metadata"])
    assert other.job(kept)["status"] == "queued"


def test_what_differs_is_kept_under_different_keys_of_one_slot(tenant: Tenant) -> None:
    for number, queue in enumerate(("a", "a.b", "a-b", "a_b", "ab")):
        tenant.ask("POST", "/jobs", {"kind": "k", "queue": queue}, idempotency_key=f"k{number}")
    assert {len(tenant.bench.queue_ids(queue)) for queue in ("a", "a.b", "a-b", "a_b", "ab")} == {1}
    start = f"ironforge:{{{tenant.name}/".encode()
    assert all(key.startswith(start) and key.count(b"{") == 1 for key in tenant.stored())
