"""What a worker does about requests that failed: which may succeed later, and after how long."""

from __future__ import annotations

from ironforge_client.errors import ProblemError
from ironforge_client.exchange import Retrying

# A proxy may ask for an hour; what a worker holds does not keep so long.
LONGEST_RETRY_AFTER_S = 5.0


def may_pass(error: ProblemError) -> bool:
    """Tell whether the same request may be accepted later; a key can be put right while a worker runs."""
    return error.is_retryable or error.status in (401, 403)


def pause_s(retrying: Retrying, troubles: int, error: BaseException) -> float:
    """Return how long to wait after so many failures (from 0) before the request is sent again."""
    asked_s: float | None = getattr(error, "retry_after_s", None)
    return retrying.pause_s(troubles, None if asked_s is None else min(asked_s, LONGEST_RETRY_AFTER_S))
