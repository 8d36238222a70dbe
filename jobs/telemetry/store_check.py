"""`manage.py check` looks at the store as well; other commands do not, for they must work while it is away."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004

from jobs import wiring
from jobs.domain.errors import BackendUnavailable


def check_store(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """Return the doubts about the store, each with its fix."""
    if sys.argv[1:2] != ["check"]:
        return []
    try:
        findings = wiring.check_store()
    except BackendUnavailable as away:
        hint = "Start it with `make run`, or set IRONFORGE_REDIS_URL."
        return [Warning(f"The store could not be looked at: {away.detail}", hint=hint, id="ironforge.W100")]
    kinds = {"refuse": Error, "warn": Warning}
    return [
        kinds[finding.level](finding.message, hint=finding.hint or None, id=f"ironforge.{finding.id}")
        for finding in findings
        if finding.level in kinds
    ]
