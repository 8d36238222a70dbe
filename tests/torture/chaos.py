"""Carries the faults of a plan out, puts right after a while what does not end by itself, and writes all of it down."""

from __future__ import annotations

import heapq
import itertools
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import redis

from tests.torture import power, trouble
from tests.torture.actor import Actor
from tests.torture.cast import Cast
from tests.torture.duties import clock
from tests.torture.ledger import Ledger
from tests.torture.outside import RECEIVER
from tests.torture.schedule import Fault, Schedule

ROOM_BYTES = 256 * 1024
Undo = Callable[[], None]


class Chaos:
    """Breaks things. A fault whose target is down already is written down as skipped."""

    def __init__(self, cast: Cast, path: Path, say: Callable[[str], None]) -> None:
        self._cast = cast
        self._ledger = Ledger(path)
        self._say = say
        self._pause = threading.Event()
        self._power = power.Power(cast.store_dir) if cast.stage.durability == "everysec" else None

    def follow(self, schedule: Schedule, began: float) -> None:
        """Do everything of the plan at its time after `began` (monotonic s), then wait for its end and heal."""
        order = itertools.count()
        agenda: list[tuple[float, int, Fault, Undo | None]] = [
            (fault.at_ms, next(order), fault, None) for fault in schedule.faults
        ]
        heapq.heapify(agenda)
        while agenda:
            at_ms, _, fault, undo = heapq.heappop(agenda)
            if at_ms > schedule.seconds * 1000:
                break
            self._wait_until(began + at_ms / 1000)
            if undo is not None:
                undo()
                self._ledger.write("healed", kind=fault.kind, target=fault.target)
            elif (made := self._break(fault)) is not None:
                heapq.heappush(agenda, (at_ms + fault.for_ms, next(order), fault, made))
        self._wait_until(began + schedule.seconds)
        self.heal()

    def heal(self) -> None:
        """Let everybody go on."""
        for actor in self._cast.actors.values():
            actor.send_all(signal.SIGCONT)
        self._cast.proxies.heal()
        for worker in (*self._cast.workers, *self._cast.remotes):
            clock.set_offset(self._cast.clock_of(worker), 0.0)
        self._ask_store(lambda store: store.config_set("maxmemory", 0))
        if self._power is not None:
            self._power.close()
        self._ledger.write("healed", kind="all", target="*")

    def _wait_until(self, moment: float) -> None:
        while (left_s := moment - time.monotonic()) > 0:
            self._pause.wait(left_s)

    def _break(self, fault: Fault) -> Undo | None:
        """Do it; return what puts it right, None when it needs nothing."""
        actor = self._cast.actors.get(fault.target)
        is_done, pid, undo = True, None, None
        if fault.kind.startswith("link_"):
            undo = self._break_link(fault)
        elif fault.kind == "clock_jump":
            path = self._cast.clock_of(fault.target)
            clock.set_offset(path, fault.amount)
            undo = lambda: clock.set_offset(path, 0.0)  # noqa: E731
        elif actor is not None and not actor.is_up:
            is_done = False
        elif fault.kind.startswith("child_") and actor is not None:
            pid, undo = self._break_child(fault, actor)
            is_done = pid is not None
        elif actor is not None and fault.kind.endswith(("_kill", "_term", "_stop")) and fault.kind != "client_kill":
            pid, undo = actor.pid, self._signal(fault, actor)
        else:
            is_done, undo = self._break_store(fault)
        event = "broken" if is_done else "skipped"
        facts = {"kind": fault.kind, "target": fault.target, "for_ms": fault.for_ms, "amount": fault.amount}
        self._ledger.write(event, **facts, victim=pid)
        self._say(f"{event} {fault.kind} {fault.target} {fault.for_ms or ''}")
        return undo if fault.for_ms and is_done else None

    def _signal(self, fault: Fault, actor: Actor) -> Undo | None:
        if fault.kind.endswith("_stop"):
            actor.send(signal.SIGSTOP)
            return lambda: actor.send_all(signal.SIGCONT)
        number = signal.SIGKILL if fault.kind.endswith("_kill") else signal.SIGTERM
        actor.end(number, away_s=fault.for_ms / 1000 if actor.name in {"store", RECEIVER} else 0.0)
        if self._power is not None and fault.kind == "store_kill":
            actor.lives[-1].running.process.wait()
            self._power.fail()
        return None

    def _break_child(self, fault: Fault, actor: Actor) -> tuple[int | None, Undo | None]:
        children = actor.children()
        if not children:
            return None, None
        pid = children[fault.at_ms % len(children)]
        _send(pid, signal.SIGKILL if fault.kind == "child_kill" else signal.SIGSTOP)
        return pid, lambda: actor.send_all(signal.SIGCONT)

    def _break_link(self, fault: Fault) -> Undo | None:
        proxy = self._cast.proxies.by_name[fault.target]
        if fault.kind == "link_cut":
            proxy.cut()
        elif fault.kind == "link_half":
            proxy.halve(int(fault.amount))
        elif fault.kind == "link_swallow":
            proxy.swallow_reply()
        elif fault.kind == "link_delay":
            proxy.delay_s = fault.amount / 1000
            return proxy.heal
        else:
            proxy.hold(int(fault.amount or trouble.BOTH))
            return lambda: proxy.heal(cut=fault.at_ms % 2 == 1)
        return None

    def _break_store(self, fault: Fault) -> tuple[bool, Undo | None]:
        def act(store: redis.Redis) -> object:
            if fault.kind == "script_flush":
                return store.script_flush()
            if fault.kind == "client_kill":
                return store.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            if fault.kind == "aof_rewrite":
                return store.bgrewriteaof()
            used = int(store.info("memory")["used_memory"])
            return store.config_set("maxmemory", used + ROOM_BYTES)

        undo = (lambda: self._ask_store(lambda store: store.config_set("maxmemory", 0))) if fault.for_ms else None
        return self._ask_store(act), undo

    def _ask_store(self, act: Callable[[redis.Redis], object]) -> bool:
        """Return whether the store did it; one that is stopped or away does nothing."""
        try:
            with self._cast.client("chaos", timeout_s=0.5) as store:
                act(store)
        except redis.RedisError:
            return False
        return True


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
