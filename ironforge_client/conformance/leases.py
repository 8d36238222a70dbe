"""Cases about leases: kept, lost, and what comes too late."""

from __future__ import annotations

import time
from datetime import timedelta

from ironforge_client.conformance.case import case
from ironforge_client.conformance.gate import Weather
from ironforge_client.conformance.stage import LEASE_MS, ONCE, Stage, ids_settled
from ironforge_client.worker import protocol

_RIVAL = {"by": "another worker"}


@case("long job")
def long_job(stage: Stage) -> None:
    """A job that takes longer than two leases keeps its own."""
    stage.start()
    job = stage.completed(stage.submit("sleep", {"ms": 2 * LEASE_MS + 500}))
    stage.same((job.attempt, job.lost_leases), (1, 0), "attempts and lost leases")


@case("crash")
def crash(stage: Stage) -> None:
    """A job whose worker died in the middle runs again once the program is started again."""
    stage.start()
    job_id = stage.submit("crash", {"times": 1})
    stage.until(lambda: stage.program.exit_code is not None, "the program dies of conformance.crash")
    stage.demand(stage.program.exit_code != 0, "a program that crashes does not exit with 0")
    stage.start()
    job = stage.completed(job_id, within_s=15)
    stage.same((job.attempt, job.lost_leases), (2, 1), "attempts and lost leases")


@case("late settlement")
def late_settlement(stage: Stage) -> None:
    """A program that was cut off until its lease ended neither settles the job nor dies of the refusal."""
    stage.start()
    job_id = stage.running("sleep", {"ms": LEASE_MS + 2_000})
    began = time.monotonic()
    stage.gate.turn(Weather.CUT)
    options = protocol.Options((stage.queue,), 1, 30_000, 0.0, "rival")
    rival = stage.ask(protocol.register(options, ["conformance.sleep"], ONCE))
    taken: list[protocol.Lease] = []

    def is_taken() -> bool:
        claim_id = f"rival-{len(stage.gate.passages)}-{time.monotonic_ns()}"
        taken.extend(stage.ask(protocol.claim(rival.worker_id, claim_id, 1, options, wait_ms=500, retrying=ONCE)))
        return bool(taken)

    stage.until(is_taken, "the job comes to another worker when its lease has ended", within_s=12)
    stage.gate.turn(Weather.FINE)
    beats = stage.count("/heartbeat")
    stage.until(
        lambda: stage.count("/heartbeat") > beats + 1 and time.monotonic() > began + LEASE_MS / 1000 + 3,
        "the program comes back with heartbeats",
    )
    completed = {**taken[0].key(), "outcome": "completed", "result": _RIVAL}
    stage.same(stage.ask(protocol.settle([completed], ONCE))[0].get("status"), "completed", "the other's settlement")
    stage.ask(protocol.farewell(rival.worker_id, [], ONCE))
    stage.is_alive()
    stage.same(stage.client.get(job_id).result, _RIVAL, "the result")
    answers = ids_settled(stage.passages("/leases/settle"), job_id)
    stage.same([answer for answer in answers if answer.get("code") != "lease_lost"], [], "accepted late settlements")


@case("lost answer to a claim")
def lost_claim(stage: Stage) -> None:
    """A claim whose answer was lost is asked again under its `claim_id`: the job runs at once and only once."""
    stage.start()
    stage.gate.lose_answer(lambda passage: passage.path == "/leases" and bool((passage.answered or {}).get("leases")))
    job = stage.completed(stage.submit("echo", 1))
    stage.same((job.attempt, job.lost_leases), (1, 0), "attempts and lost leases")
    stage.demand(any(not passage.is_delivered for passage in stage.passages("/leases")), "an answer was lost")
    stage.is_alive()


@case("lost answer to a settlement")
def lost_settlement(stage: Stage) -> None:
    """A settlement whose answer was lost is told again, and the job stays completed once."""
    stage.start()
    stage.gate.lose_answer(lambda passage: passage.path == "/leases/settle")
    job_id = stage.submit("echo", 1)
    job = stage.completed(job_id)
    stage.same(job.attempt, 1, "the number of attempts")
    stage.until(lambda: len(ids_settled(stage.passages("/leases/settle"), job_id)) >= 2, "the settlement is repeated")
    stage.is_alive()


def _skewed(stage: Stage, shift: timedelta) -> None:
    stage.gate.shift = shift
    stage.start()
    quick, slow = stage.submit("echo", 1), stage.submit("sleep", {"ms": LEASE_MS + 500})
    for job in (stage.completed(quick), stage.completed(slow)):
        stage.same((job.attempt, job.lost_leases), (1, 0), f"attempts and lost leases of {job.kind}")


@case("clock an hour behind")
def clock_behind(stage: Stage) -> None:
    """A program whose clock is an hour behind the server's works as ever."""
    _skewed(stage, timedelta(hours=1))


@case("clock an hour ahead")
def clock_ahead(stage: Stage) -> None:
    """A program whose clock is an hour ahead of the server's works as ever."""
    _skewed(stage, timedelta(hours=-1))
