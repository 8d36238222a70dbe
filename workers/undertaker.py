"""What is left to do for a worker process that died: its leases end at once, so that its jobs need not wait for them.

It runs in a process of its own, since the parent of worker processes must stay without threads and connections.
"""

from __future__ import annotations

import logging
import os
import random
import signal
import time
from collections.abc import Callable
from functools import partial

from jobs import wiring
from jobs.domain.errors import BackendUnavailable
from jobs.telemetry.logs import get_logger, log_event
from workers.death import Death
from workers.rounds import Rounds
from workers.store_link import StoreLink, StoreWatch

# Longer than that the leases themselves do not last.
_TRY_FOR_S = 10.0


def bury(death: Death, namespace: str, worker_id: str, leave: Callable[[], None] = lambda: None) -> None:
    """Begin to end the leases of a dead worker, in a child process that first leaves its family, and ends by itself."""
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
        _release(death, namespace, worker_id)
        status = 0
    except BaseException as error:  # noqa: BLE001 (a child must not return into the parent's code)
        log_event(get_logger("worker"), "worker.leases_kept", level=logging.WARNING, exception=error)
    finally:
        logging.shutdown()
        os._exit(status)


def _release(death: Death, namespace: str, worker_id: str) -> None:
    """End what the worker held in each shard, and try again where one is away."""
    give_up_at = time.monotonic() + _TRY_FOR_S
    left = set(range(wiring.backend().shards))
    rounds, ended = Rounds("undertaker", len(left)), 0
    link = StoreLink(partial(wiring.new_runner, "undertaker"), StoreWatch(get_logger("worker"), len(left)))

    def end(shard: int) -> None:
        nonlocal ended
        maintainer, first = wiring.backend().maintainer(namespace, shard), 0
        while first >= 0:
            first, some = link.run(maintainer.lose_worker(worker_id, death.how, first))
            ended += some
        left.discard(shard)

    while True:
        try:
            rounds.ask(tuple(left), end)
            link.run(wiring.backend().consumer(namespace).farewell(worker_id))
        except BackendUnavailable:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(random.uniform(0.2, 0.5))
            continue
        log_event(get_logger("worker"), "worker.buried", pid=death.pid, worker_id=worker_id, leases=ended)
        return
