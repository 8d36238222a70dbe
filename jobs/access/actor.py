"""Who acts: the one value that every service takes first, whatever face the request came through."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from jobs.access.scopes import ALL_SCOPES, Scope


class ActorKind(StrEnum):
    """How an actor proved who it is."""

    KEY = "key"
    SESSION = "session"
    OPEN = "open"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody, bound to one namespace: it comes from the credential, never from what the request says."""

    kind: ActorKind
    name: str  # of the key or the user; what the audit log shows
    namespace: str
    scopes: frozenset[Scope]
    reference: str = ""  # the key's prefix or the user's primary key; empty for open access and the system

    @property
    def label(self) -> str:
        """Return how the actor is named in logs and the audit log, such as `key:ci`."""
        return f"{self.kind.value}:{self.name}"


def system_actor(name: str, namespace: str) -> Actor:
    """Return the actor of a command or a loop that runs on the server itself; it may do everything there."""
    return Actor(kind=ActorKind.SYSTEM, name=name, namespace=namespace, scopes=ALL_SCOPES)


@lru_cache(maxsize=1024)
def program_actor(namespace: str) -> Actor:
    """Return the actor of Python code in a process with IronForge's settings: it submits and looks, and steers nothing.

    Whoever can run such code can reach the store itself, so it proves nothing more.
    """
    scopes = frozenset({Scope.JOBS_WRITE, Scope.JOBS_READ, Scope.PAYLOAD_READ})
    return Actor(kind=ActorKind.SYSTEM, name="python", namespace=namespace, scopes=scopes)
