"""Carries out calls and waits for the answer.

Every script answers a repeated call as it answered the first, so after a lost connection the call is sent once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import redis
from redis import exceptions as faults
from redis.cluster import RedisCluster

from jobs.backends.call import Call, Spread, answers_of, steps_of
from jobs.backends.redis.connection import Client, translated_faults
from jobs.backends.redis.lines import Lines
from jobs.backends.redis.replicas import Waits, require_replicas, wait_commands
from jobs.backends.redis.scripts import Script, load_script
from jobs.domain.errors import BackendUnavailable

T = TypeVar("T")


def call_parts(call: Call[T], *, has_test_clock: bool) -> tuple[Script, list[Any]]:
    """Return the script of a call and what follows its hash in EVALSHA: number of keys, keys, arguments."""
    script = load_script(call.script, has_test_clock=has_test_clock)
    keys = list(call.keys)
    if has_test_clock:
        keys.append(keys[0][: keys[0].index("}") + 2] + "test_clock")
    return script, [len(keys), *keys, *call.args]


class SyncRunner:
    """Carries out calls on a redis-py client; safe to share between threads.

    What somebody relies on is answered when so many `replicas` have it.
    """

    def __init__(self, client: Client, *, has_test_clock: bool = False, replicas: int = 0) -> None:
        self._client = client
        self._lines = None if isinstance(client, RedisCluster) else Lines(client)
        self._has_test_clock = has_test_clock
        self._replicas = replicas

    def run(self, call: Call[T]) -> T:
        """Return the call's answer. Raises BackendUnavailable."""
        if isinstance(call, Spread):
            answers: list[T] = self.run_many((call,))
            return answers[0]
        if wait_commands((call,), self._replicas):
            return self._run_together((call,))[0]
        script, rest = call_parts(call, has_test_clock=self._has_test_clock)
        with translated_faults():
            try:
                reply = self._evaluate(script, rest)
            except faults.TimeoutError:
                raise
            except faults.ConnectionError:
                reply = self._evaluate(script, rest)
        return call.decode(reply)

    def run_in_turn(self, calls: Iterable[Call[T]]) -> Iterator[T]:
        """Yield the calls' answers: each is made while the store works on the one before, and sent behind its answer.

        Raises BackendUnavailable: nothing behind that call was sent. For calls that are not spread over servers.
        """
        lines = self._lines
        if lines is None or self._replicas:
            yield from map(self.run, calls)
            return
        waiting = iter(calls)
        call = next(waiting, None)
        while call is not None:
            script, rest = call_parts(call, has_test_clock=self._has_test_clock)
            under_way, connection = call, self._sent(lines, script, rest)
            try:
                call = next(waiting, None)
            finally:
                # Also where the next cannot be made: its connection is the next one's.
                reply = self._received(lines, script, rest, connection)
            yield under_way.decode(reply)

    def _sent(self, lines: Lines, script: Script, rest: list[Any]) -> Any:
        """Send a call and return its connection; None where that was lost."""
        with translated_faults():
            try:
                return lines.send("EVALSHA", script.sha, *rest)
            except faults.TimeoutError:
                raise
            except faults.ConnectionError:
                return None

    def _received(self, lines: Lines, script: Script, rest: list[Any], connection: Any) -> Any:
        """Return the reply, after a lost connection or an unknown script that to the same call once more."""
        with translated_faults():
            try:
                if connection is not None:
                    return lines.receive(connection)
            except faults.TimeoutError:
                raise
            except (faults.ConnectionError, faults.NoScriptError):
                pass
            return self._evaluate(script, rest)

    def _evaluate(self, script: Script, rest: list[Any]) -> Any:
        try:
            if self._lines is not None:
                return self._lines.ask("EVALSHA", script.sha, *rest)
            return self._client.evalsha(script.sha, *rest)
        except faults.NoScriptError:
            return self._client.eval(script.text, *rest)

    def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        """Carry out the calls in one round trip; answers in order. Raises BackendUnavailable."""
        steps = steps_of(calls)
        if isinstance(self._client, RedisCluster):
            return answers_of(calls, [self.run(step) for step in steps])
        return answers_of(calls, self._run_together(steps))

    def _run_together(self, calls: Sequence[Call[T]]) -> list[T]:
        """Carry out calls of one server on one connection, and wait for its replicas where somebody relies on them."""
        parts = [call_parts(call, has_test_clock=self._has_test_clock) for call in calls]
        waits = wait_commands(calls, self._replicas)
        with translated_faults():
            try:
                replies = self._evaluate_many(self._server_of(calls), parts, waits)
            except faults.TimeoutError:
                raise
            except (faults.MovedError, faults.ConnectionError):
                if isinstance(self._client, RedisCluster):
                    self._client.nodes_manager.initialize()
                replies = self._evaluate_many(self._server_of(calls), parts, waits)
        if waits:
            *replies, confirmed = replies
            require_replicas(confirmed, self._replicas)
        return [call.decode(reply) for call, reply in zip(calls, replies, strict=True)]

    def _server_of(self, calls: Sequence[Call[T]]) -> redis.Redis:
        if isinstance(self._client, RedisCluster):
            return self._client.get_redis_connection(self._client.get_node_from_key(calls[0].keys[0]))
        return self._client

    def _evaluate_many(self, client: redis.Redis, parts: Sequence[tuple[Script, list[Any]]], waits: Waits) -> list[Any]:
        """Return the replies in order, that of `WAIT` behind them when there are replicas to wait for."""
        replies = _sent(client, parts, waits)
        unknown = [number for number, reply in enumerate(replies) if isinstance(reply, faults.NoScriptError)]
        if unknown:
            # Only those: the others were carried out, and not each of them counts alike when it is repeated.
            again = _sent(client, [parts[number] for number in unknown], waits, by_text=True)
            if waits:
                replies[-1] = again.pop()
            for number, reply in zip(unknown, again, strict=True):
                replies[number] = reply
        for reply in replies:
            if isinstance(reply, Exception):
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

    def memory(self) -> list[tuple[int, int]]:
        """Return the bytes of memory used and the limit, 0 for none, of each primary that answers.

        Raises BackendUnavailable when none does.
        """
        found: list[tuple[int, int]] = []
        failure: BackendUnavailable | None = None
        for client in self._primaries():
            try:
                with translated_faults():
                    section: dict[str, Any] = client.info("memory")
            except BackendUnavailable as error:
                failure = error
            else:
                found.append((int(section["used_memory"]), int(section.get("maxmemory", 0))))
        if not found and failure is not None:
            raise failure
        return found

    def _primaries(self) -> list[redis.Redis]:
        if isinstance(self._client, RedisCluster):
            return [self._client.get_redis_connection(node) for node in self._client.get_primaries()]
        return [self._client]

    def reset(self) -> None:
        """Drop all connections; the next call makes new ones."""
        if isinstance(self._client, RedisCluster):
            self._client.disconnect_connection_pools()
        else:
            self._give_back()
            self._client.connection_pool.disconnect(inuse_connections=False)

    def close(self) -> None:
        """Give the connections back."""
        self._give_back()
        self._client.close()

    def _give_back(self) -> None:
        if self._lines is not None:
            self._lines.reset()


def _sent(
    client: redis.Redis, parts: Sequence[tuple[Script, list[Any]]], waits: Waits, *, by_text: bool = False
) -> list[Any]:
    """Return the replies to one round trip, errors among them; that of `WAIT` stands for the mark's as well."""
    pipeline = client.pipeline(transaction=False)
    for script, rest in parts:
        if by_text:
            pipeline.eval(script.text, *rest)
        else:
            pipeline.evalsha(script.sha, *rest)
    for command in waits:
        pipeline.execute_command(*command)
    replies: list[Any] = pipeline.execute(raise_on_error=False)
    if waits:
        marked = replies.pop(-2)
        if isinstance(marked, Exception):
            replies[-1] = marked
    return replies
