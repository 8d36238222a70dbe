"""`GET /jobs/{id}/explain`: why a job is not running."""

from __future__ import annotations

from typing import Any

import msgspec

from jobs.backends.redis.limits import RedisLimits
from jobs.backends.redis.sharing import RedisSharing
from jobs.domain.instant import instant
from jobs.domain.limit import Limit
from jobs.domain.sharing import Share
from jobs.domain.workflow import OnParentFailure, WorkflowSpec
from tests.api.tenant import Tenant
from tests.backends.test_heartbeat import record
from tests.graph import Graph, steps_after
from tests.stores import BY


def explained(tenant: Tenant, job_id: str) -> dict[str, Any]:
    answer = tenant.ask("GET", f"/jobs/{job_id}/explain")
    assert answer.status == 200
    body: dict[str, Any] = answer.body
    return body


def codes(found: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in found["reasons"]]


def test_a_job_says_what_it_waits_for(tenant: Tenant) -> None:
    bench = tenant.bench
    first, second = bench.submit("mail"), bench.submit("mail")
    found = explained(tenant, second)
    assert (codes(found), found["may_start"], found["ahead"]) == (["no_worker", "behind_others"], True, 1)
    bench.run(bench.consumer.heartbeat(msgspec.structs.replace(record("w9"), queues=("main",), kinds=("other",))))
    assert codes(explained(tenant, first)) == ["unknown_kind"]
    bench.run(bench.consumer.heartbeat(msgspec.structs.replace(record("w9"), queues=("main",), kinds=("mail",))))
    found = explained(tenant, first)
    assert (codes(found), found["starts_about"] is not None) == (["next"], True)
    bench.run(RedisLimits([bench.keys]).put(Limit(name="mail", concurrency=1, set_by=BY)))
    bench.lease()
    found = explained(tenant, second)
    assert (codes(found), found["reasons"][0]["jobs"]) == (["limit_full"], [first])
    assert "1 of 1 run" in found["reasons"][0]["detail"]
    bench.run(bench.operator.pause("main", by="ada", reason="the relay is down"))
    found = explained(tenant, second)
    assert codes(found) == ["queue_paused", "limit_full"]
    assert found["reasons"][0]["detail"] == "The queue main is paused by ada: the relay is down."
    assert (found["may_start"], found["starts_about"]) == (False, None)
    assert codes(explained(tenant, first)) == ["running"]
    due = bench.now() + 60_000
    assert explained(tenant, bench.submit(scheduled_for=due))["reasons"][0]["until"] == instant(due)
    bench.cancel(second)
    assert codes(explained(tenant, second)) == ["ended"]


def test_a_step_names_the_parents_that_it_waits_for(tenant: Tenant) -> None:
    bench = tenant.bench
    steps = steps_after({"a": [], "b": [], "c": ["a", "b"]}, {"c": OnParentFailure.WAIT})
    graph = Graph(bench, WorkflowSpec(name="w", steps=steps), is_started=False)
    found = graph.placed_ids()
    assert "has not been started" in explained(tenant, found["c"])["reasons"][0]["detail"]
    graph.start()
    (reason,) = explained(tenant, found["c"])["reasons"]
    assert (reason["code"], reason["jobs"]) == ("waiting_for_parents", [found["a"], found["b"]])
    assert reason["detail"] == "It waits for the steps a and b."
    leases = graph.leases()
    bench.fail(leases["a"])
    open_, dead = explained(tenant, found["c"])["reasons"]
    assert (open_["detail"], open_["jobs"]) == ("It waits for the step b.", [found["b"]])
    assert (dead["code"], dead["jobs"]) == ("parent_dead_letter", [found["a"]])
    bench.settle(leases["b"])
    assert codes(explained(tenant, found["c"])) == ["parent_dead_letter"]


def test_in_a_fair_queue_a_job_says_whose_turns_come_first(tenant: Tenant) -> None:
    bench = tenant.bench
    assert bench.run(RedisSharing([bench.keys]).put("main", Share(weights=(), set_by=BY)))
    for _ in range(3):
        bench.submit("mail")
    last = bench.submit("mail")
    bench.submit("sms")
    found = explained(tenant, last)
    (behind,) = [reason for reason in found["reasons"] if reason["code"] == "behind_others"]
    told = "4 jobs stand before it, 3 of its key mail; 1 other key takes turns with its own."
    assert (behind["detail"], found["ahead"]) == (told, 4)
