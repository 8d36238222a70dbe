"""Heads of requests that may come again, and who serves them then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

# Takes a body and the connection; False: nothing was done, serve the request in the usual way.
Serve = Callable[[bytes, Any], bool]

END_OF_HEAD: Final = b"\r\n\r\n"
_CAPACITY: Final = 1024
_LONGEST_HEAD: Final = 2048


class KnownHeads:
    """Remembers up to 1 024 heads, each at most 2 KiB, as they came; the oldest gives way.

    A head is what the parser made of these very bytes at the start of a message, so the same bytes at the start of
    another mean the same.
    """

    def __init__(self) -> None:
        self._heads: dict[bytes, tuple[int, Serve]] = {}

    def remember(self, piece: bytes, length: int, serve: Serve) -> None:
        """Remember the head of a request that came in one piece with a body of `length` bytes and nothing else."""
        head, end, body = piece.partition(END_OF_HEAD)
        if not end or len(body) != length or len(head) > _LONGEST_HEAD:
            return
        if head not in self._heads and len(self._heads) >= _CAPACITY:
            del self._heads[next(iter(self._heads))]
        self._heads[head] = (len(head) + len(END_OF_HEAD) + length, serve)

    def find(self, piece: bytes) -> tuple[Serve, bytes] | None:
        """Return who serves a request that came in one piece, and its body; None where the head is not known."""
        at = piece.find(END_OF_HEAD)
        known = self._heads.get(piece[:at]) if at > 0 else None
        if known is None or known[0] != len(piece):
            return None
        return known[1], piece[at + len(END_OF_HEAD) :]
