"""Every licence has one certificate, which says exactly what was licensed and can be checked without us."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from django.db import Error, connection, transaction
from django.db.models import F
from django.test import Client
from django.utils import timezone
from joserfc import jws as joserfc_jws
from joserfc.jwk import OctKey, OKPKey
from uuid_utils.compat import uuid7

from catalog import (
    certificates,
    doctor,
    licence_documents,
    licensing,
    offers,
    previews,
    publishing,
    status_lists,
    terms,
    verifying,
)
from catalog.models import Certificate, Licence, LicenceSuspension, Listing, Version
from marketplace.accounts import tokens
from marketplace.accounts.models import Account, Scope, User
from marketplace.doctor import CheckFunction
from marketplace.keys import jws, keyring
from marketplace.keys.models import SigningKey
from tests.factories import a_dataset, a_licence, a_listing, a_person, a_version, an_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]

ISSUER = "http://localhost:8000"
DOCS = Path(__file__).parents[2] / "docs" / "verifying-a-licence.md"


@pytest.fixture
def version() -> Version:
    return a_version(a_dataset(an_account("seller")))


@pytest.fixture
def buyer() -> tuple[User, Account]:
    return a_person("buyer")


@pytest.fixture
def licence(version: Version, buyer: tuple[User, Account]) -> Licence:
    return a_licence(buyer[1], version)


def cause_of(licence: Licence) -> licensing.Cause:
    return licensing.Cause(licence.cause_kind, licence.cause_id)


def said_by(licence: Licence) -> dict[str, Any]:
    return certificates.claims(certificates.of(licence))


# What it says


def test_a_certificate_says_who_may_use_what_under_which_terms(version: Version, buyer: tuple[User, Account]) -> None:
    account = buyer[1]
    listing = Listing.objects.create(dataset=version.dataset, summary="Some numbers.", modality="tabular")
    offer = offers.open_offer(listing, terms.standard(terms.Kind.COMMERCIAL), seats=5, days=30, price=24_000)
    purchase = uuid7()
    before = int(timezone.now().timestamp())
    licence = licensing.grant(
        account,
        version,
        cause=licensing.Cause(Licence.Cause.PURCHASE, purchase),
        terms=offer.terms,
        offer=offer,
        later_versions=True,
        paid=licensing.Paid(purchase, 28_560, "EUR"),
    )
    certificate = Certificate.objects.get(licence=licence)
    claims = jws.verify(certificate.token, keyring.jwks(), type="dataset-licence+jwt", purpose="licence")
    assert before - 1 <= claims["nbf"] <= claims["iat"] <= int(timezone.now().timestamp())
    assert claims["exp"] - claims["nbf"] == 30 * 86_400
    assert (claims["iss"], claims["sub"], claims["jti"]) == (ISSUER, str(account.id), str(licence.id))
    assert claims["licensee"] == {"account": "buyer", "name": account.name}
    held = claims["licence"]
    assert (held["kind"], held["number"], held["sha256"]) == ("commercial", 1, offer.terms.sha256)
    assert (held["seats"], held["laterVersions"], held["by"]) == (5, True, None)
    assert held["answers"]["train_models"] is True
    assert held["answers"]["redistribute"] is False
    assert claims["dataset"] == {
        "name": "seller/numbers",
        "listing": str(listing.id),
        "version": "1.0.0",
        "manifest": version.digest,
        "files": 2,
        "bytes": version.bytes,
    }
    parameters = hashlib.sha256(rfc8785.dumps(version.recipe["parameters"])).hexdigest()
    assert claims["generator"] == {
        **version.recipe["generator"],
        "parameters": f"sha256:{parameters}",
        "seedCommitment": version.recipe["seedCommitment"],
    }
    assert claims["purchase"] == {"id": str(purchase), "amount": 28_560, "currency": "EUR"}
    assert claims["status"]["status_list"]["idx"] == certificate.index
    assert Client().get(held["text"].removeprefix(ISSUER)).status_code == 200


def test_what_costs_nothing_and_does_not_end_says_so(licence: Licence) -> None:
    claims = said_by(licence)
    assert claims["purchase"] is None
    assert "exp" not in claims


def test_it_names_the_reports_that_were_there_when_it_was_granted(version: Version) -> None:
    previews.make(version)
    licence = a_licence(an_account("late"), version)
    assert said_by(licence)["reports"]["preview"] == version.attachments.get(kind="preview").sha256
    assert said_by(Licence.objects.get(cause_kind=Licence.Cause.MADE))["reports"] == {}


def test_the_owner_has_a_certificate_too_for_what_it_made(version: Version) -> None:
    [licence] = Licence.objects.filter(cause_kind=Licence.Cause.MADE)
    assert said_by(licence)["licence"]["kind"] == "made"


def test_no_number_in_it_is_anything_but_whole(licence: Licence) -> None:
    def numbers(value: Any) -> list[Any]:
        if isinstance(value, dict):
            return [each for member in value.values() for each in numbers(member)]
        return [value] if isinstance(value, int | float) else []

    assert {type(number) for number in numbers(said_by(licence))} <= {int, bool}


# One, and for good


def test_granting_twice_gives_one_licence_and_one_certificate(licence: Licence) -> None:
    token = certificates.of(licence).token
    again = a_licence(licence.account, licence.version, cause=(licence.cause_kind, licence.cause_id))
    assert again == licence
    assert certificates.of(again).token == token
    assert Certificate.objects.filter(licence=licence).count() == 1


def test_a_grant_that_is_undone_leaves_no_certificate(version: Version) -> None:
    account = an_account("buyer")
    with pytest.raises(RuntimeError), transaction.atomic():
        a_licence(account, version)
        raise RuntimeError
    assert not Certificate.objects.filter(licence__account=account).exists()


@pytest.mark.parametrize(
    "change", [{"token": "a.b.c"}, {"index": 3}, {"kid": "x", "token": "a.b.c"}, {"kid": "x", "index": 3}]
)
def test_the_database_refuses_to_change_what_a_certificate_says(licence: Licence, change: dict[str, Any]) -> None:
    with pytest.raises(Error, match="pgtrigger"), transaction.atomic():
        Certificate.objects.filter(licence=licence).update(**change)


def test_the_database_refuses_to_delete_a_certificate(licence: Licence) -> None:
    with pytest.raises(Error, match="pgtrigger"), transaction.atomic():
        Certificate.objects.filter(licence=licence)._raw_delete("default")


@pytest.mark.django_db(transaction=True)
def test_many_who_ask_at_once_get_one_licence_and_one_certificate() -> None:
    version = a_version(a_dataset(an_account("seller")))
    account, cause = an_account("buyer"), uuid7()

    def grant(_: int) -> Licence:
        try:
            return a_licence(account, version, cause=(Licence.Cause.ORDER, cause))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        granted = set(pool.map(grant, range(24)))
    assert len(granted) == 1
    assert Certificate.objects.filter(licence__account=account).count() == 1


def without_certificate(licence: Licence) -> None:
    """As licences were before there were certificates."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("DELETE FROM catalog_certificate WHERE licence_id = %s", [licence.id])
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_an_older_licence_gets_its_certificate_from_the_sweep_or_when_it_is_asked_for(licence: Licence) -> None:
    other = a_licence(an_account("other"), licence.version)
    for each in (licence, other):
        without_certificate(each)
    assert certificates.of(other).licence == other
    certificates.issue_missing()
    assert said_by(licence)["jti"] == str(licence.id)
    certificates.issue_missing()
    assert Certificate.objects.filter(licence__in=[licence, other]).count() == 2


