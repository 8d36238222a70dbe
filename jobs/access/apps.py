"""Tells Django about `jobs.access`."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """The application `jobs.access`: people, keys and the audit log."""

    name = "jobs.access"
    label = "ironforge_access"
    verbose_name = "IronForge access"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the start-up checks; they may be imported only once the settings are there."""
        import_module("jobs.access.checks")
