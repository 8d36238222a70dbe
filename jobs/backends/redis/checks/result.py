"""One finding of the start-up checks, and what the operator asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "refuse"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found. `refuse` stops the start."""

    id: str  # stable, like `store.policy`
    level: Level
    message: str  # what was found
    hint: str = ""  # what to do about it


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What this installation wants of its store."""

    durability: str = "always"  # always, everysec or replicated
    client_mode: str = "standalone"  # embedded, standalone, sentinel or cluster
    accept_loss: bool = False  # start although accepted jobs may be lost
    wanted_replicas: int = 0
    schema: int = 4  # the layout of keys that this version understands
    needed_clients: int = 200
    client_waits: bool = False  # True only if each write is followed by WAIT or WAITAOF on its connection


def ok(name: str, message: str) -> CheckResult:
    """Return a finding that needs nothing done."""
    return CheckResult(name, "ok", message)


def warn(name: str, message: str, hint: str) -> CheckResult:
    """Return a finding that the operator should know."""
    return CheckResult(name, "warn", message, hint)


def refuse(name: str, message: str, hint: str) -> CheckResult:
    """Return a finding that stops the start."""
    return CheckResult(name, "refuse", message, hint)
