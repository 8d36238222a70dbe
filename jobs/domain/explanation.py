"""Why a job is not running."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from jobs.domain.queue import Pause
from jobs.domain.status import Status


class Cause(StrEnum):
    """What keeps a job from running; the first that a job has is the one to begin with."""

    ENDED = "ended"
    RUNNING = "running"
    DUE_LATER = "due_later"
    RETRY_LATER = "retry_later"
    RETRY_BUDGET = "retry_budget"
    PARENTS = "waiting_for_parents"
    PARENT_DEAD = "parent_dead_letter"
    EXPIRED = "expired"
    PAUSED = "queue_paused"
    QUOTA = "running_quota"
    CIRCUIT = "circuit_open"
    LIMIT_FULL = "limit_full"
    LIMIT_RATE = "limit_rate"
    NO_WORKER = "no_worker"
    UNKNOWN_KIND = "unknown_kind"
    BEHIND = "behind_others"
    NEXT = "next"
    TURNS = "takes_turns"


@dataclass(frozen=True, slots=True)
class Shut:
    """A circuit that lets nothing start: until a time (Unix ms; 0: until somebody closes it, or those on trial end).

    `by` is who opened it by hand, "": nobody.
    """

    until: int
    by: str
    reason: str
    on_trial: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FullLimit:
    """A limiter that lets nothing start: of a kind, `q:<queue>` or `b:<kind>:<key>`.

    `wait_ms` until there is a token, 0 where none is missing; `concurrency` 0 is no bound.
    `holders` are ids of some of those that run. `shut` is its circuit where that is what holds.
    """

    name: str
    concurrency: int
    running: int
    wait_ms: int
    holders: tuple[str, ...]
    shut: Shut | None = None


@dataclass(frozen=True, slots=True)
class PendingParent:
    """A step that another waits for. Its state is a letter: w waits, a is alive, c, d and x ended."""

    name: str
    job_id: str
    state: str


@dataclass(frozen=True, slots=True)
class StepWait:
    """What a step waits for. `status` is the workflow's, "" where that is gone; `parents` are some of `pending`.

    `outlasts`: a dead letter among them may still be re-injected, and the step waits for that.
    """

    workflow_id: str
    status: str
    outlasts: bool
    pending: int
    parents: tuple[PendingParent, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """Where a job of a fair queue stands: behind at most `own` jobs of its key, of `keys` that take turns."""

    key: str
    own: int
    keys: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What a claim would make of a job at one instant (Unix ms).

    `ahead` counts the jobs before it, None: it stands in no queue. `left_per_minute` are jobs that left the queue in
    the last full minute; `quota` is (running, most) where that is full. `is_put_off`: its retry budget was spent.
    """

    now: int
    status: Status
    kind: str
    queue: str
    due_at: int | None
    expires_at: int | None
    was_handed_out: bool
    pause: Pause | None
    ahead: int | None
    left_per_minute: int
    quota: tuple[int, int] | None
    wait: StepWait | None
    limits: tuple[FullLimit, ...]
    is_put_off: bool = False
    turn: Turn | None = None


_WILL_BE_READY = (Status.QUEUED, Status.SCHEDULED, Status.FAILED)


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause in words. `until` is when it ends by itself (Unix ms), where that is known."""

    cause: Cause
    detail: str
    until: int | None = None
    jobs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a job is not running. `may_start`: a worker that serves queue and kind and asks often enough gets it."""

    job_id: str
    status: Status
    may_start: bool
    reasons: tuple[Reason, ...]
    ahead: int | None
    starts_about: int | None


@dataclass(frozen=True, slots=True)
class Sharing:
    """How the namespace shares its workers: each of them serves at least so many `namespaces`; `weight` is its own."""

    namespaces: int = 1
    weight: int = 1


ALONE = Sharing()


def explain(job_id: str, at: Standing, is_served: bool, is_known: bool, *, sharing: Sharing = ALONE) -> Explanation:
    """Return why a job is where it is. `is_served`: some worker takes from its queue; `is_known`: one has its kind."""
    held = tuple(_held_by(at))
    reasons = [*_by_status(at), *held]
    may_start = at.status is Status.QUEUED and not held
    if at.status in _WILL_BE_READY:
        reasons += _without_worker(at, is_served, is_known)
    if at.status is Status.QUEUED:
        if at.ahead:
            reasons.append(Reason(Cause.BEHIND, _behind(at.ahead, at.turn)))
        if not reasons:
            reasons.append(Reason(Cause.NEXT, "It is the next of its queue."))
        if is_served and sharing.namespaces > 1:
            turns = f"Its workers serve {sharing.namespaces} namespaces in turn"
            detail = f"{turns}; the weight of this one is {sharing.weight}."
            reasons.append(Reason(Cause.TURNS, detail))
    about = _starts_about(at) if may_start and is_served and is_known else None
    return Explanation(job_id, at.status, may_start, tuple(reasons), at.ahead, about)


def _behind(ahead: int, turn: Turn | None) -> str:
    """Say how many stand before a job; in a fair queue also whose they are: its place there is its turn."""
    told = f"{ahead} {'job stands' if ahead == 1 else 'jobs stand'} before it"
    if turn is None:
        return f"{told}."
    own, others = min(turn.own, ahead), max(turn.keys - 1, 0)
    shared = f"{others} other {'key takes' if others == 1 else 'keys take'} turns with its own"
    return f"{told}, {own} of its key {turn.key}; {shared}."


