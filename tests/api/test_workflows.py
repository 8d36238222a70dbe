"""`/workflows`: put in whole or not at all, with every problem named; looked at, cancelled, retried and added to."""

from __future__ import annotations

import pytest

from jobs.domain.outcome import OutcomeKind
from jobs.domain.workflow import MAX_EDGES, MAX_STEPS
from tests.api.tenant import Tenant
from tests.graph import holder_of


def step(name: str, *after: str, **more: object) -> dict[str, object]:
    return {"name": name, "kind": "k", "after": list(after), **more}


def put_in(tenant: Tenant, *steps: dict[str, object], **more: object) -> dict[str, object]:
    answer = tenant.ask("POST", "/workflows", {"name": "w", "steps": steps, **more})
    assert answer.status == 202, answer
    assert answer.headers["location"].endswith(f"/workflows/{answer.body['id']}")
    return answer.body


def statuses(workflow: dict[str, object]) -> dict[str, str]:
    return {each["name"]: each["status"] for each in workflow["steps"]}  # type: ignore[attr-defined]


def run_all(tenant: Tenant, failing: str = "") -> None:
    bench = tenant.bench
    while leases := bench.claim(200).leases:
        for lease in leases:
            if lease.job.step == failing:
                bench.settle(lease, OutcomeKind.DISCARDED)
            else:
                bench.settle(lease, result=b"1")


def test_a_workflow_is_put_in_and_runs_to_its_end(tenant: Tenant) -> None:
    made = put_in(tenant, step("c", "a", "b"), step("a"), step("b", "a"))
    assert [each["name"] for each in made["steps"]] == ["a", "b", "c"]
    assert statuses(made) == {"a": "queued", "b": "waiting", "c": "waiting"}
    assert made["steps"][2]["after"] == ["a", "b"]
    job = tenant.job(made["steps"][0]["job_id"])
    assert (job["workflow_id"], job["step"]) == (made["id"], "a")
    run_all(tenant)
    found = tenant.ask("GET", f"/workflows/{made['id']}").body
    assert (found["status"], found["counts"]["completed"], found["step_count"]) == ("completed", 3, 3)
    (listed,) = tenant.ask("GET", "/workflows?status=completed").body["data"]
    assert listed["id"] == made["id"]
    assert "steps" not in listed
    assert tenant.ask("GET", "/workflows?status=failed").body["data"] == []


def test_pages_lead_through_all(tenant: Tenant) -> None:
    wanted = [put_in(tenant, step("a"))["id"] for _ in range(5)][::-1]
    found, target = [], "/workflows?limit=2"
    while target:
        body = tenant.ask("GET", target).body
        found += [each["id"] for each in body["data"]]
        target = f"/workflows?limit=2&cursor={body['page']['next']}" if body["page"]["next"] else ""
    assert found == wanted


