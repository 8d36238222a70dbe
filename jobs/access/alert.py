"""The tables of alerts: rules with where they stand, and what was sent to whom."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from jobs.domain.alert import AlertState


class Alert(models.Model):
    """A rule of one namespace, and where it stands. Times of its standing in Unix seconds of the server's clock."""

    namespace = models.CharField(max_length=63)
    name = models.CharField(max_length=64)
    # An `AlertRule` as JSON text.
    rule = models.TextField()
    # Signs what its webhook gets.
    secret = models.CharField(max_length=64)
    # The one before, and until when (Unix seconds) it signs beside it.
    earlier_secret = models.CharField(max_length=64, default="")
    earlier_until = models.FloatField(default=0)
    created_by = models.CharField(max_length=200)
    changed_at = models.DateTimeField(auto_now=True)
    state = models.CharField(max_length=16, default=AlertState.OK.value)
    since = models.FloatField(default=0)
    better_since = models.FloatField(null=True)
    value = models.FloatField(null=True)
    # Whoever moves it on looks at the rule; Unix seconds.
    looked_at = models.FloatField(default=0)

    class Meta:
        ordering = ("name",)
        constraints: ClassVar = [models.UniqueConstraint(fields=["namespace", "name"], name="one_alert_of_a_name")]
        indexes: ClassVar = [models.Index(fields=["looked_at"], name="alerts_to_look_at")]

    def __str__(self) -> str:
        return f"{self.name} in {self.namespace}: {self.state}"

    def valid_secrets(self, now_s: float) -> list[str]:
        """Return what to sign with, the present secret first."""
        return [self.secret, self.earlier_secret] if self.earlier_until > now_s else [self.secret]


class AlertNotice(models.Model):
    """One message to one receiver, sent until it arrives or a day has passed."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="notices")
    namespace = models.CharField(max_length=63)
    # `firing`, `resolved` or `test`.
    event = models.CharField(max_length=16)
    # `email` or `webhook`, and the address.
    channel = models.CharField(max_length=8)
    target = models.CharField(max_length=2048)
    # What a webhook gets: JSON text; of an e-mail the subject's and the text's source.
    body = models.TextField()
    message_id = models.CharField(max_length=36)
    created_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    # The next attempt; none: it arrived or was given up.
    next_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    # What came of the last attempt.
    detail = models.CharField(max_length=300, default="")

    class Meta:
        ordering = ("-id",)
        indexes: ClassVar = [models.Index(fields=["next_at"], name="alert_notices_due")]

    def __str__(self) -> str:
        return f"{self.event} by {self.channel}"
