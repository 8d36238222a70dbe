"""Handlers in child processes, in a real worker: what they say arrives, and they end whatever they do."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.domain.status import Status
from tests.stores import Bench
from tests.waiting import until
from tests.workers.isolated.worker import BEAT_S, GRACE_S, SLACK_S, Worker, is_alive, isolated_worker

KIB = 1024
# For handlers that say that they run before they are stopped: a busy machine may take its time until they do.
LIMIT_MS = 1_500


@pytest.fixture(scope="module")
def worker(_store_server: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """Return a worker with four slots for the tests that do it no harm."""
    with Bench() as bench, isolated_worker(bench, tmp_path_factory.mktemp("worker"), "--concurrency", "4") as made:
        yield made


@pytest.fixture(scope="module")
def lenient(_store_server: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """Return a worker that kills nobody for a minute, for handlers that end when they are asked to."""
    with Bench() as bench, isolated_worker(bench, tmp_path_factory.mktemp("lenient"), "--child-grace", "60") as made:
        yield made


def test_children_are_started_when_they_are_needed_and_used_again(worker: Worker) -> None:
    first = worker.run("pid")
    assert isinstance(first, int)
    assert first != worker.process.pid
    assert {worker.run("pid") for _ in range(5)} == {first}
    assert worker.run("thread") == worker.process.pid


def test_jobs_run_beside_one_another_in_children_of_their_own(worker: Worker, tmp_path: Path) -> None:
    ids = [worker.submit("meet", [str(tmp_path), 4]) for _ in range(4)]
    jobs = [worker.ended(job_id) for job_id in ids]
    assert {job.status for job in jobs} == {Status.COMPLETED}
    assert len({job.result for job in jobs}) == 4


@pytest.mark.parametrize("value", [None, 1.5, "ü" * 10, [1, {"a": None}], "x" * (256 * KIB - 2)], ids=type)
def test_payloads_and_results_of_any_size_arrive_whole(worker: Worker, value: object) -> None:
    assert worker.run("echo", value) == value


@pytest.mark.parametrize(
    ("what", "status", "error"),
    [
        ("retry", Status.FAILED, "retry"),
        ("snooze", Status.SCHEDULED, None),
        ("discard", Status.DEAD_LETTER, "discard"),
        ("error", Status.FAILED, "ValueError"),
        ("exit", Status.FAILED, "SystemExit"),
    ],
)
def test_verdicts_and_errors_mean_what_they_mean_elsewhere(
    worker: Worker, what: str, status: Status, error: str | None
) -> None:
    job = worker.ended(worker.submit("verdict", what))
    assert job.status is status
    assert (job.error and job.error.type) == error
    if what in ("retry", "snooze"):
        assert job.scheduled_for is not None
        assert job.scheduled_for - job.created_at > 3_500_000
    if what == "error":
        assert job.error is not None
        assert "handlers.py" in job.error.traceback
        assert "workers/isolation/" not in job.error.traceback


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, -3], ids=str)
def test_a_killed_child_is_seen_at_once_with_its_signal_and_memory(worker: Worker, number: int) -> None:
    job_id = worker.submit("kill", int(number))
    job = worker.ended(job_id)
    (attempt, *_) = job.attempts
    assert attempt.finished_at is not None
    assert attempt.finished_at - attempt.started_at < 1_000 * SLACK_S
    assert attempt.outcome == "crashed"
    assert attempt.error is not None
    how = f"killed by {signal.Signals(number).name}" if number > 0 else f"exit status {-number}"
    assert attempt.error.type == "worker_crashed"
    assert attempt.error.message.startswith(f"The process of the job ended: {how}; it used ")
    assert attempt.error.message.endswith("MiB of memory at most.")
    assert job.retry_count == 0
    assert worker.run("echo", 1) == 1


def test_memory_that_ran_out_is_on_record(worker: Worker) -> None:
    (attempt, *_) = worker.ended(worker.submit("gorge")).attempts
    assert attempt.error is not None
    assert "killed by SIGABRT" in attempt.error.message
    assert int(attempt.error.message.split(" MiB")[0].rpartition(" ")[2]) > 200


@pytest.mark.parametrize("kind", ["spin", "native", "deaf", "stubborn", "async.spin"])
def test_a_handler_ends_at_its_time_limit_and_the_grace_whatever_it_does(
    worker: Worker, kind: str, tmp_path: Path
) -> None:
    job = worker.ended(worker.submit(kind, str(tmp_path / "mark"), timeout_ms=400, max_retries=0))
    (attempt,) = job.attempts
    assert attempt.finished_at is not None
    assert 400 <= attempt.finished_at - attempt.started_at < 1_000 * (0.4 + GRACE_S + SLACK_S)
    assert attempt.error is not None
    assert (job.status, attempt.error.type) == (Status.DEAD_LETTER, "timeout")
    # All four slots are there again.
    ids = [worker.submit("pid") for _ in range(4)]
    assert all(worker.ended(job_id).status is Status.COMPLETED for job_id in ids)


@pytest.mark.parametrize("kind", ["escapes", "escapes.deaf"])
def test_a_program_in_a_session_of_its_own_ends_with_the_handler_that_is_stopped(worker: Worker, kind: str) -> None:
    job_id, mark = worker.begun(kind, timeout_ms=LIMIT_MS, max_retries=0)
    job = worker.ended(job_id)
    assert (job.status, job.error and job.error.type) == (Status.DEAD_LETTER, "timeout")
    until(lambda: not is_alive(int(mark.read_text())))


@pytest.mark.parametrize("kind", ["tidy", "async.tidy"])
def test_a_handler_that_is_interrupted_can_clean_up(lenient: Worker, kind: str) -> None:
    job_id, mark = lenient.begun(kind, timeout_ms=LIMIT_MS, max_retries=0)
    job = lenient.ended(job_id)
    assert (job.status, job.error and job.error.type) == (Status.DEAD_LETTER, "timeout")
    assert mark.read_text() == "cleaned up, True"


def test_a_cancelled_handler_ends_by_itself_if_it_looks(lenient: Worker) -> None:
    job_id, _ = lenient.begun("polite")
    lenient.bench.cancel(job_id, running=True)
    job = lenient.ended(job_id)
    assert (job.status, job.result) == (Status.COMPLETED, b'"ended by itself"')


@pytest.mark.parametrize("kind", ["tidy", "spin"])
def test_a_cancelled_handler_that_does_not_look_is_interrupted_and_then_killed(worker: Worker, kind: str) -> None:
    job_id, mark = worker.begun(kind)
    worker.bench.cancel(job_id, running=True)
    cancelled_at = worker.bench.now()
    job = worker.ended(job_id)
    assert job.status is Status.CANCELLED
    assert job.finished_at is not None
    assert job.finished_at - cancelled_at < 1_000 * (BEAT_S + 2 * GRACE_S + SLACK_S)
    assert mark.read_text() == ("cleaned up, True" if kind == "tidy" else "")


def test_a_lost_lease_ends_the_handler_and_the_job_runs_again(worker: Worker) -> None:
    job_id, mark = worker.begun("tidy")
    worker.bench.run(worker.bench.maintainer.lose_worker(worker.bench.get(job_id).worker_id or "", "lost", 0))
    until(lambda: mark.read_text() == "cleaned up, True")
    until(lambda: len(worker.bench.get(job_id).attempts) == 2)
    worker.bench.cancel(job_id, running=True)
    until(lambda: worker.bench.get(job_id).status is Status.CANCELLED)


def test_what_a_handler_started_ends_with_it(worker: Worker) -> None:
    job_id, mark = worker.begun("offspring", timeout_ms=LIMIT_MS, max_retries=0)
    until(lambda: len(mark.read_text().split()) == 2)
    pids = [int(pid) for pid in mark.read_text().split()]
    assert worker.ended(job_id).status is Status.DEAD_LETTER
    until(lambda: not any(os.path.exists(f"/proc/{pid}/fd/0") for pid in pids))  # noqa: PTH110


def test_signals_from_elsewhere_and_copies_of_the_process_do_no_harm(worker: Worker) -> None:
    assert worker.run("signals") == 1
    assert worker.run("forks") == "parent"
    assert worker.run("echo", "again") == "again"


def test_what_a_handler_prints_and_logs_is_in_the_workers_log(worker: Worker) -> None:
    worker.run("prints")
    lines = worker.log.read_text().splitlines()
    assert "printed" in lines
    logged = [json.loads(line) for line in lines if "logged by" in line]
    assert [entry["target"] for entry in logged] == ["ironforge.handler"]
    assert logged[0]["message"] != f"logged by {worker.process.pid}"


def test_each_child_has_a_database_connection_of_its_own(worker: Worker) -> None:
    jobs = [worker.ended(worker.submit("database")) for _ in range(4)]
    assert [json.loads(job.result or b"")[1] for job in jobs] == [1] * 4


def test_a_handler_may_enqueue_jobs_and_has_its_middleware_around_it(worker: Worker) -> None:
    for number in range(3):
        made = worker.run("parent", number)
        assert isinstance(made, list)
        assert made[1] == "iso.parent"
        assert worker.ended(made[0]).result == str(number).encode()


def test_a_thread_that_outlives_its_time_limit_is_reported(worker: Worker, tmp_path: Path) -> None:
    job_id = worker.submit("held", str(tmp_path / "mark"), timeout_ms=100, max_retries=0)
    try:
        assert worker.ended(job_id).status is Status.DEAD_LETTER
        until(lambda: any(entry["job_id"] == job_id for entry in worker.told("handler.stuck")))
    finally:
        (tmp_path / "mark").touch()
    (entry,) = (entry for entry in worker.told("handler.stuck") if entry["job_id"] == job_id)
    assert entry["reason"] == "timeout"


def test_a_worker_without_such_handlers_starts_no_process(bench: Bench, tmp_path: Path) -> None:
    with isolated_worker(bench, tmp_path, IRONFORGE_HANDLERS="") as plain:
        assert plain.family() == []


def test_what_a_handler_says_arrives_before_its_death_and_the_next_attempt_goes_on_from_there(worker: Worker) -> None:
    job_id = worker.submit("says", 50)
    until(lambda: worker.bench.get(job_id).status is Status.COMPLETED)
    job = worker.bench.get(job_id)
    assert [attempt.outcome for attempt in job.attempts] == ["crashed", "completed"]
    assert job.result == b'{"at":50}'
    assert job.progress is not None
    assert (job.progress.fraction, job.progress.text) == (0.4, "on the way")
    log = worker.bench.run(worker.bench.inspector.log(job_id, 0, 100))
    assert log is not None
    assert [line.text for line in log.lines] == [f"line {number} ?" for number in range(50)]


def test_an_interruption_cuts_no_message(lenient: Worker, tmp_path: Path) -> None:
    job = lenient.ended(lenient.submit("chatty", str(tmp_path / "mark"), timeout_ms=400, max_retries=0))
    assert (job.status, job.error and job.error.type) == (Status.DEAD_LETTER, "timeout")
    # A child that nobody understands any more would only end after the grace.
    (attempt,) = job.attempts
    assert (attempt.finished_at or 0) - attempt.started_at < 40_000


def test_what_a_handler_forks_or_starts_ends_by_signals_as_anywhere(worker: Worker) -> None:
    assert worker.run("multi", [1, 2, 3]) == [1, 4, 9]
    assert worker.run("ends.own") == [-signal.SIGTERM, -signal.SIGTERM, -signal.SIGINT]


def test_a_word_about_progress_need_not_be_text(worker: Worker) -> None:
    job = worker.ended(worker.submit("odd.text"))
    assert (job.status, job.result) == (Status.COMPLETED, b'"ended"')
    assert job.progress is not None
    assert job.progress.text == "caf?" + "x" * 196
