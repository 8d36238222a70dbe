"""What every competitor is given: the job of the README's example."""

from __future__ import annotations

import json
import random
from string import ascii_letters
from typing import Any, Final

KIND: Final = "email.send"
PAYLOAD: Final[dict[str, Any]] = {"to": "user@example.com", "template": "welcome"}
JOB: Final[dict[str, Any]] = {"kind": KIND, "payload": PAYLOAD, "priority": "high", "max_retries": 3}
BODY: Final = json.dumps(JOB).encode()


def bulk_body(count: int) -> bytes:
    """Return a JSON array of that many jobs."""
    return b"[" + b",".join([BODY] * count) + b"]"


def payload_of(size_bytes: int) -> dict[str, Any]:
    """Return a payload whose JSON text has that size, the same each time, and hardly to be compressed."""
    empty = len(json.dumps({"text": ""}, separators=(",", ":")))
    chance = random.Random(size_bytes)
    return {"text": "".join(chance.choices(ascii_letters, k=size_bytes - empty))}
