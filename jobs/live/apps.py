"""Tells Django about `jobs.live`."""

from __future__ import annotations

from django.apps import AppConfig


class LiveConfig(AppConfig):
    """The application `jobs.live`."""

    name = "jobs.live"
    label = "ironforge_live"
    verbose_name = "IronForge live updates"
    default_auto_field = "django.db.models.BigAutoField"
