from django.db import migrations


BEFORE = """
CREATE FUNCTION catalog_search_found(sought tsquery, words tsquery, most integer)
RETURNS TABLE (listing_id uuid, cell_id bigint, seller varchar, generator varchar, rank double precision)
LANGUAGE plpgsql STABLE ROWS 1000 AS $$
DECLARE
    wanted integer := most;
    got integer;
BEGIN
    FOR tier IN 0..6 LOOP
        RETURN QUERY EXECUTE format(
            'SELECT listing_id, cell_id, seller, generator, ts_rank(text, $2)::double precision
             FROM catalog_searchentry WHERE text @@ $1 AND tier = %s LIMIT $3', tier
        ) USING sought, words, wanted;
        GET DIAGNOSTICS got = ROW_COUNT;
        wanted := wanted - got;
        EXIT WHEN wanted <= 0;
    END LOOP;
END
$$
"""
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
        ('catalog', '0011_search_tiers'),
    ]

    operations = [
        migrations.RunSQL("DROP FUNCTION catalog_search_found", BEFORE),
        migrations.RunSQL(FOUND, "DROP FUNCTION catalog_search_found"),
    ]
