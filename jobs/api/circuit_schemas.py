"""The schemas of what a limit of a kind may say of failures. Their bounds are the domain's own constants."""

from __future__ import annotations

from typing import Any

from jobs.domain.circuit import (
    MAX_COOL_DOWN_MS,
    MAX_LEAST,
    MAX_PER_MINUTE,
    MAX_PROBES,
    MAX_WINDOW_MS,
    MIN_COOL_DOWN_MS,
    MIN_WINDOW_MS,
    Circuit,
    RetryBudget,
)

_CIRCUIT, _BUDGET = Circuit(), RetryBudget()


def _integer(low: int, high: int, default: int, description: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high, "default": default, "description": description}


def _optional(description: str, properties: dict[str, Any]) -> dict[str, Any]:
    made = {"type": ["object", "null"], "description": description, "properties": properties}
    return made | {"additionalProperties": False}


_COOL_DOWN = (MIN_COOL_DOWN_MS, MAX_COOL_DOWN_MS)
_WINDOW = (MIN_WINDOW_MS, MAX_WINDOW_MS)

# Beside those of any limit.
KIND_TERMS: dict[str, Any] = {
    "circuit": _optional(
        "Where too many attempts fail, none starts for a while, then some on trial.",
        {
            "percent": _integer(1, 100, _CIRCUIT.percent, "It opens when so many of a hundred attempts fail …"),
            "least": _integer(1, MAX_LEAST, _CIRCUIT.least, "… of at least so many …"),
            "window_ms": _integer(*_WINDOW, _CIRCUIT.window_ms, "… in this time."),
            "cool_down_ms": _integer(*_COOL_DOWN, _CIRCUIT.cool_down_ms, "How long none starts; twice as long again …"),
            "max_cool_down_ms": _integer(*_COOL_DOWN, _CIRCUIT.max_cool_down_ms, "… up to this."),
            "probes": _integer(1, MAX_PROBES, _CIRCUIT.probes, "How many start on trial then."),
        },
    ),
    "retry_budget": _optional(
        "How many failed attempts are tried again as soon as their back-off says; the others wait longer.",
        {
            "percent": _integer(0, 100, _BUDGET.percent, "Retries for a hundred first attempts …"),
            "per_minute": _integer(0, MAX_PER_MINUTE, _BUDGET.per_minute, "… and beside them in a minute …"),
            "window_ms": _integer(*_WINDOW, _BUDGET.window_ms, "… counted over this time."),
        },
    ),
}
