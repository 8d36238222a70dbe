"""The supervisor's own line to the embedded server: state, progress, settings and the order to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

CALL_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the server says of itself."""

    pid: int
    is_loading: bool
    loaded_percent: float
    keys: int
    expiring_keys: int
    is_rewriting: bool
    has_append_only: bool
    is_rewrite_ok: bool


class Dump(NamedTuple):
    """A dump that was asked for: the life of the server, and its number in that."""

    run_id: object
    number: int


class Admin:
    """Talks to one server as the admin user; each call has a timeout and raises redis.RedisError."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=CALL_TIMEOUT_S,
            socket_connect_timeout=CALL_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        self._call: Callable[..., object] = self._client.execute_command

    def pulse(self) -> Pulse:
        """Return the server's state, also while it loads."""
        info = cast("Mapping[str, object]", self._call("INFO", "everything"))
        space = cast("Mapping[str, int]", info.get("db0", {}))
        loading = _number(info, "loading") == 1
        return Pulse(
            pid=int(_number(info, "process_id")),
            is_loading=loading,
            loaded_percent=_number(info, "loading_loaded_perc") if loading else 100.0,
            keys=space.get("keys", 0),
            expiring_keys=space.get("expires", 0),
            is_rewriting=bool(_number(info, "aof_rewrite_in_progress") or _number(info, "aof_rewrite_scheduled")),
            has_append_only=_number(info, "aof_enabled") == 1,
            is_rewrite_ok=info.get("aof_last_bgrewrite_status") == "ok",
        )

    def setting(self, name: str) -> str:
        """Return one of the server's settings."""
        answer = cast("Mapping[str, str]", self._call("CONFIG GET", name))
        return answer.get(name, "")

    def change_setting(self, name: str, value: str) -> None:
        """Change one of the server's settings until it ends."""
        self._call("CONFIG SET", name, value)

    def reload_acl(self) -> None:
        """Make the server read its access list again."""
        self._call("ACL LOAD")

    def save(self) -> Dump:
        """Begin to write a dump, or behind a rewrite of the append-only file that is under way."""
        dump = Dump(self._run_id(), int(_number(self._persistence(), "rdb_saves")) + 1)
        self._call("BGSAVE", "SCHEDULE")
        return dump

    def save_progress(self, dump: Dump) -> float | None:
        """Return the share of that dump that is written, 0–1, or None when it is whole. Raises redis.RedisError."""
        number, info = dump.number, self._persistence()
        if self._run_id() != dump.run_id:
            # Its successor counts from 0 and writes no dump: nobody would ever see the end.
            raise redis.RedisError("the store was started anew meanwhile; make the backup again")
        if _number(info, "rdb_saves") >= number and not _number(info, "rdb_bgsave_in_progress"):
            if info.get("rdb_last_bgsave_status") != "ok":
                raise redis.RedisError("the dump could not be written")
            return None
        done, whole = _number(info, "current_save_keys_processed"), _number(info, "current_save_keys_total")
        return done / whole if whole else 0.0

    def _run_id(self) -> object:
        return cast("Mapping[str, object]", self._call("INFO", "server")).get("run_id")

    def _persistence(self) -> Mapping[str, object]:
        return cast("Mapping[str, object]", self._call("INFO", "persistence"))

    def shut_down(self) -> None:
        """Order the server to flush and end. It answers by closing the connection."""
        try:
            self._call("SHUTDOWN")
        except redis.ConnectionError:
            return

    def close(self) -> None:
        """Drop the connection."""
        self._client.close()


def _number(info: Mapping[str, object], name: str) -> float:
    value = info.get(name, 0)
    return float(value) if isinstance(value, int | float | str) else 0.0
