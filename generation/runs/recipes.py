"""Recipes and signed provenance: what a version's manifest and its envelope say of how it was made.

SLSA Provenance v1 in an in-toto Statement v1 in a DSSE envelope, with a build type of our own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import rfc8785
from django.conf import settings

from catalog import manifests
from catalog.manifests import MadeFile, ManifestBody
from generation.runner import file_path
from generation.runner.seed import commitment
from generation.runs.models import Run

STATEMENT = "https://in-toto.io/Statement/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"


def seed_commitment(run: Run) -> str:
    """The salted commitment to the run's seed, as ``sha256:…``."""
    return f"sha256:{commitment(bytes(run.seed), bytes(run.salt))}"


def recipe(run: Run) -> dict[str, Any]:
    """The JSON snapshot from which, with the seed, the data can be made again. ``run.plan`` must be there."""
    return {
        "schema": "lookalike/recipe/1",
        "generator": {
            "name": str(run.generator.generator),
            "version": run.generator.number,
            "digest": f"sha256:{run.generator.digest}",
        },
        "parameters": run.parameters,
        "units": run.units,
        "block": run.plan["block"],
        "splits": [
            {"name": split["name"], "first": split["first_unit"], "units": split["units"], "shards": split["shards"]}
            for split in run.plan["splits"]
        ],
        "seedCommitment": seed_commitment(run),
        "source": _source(run),
        "stateCommitment": state_commitment(run),
        "exact": run.generator.description["exact"],
        "runtime": f"sha256:{run.runtime_id}",
    }


def recipe_digest(run: Run) -> str:
    """SHA-256 in hex of the recipe's RFC 8785 form: the mark that every file of the run carries."""
    return hashlib.sha256(rfc8785.dumps(recipe(run))).hexdigest()


def files(run: Run) -> list[MadeFile]:
    """The files of all shards, which must be made, in the order of shards."""
    only = [table["name"] for table in run.layout["tables"]] == ["default"]
    return [
        MadeFile(
            path=file_path(file["table"], shard.split, shard.number, shard.of, only_default=only),
            config=file["table"],
            split=shard.split,
            sample=shard.number == 0,
            rows=file["rows"],
            bytes=file["bytes"],
            sha256=file["sha256"],
        )
        for shard in run.shards.defer("statistics").order_by("position")
        for file in shard.files or []
    ]


def manifest(run: Run) -> ManifestBody:
    """The manifest of the version that the run becomes; its shards must be made."""
    return manifests.build(layout=run.layout, recipe=recipe(run), files=files(run))


def state_commitment(run: Run) -> str | None:
    """A digest over the state's files, salted with the source's salt; ``None`` where the state follows from the seed.

    The run's own salt would not do: every licence holder is given it.
    """
    if run.source is None:
        return None
    lines = "".join(f"{file.name} {file.sha256}\n" for file in run.state_in_use)
    return "sha256:" + hashlib.sha256(b"lookalike/state/v1\0" + bytes(run.source.salt) + lines.encode()).hexdigest()


def statement(run: Run, digest: str, files: Sequence[MadeFile], findings: dict[str, str]) -> dict[str, Any]:
    """The in-toto Statement of a version: ``digest`` names it, ``findings`` maps a document's name to its SHA-256."""
    made = recipe(run)
    site = settings.PUBLIC_URL
    splits = [{key: split[key] for key in ("name", "first", "units")} for split in made["splits"]]
    generator = made["generator"]
    return {
        "_type": STATEMENT,
        "subject": [
            {"name": "manifest.json", "digest": {"sha256": digest}},
            *({"name": file.path, "digest": {"sha256": file.sha256}} for file in sorted(files, key=lambda f: f.path)),
        ],
        "predicateType": PROVENANCE,
        "predicate": {
            "buildDefinition": {
                "buildType": f"{site}/build-types/run/v1",
                "externalParameters": {
                    "generator": generator["name"],
                    "version": generator["version"],
                    "parameters": made["parameters"],
                    "units": made["units"],
                    "splits": splits,
                    "seedCommitment": made["seedCommitment"],
                    "source": made["source"],
                },
                "internalParameters": {
                    "runtime": made["runtime"],
                    "block": made["block"],
                    "shards": [blocks for split in made["splits"] for blocks in split["shards"]],
                    "exact": made["exact"],
                    "stateCommitment": made["stateCommitment"],
                },
                "resolvedDependencies": [
                    {
                        "name": "generator",
                        "uri": f"{site}/generators/{generator['name']}/{generator['version']}",
                        "digest": {"sha256": run.generator.digest},
                    },
                    {
                        "name": "runtime",
                        "uri": f"{site}/runtimes/{run.runtime_id}",
                        "digest": {"sha256": run.runtime_id},
                        "mediaType": "application/json",
                    },
                ],
            },
            "runDetails": {
                "builder": {"id": f"{site}/builders/house/v1", "version": {"lookalike": version("lookalike")}},
                "byproducts": [
                    {"name": f"{name}.json", "digest": {"sha256": sha256}} for name, sha256 in sorted(findings.items())
                ],
            },
        },
    }


def _source(run: Run) -> dict[str, Any]:
    """What the recipe tells of a source: a salted commitment, never its digest; the salt is the owner's.

    ``kept`` says that rows of it are in the data: ``catalog.keeping`` sees that these never leave their owner.
    """
    if run.source is None:
        return {"kind": "none"}
    facts = run.source.facts or {}
    rows = sum(table["rows"] for table in facts["tables"].values())
    kept = {"kept": True} if run.generator.keeps_rows else {}
    return {"kind": "full", "rows": rows, "commitment": run.source.commitment, **kept}
