"""Terms become rows of their own, with versions and answers; offers and licences point at them."""

import hashlib

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
import rfc8785
import uuid_utils.compat
from django.db import migrations, models

ANSWERS = ("commercial_use", "hosted_product", "train_models", "redistribute", "derive", "subset_alone", "attribution")
YES = {"commercial_use", "train_models", "derive"}  # what the one text of before allowed
MODELS = (("Offer", "commercial"), ("Licence", "made"))


def keep_texts(apps, schema_editor):
    """Make terms of each text that an offer or a licence carried."""
    terms = apps.get_model("catalog", "Terms")
    for name, kind in MODELS:
        carriers = apps.get_model("catalog", name).objects
        for number, text in enumerate(carriers.order_by().values_list("words", flat=True).distinct(), start=1000):
            answers = {answer: answer in YES for answer in ANSWERS}
            said = {"kind": kind, "title": "Earlier terms", "text": text, **answers}
            digest = hashlib.sha256(rfc8785.dumps(said)).hexdigest()
            row = terms.objects.create(sha256=digest, number=number, **said)
            carriers.filter(words=text).update(terms=row)
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def refuse_truncate(apps, schema_editor):
    if not schema_editor.connection.settings_dict["NAME"].startswith("test_"):
        schema_editor.execute(
            "CREATE TRIGGER never_emptied BEFORE TRUNCATE ON catalog_terms "
            "FOR EACH STATEMENT EXECUTE FUNCTION catalog_refuse_truncate()"
        )


def allow_truncate(apps, schema_editor):
    schema_editor.execute("DROP TRIGGER IF EXISTS never_emptied ON catalog_terms")


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('catalog', '0002_refuse_truncate'),
    ]

    operations = [
        migrations.CreateModel(
            name='Terms',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('evaluation', 'evaluation'), ('research', 'research'), ('commercial', 'commercial use'), ('redistribution', 'redistribution'), ('made', 'made by the account'), ('ordered', 'made to order')], max_length=14)),
                ('number', models.PositiveIntegerField()),
                ('title', models.CharField(max_length=80)),
                ('text', models.TextField()),
                ('commercial_use', models.BooleanField()),
                ('hosted_product', models.BooleanField()),
                ('train_models', models.BooleanField()),
                ('redistribute', models.BooleanField()),
                ('derive', models.BooleanField()),
                ('subset_alone', models.BooleanField()),
                ('attribution', models.BooleanField()),
                ('sha256', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'verbose_name_plural': 'terms',
            },
        ),
        migrations.RemoveConstraint(
            model_name='offer',
            name='one_open_offer_a_title',
        ),
        migrations.RemoveField(
            model_name='offer',
            name='title',
        ),
        migrations.AddField(
            model_name='licence',
            name='ends_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='licence',
            name='seats',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='offer',
            name='days',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='offer',
            name='later_versions',
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name='offer',
            name='seats',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='terms',
            name='account',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='terms', to='accounts.account'),
        ),
        migrations.RenameField('licence', 'terms', 'words'),
        migrations.AddField('licence', 'terms', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='licences', to='catalog.terms')),
        migrations.RenameField('offer', 'terms', 'words'),
        migrations.AddField('offer', 'terms', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='offers', to='catalog.terms')),
        migrations.RunPython(keep_texts, migrations.RunPython.noop),
        migrations.AlterField('licence', 'terms', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='licences', to='catalog.terms')),
        migrations.RemoveField('licence', 'words'),
        migrations.AlterField('offer', 'terms', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='offers', to='catalog.terms')),
        migrations.RemoveField('offer', 'words'),
        migrations.AddConstraint(
            model_name='offer',
            constraint=models.UniqueConstraint(condition=models.Q(('open', True)), fields=('listing', 'terms', 'seats', 'days'), name='one_open_offer_of_a_kind', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='terms',
            constraint=models.UniqueConstraint(fields=('account', 'kind', 'number'), name='one_terms_a_number', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='terms',
            constraint=models.UniqueConstraint(fields=('account', 'sha256'), name='one_terms_a_digest', nulls_distinct=False),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='terms',
            trigger=pgtrigger.compiler.Trigger(name='never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='dd04c4a37b4e6ac6430fe78a3aca6dfe868ca6b8', operation='UPDATE OR DELETE', pgid='pgtrigger_never_changes_0002f', table='catalog_terms', when='BEFORE')),
        ),
        migrations.RunPython(refuse_truncate, allow_truncate),
    ]
