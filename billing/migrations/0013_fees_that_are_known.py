"""What Stripe keeps of each charge, where payment or ledger say so; the others are asked for at Stripe."""

from django.db import migrations
from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Concat


def copy(apps, schema_editor):
    intents = apps.get_model("billing", "Intent").objects.filter(state="succeeded", fee=None)
    payments = apps.get_model("billing", "Payment").objects
    entries = apps.get_model("billing", "Entry").objects
    of_payment = payments.filter(id=OuterRef("payment")).values("fee")
    intents.filter(surplus=False).update(fee=Subquery(of_payment))
    posted = entries.filter(book="stripe_fees", transaction__key=Concat(Value("fee:"), OuterRef("charge_id")))
    intents.filter(surplus=True).update(fee=Subquery(posted.values("amount")[:1]))


class Migration(migrations.Migration):
    dependencies = [("billing", "0012_fees_of_intents")]
    operations = [migrations.RunPython(copy, migrations.RunPython.noop)]
