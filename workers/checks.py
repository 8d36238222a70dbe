"""`manage.py check` tells of packages that were named for their handlers and have none; a worker does at its start."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Warning  # noqa: A004

from workers.discovery import missing_hint, packages_without_handlers


def check_handlers(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """Warn of each such package."""
    if sys.argv[1:2] != ["check"]:
        return []
    return [
        Warning(
            f"IRONFORGE_HANDLERS names {name}, which has no handlers.py: it brings no handlers.",
            hint=missing_hint(name),
            id="ironforge.W004",
        )
        for name in packages_without_handlers()
    ]
