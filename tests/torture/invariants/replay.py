"""The event stream tells everything: who follows it from the beginning knows what the store knows."""

from __future__ import annotations

from collections import Counter

from tests.torture.history import History
from tests.torture.invariants.finding import Judgement


def replay(history: History) -> Judgement:
    """I19: the last thing that events told of each job is what the store holds and the API counts, and nothing else is.

    That each move on the way is a legal one is part of I6.
    """
    judged = Judgement()
    if history.missed:
        judged.note = "events were dropped before they were read, so there is no whole window"
        return judged
    replayed: dict[str, Counter[str]] = {ns: Counter() for ns in history.by_status}
    for job_id, moves in history.moves.items():
        gone = next((place for place, move in enumerate(moves) if move.status is None), len(moves) - 1)
        for move in moves[gone + 1 :]:
            judged.add(f"{move.verb} → {move.status or 'deleted'} came after the job was deleted", job_id)
        last, stored = moves[-1], history.jobs.get(job_id)
        if last.status is not None:
            replayed[last.ns][last.status.value] += 1
        if last.status is not (stored.job.status if stored else None):
            held = stored.job.status.value if stored else "nothing"
            judged.add(f"events end with {last.verb} → {last.status or 'deleted'}, and the store holds {held}", job_id)
    for job_id in history.jobs.keys() - history.moves.keys():
        judged.add("no event told of a job that the store holds", job_id)
    for ns, told in history.by_status.items():
        counted = {status: number for status, number in told.items() if number}
        if counted != replayed[ns]:
            judged.add(f"{ns}: events add up to {dict(replayed[ns])}, and the API counts {counted}")
    judged.note = f"{sum(map(len, history.moves.values()))} moves of {len(history.moves)} jobs replayed"
    return judged
