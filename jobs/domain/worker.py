"""What a worker does unless it is told otherwise, the same whoever starts it."""

from __future__ import annotations

from typing import Final

DEFAULT_CONCURRENCY: Final = 50
DEFAULT_GRACE_S: Final = 25
