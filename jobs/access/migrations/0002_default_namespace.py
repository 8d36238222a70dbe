"""The namespace that exists from the start: open access and unnamed workers act in it."""

from django.db import migrations


def create_default(apps, schema_editor):
    apps.get_model("ironforge_access", "Namespace").objects.get_or_create(name="default")


class Migration(migrations.Migration):
    dependencies = [("ironforge_access", "0001_initial")]

    operations = [migrations.RunPython(create_default, migrations.RunPython.noop)]
