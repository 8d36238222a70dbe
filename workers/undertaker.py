"""What is left to do for a worker process that died: its leases end at once, so that its jobs need not wait for them.

It runs in a process of its own, since the parent of worker processes must stay without threads and connections.
"""

from __future__ import annotations

import logging
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial

from jobs import wiring
from jobs.domain.errors import BackendUnavailable
from jobs.telemetry.logs import get_logger, log_event
from workers.consumers import Place
from workers.death import Death
from workers.following import all_namespaces
from workers.rounds import Rounds
from workers.store_link import StoreLink, StoreWatch

# Longer than that the leases themselves do not last.
_TRY_FOR_S = 10.0


def bury(
    death: Death, namespaces: Sequence[str] | None, worker_id: str, leave: Callable[[], None] = lambda: None
) -> None:
    """Begin to end the leases of a dead worker, in a child process that first leaves its family, and ends by itself.

    `namespaces` are those that it served, None for all.
    """
    try:
        if os.fork():
            return
    except OSError as error:
        # The leases then end in their own time.
        log_event(get_logger("worker"), "worker.leases_kept", level=logging.WARNING, exception=error)
        return
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        leave()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        _release(death, namespaces, worker_id)
        status = 0
    except BaseException as error:  # noqa: BLE001 (a child must not return into the parent's code)
        log_event(get_logger("worker"), "worker.leases_kept", level=logging.WARNING, exception=error)
    finally:
        logging.shutdown()
        os._exit(status)


def _release(death: Death, namespaces: Sequence[str] | None, worker_id: str) -> None:
    """End what the worker held in each shard of each namespace, and try again where one is away."""
    give_up_at = time.monotonic() + _TRY_FOR_S
    shards = wiring.backend().shards
    rounds: Rounds[Place] = Rounds("undertaker", shards)
    ended = 0
    link = StoreLink(partial(wiring.new_runner, "undertaker"), StoreWatch(get_logger("worker"), shards))
    left: set[Place] | None = None

    def end(place: Place) -> None:
        nonlocal ended
        maintainer, first = wiring.backend().maintainer(*place), 0
        while first >= 0:
            first, some = link.run(maintainer.lose_worker(worker_id, death.how, first))
            ended += some
        if place[1] == 0:
            link.run(wiring.backend().consumer(place[0]).farewell(worker_id))
        if left is not None:
            left.discard(place)

    while True:
        try:
            if left is None:
                names = all_namespaces() if namespaces is None else namespaces
                left = {(name, shard) for name in names for shard in range(shards)}
            rounds.ask(tuple(left), end)
        except BackendUnavailable:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(random.uniform(0.2, 0.5))
            continue
        log_event(get_logger("worker"), "worker.buried", pid=death.pid, worker_id=worker_id, leases=ended)
        return
