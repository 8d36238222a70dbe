"""One job in a namespace of its own, and what workers, a reaper and a canceller do to it one call after the other.

Each step makes a `Call` and judges its answer by the reference model, so that many of them share a round trip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.backends.base import Acted, Backend, Submission
from jobs.backends.call import Call
from jobs.domain.identity import IdentityMaker
from jobs.domain.job import Delivery, Job, JobSpec
from jobs.domain.lease import Claim, Extension, Lease
from jobs.domain.outcome import OutcomeKind, Settled, Settlement
from jobs.domain.status import FINAL, Status, may_move
from tests.model.job import Model
from tests.stores import BY, random_namespace

# Longer than any machine stands still; the wait of a retry is over when the lease is.
LEASE_MS, DELAY_MS, PASS_MS = 3_600_000, 1_800_000, 3_601_000
MAX_RETRIES = 1
FOREVER = FINAL - {Status.DEAD_LETTER}
Step = tuple[str, ...]
Script = tuple[Step, ...]
_IDS = IdentityMaker()
_OUTCOMES = {
    "complete": OutcomeKind.COMPLETED,
    "fail": OutcomeKind.FAILED,
    "snooze": OutcomeKind.SNOOZED,
    "release": OutcomeKind.RELEASED,
    "unknown": OutcomeKind.UNKNOWN_KIND,
}


def orders(scripts: Sequence[Script]) -> Iterator[tuple[Step, ...]]:
    """Return every order in which the steps can happen, each script's own order kept."""
    if not any(scripts):
        yield ()
    for number, script in enumerate(scripts):
        if script:
            rest = [*scripts[:number], script[1:], *scripts[number + 1 :]]
            for order in orders(rest):
                yield (script[0], *order)


