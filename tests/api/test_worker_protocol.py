"""The worker protocol: what a worker in any language may rely on."""

from __future__ import annotations

import pytest

from jobs.domain.status import Status
from jobs.domain.worker import WorkerOrder
from tests.api.lane import LANES
from tests.api.remote_worker import RemoteWorker, held
from tests.api.tenant import NOBODYS_ID, Tenant
from tests.backends.test_heartbeat import record

TOKEN = "0" * 32 + "-" + "0" * 12


def test_a_job_goes_from_submission_to_completion(tenant: Tenant) -> None:
    worker = RemoteWorker(tenant)
    job_id = tenant.submit(payload={"a": [1, 2.5, "é"]}, metadata={"team": "x"})
    (lease,) = worker.claim()
    assert (lease["job_id"], lease["attempt"], lease["job"]["payload"]) == (job_id, 1, {"a": [1, 2.5, "é"]})
    assert (lease["job"]["status"], lease["job"]["worker_id"]) == ("running", worker.id)
    assert lease["expires_at"] > lease["job"]["started_at"]
    assert worker.settle(lease, result={"sent": 1}, duration_ms=7) == {"job_id": job_id, "status": "completed"}
    job = tenant.job(job_id)
    assert (job["status"], job["result"]) == ("completed", {"sent": 1})
    assert [attempt["worker_id"] for attempt in job["attempts"]] == [worker.id]


def test_a_settlement_may_be_repeated_and_a_stale_one_changes_nothing(tenant: Tenant) -> None:
    worker = RemoteWorker(tenant)
    lease = worker.one(max_retries=0)
    assert worker.settle(lease, "failed", error={"type": "E", "message": "no"})["status"] == "dead_letter"
    assert worker.settle(lease, "failed", error={"type": "E", "message": "no"})["status"] == "dead_letter"
    stale = {**lease, "lease_token": TOKEN}
    assert worker.settle(stale) == {"job_id": lease["job_id"], "code": "lease_lost"}
    assert tenant.job(lease["job_id"])["error"] == {"type": "E", "message": "no", "traceback": ""}


@pytest.mark.parametrize(
    ("outcome", "more", "status"),
    [
        ("completed", {}, "completed"),
        ("failed", {}, "failed"),
        ("failed", {"delay_ms": 5, "error": None}, "failed"),
        ("snoozed", {"delay_ms": 60_000}, "scheduled"),
        ("released", {"result": None}, "queued"),
        ("discarded", {"error": {"type": "bad"}}, "dead_letter"),
        ("unknown_kind", {}, "scheduled"),
    ],
)
def test_each_outcome_makes_of_a_job_what_it_says(
    tenant: Tenant, outcome: str, more: dict[str, object], status: str
) -> None:
    worker = RemoteWorker(tenant)
    lease = worker.one()
    assert worker.settle(lease, outcome, **more)["status"] == status
    assert tenant.job(lease["job_id"])["status"] == status


def test_a_released_job_has_used_no_attempt(tenant: Tenant) -> None:
    worker = RemoteWorker(tenant)
    lease = worker.one()
    worker.settle(lease, "released")
    (again,) = worker.claim()
    assert (again["job_id"], again["attempt"]) == (lease["job_id"], 1)
    assert again["lease_token"] != lease["lease_token"]
    assert worker.settle(lease)["status"] == "queued", "what its first settlement made of the job"
    assert worker.settle(again)["status"] == "completed"


def test_a_result_that_cannot_be_kept_is_dropped_and_the_job_completed(tenant: Tenant) -> None:
    worker = RemoteWorker(tenant)
    lease = worker.one()
    told = worker.settle(lease, result="x" * 262_143)
    assert told["status"] == "completed"
    assert "262144" in told["result_dropped"]
    deep: object = 1
    for _ in range(65):
        deep = [deep]
    assert "levels" in worker.settle(worker.one(), result=deep)["result_dropped"]
    assert "result" not in tenant.job(lease["job_id"])


def test_a_long_error_is_cut_as_that_of_any_worker(tenant: Tenant) -> None:
    worker = RemoteWorker(tenant)
    lease = worker.one()
    worker.settle(lease, "failed", error={"type": "T" * 300, "message": "m" * 9_000, "traceback": "a" * 9_000 + "end"})
    error = tenant.job(lease["job_id"])["error"]
    assert (len(error["type"]), len(error["message"]), len(error["traceback"])) == (200, 2_000, 8_000)
    assert error["traceback"].endswith("end")


def test_leases_are_extended_and_lost_ones_named(tenant: Tenant) -> None:
    worker = RemoteWorker(tenant)
    lease, stale = worker.one(), {"job_id": NOBODYS_ID, "lease_token": TOKEN}
    tenant.ask("POST", f"/jobs/{lease['job_id']}/cancel")
    body = {"leases": [held(lease), stale], "lease_ms": 300_000}
    told = {"extended": [lease["job_id"]], "lost": [NOBODYS_ID], "cancel_requested": [lease["job_id"]]}
    assert tenant.ask("POST", "/leases/extend", body).body == told
    beat = worker.beat(status="draining", **body).body
    assert {name: beat[name] for name in told} == told
    assert beat["order"] == "run"
    until = tenant.bench.client.zscore(tenant.bench.keys.index(Status.RUNNING), lease["job_id"])
    assert until > tenant.bench.now() + 250_000
    (shown,) = tenant.ask("GET", "/workers").body["data"]
    assert (shown["status"], shown["busy"], shown["via"], shown["language"]) == ("draining", 2, "http", "node")
    assert worker.settle(lease, "failed")["status"] == "cancelled"


