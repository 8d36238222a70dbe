"""The tables of access: tenants, who belongs to them, keys, attempts to log in, and the record of what was done.

People are Django's own users. Jobs are not here: they live in the store.
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models

from jobs.access import alert, deploy, history, operation, schedule, view
from jobs.access.scopes import Role
from jobs.domain.naming import NAMESPACE

NAMESPACE_LENGTH = 63

# Django finds tables through this module.
Alert = alert.Alert
AlertNotice = alert.AlertNotice
HistoryPoint = history.HistoryPoint
HistoryReading = history.HistoryReading
Deploy = deploy.Deploy
RunningVersions = deploy.RunningVersions
HistoryClock = history.HistoryClock
Operation = operation.Operation
OperationBatch = operation.OperationBatch
Schedule = schedule.Schedule
SavedView = view.SavedView
ColumnChoice = view.ColumnChoice


class Namespace(models.Model):
    """A tenant. Its name is part of every key in the store, so it never changes."""

    name = models.CharField(
        max_length=NAMESPACE_LENGTH,
        unique=True,
        validators=[RegexValidator(rf"\A{NAMESPACE.pattern}\Z", "lower case letters, digits and dashes")],
    )
    created_at = models.DateTimeField(auto_now_add=True)
    # Of one that is being deleted: since when and by whom, how many of its jobs are gone, until when one process works
    # on it, and when nothing of it was left in the store. The row keeps the name from being given away for a while.
    deleting_since = models.DateTimeField(null=True)
    deleted_by = models.CharField(max_length=200, default="")
    deleted_jobs = models.PositiveBigIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """What a person is in one namespace."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=[(role.value, role.value) for role in Role])
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "namespace"], name="one_role_per_namespace")]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} in {self.namespace}"


class ApiKey(models.Model):
    """A program's credential. Only the SHA-256 of the secret is kept; the prefix finds the row and names the key."""

    name = models.CharField(max_length=100)
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="api_keys")
    prefix = models.CharField(max_length=12, unique=True)
    secret_hash = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    created_by = models.CharField(max_length=150, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"


class LoginAttempts(models.Model):
    """How often one account or one address tried to log in during its present minute."""

    subject = models.CharField(max_length=64, unique=True)
    count = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.count} since {self.started_at}"


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    """Refuses what would change or remove a record."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AuditIsAppendOnly

    def delete(self) -> NoReturn:
        """Refuse."""
        raise AuditIsAppendOnly


class AuditIsAppendOnly(TypeError):
    """An entry of the audit log was to be changed or removed: a mistake in the program that tried."""

    def __init__(self) -> None:
        super().__init__("Entries of the audit log are never changed or removed.")


class AuditEntry(models.Model):
    """One thing that somebody did. Names are copied, not linked, so that it stays true when they are gone."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=200)
    actor_kind = models.CharField(max_length=16)
    action = models.CharField(max_length=64)
    target_kind = models.CharField(max_length=32)
    target_id = models.CharField(max_length=200)
    namespace = models.CharField(max_length=NAMESPACE_LENGTH)
    reason = models.CharField(max_length=500, default="")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    request_id = models.CharField(max_length=64, default="")
    # Place in the namespace's chain, from 1, and the SHA-256 that binds it to all before it: see audit_chain.
    position = models.PositiveBigIntegerField()
    previous_hash = models.CharField(max_length=64, default="")
    hash = models.CharField(max_length=64)

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["namespace", "position"], name="audit_one_chain"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["namespace", "-id"], name="audit_newest"),
            models.Index(fields=["namespace", "target_kind", "target_id", "-id"], name="audit_of_target"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.target_kind} {self.target_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write a new entry. Raises AuditIsAppendOnly for one that is written already."""
        if self.pk is not None:
            raise AuditIsAppendOnly
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AuditIsAppendOnly
