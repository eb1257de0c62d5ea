"""An order that gives a buyer's rows back: what comes out is theirs alone, and goes when they have no right to it."""

from __future__ import annotations

import io
import json
import random
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.test import Client

from catalog import attachments, licensing
from catalog.models import Licence, ShelfState, Version
from generation.orders import own_rows
from generation.orders.models import Order
from generation.runs import doctor, registry, replays
from generation.runs.models import GeneratorVersion, Source, StateFile
from marketplace import storage
from marketplace.accounts.models import Account
from marketplace.work.models import Piece
from tests.generation.made import work_off
from tests.generation.orders.flow import draft, house_generator, press, upload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3_bucket")]


def payments(rows: int = 800) -> bytes:
    chance = random.Random(2)
    lines = ["number,kind,amount,fraud"]
    for i in range(rows):
        fraud = chance.random() < 0.1
        kind = chance.choice(["food", "fuel"])
        amount = (
            "" if i % 7 == 0 else f"{(20 if kind == 'food' else 90) * (3 if fraud else 1) + chance.gauss(0, 2):.2f}"
        )
        lines.append(f"P{100000 + i},{kind},{amount},{'yes' if fraud else 'no'}")
    return "\n".join(lines).encode()


def the_source(client: Client, rows: int = 800) -> Source:
    house_generator("augmented")
    return upload(client, payments(rows))


def delivered(order: Order) -> Version:
    assert order.state == Order.State.DELIVERED, (order.fault_message, order.unmet)
    assert order.run is not None
    return Version.objects.get(run=order.run.id)


def table_of(version: Version) -> pa.Table:
    files = version.files.order_by("path")
    return pa.concat_tables([pq.read_table(io.BytesIO(storage.read_blob(file.sha256))) for file in files])


def test_a_minority_is_oversampled_from_upload_to_delivery(client: Client, account: Account) -> None:
    source = the_source(client)
    address = f"/orders/new/house/augmented?source={source.id}"
    page = client.get(address).content.decode()
    assert "stays private for ever" in page
    assert 'name="units"' not in page and 'name="test_share"' not in page
    assert re.search(r'name="settings\.fill"[^>]* value="amount"', page)
    order = draft(client, "augmented", source=source, **{"settings.oversample": "fraud = yes: 30 %"})
    assert order.state == "quoted", order.problems
    rows = [line.split(",") for line in payments().decode().splitlines()[1:]]
    frauds = sum(row[3] == "yes" for row in rows)
    assert order.units == 800 + round(0.3 * (800 - frauds) / 0.7) - frauds
    assert f"{order.units:,}" in client.get(f"/orders/{order.id}").content.decode()
    assert order.probe is not None and order.probe.preview is not None
    [probed] = order.probe.preview["tables"]
    names = [column["name"] for column in probed["columns"]]
    assert {row[names.index("origin")] for row in probed["rows"]} == {"made"}
    version = delivered(press(client, order, "place"))
    table = table_of(version)
    kept, made = table.slice(0, 800), table.slice(800)
    assert set(kept.column("origin").to_pylist()) == {"kept"} and set(made.column("origin").to_pylist()) == {"made"}
    own = [(row[0], row[1], float(row[2]) if row[2] else None, row[3]) for row in rows]
    assert [tuple(row.values())[:4] for row in kept.to_pylist()] == own
    assert set(made.column("fraud").to_pylist()) == {"yes"}
    assert sum(one == "yes" for one in table.column("fraud").to_pylist()) / table.num_rows == pytest.approx(
        0.3, abs=1e-3
    )
    page = client.get(f"/datasets/{version.dataset}/quality").content.decode()
    assert "Nothing was measured" in page and "where they are of the kind that was asked for" in page


def test_only_made_rows_are_judged_and_set_beside_real_ones_of_their_kind(client: Client, account: Account) -> None:
    source = the_source(client, 5_000)
    order = draft(client, "augmented", source=source, **{"settings.oversample": "fraud = yes: 30 %"})
    version = delivered(press(client, order, "place"))
    report = attachments.load(version.attachments.get(kind="quality"))["tables"]["default"]
    frauds = sum(line.endswith("yes") for line in payments(5_000).decode().splitlines())
    assert report["rows"]["made"] == version.rows - 5_000
    assert report["likeness"]["overall"]["value"] is not None
    assert report["rows"]["fitted"] + report["rows"]["holdout"] == frauds
    assert report["refused"] is None
    assert "not those that are your own" in client.get(f"/datasets/{version.dataset}/quality").content.decode()


