"""The plan of a run comes from its seed and nothing else, and has everything in it."""

from __future__ import annotations

import subprocess
import sys

from tests.processes.running import ROOT
from tests.torture.options import SHORT_S
from tests.torture.plans import PUSHED, QUEUES, REMOTE_QUEUE
from tests.torture.run import LEASE_MS
from tests.torture.schedule import plan
from tests.torture.test_torture import IN_EACH_RUN_S, SEED
from tests.torture.trouble import KINDS
from tests.torture.work import OPERATIONS

_PRINT = f"from tests.torture.schedule import plan; print(plan(7, {SHORT_S}, {LEASE_MS}).fingerprint)"


def test_a_seed_is_the_same_plan_in_every_process() -> None:
    asked = [sys.executable, "-c", _PRINT]
    ended = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == plan(7, SHORT_S, LEASE_MS).fingerprint
    assert plan(8, SHORT_S, LEASE_MS).fingerprint != plan(7, SHORT_S, LEASE_MS).fingerprint


def test_a_short_run_has_every_fault_and_every_kind_of_job() -> None:
    made = plan(1, SHORT_S, LEASE_MS)
    assert {fault.kind for fault in made.faults} == KINDS.keys()
    assert {step.verb for step in made.steps} == {
        "submit",
        "bulk",
        "cancel",
        "retry",
        "pause",
        "resume",
        "purge",
        "workflow",
        "workflow_cancel",
        "workflow_retry",
        *OPERATIONS,
    }
    assert {job.kind for step in made.steps for job in step.jobs} >= {
        "torture.crash",
        "torture.stuck",
        "torture.snooze",
        PUSHED,
    }
    assert {job.queue for step in made.steps for job in step.jobs} == {*QUEUES, REMOTE_QUEUE}
    assert any(job.webhook for step in made.steps for job in step.jobs)


def test_the_run_in_each_suite_breaks_everybody_in_every_way() -> None:
    faults = plan(SEED, IN_EACH_RUN_S, LEASE_MS).faults
    assert {fault.kind for fault in faults} == KINDS.keys()
    assert {fault.target for fault in faults} == {target for kind in KINDS.values() for target in kind.targets}


def test_requests_and_faults_come_in_order_of_time() -> None:
    made = plan(1, SHORT_S, LEASE_MS)
    for times in ([step.at_ms for step in made.steps], [fault.at_ms for fault in made.faults]):
        assert times == sorted(times)
