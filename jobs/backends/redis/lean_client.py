"""Loads redis-py without OpenTelemetry, which it takes for metrics of its own wherever that is installed.

Nobody here asks for those metrics, and a worker that does not trace has no memory for them. A program that has loaded
either of the two by itself keeps them as they are.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Final

_OPTIONAL: Final = ("opentelemetry.metrics", "opentelemetry.sdk.metrics")


def load() -> None:
    """Load redis-py; while it is loaded, what it may use and does not need is as if it were not installed."""
    if "redis" in sys.modules or "opentelemetry" in sys.modules:
        return
    # None is Python's own mark for a module that cannot be had.
    modules: dict[str, Any] = sys.modules
    modules.update(dict.fromkeys(_OPTIONAL))
    try:
        import_module("redis")
    finally:
        for name in _OPTIONAL:
            del modules[name]
