"""Keys for receipts of what was deleted."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('keys', '0001_initial'),
    ]

    operations = [
        migrations.AlterField(
            model_name='signingkey',
            name='purpose',
            field=models.CharField(choices=[('provenance', 'provenance of versions'), ('licence', 'licence certificates'), ('deletion', 'receipts of what was deleted')], max_length=10),
        ),
    ]
