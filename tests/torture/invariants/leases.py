"""Leases: one holder at a time, attempts that add up, and what a dead worker leaves is taken over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jobs.domain.status import Status, may_move
from tests.torture.history import ENDS, Death, History
from tests.torture.invariants.finding import Judgement
from tests.torture.ledger import Line
from tests.torture.watcher import Move

# Between a lease's end as it was seen and its end by the store: how long the watcher may take to see a renewal.
CLOCK_MS = 50
REAP_MS = 1000
MARGIN_MS = 1000
LOSSES = frozenset({"reap"})
BY_HTTP = frozenset({"push", "remote"})


@dataclass(frozen=True)
class Run:
    """One attempt as its handler saw it (Unix ms). `held_ms`: from when on its lease may have been lost.

    What goes over HTTP may reach its handler when its attempt is over: neither the request that pushes a job nor the
    answer to a claim can be called back on its way.
    """

    token: str
    attempt: int
    held_ms: float
    began_ms: float
    ended_ms: float


def no_two_leases(history: History) -> Judgement:
    """I6: a job moves only as it may; a lease is ended by others only when it ran out; handlers overlap only after."""
    judged = Judgement()
    for job_id, moves in history.moves.items():
        for before, move in _steps(moves):
            if not may_move(before, move.status):
                judged.add(f"went from {before} to {move.status} by {move.verb}", job_id)
        for place, move in enumerate(moves):
            left_ms = _left_ms(history, job_id, move) if move.verb == "reap" else 0.0
            if left_ms > CLOCK_MS and not _has_died(history, job_id, place):
                judged.add(f"its lease was ended {left_ms:.0f} ms before it ran out", job_id)
    overlaps = []
    for job_id in history.runs:
        for first, second in _overlapping(runs_of(history, job_id)):
            overlaps.append(min(first.ended_ms, second.ended_ms) - max(first.began_ms, second.began_ms))
            if not _is_lost_between(history.moves.get(job_id, []), first, second):
                judged.add(f"attempts {first.attempt} and {second.attempt} ran at once, and no lease was lost", job_id)
    judged.note = f"{len(overlaps)} overlaps of handlers, the longest {max(overlaps, default=0.0):.0f} ms"
    return judged


def _steps(moves: list[Move]) -> Iterator[tuple[Status | None, Move]]:
    """Yield each real change with the status before it."""
    before: Status | None = None
    for move in moves:
        if move.status is None:
            return
        if not (move.verb == "cancel" and move.status is Status.RUNNING):
            yield before, move
            before = move.status


def _left_ms(history: History, job_id: str, move: Move) -> float:
    seen = [granted.until_ms for granted in history.leases.get(job_id, []) if granted.seen_ms < move.at_ms]
    return max(seen, default=0) - move.at_ms


def _has_died(history: History, job_id: str, place: int) -> bool:
    """Tell whether the holder was dead by then: a lease need not run out when its worker is known to be gone.

    The job says who that was; its claim may have been under way when it died. Of a job that is gone, a holder that died
    before its handler began, or that pushed it, is not known by number; any death after the claim may be its own.
    """
    moves = history.moves[job_id]
    holders = _holders(history, job_id, moves[place])
    before = [death for death in history.deaths if death.at_ms <= moves[place].at_ms + CLOCK_MS]
    if any(f"-{death.pid}-" in holder for death in before for holder in holders):
        return True
    move, claims = moves[place], [each.at_ms for each in moves[:place] if _is_claim(each)]
    claimed_ms = max(claims, default=0) - CLOCK_MS
    lines = history.runs.get(job_id, [])
    starts = [line for line in lines if line["event"] == "start" and claimed_ms <= line["at_ms"] <= move.at_ms]
    # A store that stood still carries out the claim of somebody who died meanwhile.
    asked_ms = min([begin for begin, end in history.away if begin <= claimed_ms + CLOCK_MS <= end], default=claimed_ms)
    deaths = [death for death in history.deaths if min(asked_ms, claimed_ms) <= death.at_ms <= move.at_ms + CLOCK_MS]
    is_unknown = not starts or history.is_pushed(job_id)
    return any(is_unknown or any(death.hits(line) for line in starts) for death in deaths)


def _holders(history: History, job_id: str, move: Move) -> list[str]:
    """Return which worker held the lease that ended with a move, as the job tells it."""
    stored = history.jobs.get(job_id)
    ended = stored.job.attempts if stored is not None else ()
    return [attempt.worker_id for attempt in ended if attempt.finished_at == move.at_ms]


def runs_of(history: History, job_id: str) -> list[Run]:
    """Return the attempts whose beginning and end are known; one that a death cut off ended with it.

    A child that its worker killed says nothing: when its job was settled before the worker died, its end is not known.
    """
    found = []
    lines = history.runs[job_id]
    for line in lines:
        if line["event"] != "start":
            continue
        ends = [other["at_ms"] for other in lines if other["token"] == line["token"] and other["event"] in ENDS]
        killed = [*history.deaths, *history.receiver_deaths]
        deaths = [death.at_ms for death in killed if death.hits(line) and death.at_ms >= line["at_ms"]]
        if deaths and "worker" in line and _is_settled(history, job_id, line["at_ms"], min(deaths)):
            deaths = []
        if ends or deaths:
            held_ms = _claimed_ms(history, job_id, line) if line.get("via") in BY_HTTP else line["at_ms"]
            found.append(Run(line["token"], line["attempt"], held_ms, line["at_ms"], min([*ends, *deaths])))
    return found


def _is_settled(history: History, job_id: str, start_ms: float, end_ms: float) -> bool:
    moves = history.moves.get(job_id, [])
    return any(move.verb == "settle" and start_ms <= move.at_ms < end_ms for move in moves)


def _overlapping(runs: list[Run]) -> Iterator[tuple[Run, Run]]:
    ordered = sorted(runs, key=lambda run: (run.attempt, run.began_ms))
    for place, first in enumerate(ordered):
        for second in ordered[place + 1 :]:
            if second.began_ms < first.ended_ms and first.began_ms < second.ended_ms:
                yield first, second


def _claimed_ms(history: History, job_id: str, line: Line) -> float:
    """Return when the attempt of a line was claimed for the first time; when it began if that is not known."""
    attempt = 0
    for move in history.moves.get(job_id, []):
        attempt += _is_claim(move) - _is_release(history, job_id, move)
        if _is_claim(move) and attempt == line["attempt"]:
            return move.at_ms
    return float(line["at_ms"])


def _is_release(history: History, job_id: str, move: Move) -> bool:
    """Tell whether an attempt was given back unused."""
    return move.verb == "settle" and move.status is Status.QUEUED and not history.is_crash(job_id, move)


def _is_lost_between(moves: list[Move], first: Run, second: Run) -> bool:
    """Tell whether the first attempt's lease was over, by loss, timeout or cancelling, before the second began."""
    return any(
        move.status is not Status.RUNNING and first.held_ms - CLOCK_MS <= move.at_ms <= second.began_ms
        for move in moves
        if move.verb in {*LOSSES, "settle"}
    )


