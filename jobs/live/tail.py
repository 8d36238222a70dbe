"""Tails the event stream once for each namespace that somebody looks at, and sends frames to all who look."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer

from jobs.domain.errors import BackendUnavailable
from jobs.live.frame import frame_of
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
    """One namespace's task and how many listen."""

    def __init__(self, namespace: str) -> None:
        self.listeners = 0
        self._namespace = namespace
        self._number = 0
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
        # Nobody knows what happened before the follower had its place: those who listen look once more when it has.
        is_behind = True
        while not self._is_over:
            try:
                batch = await follower.next_batch()
            except BackendUnavailable:
                if is_up:
                    await self._send(Batch((), is_gap=True))
                is_up, is_behind = False, True
                await asyncio.sleep(_AFTER_FAILURE_S)
                continue
            except Exception as failure:  # noqa: BLE001 (the loop must outlive one bad event)
                log_event(_log, "live.failed", exception=failure, namespace=self._namespace)
                follower, is_behind = FeedFollower(self._namespace), True
                await asyncio.sleep(_AFTER_FAILURE_S)
                continue
            is_up = True
            if batch.is_gap:
                is_behind = True
            elif batch.events or is_behind:
                await self._send(Batch(batch.events, is_gap=is_behind))
                is_behind = False
            await asyncio.sleep(INTERVAL_S)

    async def _send(self, batch: Batch) -> None:
        self._number += 1
        frame = frame_of(self._number, batch.events, is_gap=batch.is_gap)
        layer = get_channel_layer()
        if layer is not None:
            await layer.group_send(group_of(self._namespace), {"type": "live.frame", "text": frame.encode()})


_tails: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _Tail]] = WeakKeyDictionary()


def listen(namespace: str) -> None:
    """Count one listener more; the first starts the tail."""
    tails = _tails.setdefault(asyncio.get_running_loop(), {})
    if namespace not in tails:
        tails[namespace] = _Tail(namespace)
    tails[namespace].listeners += 1


async def leave(namespace: str) -> None:
    """Count one listener less; with the last the tail ends."""
    tails = _tails.get(asyncio.get_running_loop(), {})
    tail = tails.get(namespace)
    if tail is None:
        return
    tail.listeners -= 1
    if tail.listeners <= 0:
        del tails[namespace]
        await tail.stop()


def tailed() -> frozenset[str]:
    """Return the namespaces that are tailed on the running loop."""
    return frozenset(_tails.get(asyncio.get_running_loop(), {}))
