"""What a store is asked about groups of failures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from jobs.backends.call import Call
from jobs.domain.error_group import Blame, ErrorGroup


class ErrorGroups(Protocol):
    """The failures of one namespace, by group."""

    def blame(self, blames: Sequence[Blame]) -> Call[int]:
        """Note attempts that failed; returns how many old groups made room. A repeat counts them again."""

    def newest(self, limit: int, after: tuple[int, str] | None = None) -> Call[list[ErrorGroup]]:
        """Return the groups that were seen last, from behind one (when it was last seen in Unix ms, its id) on."""

    def named(self, ids: Sequence[str]) -> Call[list[ErrorGroup]]:
        """Return those of the named groups that are known, in order; at least one is named."""
