"""What a licence holder's own table is beside a version, and the receipt of its deletion."""

import django.db.models.deletion
import django.db.models.functions.datetime
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_invitations'),
        ('catalog', '0013_measures'),
        ('runs', '0003_cpu_seconds'),
    ]

    operations = [
        migrations.CreateModel(
            name='DriftCheck',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('table', 'a table'), ('sketch', 'a sketch')], max_length=6)),
                ('table', models.CharField(max_length=200)),
                ('target', models.CharField(blank=True, max_length=200)),
                ('name', models.CharField(max_length=200)),
                ('bytes', models.PositiveBigIntegerField()),
                ('sha256', models.CharField(blank=True, max_length=64)),
                ('key', models.CharField(blank=True, max_length=200)),
                ('sketch', models.JSONField(null=True)),
                ('state', models.CharField(choices=[('receiving', 'being received'), ('asked', 'being compared'), ('ready', 'ready'), ('refused', 'refused'), ('failed', 'failed'), ('gone', 'deleted')], max_length=9)),
                ('doing', models.CharField(blank=True, max_length=200)),
                ('report', models.JSONField(null=True)),
                ('problems', models.JSONField(default=list)),
                ('fault_owner', models.CharField(blank=True, max_length=8)),
                ('fault_message', models.TextField(blank=True)),
                ('asked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('ended_at', models.DateTimeField(null=True)),
                ('deleted_at', models.DateTimeField(null=True)),
                ('receipt', models.TextField(blank=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='drift_checks', to='accounts.account')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='drift_checks', to='catalog.version')),
            ],
            options={
                'indexes': [models.Index(fields=['account', '-asked_at'], name='drift_check_newest_first'), models.Index(condition=models.Q(('key', ''), _negated=True), fields=['asked_at'], name='drift_check_with_upload')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('state', 'ready'), _negated=True), ('report__isnull', False), _connector='OR'), name='ready_drift_check_has_report'), models.CheckConstraint(condition=models.Q(('deleted_at__isnull', True), models.Q(('key', ''), models.Q(('receipt', ''), _negated=True)), _connector='OR'), name='deleted_drift_check_has_receipt')],
            },
        ),
    ]
