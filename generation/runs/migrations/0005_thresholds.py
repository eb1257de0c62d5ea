"""What a version must keep to be published."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("runs", "0004_drift_checks")]

    operations: ClassVar = [
        migrations.AddField("making", "thresholds", models.JSONField(default=list)),
        migrations.AddField("run", "thresholds", models.JSONField(default=list)),
    ]