def test_reports_reach_the_job_and_its_next_attempt(tenant: Tenant) -> None:
    worker = RemoteWorker(tenant)
    lease = worker.one()
    report = {
        **held(lease), "number": 1, "progress": {"fraction": 0.5, "text": "half"}, "log": ["one", {"text": "two"}],
        "checkpoint": {"at": 3},
    }  # fmt: skip
    for _ in range(2):
        answer = tenant.ask("POST", "/leases/report", {"reports": [report, {**held(lease), "lease_token": TOKEN}]})
        assert answer.body == {
            "results": [
                {"job_id": lease["job_id"], "accepted": True},
                {"job_id": lease["job_id"], "code": "lease_lost"},
            ]
        }
    job = tenant.job(lease["job_id"])
    assert (job["progress"]["fraction"], job["progress"]["text"], job["checkpoint"]) == (0.5, "half", {"at": 3})
    log = tenant.bench.run(tenant.bench.inspector.log(lease["job_id"], 0, 10))
    assert log is not None
    assert [line.text for line in log.lines] == ["one", "two"]
    worker.settle(lease, "failed", delay_ms=0)
    (again,) = worker.claim(wait_ms=20_000)
    assert (again["attempt"], again["checkpoint"]) == (2, {"at": 3})


def test_an_order_is_told_with_the_next_heartbeat(tenant: Tenant) -> None:
    worker = RemoteWorker(tenant)
    assert tenant.bench.run(tenant.bench.operator.order(worker.id, WorkerOrder.QUIET))
    assert worker.beat().body["order"] == "quiet"


def test_a_worker_that_ends_gives_back_what_it_names(tenant: Tenant) -> None:
    worker = RemoteWorker(tenant)
    lease = worker.one()
    answer = tenant.ask("DELETE", f"/workers/{worker.id}", {"leases": [held(lease)]})
    assert (answer.status, answer.raw) == (204, b"")
    assert "content-length" not in answer.headers
    assert tenant.job(lease["job_id"])["status"] == "queued"
    assert tenant.ask("GET", "/workers").body["data"] == []
    for request in (worker.beat(), tenant.ask("DELETE", f"/workers/{worker.id}", b"")):
        assert (request.status, request.code) == (404, "worker_unknown")


def test_a_worker_must_be_known_and_be_one_of_these(tenant: Tenant, other: Tenant) -> None:
    theirs = RemoteWorker(other)
    for worker_id in (theirs.id, "nobody", "x" * 128):
        answer = tenant.ask("POST", "/leases", {"worker_id": worker_id, "queues": ["main"]})
        assert (answer.status, answer.code) == (404, "worker_unknown"), worker_id
    tenant.bench.run(tenant.bench.consumer.heartbeat(record("direct")))
    answer = tenant.ask("POST", "/leases", {"worker_id": "direct", "queues": ["main"]})
    assert (answer.status, answer.code) == (404, "worker_unknown"), "it counts its claims itself"


def test_the_leases_of_another_tenant_are_lost(tenant: Tenant, other: Tenant) -> None:
    lease = RemoteWorker(other).one()
    worker = RemoteWorker(tenant)
    before = other.stored()
    assert worker.settle(lease)["code"] == "lease_lost"
    assert tenant.ask("POST", "/leases/extend", {"leases": [held(lease)]}).body["lost"] == [lease["job_id"]]
    report = tenant.ask("POST", "/leases/report", {"reports": [held(lease)]})
    assert report.body["results"][0]["code"] == "lease_lost"
    assert tenant.ask("DELETE", f"/workers/{worker.id}", {"leases": [held(lease)]}).status == 204
    assert other.stored() == before


def test_a_claim_that_has_a_name_answers_alike_while_its_jobs_are_held(tenant: Tenant) -> None:
    worker = RemoteWorker(tenant)
    ids = [tenant.submit() for _ in range(3)]
    first = worker.claim(max_jobs=2, claim_id="c1")
    assert [lease["job_id"] for lease in first] == ids[:2]
    again = worker.claim(max_jobs=2, claim_id="c1")
    assert [held(lease) for lease in again] == [held(lease) for lease in first]
    worker.settle(first[0])
    assert [held(lease) for lease in worker.claim(claim_id="c1")] == [held(first[1])]
    worker.settle(first[1])
    (third,) = worker.claim(claim_id="c1")
    assert third["job_id"] == ids[2]
    assert third["lease_token"][:32] != first[0]["lease_token"][:32]


def test_without_a_data_plane_it_is_said_why(tenant: Tenant) -> None:
    control = LANES["control-plane"]
    tenant.lane, data_plane = type(tenant.lane)("off", control), tenant.lane
    try:
        for target, method in (("/workers", "POST"), ("/leases/settle", "POST"), ("/workers/w", "DELETE")):
            answer = tenant.ask(method, target, {"queues": ["main"]})
            assert (answer.status, answer.code) == (501, "gateway_off")
            assert "IRONFORGE_GATEWAY" in answer.body["detail"]
    finally:
        tenant.lane.close()
        tenant.lane = data_plane
