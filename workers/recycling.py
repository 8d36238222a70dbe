"""When a process has worked enough and is replaced by a fresh one."""

from __future__ import annotations

import msgspec


class Recycling(msgspec.Struct, frozen=True):
    """Bounds of one process; 0 is no bound. Memory is the resident size, pages shared with others included."""

    max_jobs: int = 0
    max_age_s: float = 0
    max_memory_bytes: int = 0

    def __bool__(self) -> bool:
        return bool(self.max_jobs or self.max_age_s or self.max_memory_bytes)

    def reason(self, jobs: int, age_s: float, resident_bytes: int) -> str | None:
        """Return which bound is reached, None for none."""
        if self.max_jobs and jobs >= self.max_jobs:
            return "jobs"
        if self.max_age_s and age_s >= self.max_age_s:
            return "age"
        if self.max_memory_bytes and resident_bytes >= self.max_memory_bytes:
            return "memory"
        return None


NEVER = Recycling()
