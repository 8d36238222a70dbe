"""Those on stage who know nothing but HTTP: workers of the SDK, and who receives pushed jobs and webhooks."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.journeys.api import Api
from tests.torture.actor import Life
from tests.torture.plans import NAMESPACES, PUSHED, REMOTE_QUEUE
from tests.torture.proxy import HOST

# How many jobs each runs at a time; both serve one namespace, so that one takes over from the other.
REMOTES = {"remote-1": 6, "remote-2": 4}
RECEIVER = "receiver"
HOOK = "webhook"
# Shorter than what a recovery may take: a receiver that hangs keeps nobody longer.
ENDPOINT_MS = 2500


def remote_argv(name: str) -> list[str]:
    """Return the command of a worker."""
    return [sys.executable, "-m", "tests.torture.remote_worker", name, str(REMOTES[name])]


def remote_variables(port: int, lease_ms: int, grace_s: int, keys: Path) -> dict[str, str]:
    """Return where a worker finds its server, and how it works."""
    return {
        "IRONFORGE_URL": f"http://{HOST}:{port}",
        "IRONFORGE_QUEUES": REMOTE_QUEUE,
        "IRONFORGE_LEASE_MS": str(lease_ms),
        "IRONFORGE_GRACE_S": str(grace_s),
        "TORTURE_KEYS": str(keys),
    }


def has_registered(life: Life) -> bool:
    """Tell whether the server has given a worker its name."""
    return any(str(entry.get("message")).startswith("registered as") for entry in life.running.everything())


def receiver_argv(port: int) -> list[str]:
    """Return the command of the receiver."""
    return [sys.executable, "-m", "tests.torture.receiver", str(port)]


def listens(life: Life) -> bool:
    """Tell whether the receiver takes requests."""
    return any(entry.get("event") == "receiver.started" for entry in life.running.everything())


def bind(api: Api, keys: Mapping[str, str], address: str, secrets: Path) -> None:
    """Bind the pushed kind to the receiver, have ends of jobs signed, and leave it the secrets; keys have `admin`."""
    found = {}
    for ns in NAMESPACES:
        asked = {"authorization": f"Bearer {keys[ns]}"}
        bound = api.ask("PUT", f"/endpoints/{PUSHED}", {"url": f"{address}/jobs", "timeout_ms": ENDPOINT_MS}, **asked)
        hook = api.ask("PUT", "/webhook", {}, **asked)
        assert bound.status == hook.status == 201, (bound, hook)
        found |= {f"{ns}/{PUSHED}": bound.body["secret"], f"{ns}/{HOOK}": hook.body["secret"]}
    secrets.write_text(json.dumps(found), encoding="utf-8")
