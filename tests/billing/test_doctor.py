"""The doctor on money: nothing is sold yet."""

from __future__ import annotations

import pytest
from uuid_utils.compat import uuid7

from billing import doctor
from tests.factories import a_dataset, a_licence, a_version, an_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("s3_bucket")]


def test_a_licence_that_was_purchased_while_nothing_is_sold_is_without_cause() -> None:
    version = a_version(a_dataset(an_account("seller")))
    assert list(doctor.purchased_licences_have_their_purchase()) == []
    purchase = uuid7()
    licence = a_licence(an_account("buyer"), version, cause=("purchase", purchase))
    (fault,) = doctor.purchased_licences_have_their_purchase()
    assert fault.subject == f"licence {licence.id}"
    assert str(purchase) in fault.message
