"""The loop that tells workers of all namespaces which there are."""

from __future__ import annotations

from jobs.services import namespaces


class DirectoryLoop:
    """Writes the names into the store again and again, so that a store that lost them has them soon."""

    def round(self) -> bool:
        """Write them once."""
        namespaces.tell_workers()
        return False
