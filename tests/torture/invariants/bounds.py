"""What may run at a time: nothing of a paused queue, and of what is limited no more than the limit."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from jobs.domain.status import Status
from tests.torture.history import History
from tests.torture.invariants.finding import Judgement
from tests.torture.limits import KEYED, LIMITS, QUOTA, RATE_PERIOD_MS, RATE_STARTS
from tests.torture.plans import JobPlan
from tests.torture.watcher import Move

# A bucket holds its burst, which is as much as comes in a period.
MOST_STARTS = 2 * RATE_STARTS


def bounds(history: History) -> Judgement:
    """I15: paused queues rest; at each moment of the event stream no more run than limits and quotas let."""
    judged = Judgement()
    paused = _pauses(history, judged)
    if history.missed:
        judged.note = f"{paused} pauses; events were dropped, so nobody knows what ran at once"
        return judged
    most = []
    for limit in LIMITS:
        groups = _groups(history, limit.group)
        peak = max((_peak(history, *group, limit.concurrency, judged) for group in groups.items()), default=0)
        most.append(f"{peak} of {limit.concurrency} by {limit.name}")
        if limit.name == KEYED:
            for name, job_ids in groups.items():
                _rate(history, name, job_ids, judged)
    for ns, running in QUOTA.items():
        job_ids = [job_id for job_id, moves in history.moves.items() if moves[0].ns == ns]
        most.append(f"{_peak(history, f'all of {ns}', job_ids, running, judged)} of {running} in {ns}")
    judged.note = f"{paused} pauses; at most {', '.join(most)}"
    return judged


def _groups(history: History, group: Callable[[JobPlan], str | None]) -> dict[str, list[str]]:
    """Return which jobs count for the same limit, by what is limited and namespace."""
    found: dict[str, list[str]] = {}
    for job_id, cid in _cids(history).items():
        plan = history.plans.get(cid)
        name = group(plan) if plan is not None else None
        if name is not None and job_id in history.moves:
            found.setdefault(f"{name} of {history.moves[job_id][0].ns}", []).append(job_id)
    return found


def _cids(history: History) -> dict[str, str]:
    """Return the client's id of every job that is known, of purged ones where somebody was told or ran them."""
    stored = {job_id: stored.cid for job_id, stored in history.jobs.items()}
    ran = {job_id: str(lines[0]["cid"]) for job_id, lines in history.runs.items()}
    return history.accepted | ran | stored


def _peak(history: History, name: str, job_ids: list[str], limit: int, judged: Judgement) -> int:
    """Return how many of the jobs ran at once at most, in the order of the events."""
    moves: list[tuple[int, str, Move]] = [
        (move.order, job_id, move) for job_id in job_ids for move in history.moves.get(job_id, [])
    ]
    running: set[str] = set()
    most = 0
    for _, job_id, move in sorted(moves, key=lambda entry: entry[0]):
        if move.status is not Status.RUNNING:
            running.discard(job_id)
            continue
        running.add(job_id)
        if len(running) > max(limit, most):
            judged.add(f"{len(running)} ran at once of {name}, which may have {limit}", job_id)
        most = max(most, len(running))
    return most


def _rate(history: History, name: str, job_ids: list[str], judged: Judgement) -> None:
    starts = sorted(
        move.at_ms
        for job_id in job_ids
        for move in history.moves.get(job_id, [])
        if move.verb == "claim" and move.status is Status.RUNNING
    )
    for place, at_ms in enumerate(starts):
        in_period = bisect_right(starts, at_ms + RATE_PERIOD_MS - 1) - place
        if in_period > MOST_STARTS:
            judged.add(f"{in_period} of {name} started within {RATE_PERIOD_MS} ms, which may be {MOST_STARTS}")
            return


def _pauses(history: History, judged: Judgement) -> int:
    """Judge that nothing of a queue is claimed from the answer to a pause until somebody asks to resume; count them."""
    count = 0
    for line in history.clients:
        if line["event"] != "ok" or line["verb"] != "pause":
            continue
        count += 1
        resumes = [
            other["at_ms"]
            for other in history.clients
            if other["event"] == "try" and other["verb"] == "resume" and _is_same(line, other)
        ]
        until_ms = min((at_ms for at_ms in resumes if at_ms > line["sent_ms"]), default=float("inf"))
        for job_id, stored in history.jobs.items():
            if stored.job.namespace != line["ns"] or stored.job.queue != line["queue"]:
                continue
            for move in history.moves.get(job_id, []):
                if move.verb == "claim" and move.status is Status.RUNNING and line["at_ms"] < move.at_ms < until_ms - 1:
                    judged.add(f"claimed {move.at_ms - line['at_ms']:.0f} ms after {line['queue']} was paused", job_id)
    return count


def _is_same(line: dict[str, object], other: dict[str, object]) -> bool:
    return line["ns"] == other["ns"] and line["queue"] == other["queue"]
