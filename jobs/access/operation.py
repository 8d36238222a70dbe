"""The table of long acts: what was asked, how far it is, and which process works on it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

_LABEL_LENGTH = 200


class Operation(models.Model):
    """A bulk operation or the rest of a purge. It belongs to nobody but its namespace and ends by itself."""

    id = models.CharField(primary_key=True, max_length=36)
    namespace = models.CharField(max_length=63)
    action = models.CharField(max_length=16)
    queue = models.CharField(max_length=64, default="")
    status = models.CharField(max_length=16, default="running")
    reason = models.CharField(max_length=500, default="")
    created_by = models.CharField(max_length=_LABEL_LENGTH)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    # Of a bulk operation: the ids, and what became of each of the first ones.
    job_ids = models.JSONField(default=list)
    items = models.JSONField(default=list)
    # Of a purge: jobs ready later (Unix ms) stay; the rank to go on from.
    until_ms = models.BigIntegerField(default=0)
    after = models.BigIntegerField(default=0)
    done = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    # How many steps are finished; it names the next one, so that its repetition counts once.
    step = models.PositiveIntegerField(default=0)
    # One process works on it until then.
    claimed_until = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at",)
        indexes: ClassVar = [models.Index(fields=["status", "created_at"], name="operations_to_do")]

    def __str__(self) -> str:
        return f"{self.action} {self.id} ({self.status})"
