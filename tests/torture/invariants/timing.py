"""Order in time: cancelled jobs stay so, delays are kept, paused queues rest."""

from __future__ import annotations

from itertools import pairwise

from jobs.domain.status import Status
from tests.torture.history import History
from tests.torture.invariants.finding import Judgement
from tests.torture.watcher import Move

EARLY_MS = 50
# At least: jobs that were lost together come back at times of their own.
LOSS_DELAY_MS = 10_000
POLL_MS = 1000
# Of webhooks; and what the receiver asks for with 429, or a worker that cannot read where a kind is bound.
DELIVERY_BACKOFF_MS = (2500, 3_600_000)
ASKED_LATER_MS = 1000.0
# A time is calm when nothing broke for so long before it, so that every loop has its connections again.
CALM_AFTER_MS = 5000


def cancelled_is_final(history: History) -> Judgement:
    """I7: nothing moves a job after it was cancelled, and one that was cancelled while it waited starts no more."""
    judged = Judgement()
    count = late = 0
    for job_id, moves in history.moves.items():
        place = next((at for at, move in enumerate(moves) if move.status is Status.CANCELLED), None)
        if place is None:
            continue
        count += 1
        cancelled_ms = moves[place].at_ms
        if moves[place + 1 :]:
            judged.add(f"cancelled, and then {moves[place + 1].status}", job_id)
        starts = [
            line for line in history.runs.get(job_id, []) if line["event"] == "start" and line["at_ms"] > cancelled_ms
        ]
        claims = sum(move.verb == "claim" and move.status is Status.RUNNING for move in moves[:place])
        late += len(starts)
        if any(line["attempt"] > claims for line in starts):
            judged.add("cancelled, and then claimed and started", job_id)
    for line in history.clients:
        stored = history.jobs.get(line.get("of") or "")
        is_told = line["event"] == "ok" and line["verb"] == "cancel" and line["status"] == "cancelled"
        if is_told and (stored is None or stored.job.status is not Status.CANCELLED):
            judged.add("its client was told that it is cancelled, and it is not", line["of"])
    judged.note = f"{count} cancelled, {late} starts of attempts whose claim came first"
    return judged


def backoff(history: History) -> Judgement:
    """I9: no retry, snooze or delay is cut short; what falls due in a calm time is ready within a poll and a second."""
    judged = Judgement()
    late: list[tuple[float, str]] = []
    calm_ms = history.healed_ms + CALM_AFTER_MS
    for job_id, moves in history.moves.items():
        stored = history.jobs.get(job_id)
        if stored is None:
            continue
        failures = 0
        for move, after in pairwise(moves):
            if move.verb == "retry":
                failures = 0
            is_loss = move.verb == "reap" or history.is_crash(job_id, move)
            failures += move.verb == "settle" and move.status is Status.FAILED and not is_loss
            due_ms = _due_ms(history, job_id, move, failures)
            if due_ms is None or after.status is not Status.QUEUED:
                continue
            if after.at_ms < due_ms - EARLY_MS:
                judged.add(f"ready {due_ms - after.at_ms:.0f} ms before its time", job_id)
            elif not is_loss and (due_ms > calm_ms or job_id in history.probed_due_ms):
                late.append((after.at_ms - due_ms - history.blocked_ms(due_ms, after.at_ms), job_id))
    late.sort()
    worst_ms, worst = late[int(len(late) * 0.99)] if late else (0.0, None)
    if worst_ms > POLL_MS + 1000:
        judged.add(
            f"of {len(late)} jobs that fell due in a calm time 1 % were ready only after {worst_ms:.0f} ms", worst
        )
    judged.note = f"99 % of {len(late)} due in a calm time were ready within {worst_ms:.0f} ms"
    return judged


def _due_ms(history: History, job_id: str, move: Move, failures: int) -> float | None:
    """Return when the store may make a job ready after this move; None when it waits for no time."""
    stored = history.jobs[job_id]
    plan = history.plans.get(stored.cid)
    base_ms, longest_ms = plan.backoff_ms if plan else DELIVERY_BACKOFF_MS
    if plan is None and not stored.is_delivery:
        return history.probed_due_ms.get(job_id) if move.verb == "submit" else None
    if move.status is Status.FAILED:
        planned = min(base_ms * 2.0**failures, longest_ms)
        is_loss = move.verb == "reap" or history.is_crash(job_id, move)
        return move.at_ms + (LOSS_DELAY_MS if is_loss else planned)
    if move.status is Status.SCHEDULED and move.verb == "settle":
        return move.at_ms + float(stored.payload.get("snooze_ms", ASKED_LATER_MS))
    if plan is not None and move.status is Status.SCHEDULED and move.verb == "submit":
        return history.due_ms.get(plan.cid)
    return None
