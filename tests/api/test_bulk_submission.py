"""`POST /jobs/bulk`: many jobs in one request, an item for each in order, or all of them or none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.lane import Answer, each_lane
from tests.api.refusals import MEMBERS, refused
from tests.api.tenant import Tenant
from tests.backends.situations import fill_queues

pytestmark = each_lane

GOOD = {"kind": "email.send"}
LINES = "application/x-ndjson"


def lines(*jobs: object) -> bytes:
    """Return jobs as one JSON text a line."""
    return b"\n".join(json.dumps(job).encode() for job in jobs)


def ids_of(answer: Answer) -> list[str]:
    return [item["id"] for item in answer.body["items"] if "id" in item]


@pytest.mark.parametrize("address", ["/jobs/bulk", "/api/v1/jobs/bulk"])
@pytest.mark.parametrize("media_type", ["application/json", LINES])
def test_every_job_has_its_item_in_order(tenant: Tenant, address: str, media_type: str) -> None:
    jobs: list[Any] = [{**GOOD, "payload": number} for number in range(3)]
    body = jobs if media_type != LINES else lines(*jobs) + b"\n"
    answer = tenant.ask("POST", address, body, content_type=media_type)
    assert (answer.status, answer.body["accepted"], answer.body["rejected"]) == (202, 3, 0)
    assert [set(item) for item in answer.body["items"]] == [{"index", "id", "status"}] * 3
    assert [(item["index"], item["status"]) for item in answer.body["items"]] == [(n, "queued") for n in range(3)]
    assert tenant.bench.queue_ids() == ids_of(answer)
    assert [tenant.job(job_id)["payload"] for job_id in ids_of(answer)] == [0, 1, 2]


@pytest.mark.parametrize("media_type", ["application/json", LINES])
def test_a_wrong_job_does_not_harm_the_others(tenant: Tenant, media_type: str) -> None:
    jobs: list[Any] = [GOOD, {"kind": "No"}, 7, {**GOOD, "state": "x"}, GOOD]
    answer = tenant.ask("POST", "/jobs/bulk", jobs if media_type != LINES else lines(*jobs), content_type=media_type)
    assert (answer.status, answer.body["accepted"], answer.body["rejected"]) == (202, 2, 3)
    problems = [item["problem"] for item in answer.body["items"] if "problem" in item]
    assert [[(error["pointer"], error["code"]) for error in problem["errors"]] for problem in problems] == [
        [("/kind", "invalid_name")],
        [("", "invalid_type")],
        [("/state", "unknown_field")],
    ]
    for problem in problems:
        assert set(problem) == MEMBERS
        assert (problem["status"], problem["request_id"]) == (422, answer.headers["x-request-id"])
    assert tenant.bench.queue_ids() == ids_of(answer)


def test_blank_lines_are_passed_over_and_a_line_that_is_no_json_is_one_wrong_job(tenant: Tenant) -> None:
    body = lines(GOOD) + b"\n\n" + lines(GOOD) + b"\r\n{bad\n" + lines(GOOD)
    answer = tenant.ask("POST", "/jobs/bulk", body, content_type=LINES)
    assert (answer.status, answer.body["accepted"], answer.body["rejected"]) == (202, 3, 1)
    problem = answer.body["items"][2]["problem"]
    assert (problem["status"], problem["code"]) == (400, "invalid_json")


def test_a_bulk_may_be_larger_than_a_single_job(tenant: Tenant) -> None:
    answer = tenant.ask("POST", "/jobs/bulk", [{**GOOD, "payload": "x" * 250_000}] * 6)
    assert (answer.status, answer.body["accepted"]) == (202, 6)


def test_all_or_none_repeated_with_its_key_makes_no_second_jobs(tenant: Tenant) -> None:
    first, again = (tenant.ask("POST", "/jobs/bulk?atomic=true", [GOOD, GOOD], idempotency_key="k") for _ in range(2))
    assert (first.status, again.status) == (202, 202)
    assert ids_of(again) == ids_of(first) == tenant.bench.queue_ids()


def test_all_or_none_names_every_wrong_job_and_stores_none(tenant: Tenant) -> None:
    answer = refused(tenant, "POST", "/jobs/bulk?atomic=true", [GOOD, {"kind": "No"}, {**GOOD, "x": 1}])
    assert (answer.status, answer.problems) == (422, [("/1/kind", "invalid_name"), ("/2/x", "unknown_field")])
    assert tenant.bench.queue_ids() == []


@pytest.mark.parametrize("count", [1_000, 1_001])
def test_all_or_none_takes_a_thousand_jobs(tenant: Tenant, count: int) -> None:
    answer = tenant.ask("POST", "/jobs/bulk?atomic=true", [GOOD] * count)
    if count == 1_000:
        assert (answer.status, answer.body["accepted"]) == (202, 1_000)
    else:
        assert (answer.status, answer.code) == (422, "atomic_too_large")
    assert len(tenant.bench.queue_ids()) == (count if count == 1_000 else 0)


@pytest.mark.parametrize("count", [10_000, 10_001])
def test_a_request_holds_ten_thousand_jobs(tenant: Tenant, count: int) -> None:
    answer = tenant.ask("POST", "/jobs/bulk", b"[" + b",".join([b'{"kind":"k"}'] * count) + b"]")
    tenant.bench.is_checked = False  # one look at each of so many jobs takes longer than the test
    if count == 10_000:
        assert (answer.status, answer.body["accepted"], len(answer.body["items"])) == (202, 10_000, 10_000)
        assert tenant.bench.queue_ids() == ids_of(answer)
    else:
        assert (answer.status, answer.problems) == (422, [("", "out_of_range")])
        assert tenant.stored() == {}


def test_a_repeated_request_with_its_key_makes_no_second_jobs(tenant: Tenant) -> None:
    jobs = [GOOD, {"kind": "No"}, {**GOOD, "priority": "low"}]
    first, again = (tenant.ask("POST", "/jobs/bulk", jobs, idempotency_key="batch") for _ in range(2))
    assert (first.status, again.status) == (202, 202)
    assert ids_of(again) == ids_of(first)
    assert len(tenant.bench.queue_ids()) == 2
    other = tenant.ask("POST", "/jobs/bulk", [GOOD, GOOD, GOOD], idempotency_key="batch")
    assert [item.get("problem", {}).get("code") for item in other.body["items"]] == [
        "idempotency_mismatch",
        None,
        "idempotency_mismatch",
    ]


def test_all_or_none_under_a_used_key_stores_nothing(tenant: Tenant) -> None:
    tenant.ask("POST", "/jobs/bulk", [GOOD], idempotency_key="batch")
    answer = tenant.ask("POST", "/jobs/bulk?atomic=true", [GOOD, GOOD], idempotency_key="batch")
    assert (answer.status, answer.code) == (422, "idempotency_mismatch")
    assert len(tenant.bench.queue_ids()) == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "empty_body"),
        (b"[", 400, "invalid_json"),
        (b"[1,]", 400, "invalid_json"),
        (b'[{"kind":"k"}', 400, "invalid_json"),
        (b"[" * 100_000, 400, "too_deep"),
        (b"\xff\xfe", 400, "invalid_utf8"),
        (b"[]", 422, "invalid"),
        (b"{}", 422, "invalid"),
        (b"null", 422, "invalid"),
        (b'{"jobs":[]}', 422, "invalid"),
    ],
)
def test_a_frame_that_is_none_is_refused(tenant: Tenant, body: bytes, status: int, code: str) -> None:
    answer = refused(tenant, "POST", "/jobs/bulk", body)
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize(
    ("element", "code"),
    [
        (b'{"kind":"k","payload":NaN}', "invalid_number"),
        (b'{"kind":"k","payload":"\\ud800"}', "invalid_unicode"),
        (b'{"kind":"k","kind":"k"}', "duplicate_member"),
        (b'{"kind":"k","payload":1e999}', "invalid_number"),
        (b'{"kind":"k","payload":' + b"[" * 80 + b"]" * 80 + b"}", "too_deep"),
        (b'{"kind":"k","payload":' + b"9" * 5_000 + b"}", "invalid_number"),
    ],
)
def test_a_job_that_cannot_be_read_stores_nothing_of_itself(tenant: Tenant, element: bytes, code: str) -> None:
    answer = tenant.ask("POST", "/jobs/bulk", element + b"\n" + lines(GOOD), content_type=LINES)
    assert (answer.status, answer.body["accepted"]) == (202, 1)
    assert (answer.body["items"][0]["problem"]["status"], answer.body["items"][0]["problem"]["code"]) == (400, code)
    array = tenant.ask("POST", "/jobs/bulk", b"[" + element + b',{"kind":"k"}]')
    assert array.status in (202, 400)
    assert len(tenant.bench.queue_ids()) == 1 + (array.status == 202)


@pytest.mark.parametrize("query", ["atomic=yes", "atomic=", "atomic=true&atomic=true", "x=1", "atomic=TRUE"])
def test_another_parameter_is_refused(tenant: Tenant, query: str) -> None:
    answer = refused(tenant, "POST", f"/jobs/bulk?{query}", [GOOD])
    assert (answer.status, answer.problems[0][0][:1]) == (422, "?")


def test_the_bound_of_a_request_is_sixteen_mebibytes(tenant: Tenant) -> None:
    blanks = 16 * 1024 * 1024 - len(b'[{"kind":"k"}]')
    assert tenant.ask("POST", "/jobs/bulk", b'[{"kind":"k"}' + b" " * blanks + b"]").status == 202
    answer = tenant.ask("POST", "/jobs/bulk", b'[{"kind":"k"}' + b" " * (blanks + 1) + b"]")
    assert (answer.status, answer.code) == (413, "too_large")


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_media_type_is_refused(tenant: Tenant, media_type: str) -> None:
    answer = refused(tenant, "POST", "/jobs/bulk", b'[{"kind":"k"}]', content_type=media_type)
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b'{"kind":"a"}', 422), (b"[", 400), (b"nul", 400)])
def test_a_frame_that_is_no_json_is_malformed_and_one_that_is_no_array_not_valid(
    tenant: Tenant, body: bytes, status: int
) -> None:
    assert tenant.ask("POST", "/jobs/bulk", body).status == status


def test_jobs_of_one_queue_too_many_are_refused_by_themselves_or_with_the_whole(tenant: Tenant) -> None:
    fill_queues(tenant.bench)
    jobs = [GOOD, {**GOOD, "queue": "late"}, {**GOOD, "queue": "q0001"}]
    answer = tenant.ask("POST", "/jobs/bulk", jobs)
    assert (answer.status, answer.body["accepted"], answer.body["rejected"]) == (202, 2, 1)
    problem = answer.body["items"][1]["problem"]
    assert (problem["status"], problem["code"]) == (422, "too_many_queues")
    assert problem["errors"][0]["pointer"] == "/queue"
    before = tenant.stored()
    whole = tenant.ask("POST", "/jobs/bulk?atomic=true", jobs)
    assert (whole.status, whole.code, whole.problems) == (422, "too_many_queues", [("/1/queue", "too_many_queues")])
    assert tenant.stored() == before
