"""The schemas of what makes a job unique."""

from __future__ import annotations

from typing import Any

from jobs.domain.unique import MAX_DELAY_MS, MAX_KEY, MAX_TTL_MS, OnConflict, Until

KEY: dict[str, Any] = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_KEY,
    "description": "One for all kinds of the namespace.",
}


def _milliseconds(most: int, description: str, *, may_be_null: bool) -> dict[str, Any]:
    return {
        "type": ["integer", "null"] if may_be_null else "integer",
        "minimum": 1,
        "maximum": most,
        "description": description,
    }


UNIQUE: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "description": "One job at a time holds the key.",
    "properties": {
        "key": KEY,
        "until": {"type": "string", "enum": [str(until) for until in Until], "default": Until.FINISHED.value},
        "ttl_ms": _milliseconds(MAX_TTL_MS, "After so long another job may take the key.", may_be_null=True),
        "on_conflict": {
            "type": "string",
            "enum": [str(choice) for choice in OnConflict],
            "default": OnConflict.REJECT.value,
            "description": "409, 200 with the holder, or in place of a holder that does not run.",
        },
    },
    "required": ["key"],
}
DEBOUNCE: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "description": "Starts so long after the last submission with the key, with that one's payload.",
    "properties": {
        "key": KEY,
        "delay_ms": _milliseconds(MAX_DELAY_MS, "How long it waits for another.", may_be_null=False),
        "max_wait_ms": _milliseconds(MAX_DELAY_MS, "The longest wait from the first on.", may_be_null=True),
    },
    "required": ["key", "delay_ms"],
}
