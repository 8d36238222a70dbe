"""What a worker needs of its children; what runs them is loaded only where handlers have isolation `process`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from jobs.domain.lease import Lease
from jobs.domain.outcome import Settlement
from workers.context import Reports, StopMark
from workers.ending import Ending
from workers.execution import Execution
from workers.registry import Handler


class ChildPool(Protocol):
    """Runs attempts in child processes."""

    def open(self) -> None:
        """Begin to hear of children."""

    def start(
        self,
        lease: Lease,
        handler: Handler,
        mark: StopMark,
        on_settled: Callable[[Execution, Ending, Settlement | None], None],
        on_free: Callable[[Execution], None],
    ) -> Execution:
        """Return an attempt that runs in a child, or waits for one."""

    def close(self) -> None:
        """End all children."""


# Gets the logger, where to bring what attempts say, and what to call when no child can be started any more.
MakeChildren = Callable[[logging.Logger, Reports, Callable[[], None]], ChildPool]
