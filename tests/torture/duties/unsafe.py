"""Loads scripts with one safety switched off in place of the product's own, in this process."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jobs.backends.base import MAX_BATCH
from jobs.backends.call import Call
from jobs.backends.maintainer import Maintainer
from jobs.backends.redis import channel, runner, scripts
from jobs.backends.redis.codec import text_of
from jobs.backends.redis.operator import RedisOperator
from jobs.backends.redis.script_call import script_call
from workers.maintenance import upkeep

# As long as a collection of garbage may hold a process up between two calls.
_PAUSE_S = 0.2
_safe_parts = runner.call_parts


def use_scripts_of(folder: Path) -> None:
    """Load the scripts of `folder` from now on, and whatever their safety needs to be off."""
    scripts.LUA_DIR = folder
    scripts.load_script.cache_clear()
    for module in (runner, channel):
        module.call_parts = _parts_with_clock
    if (folder / "pop_due.lua").exists():
        upkeep.Upkeep._promote_and_reap = _promote_in_two_calls


def _parts_with_clock(call: Call[Any], *, has_test_clock: bool) -> tuple[scripts.Script, list[Any]]:
    """Send this process's clock along with a script that asks for it."""
    script, rest = _safe_parts(call, has_test_clock=has_test_clock)
    if "client_clock" in script.arg_names:
        rest.append(time.time_ns() // 1000)
    return script, rest


def _promote_in_two_calls(self: upkeep.Upkeep, maintainer: Maintainer) -> None:
    """Do what the upkeep does, with time to die between taking a due job out and making it ready."""
    keys = maintainer._keys
    due: Sequence[str] = self._link.run(script_call("pop_due", keys, (MAX_BATCH,), lambda ids: list(map(text_of, ids))))
    if due:
        threading.Event().wait(_PAUSE_S)
        self._link.run(RedisOperator(keys).promote(due, secrets.token_hex(8), by="torture"))
    self._link.run(maintainer.reap())
