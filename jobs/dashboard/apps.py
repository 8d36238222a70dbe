"""Tells Django about `jobs.dashboard`."""

from __future__ import annotations

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """The application `jobs.dashboard`."""

    name = "jobs.dashboard"
    label = "ironforge_dashboard"
    verbose_name = "IronForge console"
    default_auto_field = "django.db.models.BigAutoField"
