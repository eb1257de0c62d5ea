"""The terms of an order are a row of the catalogue's, as those of a licence are."""

import hashlib

import django.db.models.deletion
import rfc8785
from django.db import migrations, models

ANSWERS = ("commercial_use", "hosted_product", "train_models", "redistribute", "derive", "subset_alone", "attribution")
YES = {"commercial_use", "train_models", "derive"}


def keep_texts(apps, schema_editor):
    """Make terms of each text that an order carried."""
    terms, orders = apps.get_model("catalog", "Terms"), apps.get_model("orders", "Order").objects
    texts = orders.exclude(words="").order_by().values_list("words", flat=True).distinct()
    for number, text in enumerate(texts, start=1000):
        answers = {answer: answer in YES for answer in ANSWERS}
        said = {"kind": "ordered", "title": "Earlier terms", "text": text, **answers}
        digest = hashlib.sha256(rfc8785.dumps(said)).hexdigest()
        orders.filter(words=text).update(terms=terms.objects.create(sha256=digest, number=number, **said))
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0001_initial'),
        ('catalog', '0003_terms'),
    ]

    operations = [
        migrations.RemoveConstraint('order', 'placed_order_has_terms'),
        migrations.RenameField('order', 'terms', 'words'),
        migrations.AddField('order', 'terms', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='catalog.terms')),
        migrations.RunPython(keep_texts, migrations.RunPython.noop),
        migrations.RemoveField('order', 'words'),
        migrations.AddConstraint('order', models.CheckConstraint(condition=models.Q(('run__isnull', True), ('terms__isnull', False), _connector='OR'), name='placed_order_has_terms')),
    ]
