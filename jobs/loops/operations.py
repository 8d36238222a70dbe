"""The loop that carries long acts on: bulk operations, purges and the deletion of namespaces."""

from __future__ import annotations

import time
from collections.abc import Callable

from jobs.loops.hourly import Hourly
from jobs.services import namespace_deletion, operation_turns
from jobs.services.turns import Turns


class OperationsLoop:
    """Works on operations of all namespaces, a step a round; removes the rows of old ones now and then."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._hourly = Hourly(monotonic)
        self._is_tidy = True
        self._turns: Turns = {}

    def round(self) -> bool:
        """Do one step if there is one; True when there was."""
        if self._hourly.is_due():
            self._is_tidy = False
            namespace_deletion.give_names_back()
        if not self._is_tidy:
            self._is_tidy = operation_turns.forget_old() < operation_turns.MAX_FORGOTTEN
        has_more = operation_turns.work_on_next(self._turns)
        return namespace_deletion.work_on_next() or has_more or not self._is_tidy
