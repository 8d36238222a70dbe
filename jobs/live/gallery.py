"""Those who look at the same page share it: it is rendered once when something changed, and pushed to all of them."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async

from jobs.live.picture import picture_of
from jobs.live.place import Place
from jobs.telemetry.feed import Batch
from jobs.telemetry.logs import get_logger, log_event

# A page is rendered once a second at most, and rendering as a whole takes a seventh of a core at most: with many pages
# or slow ones each has its turn later.
GAP_S = 1.0
REST = 6.0
_LONGEST_REST_S = 2.0
MOST_SESSIONS = 3
# The browser had better ask for the page itself · it is as it was.
OWN, SAME = '{"type":"own"}', '{"type":"same"}'

_log = get_logger("server")


class Viewer(Protocol):
    """One browser that looks."""

    @property
    def session_key(self) -> str:
        """Return the key of the session that the browser belongs to."""

    def push(self, message: str | bytes) -> None:
        """Send a page, or OWN or SAME. Never waits."""


class Look:
    """One page and who looks at it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.viewers: list[Viewer] = []
        self.is_wanted = True
        self.rendered_at = 0.0
        self.shown: str | bytes | None = None

    @property
    def due_at(self) -> float:
        """Return when it is to be rendered again (s of the loop's clock)."""
        every_s = self.place.wish.every or math.inf
        return self.rendered_at + (GAP_S if self.is_wanted else max(GAP_S, every_s))

    def concerns(self, batch: Batch) -> bool:
        """Tell whether something in a batch is to be seen here."""
        live, of = self.place.wish.live, self.place.wish.of
        if batch.is_gap or live == "all":
            return True
        if live == "clock":
            return False
        if live == "queue":
            return any(event.queue in (of, "*") for event in batch.events)
        return any(change.job_id == of for event in batch.events for change in event.changes)


class Gallery:
    """All looks of one event loop."""

    def __init__(self, render: Callable[[Place, str], bytes | None]) -> None:
        self._render = database_sync_to_async(_timed(render), thread_sensitive=False)
        self._looks: dict[Place, Look] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def enter(self, place: Place, viewer: Viewer) -> Look:
        """Begin to look; the page comes by itself, at once if it was rendered just now."""
        look = self._looks.setdefault(place, Look(place))
        look.viewers.append(viewer)
        if isinstance(look.shown, bytes) and not look.is_wanted and _now() < look.rendered_at + GAP_S:
            viewer.push(look.shown)
        else:
            # Whoever is new has not seen what the others have.
            look.shown = None
            self._want(look)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="live-gallery")
        return look

    def leave(self, look: Look, viewer: Viewer) -> None:
        """Look away; with the last one the page is forgotten."""
        with suppress(ValueError):
            look.viewers.remove(viewer)
        if not look.viewers and self._looks.get(look.place) is look:
            del self._looks[look.place]
            self._wake.set()

    def note(self, namespace: str, batch: Batch) -> None:
        """Want anew what a batch of events concerns."""
        for look in self._looks.values():
            if not look.is_wanted and look.place.namespace == namespace and look.concerns(batch):
                self._want(look)

    def _want(self, look: Look) -> None:
        look.is_wanted = True
        self._wake.set()

    async def _run(self) -> None:
        """Render what is due, the longest due first, until nobody looks."""
        while self._looks:
            self._wake.clear()
            look = min(self._looks.values(), key=lambda each: each.due_at)
            pause_s = look.due_at - _now()
            if pause_s > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), None if pause_s == math.inf else pause_s)
                continue
            spent_s = await self._show(look)
            await asyncio.sleep(min(spent_s * REST, _LONGEST_REST_S))

    async def _show(self, look: Look) -> float:
        """Render a look and push it; return the processor time that took (s)."""
        look.is_wanted, spent_s = False, 0.0
        message: str | bytes = OWN
        # The next one's session may still see what the first one's does not any more.
        sessions = list(dict.fromkeys(viewer.session_key for viewer in look.viewers))[:MOST_SESSIONS]
        try:
            for session_key in sessions:
                found, used_s = await self._render(look.place, session_key)
                spent_s += used_s
                if found:
                    message = found
                    break
        except Exception as failure:  # noqa: BLE001 (one page that cannot be shown must not end the others)
            log_event(_log, "live.failed", exception=failure, namespace=look.place.namespace)
        look.rendered_at = _now()
        is_same = message == look.shown != OWN
        look.shown = message
        for viewer in tuple(look.viewers):
            viewer.push(SAME if is_same else message)
        return spent_s


def _now() -> float:
    return asyncio.get_running_loop().time()


def _timed(render: Callable[[Place, str], bytes | None]) -> Callable[[Place, str], tuple[bytes | None, float]]:
    """Have the processor time of a rendering beside what came of it; waiting for the store does not count."""

    def timed(place: Place, session_key: str) -> tuple[bytes | None, float]:
        began = time.thread_time()
        return render(place, session_key), time.thread_time() - began

    return timed


_galleries: WeakKeyDictionary[asyncio.AbstractEventLoop, Gallery] = WeakKeyDictionary()


def gallery() -> Gallery:
    """Return the gallery of the running loop."""
    return _galleries.setdefault(asyncio.get_running_loop(), Gallery(picture_of))
