"""The problem document: one shape, one status an error."""

from __future__ import annotations

import json

import pytest

from jobs.domain import errors
from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.problem import MAX_PROBLEMS, problem_of, retry_after_s

MEMBERS = {"type", "title", "status", "code", "detail", "errors", "request_id", "retryable"}


@pytest.mark.parametrize(
    ("error", "status", "code", "wait_s"),
    [
        (errors.MalformedInput("bad", code="too_deep"), 400, "too_deep", None),
        (errors.InvalidInput([errors.Problem("/kind", "invalid_name", "No.")]), 422, "invalid", None),
        (errors.NotFound("x"), 404, "not_found", None),
        (errors.NotPermitted("x"), 403, "forbidden", None),
        (errors.NotAuthenticated("x"), 401, "unauthenticated", None),
        (errors.TooManyAttempts("x", retry_after_s=7), 429, "too_many_attempts", 7),
        (errors.BackendUnavailable("x", retry_after_s=2), 503, "store_unavailable", 2),
    ],
)
def test_each_error_has_its_status(error: errors.IronForgeError, status: int, code: str, wait_s: int | None) -> None:
    document = problem_of(error, "r-1")
    sent = json.loads(document.encode())
    assert set(sent) == MEMBERS
    assert (sent["status"], sent["code"], sent["request_id"]) == (status, code, "r-1")
    assert sent["retryable"] is (wait_s is not None)
    assert retry_after_s(error) == wait_s
    assert json.loads(json.dumps(document.members())) == sent


def test_every_problem_is_listed_with_its_pointer() -> None:
    found = [errors.Problem("/kind", "invalid_name", "No."), errors.Problem("/queue", "invalid_name", "Neither.")]
    sent = json.loads(problem_of(errors.InvalidInput(found)).encode())
    assert [entry["pointer"] for entry in sent["errors"]] == ["/kind", "/queue"]
    assert sent["detail"] == "2 fields are not valid."


def test_a_conflict_tells_the_present_state() -> None:
    sent = json.loads(problem_of(errors.StateConflict("x", status="running")).encode())
    assert (sent["status"], sent["current_status"]) == (409, "running")
    assert set(sent) == MEMBERS | {"current_status"}


def test_a_body_that_is_wrong_in_many_places_gets_an_answer_of_bounded_size() -> None:
    many = InvalidInput([Problem(f"/{number}", "unknown_field", "No.") for number in range(100_000)])
    document = problem_of(many)
    assert len(document.errors) == MAX_PROBLEMS
    assert document.detail == "100000 fields are not valid."
