"""Says whether the store may be given new jobs: not before it is known to be the one that this process is set up for,
and not when its memory is nearly full.

Jobs need memory to end as well: a result, an error, their place among the finished. The scripts that end jobs may pass
the store's limit, but nothing else of the server's could.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

from jobs import wiring
from jobs.domain.errors import BackendUnavailable
from jobs.services.looks import require_seen, until_seen

# Of the store's `maxmemory`; a store without one is never full.
FULL_AT = 0.85
READ_EVERY_S = 1.0
RETRY_AFTER_S = 5

# Of each primary: bytes used, and the limit (0: none).
Memory = Sequence[tuple[int, int]]


class Admission:
    """Says whether new jobs may come, by a reading that is seldom older than a second. Nobody waits for a reading."""

    def __init__(
        self,
        read: Callable[[], Memory],
        judge: Callable[[], str] = lambda: "",
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`judge` returns what is wrong with the layout of the stored jobs, empty for nothing. Both may raise."""
        self._read = read
        self._judge = judge
        # None: nobody has looked yet. Jobs put into other shards than those they are looked for in would be lost.
        self._fault: str | None = None
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="ironforge-admission")
        self._next_at = 0.0
        self._fullest = 0.0
        self._reading: Future[None] | None = None

    def require_room(self) -> None:
        """Pass if new jobs may come. Raises BackendUnavailable `queue_full`."""
        if self._monotonic() >= self._next_at:
            self._begin_reading()
        if self._fault != "":
            self._require_known_layout()
        if self._fullest >= FULL_AT:
            raise self.refusal("new jobs", FULL_AT)

    async def wait_for(self) -> None:
        """Return when somebody has looked, without holding an event loop up. Raises BackendUnavailable."""
        if self._fault is None:
            if self._monotonic() >= self._next_at:
                self._begin_reading()
            await until_seen(self._reading)

    def is_filled(self, share: float) -> bool:
        """Tell whether so much of the store's memory was in use when somebody last looked."""
        if self._monotonic() >= self._next_at:
            self._begin_reading()
        return self._fullest >= share

    def refusal(self, what: str, share: float) -> BackendUnavailable:
        """Return the error `queue_full`; `what` is taken with less in use than `share`."""
        detail = f"The store's memory is {self._fullest:.0%} full; {what} are taken below {share:.0%}."
        return BackendUnavailable(detail, code="queue_full", retry_after_s=RETRY_AFTER_S)

    def _require_known_layout(self) -> None:
        """Pass if the layout was found right; wait for the first look. Raises BackendUnavailable."""
        if self._fault is None and self._reading is not None:
            require_seen(self._reading)
        if self._fault is None:
            raise BackendUnavailable("The store does not answer.")
        if self._fault:
            raise BackendUnavailable(self._fault, retry_after_s=RETRY_AFTER_S)

    def _begin_reading(self) -> None:
        with self._lock:
            if self._monotonic() < self._next_at:
                return
            self._next_at = self._monotonic() + READ_EVERY_S
        self._reading = self._threads.submit(self.look)

    def settle(self) -> None:
        """Wait for the reading that is under way."""
        if self._reading is not None:
            self._reading.result()

    def look(self) -> None:
        """Read now. While the store is away the last reading holds: it refuses by itself what it cannot take."""
        try:
            if self._fault != "":
                self._fault = self._judge()
            memory = self._read()
        except BackendUnavailable:
            return
        self._fullest = max((used / limit for used, limit in memory if limit), default=0.0)


def _layout_fault() -> str:
    finding = wiring.check_layout()
    return finding.message if finding.level == "refuse" else ""


@cache
def admission() -> Admission:
    """Return the one of this process."""
    return Admission(wiring.store_memory, _layout_fault)
