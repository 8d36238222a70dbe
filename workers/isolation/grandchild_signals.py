"""What a handler forks must end by signals as any process does: `multiprocessing` ends its own by SIGTERM."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


class GrandchildSignals:
    """Hooks around a fork in a child. A signal that comes meanwhile waits: Python would forget it in the copy."""

    def __init__(self, of_child: Callable[[int, FrameType | None], Any]) -> None:
        """`of_child` handles the child's own SIGTERM."""
        self._of_child = of_child
        # A handler may fork in any of its threads, each of which has a mask of its own.
        self._before = threading.local()

    def hold(self) -> None:
        """Let signals wait."""
        self._before.mask = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))

    def release(self) -> None:
        """Let them come, in the process that forked."""
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before.mask)

    def reset(self) -> None:
        """Have them do what they do by default, in the new process, unless the handler wants something else."""
        if signal.getsignal(signal.SIGTERM) == self._of_child:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if signal.getsignal(signal.SIGINT) is not_for_children:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self.release()


def not_for_children(number: int, frame: FrameType | None) -> None:
    """Pass: Ctrl-C is for the worker. Unlike SIG_IGN this is not inherited by the programs that a handler starts."""
