"""Operations on many jobs: each ends, and what it says of a job is what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from jobs.domain.status import Status
from jobs.domain.validation import parse_instant
from tests.torture.history import History
from tests.torture.invariants.finding import Judgement
from tests.torture.operations import Operation
from tests.torture.watcher import Move
from tests.torture.work import OPERATIONS

# Between the store's clock and the database's record.
CLOCK_MS = 1000
_WANTED = {
    ("retry", "done"): Status.QUEUED,
    ("cancel", "done"): Status.CANCELLED,
    ("cancel", "requested"): Status.RUNNING,
}


def operations(history: History) -> Judgement:
    """I23: some operation acted on jobs; each one accepted is there and ended; its outcomes agree with the jobs."""
    judged = Judgement()
    asked = [line for line in history.clients if line["verb"] in OPERATIONS]
    accepted = sum(line["event"] == "ok" for line in asked)
    acted = 0
    for operation in history.operations:
        acted += bool(operation.shown["done"])
        for text in _wrong_sums(operation):
            judged.add(f"operation {operation.shown['id']}: {text}")
        for outcome in operation.outcomes if not history.missed else ():
            for text in _wrong_outcome(history, operation, outcome):
                judged.add(f"operation {operation.shown['id']}: {text}", outcome["id"])
    if accepted > len(history.operations):
        judged.add(f"{accepted} operations were accepted, and {len(history.operations)} are there")
    if asked and not (accepted and acted):
        judged.add(f"of {len(history.operations)} operations none was accepted or none did anything")
    codes = Counter(outcome["code"] for operation in history.operations for outcome in operation.outcomes)
    told = " · ".join(f"{codes[code]} {code}" for code in sorted(codes))
    judged.note = f"{len(history.operations)} operations: {told}"
    return judged


def _wrong_sums(operation: Operation) -> Iterator[str]:
    shown = operation.shown
    if shown["status"] != "completed" or shown["finished_at"] is None:
        yield f"{shown['status']} at the end"
    ids = [outcome["id"] for outcome in operation.outcomes]
    if len(ids) != len(set(ids)) or not len(ids) == shown["taken"] == shown["total"]:
        yield f"{len(set(ids))} jobs have {len(ids)} outcomes, {shown['taken']} of {shown['total']} were taken"
    done = sum(outcome["code"] in ("done", "requested") for outcome in operation.outcomes)
    if (done, len(ids)) != (shown["done"], shown["done"] + shown["skipped"] + shown["failed"]):
        yield f"{done} outcomes are done; it says {shown['done']}, {shown['skipped']} skipped, {shown['failed']} failed"


def _wrong_outcome(history: History, operation: Operation, outcome: dict[str, str]) -> Iterator[str]:
    moves, code = history.moves.get(outcome["id"], []), outcome["code"]
    if not moves or moves[0].ns != operation.ns:
        yield f"it took a job that is none of {operation.ns}"
    elif code in ("done", "requested") and not any(_is_its(operation, move, code) for move in moves):
        yield f"it says {code}, and no {operation.shown['action']} came of it"
    elif code == "not_found" and outcome["id"] in history.jobs:
        yield "it says that there is no such job, and there is"


def _is_its(operation: Operation, move: Move, code: str) -> bool:
    """Tell whether a move may be the work of an operation, by what it did and when."""
    shown = operation.shown
    began, ended = (parse_instant(str(shown[name])) or 0 for name in ("created_at", "finished_at"))
    is_in_time = began - CLOCK_MS <= move.at_ms <= ended + CLOCK_MS
    return is_in_time and move.verb == shown["action"] and move.status is _WANTED.get((shown["action"], code))