def attempts(history: History) -> Judgement:
    """I8: a token starts once, no start without a claim, releases use no attempt, dead letters are out of tries."""
    judged = Judgement()
    for job_id, lines in history.runs.items():
        tokens = [line["token"] for line in lines if line["event"] == "start"]
        claims = sum(map(_is_claim, history.moves.get(job_id, [])))
        if len(tokens) != len(set(tokens)):
            judged.add("one attempt was started twice", job_id)
        if len(tokens) > claims:
            judged.add(f"{len(tokens)} starts, {claims} claims", job_id)
    for job_id, stored in history.jobs.items():
        job, moves = stored.job, history.moves.get(job_id, [])
        claims = sum(map(_is_claim, moves))
        released = sum(_is_release(history, job_id, move) for move in moves)
        if job.attempt != claims - released:
            judged.add(f"attempt {job.attempt} after {claims} claims and {released} releases", job_id)
        if job.reason == "retries_exhausted" and job.retry_count != job.max_retries:
            judged.add(f"dead after {job.retry_count} of {job.max_retries} retries", job_id)
        if job.reason == "crashed" and job.lost_leases != 3:
            judged.add(f"dead as crashed after {job.lost_leases} lost leases", job_id)
        if job.status is Status.DEAD_LETTER and job.reason not in {"retries_exhausted", "crashed", "discard"}:
            judged.add(f"dead because of {job.reason}", job_id)
    judged.note = f"{sum(len(lines) for lines in history.runs.values())} lines of handlers"
    return judged


def recovery(history: History) -> Judgement:
    """I10: what ran on a dead worker leaves it within lease + reap + 1 s of time in which the others could work."""
    judged = Judgement()
    taken = []
    for death in history.deaths:
        for job_id, lines in history.runs.items():
            if not _was_running(history, job_id, lines, death) or not _is_held(history, job_id, death.at_ms):
                continue
            later = [move.at_ms for move in history.moves.get(job_id, []) if move.at_ms > death.at_ms]
            until_ms = later[0] if later else history.ended_ms
            took_ms = until_ms - death.at_ms
            limit_ms = history.lease_ms + REAP_MS + MARGIN_MS + history.blocked_ms(death.at_ms, until_ms)
            taken += [took_ms] if later else []
            if took_ms > limit_ms:
                end = "recovered" if later else "not yet recovered"
                judged.add(f"{end} {took_ms:.0f} ms after a {death.why}, not within {limit_ms:.0f}", job_id)
    half, longest = (sorted(taken)[len(taken) // 2], max(taken)) if taken else (0.0, 0.0)
    judged.note = f"{len(taken)} recovered, half of them within {half:.0f} ms, the last after {longest:.0f} ms"
    return judged


def _was_running(history: History, job_id: str, lines: list[Line], death: Death) -> bool:
    """Tell whether a job ran in the process that died, or was pushed by it."""
    if history.is_pushed(job_id) and job_id in history.jobs:
        attempts = history.jobs[job_id].job.attempts
        mine = [each for each in attempts if f"-{death.pid}-" in each.worker_id and each.started_at <= death.at_ms]
        return any((each.finished_at or death.at_ms) >= death.at_ms for each in mine)
    lines = [line for line in lines if death.hits(line) and line["at_ms"] <= death.at_ms]
    return bool(lines) and lines[-1]["event"] in {"start", "crash"}


def _is_held(history: History, job_id: str, at_ms: float) -> bool:
    """Tell whether somebody held the job then: a handler that cannot be stopped may outlive its lease."""
    before = [move for _, move in _steps(history.moves.get(job_id, [])) if move.at_ms <= at_ms]
    return bool(before) and before[-1].status is Status.RUNNING


def _is_claim(move: Move) -> bool:
    """Tell a claim from a request to cancel, which says `running` too."""
    return move.verb == "claim" and move.status is Status.RUNNING
