"""What is held for disputes of a payment, as the ledger has it, is said by one of them: an open one, if there is any.

One that is over and holds something is looked at again, and then the rest is booked.
"""

from django.db import migrations
from django.db.models import Sum


def copy(apps, schema_editor):
    disputes = apps.get_model("billing", "Dispute").objects
    entries = apps.get_model("billing", "Entry").objects.filter(book="disputes_held")
    held = entries.values_list("transaction__payment").annotate(held=Sum("amount")).exclude(held=0)
    for payment, amount in held.order_by().iterator():
        of_payment = disputes.filter(payment=payment)
        dispute = of_payment.filter(state="open").order_by("id").first() or of_payment.order_by("-id").first()
        if dispute is not None:
            disputes.filter(id=dispute.id).update(held=amount)


class Migration(migrations.Migration):
    dependencies = [("billing", "0014_held_for_disputes")]
    operations = [migrations.RunPython(copy, migrations.RunPython.noop)]
