"""Who waits for work at a store instead of asking again and again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from jobs.backends.call import Call

T = TypeVar("T")


class Hints(Protocol):
    """Hears hints for queues of many namespaces over one connection. They are never the truth either."""

    async def hear(self, places: Sequence[tuple[str, int, str]], timeout_s: float) -> tuple[str, int, str] | None:
        """Take a hint for one of these (namespace, shard, queue), the first that has one; None after `timeout_s`.

        Raises BackendUnavailable; then a hint may be lost.
        """

    def close(self) -> None:
        """Give the connection back; who waits learns it."""


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