def test_missing_values_are_filled_and_not_judged_in_words(client: Client, account: Account) -> None:
    order = draft(client, "augmented", source=the_source(client), **{"settings.fill": ["amount"]})
    assert order.state == "quoted", order.problems
    assert order.units == 800 and order.probe is None
    version = delivered(press(client, order, "place"))
    table = table_of(version)
    rows = [line.split(",") for line in payments().decode().splitlines()[1:]]
    assert [one == ["amount"] for one in table.column("filled").to_pylist()] == [not row[2] for row in rows]
    assert table.column("amount").null_count == 0
    known = [(row[2], one) for row, one in zip(rows, table.column("amount").to_pylist(), strict=True) if row[2]]
    assert all(float(text) == one for text, one in known)
    assert not version.attachments.filter(kind="quality").exists()
    assert "nobody knows what belongs into" in client.get(f"/datasets/{version.dataset}/quality").content.decode()
    told = attachments.load(version.attachments.get(kind="answer-key"))
    assert told["filled"]["amount"]["correlation"] > 0.6
    page = client.get(f"/datasets/{version.dataset}/quality").content.decode()
    assert f"{told['filled']['amount']['filled']} cells were filled" in page
    assert f"{told['filled']['amount']['correlation']:.3f}" in page


def test_a_version_says_that_it_holds_its_owners_rows(client: Client, account: Account) -> None:
    order = draft(client, "augmented", source=the_source(client), **{"settings.fill": ["amount"]})
    assert "whose rows it holds" in client.get(f"/orders/{order.id}").content.decode()
    version = delivered(press(client, order, "place"))
    assert version.keeps_rows
    manifest = json.loads(bytes(version.manifest.body))
    assert manifest["recipe"]["source"]["kept"] is True
    assert manifest["layout"]["tables"][0]["kept"] == 800
    assert licensing.licence_for(account, version).terms.kind == "kept"  # type: ignore[union-attr]
    page = client.get(f"/datasets/{version.dataset}").content.decode()
    assert "it is private for ever" in page
    provenance = client.get(f"/datasets/{version.dataset}/provenance").content.decode()
    assert "It cannot be made again" in provenance
    first = version.files.order_by("path")[0]
    metadata = pq.read_schema(io.BytesIO(storage.read_blob(first.sha256))).metadata
    assert b"compositeWithTrainedAlgorithmicMedia" in b"".join(metadata.values())


def test_nothing_of_the_upload_stays_but_the_version_and_nobody_makes_it_again(
    client: Client, account: Account
) -> None:
    source = the_source(client)
    order = press(client, draft(client, "augmented", source=source, **{"settings.fill": ["amount"]}), "place")
    version = delivered(order)
    source.refresh_from_db()
    assert source.state == "gone" and not source.files.exists()
    assert StateFile.objects.exists() and list(doctor.kept_rows_are_not_kept_twice()) == []
    Piece.objects.filter(kind="runs.forget_state").update(due_at="2020-01-01T00:00Z")
    work_off()
    assert not StateFile.objects.exists()
    assert list(doctor.kept_rows_are_not_kept_twice()) == []
    with pytest.raises(replays.NotReplayable):
        replays.replay(version)


def test_what_was_declined_is_destroyed(client: Client, account: Account) -> None:
    asked = {"settings.fill": ["amount"], "bounds-likeness": "10"}
    order = press(client, draft(client, "augmented", source=the_source(client), **asked), "place")
    assert order.state == Order.State.DECLINED
    version = Version.objects.get()
    files = [storage.blob_key(file.sha256) for file in version.files.all()]
    assert all(storage.stored(key) is not None for key in files)
    own_rows.destroy_unwanted()
    work_off()
    assert version.shelf.__class__.objects.get(version=version).state == ShelfState.State.WITHDRAWN
    assert all(storage.stored(key) is None for key in files)


def test_what_is_delivered_stays_until_its_licence_is_revoked(client: Client, account: Account) -> None:
    order = press(
        client, draft(client, "augmented", source=the_source(client), **{"settings.fill": ["amount"]}), "place"
    )
    version = delivered(order)
    own_rows.destroy_unwanted()
    assert Version.objects.readable().get() == version
    licensing.revoke(licensing.Cause(Licence.Cause.ORDER, order.id), Licence.Revoked.REFUNDED)
    own_rows.destroy_unwanted()
    assert not Version.objects.readable().exists()


def test_its_owner_has_it_destroyed_by_typing_its_number(client: Client, account: Account) -> None:
    order = draft(client, "augmented", source=the_source(client), **{"settings.fill": ["amount"]})
    version = delivered(press(client, order, "place"))
    address = f"/datasets/{version.dataset}/versions/1.0.0/destroy"
    assert "This cannot be undone" in client.get(address).content.decode()
    assert client.post(address, {"number": "1.0"}).status_code == 422
    assert Version.objects.readable().exists()
    assert client.post(address, {"number": "1.0.0"}).status_code == 302
    work_off()
    assert not Version.objects.readable().exists()
    assert storage.stored(storage.blob_key(version.files.all()[0].sha256)) is None


def test_what_cannot_be_made_is_told_at_the_quote_with_its_remedy(client: Client, account: Account) -> None:
    order = draft(client, "augmented", source=the_source(client), **{"settings.oversample": "fraud = no: 20 %"})
    assert order.state == "draft"
    [problem] = order.problems
    assert problem["field"] == "oversample" and "which is as much already" in problem["message"]


def test_only_the_house_may_have_generators_that_keep_rows(client: Client, account: Account) -> None:
    with pytest.raises(registry.NotConfined):
        registry.register("augmented", account)
    assert not GeneratorVersion.objects.exists()
