"""Finds the handlers: `handlers.py` of each installed app, IRONFORGE_HANDLERS among them, and the demo's."""

from __future__ import annotations

from importlib import import_module

from django.utils.module_loading import autodiscover_modules

from jobs.conf import conf
from workers.registry import Registry, registry

DEMO_MODULES = ("workers.handlers.demo", "workers.handlers.email")


def discover() -> Registry:
    """Import every module of handlers and return what registered. Raises what an import raises."""
    autodiscover_modules("handlers")
    if conf().is_demo:
        for name in DEMO_MODULES:
            import_module(name)
    return registry
