"""Carries the orders of the environment out when Django is ready, in servers and in workers."""

from __future__ import annotations

import os
from pathlib import Path

from django.apps import AppConfig

from tests.torture.duties import clock, unsafe


class DutiesConfig(AppConfig):
    """The app."""

    name = "tests.torture.duties"
    label = "torture_duties"

    def ready(self) -> None:
        """Let the clock jump when it is told to, and switch a safety off."""
        if path := os.environ.get("TORTURE_CLOCK"):
            clock.follow(Path(path))
        if folder := os.environ.get("TORTURE_LUA"):
            unsafe.use_scripts_of(Path(folder))
