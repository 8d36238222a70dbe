"""Tells Django about `workers`."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register

from workers.checks import check_handlers


class WorkersConfig(AppConfig):
    """The application `workers`."""

    name = "workers"
    label = "ironforge_workers"
    verbose_name = "IronForge workers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let `manage.py check` look at the packages of handlers."""
        register(check_handlers)
