"""What a run showed, for people: one table, and the history of every job that breaks an invariant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from jobs.domain.status import Status
from tests.torture.invariants.finding import Finding
from tests.torture.plans import MAKING
from tests.torture.run import Verdict

MAX_FINDINGS = 5
MAX_STORY = 60


def text_of(verdict: Verdict) -> str:
    """Return the whole report."""
    return "\n".join(
        [*_head(verdict), "", *_numbers(verdict), "", *_verdicts(verdict), *_stories(verdict), "", _last_line(verdict)]
    )


def _head(verdict: Verdict) -> Iterator[str]:
    options = verdict.options
    sabotage = f", sabotage {options.sabotage}" if options.sabotage else ""
    yield f"Torture, seed {options.seed}, {options.seconds:.0f} s of faults, leases of {options.lease_ms} ms{sabotage}"
    yield f"plan {verdict.history.schedule.fingerprint}, {verdict.took_s:.0f} s in all"


def _numbers(verdict: Verdict) -> Iterator[str]:
    history = verdict.history
    asked: Counter[str] = Counter()
    for line in history.clients:
        if line["verb"] in MAKING:
            asked[line["event"]] += len(line["cids"])
    tried, ok, refused, unknown = asked["try"], asked["ok"], asked["no"], asked["unknown"]
    yield f"  jobs      {tried} tried · {ok} accepted · {refused} refused · {unknown} unknown"
    done, dead, cancelled = (
        history.count(status) for status in (Status.COMPLETED, Status.DEAD_LETTER, Status.CANCELLED)
    )
    gone, live = len(history.purged), len(history.live())
    yield f"  ends      {done} done · {dead} dead · {cancelled} cancelled · {gone} purged · {live} live"
    far = Counter(line.get("via") for line in history.handlers if line["event"] == "start")
    sent = Counter(line["event"] for line in history.received)
    late = f"{sent['refused']} requests refused as too old"
    yield f"  outside   {far['remote']} starts over HTTP · {far['push']} pushed · {sent['told']} webhooks · {late}"
    for event, title in (("broken", "faults"), ("skipped", "skipped")):
        kinds = Counter(line["kind"] for line in history.faults if line["event"] == event)
        yield f"  {title:<9} {kinds.total()}: " + " · ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
    away = sum(end - begin for begin, end in history.away)
    stalls = sum(end - begin for begin, end in history.stalls)
    yield f"  time      store silent {away:.0f} ms in {len(history.away)} times · harness stood still {stalls:.0f} ms"
    drained = "not drained" if verdict.drained_s is None else f"drained in {verdict.drained_s:.1f} s"
    yield f"  after     {drained} · {len(history.deaths)} deaths of workers"


def _verdicts(verdict: Verdict) -> Iterator[str]:
    for invariant, judgement in verdict.judgements:
        state = f"BROKEN ×{len(judgement.findings)}" if judgement.findings else "holds"
        yield f"  I{invariant.number:<3} {state:<12} {invariant.title}" + (
            f" ({judgement.note})" if judgement.note else ""
        )


def _stories(verdict: Verdict) -> Iterator[str]:
    told: set[str] = set()
    for invariant, judgement in verdict.judgements:
        if not judgement.findings:
            continue
        yield ""
        yield f"I{invariant.number} {invariant.title}"
        for finding in judgement.findings[:MAX_FINDINGS]:
            yield from _story(verdict, finding, told)
        if (more := len(judgement.findings) - MAX_FINDINGS) > 0:
            yield f"  … and {more} more"


def _story(verdict: Verdict, finding: Finding, told: set[str]) -> Iterator[str]:
    yield f"  {finding.text}" + (f"  [job {finding.job_id}]" if finding.job_id else "")
    if finding.job_id and finding.job_id not in told:
        told.add(finding.job_id)
        stored = verdict.history.jobs.get(finding.job_id)
        if stored is not None:
            job = stored.job
            yield f"      {job.kind} {job.namespace}/{job.queue} {job.status} attempt {job.attempt} {stored.payload}"
        for line in verdict.history.story_of(finding.job_id)[:MAX_STORY]:
            yield f"      {line}"


def _last_line(verdict: Verdict) -> str:
    if not verdict.broken:
        return f"green: {len(verdict.judgements)} invariants hold"
    numbers = ", ".join(f"I{number}" for number in verdict.broken)
    options = verdict.options
    again = f"--replay {options.seed} --seconds {options.seconds:.0f} --lease-ms {options.lease_ms}"
    again += f" --sabotage {options.sabotage}" if options.sabotage else ""
    return f"RED: {numbers}; the same plan again: python -m tests.torture {again}"