WRONG = {
    "a cycle": ([step("a", "b"), step("b", "a")], "/steps/0/after", "cycle"),
    "itself": ([step("a", "a")], "/steps/0/after/0", "cycle"),
    "an unknown name": ([step("a"), step("b", "a", "x")], "/steps/1/after/1", "unknown_step"),
    "a name twice": ([step("a"), step("a")], "/steps/1/name", "duplicate_name"),
    "a bad job": ([step("a", priority="x")], "/steps/0/priority", "invalid_choice"),
    "an unknown field": ([step("a", workflow_id="x")], "/steps/0/workflow_id", "unknown_field"),
    "before": ([step("a"), step("b", before=["a"])], "/steps/1/before", "unknown_field"),
    "a bad policy": ([step("a", on_parent_failure="x")], "/steps/0/on_parent_failure", "invalid_choice"),
    "a unique job": ([step("a", unique={"key": "u"})], "/steps/0/unique", "not_in_workflow"),
    "no steps": ([], "/steps", "out_of_range"),
    "no object": (["a"], "/steps/0", "invalid_type"),
    "too many steps": ([step(f"s{number}") for number in range(MAX_STEPS + 1)], "/steps", "out_of_range"),
    "too many edges": (
        [*[step(f"a{number}") for number in range(300)],
         *[step(f"b{number}", *[f"a{each}" for each in range(300)]) for number in range(MAX_EDGES // 300 + 1)]],
        "/steps", "too_many",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named_and_nothing_is_stored(tenant: Tenant, name: str) -> None:
    steps, pointer, code = WRONG[name]
    answer = tenant.ask("POST", "/workflows", {"name": "w", "steps": steps})
    assert answer.status == 422
    assert (pointer, code) in {(error["pointer"], error["code"]) for error in answer.body["errors"]}
    assert tenant.stored() == {}


def test_a_new_queue_beyond_the_bound_takes_all_of_it_back(tenant: Tenant) -> None:
    steps = [step(f"s{number}", queue=f"q{number}") for number in range(1_001)]
    answer = tenant.ask("POST", "/workflows", {"name": "w", "steps": steps})
    assert (answer.status, answer.code) == (422, "too_many_queues")
    assert tenant.ask("GET", "/jobs").body["data"] == []
    assert tenant.ask("GET", "/workflows").body["data"] == []


def test_the_same_key_starts_one_workflow(tenant: Tenant) -> None:
    body = {"name": "w", "steps": [step("a")]}
    first = tenant.ask("POST", "/workflows", body, idempotency_key="k")
    again = tenant.ask("POST", "/workflows", body, idempotency_key="k")
    assert (first.status, again.status, again.body["id"]) == (202, 200, first.body["id"])
    assert again.headers["idempotent-replayed"] == "true"
    other = tenant.ask("POST", "/workflows", {"name": "v", "steps": [step("a")]}, idempotency_key="k")
    assert (other.status, other.code) == (422, "idempotency_mismatch")
    assert len(tenant.ask("GET", "/jobs").body["data"]) == 1


def test_the_rest_is_cancelled_and_then_run_after_all(tenant: Tenant) -> None:
    made = put_in(tenant, step("a"), step("b", "a"))
    target = f"/workflows/{made['id']}"
    assert tenant.ask("POST", f"{target}/retry", {}).code == "nothing_failed"
    cancelled = tenant.ask("POST", f"{target}/cancel", {"reason": "no"}).body
    assert (cancelled["status"], set(statuses(cancelled).values())) == ("cancelled", {"cancelled"})
    assert tenant.ask("POST", f"{target}/cancel", {}).code == "workflow_ended"
    again = tenant.ask("POST", f"{target}/retry", {}).body
    assert (again["status"], again["run"], statuses(again)) == ("running", 2, {"a": "queued", "b": "waiting"})
    run_all(tenant)
    assert tenant.ask("GET", target).body["status"] == "completed"


def test_a_failed_step_is_retried_and_those_behind_it(tenant: Tenant) -> None:
    made = put_in(tenant, step("a"), step("b", "a"), step("c", "b"))
    run_all(tenant, failing="b")
    target = f"/workflows/{made['id']}"
    failed = tenant.ask("GET", target).body
    assert (failed["status"], statuses(failed)) == (
        "failed", {"a": "completed", "b": "dead_letter", "c": "cancelled"}
    )  # fmt: skip
    tenant.ask("POST", f"{target}/retry", {})
    run_all(tenant)
    assert tenant.ask("GET", target).body["counts"]["completed"] == 3


def test_a_running_step_adds_others_once(tenant: Tenant) -> None:
    workflow_id, job_id, token = holder_of(tenant.bench, "main")
    body = {"job_id": job_id, "lease_token": token, "steps": [step("b"), step("c", "b")]}
    target = f"/workflows/{workflow_id}/steps"
    first, again = (tenant.ask("POST", target, body) for _ in range(2))
    assert (first.status, first.body["step_count"], statuses(first.body)) == (
        200, 3, {"a": "running", "b": "queued", "c": "waiting"}
    )  # fmt: skip
    assert again.body == first.body
    unknown = tenant.ask("POST", target, {**body, "steps": [step("d", "x"), step("e", before=["y"])]})
    assert [error["pointer"] for error in unknown.body["errors"]] == ["/steps/0/after/0", "/steps/1/before/0"]
    stale = tenant.ask("POST", target, {**body, "lease_token": "0", "steps": [step("d")]})
    assert (stale.status, stale.code) == (409, "lease_lost")


def test_a_lease_brings_what_the_parents_made(tenant: Tenant) -> None:
    put_in(tenant, step("a"), step("b", "a"))
    bench = tenant.bench
    bench.settle(bench.lease(), result=b'{"n":1}')
    assert bench.lease().parents == b'{"a":{"status":"completed","result":{"n":1}}}'


def test_steps_and_callback_count_under_the_keys_of_their_payloads(tenant: Tenant) -> None:
    limit = {"concurrency": 1, "path": "payload.shop"}
    assert tenant.ask("PUT", "/limits/keys/k", limit).status in (200, 201)
    shop = {"payload": {"shop": "7"}}
    made = put_in(
        tenant, step("a", **shop), step("b", **shop), step("c", limit_key="8"), callback={"kind": "k", **shop}
    )
    held = tenant.bench.claim(9).leases
    assert sorted(lease.job.limit_key or "" for lease in held) == ["7", "8"]
    for lease in held:
        tenant.bench.settle(lease)
    run_all(tenant)
    assert tenant.ask("GET", f"/workflows/{made['id']}").body["status"] == "completed"
