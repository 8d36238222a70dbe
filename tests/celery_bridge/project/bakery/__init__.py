"""A usual project with Celery: it knows nothing of IronForge."""

from bakery.celery import app as celery_app

__all__ = ("celery_app",)