def _without_worker(at: Standing, is_served: bool, is_known: bool) -> list[Reason]:
    """Return what no claim can help: a job that nobody could run waits in vain, whatever its time."""
    if not is_served:
        return [Reason(Cause.NO_WORKER, f"No live worker takes jobs from the queue {at.queue}.")]
    if not is_known:
        return [Reason(Cause.UNKNOWN_KIND, f"No worker of the queue {at.queue} knows the kind {at.kind}.")]
    return []


def _by_status(at: Standing) -> list[Reason]:
    match at.status:
        case Status.COMPLETED | Status.CANCELLED | Status.DEAD_LETTER:
            return [Reason(Cause.ENDED, f"It has ended: {at.status}.")]
        case Status.RUNNING:
            return [Reason(Cause.RUNNING, "It is running.")]
        case Status.SCHEDULED:
            return [Reason(Cause.DUE_LATER, "It is due later.", at.due_at)]
        case Status.FAILED:
            return [_between_attempts(at)]
        case Status.WAITING:
            return _waiting(at.wait)
    return []


def _waiting(wait: StepWait | None) -> list[Reason]:
    if wait is None or not wait.status:
        return [Reason(Cause.PARENTS, "Its workflow is gone: it is about to be cancelled.")]
    if wait.status in ("staged", "swept"):
        return [Reason(Cause.PARENTS, f"Its workflow {wait.workflow_id} has not been started.")]
    open_ = [parent for parent in wait.parents if parent.state in ("w", "a")]
    dead = [parent for parent in wait.parents if parent.state == "d" and wait.outlasts]
    found = []
    if open_:
        more = wait.pending - len(wait.parents)
        found.append(_parents(Cause.PARENTS, "It waits for", open_, more))
    if dead:
        found.append(_parents(Cause.PARENT_DEAD, "It waits until somebody re-injects", dead, 0))
    detail = "Its parents have ended; it is about to start or to be cancelled."
    return found or [Reason(Cause.PARENTS, detail)]


def _parents(cause: Cause, words: str, parents: list[PendingParent], more: int) -> Reason:
    names = [parent.name for parent in parents] + [f"{more} more"] * (more > 0)
    shown = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    noun = "the step" if len(names) == 1 else "the steps"
    return Reason(cause, f"{words} {noun} {shown}.", None, tuple(parent.job_id for parent in parents))


def _between_attempts(at: Standing) -> Reason:
    if at.is_put_off:
        detail = f"It failed when the retry budget of the kind {at.kind} was spent, so it waits longer than usual."
        return Reason(Cause.RETRY_BUDGET, detail, at.due_at)
    return Reason(Cause.RETRY_LATER, "Its last attempt failed; it is tried again later.", at.due_at)


def _held_by(at: Standing) -> list[Reason]:
    """Return what a claim would leave it for; only a job that is ready is looked at."""
    if at.status is not Status.QUEUED:
        return []
    found: list[Reason] = []
    if at.expires_at is not None and at.expires_at <= at.now and not at.was_handed_out:
        found.append(Reason(Cause.EXPIRED, "Its time to start is over: it is about to be cancelled."))
    if at.pause is not None:
        why = f": {at.pause.reason}" if at.pause.reason else ""
        found.append(Reason(Cause.PAUSED, f"The queue {at.queue} is paused by {at.pause.by}{why}."))
    if at.quota is not None:
        found.append(Reason(Cause.QUOTA, f"The namespace runs {at.quota[0]} jobs, and its quota is {at.quota[1]}."))
    return found + [_full(limit, at.now) for limit in at.limits]


def _full(limit: FullLimit, now: int) -> Reason:
    if limit.shut is not None:
        return _shut(limit, limit.shut, now)
    if limit.wait_ms:
        return Reason(Cause.LIMIT_RATE, f"The rate of {_named(limit)} is used up.", now + limit.wait_ms)
    detail = f"{limit.running} of {limit.concurrency} run, which is the limit of {_named(limit)}."
    return Reason(Cause.LIMIT_FULL, detail, None, limit.holders)


def _shut(limit: FullLimit, shut: Shut, now: int) -> Reason:
    what = f"The circuit of {_named(limit)} is"
    if shut.by:
        why = f": {shut.reason}" if shut.reason else ""
        return Reason(Cause.CIRCUIT, f"{what} held open by {shut.by}{why}.")
    if shut.until > now:
        return Reason(Cause.CIRCUIT, f"{what} open: too many attempts failed.", shut.until)
    return Reason(Cause.CIRCUIT, f"{what} half open: it waits for the jobs on trial.", None, shut.on_trial)


def _named(limit: FullLimit) -> str:
    if limit.name.startswith("q:"):
        return f"the queue {limit.name[2:]}"
    if limit.name.startswith("b:"):
        kind, _, key = limit.name[2:].partition(":")
        return f"the key {key} of the kind {kind}"
    return f"the kind {limit.name}"


def _starts_about(at: Standing) -> int | None:
    """Guess by how many jobs left the queue in the last full minute; None where none did and some stand before it."""
    if not at.ahead:
        return at.now
    return at.now + at.ahead * 60_000 // at.left_per_minute if at.left_per_minute else None
