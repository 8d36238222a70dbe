"""Each entry of the audit log gets its place in its namespace's chain, those that are there in the order of their ids."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

from jobs.access.audit_chain import Head, hash_of


def _chain(apps: Any, _schema: Any) -> None:
    entries = apps.get_model("ironforge_access", "AuditEntry")._base_manager
    heads: dict[str, Head] = {}
    for entry in entries.order_by("id").iterator():
        head = heads.get(entry.namespace, Head())
        entry.position, entry.previous_hash = head.position + 1, head.hash
        entry.hash = hash_of(entry)
        entry.save(update_fields=("position", "previous_hash", "hash"))
        heads[entry.namespace] = Head(entry.position, entry.hash)


class Migration(migrations.Migration):
    dependencies = [("ironforge_access", "0006_tracked_operation")]

    operations = [
        migrations.AlterField("auditentry", "at", models.DateTimeField()),
        migrations.AddField("auditentry", "position", models.PositiveBigIntegerField(null=True)),
        migrations.AddField("auditentry", "previous_hash", models.CharField(default="", max_length=64)),
        migrations.AddField("auditentry", "hash", models.CharField(default="", max_length=64), preserve_default=False),
        migrations.RunPython(_chain, migrations.RunPython.noop),
        migrations.AlterField("auditentry", "position", models.PositiveBigIntegerField()),
        migrations.AddConstraint(
            "auditentry", models.UniqueConstraint(fields=("namespace", "position"), name="audit_one_chain")
        ),
    ]
