"""The public face of a dataset, and what a licence to it costs."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from catalog.models.dataset import Dataset
from catalog.models.keeping import never_listed
from catalog.models.terms import Terms
from catalog.models.version import Version


class ListingQuerySet(models.QuerySet["Listing"]):
    def public(self) -> ListingQuerySet:
        """Listings that anyone may see: on the shelf, or announced and being made."""
        return self.filter(state__in=Listing.PUBLIC)


class Listing(models.Model):
    """A dataset on the shelf. ``making`` is the run that fills an announced listing (no foreign key upward)."""

    class State(models.TextChoices):
        DRAFT = "draft", "draft"
        ANNOUNCED = "announced", "being made"
        ON_SHELF = "on_shelf", "on shelf"
        CLOSED = "closed", "closed"

    #: The states in which anyone may see a listing.
    PUBLIC: ClassVar = (State.ON_SHELF, State.ANNOUNCED)

    class Domain(models.TextChoices):
        FINANCE = "finance", "finance"
        HEALTH = "health", "health"
        RETAIL = "retail", "retail"
        MANUFACTURING = "manufacturing", "manufacturing"
        VISION = "vision", "vision"
        OTHER = "other", "other"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    dataset = models.OneToOneField(Dataset, models.PROTECT, related_name="listing")
    state = models.CharField(max_length=9, choices=State, default=State.DRAFT)
    summary = models.CharField(max_length=300)
    card = models.TextField(blank=True)
    modality = models.CharField(max_length=12)
    domain = models.CharField(max_length=13, choices=Domain, default=Domain.OTHER)
    making = models.UUIDField(null=True)
    shown_at = models.DateTimeField(db_default=Now())

    objects = ListingQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["-shown_at", "-id"], name="listing_newest_first")]
        triggers: ClassVar = [never_listed()]

    def __str__(self) -> str:
        return f"listing of {self.dataset}"

    @property
    def newest_on_shelf(self) -> Version | None:
        """The newest version that new buyers may have, or ``None``."""
        return self.dataset.versions.on_shelf().newest_first().first()


class OfferQuerySet(models.QuerySet["Offer"]):
    def open(self) -> OfferQuerySet:
        """Offers that buyers may take, with their terms, the cheapest first, then in the order of opening."""
        return self.filter(open=True).select_related("terms").order_by("price", "created_at", "id")


class Offer(models.Model):
    """Licence terms with a price tag on a listing. ``price`` is in minor units; 0 is a price like any other.

    A licence under it is for so many ``seats`` (people who work with the data; ``None``: all of the account) and so
    many ``days`` (``None``: without end), and is to later versions too if it says so. What an offer says never changes:
    it is closed and another one opened.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    listing = models.ForeignKey(Listing, models.PROTECT, related_name="offers")
    terms = models.ForeignKey(Terms, models.PROTECT, related_name="offers")
    seats = models.PositiveIntegerField(null=True)
    days = models.PositiveIntegerField(null=True)
    later_versions = models.BooleanField(default=True)
    price = models.PositiveBigIntegerField(default=0)
    currency = models.CharField(max_length=3, default="EUR")
    open = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = OfferQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["listing", "terms", "seats", "days"],
                condition=models.Q(open=True),
                nulls_distinct=False,
                name="one_open_offer_of_a_kind",
            )
        ]

    def __str__(self) -> str:
        return f"{self.terms_id} at {self.price} {self.currency}"
