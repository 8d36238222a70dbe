"""Jobs are kept: what was accepted is there, what is there was asked for, and all counts agree."""

from __future__ import annotations

from collections import Counter

from jobs.domain.status import Status
from tests.torture.history import History
from tests.torture.invariants.finding import Judgement
from tests.torture.plans import MAKING
from tests.torture.probes import PROBE


def no_loss(history: History) -> Judgement:
    """I1: accepted ⊆ completed ∪ dead ∪ cancelled ∪ purged, and nothing is live after the drain."""
    judged = Judgement()
    for job_id in lost(history):
        judged.add("accepted, and gone without a record", job_id)
    for job_id in history.live():
        judged.add(f"still {history.jobs[job_id].job.status} after the drain", job_id)
    judged.note = f"{len(history.accepted)} accepted"
    return judged


def lost(history: History) -> list[str]:
    """Return the accepted jobs of which there is no trace."""
    return [job_id for job_id in history.accepted if job_id not in history.jobs and job_id not in history.purged]


def conservation(history: History) -> Judgement:
    """I2: submitted = completed + dead + cancelled + live + purged, from counters, from the API and from the keys."""
    judged = Judgement()
    for ns, totals in history.totals.items():
        kept = [stored.job for stored in history.jobs.values() if stored.job.namespace == ns]
        found = Counter(job.status for job in kept)
        if found != Counter(history.by_status.get(ns, {})):
            judged.add(f"{ns}: the API counts {history.by_status.get(ns)}, the keys hold {dict(found)}")
        discarded = sum(job.reason == "discarded" for job in kept)
        sums = {
            "submitted": (_total(totals, "submitted:"), len(kept) + totals.get("purged", 0)),
            "completed": (_total(totals, "completed:"), found[Status.COMPLETED]),
            "dead": (_total(totals, "dead:") - totals.get("reinjected", 0) - discarded, found[Status.DEAD_LETTER]),
            "cancelled": (totals.get("cancelled", 0), found[Status.CANCELLED]),
        }
        for name, (counted, there) in sums.items():
            if counted != there:
                judged.add(f"{ns}: the counter says {counted:.0f} {name}, there are {there:.0f}")
    return judged


def _total(totals: dict[str, float], prefix: str) -> float:
    return sum(amount for name, amount in totals.items() if name.startswith(prefix))


def no_ghosts(history: History) -> Judgement:
    """I3: every job was submitted by a client, at most once each, and none that was refused is there."""
    judged = Judgement()
    outcomes: dict[str, set[str]] = {}
    for line in history.clients:
        for cid in line["cids"]:
            outcomes.setdefault(cid, set()).add(line["event"])
    _add_graphs(history, outcomes)
    made: dict[str, list[str]] = {}
    for job_id, stored in history.jobs.items():
        if not (stored.is_delivery or stored.is_callback):
            made.setdefault(stored.cid, []).append(job_id)
    made.pop(PROBE, None)
    for cid, job_ids in made.items():
        known = outcomes.get(cid, set())
        if not known:
            judged.add(f"nobody submitted {cid}", job_ids[0])
        elif known <= {"try", "no"}:
            judged.add(f"{cid} was refused and is there", job_ids[0])
        elif len(job_ids) > 1 and not _are_renewed(history, job_ids):
            judged.add(f"{cid} was submitted once and is there {len(job_ids)} times", job_ids[0])
    for job_id, lines in history.runs.items():
        if lines[0]["cid"] not in outcomes and lines[0]["cid"] != PROBE:
            judged.add(f"nobody submitted {lines[0]['cid']}, and it ran", job_id)
    recovered = {cid for cid in made if "ok" not in outcomes.get(cid, set())}
    away = {cid for line in history.clients if line.get("http") == 503 for cid in line["cids"]}
    judged.note = (
        f"{len(recovered)} stored though their client never heard so, {len(recovered & away)} of them told 503"
    )
    return judged


