"""Many listings, written by SQL: sellers, datasets, versions, offers, documents, and what search keeps of them.

Words, prices, sizes, sellers and generators are as uneven as people's are: a few of each are on most listings.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from catalog import terms
from catalog.search import entries
from marketplace import storage

#: Words are three of these; the first word is the most frequent, and each is rarer than the one before.
_SYLLABLES = "bacedifoguhajekilomunape"
_COLUMNS = tuple(f"{word}_{number}" for number, word in enumerate(("balance", "day", "town", "amount", "kind", "note")))

_MAKE = """
    CREATE FUNCTION pg_temp.words(many integer) RETURNS text LANGUAGE sql VOLATILE AS $$
        SELECT string_agg(
            substr('{syllables}', 1 + 2 * (place / 144), 2) || substr('{syllables}', 1 + 2 * (place / 12 %% 12), 2)
            || substr('{syllables}', 1 + 2 * (place %% 12), 2), ' ')
        FROM (SELECT floor(1728 * random() ^ 3)::integer AS place FROM generate_series(1, many)) AS places
    $$;
    SELECT setseed(0.5);
    CREATE TEMPORARY TABLE prose AS
        SELECT number, pg_temp.words(40) AS card FROM generate_series(0, 9999) AS number;
    CREATE TEMPORARY TABLE seller AS SELECT number, uuidv7() AS id FROM generate_series(0, 499) AS number;
    CREATE TEMPORARY TABLE made AS
        SELECT *, ARRAY[
            'modality:' || modality, 'domain:' || domain, 'licence:' || licence,
            'price:' || CASE WHEN price = 0 THEN 'free' WHEN price < 10000 THEN 'to-100'
                WHEN price < 50000 THEN 'to-500' ELSE 'over-500' END,
            'rows:' || CASE WHEN rows < 10000 THEN 'to-10k' WHEN rows < 1000000 THEN 'to-1m' ELSE 'over-1m' END,
            'unit:row'
        ]::varchar[] AS few, ARRAY['seller:' || seller, 'generator:' || generator]::varchar[] AS many
        FROM (
            SELECT
                number, uuidv7() AS dataset, uuidv7() AS listing, uuidv7() AS version,
                now() - make_interval(secs => %(many)s - number) AS at,
                'seller-' || floor(500 * random() ^ 3) AS seller,
                'house/generator-' || floor(40 * random() ^ 3) AS generator,
                (ARRAY['tabular', 'tabular', 'image', 'multimodal'])[1 + floor(4 * random())] AS modality,
                (ARRAY['finance', 'retail', 'health', 'manufacturing', 'vision', 'other'])[
                    1 + floor(6 * random() ^ 1.5)] AS domain,
                (ARRAY['research', 'commercial', 'evaluation', 'redistribution'])[
                    1 + floor(4 * random() ^ 2)] AS licence,
                (ARRAY[0, 4900, 19900, 90000])[1 + floor(4 * random() ^ 1.5)] AS price,
                floor(exp(5 + 11 * random()))::bigint AS rows,
                pg_temp.words(4) AS title, pg_temp.words(8) AS summary, floor(10000 * random())::integer AS prose
            FROM generate_series(1, %(many)s) AS number
        ) AS each;
    ANALYZE made;
    INSERT INTO accounts_account (id, slug, name, kind, demo, created_at)
        SELECT id, 'seller-' || number, 'Seller ' || number, 'organisation', false, now() FROM seller;
    INSERT INTO catalog_dataset (id, account_id, name, title, created_at)
        SELECT dataset, seller.id, 'data-' || made.number, title, now()
        FROM made JOIN seller ON made.seller = 'seller-' || seller.number;
    INSERT INTO catalog_listing ({listing})
        SELECT {listing_values} FROM made JOIN prose ON made.prose = prose.number;
    INSERT INTO catalog_offer (id, listing_id, terms_id, later_versions, price, currency, open, created_at)
        SELECT uuidv7(), listing, terms.id, true, price, 'EUR', true, now()
        FROM made JOIN catalog_terms AS terms ON terms.kind = licence;
    INSERT INTO catalog_version
        (id, dataset_id, major, minor, patch, run, digest, recipe, layout, units, rows, bytes, published_at)
        SELECT version, dataset, 1, 0, 0, uuidv7(), encode(sha256(version::text::bytea), 'hex'),
            jsonb_set(%(recipe)s::jsonb, '{{generator,name}}', to_jsonb(generator)), %(layout)s::jsonb, rows, rows,
            20 * rows, at
        FROM made;
    INSERT INTO catalog_shelfstate (version_id, state, reason, changed_at) SELECT version, 'on_shelf', '', at FROM made;
    INSERT INTO catalog_attachment (id, version_id, kind, code_version, media_type, sha256, bytes, created_at)
        SELECT uuidv7(), version, 'statistics', '1', 'application/json', %(statistics)s, 1000, at FROM made;
    INSERT INTO catalog_searchcell (facets, listings) SELECT DISTINCT few, 0 FROM made;
    INSERT INTO catalog_searchentry
        (listing_id, text, cell_id, facets, columns, seller, generator, price, rows, shown_at)
        SELECT listing,
            catalog_search_text(title || ' ' || seller, summary, replace(%(columns)s, '_', ' '), card,
                (SELECT array_agg(%(mark)s || word) FROM unnest(few || many) AS word)),
            cell.id, few || many, string_to_array(%(columns)s, ' '), seller, generator, price, rows, at
        FROM made JOIN prose ON made.prose = prose.number JOIN catalog_searchcell AS cell ON cell.facets = few;
    DROP TABLE made, prose, seller;
