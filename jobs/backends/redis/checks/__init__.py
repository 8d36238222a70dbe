"""Start-up checks of the store: collect the facts, judge them, refuse what would lose jobs."""

from __future__ import annotations

from pathlib import Path

import redis

from jobs.backends.redis.checks.collector import SCHEMA_KEY, collect
from jobs.backends.redis.checks.facts import Host, Settings, StoreFacts, Transport
from jobs.backends.redis.checks.judge import OLDER_LAYOUT, judge, judge_schema, judge_shards
from jobs.backends.redis.checks.result import CheckOptions, CheckResult, Level

__all__ = [
    "OLDER_LAYOUT",
    "SCHEMA_KEY",
    "CheckOptions",
    "CheckResult",
    "Host",
    "Level",
    "Settings",
    "StoreFacts",
    "Transport",
    "collect",
    "judge",
    "judge_schema",
    "judge_shards",
    "run_checks",
]


def run_checks(
    client: redis.Redis | redis.RedisCluster, options: CheckOptions, *, local_dir: Path | None = None
) -> list[CheckResult]:
    """Look at the store, every master of a Cluster, and return the findings; a repeated one once.

    The embedded store needs its admin user. Raises redis.RedisError when the store does not answer.
    """
    if isinstance(client, redis.RedisCluster):
        nodes = [client.get_redis_connection(node) for node in client.get_primaries()]
    else:
        nodes = [client]
    findings: dict[CheckResult, None] = {}
    for node in nodes:
        findings.update(dict.fromkeys(judge(collect(node, local_dir=local_dir), options)))
    return list(findings)
