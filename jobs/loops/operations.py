"""The loop that carries long acts on: bulk operations, purges and the deletion of namespaces."""

from __future__ import annotations

import time
from collections.abc import Callable

from jobs.services import namespace_deletion, operation_turns
from jobs.services.operation_turns import Turns

_TIDY_EVERY_S = 3_600.0


class OperationsLoop:
    """Works on operations of all namespaces, a step a round; removes the rows of old ones now and then."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._tidy_at = monotonic() + _TIDY_EVERY_S
        self._turns: Turns = {}

    def round(self) -> bool:
        """Do one step if there is one; True when there was."""
        if self._monotonic() >= self._tidy_at:
            self._tidy_at = self._monotonic() + _TIDY_EVERY_S
            operation_turns.forget_old()
            namespace_deletion.give_names_back()
        has_more = operation_turns.work_on_next(self._turns)
        return namespace_deletion.work_on_next() or has_more
