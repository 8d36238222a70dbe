"""The tables of what namespaces did: a row a minute for 72 hours, a row an hour for 90 days."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

MINUTE_S, HOUR_S = 60, 3_600


class HistoryPoint(models.Model):
    """What a namespace did in one minute or hour. A row that is missing says that nothing happened."""

    namespace = models.CharField(max_length=63)
    # 60 or 3 600.
    step_s = models.PositiveIntegerField()
    # The start, in Unix seconds of the store's clock.
    at = models.PositiveBigIntegerField()
    # A `Moment` as JSON text.
    moment = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["namespace", "step_s", "at"], name="history_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["step_s", "at"], name="history_by_age")]

    def __str__(self) -> str:
        return f"{self.namespace} at {self.at} for {self.step_s} s"


class HistoryReading(models.Model):
    """The totals of a namespace as they were read last, from which the next reading is told apart."""

    namespace = models.CharField(max_length=63, unique=True)
    # The first minute that is not written down yet, in Unix seconds.
    at = models.PositiveBigIntegerField()
    # JSON text: totals by name.
    totals = models.TextField()

    def __str__(self) -> str:
        return f"{self.namespace} up to {self.at}"


class HistoryClock(models.Model):
    """Which process writes down which minute and which hour: the one that moves the single row on."""

    # The newest minute that somebody has taken on, and the first hour that is not rolled up, in Unix seconds.
    minute = models.PositiveBigIntegerField(default=0)
    hour = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"minute {self.minute}, hour {self.hour}"
