from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ironforge_access", "0003_operation"),
    ]

    operations = [
        migrations.AddField("namespace", "deleting_since", models.DateTimeField(null=True)),
        migrations.AddField("namespace", "deleted_by", models.CharField(default="", max_length=200)),
        migrations.AddField("namespace", "deleted_jobs", models.PositiveBigIntegerField(default=0)),
        migrations.AddField("namespace", "claimed_until", models.DateTimeField(null=True)),
        migrations.AddField("namespace", "deleted_at", models.DateTimeField(null=True)),
    ]