"""
_LISTING = {
    "id": "listing",
    "dataset_id": "dataset",
    "state": "'on_shelf'",
    "summary": "summary",
    "card": "card",
    "modality": "modality",
    "domain": "domain",
    "shown_at": "at",
}


def word(place: int) -> str:
    """The word at ``place`` (0 to 1,727) by frequency."""
    return "".join(_SYLLABLES[2 * digit : 2 * digit + 2] for digit in (place // 144, place // 12 % 12, place % 12))


def make(many: int, *, statistics: bytes) -> None:
    """Put ``many`` listings on the shelves; ``statistics`` is the document that each has."""
    for kind in terms.OFFERED:
        terms.standard(kind)
    schema = [{"name": name, "type": "int64", "nullable": False, "description": ""} for name in _COLUMNS]
    layout = {"unit": "row", "block": 10, "tables": [{"name": "default", "schema": schema, "key": [], "rows": "one"}]}
    recipe = {
        "generator": {"name": "", "version": "1.0.0", "digest": "sha256:" + "1" * 64},
        "parameters": {},
        "splits": [],
        "seedCommitment": "sha256:" + "2" * 64,
        "source": {"kind": "none"},
        "runtime": "sha256:" + "3" * 64,
    }
    with connection.cursor() as cursor, _without_indexes("catalog_searchentry"):
        # References need no check: each row is written with its own.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            _MAKE.format(
                syllables=_SYLLABLES, listing=", ".join(_LISTING), listing_values=", ".join(_LISTING.values())
            ),
            {
                "many": many,
                "recipe": json.dumps(recipe),
                "layout": json.dumps(layout),
                "statistics": storage.put_bytes(statistics, "application/json").sha256,
                "columns": " ".join(_COLUMNS),
                "mark": entries.MARK,
            },
        )
        cursor.execute("SET session_replication_role = DEFAULT")
    entries.recount()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


@contextmanager
def _without_indexes(table: str) -> Iterator[None]:
    """Drop the indexes of ``table`` that are no constraint's, and make them again at the end."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND indexname NOT LIKE '%%pkey'", [table]
        )
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        yield
        for _, definition in indexes:
            cursor.execute(definition)
