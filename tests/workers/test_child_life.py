"""How long children live: replaced when they worked enough, gone with their worker, and never one too many."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from jobs.domain.status import Status
from tests.stores import BY, Bench
from tests.waiting import until
from tests.workers.isolated.worker import Worker, is_alive, isolated_worker
from tests.workers.test_command import package

# After so long a signal is a request of its own.
ANOTHER_S = 0.6
# A handler that stays until there is a file, which its payload names.
HOLDING = """
import asyncio
from pathlib import Path
from workers import handler

@handler("hold")
async def hold(context, payload):
    while not Path(payload).exists():
        await asyncio.sleep(0.01)
"""


def child_of(worker: Worker) -> int:
    made = worker.run("pid")
    assert isinstance(made, int)
    return made


def test_a_child_is_replaced_by_jobs(bench: Bench, tmp_path: Path) -> None:
    with isolated_worker(bench, tmp_path, "--child-max-jobs", "2", "--concurrency", "1") as worker:
        pids = [child_of(worker) for _ in range(6)]
        assert pids[0::2] == pids[1::2]
        assert len(set(pids)) == 3
        assert {entry["reason"] for entry in worker.told("child.recycled")} == {"jobs"}
        until(lambda: not any(is_alive(pid) for pid in pids))
        assert worker.told("child.died") == []


def test_a_child_is_replaced_by_age(bench: Bench, tmp_path: Path) -> None:
    with isolated_worker(bench, tmp_path, "--child-max-age", "1") as worker:
        young = child_of(worker)
        until(lambda: child_of(worker) != young)
        assert {entry["reason"] for entry in worker.told("child.recycled")} == {"age"}


def test_a_child_is_replaced_by_memory(bench: Bench, tmp_path: Path) -> None:
    with isolated_worker(bench, tmp_path, "--child-max-memory", "150") as worker:
        slim = child_of(worker)
        assert worker.run("fat", 200) == slim
        assert child_of(worker) != slim
        assert [entry["reason"] for entry in worker.told("child.recycled")] == ["memory"]


def test_no_child_outlives_a_worker_that_is_killed(bench: Bench, tmp_path: Path) -> None:
    with isolated_worker(bench, tmp_path) as worker:
        for kind in ("spin", "deaf", "escapes"):
            worker.begun(kind)
        _, mark = worker.begun("offspring")
        until(lambda: len(mark.read_text().split()) == 2)
        grandchild = int(mark.read_text().split()[1])
        family = worker.family()
        assert grandchild in family
        assert len(family) == 7  # the one that forks, four children, and what two of them started
        os.kill(worker.process.pid, signal.SIGKILL)
        until(lambda: not any(is_alive(pid) for pid in family))
    bench.is_checked = False


def test_a_worker_whose_children_cannot_be_forked_any_more_ends_to_be_started_anew(
    bench: Bench, tmp_path: Path
) -> None:
    with isolated_worker(bench, tmp_path, "--concurrency", "2", "--children", "1") as worker:
        job_id, _ = worker.begun("spin")
        waiting = worker.submit("pid")
        until(lambda: bench.get(waiting).status is Status.RUNNING)
        family = worker.family()
        os.kill(family[0], signal.SIGKILL)
        assert worker.process.wait(60) == 1
        until(lambda: not any(is_alive(pid) for pid in family))
        assert bench.get(job_id).attempts[0].outcome == "crashed"
        assert (bench.get(waiting).status, bench.get(waiting).attempt) == (Status.QUEUED, 0)


def test_jobs_beyond_the_limit_wait_for_a_child_and_can_be_cancelled(bench: Bench, tmp_path: Path) -> None:
    with isolated_worker(bench, tmp_path, "--concurrency", "4", "--children", "1") as worker:
        first, _ = worker.begun("polite")
        second, third = worker.submit("pid"), worker.submit("pid")
        until(lambda: bench.get(third).status is Status.RUNNING)
        bench.cancel(second, running=True)
        until(lambda: bench.get(second).status is Status.CANCELLED)
        assert len(worker.family()) == 2
        bench.cancel(first, running=True)
        until(lambda: bench.get(third).status is Status.COMPLETED)
        assert bench.get(first).result == b'"ended by itself"'


def test_a_worker_that_stops_lets_handlers_end_and_gives_the_rest_back(bench: Bench, tmp_path: Path) -> None:
    with isolated_worker(bench, tmp_path, "--grace", "60") as worker:
        (tmp_path / "here").mkdir()
        ends, endless = worker.submit("meet", [str(tmp_path / "here"), 2]), worker.begun("spin")[0]
        until(lambda: len(list((tmp_path / "here").iterdir())) == 1)
        family = worker.family()
        # As a terminal and systemd do: to all processes of the service.
        for pid in [*family, worker.process.pid]:
            os.kill(pid, signal.SIGINT)
            os.kill(pid, signal.SIGTERM)
        until(lambda: bool(worker.told("worker.stopping")))
        stopping_at = time.monotonic()
        (tmp_path / "here" / "another").touch()
        until(lambda: bench.get(ends).status is Status.COMPLETED)
        # Whoever asks once more has no patience for the rest; what follows at once would be the same request.
        until(lambda: time.monotonic() > stopping_at + ANOTHER_S)
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(40) == 0
        assert not any(is_alive(pid) for pid in family)
        job = bench.get(endless)
        assert (job.status, job.attempt, job.attempts) == (Status.QUEUED, 0, ())


def test_a_long_grace_of_children_does_not_keep_a_worker_that_stops_from_giving_jobs_back(
    bench: Bench, tmp_path: Path
) -> None:
    with isolated_worker(bench, tmp_path, "--child-grace", "60", "--grace", "0") as worker:
        endless, _ = worker.begun("stubborn")
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(40) == 0
        assert (bench.get(endless).status, bench.get(endless).attempt) == (Status.QUEUED, 0)


def test_a_child_that_dies_between_two_jobs_costs_none(bench: Bench, tmp_path: Path) -> None:
    with isolated_worker(bench, tmp_path, "--concurrency", "1") as worker:
        for _ in range(3):
            pid = child_of(worker)
            os.kill(pid, signal.SIGKILL)
            assert child_of(worker) != pid
        assert len(worker.told("child.died")) == 3
        assert bench.totals().get("failed:iso.pid", 0) == 0


def test_a_job_is_to_blame_when_one_child_after_the_other_dies_before_it_begins(bench: Bench, tmp_path: Path) -> None:
    packages = "tests.workers.isolated,tests.workers.shortlived"
    with isolated_worker(bench, tmp_path, "--concurrency", "1", IRONFORGE_HANDLERS=packages) as worker:
        job_id = worker.submit("pid")
        (attempt, *_) = worker.ended(job_id).attempts
        died, crashed = worker.told("child.died"), worker.told("job.crashed")
        assert (attempt.outcome, [entry["job_id"] for entry in died[:3]]) == ("crashed", [job_id] * 3)
        assert {(entry["job_id"], entry["level"]) for entry in crashed} <= {(job_id, "WARNING")}
        assert attempt.error is not None
        assert "ended 3 times before its handler was called: killed by SIGKILL" in attempt.error.message
    bench.is_checked = False


def test_a_job_that_kills_its_child_is_started_three_times_and_no_other_job_is_harmed(
    bench: Bench, tmp_path: Path
) -> None:
    with isolated_worker(bench, tmp_path, "--concurrency", "4") as worker:
        others = [worker.submit("async", 0.05) for _ in range(30)]
        starts = tmp_path / "starts"
        pill = worker.submit("pill", str(starts), max_retries=50)
        until(lambda: bench.get(pill).status is Status.FAILED)
        assert bench.get(pill).reason == "crashed"
        bench.run(bench.operator.promote([pill], "r", by=BY))
        until(lambda: bench.get(pill).status is Status.DEAD_LETTER)
        job = bench.get(pill)
        assert (job.reason, job.lost_leases, starts.read_text()) == ("crashed", 3, "xxx")
        assert job.error is not None
        assert (job.error.type, "killed by SIGKILL" in job.error.message) == ("worker_crashed", True)
        until(lambda: all(bench.get(job_id).status is Status.COMPLETED for job_id in others))
        assert {bench.get(job_id).attempt for job_id in others} == {1}


@pytest.mark.parametrize(("option", "value"), [("--max-age", "1"), ("--max-memory", "10")])
def test_worker_processes_are_replaced_without_a_gap_and_without_a_loss(
    bench: Bench, tmp_path: Path, option: str, value: str
) -> None:
    with isolated_worker(bench, tmp_path, "--concurrency", "2", option, value, IRONFORGE_HANDLERS="") as worker:
        ids = [bench.submit("demo.sleep", payload=b'{"ms":20}') for _ in range(30)]
        until(lambda: all(bench.get(job_id).status is Status.COMPLETED for job_id in ids))
        until(lambda: len(worker.told("worker.recycled")) >= 1)
        until(lambda: len(worker.told("worker.started")) >= 2)
        assert {entry["reason"] for entry in worker.told("worker.recycled")} == {option.removeprefix("--max-")}
        assert {bench.get(job_id).attempt for job_id in ids} == {1}
        assert worker.told("worker.died") == []


def test_the_next_process_is_there_before_the_last_has_ended(bench: Bench, tmp_path: Path) -> None:
    options = ("--concurrency", "2", "--processes", "2", "--max-jobs", "3")
    variables = {"IRONFORGE_HANDLERS": "holding", "PYTHONPATH": package(tmp_path, "holding", HOLDING)}
    with isolated_worker(bench, tmp_path, *options, **variables) as worker:
        until(lambda: len(worker.told("worker.started")) == 2)
        end = json.dumps(str(tmp_path / "end")).encode()
        slow = [bench.submit("hold", payload=end) for _ in range(2)]
        until(lambda: all(bench.get(job_id).status is Status.RUNNING for job_id in slow))
        for _ in range(8):
            bench.submit("demo.echo")
        until(lambda: bool(worker.told("worker.recycled")))
        assert worker.told("worker.recycled")[0]["reason"] == "jobs"
        until(lambda: len(worker.told("worker.started")) >= 3)
        more = bench.submit("demo.echo")
        until(lambda: bench.get(more).status is Status.COMPLETED)
        assert all(bench.get(job_id).status is Status.RUNNING for job_id in slow)
        (tmp_path / "end").touch()
        until(lambda: all(bench.get(job_id).status is Status.COMPLETED for job_id in slow))
        until(lambda: len(worker.family()) == 2)
