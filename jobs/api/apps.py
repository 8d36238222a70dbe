"""Tells Django about `jobs.api`."""

from __future__ import annotations

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The application `jobs.api`."""

    name = "jobs.api"
    label = "ironforge_api"
    verbose_name = "IronForge API"
    default_auto_field = "django.db.models.BigAutoField"
