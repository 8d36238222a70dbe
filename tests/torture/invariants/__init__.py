"""What must hold in every run, one function each."""

from __future__ import annotations

from tests.torture.invariants import (
    bounds,
    graphs,
    house,
    keeping,
    leases,
    operations,
    outbound,
    replay,
    ticks,
    timing,
)
from tests.torture.invariants.finding import Invariant

INVARIANTS = (
    Invariant(1, "no accepted job is lost, none is left over", keeping.no_loss),
    Invariant(2, "counters, API and keys agree on every job", keeping.conservation),
    Invariant(3, "no job that nobody submitted or that was refused", keeping.no_ghosts),
    Invariant(4, "completed: the attempt with the accepted token said so", keeping.at_least_once),
    Invariant(5, "each job completes once, and stays so", keeping.one_finish),
    Invariant(6, "never two valid leases", leases.no_two_leases),
    Invariant(7, "cancelled is final", timing.cancelled_is_final),
    Invariant(8, "attempts are counted right", leases.attempts),
    Invariant(9, "nothing runs early, due jobs do not wait", timing.backoff),
    Invariant(10, "jobs of dead workers run again in time", leases.recovery),
    Invariant(11, "one idempotency key, one job", keeping.idempotency),
    Invariant(12, "each instant of a schedule made one job", ticks.ticks),
    Invariant(13, "steps run after their parents, none waits for ever, each end is told once", graphs.graphs),
    Invariant(14, "each job has one place, nothing had to be repaired", house.structure),
    Invariant(15, "a paused queue hands nothing out, and no limit is passed", bounds.bounds),
    Invariant(16, "no 500, 503 with Retry-After, answers in time, clean logs", house.interface),
    Invariant(17, "all loops work again after the heal", house.loops),
    Invariant(18, "nothing leaks, everybody leaves", house.leaks),
    Invariant(19, "what events told adds up to what the store holds", replay.replay),
    Invariant(20, "deaths of the store cost nothing accepted", keeping.durability),
    Invariant(21, "pushed jobs arrive signed, whole and before they complete", outbound.pushes),
    Invariant(22, "each end that somebody wants to hear of is told", outbound.webhooks),
    Invariant(23, "bulk operations end, and say of each job what became of it", operations.operations),
)
