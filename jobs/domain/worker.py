"""What a worker does unless it is told otherwise, the same whoever starts it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

DEFAULT_CONCURRENCY: Final = 50
DEFAULT_GRACE_S: Final = 25


class WorkerOrder(StrEnum):
    """What a worker is to do: work, finish what runs and take nothing new, or stop as after SIGTERM."""

    RUN = "run"
    QUIET = "quiet"
    TERMINATE = "terminate"
