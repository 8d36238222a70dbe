"""Tails the event stream once for each namespace that somebody looks at, and sends frames to those who hear them.

Who has a page pushed hears none, so mostly nobody does, and then no frame is built.
"""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer

from jobs.domain.errors import BackendUnavailable
from jobs.live.frame import Frame, frame_of
from jobs.live.gallery import gallery
from jobs.telemetry.feed import Batch, FeedFollower
from jobs.telemetry.logs import get_logger, log_event

# Four frames a second at most, to any number of browsers.
INTERVAL_S = 0.25
_AFTER_FAILURE_S = 1.0

_log = get_logger("server")


def group_of(namespace: str) -> str:
    """Return the name of the group of a namespace; hashed, since group names allow fewer letters than tenants might."""
    return "live." + hashlib.sha256(namespace.encode()).hexdigest()[:40]


class _Tail:
    """One namespace's task, the channels of those who listen, and of those among them who hear frames.

    The channel layer and this set are of one process, so the set knows all whom the group reaches.
    """

    def __init__(self, namespace: str) -> None:
        self.listeners: set[str] = set()
        self.hearers: set[str] = set()
        self.number = 0
        # Nobody knows what happened before the follower had its place: those who hear look once more when it has.
        self.is_behind = True
        self._namespace = namespace
        self._is_over = False
        self._task = asyncio.create_task(self._run(), name=f"live-tail-{namespace}")

    async def stop(self) -> None:
        """End the task. The client swallows a cancellation while it connects, so the loop looks for itself too."""
        self._is_over = True
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        follower = FeedFollower(self._namespace)
        is_up = True
        while not self._is_over:
            try:
                batch = await follower.next_batch()
            except BackendUnavailable:
                if is_up:
                    await self._send(Batch((), is_gap=True))
                is_up, self.is_behind = False, True
                await asyncio.sleep(_AFTER_FAILURE_S)
                continue
            except Exception as failure:  # noqa: BLE001 (the loop must outlive one bad event)
                log_event(_log, "live.failed", exception=failure, namespace=self._namespace)
                follower, self.is_behind = FeedFollower(self._namespace), True
                await asyncio.sleep(_AFTER_FAILURE_S)
                continue
            is_up = True
            if batch.is_gap:
                self.is_behind = True
            elif batch.events or self.is_behind:
                await self._send(Batch(batch.events, is_gap=self.is_behind))
                self.is_behind = False
            await asyncio.sleep(INTERVAL_S)

    async def _send(self, batch: Batch) -> None:
        # Counted whether or not somebody hears: who heard none for a while sees by the number that some are missing.
        self.number += 1
        layer = get_channel_layer()
        if self.hearers and layer is not None:
            frame = frame_of(self.number, batch.events, is_gap=batch.is_gap)
            await layer.group_send(group_of(self._namespace), _message_of(frame))
        gallery().note(self._namespace, batch)


_tails: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _Tail]] = WeakKeyDictionary()


def listen(namespace: str, channel: str) -> None:
    """Let a channel listen, without frames yet; the first one starts the tail."""
    tails = _tails.setdefault(asyncio.get_running_loop(), {})
    if namespace not in tails:
        tails[namespace] = _Tail(namespace)
    tails[namespace].listeners.add(channel)


async def hear(namespace: str, channel: str) -> None:
    """Send frames to a channel that listens, from now on, and at first that it has to look for itself.

    Asked again, it only renews the place in the group, which a channel layer takes away after a day.
    """
    tail, layer = _tail_of(namespace), get_channel_layer()
    if tail is None or layer is None or channel not in tail.listeners:
        return
    await layer.group_add(group_of(namespace), channel)
    if channel not in tail.hearers:
        tail.hearers.add(channel)
        if not tail.is_behind:
            await layer.send(channel, _message_of(frame_of(tail.number, (), is_gap=True)))


async def hear_no_more(namespace: str, channel: str) -> None:
    """Send no frames to a channel any more, whether or not it heard some."""
    tail, layer = _tail_of(namespace), get_channel_layer()
    if tail is not None:
        tail.hearers.discard(channel)
    if layer is not None:
        await layer.group_discard(group_of(namespace), channel)


async def leave(namespace: str, channel: str) -> None:
    """Let a channel go, if it is still there; with the last one the tail ends."""
    await hear_no_more(namespace, channel)
    tail = _tail_of(namespace)
    if tail is None:
        return
    tail.listeners.discard(channel)
    if not tail.listeners:
        del _tails[asyncio.get_running_loop()][namespace]
        await tail.stop()


def heard() -> dict[str, int]:
    """Return how many listen to each namespace that is tailed on the running loop and hear frames."""
    return {name: len(tail.hearers) for name, tail in _tails.get(asyncio.get_running_loop(), {}).items()}


def _tail_of(namespace: str) -> _Tail | None:
    return _tails.get(asyncio.get_running_loop(), {}).get(namespace)


def _message_of(frame: Frame) -> dict[str, str]:
    return {"type": "live.frame", "text": frame.encode()}
