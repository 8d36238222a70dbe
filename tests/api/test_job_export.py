"""`GET /jobs/export`: what a list finds, whole, in its order, for who may see it, and written down."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from jobs.access.models import AuditEntry
from jobs.access.scopes import Scope
from jobs.domain.job import JobError, JobSpec
from jobs.domain.job_column import DEFAULT_COLUMNS
from jobs.domain.outcome import OutcomeKind
from jobs.services import job_export, job_list
from tests.api.lane import Answer
from tests.api.tenant import Tenant


def lines(answer: Answer) -> list[dict[str, Any]]:
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.raw.decode().splitlines()]


def rows(answer: Answer) -> list[list[str]]:
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.reader(io.StringIO(answer.raw.decode(), newline="")))


def test_an_export_has_what_the_list_has_and_says_that_it_is_whole(tenant: Tenant) -> None:
    made = [answer.job_id for _ in range(2) for answer in tenant.bench.submit_all([JobSpec(kind="k")] * 150)][::-1]
    other = tenant.submit(payload={"a": "=1"}, metadata={"team": "x"})
    *found, end = lines(tenant.ask("GET", "/jobs/export?kind=k"))
    assert [job["id"] for job in found] == made
    assert (tuple(found[0]), end) == (DEFAULT_COLUMNS, {"end": {"jobs": 300, "next": None}})
    head, *cells = rows(
        tenant.ask("GET", "/jobs/export?format=csv&payload=a:%3D1&columns=id,payload,metadata,error_type")
    )
    assert (head, cells) == (["id", "payload", "metadata", "error_type"], [[other, '{"a":"=1"}', '{"team":"x"}', ""]])
    entry = AuditEntry.objects.filter(namespace=tenant.name, action="job.export").first()
    assert entry is not None
    assert (entry.after or {})["filter"] == {"payload": ["a:=1"]}


def test_a_bound_is_told_and_the_next_export_goes_on(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [tenant.submit() for _ in range(5)][::-1]
    *found, end = lines(tenant.ask("GET", "/jobs/export?limit=2"))
    head, *rest = rows(tenant.ask("GET", f"/jobs/export?format=csv&columns=id&limit=2&cursor={end['end']['next']}"))
    assert [job["id"] for job in found] + [row[0] for row in rest[:2]] == made[:4]
    cursor = rest[2][0].removeprefix("# more: cursor=")
    assert rows(tenant.ask("GET", f"/jobs/export?format=csv&columns=id&cursor={cursor}")) == [head, [made[4]]]
    monkeypatch.setattr(job_list, "MAX_LOOKED_AT", 1)
    monkeypatch.setattr(job_export, "MAX_LOOKED_AT", 1)
    tenant.bench.submit_all([JobSpec(kind="hay")] * 200)
    *none, end = lines(tenant.ask("GET", "/jobs/export?kind=demo.echo"))
    assert (none, end["end"]["jobs"], end["end"]["next"] is not None) == ([], 0, True)


def test_a_text_that_a_spreadsheet_would_run_is_harmless(tenant: Tenant) -> None:
    tenant.bench.submit()
    tenant.bench.settle(tenant.bench.lease(), OutcomeKind.DISCARDED, error=JobError("=cmd|' /C calc'!A0", "+1\n@x"))
    _, row = rows(tenant.ask("GET", "/jobs/export?format=csv&columns=error_type,error_message"))
    assert row == ["'=cmd|' /C calc'!A0", "'+1\n@x"]


def test_content_takes_its_scope_and_what_is_unknown_is_named(tenant: Tenant) -> None:
    tenant.submit(payload={"password": "p"})
    reader = tenant.key(Scope.JOBS_READ)
    assert tenant.ask_as(reader, "GET", "/jobs/export?columns=id,payload").status == 403
    assert len(lines(tenant.ask_as(reader, "GET", "/jobs/export"))) == 2
    answer = tenant.ask("GET", "/jobs/export?columns=id,secret&format=xml&limit=0&kind=A&cursor=x")
    assert sorted(pointer for pointer, _ in answer.problems) == ["?columns", "?format", "?kind", "?limit"]
    assert tenant.ask("GET", "/jobs/export?cursor=x").problems == [("?cursor", "invalid_cursor")]