def test_when_a_key_is_compromised_certificates_say_the_same_under_another(licence: Licence) -> None:
    old = certificates.of(licence)
    keyring.compromise(old.kid)
    with pytest.raises(verifying.NotGenuine, match="not published"):
        verifying.check(old.token)
    certificates.sign_again()
    new = certificates.of(licence)
    assert new.kid != old.kid
    assert jws.body(new.token) == jws.body(old.token)
    assert verifying.check(new.token).standing.state == Licence.State.IN_FORCE


# Checked without us: the script of the docs, as a process of its own


@pytest.fixture
def script(tmp_path: Path) -> Path:
    [body] = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.S)
    imported = {name for line in re.findall(r"^(?:import|from) (.+)$", body, re.M) for name in re.findall(r"\w+", line)}
    assert imported <= sys.stdlib_module_names | {"joserfc", "jwk", "jwt", "import", "Path"}
    assert len([line for line in body.splitlines() if line.strip()]) <= 20
    path = tmp_path / "verify.py"
    path.write_text(body)
    return path


@pytest.fixture
def offline(script: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the script on what was saved from the site, or on what is put in its place."""

    def run(
        licence: Licence,
        *,
        token: str | None = None,
        keys: dict[str, Any] | None = None,
        listed: str | None = None,
        issuer: str = ISSUER,
        measured: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        certificate = certificates.of(licence)
        client = Client()
        saved = {
            "licence.jwt": token or certificate.token,
            "jwks.json": json.dumps(keys) if keys else client.get("/.well-known/jwks.json").content.decode(),
            "list.jwt": listed or client.get(f"/status-lists/{certificate.status_list_id}").content.decode(),
        }
        for name, content in saved.items():
            (tmp_path / name).write_text(content + "\n")
        arguments = [str(script), issuer, *(str(tmp_path / name) for name in saved)]
        how = ["-c", MEASURED] if measured else []
        return subprocess.run(
            [sys.executable, "-I", *how, *arguments], capture_output=True, text=True, check=False, env={}
        )

    return run


#: Runs a script and tells how much memory it held at most.
MEASURED = """
import runpy, sys, tracemalloc
tracemalloc.start()
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print(tracemalloc.get_traced_memory()[1], file=sys.stderr)
"""

Offline = Callable[..., "subprocess.CompletedProcess[str]"]


def test_the_script_of_the_docs_accepts_a_licence_in_force(offline: Offline, licence: Licence) -> None:
    done = offline(licence)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["state"], told["jti"], told["dataset"]["name"]) == ("valid", str(licence.id), "seller/numbers")


def test_the_script_of_the_docs_sees_suspension_and_revocation(offline: Offline, licence: Licence) -> None:
    why = licensing.Ground(LicenceSuspension.Reason.DISPUTE, uuid7())
    licensing.suspend(cause_of(licence), why)
    done = offline(licence)
    assert done.returncode == 1
    assert "The licence is suspended." in done.stderr
    licensing.restore(cause_of(licence), why)
    assert offline(licence).returncode == 0
    licensing.revoke(cause_of(licence), Licence.Revoked.REFUNDED)
    done = offline(licence)
    assert done.returncode == 1
    assert "The licence is revoked." in done.stderr


def tampered(token: str) -> str:
    header, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["licence"]["kind"] = "redistribution"
    return ".".join([header, base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode(), signature])


def unsigned(token: str) -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"dataset-licence+jwt"}').rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


def by_shared_secret(token: str) -> str:
    """The public key taken for a shared secret: what a verifier accepts that follows the token's own header."""
    key = keyring.current("licence")
    header = {"alg": "HS256", "kid": key.kid, "typ": "dataset-licence+jwt"}
    return joserfc_jws.serialize_compact(header, jws.body(token), OctKey.import_key(bytes(key.public)), ["HS256"])


def by_another_key(token: str) -> str:
    header = {"alg": "Ed25519", "kid": keyring.current("licence").kid, "typ": "dataset-licence+jwt"}
    return joserfc_jws.serialize_compact(header, jws.body(token), OKPKey.generate_key("Ed25519"), ["Ed25519"])


def by_the_key_for_provenance(token: str) -> str:
    return jws.sign_body(jws.body(token), type=certificates.TYPE, purpose="provenance").token


def of_another_type(token: str) -> str:
    return jws.sign_body(jws.body(token), type="statuslist+jwt", purpose="licence").token


FORGED = [tampered, unsigned, by_shared_secret, by_another_key, by_the_key_for_provenance, of_another_type]


@pytest.mark.parametrize("forge", FORGED)
def test_the_script_of_the_docs_refuses_what_was_forged(
    offline: Offline, licence: Licence, forge: Callable[[str], str]
) -> None:
    done = offline(licence, token=forge(certificates.of(licence).token))
    assert done.returncode == 1
    assert done.stdout == ""


def test_the_script_of_the_docs_refuses_another_issuer_and_what_is_over(offline: Offline, licence: Licence) -> None:
    assert offline(licence, issuer="https://elsewhere.example").returncode == 1
    over = said_by(licence) | {"exp": int(timezone.now().timestamp()) - 1}
    done = offline(licence, token=jws.sign(over, type=certificates.TYPE, purpose="licence").token)
    assert done.returncode == 1
    assert "expired" in done.stderr.lower()


def test_the_script_of_the_docs_refuses_a_list_of_others_an_old_one_and_one_that_is_too_short(
    offline: Offline, licence: Licence
) -> None:
    certificate = certificates.of(licence)
    good = json.loads(jws.body(status_lists.token(certificate.status_list)))
    wrong = [
        good | {"sub": f"{ISSUER}/status-lists/{uuid7()}"},
        good | {"exp": good["iat"] - 1},
        {name: value for name, value in good.items() if name != "exp"},
        good | {"status_list": {"bits": 2, "lst": status_lists.pack({}, entries=4)}},
    ]
    for claims in wrong:
        done = offline(licence, listed=jws.sign(claims, type=status_lists.TYPE, purpose="licence").token)
        assert done.returncode == 1, claims


def test_the_script_of_the_docs_inflates_no_more_of_a_list_than_it_needs(offline: Offline, licence: Licence) -> None:
    def peak(lst: str) -> int:
        claims = good | {"status_list": {"bits": 2, "lst": lst}}
        listed = jws.sign(claims, type=status_lists.TYPE, purpose="licence").token
        done = offline(licence, listed=listed, measured=True)
        assert done.returncode == 0, done.stderr
        return int(done.stderr)

    good = json.loads(jws.body(status_lists.token(certificates.of(licence).status_list)))
    # As much as a token of the size that joserfc reads can hold.
    bomb = base64.urlsafe_b64encode(zlib.compress(bytes(64 << 20), 9)).rstrip(b"=").decode()
    assert peak(bomb) < 3 * peak(good["status_list"]["lst"])


def test_a_certificate_stays_good_when_the_key_is_rotated(offline: Offline, licence: Licence) -> None:
    token = certificates.of(licence).token
    keyring.rotate("licence")
    SigningKey.objects.update(signs_from=F("signs_from") - keyring.PUBLISHED_AHEAD)
    done = offline(licence, token=token)
    assert done.returncode == 0, done.stderr
    assert jws.verify(token, keyring.jwks(), type=certificates.TYPE, purpose="licence")


# Checked with us


def test_anyone_sees_how_a_licence_stands_and_nobody_sees_who_holds_it(client: Client, licence: Licence) -> None:
    publishing.put_on_shelf(a_listing(licence.version.dataset).listing)
    page = client.get(f"/licences/verify/{licence.id}").content.decode()
    assert "This licence is in force" in page
    assert licence.version.digest in page
    told = client.get(f"/api/v1/licences/{licence.id}/status")
    document = told.json()
    assert document["state"] == "in_force"
    assert document["dataset"] == {"name": "seller/numbers", "version": "1.0.0", "manifest": licence.version.digest}
    for answer in (page, told.content.decode()):
        assert not re.search(r"buyer|purchase|€", answer.partition("<main")[2] or answer, re.I)
        assert str(licence.account_id) not in answer
        assert str(licence.cause_id) not in answer


def test_of_a_private_dataset_nothing_is_told_but_the_state(client: Client, licence: Licence) -> None:
    for where in (f"/licences/verify/{licence.id}", f"/api/v1/licences/{licence.id}/status"):
        answer = client.get(where).content.decode()
        assert "in_force" in answer or "in force" in answer
        assert not re.search(rf"numbers|seller/|{licence.version.digest}", answer.partition("<main")[2] or answer, re.I)
    assert client.get(f"/api/v1/licences/{licence.id}/status").json()["dataset"] is None


def test_the_page_follows_the_licence(client: Client, licence: Licence) -> None:
    def seen() -> tuple[str, str]:
        page = client.get(f"/licences/verify/{licence.id}").content.decode()
        title = re.search(r"<h1>(.*?)</h1>", page)
        assert title
        return title[1], client.get(f"/api/v1/licences/{licence.id}/status").json()["state"]

    why = licensing.Ground(LicenceSuspension.Reason.DISPUTE, uuid7())
    licensing.suspend(cause_of(licence), why)
    assert seen() == ("This licence is suspended", "suspended")
    licensing.restore(cause_of(licence), why)
    Licence.objects.filter(id=licence.id).update(ends_at=timezone.now())
    assert seen() == ("This licence is over", "expired")
    licensing.revoke(cause_of(licence), Licence.Revoked.REFUNDED)
    assert seen() == ("This licence is revoked", "revoked")
    page = client.get(f"/licences/verify/{licence.id}").content.decode()
    assert not re.search("refund|given back|dispute", page)


def test_a_licence_that_does_not_exist_is_not_found(client: Client) -> None:
    assert client.get(f"/licences/verify/{uuid7()}").status_code == 404
    answer = client.get(f"/api/v1/licences/{uuid7()}/status")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_a_pasted_certificate_is_genuine_as_mail_broke_it_into_lines(client: Client, licence: Licence) -> None:
    assert client.get("/licences/verify").status_code == 200
    token = certificates.of(licence).token
    broken = "\r\n".join(token[start : start + 76] for start in range(0, len(token), 76))
    answer = client.post("/licences/verify", {"shown": f"  {broken}\n"})
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "The certificate is genuine" in page
    assert "This licence is in force" in page
    licensing.revoke(cause_of(licence), Licence.Revoked.REFUNDED)
    page = client.post("/licences/verify", {"shown": token}).content.decode()
    assert "The certificate is genuine" in page
    assert "This licence is revoked" in page


def test_a_pasted_id_leads_to_its_page(client: Client, licence: Licence) -> None:
    answer = client.post("/licences/verify", {"shown": f" {licence.id} "})
    assert answer["Location"] == f"/licences/verify/{licence.id}"


def invented(token: str) -> str:
    """Signed by our very key, and never issued: as a thief of the key would."""
    claims = json.loads(jws.body(token)) | {"sub": str(uuid7())}
    return jws.sign(claims, type=certificates.TYPE, purpose="licence").token


def of_no_licence(token: str) -> str:
    claims = json.loads(jws.body(token)) | {"jti": "none"}
    return jws.sign(claims, type=certificates.TYPE, purpose="licence").token


def of_another_site(token: str) -> str:
    claims = json.loads(jws.body(token)) | {"iss": "https://elsewhere.example"}
    return jws.sign(claims, type=certificates.TYPE, purpose="licence").token


@pytest.mark.parametrize(
    "forge", [*FORGED, invented, of_no_licence, of_another_site, lambda token: "nonsense", lambda token: token[:-9]]
)
def test_what_was_forged_is_refused_with_the_reason_and_kept_in_the_form(
    client: Client, licence: Licence, forge: Callable[[str], str]
) -> None:
    shown = forge(certificates.of(licence).token)
    answer = client.post("/licences/verify", {"shown": shown})
    assert answer.status_code == 422
    [error] = answer.context["form"].errors["shown"]
    assert error.startswith("This is not genuine")
    assert shown in answer.content.decode()


def test_nothing_and_too_much_are_refused(client: Client) -> None:
    for shown in ("", " ", "x" * 20_001):
        assert client.post("/licences/verify", {"shown": shown}).status_code == 422


# The holder's copies


def test_the_holder_downloads_certificate_and_document_and_nobody_else_does(
    client: Client, licence: Licence, buyer: tuple[User, Account]
) -> None:
    addresses = [f"/licences/{licence.id}/{name}" for name in ("certificate.jwt", "licence.pdf")]
    for address in addresses:
        assert client.get(address)["Location"].endswith(f"login/?next={address}")
    client.force_login(a_person("other")[0])
    assert [client.get(address).status_code for address in addresses] == [404, 404]
    issued = tokens.issue(buyer[1], created_by=buyer[0], name="laptop", scopes=[Scope.READ])
    program = Client().get(addresses[0], headers={"Authorization": f"Bearer {issued.secret}"})
    assert program.content.decode() == certificates.of(licence).token
    client.force_login(buyer[0])
    token, document = (client.get(address) for address in addresses)
    assert token.content.decode() == certificates.of(licence).token
    assert f"licence-{licence.id}.jwt" in token["Content-Disposition"]
    assert document["Content-Type"] == "application/pdf"
    assert document.content.startswith(b"%PDF-")
    for address in addresses:
        assert address in client.get(f"/licences/{licence.id}").content.decode()


def pdf_text(document: bytes) -> str:
    """What is written on the pages, in the order of drawing."""
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", document, re.S):
        try:
            drawn = zlib.decompress(base64.a85decode(stream.strip().removesuffix(b"~>")))
        except (ValueError, zlib.error):
            continue
        found += re.findall(rb"\(((?:\\.|[^\\)])*)\) Tj", drawn)
    return b" ".join(found).decode("latin-1")


def test_the_document_says_what_the_certificate_says_and_is_the_same_each_time(
    licence: Licence, buyer: tuple[User, Account]
) -> None:
    certificate = certificates.of(licence)
    document = licence_documents.document(certificate)
    assert licence_documents.document(certificate) == document
    text = pdf_text(document)
    compact = re.sub(r"\s+", "", text)
    for fact in (str(licence.id), "buyer", "seller/numbers", licence.version.digest, "1.0.0", "Made to order"):
        assert fact.replace(" ", "") in compact, fact
    assert certificate.token in compact
    assert f"/licences/verify/{licence.id}" in compact
    assert "Youmayusethedata" in compact


def test_a_name_with_markup_and_other_letters_does_not_break_the_document(licence: Licence) -> None:
    Account.objects.filter(id=licence.account_id).update(name="<b>Ångström & Ḱółć</i> 東京 <para>")
    without_certificate(licence)
    text = re.sub(r"\s+", "", pdf_text(licence_documents.document(certificates.of(licence))))
    assert "m&K" in text  # the font has no Ḱ
    assert "</i>??<para>" in text


# What the doctor sees

CHECKS = [
    doctor.licences_have_certificates_that_verify,
    doctor.status_lists_say_how_licences_stand,
    doctor.suspended_licences_have_a_reason,
]


def told(check: CheckFunction) -> list[str]:
    return [f"{fault.subject}: {fault.message}" for fault in check()]


def test_the_doctor_finds_nothing_wrong_in_any_state(licence: Licence, version: Version) -> None:
    suspended, revoked, over = (a_licence(an_account(slug), version) for slug in ("one", "two", "three"))
    licensing.suspend(cause_of(suspended), licensing.Ground(LicenceSuspension.Reason.REFUND, uuid7()))
    licensing.revoke(cause_of(revoked), Licence.Revoked.REFUNDED)
    Licence.objects.filter(id=over.id).update(ends_at=timezone.now())
    licensing.expire()
    assert [told(check) for check in CHECKS] == [[], [], []]


def test_the_doctor_finds_a_licence_without_certificate_and_one_that_does_not_verify(licence: Licence) -> None:
    other = a_licence(an_account("other"), licence.version)
    without_certificate(licence)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE catalog_certificate SET token = %s WHERE licence_id = %s",
            [tampered(certificates.of(other).token), other.id],
        )
        cursor.execute("SET LOCAL session_replication_role = origin")
    found = told(doctor.licences_have_certificates_that_verify)
    assert len(found) == 2
    assert any("no certificate" in fault for fault in found)
    assert any("does not verify" in fault for fault in found)


def test_the_doctor_finds_an_entry_that_says_something_else(licence: Licence, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = status_lists.token(certificates.of(licence).status_list)
    licensing.revoke(cause_of(licence), Licence.Revoked.REFUNDED)
    monkeypatch.setattr(status_lists, "token", lambda status_list: stale)
    [fault] = told(doctor.status_lists_say_how_licences_stand)
    assert fault.startswith(f"licence {licence.id}")


def test_the_doctor_finds_a_suspension_without_reason_and_a_reason_without_suspension(licence: Licence) -> None:
    Licence.objects.filter(id=licence.id).update(state=Licence.State.SUSPENDED)
    assert len(told(doctor.suspended_licences_have_a_reason)) == 1
    LicenceSuspension.objects.create(licence=licence, reason="dispute", subject=uuid7())
    assert told(doctor.suspended_licences_have_a_reason) == []
    Licence.objects.filter(id=licence.id).update(state=Licence.State.IN_FORCE)
    assert len(told(doctor.suspended_licences_have_a_reason)) == 1
