"""Questions about several things at once, of which one that is damaged spoils no other's answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from jobs import wiring
from jobs.backends.call import Call
from jobs.domain.errors import BackendUnavailable

T = TypeVar("T")


def answers_apart(calls: Sequence[Call[T]]) -> list[T | Exception]:
    """Carry out calls together; where one of them fails by itself, each alone. Raises BackendUnavailable."""
    if not calls:
        return []
    try:
        return list(wiring.runner().run_many(calls))
    except BackendUnavailable:
        raise
    except Exception:  # noqa: BLE001 - what is damaged in the store is told of the one that it is of
        return [_answer(call) for call in calls]


def _answer(call: Call[T]) -> T | Exception:
    try:
        return wiring.runner().run(call)
    except BackendUnavailable:
        raise
    except Exception as failure:  # noqa: BLE001 - as above
        return failure
