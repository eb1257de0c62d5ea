"""The account that most tests of orders order with."""

from __future__ import annotations

import pytest
from django.test import Client

from marketplace.accounts.models import Account
from tests.factories import a_person
from tests.stripe_world import stripe_world as stripe_world


@pytest.fixture
def account(client: Client) -> Account:
    """The personal account of somebody who is signed in with ``client``."""
    user, account = a_person("ann")
    client.force_login(user)
    return account
