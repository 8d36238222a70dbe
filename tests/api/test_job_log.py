"""`GET /jobs/{id}/log`, progress and checkpoint in the job: what a running attempt says of itself, by HTTP."""

from __future__ import annotations

from jobs.domain.report import Report, ReportLine
from tests.api.tenant import NOBODYS_ID, Tenant


def said(tenant: Tenant) -> str:
    job_id = tenant.bench.submit()
    lease = tenant.bench.lease()
    lines = (ReportLine(10, "info", "begun <b>"), ReportLine(0, "error", "läuft"))
    report = Report(job_id=job_id, token=lease.token, fraction=0.25, text="rows", lines=lines, checkpoint=b'{"row":7}')
    assert tenant.bench.run(tenant.bench.consumer.report([report])) == [True]
    return job_id


def test_lines_come_oldest_first_with_their_attempt(tenant: Tenant) -> None:
    answer = tenant.ask("GET", f"/jobs/{said(tenant)}/log")
    assert answer.status == 200
    first, second = answer.body["data"]
    assert (first["text"], first["level"], first["attempt"]) == ("begun <b>", "info", 1)
    assert (second["text"], second["level"]) == ("läuft", "error")
    assert first["at"] <= second["at"]
    assert answer.body["page"] == {"next": None, "prev": None}


def test_a_job_without_lines_has_an_empty_log_and_no_job_has_none(tenant: Tenant) -> None:
    assert tenant.ask("GET", f"/jobs/{tenant.bench.submit()}/log").body["data"] == []
    answer = tenant.ask("GET", f"/jobs/{NOBODYS_ID}/log")
    assert (answer.status, answer.body["code"]) == (404, "not_found")


def test_the_job_shows_how_far_it_is_and_from_where_it_would_go_on(tenant: Tenant) -> None:
    job = tenant.ask("GET", f"/jobs/{said(tenant)}").body
    assert job["progress"]["fraction"] == 0.25
    assert job["progress"]["text"] == "rows"
    assert job["checkpoint"] == {"row": 7}
    assert tenant.ask("GET", f"/jobs/{tenant.bench.submit()}").body["progress"] is None


def test_a_checkpoint_is_content_and_progress_is_not(tenant: Tenant) -> None:
    job_id = said(tenant)
    listed = tenant.ask("GET", "/jobs?status=running").body["data"][0]
    assert (listed["id"], listed["progress"]["fraction"], "checkpoint" in listed) == (job_id, 0.25, False)
