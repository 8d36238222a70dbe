"""Lets the store compile every transition before the first job depends on it."""

from __future__ import annotations

import redis
from redis import exceptions as faults

from jobs.backends.redis.checks.result import CheckResult, ok, refuse
from jobs.backends.redis.connection import translated_faults
from jobs.backends.redis.scripts import all_script_names, load_script


def self_test(client: redis.Redis | redis.RedisCluster) -> CheckResult:
    """Return whether every script loads, and names the first that does not. Raises BackendUnavailable."""
    names = all_script_names()
    for name in names:
        try:
            with translated_faults():
                client.script_load(load_script(name).text)
        except faults.ResponseError as error:
            hint = (
                "IronForge needs Lua scripts: Redis 7.0 or Valkey 7.2, and a user who may run SCRIPT LOAD and EVALSHA."
            )
            return refuse("scripts", f"The store refuses the script {name}: {error}", hint)
    return ok("scripts", f"The store compiles all {len(names)} scripts.")
