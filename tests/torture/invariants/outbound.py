"""What goes out by HTTP: pushed jobs and webhooks arrive signed, under one id, and each end is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from jobs.domain.status import FINAL, Status
from tests.torture.history import History, Stored
from tests.torture.invariants.finding import Judgement
from tests.torture.ledger import Line
from tests.torture.outside import RECEIVER
from tests.torture.receiver import TOO_OLD

# A request may be under way for so long, and a worker's clock be read so much before or after its jump.
UNDER_WAY_MS = 10_000


def pushes(history: History) -> Judgement:
    """I21: what arrives is signed, is what was submitted, under the job's id; no job completes before it arrived."""
    judged = Judgement()
    for line in history.received:
        job_id = line.get("job_id") if line["is_job"] else line["webhook_id"]
        if line["why"] == TOO_OLD and not _has_jumped(history, line):
            judged.add("a request was sent with a wrong time though no clock had jumped", job_id)
        elif line["why"] not in (None, TOO_OLD):
            judged.add(f"a request came {line['why']}", job_id)
        elif line["event"] == "pushed":
            for text in _wrong(history, line):
                judged.add(text, job_id)
    sent = Counter(line["job_id"] for line in history.received if line["event"] == "pushed")
    kept = [(job_id, history.jobs[job_id]) for job_id in sent if job_id in history.jobs]
    for job_id, stored in kept:
        if stored.job.status is Status.COMPLETED and not _was_done_before(history, job_id, stored):
            judged.add("completed before its receiver had done it", job_id)
    unread = sum(stored.job.status is Status.COMPLETED and stored.result is None for _, stored in kept)
    cuts = sum(line["event"] == "broken" and line["target"] == RECEIVER for line in history.faults)
    if unread > cuts:
        judged.add(f"{unread} results were not read, though answers can have been cut only {cuts} times")
    judged.note = f"{len(sent)} jobs in {sent.total()} requests"
    return judged


def _has_jumped(history: History, line: Line) -> bool:
    """Tell whether a worker's clock was wrong when a request was sent."""
    return any(
        fault["kind"] == "clock_jump" and 0 <= line["at_ms"] - fault["at_ms"] <= fault["for_ms"] + UNDER_WAY_MS
        for fault in history.faults
        if fault["event"] == "broken"
    )


def _wrong(history: History, line: Line) -> Iterator[str]:
    """Yield in what a pushed job is not the one that was submitted."""
    stored = history.jobs.get(line["job_id"])
    if line["webhook_id"] != line["job_id"]:
        yield f"its attempt came under the id {line['webhook_id']}"
    if stored is not None and (line["body"], line["ns"]) != (stored.payload, stored.job.namespace):
        yield f"what came is {line['body']} of {line['ns']}"


def _was_done_before(history: History, job_id: str, stored: Stored) -> bool:
    ended = [move.at_ms for move in history.moves.get(job_id, []) if move.status is Status.COMPLETED]
    lines = [line for line in history.runs.get(job_id, []) if line["token"] == stored.settled_token]
    done = [line["at_ms"] for line in lines if line["event"] == "end"]
    return bool(done) and (not ended or min(done) <= ended[0] + 1)


def webhooks(history: History) -> Judgement:
    """I22: each end of a job with a webhook has its delivery, none has another, and a completed one was received."""
    judged = Judgement()
    told: dict[str, list[Line]] = {}
    for line in history.received:
        if line["event"] == "told":
            told.setdefault(line["webhook_id"], []).append(line)
    made: dict[str, Counter[str]] = {}
    for delivery_id, stored in history.jobs.items():
        if stored.is_delivery:
            about, status = stored.payload["job_id"], stored.payload["status"]
            made.setdefault(about, Counter())[status] += 1
            for line in told.get(delivery_id, []):
                data = line["body"]["data"]
                name = "workflow_id" if "workflow" in stored.payload else "id"
                if (data.get(name), data["status"]) != (about, status):
                    judged.add(f"told of {line['body']['data']} in place of {about} {status}", delivery_id)
            if stored.job.status is Status.COMPLETED and delivery_id not in told:
                judged.add("delivered, and nobody received it", delivery_id)
    for job_id, stored in history.jobs.items():
        plan = history.plans.get(stored.cid)
        moves = history.moves.get(job_id, []) if plan is not None and plan.webhook else []
        ends = Counter(str(move.status) for move in moves if move.status in FINAL)
        if ends != made.get(job_id, Counter()):
            judged.add(f"it ended as {dict(ends)}, and {dict(made.get(job_id, {}))} is told", job_id)
    judged.note = f"{len(told)} ends told in {sum(map(len, told.values()))} requests"
    return judged