@dataclass
class Run:
    """One order of the steps of some scripts, and what the store must answer."""

    backend: Backend
    order: tuple[Step, ...]
    delivery: Delivery
    namespace: str = field(default_factory=random_namespace)
    clock: int = 0
    holder: str = ""  # the token that is good, by the model
    leases: dict[str, Lease] = field(default_factory=dict)  # the last of each worker
    tokens: list[str] = field(default_factory=list)  # all that were ever handed out
    settled: tuple[str, Status | None] = ("", None)  # the token that settled last, and what it made of the job
    acted: tuple[Step, str, Status | None] = ((), "", None)  # the last act that did something, and its answer
    finishes: int = 0
    seen: Status | None = None

    def __post_init__(self) -> None:
        self.model = Model(MAX_RETRIES, self.delivery)
        self.job_id = _IDS.make()
        self.consumer = self.backend.consumer(self.namespace)
        self.operator = self.backend.operator(self.namespace)
        self.maintainer = self.backend.maintainer(self.namespace)
        self.inspector = self.backend.inspector(self.namespace)

    def submit(self) -> Call[Any]:
        """Return the call that begins."""
        spec = JobSpec(kind="demo.echo", max_retries=MAX_RETRIES, delivery=self.delivery)
        return self.backend.producer(self.namespace).submit([Submission(self.job_id, spec)])

    def passes(self, number: int) -> int:
        """Return by how much the clock moves before step `number` (ms)."""
        return PASS_MS if self.order[number][0] == "reap" else 0

    def call(self, number: int) -> Call[Any]:
        """Return the call of step `number`."""
        verb, who, *_ = (*self.order[number], "")
        calls: dict[str, Callable[[], Call[Any]]] = {
            "claim": lambda: self._claim(who),
            "extend": lambda: self.consumer.extend([(self.job_id, self._token(who))], LEASE_MS),
            "reap": self.maintainer.reap,
            "lose": lambda: self.maintainer.lose_worker(who, "exit code 1", 0),
            "promote_due": self.maintainer.promote_due,
            "cancel": lambda: self.operator.cancel([self.job_id], who, running=True, by=BY),
            "cancel_waiting": lambda: self.operator.cancel([self.job_id], who, running=False, by=BY),
            "retry": lambda: self.operator.retry([self.job_id], who, by=BY),
            "discard": lambda: self.operator.discard([self.job_id], who, by=BY),
            "promote": lambda: self.operator.promote([self.job_id], who, by=BY),
        }
        return self._settle(verb, who) if verb in _OUTCOMES else calls[verb]()

    def _claim(self, who: str) -> Call[Claim]:
        return self.consumer.claim(["main"], who, seq=1, token=f"{who:0>32}", limit=1, lease_ms=LEASE_MS)

    def _settle(self, verb: str, who: str) -> Call[list[Settled]]:
        outcome, token = _OUTCOMES[verb], self._token(who)
        settlement = Settlement(job_id=self.job_id, token=token, outcome=outcome, delay_ms=DELAY_MS)
        return self.consumer.settle([settlement])

    def _token(self, who: str) -> str:
        return self.leases[who].token if who in self.leases else f"none-{who}"

    def looks(self) -> tuple[Call[Any], Call[Any]]:
        """Return how to see which of all tokens are good, and how the job is."""
        tokens = [(self.job_id, token) for token in self.tokens] or [(self.job_id, "none")]
        return self.consumer.extend(tokens, LEASE_MS), self.inspector.get_many([self.job_id])

    def judge(self, number: int, answer: Any) -> None:
        """Fail unless the answer to step `number` is what the model says."""
        verb, who, *_ = (*self.order[number], "")
        self.clock += self.passes(number)
        if verb == "claim":
            self._claimed(who, answer)
        elif verb in _OUTCOMES:
            self._settled(verb, who, answer)
        elif verb == "extend":
            self._extended(who, answer)
        elif verb == "reap":
            self._reaped(answer, bool(self.holder))
        elif verb == "lose":
            where, lost = answer
            assert where == -1, self.order
            self._reaped(lost, self.holder == self._token(who))
        elif verb == "promote_due":
            before = self.model.status
            self.model.ripen(self.clock)
            assert answer == (before is not self.model.status), self.order
        else:
            self._acted(number, verb, answer)

    def _claimed(self, who: str, claim: Claim) -> None:
        if who in self.leases:
            # The same seq and token: what is still held of the first answer, or nothing.
            is_held = self.holder == self.leases[who].token
            assert [lease.token for lease in claim.leases] == [self.holder] * is_held, self.order
            return
        self.model.ripen(self.clock)
        assert len(claim.leases) == (self.model.status is Status.QUEUED), self.order
        for lease in claim.leases:
            self.model.claim()
            assert lease.attempt == self.model.attempt
            assert lease.token not in self.tokens
            self.leases[who], self.holder = lease, lease.token
            self.tokens.append(lease.token)

    def _settled(self, verb: str, who: str, answer: list[Settled]) -> None:
        if self._token(who) == self.holder:
            self.model.settle(_OUTCOMES[verb], self.clock + DELAY_MS)
            self.finishes += self.model.status in FOREVER
            self.holder = ""
            assert answer[0].status is self.model.status, self.order
            self.settled = self._token(who), self.model.status
        else:
            token, status = self.settled
            assert answer[0].status is (status if token == self._token(who) else None), self.order

    def _extended(self, who: str, answer: Extension) -> None:
        is_held = self.holder == self._token(who)
        assert bool(answer.extended) == is_held, self.order
        assert bool(answer.cancel_requested) == (is_held and self.model.is_cancel_wanted), self.order

    def _reaped(self, answer: int, is_lost: bool) -> None:
        assert answer == is_lost, self.order
        if is_lost:
            self.model.lose(self.clock, self.job_id)
            self.holder = ""

    def _acted(self, number: int, verb: str, answer: list[Acted]) -> None:
        acts = {
            "cancel": lambda: self.model.cancel(running=True),
            "cancel_waiting": lambda: self.model.cancel(running=False),
            "retry": self.model.retry,
            "discard": self.model.discard,
            "promote": self.model.promote,
        }
        if self.acted[0] == self.order[number]:
            assert (answer[0].code, answer[0].status) == self.acted[1:], self.order
            return
        code = acts[verb]()
        assert (answer[0].code, answer[0].status) == (code, self.model.status), self.order
        if code != "conflict":
            self.acted = self.order[number], code, self.model.status

    def look(self, tokens: Extension, jobs: list[Job | None]) -> None:
        """Fail unless one lease at most is good, what is final stayed so, and the job is as the model says."""
        (job,) = jobs
        assert job is not None
        assert len(tokens.extended) == bool(self.holder) == (job.status is Status.RUNNING), self.order
        assert self.finishes <= 1
        if self.seen is not None and job.status is not self.seen:
            is_ripe = self.seen in {Status.SCHEDULED, Status.FAILED} and job.status is Status.RUNNING
            assert self.seen not in FOREVER, self.order
            assert may_move(self.seen, job.status) or is_ripe, self.order
        self.seen = job.status
        found = (job.status, job.attempt, job.retry_count, job.lost_leases, job.cancel_requested)
        assert found == self.model.seen, self.order
