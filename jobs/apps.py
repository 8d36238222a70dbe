"""Tells Django about `jobs`."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register

from jobs.telemetry.store_check import check_store


class JobsConfig(AppConfig):
    """The application `jobs`."""

    name = "jobs"
    label = "ironforge"
    verbose_name = "IronForge"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let `manage.py check` look at the store."""
        register(check_store, "store")
