"""A graph of jobs while its workers are killed: each step runs after its parents, and the last one ends it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.journeys.installation import START_S, entries_of, installation
from tests.waiting import until

pytestmark = pytest.mark.journey

KILLS = 3
PART = 8
STEPS = KILLS * PART + 1
# The last step of each part, which goes on only when its worker was killed: no kill can come too late.
STAYING = range(PART - 1, STEPS - 1, PART)


def steps_of(chance: random.Random) -> list[dict[str, object]]:
    """Return a random graph whose last step stands after all others.

    A part goes on from where the one before stays, and stays when all those before it are through: each kill meets
    steps of one part, and no step loses two workers. Such a one would wait for ten seconds.
    """
    steps: list[dict[str, object]] = []
    for number in range(STEPS):
        part = number // PART * PART
        needed = range(part) if number in (*STAYING, STEPS - 1) else range(max(0, part - 1), part)
        parents = {*needed, *chance.sample(range(number), min(number, chance.randint(0, 3)))}
        does = {"kind": "odd.stay"} if number in STAYING else {"kind": "demo.sleep", "payload": {"ms": 200}}
        steps.append({"name": f"s{number}", "after": [f"s{parent}" for parent in sorted(parents)], **does})
    return steps


def test_a_workflow_ends_whole_however_often_its_worker_is_killed(data_dir: Path) -> None:
    steps = steps_of(random.Random(27))
    odd = {"IRONFORGE_HANDLERS": "tests.journeys.oddities", "IRONFORGE_DEMO": "on"}
    with installation(data_dir, IRONFORGE_LEASE_MS="1000", **odd) as running:
        made = running.api.ask("POST", "/workflows", {"name": "w", "steps": steps})
        assert made.status == 202, made
        target = f"/workflows/{made.body['id']}"
        ids = {step["name"]: step["job_id"] for step in running.api.ask("GET", target).body["steps"]}
        killed = []
        for number in STAYING:
            running.log.told("job.started", within_s=START_S, job_id=ids[f"s{number}"], attempt=1)
            killed.append(running.kill("worker"))
        until(lambda: running.api.ask("GET", target).body["status"] != "running", START_S)
        found = running.api.ask("GET", target).body
        assert (found["status"], found["counts"]["completed"]) == ("completed", STEPS)
        ended = [entry["pid"] for entry in entries_of(running.log, "process.exited") if entry["process"] == "worker"]
        assert ended == killed
        jobs = {name: running.api.job(job_id) for name, job_id in ids.items()}
        assert {jobs[f"s{number}"]["attempts"][0]["outcome"] for number in STAYING} == {"lost_lease"}
        for step in found["steps"]:
            for parent in step["after"]:
                # The clock is the store's: a child is handed out in or after the step that settled its last parent.
                assert jobs[step["name"]]["attempts"][0]["started_at"] >= jobs[parent]["finished_at"]
            finished = [each for each in jobs[step["name"]]["attempts"] if each["outcome"] == "completed"]
            assert len(finished) == 1
