"""TRUNCATE bypasses row triggers, so a statement trigger refuses it: everywhere but in test databases, which are
emptied between tests."""

from django.db import migrations

TABLES = ("billing_transaction", "billing_entry", "billing_invoice")


def refuse(apps, schema_editor):
    if schema_editor.connection.settings_dict["NAME"].startswith("test_"):
        return
    schema_editor.execute(
        """
        CREATE FUNCTION billing_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the books are only added to: % cannot be emptied', TG_TABLE_NAME;
        END $$
        """,
        params=None,
    )
    for table in TABLES:
        schema_editor.execute(
            f"CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_truncate()",
            params=None,
        )


def allow(apps, schema_editor):
    for table in TABLES:
        schema_editor.execute(f"DROP TRIGGER IF EXISTS never_emptied ON {table}")
    schema_editor.execute("DROP FUNCTION IF EXISTS billing_refuse_truncate()")


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_payables_sought")]
    operations = [migrations.RunPython(refuse, allow)]
