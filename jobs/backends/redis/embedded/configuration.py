"""The configuration and access list that the embedded server starts with: generated at every start, never edited.

Why each value is what it is: docs/decisions/0007-embedded-store.md.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jobs.backends.redis.embedded import directory
from jobs.backends.redis.embedded.address import ADMIN_USER, APP_USER, Credentials

Durability = Literal["always", "everysec"]

# Everything a scheduler needs and nothing that reads or wrecks the server; INFO is for the scripts and health checks.
APP_RULES = "resetkeys ~ironforge:* resetchannels &ironforge:* +@all -@admin -@dangerous +info"
ADMIN_RULES = "~* &* +@all"

_FIXED = """\
tcp-keepalive 60
timeout 0
maxclients 2000
databases 1
hz 20
protected-mode yes
enable-debug-command no
enable-module-command no
enable-protected-configs no
daemonize no
supervised no
loglevel notice
shutdown-timeout 10
disable-thp yes
oom-score-adj no
save ""
appendfilename "appendonly.aof"
appenddirname "appendonlydir"
no-appendfsync-on-rewrite no
aof-use-rdb-preamble yes
aof-load-truncated yes
auto-aof-rewrite-percentage 100
auto-aof-rewrite-min-size 64mb
maxmemory-policy noeviction
lazyfree-lazy-user-del yes
hash-max-listpack-entries 64
hash-max-listpack-value 1024
zset-max-listpack-entries 0
client-output-buffer-limit pubsub 32mb 8mb 60
notify-keyspace-events ""
slowlog-log-slower-than 10000
latency-monitor-threshold 50
busy-reply-threshold 1000
"""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What differs between one embedded server and the next."""

    data_dir: Path
    socket_path: str  # "" to listen on loopback
    port: int  # 0 to listen on the socket
    durability: Durability
    maxmemory_bytes: int
    append_only: bool = True  # False only while an old dump is read

    def text(self) -> str:
        """Return the configuration file's text."""
        listen = f"port {self.port}\nbind 127.0.0.1\n"
        if self.socket_path:
            listen = f"port 0\nunixsocket {quote(self.socket_path)}\nunixsocketperm 700\n"
        return (
            "# Generated at every start; changes here are lost.\n"
            + listen
            + f"dir {quote(os.fspath(self.data_dir))}\n"
            + f"aclfile {quote(str(self.data_dir / directory.ACL))}\n"
            + f"pidfile {quote(str(self.data_dir / directory.PID))}\n"
            + f"logfile {quote(str(self.data_dir / directory.LOG))}\n"
            + f"appendonly {'yes' if self.append_only else 'no'}\n"
            + f"appendfsync {self.durability}\n"
            + f"maxmemory {self.maxmemory_bytes}\n"
            + _FIXED
        )


def acl_text(credentials: Credentials) -> str:
    """Return the access list: nobody by default, the application, and the supervisor. Only hashes of passwords.

    Nobody can log in as `default`, yet it keeps its rights: the server replays its log of writes as that user, and
    without them it would skip every script's writes at the next start.
    """
    return (
        "user default off resetpass ~* &* +@all\n"
        f"user {APP_USER} on #{_digest(credentials.app_password)} {APP_RULES}\n"
        f"user {ADMIN_USER} on #{_digest(credentials.admin_password)} {ADMIN_RULES}\n"
    )


def quote(value: str) -> str:
    """Quote a value as the server's configuration parser reads it, byte by byte."""
    plain = {ord('"'): '\\"', ord("\\"): "\\\\"}
    body = "".join(
        plain.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}") for byte in os.fsencode(value)
    )
    return f'"{body}"'


def _digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()
