"""`GET /jobs`: filters, pages that neither skip nor repeat, and bounds on what one request looks at."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from jobs.access.scopes import Scope
from jobs.domain.job import JobSpec
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from jobs.services import job_list
from tests.api.lane import Body
from tests.api.tenant import ANY_STATUS, Tenant


def ids_of(answer: Body) -> list[str]:
    return [job["id"] for job in answer["data"]]


def pages(tenant: Tenant, target: str) -> Iterator[Body]:
    """Return every page from the first on."""
    page = tenant.ask("GET", target).body
    yield page
    while page["page"]["next"]:
        page = tenant.ask("GET", f"{target}&cursor={page['page']['next']}").body
        yield page


def test_a_tenant_without_jobs_has_an_empty_page(tenant: Tenant) -> None:
    assert tenant.ask("GET", "/jobs").body == {"data": [], "page": {"next": None, "prev": None}}


def test_all_jobs_are_listed_newest_first_without_payload_and_attempts(tenant: Tenant) -> None:
    made = [tenant.job_in(status) for status in (Status.COMPLETED, Status.DEAD_LETTER, Status.QUEUED)]
    listed = tenant.ask("GET", "/jobs").body
    assert ids_of(listed) == made[::-1]
    for job in listed["data"]:
        assert not {"payload", "result", "attempts"} & set(job)
        assert {"id", "kind", "status", "priority", "queue", "created_at"} <= set(job)


@pytest.mark.parametrize("status", ANY_STATUS)
def test_the_status_filter_finds_just_these(tenant: Tenant, status: Status) -> None:
    made = tenant.one_of_each()
    assert ids_of(tenant.ask("GET", f"/jobs?status={status}").body) == [made[status]]


@pytest.fixture
def varied(tenant: Tenant) -> dict[str, str]:
    """Return four jobs that differ in one thing each, by what that is."""
    make = tenant.bench.submit
    return {
        "queue": make(queue="mail"),
        "kind": make("other.kind"),
        "priority": make(priority=Priority.LOW),
        "metadata": make(metadata={"team": "a*b", "é": "x:y"}),
    }


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("queue", "queue=mail"),
        ("queue", "status=queued&queue=mail"),
        ("kind", "kind=other.kind"),
        ("priority", "priority=low"),
        ("metadata", "metadata=team:a*b"),
        ("metadata", f"metadata=team:a*b&metadata={quote('é:x:y')}"),
        ("metadata", "metadata=team:a*b&kind=demo.echo&queue=main&priority=medium&status=queued"),
    ],
)
def test_a_filter_finds_what_fits(tenant: Tenant, varied: dict[str, str], name: str, query: str) -> None:
    assert ids_of(tenant.ask("GET", f"/jobs?{query}").body) == [varied[name]]


@pytest.mark.parametrize(
    "query",
    ["metadata=team", "metadata=team:a.*", "metadata=team:a", "metadata=x:y", "kind=other", "kind=other-kind"],
)
def test_a_filter_matches_whole_and_literally(tenant: Tenant, varied: dict[str, str], query: str) -> None:
    assert ids_of(tenant.ask("GET", f"/jobs?{query}").body) == []


def test_dead_letters_are_found_by_the_type_of_their_error(tenant: Tenant) -> None:
    letter = tenant.bench.dead_letter()
    assert ids_of(tenant.ask("GET", "/jobs?status=dead_letter&error_type=ValueError").body) == [letter]
    assert ids_of(tenant.ask("GET", "/jobs?status=dead_letter&error_type=Value*").body) == []


def test_errors_are_found_by_a_part_of_their_text(tenant: Tenant) -> None:
    letter = tenant.bench.dead_letter()
    tenant.submit()
    assert ids_of(tenant.ask("GET", "/jobs?error=valueerr").body) == [letter]
    assert ids_of(tenant.ask("GET", "/jobs?error=Exhausted").body) == [letter]
    assert ids_of(tenant.ask("GET", "/jobs?error=Value.*").body) == []


def test_payloads_are_found_by_the_value_at_a_path(tenant: Tenant) -> None:
    made = {"a": tenant.submit(payload={"order": {"id": 42}, "name": 'é"q'}), "b": tenant.submit(payload={"note": ""})}
    tenant.submit(payload=[42])
    for query, names in (
        ("order.id:42", "a"), ("payload.order.id:42", "a"), ('name:é"q', "a"), ("note:", "b"), ("order.id:4", ""),
    ):  # fmt: skip
        found = ids_of(tenant.ask("GET", f"/jobs?payload={quote(query)}").body)
        assert found == [made[name] for name in names], query
    assert ids_of(tenant.ask("GET", "/jobs?payload=order.id:42&payload=note:").body) == []
    answer = tenant.ask("GET", "/jobs?payload=order.id")
    assert (answer.status, answer.problems) == (422, [("?payload", "invalid_match")])


def test_who_may_not_read_payloads_may_not_search_them_either(tenant: Tenant) -> None:
    tenant.submit(payload={"pin": 1})
    reader = tenant.key(Scope.JOBS_READ, Scope.QUEUES_OPERATE)
    assert tenant.ask_as(reader, "GET", "/jobs?payload=pin:1").status == 403
    body = {"action": "cancel", "filter": {"payload": ["pin:1"]}, "dry_run": True}
    assert tenant.ask_as(reader, "POST", "/bulk-operations", body).status == 403
    assert tenant.ask("POST", "/bulk-operations", body).body["total"] == 1


def test_times_bound_the_submission_inclusively(tenant: Tenant) -> None:
    job = tenant.job(tenant.submit())
    at = job["created_at"]
    assert ids_of(tenant.ask("GET", f"/jobs?created_after={at}&created_before={at}").body) == [job["id"]]
    assert ids_of(tenant.ask("GET", "/jobs?created_before=2020-01-01T00:00:00Z").body) == []
    assert ids_of(tenant.ask("GET", "/jobs?created_after=2200-01-01T00:00:00%2B02:00").body) == []


@pytest.mark.parametrize("query", ["", "status=queued&", "status=queued&queue=main&", "kind=demo.echo&"])
def test_pages_follow_one_another_without_gap_or_repetition(tenant: Tenant, query: str) -> None:
    made = [tenant.bench.submit() for _ in range(7)]
    order = made if "queued" in query else made[::-1]
    seen = [ids_of(page) for page in pages(tenant, f"/jobs?{query}limit=3")]
    assert [len(page) for page in seen] == [3, 3, 1]
    assert [job_id for page in seen for job_id in page] == order


@pytest.mark.parametrize("query", ["", "status=queued&", "kind=demo.echo&"])
def test_the_way_back_leads_over_the_same_pages(tenant: Tenant, query: str) -> None:
    for _ in range(7):
        tenant.bench.submit()
    first, second, last = list(pages(tenant, f"/jobs?{query}limit=3"))
    assert first["page"]["prev"] is None
    back = tenant.ask("GET", f"/jobs?{query}limit=3&cursor={last['page']['prev']}").body
    assert ids_of(back) == ids_of(second)
    assert ids_of(tenant.ask("GET", f"/jobs?{query}limit=3&cursor={back['page']['prev']}").body) == ids_of(first)


def test_jobs_submitted_meanwhile_do_not_shift_the_pages(tenant: Tenant) -> None:
    made = [tenant.bench.submit() for _ in range(4)]
    first = tenant.ask("GET", "/jobs?limit=2").body
    for _ in range(5):
        tenant.bench.submit()
    second = tenant.ask("GET", f"/jobs?limit=2&cursor={first['page']['next']}").body
    assert ids_of(first) + ids_of(second) == made[::-1]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_jobs_that_became_ready_at_the_same_time_are_listed_once_each(tenant: Tenant, limit: int) -> None:
    made = [answer.job_id for answer in tenant.bench.submit_all([JobSpec(kind="k") for _ in range(6)])]
    seen = [job_id for page in pages(tenant, f"/jobs?status=queued&limit={limit}") for job_id in ids_of(page)]
    assert seen == made


def test_a_search_that_finds_little_stops_and_says_how_far_it_looked(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_list, "MAX_LOOKED_AT", 200)
    needle = tenant.bench.submit("needle")
    for _ in range(2):
        tenant.bench.submit_all([JobSpec(kind="hay") for _ in range(200)])
    first = tenant.ask("GET", "/jobs?kind=needle").body
    assert (ids_of(first), first["searched_newest"]) == ([], 200)
    found = [job_id for page in pages(tenant, "/jobs?kind=needle&limit=50") for job_id in ids_of(page)]
    assert found == [needle]


@pytest.mark.parametrize(
    "cursor",
    ["x", "%00", "bm9wZQ", "WzEsZmFsc2VdCg", "A" * 401, "%F0%9F%94%A5", "WzIsZmFsc2UsIiIsIiIsIjAiLCJ4Il0"],
)
def test_a_cursor_that_is_none_is_refused(tenant: Tenant, cursor: str) -> None:
    answer = tenant.ask("GET", f"/jobs?cursor={cursor}")
    assert answer.status == 422
    assert answer.problems[0][0] == "?cursor"


def test_a_cursor_of_another_list_is_refused(tenant: Tenant) -> None:
    for _ in range(2):
        tenant.bench.submit()
    cursor = tenant.ask("GET", "/jobs?limit=1").body["page"]["next"]
    answer = tenant.ask("GET", f"/jobs?status=queued&limit=1&cursor={cursor}")
    assert (answer.status, answer.problems) == (422, [("?cursor", "invalid_cursor")])


def test_a_cursor_of_another_tenant_shows_only_ones_own(tenant: Tenant, other: Tenant) -> None:
    for _ in range(2):
        other.bench.submit()
    cursor = other.ask("GET", "/jobs?limit=1").body["page"]["next"]
    mine = tenant.bench.submit()
    assert set(ids_of(tenant.ask("GET", f"/jobs?cursor={cursor}").body)) <= {mine}


def test_a_full_page_holds_two_hundred_jobs(tenant: Tenant) -> None:
    for _ in range(2):
        tenant.bench.submit_all([JobSpec(kind="k") for _ in range(101)])
    assert len(tenant.ask("GET", "/jobs?limit=200").body["data"]) == 200
    assert len(tenant.ask("GET", "/jobs").body["data"]) == 50
