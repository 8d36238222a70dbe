"""Server, worker and store are killed, in any order and with no time between: all are back, and no job is lost."""

from __future__ import annotations

import os
import signal
from itertools import permutations
from pathlib import Path

import pytest

from tests.journeys.installation import START_S, Installation, installation
from tests.waiting import until

pytestmark = pytest.mark.journey

NAMES = ("server", "worker", "store")
ORDERS = tuple(permutations(NAMES))


@pytest.mark.parametrize("orders", [ORDERS[:1], pytest.param(ORDERS, marks=[pytest.mark.long])], ids=["one", "all"])
def test_server_worker_and_store_killed_at_once_are_all_replaced_and_lose_nothing(
    data_dir: Path, orders: tuple[tuple[str, ...], ...]
) -> None:
    with installation(data_dir, IRONFORGE_LEASE_MS="1000") as running:
        for order in orders:
            ids = [running.api.submit("demo.sleep", {"ms": 400}) for _ in range(5)]
            running.log.told("job.started", job_id=ids[-1])
            killed = {name: running.pid_of(name) for name in order}
            for name in order:
                os.kill(killed[name], signal.SIGKILL)
            for name in NAMES:
                until(lambda: is_replaced(running, name, killed[name]), START_S)  # noqa: B023
            until(lambda: answers(running), START_S)
            for job_id in ids:
                outcomes = [attempt["outcome"] for attempt in running.api.completed(job_id)["attempts"]]
                assert outcomes.count("completed") == 1


def is_replaced(running: Installation, name: str, killed: int) -> bool:
    return running.pid_of(name) != killed


def answers(running: Installation) -> bool:
    """Tell whether the server takes requests and its store answers."""
    try:
        return running.api.ask("GET", "/health").status == 200
    except OSError:
        return False
