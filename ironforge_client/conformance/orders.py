"""Cases about what others ask of a worker, and about servers that are away."""

from __future__ import annotations

import time

from ironforge_client.conformance.case import case
from ironforge_client.conformance.gate import UNAVAILABLE, StandIn, Weather
from ironforge_client.conformance.stage import GRACE_S, ONCE, Stage
from ironforge_client.worker import protocol


@case("cancel")
def cancel(stage: Stage) -> None:
    """A running job that is cancelled stops soon and is `cancelled`; the program goes on."""
    stage.start()
    job_id = stage.running("sleep", {"ms": 60_000})
    stage.client.cancel(job_id)
    stage.same(stage.final(job_id, within_s=8).status, "cancelled", "the status")
    stage.is_alive()


@case("503 for a while")
def unavailable(stage: Stage) -> None:
    """A server that answers 503 is asked again with pauses, and a job that ran meanwhile completes."""
    stage.start()
    job_id = stage.running("sleep", {"ms": 1_800})
    stage.gate.turn(Weather.UNAVAILABLE)
    time.sleep(1.3)
    refused = stage.gate.refused
    stage.gate.turn(Weather.FINE)
    stage.demand(refused < 50, f"{refused} requests in 1.3 s of 503: pauses are missing")
    stage.same(stage.completed(job_id).attempt, 1, "the number of attempts")
    stage.is_alive()


@case("reconnect")
def reconnect(stage: Stage) -> None:
    """Connections that end without an answer are made again."""
    stage.start()
    for _ in range(2):
        stage.gate.turn(Weather.CUT)
        time.sleep(0.6)
        stage.gate.turn(Weather.FINE)
        stage.is_alive()


@case("forgotten worker")
def forgotten(stage: Stage) -> None:
    """A worker that the server does not know any more registers again."""
    stage.start()
    stage.until(lambda: bool(stage.workers()), "the worker is listed")
    known = {worker.id for worker in stage.workers()}
    for worker_id in known:
        stage.ask(protocol.farewell(worker_id, [], ONCE))
    stage.until(lambda: bool({worker.id for worker in stage.workers()} - known), "it registers again")
    stage.is_alive()


def said_last(stage: Stage) -> object:
    """Return the status in the program's last heartbeat."""
    beats = stage.passages("/heartbeat")
    return beats[-1].sent.get("status") if beats and isinstance(beats[-1].sent, dict) else None


@case("quiet and resume")
def quiet(stage: Stage) -> None:
    """A worker that is ordered quiet takes no job until it may again."""
    stage.start()
    stage.until(lambda: bool(stage.workers()), "the worker is listed")
    [worker] = stage.workers()
    stage.client.order_worker(worker.id, "quiet")
    stage.until(lambda: said_last(stage) == "quiet", "a heartbeat says that it is quiet")
    job_id = stage.submit("echo", 1)
    time.sleep(0.8)
    stage.same(stage.client.get(job_id).status, "queued", "the status of a job meanwhile")
    stage.client.order_worker(worker.id, "resume")
    stage.completed(job_id)


@case("terminate")
def terminate(stage: Stage) -> None:
    """A worker that is ordered to terminate lets a short job end, says goodbye and exits with 0."""
    stage.start()
    job_id = stage.running("sleep", {"ms": 1_800})
    stage.until(lambda: bool(stage.workers()), "the worker is listed")
    [worker] = stage.workers()
    stage.client.order_worker(worker.id, "terminate")
    stage.ends_well(within_s=10)
    stage.same(stage.client.get(job_id).status, "completed", "the running job")


@case("SIGTERM")
def sigterm(stage: Stage) -> None:
    """A signal to stop lets a short job end, takes no other, and ends with 0."""
    stage.start()
    job_id = stage.running("sleep", {"ms": 1_800})
    stage.program.terminate()
    time.sleep(0.2)
    other = stage.submit("echo", 1)
    stage.ends_well(within_s=GRACE_S + 6)
    stage.same(stage.client.get(job_id).status, "completed", "the running job")
    found = stage.client.get(other)
    stage.same((found.status, found.attempt), ("queued", 0), "status and attempts of a job that came later")


@case("SIGTERM with a long job")
def sigterm_long(stage: Stage) -> None:
    """A job that takes longer than the grace is given back without an attempt."""
    stage.start()
    job_id = stage.running("sleep", {"ms": 60_000})
    stage.program.terminate()
    stage.ends_well(within_s=GRACE_S + 8)
    job = stage.client.get(job_id)
    stage.same((job.status, job.lost_leases, job.retry_count), ("queued", 0, 0), "status, lost leases, retries")


@case("SIGTERM while the server is away")
def sigterm_away(stage: Stage) -> None:
    """A program that is told to stop while the server is away ends within its grace, with 0."""
    stage.start()
    stage.gate.turn(Weather.CUT)
    time.sleep(0.5)
    stage.program.terminate()
    stage.ends(within_s=GRACE_S + 4)


@case("SIGTERM before the server answers")
def sigterm_early(stage: Stage) -> None:
    """So does one that the server has never answered."""
    stage.gate.turn(Weather.UNAVAILABLE)
    stage.launch()
    stage.until(lambda: stage.gate.refused > 1, "the program asks, and asks again", within_s=15)
    stage.program.terminate()
    stage.ends(within_s=GRACE_S + 4)


@case("SIGTERM with an untold outcome")
def sigterm_untold(stage: Stage) -> None:
    """A job that has ended, but whose outcome the server does not take, is not given back: it would run again."""
    stage.start()
    tries: list[str] = []

    def refuse_outcomes(method: str, path: str, body: bytes) -> StandIn | None:
        if not path.endswith("/leases/settle"):
            return None
        tries.append(method)
        return UNAVAILABLE

    stage.gate.stand_in = refuse_outcomes
    job_id = stage.submit("echo", 1)
    stage.until(lambda: bool(tries), "the outcome is told")
    stage.program.terminate()
    stage.ends_well(within_s=GRACE_S + 12)
    goodbyes = [passage.sent for passage in list(stage.gate.passages) if passage.method == "DELETE"]
    named = [lease.get("job_id") for sent in goodbyes for lease in (sent or {}).get("leases") or ()]
    stage.demand(job_id not in named, "the goodbye gives back a job that has ended")
    stage.same(stage.client.get(job_id).attempt, 1, "the number of attempts")
