"""The tables of what people keep of the list of jobs: named views, and the columns they last chose."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

_OWNER_LENGTH = 200


class SavedView(models.Model):
    """A named list of jobs. It is its owner's, who is named as in the audit log; shared ones are seen by all."""

    namespace = models.CharField(max_length=63)
    owner = models.CharField(max_length=_OWNER_LENGTH)
    name = models.CharField(max_length=60)
    # The query of the list's address: filters and columns.
    query = models.CharField(max_length=2000)
    is_shared = models.BooleanField(default=False)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name", "id")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["namespace", "owner", "name"], name="one_view_of_a_name"),
        ]
        indexes: ClassVar = [models.Index(fields=["namespace", "is_shared"], name="views_shared")]

    def __str__(self) -> str:
        return f"{self.name} of {self.owner} in {self.namespace}"


class ColumnChoice(models.Model):
    """Which columns of the list of jobs somebody chose last, by name, separated by commas."""

    namespace = models.CharField(max_length=63)
    owner = models.CharField(max_length=_OWNER_LENGTH)
    columns = models.CharField(max_length=300)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["namespace", "owner"], name="one_choice_of_columns"),
        ]

    def __str__(self) -> str:
        return f"{self.columns} of {self.owner} in {self.namespace}"
