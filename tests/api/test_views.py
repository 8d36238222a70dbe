"""`/views`: each keeps their own, shared ones are seen by all, and their number and length are bounded."""

from __future__ import annotations

import pytest

from jobs.access.scopes import Scope
from jobs.services import job_views
from tests.api.tenant import Tenant


def test_a_view_is_kept_replaced_shared_and_removed(tenant: Tenant) -> None:
    first = tenant.ask("PUT", "/views/dead mails", {"query": "kind=email.send&status=dead_letter"})
    assert (first.status, first.body["query"]) == (201, "status=dead_letter&kind=email.send")
    again = tenant.ask("PUT", "/views/dead mails", {"query": "?payload=a:1&columns=state,id", "shared": True})
    assert (again.status, again.body["shared"]) == (200, True)
    reader = tenant.mint(Scope.JOBS_READ, name="reader").text
    (seen,) = tenant.ask_as(reader, "GET", "/views").body["data"]
    assert (seen["name"], seen["own"], seen["query"]) == ("dead mails", False, "payload=a%3A1&columns=state%2Cid")
    assert tenant.ask_as(reader, "PUT", "/views/mine", {"query": "kind=k"}).status == 201
    assert tenant.ask_as(reader, "PUT", "/views/mine", {"query": "kind=k", "shared": True}).status == 403
    assert tenant.ask_as(reader, "DELETE", "/views/dead mails").status == 404
    assert [view["name"] for view in tenant.ask("GET", "/views").body["data"]] == ["dead mails"]
    assert tenant.ask("DELETE", "/views/dead mails").status == 204
    assert tenant.ask("GET", "/views").body["data"] == []


def test_names_queries_and_their_number_are_bounded(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, query, pointer in (
        ("x" * 61, "", "/name"), ("a%00b", "", "/name"), ("v", "cursor=x", "/query"), ("v", "kind", "/query"),
        ("v", "kind=" + "x" * 2_000, "/query"), ("v", "&".join(["kind=a"] * 40), "/query"), ("v", "a=%00", "/query"),
    ):  # fmt: skip
        answer = tenant.ask("PUT", f"/views/{name}", {"query": query})
        assert (answer.status, answer.problems[0][0]) == (422, pointer), (name, query)
    assert tenant.ask("PUT", "/views/v", {"shared": "yes", "x": 1}).status == 422
    monkeypatch.setattr(job_views, "MAX_VIEWS", 1)
    assert [tenant.ask("PUT", f"/views/{name}", {}).status for name in ("a", "b", "a")] == [201, 409, 200]
