"""Cases about how attempts end, on one program that nothing disturbs."""

from __future__ import annotations

from ironforge_client.conformance.case import case
from ironforge_client.conformance.stage import QUICK, Stage
from ironforge_client.jobs import Job

PAYLOADS: tuple[object, ...] = (
    {"text": 'ß ☃ "quoted" \\ \n', "numbers": [0, -1, 2.5, 9007199254740991], "nested": {"empty": [{}]}, "no": None},
    None,
    [],
    "text",
    0,
    False,
)


@case("success", is_gentle=True)
def success(stage: Stage) -> None:
    """A payload comes back as the result, whatever is in it."""
    for payload in PAYLOADS:
        job = stage.completed(stage.submit("echo", payload))
        stage.same(job.result, payload, "the result")
        stage.same(job.attempt, 1, "the number of attempts")


@case("failure and retry", is_gentle=True)
def failure(stage: Stage) -> None:
    """A failed attempt is told with its error, and the next one completes."""
    job = stage.completed(stage.submit("fail", {"times": 1, "message": "on purpose"}, backoff=QUICK))
    first = job.attempts[0]
    stage.same(first.outcome, "failed", "the outcome of the first attempt")
    stage.demand(first.error is not None and bool(first.error.type), "the failure has an error type")
    stage.demand(first.error is not None and "on purpose" in first.error.message, "the message of the error is kept")
    stage.same(job.result, {"attempt": 2}, "the result")


@case("dead letter", is_gentle=True)
def dead_letter(stage: Stage) -> None:
    """A job that is out of retries stays as a dead letter."""
    job = stage.final(stage.submit("fail", {"times": 9, "message": "always"}, max_retries=0))
    stage.same(job.status, "dead_letter", "the status")


def came_after(stage: Stage, job: Job, delay_s: float) -> None:
    """Demand that the second attempt did not begin before its time."""
    first, second = job.attempts
    waited_s = (second.started_at - (first.finished_at or first.started_at)).total_seconds()
    stage.demand(waited_s >= delay_s * 0.95, f"the next attempt came after {waited_s:.2f} s, not {delay_s:g} s")


@case("retry after a delay of its own", is_gentle=True)
def retry(stage: Stage) -> None:
    """A handler may choose when the next attempt comes."""
    slow = {"base_ms": 60_000, "max_ms": 60_000}
    job = stage.completed(stage.submit("retry", {"delay_ms": 300}, backoff=slow))
    stage.same(job.retry_count, 1, "the number of retries")
    came_after(stage, job, 0.3)


@case("snooze", is_gentle=True)
def snooze(stage: Stage) -> None:
    """A handler may put a job off without using a retry."""
    job = stage.completed(stage.submit("snooze", {"delay_ms": 300}))
    stage.same((job.retry_count, job.result), (0, {"attempt": 2}), "retries and result")
    came_after(stage, job, 0.3)


@case("discard", is_gentle=True)
def discard(stage: Stage) -> None:
    """A handler may give a job up, whatever retries are left."""
    job = stage.final(stage.submit("discard"))
    stage.same((job.status, job.attempt), ("dead_letter", 1), "status and attempts")


@case("unknown kind", is_gentle=True)
def unknown_kind(stage: Stage) -> None:
    """A kind that the program does not know is told as that, and the program goes on."""
    job_id = stage.submit("no-such-kind")
    stage.until(lambda: stage.client.get(job_id).error is not None, "the attempt is settled")
    error = stage.client.get(job_id).error
    stage.same(error and error.type, "unknown_kind", "the type of the error")
    stage.client.cancel(job_id)


@case("time limit", is_gentle=True)
def time_limit(stage: Stage) -> None:
    """An attempt that takes longer than `timeout_ms` fails with the error type `timeout`."""
    job = stage.final(stage.submit("sleep", {"ms": 60_000}, timeout_ms=500, max_retries=0))
    stage.same((job.status, job.error and job.error.type), ("dead_letter", "timeout"), "status and error")


@case("progress, log and checkpoint", is_gentle=True)
def progress(stage: Stage) -> None:
    """What an attempt reports is kept, and the next one goes on at the checkpoint."""
    job = stage.completed(stage.submit("progress", {"steps": 4, "fail_after": 2}, backoff=QUICK))
    stage.same(job.result, {"first": 3}, "the result")
    stage.same(job.progress and job.progress.fraction, 1.0, "the progress")
    lines = [line.text for line in stage.client.log(job.id)]
    stage.same(lines, [f"step {step}" for step in (1, 2, 3, 4)], "the log")


@case("many jobs", is_gentle=True)
def many(stage: Stage) -> None:
    """Twenty jobs run, each once."""
    ids = [stage.submit("echo", number) for number in range(20)]
    jobs = [stage.completed(job_id, within_s=20) for job_id in ids]
    stage.same([job.result for job in jobs], list(range(20)), "the results")
    stage.same({job.attempt for job in jobs}, {1}, "the numbers of attempts")
