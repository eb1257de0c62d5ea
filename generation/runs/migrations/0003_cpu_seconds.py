"""What a shard took, for whoever pays for it."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0002_making'),
    ]

    operations = [
        migrations.AddField(
            model_name='shard',
            name='cpu_seconds',
            field=models.FloatField(default=0),
        ),
    ]
