"""Ends a server without losing what it acknowledged: the order to stop first, signals only if it does not obey."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Mapping

import redis

from jobs.backends.redis.embedded.admin import Admin
from jobs.backends.redis.embedded.process import ServerProcess

Log = Callable[[str, Mapping[str, object]], None]

LOOK_EVERY_S = 0.02
# After SHUTDOWN the server may flush for a while; then it is asked by signal, and at last forced.
PATIENCE_S = ((signal.SIGTERM, 15.0), (signal.SIGKILL, 15.0))


def end_server(process: ServerProcess, admin_url: str, log: Log) -> None:
    """End the server and return when its process is gone."""
    admin = Admin(admin_url)
    try:
        admin.shut_down()
    except redis.RedisError as error:
        log("store.shutdown_refused", {"error": str(error)})
        process.send(signal.SIGTERM)
    finally:
        admin.close()
    pause = threading.Event()
    for number, patience_s in PATIENCE_S:
        deadline = time.monotonic() + patience_s
        while process.poll() is None and time.monotonic() < deadline:
            pause.wait(LOOK_EVERY_S)
        if process.poll() is not None:
            return
        log("store.slow_stop", {"signal": number.name})
        process.send(number)
    while process.poll() is None:
        pause.wait(LOOK_EVERY_S)
