"""The tables of long acts: what was asked, how far it is, which process works on it, and what became of each job."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

_LABEL_LENGTH = 200


class Operation(models.Model):
    """A bulk operation or the rest of a purge. It belongs to nobody but its namespace and ends by itself."""

    id = models.CharField(primary_key=True, max_length=36)
    namespace = models.CharField(max_length=63)
    action = models.CharField(max_length=16)
    status = models.CharField(max_length=16, default="running")
    reason = models.CharField(max_length=500, default="")
    created_by = models.CharField(max_length=_LABEL_LENGTH)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    # What is done with which jobs. Jobs that came later than `until_ms` (Unix ms) stay.
    queue = models.CharField(max_length=64, default="")
    priority = models.CharField(max_length=16, default="")
    selection = models.JSONField(null=True)
    until_ms = models.BigIntegerField(default=0)
    pace_per_s = models.PositiveIntegerField(null=True)
    canary = models.JSONField(null=True)
    is_preview = models.BooleanField(default=False)
    # The search: the place to go on from, and what was found, by queue and kind.
    place = models.CharField(max_length=120, default="")
    looked_at = models.PositiveBigIntegerField(default=0)
    matched = models.PositiveBigIntegerField(default=0)
    is_cut = models.BooleanField(default=False)
    counts = models.JSONField(default=list)
    # The act: how many jobs were taken in their order, and what became of them. A purge counts ranks in `after`.
    after = models.BigIntegerField(default=0)
    taken = models.PositiveBigIntegerField(default=0)
    done = models.PositiveBigIntegerField(default=0)
    skipped = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    # The rate is told since then, without what was taken before.
    paced_since = models.DateTimeField(null=True)
    paced_from = models.PositiveBigIntegerField(default=0)
    # The canary: `watching` until then, what was seen, and why it stopped.
    watched_until = models.DateTimeField(null=True)
    canary_count = models.JSONField(null=True)
    is_canary_over = models.BooleanField(default=False)
    stop_reason = models.CharField(max_length=200, default="")
    # The pace (jobs a second) as long as it grows, and when it is raised next.
    ramp_pace = models.FloatField(null=True)
    ramp_at = models.DateTimeField(null=True)
    # How many steps failed in a row, and what was wrong with the last.
    failures = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=200, default="")
    # What somebody wants of whoever works on it: `abort` or `pause`; and what it was doing before a pause or
    # a stop after which it goes on just there.
    wanted = models.CharField(max_length=8, default="")
    paused_at_status = models.CharField(max_length=16, default="")
    # How many steps are finished; a step is written down only if nobody else has done so.
    step = models.PositiveIntegerField(default=0)
    # No step before `next_at`; one process works on it until `claimed_until`.
    next_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes: ClassVar = [
            models.Index(fields=["status", "next_at"], name="operations_due"),
            models.Index(fields=["namespace", "-created_at", "-id"], name="operations_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.id} ({self.status})"


class OperationBatch(models.Model):
    """Up to 200 jobs of an operation, found before any of them is touched."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="batches")
    # The place of the first of them in the operation, from 0.
    first = models.PositiveBigIntegerField()
    ids = models.JSONField()
    # Two letters for each that was taken: the code and the status then. See services/operation_outcomes.py.
    codes = models.TextField(default="")
    # How many of them were not done.
    undone = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["operation", "first"], name="batches_in_order")]

    def __str__(self) -> str:
        return f"{self.operation_id} from {self.first}"
