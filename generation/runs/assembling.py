"""The last steps of a run: merge what the shards counted, write manifest and provenance, publish."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.db.models.fields.json import KeyTransform

from catalog import attachments, publishing, quality
from catalog.attachments import Finding
from generation.quality import profile
from generation.runs import answers, lifecycle, recipes, thresholds, workplace
from generation.runs.documents import dumps
from generation.runs.models import Run
from marketplace import storage
from marketplace.keys import dsse
from marketplace.work import queue
from marketplace.work.faults import SellerFault
from marketplace.work.leases import Lease

_JSON = "application/json"
_PARTIALS_AT_ONCE = 8


def assemble(lease: Lease) -> None:
    """Perform ``runs.assemble``: merged statistics and the answer key become blobs that publishing attaches."""
    run = _run(lease)
    if run.state != Run.State.ASSEMBLING:
        return
    statistics = _statistics(run)
    with (
        workplace.faults_of_the_runner(),
        workplace.warm_runner(run.generator, run.plan["memory_mib"], lease) as runner,
    ):
        answer_key = runner.answer_key(workplace.job(run), workplace.state_folder(run))
    findings = [attachments.store("statistics", dumps(statistics))]
    if answer_key is not None:
        findings.append(attachments.store("answer-key", dumps(answer_key)))
    with lease.finishing():
        lifecycle.advance(run.id, Run.State.ASSESSING)
        Run.objects.filter(id=run.id).update(assembled=[asdict(finding) for finding in findings])
        lifecycle.tell(run.id, "Assembled: statistics of all shards merged.")
        queue.enqueue(lifecycle.ASSESS if run.source_id is None else lifecycle.JUDGE, run.id)


def assess(lease: Lease) -> None:
    """Perform ``runs.assess``: what passes is published; publishing is the step from assessing to ready."""
    run = _run(lease)
    if run.state != Run.State.ASSESSING:
        return
    made = recipes.recipe(run)
    findings = [_finding(**noted) for noted in run.assembled]
    _hold_to_thresholds(run, findings)
    files = recipes.files(run)
    manifest = recipes.manifest(run)
    storage.put_bytes(manifest.body, _JSON)
    disclosure = _disclose(run, manifest.digest)
    measures = _measures(findings)
    statement = recipes.statement(run, manifest.digest, files, {one.kind: one.blob.sha256 for one in findings})
    findings.append(attachments.store("attestation", dumps(dsse.sign_statement(statement, "provenance"))))
    with lease.finishing():
        version = publishing.publish(
            run.dataset,
            run=run.id,
            manifest=manifest,
            layout=run.layout,
            recipe=made,
            files=files,
            disclosure=disclosure,
            findings=findings,
            measures=measures,
            licensed_to_owner=run.licensed_to_owner,
        )
        answers.ask(version)
        lifecycle.advance(run.id, Run.State.READY)
        if run.generator.keeps_rows:
            lifecycle.forget_state(run.id)
        lifecycle.tell(run.id, f"Published. Manifest SHA-256 {manifest.digest[:8]}…")


def _statistics(run: Run) -> dict[str, Any]:
    """The statistics of all shards, merged in shard order, so that they are the same however they were made."""
    shards = run.shards.order_by("position")
    tables = {}
    for name in (table["name"] for table in run.layout["tables"]):
        partials = shards.values_list(KeyTransform(name, "statistics"), flat=True)
        tables[name] = profile.finish(profile.merge(partials.iterator(chunk_size=_PARTIALS_AT_ONCE)))
    return {"tables": tables}


def _hold_to_thresholds(run: Run, findings: Sequence[Finding]) -> None:
    """Raise SellerFault, which says which threshold failed and by how much, where the run's own are not kept."""
    stored = {finding.kind: finding.blob.sha256 for finding in findings}
    broken = thresholds.unmet_in(
        run.thresholds, run.layout, lambda kind: storage.read_blob(stored[kind]) if kind in stored else None
    )
    if broken:
        raise SellerFault(" ".join(["It is not published.", *(one.sentence for one in broken)]))


def _measures(findings: Sequence[Finding]) -> dict[str, Any]:
    """The figures of the quality report that shelves show, if there is a report."""
    report = next((finding for finding in findings if finding.kind == "quality"), None)
    return {} if report is None else quality.measures(json.loads(storage.read_blob(report.blob.sha256)))


def _finding(kind: str, code_version: str, blob: dict[str, Any]) -> Finding:
    """A finding as ``run.assembled`` notes it."""
    return Finding(kind, code_version, storage.Blob(**blob))


def _run(lease: Lease) -> Run:
    return Run.objects.select_related("dataset__account", "generator__generator__account", "source").get(
        id=lease.subject
    )


def _disclose(run: Run, digest: str) -> publishing.DisclosedSeed:
    """Put seed and salt where licence holders, and nobody else, will find them."""
    body = dumps(
        {
            "schema": "lookalike/seed/1",
            "manifest": digest,
            "seed": bytes(run.seed).hex(),
            "salt": bytes(run.salt).hex(),
        }
    )
    key = storage.private_key("seeds", run.id, "seed.json")
    storage.put_private_bytes(key, body, _JSON)
    return publishing.DisclosedSeed(key, len(body))
