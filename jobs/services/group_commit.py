"""Group commit: submissions that arrive while a call to the store is under way go out together in the next one.

One instance serves one event loop. `runner_of` a namespace must carry out its calls in the order in which they are
begun, so that the jobs of one request keep their order. A submission is answered only after the store has answered;
nothing that was not sent is ever reported as accepted, and whoever stops waiting changes nothing for the others or for
the store.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from jobs.backends.base import MAX_BATCH, AsyncRunner, Backend, Submission, Submitted
from jobs.domain.errors import BackendUnavailable
from jobs.domain.job import JobSpec

# Beyond these bounds a submission is refused at once: waiting longer would only fill the memory.
MAX_WAITING_JOBS = 20_000
MAX_WAITING_BYTES = 64 * 1024 * 1024
# A store call and its repetition take at most 1.8 s; what waited longer than that is answered within the promised 2 s.
MAX_WAIT_S = 1.8
# While the store works on one call, the next is made ready.
_CALLS_AT_ONCE = 2
# So many jobs are worth a call of their own while more are being read.
_ENOUGH = 32

Outcome = Submitted | BackendUnavailable


class Single:
    """One job, the usual case. `done` gets its outcome."""

    __slots__ = ("arrived", "done", "size_bytes", "submissions")

    is_atomic = False
    taken = 0

    def __init__(self, submission: Submission, loop: asyncio.AbstractEventLoop) -> None:
        self.submissions = (submission,)
        self.arrived = loop.time()
        self.size_bytes = _size_bytes(submission.spec)
        self.done: asyncio.Future[Outcome] = loop.create_future()

    def settle(self, _: int, outcomes: Sequence[Outcome]) -> None:
        """Tell who waits, unless nobody does any more."""
        if not self.done.done():
            self.done.set_result(outcomes[0])


class Parcel:
    """The jobs of one bulk request. `done` gets the outcomes in order, once all are known."""

    __slots__ = ("arrived", "done", "is_atomic", "left", "outcomes", "size_bytes", "submissions", "taken")

    def __init__(
        self, submissions: Sequence[Submission], loop: asyncio.AbstractEventLoop, *, is_atomic: bool = False
    ) -> None:
        self.submissions = submissions
        self.arrived = loop.time()
        self.is_atomic = is_atomic
        self.outcomes: list[Outcome | None] = [None] * len(submissions)
        self.taken = 0
        self.left = len(submissions)
        self.size_bytes = sum(_size_bytes(submission.spec) for submission in submissions)
        self.done: asyncio.Future[list[Outcome]] = loop.create_future()

    def settle(self, first: int, outcomes: Sequence[Outcome]) -> None:
        """Take the outcomes of a stretch; with the last one, tell who waits, unless nobody does any more."""
        self.outcomes[first : first + len(outcomes)] = outcomes
        self.left -= len(outcomes)
        if self.left == 0 and not self.done.done():
            self.done.set_result([outcome for outcome in self.outcomes if outcome is not None])


Stretch = tuple[Single | Parcel, int, int]


class Lane:
    """What waits for one namespace. Single jobs go first, so that a large request delays nobody."""

    def __init__(self) -> None:
        self.calls = 0
        self._singles: deque[Single] = deque()
        self._bulks: deque[Parcel] = deque()
        self._atomics: deque[Parcel] = deque()
        self._is_turn_of_atomic = False

    def __bool__(self) -> bool:
        return bool(self._singles or self._bulks or self._atomics)

    def singles(self) -> int:
        """Return how many single jobs wait."""
        return len(self._singles)

    def add(self, parcel: Single | Parcel) -> None:
        """Queue a parcel."""
        if isinstance(parcel, Single):
            self._singles.append(parcel)
        else:
            (self._atomics if parcel.is_atomic else self._bulks).append(parcel)

    def take(self) -> list[Stretch]:
        """Return what goes out in the next call: up to MAX_BATCH jobs, or in its turn one atomic parcel alone."""
        has_others = bool(self._singles or self._bulks)
        if self._atomics and (self._is_turn_of_atomic or not has_others):
            self._is_turn_of_atomic = False
            parcel = self._atomics.popleft()
            parcel.taken = len(parcel.submissions)
            return [(parcel, 0, parcel.taken)]
        self._is_turn_of_atomic = True
        stretches: list[Stretch] = [(single, 0, 1) for single in _popped(self._singles, MAX_BATCH)]
        room = MAX_BATCH - len(stretches)
        while self._bulks and room:
            # What is left of a parcel goes behind the other requests: each gets its turn.
            parcel = self._bulks.popleft()
            first, parcel.taken = parcel.taken, min(parcel.taken + room, len(parcel.submissions))
            stretches.append((parcel, first, parcel.taken))
            room -= parcel.taken - first
            if parcel.taken < len(parcel.submissions):
                self._bulks.append(parcel)
        return stretches

    def take_all(self) -> list[Stretch]:
        """Return all that waits, to be refused."""
        waiting: list[Single | Parcel] = [*self._singles, *self._bulks, *self._atomics]
        for queue in (self._singles, self._bulks, self._atomics):
            queue.clear()
        return [(parcel, parcel.taken, len(parcel.submissions)) for parcel in waiting]


class GroupCommit:
    """Submits for the requests of one event loop."""

    def __init__(self, runner_of: Callable[[str], AsyncRunner], backend: Backend) -> None:
        self._runner_of = runner_of
        self._backend = backend
        self._loop = asyncio.get_running_loop()
        self._lanes: dict[str, Lane] = {}
        self._waiting_jobs = 0
        self._waiting_bytes = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit_one(self, namespace: str, submission: Submission) -> Submitted:
        """Return what became of a job. Raises BackendUnavailable."""
        single = Single(submission, self._loop)
        self._enqueue(namespace, single)
        try:
            outcome = await single.done
        finally:
            self._waiting_jobs -= 1
            self._waiting_bytes -= single.size_bytes
        if isinstance(outcome, BackendUnavailable):
            raise outcome
        return outcome

    async def submit(
        self, namespace: str, submissions: Sequence[Submission], *, is_atomic: bool = False
    ) -> list[Outcome]:
        """Return what became of each job, in order. Raises BackendUnavailable if none was stored."""
        if not submissions:
            return []
        parcel = Parcel(submissions, self._loop, is_atomic=is_atomic)
        self._enqueue(namespace, parcel)
        try:
            outcomes = await parcel.done
        finally:
            self._waiting_jobs -= len(submissions)
            self._waiting_bytes -= parcel.size_bytes
        if all(isinstance(outcome, BackendUnavailable) for outcome in outcomes):
            raise next(outcome for outcome in outcomes if isinstance(outcome, BackendUnavailable))
        return outcomes

    def _enqueue(self, namespace: str, parcel: Single | Parcel) -> None:
        """Add a parcel to its lane and see that it is sent. Raises BackendUnavailable `overloaded`."""
        jobs = len(parcel.submissions)
        if self._waiting_jobs + jobs > MAX_WAITING_JOBS or self._waiting_bytes + parcel.size_bytes > MAX_WAITING_BYTES:
            raise BackendUnavailable("Too many submissions wait for the store.", code="overloaded")
        self._waiting_jobs += jobs
        self._waiting_bytes += parcel.size_bytes
        lane = self._lanes.get(namespace)
        if lane is None:
            lane = self._lanes[namespace] = Lane()
        if not lane and lane.calls < _CALLS_AT_ONCE:
            # Not at once: requests that are read in the same turn of the loop join this call.
            self._loop.call_soon(self._send, namespace, lane)
        lane.add(parcel)
        if lane.singles() >= _ENOUGH and lane.calls < _CALLS_AT_ONCE:
            # The store gets on with these while the rest of the turn is read.
            self._send(namespace, lane)

    def _send(self, namespace: str, lane: Lane) -> None:
        while lane and lane.calls < _CALLS_AT_ONCE:
            stretches = self._in_time(lane.take())
            if stretches:
                lane.calls += 1
                task = self._loop.create_task(self._commit(namespace, lane, stretches))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        if not lane and not lane.calls:
            self._lanes.pop(namespace, None)

    def _in_time(self, stretches: list[Stretch]) -> list[Stretch]:
        """Refuse what has waited too long and was never sent, and drop what nobody waits for."""
        limit = self._loop.time() - MAX_WAIT_S
        wanted = [stretch for stretch in stretches if not stretch[0].done.cancelled()]
        late = [stretch for stretch in wanted if stretch[0].arrived < limit]
        if not late:
            return wanted
        _refuse(late, BackendUnavailable("The store answers too slowly.", code="overloaded"))
        return [stretch for stretch in wanted if stretch[0].arrived >= limit]

    async def _commit(self, namespace: str, lane: Lane, stretches: list[Stretch]) -> None:
        batch = [submission for parcel, first, end in stretches for submission in parcel.submissions[first:end]]
        is_atomic = stretches[0][0].is_atomic
        try:
            call = self._backend.producer(namespace).submit(batch, is_atomic=is_atomic)
            answers = await self._runner_of(namespace).run(call)
        except BackendUnavailable as unavailable:
            # Whoever waits behind would wait as long for the same answer.
            _refuse([*stretches, *lane.take_all()], unavailable)
        except Exception as error:  # noqa: BLE001 (told to the requests that it hit)
            _fail(stretches, error)
        else:
            at = 0
            for parcel, first, end in stretches:
                parcel.settle(first, answers[at : at + end - first])
                at += end - first
        finally:
            lane.calls -= 1
            self._send(namespace, lane)


def _popped(queue: deque[Single], most: int) -> list[Single]:
    return [queue.popleft() for _ in range(min(most, len(queue)))]


def _refuse(stretches: Sequence[Stretch], refusal: BackendUnavailable) -> None:
    for parcel, first, end in stretches:
        parcel.settle(first, [refusal] * (end - first))


def _fail(stretches: Sequence[Stretch], error: Exception) -> None:
    """Hand a mistake of ours to the requests that it hit; each answers 500 and logs it."""
    for parcel, _, _ in stretches:
        if not parcel.done.done():
            parcel.done.set_exception(error)


def _size_bytes(spec: JobSpec) -> int:
    if not spec.metadata:
        return len(spec.payload)
    return len(spec.payload) + sum(len(name) + len(value) for name, value in spec.metadata.items())
