"""TRUNCATE bypasses row triggers, so a statement trigger refuses it: everywhere but in test databases, which are
emptied between tests."""

from django.db import migrations

TABLES = ("catalog_version", "catalog_file", "catalog_manifest")


def refuse(apps, schema_editor):
    if schema_editor.connection.settings_dict["NAME"].startswith("test_"):
        return
    schema_editor.execute(
        """
        CREATE FUNCTION catalog_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'a published version never changes: % cannot be emptied', TG_TABLE_NAME;
        END $$
        """,
        params=None,
    )
    for table in TABLES:
        schema_editor.execute(
            f"CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION catalog_refuse_truncate()",
            params=None,
        )


def allow(apps, schema_editor):
    for table in TABLES:
        schema_editor.execute(f"DROP TRIGGER IF EXISTS never_emptied ON {table}")
    schema_editor.execute("DROP FUNCTION IF EXISTS catalog_refuse_truncate()")


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]
    operations = [migrations.RunPython(refuse, allow)]
