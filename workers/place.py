"""Where a worker process stands: alone, or one of several behind a parent."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass


def _nobody_hears(_: bool) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a worker process has of its parent, nothing where it stands alone.

    `lifeline` is a file descriptor that closes when the parent is gone; by `mark` it can tell the worker's id.
    `leave(is_replaced)` is called before the process ends by itself, with whether another is to take its place.
    `note_order(is_quiet)` is called when an order through the store has it take nothing new, or work again.
    `is_quiet`: it takes no job at first, by a signal; `has_quiet_order`: the process before was quiet by an order.
    """

    lifeline: int | None = None
    mark: str = ""
    leave: Callable[[bool], None] = _nobody_hears
    note_order: Callable[[bool], None] = _nobody_hears
    is_quiet: bool = False
    has_quiet_order: bool = False

    @property
    def signal_pid(self) -> int:
        """Return the process that takes signals for this one: its parent, where it has one."""
        return os.getpid() if self.lifeline is None else os.getppid()


ALONE = Place()
