"""Reporting a problem of a version: in public, answered by the seller or staff, within limits."""

from __future__ import annotations

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.test import Client

from catalog import problem_reports, publishing
from catalog.models import Dataset, ProblemReport, Version
from marketplace.accounts.models import Account, User
from marketplace.mail.models import Message
from tests.factories import a_dataset, a_listing, a_person, a_version

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]

TAB = "/datasets/sel/numbers/problems"
FORM = "/datasets/sel/numbers/versions/1.0.0/problems/report"
SAID = {"title": "Row 3 is twice there", "text": "See <b>train</b>, row 3."}


class Person:
    """Somebody with an account and a browser."""

    def __init__(self, slug: str) -> None:
        self.user, self.account = a_person(slug)
        self.client = Client()
        self.client.force_login(self.user)


@pytest.fixture
def seller() -> Person:
    return Person("sel")


@pytest.fixture
def dataset(seller: Person) -> Dataset:
    dataset = a_dataset(seller.account)
    a_version(dataset)
    publishing.put_on_shelf(a_listing(dataset).listing)
    return dataset


def report(dataset: Dataset, person: Person, title: str = "Odd") -> ProblemReport:
    version: Version = dataset.versions.get()
    return problem_reports.report(version, account=person.account, by=person.user, title=title, text="It is odd.")


def test_a_problem_is_reported_answered_and_resolved_for_everybody_to_read(seller: Person, dataset: Dataset) -> None:
    ann = Person("ann")
    assert "No problem has been reported" in Client().get(TAB).content.decode()
    assert ann.client.get(FORM).status_code == 200
    assert ann.client.post(FORM, SAID)["Location"].startswith(f"{TAB}#problem-")
    found = ProblemReport.objects.get()
    told = Message.objects.get()
    assert told.to == "sel@example.com" and f"{TAB}#problem-{found.id}" in told.text
    page = Client().get(TAB).content.decode()
    assert SAID["title"] in page and "See &lt;b&gt;train" in page and "ann" in page and "open" in page
    assert "<textarea" not in page
    address = f"/problems/{found.id}"
    assert seller.client.post(address, {"text": "We look at it."})["Location"] == address
    assert Message.objects.filter(to="ann@example.com").count() == 1
    own = seller.client.get(TAB).content.decode()
    assert 'name="text"' in own and f'id="answer-{found.id}-text"' in own
    page = Client().get(TAB).content.decode()
    assert "We look at it." in page and "answered" in page and "The seller" in page
    ann.client.post(address, {"text": "It is still there.", "resolved": "on"})
    found.refresh_from_db()
    assert found.state == "open"
    seller.client.post(address, {"text": "Mended in 1.1.0.", "resolved": "on"})
    found.refresh_from_db()
    assert found.state == "resolved"
    assert [answer.voice for answer in found.answers.order_by("answered_at")] == ["seller", "reporter", "seller"]


def test_staff_answer_too_and_others_do_not(seller: Person, dataset: Dataset) -> None:
    found = report(dataset, Person("ann"))
    address = f"/problems/{found.id}"
    stranger = Person("bea")
    assert "<textarea" not in stranger.client.get(address).content.decode()
    assert stranger.client.post(address, {"text": "Me too."}).status_code == 403
    boss = Client()
    boss.force_login(User.objects.create_superuser("boss@example.com"))
    assert boss.post(address, {"text": "We have asked the seller."}).status_code == 302
    assert found.answers.get().voice == "staff"


def test_what_is_wrong_with_a_report_is_told_at_its_fields(dataset: Dataset) -> None:
    ann = Person("ann")
    answer = ann.client.post(FORM, {"title": "", "text": "x" * 4001})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'href="#id_title"' in page and 'href="#id_text"' in page
    assert not ProblemReport.objects.exists()
    found = report(dataset, ann)
    assert ann.client.post(f"/problems/{found.id}", {"text": " "}).status_code == 422


def test_somebody_who_reports_too_much_waits(dataset: Dataset) -> None:
    ann = Person("ann")
    for number in range(problem_reports.REPORTS_A_DAY):
        report(dataset, ann, f"Odd {number}")
    answer = ann.client.post(FORM, SAID)
    assert answer.status_code == 422 and "Report this one tomorrow" in answer.content.decode()
    found = ProblemReport.objects.first()
    assert found is not None
    for _ in range(problem_reports.ANSWERS_AN_HOUR):
        problem_reports.answer(found, account=ann.account, by=ann.user, text="And then.")
    answer = ann.client.post(f"/problems/{found.id}", {"text": "And then."})
    assert answer.status_code == 422 and "Write this one later" in answer.content.decode()
    assert report(dataset, Person("bea")).state == "open"


def test_strangers_sign_in_first(client: Client, dataset: Dataset) -> None:
    assert client.get(FORM)["Location"].startswith("/accounts/login/")
    assert client.post(FORM, SAID)["Location"].startswith("/accounts/login/")


def test_of_what_they_may_not_see_nobody_reports_or_reads_anything(seller: Person, dataset: Dataset) -> None:
    ann = Person("ann")
    found = report(dataset, ann)
    publishing.close(dataset.listing)
    stranger = Person("bea")
    assert stranger.client.get(FORM).status_code == stranger.client.post(FORM, SAID).status_code == 404
    assert stranger.client.get(TAB).status_code == 404
    assert stranger.client.get(f"/problems/{found.id}").status_code == 404
    assert ann.client.get(f"/problems/{found.id}").status_code == 200
    assert ann.client.post(f"/problems/{found.id}", {"text": "Still odd."}).status_code == 302
    with pytest.raises(problem_reports.NotYours):
        report(dataset, stranger)
    with pytest.raises(ObjectDoesNotExist):
        ProblemReport.objects.get(account=stranger.account)


def test_a_longer_list_takes_no_more_queries(seller: Person, dataset: Dataset) -> None:
    for slug in ("ann", "bea", "cid", "dan"):
        found = report(dataset, Person(slug))
        problem_reports.answer(found, account=seller.account, by=seller.user, text="Thank you.")
    assert seller.client.get(TAB).content.decode().count("Thank you.") == 4


def test_the_seller_acts_for_the_account_or_speaks_for_nobody(seller: Person, dataset: Dataset) -> None:
    found = report(dataset, Person("ann"))
    other = Account.objects.create(slug="other", name="Other", kind="organisation")
    with pytest.raises(problem_reports.NotYours):
        problem_reports.answer(found, account=other, by=seller.user, text="Hm.")
