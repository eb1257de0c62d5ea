import django.contrib.postgres.indexes
from django.db import migrations, models


# Each tier is read with its number written out: only so is the index of that tier used. The tiers to 4 hold a quarter of
# all entries: where ``enough`` are found there, no more are read.
FOUND = """
CREATE FUNCTION catalog_search_found(sought tsquery, words tsquery, most integer, enough integer)
RETURNS TABLE (
    listing_id uuid, cell_id bigint, seller varchar, generator varchar, tier smallint, rank double precision
)
LANGUAGE plpgsql STABLE ROWS 1000 AS $$
DECLARE
    so_far integer := 0;
    wanted integer;
    got integer;
BEGIN
    FOR number IN 0..6 LOOP
        wanted := CASE WHEN number <= 4 THEN least(most, enough) ELSE most END - so_far;
        RETURN QUERY EXECUTE format(
            'SELECT listing_id, cell_id, seller, generator, tier, ts_rank(text, $2)::double precision
             FROM catalog_searchentry WHERE text @@ $1 AND tier = %s LIMIT $3', number
        ) USING sought, words, wanted;
        GET DIAGNOSTICS got = ROW_COUNT;
        so_far := so_far + got;
        EXIT WHEN got = wanted;
    END LOOP;
END
$$
"""


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0010_certificates'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='searchentry',
            name='search_cell',
        ),
        migrations.AddField(
            model_name='searchentry',
            name='tier',
            field=models.GeneratedField(db_persist=True, expression=models.Func(models.Func(models.Func(models.F('listing'), function='uuid_send'), 15, function='get_byte'), models.Value([4, 8, 16, 32, 64, 128]), function='width_bucket'), output_field=models.SmallIntegerField()),
        ),
        *(
            migrations.AddIndex(
                model_name='searchentry',
                index=django.contrib.postgres.indexes.GinIndex(condition=models.Q(('tier', tier)), fastupdate=False, fields=['text'], name=f'search_text_{tier}'),
            )
            for tier in range(7)
        ),
        migrations.AddIndex(
            model_name='searchentry',
            index=models.Index(fields=['cell', '-shown_at', '-listing'], name='search_cell_newest'),
        ),
        migrations.AddIndex(
            model_name='searchentry',
            index=models.Index(fields=['generator', '-shown_at', '-listing'], name='search_generator_newest'),
        ),
        migrations.RunSQL(FOUND, "DROP FUNCTION catalog_search_found"),
    ]
