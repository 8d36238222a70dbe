"""What every competitor is given: the job of the outline's example."""

from __future__ import annotations

import json
from typing import Any, Final

KIND: Final = "email.send"
PAYLOAD: Final[dict[str, Any]] = {"to": "user@example.com", "template": "welcome"}
JOB: Final[dict[str, Any]] = {"kind": KIND, "payload": PAYLOAD, "priority": "high", "max_retries": 3}
BODY: Final = json.dumps(JOB).encode()


def bulk_body(count: int) -> bytes:
    """Return a JSON array of that many jobs."""
    return b"[" + b",".join([BODY] * count) + b"]"


def payload_of(size_bytes: int) -> dict[str, Any]:
    """Return a payload whose JSON text has that size."""
    empty = len(json.dumps({"text": ""}, separators=(",", ":")))
    return {"text": "x" * (size_bytes - empty)}
