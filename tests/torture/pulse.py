"""The harness's own pulse: when it missed beats, the machine stood still, and nobody else is to blame for the time."""

from __future__ import annotations

import threading
import time

from tests.torture.ledger import now_ms

BEAT_S = 0.05
STALL_MS = 250.0
Span = tuple[float, float]  # from, until (Unix ms)


class Pulse:
    """Beats in a thread of its own."""

    def __init__(self) -> None:
        self.stalls: list[Span] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Beat no more."""
        self._is_over.set()
        self._thread.join()

    def stalled_ms(self) -> float:
        """Return for how long it stood still in all (ms)."""
        return sum(until_ms - from_ms for from_ms, until_ms in self.stalls)

    def _beat(self) -> None:
        last = time.monotonic()
        while not self._is_over.wait(BEAT_S):
            now = time.monotonic()
            if (missed_ms := (now - last - BEAT_S) * 1000) > STALL_MS:
                self.stalls.append((now_ms() - missed_ms, now_ms()))
            last = now


def length_ms(spans: list[Span], start_ms: float, end_ms: float) -> float:
    """Return how much of the time from `start_ms` to `end_ms` at least one of the spans covers (ms)."""
    covered, reached = 0.0, start_ms
    for span in sorted(spans):
        begin, end = max(span[0], reached), min(span[1], end_ms)
        if end > begin:
            covered, reached = covered + end - begin, end
    return covered
