"""How long this process waits for its store: as a server does, or, where that is not the matter, much longer.

A server tells its clients within two seconds that the store is away, or leaves the rest of an act to a loop. A machine
that stands still for a second would make it say so in the middle of a test about something else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

import pytest

from jobs import wiring
from jobs.backends.redis import channel, connection
from jobs.backends.redis.runner import SyncRunner
from jobs.services import claims, group_commit, job_list, looks, operation_search, operations, queues
from tests.stores import PATIENCE_S

_CALLS: dict[tuple[Any, str], Any] = {
    (channel, "CALL_TIMEOUT_S"): channel.CALL_TIMEOUT_S,
    (connection, "CALL_TIMEOUT_S"): connection.CALL_TIMEOUT_S,
    (connection, "CONNECT_TIMEOUT_S"): connection.CONNECT_TIMEOUT_S,
    (connection, "connect"): connection.connect,
    (wiring, "connect"): wiring.connect,
    (wiring, "runner"): wiring.runner,
}
_SERVICES: dict[tuple[Any, str], float] = {
    (claims, "TOO_LATE_MS"): claims.TOO_LATE_MS,
    (claims, "_OWED_S"): claims._OWED_S,
    (group_commit, "MAX_WAIT_S"): group_commit.MAX_WAIT_S,
    (looks, "WAIT_S"): looks.WAIT_S,
    (operation_search, "_STEP_S"): operation_search._STEP_S,
    (operations, "_AT_ONCE_S"): operations._AT_ONCE_S,
    (queues, "_PURGE_AT_ONCE_S"): queues._PURGE_AT_ONCE_S,
}


def let_calls_wait(patch: pytest.MonkeyPatch, *, keep_runner: bool = False) -> None:
    """Wait for whatever is asked of the store; `keep_runner` leaves the process's own, as it will be made."""
    for module, name in _CALLS:
        if name.endswith("_TIMEOUT_S"):
            patch.setattr(module, name, PATIENCE_S)
    patch.setattr(connection, "connect", _connect)
    patch.setattr(wiring, "connect", _connect)
    if not keep_runner:
        patch.setattr(wiring, "runner", _runner)


def let_services_wait(patch: pytest.MonkeyPatch) -> None:
    """Let acts end at once, and nothing be too late."""
    for module, name in _SERVICES:
        patch.setattr(module, name, PATIENCE_S * 1000 if name.endswith("_MS") else PATIENCE_S)
    patch.setitem(cast("Any", job_list.list_jobs).__kwdefaults__, "look_for_s", PATIENCE_S)


@contextmanager
def as_a_server() -> Iterator[None]:
    """Wait no longer than a server does."""
    with pytest.MonkeyPatch.context() as patch:
        for (module, name), value in [*_CALLS.items(), *_SERVICES.items()]:
            patch.setattr(module, name, value)
        yield


def _connect(url: str, name: str, timeout_s: float = PATIENCE_S, **more: Any) -> connection.Client:
    made: connection.Client = _CALLS[connection, "connect"](url, name, timeout_s, **more)
    return made


def _runner() -> SyncRunner:
    return _runner_at(wiring.store_url())


@cache
def _runner_at(url: str) -> SyncRunner:
    # As long as the process, as the one in whose place it is.
    return SyncRunner(_connect(url, "patient"))
