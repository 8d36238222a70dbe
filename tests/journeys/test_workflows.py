"""A graph of jobs while its workers are killed: each step runs after its parents, and the last one ends it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.journeys.installation import installation
from tests.waiting import until

pytestmark = pytest.mark.journey
STEPS = 24
KILLS = 3


def steps_of(chance: random.Random) -> list[dict[str, object]]:
    """Return a random graph whose last step stands after all others."""
    steps: list[dict[str, object]] = []
    for number in range(STEPS):
        parents = chance.sample(range(number), min(number, chance.randint(0, 3)))
        after = [f"s{parent}" for parent in (range(number) if number == STEPS - 1 else parents)]
        steps.append({"name": f"s{number}", "kind": "demo.sleep", "payload": {"ms": 200}, "after": after})
    return steps


def test_a_workflow_ends_whole_however_often_its_worker_is_killed(data_dir: Path) -> None:
    steps = steps_of(random.Random(27))
    with installation(data_dir, IRONFORGE_LEASE_MS="1000") as running:
        made = running.api.ask("POST", "/workflows", {"name": "w", "steps": steps})
        assert made.status == 202, made
        target = f"/workflows/{made.body['id']}"

        def completed() -> int:
            return int(running.api.ask("GET", target).body["counts"]["completed"])

        for kill in range(KILLS):
            until(lambda least=kill + 1: completed() >= least, 60)  # type: ignore[misc]
            running.kill("worker")
        until(lambda: running.api.ask("GET", target).body["status"] != "running", 120)
        found = running.api.ask("GET", target).body
        assert (found["status"], found["counts"]["completed"]) == ("completed", STEPS)
        jobs = {step["name"]: running.api.job(step["job_id"]) for step in found["steps"]}
        for step in found["steps"]:
            for parent in step["after"]:
                # The clock is the store's: a child is handed out in or after the step that settled its last parent.
                assert jobs[step["name"]]["attempts"][0]["started_at"] >= jobs[parent]["finished_at"]
            finished = [each for each in jobs[step["name"]]["attempts"] if each["outcome"] == "completed"]
            assert len(finished) == 1
