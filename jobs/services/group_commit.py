"""Group commit: submissions that arrive while a call to the store is under way go out together in the next one.

One instance serves one event loop. `runner_of` a shard must carry out its calls in the order in which they are begun,
so that the jobs of one request keep their order there. Each shard has a lane of its own: one that is away holds up
nobody who submits to another. A submission is answered only after the store has answered; nothing that was not sent is
ever reported as accepted, and whoever stops waiting changes nothing for the others or for the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from jobs.backends.base import Backend, Submission, Submitted
from jobs.backends.call import AsyncRunner
from jobs.domain.errors import BackendUnavailable
from jobs.domain.shard import in_order, places_by_shard, shard_of
from jobs.services.parcels import Lane, Outcome, Parcel, Single, Stretch, size_bytes
from jobs.services.waiting_room import WaitingRoom

# A store call and its repetition take at most 1.8 s; what waited longer than that is answered within the promised 2 s.
MAX_WAIT_S = 1.8
# While the store works on one call, the next is made ready.
_CALLS_AT_ONCE = 2
# So many jobs are worth a call of their own while more are being read.
_ENOUGH = 32

# A namespace and a shard of it.
Place = tuple[str, int]


class GroupCommit:
    """Submits for the requests of one event loop."""

    def __init__(self, runner_of: Callable[[str, int], AsyncRunner], backend: Backend) -> None:
        self.room = WaitingRoom()
        self._runner_of = runner_of
        self._backend = backend
        self._loop = asyncio.get_running_loop()
        self._shards = backend.shards
        self._lanes: dict[Place, Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit_one(self, namespace: str, submission: Submission) -> Submitted:
        """Return what became of a job. Raises BackendUnavailable."""
        done: asyncio.Future[Submitted] = self._loop.create_future()
        single = self.begin_one(namespace, submission, partial(_tell, done))
        try:
            return await done
        except asyncio.CancelledError:
            single.is_forgotten = True
            raise

    def begin_one(self, namespace: str, submission: Submission, tell: Callable[[Outcome | Exception], None]) -> Single:
        """Send a job with the next call; `tell` gets what became of it. Raises BackendUnavailable if it has no room."""
        single = Single(submission, self._loop.time(), tell)
        self.room.enter_single(single.size_bytes)
        self._enqueue((namespace, shard_of(submission.job_id, self._shards)), single)
        return single

    async def submit(
        self, namespace: str, submissions: Sequence[Submission], *, is_atomic: bool = False
    ) -> list[Outcome]:
        """Return what became of each job, in order. Raises BackendUnavailable if none was stored."""
        if not submissions:
            return []
        self.room.enter_bulk(namespace, len(submissions), _bytes_of(submissions))
        groups = places_by_shard([submission.job_id for submission in submissions], self._shards)
        parcels: list[Parcel] = []
        for shard, places in groups.items():
            some = submissions if len(groups) == 1 else [submissions[place] for place in places]
            parcels.append(Parcel(some, self._loop, is_atomic=is_atomic))
            self._enqueue((namespace, shard), parcels[-1])
        # Who stops waiting for one stops waiting for all.
        answers = await asyncio.gather(*(parcel.done for parcel in parcels))
        outcomes = in_order(list(groups.values()), answers)
        if all(isinstance(outcome, BackendUnavailable) for outcome in outcomes):
            raise next(outcome for outcome in outcomes if isinstance(outcome, BackendUnavailable))
        return outcomes

    def _enqueue(self, place: Place, parcel: Single | Parcel) -> None:
        """Add a parcel to its lane and see that it is sent."""
        lane = self._lanes.get(place)
        if lane is None:
            lane = self._lanes[place] = Lane()
        if not lane and lane.calls < _CALLS_AT_ONCE:
            # Not at once: requests that are read in the same turn of the loop join this call.
            self._loop.call_soon(self._send, place, lane)
        lane.add(parcel)
        if lane.singles() >= _ENOUGH and lane.calls < _CALLS_AT_ONCE:
            # The store gets on with these while the rest of the turn is read.
            self._send(place, lane)

    def _send(self, place: Place, lane: Lane) -> None:
        while lane and lane.calls < _CALLS_AT_ONCE:
            stretches = self._in_time(place, lane.take())
            if stretches:
                lane.calls += 1
                task = self._loop.create_task(self._commit(place, lane, stretches))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        if not lane and not lane.calls:
            self._lanes.pop(place, None)

    def _in_time(self, place: Place, stretches: list[Stretch]) -> list[Stretch]:
        """Refuse what has waited too long and was never sent, and drop what nobody waits for."""
        limit = self._loop.time() - MAX_WAIT_S
        wanted = []
        for stretch in stretches:
            parcel = stretch[0]
            if parcel.arrived >= limit and not parcel.is_forgotten:
                wanted.append(stretch)
            else:
                late = BackendUnavailable("The store answers too slowly.", code="overloaded")
                self._settle(place, stretch, [late] * (stretch[2] - stretch[1]))
        return wanted

    async def _commit(self, place: Place, lane: Lane, stretches: list[Stretch]) -> None:
        batch = [submission for parcel, first, end in stretches for submission in parcel.submissions[first:end]]
        is_atomic = stretches[0][0].is_atomic
        try:
            call = self._backend.producer(place[0]).submit(batch, is_atomic=is_atomic)
            answers = await self._runner_of(*place).run(call)
        except BackendUnavailable as unavailable:
            # Whoever waits behind would wait as long for the same answer.
            for stretch in [*stretches, *lane.take_all()]:
                self._settle(place, stretch, [unavailable] * (stretch[2] - stretch[1]))
        except Exception as error:  # noqa: BLE001 (told to the requests that it hit)
            self._fail(place, stretches, error)
        else:
            at = 0
            for stretch in stretches:
                size = stretch[2] - stretch[1]
                self._settle(place, stretch, answers[at : at + size])
                at += size
        finally:
            lane.calls -= 1
            self._send(place, lane)

    def _settle(self, place: Place, stretch: Stretch, outcomes: Sequence[Outcome]) -> None:
        """Answer a stretch and give its room to others."""
        parcel, first, _ = stretch
        self._leave(place, stretch)
        parcel.settle(first, outcomes)

    def _fail(self, place: Place, stretches: Sequence[Stretch], error: Exception) -> None:
        """Hand a mistake of ours to the requests that it hit; each answers 500 and logs it."""
        for stretch in stretches:
            self._leave(place, stretch)
            stretch[0].fail(error)

    def _leave(self, place: Place, stretch: Stretch) -> None:
        parcel, first, end = stretch
        if isinstance(parcel, Single):
            self.room.leave_single(parcel.size_bytes)
        else:
            self.room.leave_bulk(place[0], end - first, _bytes_of(parcel.submissions[first:end]))


def _tell(done: asyncio.Future[Submitted], outcome: Outcome | Exception) -> None:
    """Tell who waits, unless nobody does any more."""
    if done.done():
        return
    if isinstance(outcome, Exception):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)


def _bytes_of(submissions: Sequence[Submission]) -> int:
    return sum(size_bytes(submission.spec) for submission in submissions)
