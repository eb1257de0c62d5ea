"""Where each file's rows begin within its split, told of the files that are there already."""

from django.db import migrations, models

# What is told follows from what was published; the published columns stay as they are.
TELL = """
ALTER TABLE catalog_file DISABLE TRIGGER USER;
UPDATE catalog_file AS file SET first_row = before.rows
FROM (
    SELECT id, coalesce(
        sum(rows) OVER (
            PARTITION BY version_id, config, split ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0
    ) AS rows
    FROM catalog_file
) AS before
WHERE file.id = before.id AND before.rows > 0;
ALTER TABLE catalog_file ENABLE TRIGGER USER;
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0003_terms")]
    operations = [
        migrations.AddField("file", "first_row", models.PositiveBigIntegerField(default=0)),
        migrations.RunSQL(TELL, migrations.RunSQL.noop),
        migrations.AddIndex(
            "file", models.Index(fields=["version", "config", "split", "first_row"], name="file_by_rows")
        ),
    ]
