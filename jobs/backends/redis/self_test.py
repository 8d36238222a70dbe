"""Lets the store compile every transition before the first job depends on it."""

from __future__ import annotations

import redis
from redis import exceptions as faults

from jobs.backends.redis.checks.result import CheckResult, ok, refuse
from jobs.backends.redis.connection import translated_faults
from jobs.backends.redis.scripts import all_script_names, load_script

HINT = "IronForge needs Lua scripts: Redis 7.0 or Valkey 7.2, and a user who may run SCRIPT LOAD and EVALSHA."


def self_test(client: redis.Redis | redis.RedisCluster) -> CheckResult:
    """Return whether every script loads, and names the first that does not. Raises BackendUnavailable."""
    names = all_script_names()
    for name in names:
        complaint = _complaint(client, name)
        if complaint is not None:
            return refuse("scripts", f"The store refuses the script {name}: {complaint}", HINT)
    return ok("scripts", f"The store compiles all {len(names)} scripts.")


def _complaint(client: redis.Redis | redis.RedisCluster, name: str) -> str | None:
    """Return why the store refuses a script; None when it takes it."""
    try:
        with translated_faults():
            try:
                client.script_load(load_script(name, has_test_clock=False).text)
            except faults.NoPermissionError as error:
                # Elsewhere a passing fault; at the start it is one that the operator must mend.
                return str(error)
    except faults.ResponseError as error:
        return str(error)
    return None
