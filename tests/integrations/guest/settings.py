"""IronForge's settings with tasks of the program's own choosing."""

from __future__ import annotations

from ironforge_site.settings import *  # noqa: F403

TASKS = {"default": {"BACKEND": "jobs.integrations.tasks.IronForgeBackend", "OPTIONS": {"timeout_ms": 30_000}}}
