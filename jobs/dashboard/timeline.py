"""The life of a job as its page draws it: the moments it passed, and a bar for each attempt's wait and run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from jobs.dashboard.look import person_of, reason_of
from jobs.dashboard.reinjections import Reinjection
from jobs.domain.job import Attempt, Job
from jobs.domain.status import FINAL, Status

_MOST_BARS = 12


@dataclass(frozen=True, slots=True)
class Moment:
    """One point of the trail; `at` is Unix ms, None for what is still to come at no known time."""

    label: str
    icon: str
    css: str
    at: int | None
    more: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """One attempt: wait and run in ms, and where they lie in percent of the job's whole life."""

    number: int
    wait_ms: int
    run_ms: int
    wait_at: float
    wait_width: float
    run_at: float
    run_width: float
    is_running: bool
    outcome: str


_ENDS = {
    Status.COMPLETED: (gettext_noop("Completed"), "circle-check", "s-completed"),
    Status.DEAD_LETTER: (gettext_noop("Became a dead letter"), "skull", "s-dead_letter"),
    Status.CANCELLED: (gettext_noop("Cancelled"), "ban", "s-cancelled"),
}


def trail_of(job: Job, reinjections: Sequence[Reinjection] = ()) -> list[Moment]:
    """Return the moments of a job, oldest first, ending with what it is or waits for."""
    trail = [Moment(_("Submitted"), "send", "s-queued", job.created_at, _("to %s") % job.queue)]
    if job.scheduled_for and not job.attempts and job.status is not Status.SCHEDULED:
        trail.append(Moment(_("Due"), "calendar-time", "s-scheduled", job.scheduled_for))
    trail.extend(_returns(reinjections, after=0))
    for number, attempt in enumerate(job.attempts, 1):
        trail.extend(_attempt_moments(attempt))
        trail.extend(_returns(reinjections, after=number))
    trail.extend(_present(job))
    return trail


def bars_of(job: Job, now_ms: int, reinjections: Sequence[Reinjection] = ()) -> list[Bar]:
    """Return a bar for each of the newest attempts, all on the scale from submission to the end or to now.

    A wait begins with the end of the attempt before; the time as a dead letter is none.
    """
    returned_at = {reinjection.after: reinjection.at for reinjection in reinjections}
    start = job.created_at
    end = max(job.finished_at or now_ms if job.status in FINAL else now_ms, start + 1)
    if job.attempts and job.status not in (Status.RUNNING, Status.QUEUED):
        end = max([start + 1, *(attempt.finished_at or end for attempt in job.attempts)])
    ready = max(start, job.scheduled_for or start) if len(job.attempts) == 1 else start
    bars = []
    for number, attempt in enumerate(job.attempts):
        ready = max(ready, returned_at.get(number) or start)
        finished = attempt.finished_at or now_ms
        wait_from = min(max(ready, start), attempt.started_at)
        bars.append(_bar(attempt, wait_from, finished, start, end))
        ready = finished
    if job.status is Status.QUEUED:
        bars.append(_waiting(job, max(ready, job.ready_at or start), start, end))
    return bars[-_MOST_BARS:]


def _waiting(job: Job, since: int, start: int, end: int) -> Bar:
    """Return the bar of an attempt that has not begun: all wait."""
    wait_ms = max(end - since, 0)
    at, width = 100 * max(since - start, 0) / (end - start), 100 * wait_ms / (end - start)
    return Bar(
        number=job.attempt + 1,
        wait_ms=wait_ms,
        run_ms=0,
        wait_at=round(at, 2),
        wait_width=round(width, 2),
        run_at=0,
        run_width=0,
        is_running=False,
        outcome="waits",
    )


def _bar(attempt: Attempt, wait_from: int, finished: int, start: int, end: int) -> Bar:
    whole = end - start

    def percent(value: int) -> float:
        return round(100 * max(value, 0) / whole, 2)

    run_ms = max(finished - attempt.started_at, 0)
    return Bar(
        number=attempt.number,
        wait_ms=max(attempt.started_at - wait_from, 0),
        run_ms=run_ms,
        wait_at=percent(wait_from - start),
        wait_width=percent(attempt.started_at - wait_from),
        run_at=min(percent(attempt.started_at - start), 99.2),
        run_width=max(percent(run_ms), 0.8),
        is_running=attempt.finished_at is None,
        outcome=attempt.outcome or "running",
    )


def _present(job: Job) -> Iterator[Moment]:
    """Tell what the job is now or waits for; a step that waits for others says nothing."""
    if job.status in FINAL:
        label, icon, css = _ENDS[job.status]
        yield Moment(_(label), icon, css, job.finished_at, reason_of(job.reason or ""))
    elif job.status in (Status.SCHEDULED, Status.FAILED):
        label = _("Next attempt") if job.status is Status.FAILED else _("Due")
        yield Moment(label, "calendar-time", "s-scheduled", job.scheduled_for, _("waits for this time"))
    elif job.status is Status.QUEUED:
        yield Moment(_("Waits for a worker"), "clock", "s-queued", job.ready_at)
    elif job.status is Status.RUNNING:
        more = _("cancel requested, waiting for the handler to stop") if job.cancel_requested else ""
        yield Moment(_("Running"), "loader-2", "s-running", job.started_at, more)


def _returns(reinjections: Iterable[Reinjection], *, after: int) -> Iterator[Moment]:
    """Tell of each time that the job became a dead letter after that many attempts and was sent back."""
    for reinjection in reinjections:
        if reinjection.after != after:
            continue
        if reinjection.died_at is not None:
            label, icon, css = _ENDS[Status.DEAD_LETTER]
            yield Moment(_(label), icon, css, reinjection.died_at)
        by = _("by %s") % person_of(reinjection.by) if reinjection.by else _("together with others")
        more = f"{by}: {reinjection.reason}" if reinjection.reason else by
        yield Moment(_("Re-injected"), "refresh", "s-queued", reinjection.at, more)


def _attempt_moments(attempt: Attempt) -> list[Moment]:
    moments = [
        Moment(
            _("Attempt %s started") % attempt.number, "player-play", "s-running", attempt.started_at, attempt.worker_id
        )
    ]
    if attempt.finished_at is not None and attempt.outcome != "completed":
        said = f"{attempt.error.type}: {attempt.error.message[:160]}" if attempt.error else ""
        outcome = attempt.outcome or "ended"
        label = _("Attempt %(number)s %(ended)s") % {"number": attempt.number, "ended": reason_of(outcome)}
        moments.append(Moment(label, "alert-triangle", "s-failed", attempt.finished_at, said))
    return moments
