"""The connections of one event loop to all shards of a namespace, used as one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from jobs.backends.call import Call, answers_of, steps_of
from jobs.backends.redis.channel import Channel
from jobs.domain.shard import in_order

T = TypeVar("T")


class Channels:
    """Carries out each call on the connection of its shard, those of different shards at the same time."""

    def __init__(self, channel_of: Callable[[int], Channel]) -> None:
        self._channel_of = channel_of

    async def run(self, call: Call[T]) -> T:
        """Return the call's answer. Raises BackendUnavailable."""
        return (await self.run_many((call,)))[0]

    async def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        """Carry out the calls, in order within a shard; answers in order. Raises BackendUnavailable."""
        steps = steps_of(calls)
        groups: dict[int, list[int]] = {}
        for place, step in enumerate(steps):
            groups.setdefault(step.shard, []).append(place)
        rounds = [
            self._channel_of(shard).run_many([steps[place] for place in places]) for shard, places in groups.items()
        ]
        return answers_of(calls, in_order(list(groups.values()), await asyncio.gather(*rounds)))
