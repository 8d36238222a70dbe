"""`/error-groups`: what workers over HTTP told of failures, by group, long after the jobs are well again."""

from __future__ import annotations

from typing import Any

from jobs.domain.bulk_operation import error_group_of
from jobs.domain.error_group import ErrorTally
from jobs.domain.job import JobError
from jobs.domain.status import Status
from tests.api.error_things import error_group_of as group_of
from tests.api.remote_worker import RemoteWorker, held
from tests.api.tenant import Tenant
from tests.waiting import until

TRACE = 'Traceback (most recent call last):\n  File "/srv/shop/orders.py", line {line}, in charge\n    pay()\n'


def groups(tenant: Tenant, query: str = "") -> list[dict[str, Any]]:
    answer = tenant.ask("GET", f"/error-groups{query}")
    assert answer.status == 200, answer
    return list(answer.body["data"])


def fail(worker: RemoteWorker, version: str, line: int, **fields: Any) -> str:
    lease = worker.one(**fields)
    error = {"type": "Declined", "message": f"order {line}", "traceback": TRACE.format(line=line)}
    settlement = {**held(lease), "outcome": "failed", "error": error, "delay_ms": 0}
    body = {"settlements": [settlement], "app_version": version}
    for _ in range(2):
        # As after a lost answer: it is one failure.
        assert worker.tenant.ask("POST", "/leases/settle", body).status == 200
    return str(lease["job_id"])


def test_failures_of_one_place_are_one_group_with_its_versions_and_stay_when_the_job_recovers(tenant: Tenant) -> None:
    worker = RemoteWorker(tenant)
    first = fail(worker, "1.0", 7, max_retries=1)
    (lease,) = worker.claim()
    assert worker.settle(lease)["status"] == "completed"
    second = fail(worker, "1.1", 9, max_retries=0)
    until(lambda: [each["count"] for each in groups(tenant)] == [2])
    (group,) = groups(tenant)
    assert (group["kind"], group["error_type"], group["message"]) == ("demo.echo", "Declined", "order 9")
    assert (group["where"], group["newest_job_id"]) == ("shop/orders.py in charge", second)
    assert group["state"] == "dead_letter"
    assert [(each["version"], each["count"]) for each in group["versions"]] == [("1.1", 1), ("1.0", 1)]
    assert group["first_seen_at"] <= group["last_seen_at"]
    found = tenant.ask("GET", f"/error-groups/{group['id']}").body
    assert [(job["id"], job["status"]) for job in found["jobs"]] == [(second, "dead_letter"), (first, "completed")]
    listed = tenant.ask("GET", f"/jobs?error_group={group['id']}").body["data"]
    assert [job["id"] for job in listed] == [second]
    assert error_group_of(tenant.bench.get(second)) == group["id"]
    operation = {"action": "retry", "dry_run": True, "filter": {"error_group": group["id"]}}
    begun = tenant.ask("POST", "/bulk-operations", operation)
    assert begun.status in (200, 202), begun
    assert begun.body["filter"]["error_group"] == group["id"]


def test_groups_are_told_a_page_at_a_time_and_how_their_newest_job_is(tenant: Tenant) -> None:
    tally = ErrorTally()
    states = {Status.FAILED: "retrying", Status.DEAD_LETTER: "dead_letter", Status.COMPLETED: "recovered"}
    for status in states:
        tally.note("k", tenant.job_in(status), JobError("E", status), Status.FAILED, "")
    tally.note("k", "019a9c4e-7c1f-7d3a-9b1e-5f0c2a7d4e00", JobError("E", "gone"), Status.FAILED, "")
    tenant.bench.run(tenant.bench.backend.error_groups(tenant.name).blame(tally.take()))
    found, cursor = [], ""
    while cursor is not None:
        answer = tenant.ask("GET", f"/error-groups?limit=3{cursor and '&cursor='}{cursor}").body
        found += answer["data"]
        cursor = answer["page"]["next"]
    assert {each["message"]: each["state"] for each in found} == {**states, "gone": "gone"}
    assert len({each["id"] for each in found}) == 4
    for query, code in (("cursor=1", "invalid_cursor"), ("limit=0", "out_of_range"), ("kind=x", "unknown_parameter")):
        refused = tenant.ask("GET", f"/error-groups?{query}")
        assert (refused.status, refused.body["errors"][0]["code"]) == (422, code)
    missing = [tenant.ask("GET", f"/error-groups/{name}").status for name in ("0" * 16, "x", group_of(tenant) + "0")]
    assert missing == [404, 404, 404]
