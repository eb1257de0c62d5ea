"""To which blobs runs and probes refer, while nothing in the catalogue does."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.db import connection

from marketplace.storage import references

# A run that has just ended may be published between two questions: it counts for a day more.
_FILES = """
    SELECT DISTINCT file ->> 'sha256'
    FROM runs_run run JOIN runs_shard shard ON shard.run_id = run.id, jsonb_array_elements(shard.files) file
    WHERE (run.ended_at IS NULL OR run.ended_at > now() - interval '1 day') AND file ->> 'sha256' = ANY(%s)
"""
_FINDINGS = """
    SELECT DISTINCT finding -> 'blob' ->> 'sha256'
    FROM runs_run run, jsonb_array_elements(run.assembled) finding
    WHERE (run.ended_at IS NULL OR run.ended_at > now() - interval '1 day') AND finding -> 'blob' ->> 'sha256' = ANY(%s)
"""
_PICTURES = """
    SELECT DISTINCT picture #>> '{}'
    FROM runs_probe probe, jsonb_path_query(probe.preview, 'strict $.**.picture') picture
    WHERE picture #>> '{}' = ANY(%s)
"""


@references.register
def runs(digests: Collection[str]) -> Iterator[str]:
    """Files of the shards of runs under way, and the documents that their assembling stored."""
    yield from _named_by(_FILES, digests)
    yield from _named_by(_FINDINGS, digests)


@references.register
def probes(digests: Collection[str]) -> Iterator[str]:
    """Pictures that a probe shows."""
    yield from _named_by(_PICTURES, digests)


def _named_by(query: str, digests: Collection[str]) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(query, [list(digests)])
        yield from (digest for (digest,) in cursor.fetchall())