def _add_graphs(history: History, outcomes: dict[str, set[str]]) -> None:
    """Let steps that a step asked for, and the callbacks of graphs, be known; I13 has more to say of them."""
    graphs = history.planned_graphs
    asked = {line["cid"] for line in history.grown}
    for graph in graphs.values():
        for node in graph.nodes:
            if node.job.cid in outcomes:
                outcomes.setdefault(graph.gid, {"ok"})
            if node.job.cid in asked:
                outcomes.update({added.job.cid: {"ok"} for added in node.adds})


def _are_renewed(history: History, job_ids: list[str]) -> bool:
    """Tell whether these are the jobs of one step, which got another each time that it was cancelled."""
    jobs = [history.jobs[job_id].job for job_id in job_ids]
    left = [job for job in jobs if job.status is not Status.CANCELLED]
    return len({(job.workflow_id, job.step) for job in jobs}) == 1 and jobs[0].step is not None and len(left) <= 1


def at_least_once(history: History) -> Judgement:
    """I4: every completed job has an end in the ledger with the accepted token, and the result of that attempt."""
    judged = Judgement()
    for job_id, stored in history.jobs.items():
        if stored.job.status is not Status.COMPLETED or stored.is_delivery:
            continue
        ends = [line["token"] for line in history.runs.get(job_id, []) if line["event"] == "end"]
        # An answer that was cut says that the work is done, and no more.
        made_by = (stored.result or {}).get("made_by")
        if stored.settled_token not in ends:
            judged.add(f"completed by {stored.settled_token or 'nobody'}, and the handlers ended as {ends}", job_id)
        elif made_by != stored.settled_token and not (made_by is None and history.is_pushed(job_id)):
            judged.add(f"the result is of {made_by}, the accepted token is {stored.settled_token}", job_id)
    return judged


def one_finish(history: History) -> Judgement:
    """I5: a job is completed once; nothing moves it afterwards; refused settlements change nothing."""
    judged = Judgement()
    for job_id, moves in history.moves.items():
        changes = [move.status for move in moves if move.verb != "cancel" or move.status is not Status.RUNNING]
        if changes.count(Status.COMPLETED) > 1:
            judged.add(f"completed {changes.count(Status.COMPLETED)} times", job_id)
        elif Status.COMPLETED in changes and changes[-1] is not Status.COMPLETED:
            judged.add(f"completed, and then {changes[-1]}", job_id)
    stale = sum(totals.get("stale_settles", 0) for totals in history.totals.values())
    judged.note = f"{stale:.0f} settlements refused"
    return judged


def idempotency(history: History) -> Judgement:
    """I11: every 2xx to one key names one job."""
    judged = Judgement()
    named: dict[tuple[str, str], set[tuple[str, ...]]] = {}
    answers = 0
    for line in history.clients:
        if line["event"] == "ok" and line["key"] and line["verb"] in MAKING:
            # A workflow's steps may be other jobs by then.
            ids = (line["workflow"],) if line["verb"] == "workflow" else tuple(line["ids"])
            named.setdefault((line["ns"], line["key"]), set()).add(ids)
            answers += 1
    for (ns, key), ids in named.items():
        if len(ids) > 1:
            judged.add(f"{ns}: {key} names {len(ids)} jobs: {sorted(ids)}", min(ids)[0])
    judged.note = f"{answers} answers to {len(named)} keys"
    return judged


def durability(history: History) -> Judgement:
    """I20: with `always`, nothing accepted is lost when the store dies."""
    judged = Judgement()
    deaths = [
        line for line in history.faults if line["event"] == "broken" and line["kind"] in {"store_kill", "store_term"}
    ]
    gone = lost(history)
    if gone and deaths:
        judged.add(f"{len(gone)} accepted jobs were lost in {len(deaths)} deaths of the store", gone[0])
    judged.note = f"{len(deaths)} deaths of the store"
    return judged
