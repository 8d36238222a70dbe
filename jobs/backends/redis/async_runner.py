"""Carries out calls without blocking an event loop, on redis-py's asyncio client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from redis import asyncio as aioredis
from redis import exceptions as faults
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

from jobs.backends.base import Call
from jobs.backends.redis.connection import client_options, parse_sentinel, sentinel_options, translated_faults
from jobs.backends.redis.runner import call_parts
from jobs.backends.redis.scripts import Script

T = TypeVar("T")


class AsyncRunner:
    """Carries out calls on a redis-py asyncio client, for one event loop."""

    def __init__(self, client: aioredis.Redis | RedisCluster, *, has_test_clock: bool = False) -> None:
        self._client = client
        self._has_test_clock = has_test_clock

    async def run(self, call: Call[T]) -> T:
        """Return the call's answer. Raises BackendUnavailable."""
        script, rest = call_parts(call, has_test_clock=self._has_test_clock)
        with translated_faults():
            try:
                reply = await self._evaluate(script, rest)
            except faults.TimeoutError:
                raise
            except faults.ConnectionError:
                reply = await self._evaluate(script, rest)
        return call.decode(reply)

    async def _evaluate(self, script: Script, rest: list[Any]) -> Any:
        try:
            return await self._client.evalsha(script.sha, *rest)
        except faults.NoScriptError:
            return await self._client.eval(script.text, *rest)

    async def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        """Carry out the calls in one round trip; answers in order. Raises BackendUnavailable."""
        if isinstance(self._client, RedisCluster):
            return [await self.run(call) for call in calls]
        parts = [call_parts(call, has_test_clock=self._has_test_clock) for call in calls]
        with translated_faults():
            try:
                replies = await self._evaluate_many(parts)
            except faults.TimeoutError:
                raise
            except faults.ConnectionError:
                replies = await self._evaluate_many(parts)
        return [call.decode(reply) for call, reply in zip(calls, replies, strict=True)]

    async def _evaluate_many(self, parts: Sequence[tuple[Script, list[Any]]]) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for script, rest in parts:
            pipeline.evalsha(script.sha, *rest)
        replies: list[Any] = await pipeline.execute(raise_on_error=False)
        for number, reply in enumerate(replies):
            if isinstance(reply, faults.NoScriptError):
                replies[number] = await self._evaluate(*parts[number])
            elif isinstance(reply, Exception):
                raise reply
        return replies

    async def close(self) -> None:
        """Give the connections back, those to sentinels too."""
        await self._client.aclose()
        pool = getattr(self._client, "connection_pool", None)
        if isinstance(pool, SentinelConnectionPool):
            for sentinel in pool.sentinel_manager.sentinels:
                await sentinel.aclose()


def connect_async(url: str, name: str) -> aioredis.Redis | RedisCluster:
    """Return an asyncio client for any of the URL forms of `connection.connect`."""
    # The asyncio client has a retry class of its own, and where none is given it retries by itself.
    no_retry = {"retry": Retry(NoBackoff(), 0)}
    options = client_options(name) | no_retry
    if url.startswith("redis+cluster://"):
        return RedisCluster.from_url("redis" + url.removeprefix("redis+cluster"), **options)
    if url.startswith("redis+sentinel://"):
        hosts, service, rest = parse_sentinel(url)
        sentinel = Sentinel(hosts, sentinel_kwargs=sentinel_options(name, len(hosts)) | no_retry)
        master: aioredis.Redis = sentinel.master_for(service, **(options | rest))
        return master
    if url.startswith("unix://"):
        options.pop("socket_connect_timeout")
    return aioredis.Redis.from_url(url, **options)
