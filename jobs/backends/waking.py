"""Who waits for work at a store instead of asking again and again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from jobs.backends.call import Call

T = TypeVar("T")


class Wake(Protocol):
    """Waits for a hint that a queue has work, which is never the truth: the caller polls as well."""

    async def wait(self, queues: Sequence[str], timeout_s: float, call: Call[T]) -> tuple[bool, T]:
        """Wait up to `timeout_s`, then carry out the call at once, in the store; True when woken, and the answer.

        Raises BackendUnavailable; then the call may have been carried out, or may yet be.
        """

    async def hear(self, queues: Sequence[str], timeout_s: float) -> str | None:
        """Take a hint and return the queue that it is for; None after `timeout_s`. Raises BackendUnavailable."""

    def close(self) -> None:
        """Give the connection back."""
