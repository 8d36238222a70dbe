"""A loop's way to the store, when another thread drops its connections in the middle of a round."""

from __future__ import annotations

import logging
import threading
from functools import partial

from jobs import wiring
from jobs.domain.errors import BackendUnavailable
from tests.stores import Bench
from workers.store_link import StoreLink, StoreWatch

DROPS = 300


def test_a_round_whose_connections_are_dropped_fails_as_with_a_store_that_is_away(bench: Bench) -> None:
    link = StoreLink(partial(wiring.new_runner, "test"), StoreWatch(logging.getLogger("test")))
    is_over = threading.Event()
    crashes: list[BaseException] = []

    def rounds() -> None:
        while not is_over.is_set():
            try:
                link.run(bench.inspector.workers())
            except BackendUnavailable:
                continue
            except Exception as crash:  # noqa: BLE001 (what the loop would log as its own crash)
                crashes.append(crash)

    loop = threading.Thread(target=rounds)
    loop.start()
    pause = threading.Event()
    for _ in range(DROPS):
        pause.wait(0.001)
        link.close()
    is_over.set()
    loop.join()
    link.close()
    assert [repr(crash) for crash in crashes] == []
