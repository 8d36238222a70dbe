"""The tables of deploy marks: when which version of the application came, and which versions run."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from jobs.domain.deploy import MAX_LINK, MAX_NOTE, MAX_VERSION


class Deploy(models.Model):
    """A mark in the charts of a namespace."""

    namespace = models.CharField(max_length=63)
    # Unix ms.
    at = models.PositiveBigIntegerField()
    version = models.CharField(max_length=MAX_VERSION)
    note = models.CharField(max_length=MAX_NOTE, default="")
    link = models.CharField(max_length=MAX_LINK, default="")
    # Who made it, as the audit log names an actor.
    by = models.CharField(max_length=200)
    is_automatic = models.BooleanField(default=False)

    class Meta:
        ordering = ("-at", "-id")
        indexes: ClassVar = [models.Index(fields=["namespace", "-at"], name="deploys_newest")]

    def __str__(self) -> str:
        return f"{self.version} in {self.namespace}"


class RunningVersions(models.Model):
    """The versions that workers of a namespace ran when it was looked last."""

    namespace = models.CharField(max_length=63, unique=True)
    # JSON text: when it was seen last (Unix ms) by version, 0 for one that runs.
    versions = models.TextField()

    def __str__(self) -> str:
        return f"versions of {self.namespace}"
