"""Keeps the processes running, and stops them in order: workers drain first, then the servers."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Final

from jobs.processes.child import Child, ChildSpec
from jobs.processes.output import Output
from jobs.processes.stop_signals import StopSignals
from jobs.telemetry.logs import get_logger, log_event

# A process that dies this often before everything was ready once will not get well by itself.
DEATHS_BEFORE_READY: Final = 3
_POLL_S: Final = 0.5
_READY_POLL_S: Final = 0.05
_HURRY_S: Final = 3.0
_SLOW_S: Final = 2.0
_ASK_AGAIN_S: Final = 0.6

_log = get_logger("supervisor")

Say = Callable[[str], None]


class StartFailed(Exception):
    """A process dies again and again before it ever worked, or says that it never will; `name` is that process."""

    def __init__(self, name: str, reason: str = "") -> None:
        often = f"it ended {DEATHS_BEFORE_READY} times. Its last lines are above."
        super().__init__(f"The {name} cannot start: {reason or often}")


class Supervisor:
    """The processes of one installation. `stages` are stopped in their order, all of one stage together."""

    def __init__(
        self,
        stages: Sequence[Sequence[ChildSpec]],
        *,
        output: Output,
        signals: StopSignals,
        say: Say,
        grace_s: float,
    ) -> None:
        self._signals = signals
        self._say = say
        self._grace_s = grace_s
        self._told_requests = 1  # the first is told as the stop itself
        self._stages = [[Child(spec, output, on_ready=signals.wake) for spec in stage] for stage in stages]

    @property
    def children(self) -> list[Child]:
        """Return all processes, in the order in which they stop."""
        return [child for stage in self._stages for child in stage]

    def run(self, on_ready: Callable[[], None]) -> None:
        """Run until asked to stop; `on_ready` is called once, when everything works. Raises StartFailed."""
        started_at = time.monotonic()
        try:
            # The last to stop is the first to start: workers find a server and a store.
            for child in reversed(self.children):
                child.start()
            self._wait_until_ready(started_at)
            if not self._signals.is_requested:
                log_event(_log, "supervisor.ready", duration_ms=_since_ms(started_at))
                on_ready()
            while not self._signals.is_requested:
                self._signals.wait(self._next_due_s())
                self._tend()
        finally:
            self._stop()

    def _wait_until_ready(self, started_at: float) -> None:
        said_at = started_at
        while not self._signals.is_requested:
            waiting = [child for child in self.children if not child.is_ready()]
            if not waiting:
                return
            for child in waiting:
                if child.is_hopeless:
                    raise StartFailed(child.name, child.last_words)
                if child.deaths >= DEATHS_BEFORE_READY:
                    raise StartFailed(child.name)
            now = time.monotonic()
            if now - said_at >= _SLOW_S:
                said_at = now
                names = " and ".join(child.name for child in waiting)
                self._say(f"waiting for {names} ({now - started_at:.0f} s)")
            self._signals.wait(_READY_POLL_S)
            self._tend()

    def _tend(self) -> None:
        now = time.monotonic()
        for child in self.children:
            child.tend(now)

    def _next_due_s(self) -> float:
        due = [child.restart_at for child in self.children if child.restart_at is not None]
        return min([_POLL_S, *(moment - time.monotonic() for moment in due)])

    def _stop(self) -> None:
        log_event(_log, "supervisor.stopping")
        for stage in self._stages:
            self._stop_stage(stage)

    def _stop_stage(self, stage: Sequence[Child]) -> None:
        """Ask, wait for the grace period, then kill. A second request to stop hurries, a third kills at once."""
        for child in stage:
            child.ask_to_stop()
        seen = min(self._signals.count, 1)
        deadline = time.monotonic() + self._grace_s
        ask_again_at = math.inf
        say_at = time.monotonic() + _SLOW_S
        while alive := self._still_alive(stage):
            now = time.monotonic()
            if self._signals.count > seen:
                seen = self._signals.count
                deadline = now if seen > 2 else min(deadline, now + _HURRY_S)
                ask_again_at = now
                self._tell_hurry(seen)
            if now >= ask_again_at:
                # More than once: a process may take two signals that come close together for one.
                ask_again_at = now + _ASK_AGAIN_S
                for child in alive:
                    child.ask_to_stop()
            if now >= deadline:
                for child in alive:
                    child.kill()
            elif now >= say_at:
                say_at = deadline
                names = " and ".join(child.name for child in alive)
                self._say(f"{names} may finish running jobs, {deadline - now:.0f} s at most; Ctrl-C again to stop now")
            self._signals.wait(min(_POLL_S, max(deadline - now, _READY_POLL_S)))

    def _tell_hurry(self, requests: int) -> None:
        """Say it once for each further request, not again in each stage that it hurries."""
        if requests > self._told_requests:
            self._told_requests = requests
            log_event(_log, "supervisor.hurried", level=logging.WARNING)

    def _still_alive(self, stage: Sequence[Child]) -> list[Child]:
        """Notice every death, of this stage and of others that die meanwhile, and return who of the stage lives."""
        self._tend()
        return [child for child in stage if child.pid is not None]


def _since_ms(moment: float) -> int:
    return round((time.monotonic() - moment) * 1000)
