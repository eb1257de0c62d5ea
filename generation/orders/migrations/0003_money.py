"""Tariffs, thresholds, and the payment of an order."""

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


def refuse_truncate(apps, schema_editor):
    """As in the catalogue: everywhere but in test databases, which are emptied between tests."""
    if not schema_editor.connection.settings_dict["NAME"].startswith("test_"):
        schema_editor.execute(
            "CREATE TRIGGER never_emptied BEFORE TRUNCATE ON orders_tariff "
            "FOR EACH STATEMENT EXECUTE FUNCTION catalog_refuse_truncate()",
            params=None,
        )


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_invitations'),
        ('billing', '0001_initial'),
        ('catalog', '0009_news'),
        ('orders', '0002_terms'),
        ('runs', '0003_cpu_seconds'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField('order', 'compute_paid_by', models.CharField(blank=True, choices=[('buyer', 'the buyer'), ('seller', 'the generator’s owner'), ('platform', 'the marketplace')], max_length=8)),
        migrations.AddField('order', 'computed', models.FloatField(default=0)),
        migrations.AddField('order', 'pay_until', models.DateTimeField(null=True)),
        migrations.AddField('order', 'payment', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='order', to='billing.payment')),
        migrations.AddField('order', 'thresholds', models.JSONField(default=list)),
        migrations.AddField('order', 'unmet', models.JSONField(default=list)),
        migrations.CreateModel(
            name='Tariff',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField()),
                ('currency', models.CharField(max_length=3)),
                ('base', models.PositiveBigIntegerField(default=0)),
                ('per_unit', models.PositiveBigIntegerField(default=0)),
                ('per_units', models.PositiveBigIntegerField(default=1)),
                ('minimum', models.PositiveBigIntegerField(default=0)),
                ('surcharges', models.JSONField(default=list)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('generator', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tariffs', to='runs.generator')),
                ('set_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddField('order', 'tariff', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='orders.tariff')),
        migrations.AddConstraint('order', models.CheckConstraint(condition=models.Q(('run__isnull', True), ('price', 0), ('payment__isnull', False), _connector='OR'), name='nothing_is_made_unpaid_for')),
        migrations.AddConstraint('tariff', models.UniqueConstraint(fields=('generator', 'number'), name='one_tariff_a_number')),
        migrations.AddConstraint('tariff', models.CheckConstraint(condition=models.Q(('per_units__gt', 0)), name='tariff_counts_by_something')),
        pgtrigger.migrations.AddTrigger(
            model_name='tariff',
            trigger=pgtrigger.compiler.Trigger(name='never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='e89e7b2a61f1ec0bb2f7e7f5337af239f4298865', operation='UPDATE OR DELETE', pgid='pgtrigger_never_changes_82eb3', table='orders_tariff', when='BEFORE')),
        ),
        migrations.RunPython(refuse_truncate, migrations.RunPython.noop),
    ]
