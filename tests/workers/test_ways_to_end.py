"""How a worker process rests, ends and serves several queues: signals, orders through the store, `--burst`, weights."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.queue import WorkerRecord
from jobs.domain.status import Status
from jobs.domain.worker import WorkerOrder
from tests.ports import closed_port
from tests.stores import Bench
from tests.waiting import until
from tests.workers.test_command import ROOT, events, run, started, told
from tests.workers.test_worker import ended
from workers.options import BadOption, parse_queues
from workers.queue_order import QueueOrder

SETTINGS = "ironforge_site.settings"
names = st.lists(st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), min_size=1, max_size=6, unique=True)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_burst_ends_with_the_last_ready_job_and_leaves_what_is_not_due(
    bench: Bench, tmp_path: Path, processes: str
) -> None:
    ids = [bench.submit("demo.echo", queue=queue) for queue in ("main", "side", "main")]
    later = bench.submit("demo.echo", scheduled_for=bench.now() + 3_600_000)
    with started(bench, tmp_path / "log", "--burst", "--queues", "main,side", "--processes", processes) as process:
        assert process.wait(60) == 0
    assert {bench.get(job_id).status for job_id in ids} == {Status.COMPLETED}
    assert bench.get(later).status is Status.SCHEDULED


def test_a_burst_without_any_job_ends_at_once(bench: Bench, tmp_path: Path) -> None:
    with started(bench, tmp_path / "log", "--burst") as process:
        assert process.wait(60) == 0
    assert told(tmp_path / "log", "worker.stopped") == 1


IMPATIENT = """
import sys
from django.core.management import execute_from_command_line
from workers import life_time
life_time.AWAY_S = 0.3
execute_from_command_line(sys.argv)
"""


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_burst_whose_store_stays_away_ends_as_a_failure_that_names_the_address(processes: str) -> None:
    command = [sys.executable, "-c", IMPATIENT, "runworker_ironforge", "--burst", "--processes", processes]
    with closed_port() as port:
        away = f"127.0.0.1:{port}"
        variables = {"IRONFORGE_REDIS_URL": f"redis://someone:hidden@{away}/0", "DJANGO_SETTINGS_MODULE": SETTINGS}
        ran = subprocess.run(
            command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, timeout=100, check=False
        )
    assert ran.returncode == 1
    assert ran.stderr.startswith("CommandError: ")
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    told_of = {(entry["address"], entry["level"]) for entry in lines if entry["event"] == "store.away"}
    assert told_of == {(away, "WARNING")}
    assert "hidden" not in ran.stdout + ran.stderr


@pytest.mark.parametrize("processes", [1, 2])
def test_signals_quiet_a_worker_and_wake_it_again(bench: Bench, tmp_path: Path, processes: int) -> None:
    log = tmp_path / "log"
    with started(bench, log, "--processes", str(processes)) as process:
        until(lambda: told(log, "worker.started") == processes)
        process.send_signal(signal.SIGTSTP)
        until(lambda: told(log, "worker.quiet") == processes)
        job_id = bench.submit("demo.echo")
        process.send_signal(signal.SIGCONT)
        until(lambda: told(log, "worker.resumed") == processes)
        ended(bench, job_id, Status.COMPLETED)
    started_at = bench.get(job_id).started_at
    assert started_at is not None


def test_a_process_that_takes_the_place_of_another_is_quiet_too(bench: Bench, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with started(bench, log, "--processes", "2") as process:
        until(lambda: told(log, "worker.started") == 2)
        process.send_signal(signal.SIGTSTP)
        until(lambda: told(log, "worker.quiet") == 2)
        victim = next(int(str(entry["pid"])) for entry in events(log) if entry["event"] == "worker.started")
        os.kill(victim, signal.SIGKILL)
        until(lambda: told(log, "worker.quiet") == 3)


@pytest.mark.parametrize("is_killed", [False, True])
def test_an_order_to_be_quiet_is_that_of_the_next_process_too(bench: Bench, tmp_path: Path, is_killed: bool) -> None:
    log, killed = tmp_path / "log", set[int]()

    def living() -> tuple[WorkerRecord, ...]:
        return tuple(sorted(bench.run(bench.inspector.workers()), key=lambda worker: worker.started_at))

    def heard_twice() -> list[WorkerRecord]:
        """Return the newest that lives, once it was heard of twice; one that was killed may be known for a while."""
        newest = [worker for worker in living() if worker.pid not in killed][-1:]
        return [worker for worker in newest if worker.seen_at - worker.started_at > 1_000]

    def is_quieted() -> bool:
        # One that is replaced before it has heard of it takes the order with it.
        for worker in living():
            bench.run(bench.operator.order(worker.id, WorkerOrder.QUIET))
        return told(log, "worker.quiet") >= 1

    def are_resumed(job_id: str) -> bool:
        for worker in living():
            bench.run(bench.operator.order(worker.id, WorkerOrder.RUN))
        return bench.get(job_id).status is Status.COMPLETED

    options = ("--processes", "1", "--max-age", "86400" if is_killed else "2")
    with started(bench, log, *options, IRONFORGE_LEASE_MS="1000"):
        until(is_quieted)
        job_id = ""
        for generation in (2, 3):
            if is_killed:
                until(lambda: bool(heard_twice()))
                (victim,) = heard_twice()
                killed.add(victim.pid)
                os.kill(victim.pid, signal.SIGKILL)
            until(lambda generation=generation: told(log, "worker.quiet") >= generation)
            # A claim of the first process may have been on its way when that was quieted; those behind it begin quiet.
            job_id = job_id or bench.submit("demo.echo")
        assert told(log, "worker.resumed") == 0
        assert bench.get(job_id).status is Status.QUEUED
        until(lambda: are_resumed(job_id))


def test_who_is_told_to_terminate_is_not_replaced_by_its_parent(bench: Bench, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with started(bench, log, "--processes", "2", IRONFORGE_LEASE_MS="1000") as process:
        until(lambda: len(bench.run(bench.inspector.workers())) == 2)
        first, second = bench.run(bench.inspector.workers())
        bench.run(bench.operator.order(first.id, WorkerOrder.TERMINATE))
        until(lambda: [worker.id for worker in bench.run(bench.inspector.workers())] == [second.id])
        ended(bench, bench.submit("demo.echo"), Status.COMPLETED)
        assert told(log, "worker.died") == 0
        bench.run(bench.operator.order(second.id, WorkerOrder.TERMINATE))
        assert process.wait(60) == 0
    assert told(log, "worker.started") == 2


@given(queues=names)
def test_without_weights_the_order_is_that_of_the_names(queues: list[str]) -> None:
    parsed = parse_queues(",".join(queues))
    assert QueueOrder([name for name, _ in parsed]).next() == tuple(queues)


@given(queues=names, data=st.data())
def test_weights_only_change_the_order(queues: list[str], data: st.DataObject) -> None:
    weights = [data.draw(st.integers(1, 1_000)) for _ in queues]
    parsed = parse_queues(",".join(f"{name}:{weight}" for name, weight in zip(queues, weights, strict=True)))
    assert parsed == list(zip(queues, weights, strict=True))
    assert sorted(QueueOrder(queues, weights).next()) == sorted(queues)


def test_a_queue_stands_first_as_often_as_its_weight_says() -> None:
    order = QueueOrder(("a", "b", "c"), (5, 1, 4))
    first = Counter(order.next()[0] for _ in range(20_000))
    assert {name: round(number / 2_000) for name, number in first.items()} == {"a": 5, "b": 1, "c": 4}


@pytest.mark.parametrize(
    "text", ["", ",", "main:0", "main:-1", "main:x", "main:", "main:1001", "main:1:2", "Main:1", ":5"]
)
def test_what_is_no_list_of_queues_is_refused(text: str) -> None:
    with pytest.raises(BadOption, match="--queues"):
        parse_queues(text)


def test_the_help_tells_of_both() -> None:
    shown = run("--help").stdout
    assert "--burst" in shown
    assert "payments:5,main:1" in shown
