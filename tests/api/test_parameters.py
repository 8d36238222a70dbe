"""Query parameters: literal, bounded and known, or 422; whatever they hold, the answer comes soon."""

from __future__ import annotations

import time
from urllib.parse import quote

import pytest

from jobs.domain.job import JobSpec
from tests.api.lane import each_lane
from tests.api.refusals import refused
from tests.api.tenant import Tenant

NO_INTEGERS = [
    "",
    "-1",
    "0",
    "1e3",
    "1.0",
    "NaN",
    "Infinity",
    "10^9",
    "1000000000",
    "9" * 400,
    "１",
    "+5",
    " 5",
    "0x10",
]
NUMBERS = [("/jobs", "limit"), ("/workers", "limit"), ("/queues/stats", "minutes"), ("/queues/scaling", "target_s")]
PATTERNS = ["*a*a*a*a*b", "(a+)+$", "[", "\\", "%", "_", "a?", "^", ".*", "\0", "'", "{x}", "\u202e", "é" * 100]
PLAIN = ["/queues", "/workers", "/metrics"]


@pytest.mark.parametrize(("target", "name"), NUMBERS)
def test_a_number_is_an_integer_within_its_bounds(tenant: Tenant, target: str, name: str) -> None:
    for value in NO_INTEGERS:
        answer = refused(tenant, "GET", f"{target}?{name}={quote(value)}")
        assert (answer.status, answer.problems) == (422, [(f"?{name}", "out_of_range")]), value


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("status=nonsense", ("?status", "invalid_choice")),
        ("status=", ("?status", "invalid_choice")),
        ("priority=7", ("?priority", "invalid_choice")),
        ("queue=A", ("?queue", "invalid_name")),
        ("kind=a%0a", ("?kind", "invalid_name")),
        ("created_after=yesterday", ("?created_after", "invalid_time")),
        ("created_before=1e999", ("?created_before", "invalid_time")),
        ("metadata=", ("?metadata", "too_large")),
        (f"metadata={'x' * 1_000}", ("?metadata", "too_large")),
        (f"error_type={'x' * 201}", ("?error_type", "too_large")),
        ("status=queued&status=failed", ("?status", "repeated_parameter")),
        ("page=-1", ("?page", "unknown_parameter")),
        ("offset=NaN", ("?offset", "unknown_parameter")),
        ("limit=5&Limit=5", ("?Limit", "unknown_parameter")),
    ],
)
def test_a_wrong_filter_is_named(tenant: Tenant, query: str, problem: tuple[str, str]) -> None:
    answer = refused(tenant, "GET", f"/jobs?{query}")
    assert (answer.status, answer.problems) == (422, [problem])


@pytest.mark.parametrize("name", ["metadata", "error_type"])
def test_a_filter_that_looks_like_a_pattern_is_only_text(tenant: Tenant, name: str) -> None:
    tenant.bench.dead_letter(metadata={"a" * 60: "a" * 250})
    for text in PATTERNS:
        answer = tenant.ask("GET", f"/jobs?{name}={quote(text)}")
        assert (answer.status, answer.body["data"]) == (200, []), text


def test_a_search_over_many_jobs_costs_no_more_than_its_bound(tenant: Tenant) -> None:
    for _ in range(10):
        tenant.bench.submit_all([JobSpec(kind="a" * 128, metadata={"a" * 64: "a" * 256}) for _ in range(200)])
    began_at = time.monotonic()
    answer = tenant.ask("GET", f"/jobs?metadata={quote('*a*a*a*a*a*a*b')}")
    assert (answer.status, answer.body["data"]) == (200, [])
    assert time.monotonic() - began_at < 20, "a search of 2 000 jobs"


@pytest.mark.parametrize("target", PLAIN)
def test_a_route_without_parameters_takes_none(tenant: Tenant, target: str) -> None:
    answer = refused(tenant, "GET", f"{target}?x=1")
    assert (answer.status, answer.problems) == (422, [("?x", "unknown_parameter")])


@each_lane
@pytest.mark.parametrize("query", ["x=1", "wait=1&wait=2", "wait=1&x=1", "atomic=true", "%00=%ff", "=", "wait"])
def test_a_job_takes_only_what_it_knows(tenant: Tenant, query: str) -> None:
    job_id = tenant.submit()
    answer = tenant.ask("GET", f"/jobs/{job_id}?{query}")
    assert answer.status == 422
    assert answer.problems[0][1] in ("unknown_parameter", "repeated_parameter", "out_of_range")


@each_lane
@pytest.mark.parametrize("query", ["x=1", "kind=k", "dry_run=true", "%f0%28"])
def test_a_submission_takes_no_parameter(tenant: Tenant, query: str) -> None:
    answer = refused(tenant, "POST", f"/jobs?{query}", {"kind": "k"})
    assert (answer.status, answer.problems[0][1]) == (422, "unknown_parameter")


def test_ten_thousand_parameters_are_refused(tenant: Tenant) -> None:
    answer = tenant.ask("GET", "/jobs?" + "&".join(f"x{number}=1" for number in range(10_000)))
    assert 400 <= answer.status < 500
    assert len(answer.raw) < 100_000
