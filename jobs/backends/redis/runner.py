"""Carries out calls and waits for the answer.

Every script answers a repeated call as it answered the first, so after a lost connection the call is sent once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import redis
from redis import exceptions as faults
from redis.cluster import RedisCluster

from jobs.backends.base import Call
from jobs.backends.redis.connection import translated_faults
from jobs.backends.redis.scripts import Script, load_script

T = TypeVar("T")


def call_parts(call: Call[T], *, has_test_clock: bool) -> tuple[Script, list[Any]]:
    """Return the script of a call and what follows its hash in EVALSHA: number of keys, keys, arguments."""
    script = load_script(call.script, has_test_clock=has_test_clock)
    keys = list(call.keys)
    if has_test_clock:
        keys.append(keys[0][: keys[0].index("}") + 2] + "test_clock")
    return script, [len(keys), *keys, *call.args]


class SyncRunner:
    """Carries out calls on a redis-py client; safe to share between threads."""

    def __init__(self, client: redis.Redis | RedisCluster, *, has_test_clock: bool = False) -> None:
        self._client = client
        self._has_test_clock = has_test_clock

    def run(self, call: Call[T]) -> T:
        """Return the call's answer. Raises BackendUnavailable."""
        script, rest = call_parts(call, has_test_clock=self._has_test_clock)
        with translated_faults():
            try:
                reply = self._evaluate(script, rest)
            except faults.TimeoutError:
                raise
            except faults.ConnectionError:
                reply = self._evaluate(script, rest)
        return call.decode(reply)

    def _evaluate(self, script: Script, rest: list[Any]) -> Any:
        try:
            return self._client.evalsha(script.sha, *rest)
        except faults.NoScriptError:
            return self._client.eval(script.text, *rest)

    def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        """Carry out the calls in one round trip; answers in order. Raises BackendUnavailable."""
        if isinstance(self._client, RedisCluster):
            return [self.run(call) for call in calls]
        parts = [call_parts(call, has_test_clock=self._has_test_clock) for call in calls]
        with translated_faults():
            try:
                replies = self._evaluate_many(parts)
            except faults.TimeoutError:
                raise
            except faults.ConnectionError:
                replies = self._evaluate_many(parts)
        return [call.decode(reply) for call, reply in zip(calls, replies, strict=True)]

    def _evaluate_many(self, parts: Sequence[tuple[Script, list[Any]]]) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for script, rest in parts:
            pipeline.evalsha(script.sha, *rest)
        replies: list[Any] = pipeline.execute(raise_on_error=False)
        for number, reply in enumerate(replies):
            if isinstance(reply, faults.NoScriptError):
                replies[number] = self._evaluate(*parts[number])
            elif isinstance(reply, Exception):
                raise reply
        return replies

    def ping(self) -> None:
        """Return when the store answers. Raises BackendUnavailable."""
        with translated_faults():
            self._client.ping()

    def info(self, section: str) -> dict[str, Any]:
        """Return a section of INFO. Raises BackendUnavailable."""
        with translated_faults():
            answer: dict[str, Any] = self._client.info(section)
            return answer

    def reset(self) -> None:
        """Drop all connections; the next call makes new ones."""
        if isinstance(self._client, RedisCluster):
            self._client.disconnect_connection_pools()
        else:
            self._client.connection_pool.disconnect(inuse_connections=False)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()
