"""Tells Django about `workers`."""

from __future__ import annotations

from django.apps import AppConfig


class WorkersConfig(AppConfig):
    """The application `workers`."""

    name = "workers"
    label = "ironforge_workers"
    verbose_name = "IronForge workers"
    default_auto_field = "django.db.models.BigAutoField"
