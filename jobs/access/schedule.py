"""The table of schedules: when each fires, what it makes, and how far its instants are decided."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from jobs.domain.schedule import DEFAULT_CATCH_UP_LIMIT
from jobs.domain.schedule_policy import CatchUp, Overlap

_LABEL_LENGTH = 200


class Schedule(models.Model):
    """A schedule of one namespace. Times ending in `_ms` are Unix ms of the store's clock.

    The store's mark says which instants are decided; `decided_ms` is a copy of it, which may lag behind.
    """

    id = models.CharField(primary_key=True, max_length=36)
    namespace = models.CharField(max_length=63)
    name = models.CharField(max_length=64)
    # Rises with each change, so that whoever has read an older one decides nothing.
    revision = models.PositiveBigIntegerField(default=1)
    cron = models.CharField(max_length=256, default="")
    zone = models.CharField(max_length=64, default="UTC")
    every_ms = models.PositiveBigIntegerField(default=0)
    anchor_ms = models.PositiveBigIntegerField(default=0)
    at_ms = models.PositiveBigIntegerField(null=True)
    jitter_ms = models.PositiveIntegerField(default=0)
    catch_up = models.CharField(max_length=16, default=CatchUp.LATEST.value)
    catch_up_limit = models.PositiveIntegerField(default=DEFAULT_CATCH_UP_LIMIT)
    overlap = models.CharField(max_length=16, default=Overlap.ALLOW.value)
    # The job that it makes, as a client would submit it: JSON text.
    job = models.TextField()
    # Instants up to then are none of its own: it was made, changed or resumed then.
    starts_ms = models.PositiveBigIntegerField()
    decided_ms = models.PositiveBigIntegerField()
    # The next instant; none: it has ended.
    next_ms = models.PositiveBigIntegerField(null=True)
    # Why it cannot fire, and how often that was found in a row; it is not looked at before `look_ms`.
    fault = models.CharField(max_length=500, default="")
    failures = models.PositiveIntegerField(default=0)
    look_ms = models.PositiveBigIntegerField(default=0)
    is_paused = models.BooleanField(default=False)
    pause_reason = models.CharField(max_length=500, default="")
    paused_by = models.CharField(max_length=_LABEL_LENGTH, default="")
    paused_at = models.DateTimeField(null=True)
    # Of one that code declares: when a worker last said so; it sleeps while none does.
    is_code = models.BooleanField(default=False)
    is_asleep = models.BooleanField(default=False)
    created_by = models.CharField(max_length=_LABEL_LENGTH)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["namespace", "name"], name="one_schedule_of_a_name"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["is_paused", "is_asleep", "next_ms"], name="schedules_due"),
            models.Index(fields=["namespace", "next_ms"], name="schedules_by_minute"),
        ]

    def __str__(self) -> str:
        return f"{self.name} in {self.namespace}"
