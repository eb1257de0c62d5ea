"""What search and the shelves' facets read: derived from listings, and made anew from them at any time."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from catalog.models.listing import Listing


class SearchCell(models.Model):
    """A combination of facet values, seller and generator aside, and how many listings have just this one.

    There are at most a few thousand cells however many listings there are, so counting under a choice of filters costs
    the same at a thousand listings and at a million.
    """

    id = models.BigAutoField(primary_key=True)
    facets = ArrayField(models.CharField(max_length=140), unique=True)
    listings = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return ", ".join(self.facets)


class SearchCount(models.Model):
    """How many public listings have one facet value, ``word``: the counts while no filter is chosen."""

    word = models.CharField(max_length=140, primary_key=True)
    facet = models.CharField(max_length=20)
    listings = models.PositiveIntegerField(default=0)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["facet", "-listings", "word"], name="search_largest_values")]

    def __str__(self) -> str:
        return self.word


class SearchWord(models.Model):
    """A word that some listing has or had, so that a misspelt one finds its nearest."""

    word = models.CharField(max_length=40, primary_key=True)

    class Meta:
        indexes: ClassVar = [GinIndex(fields=["word"], opclasses=["gin_trgm_ops"], name="search_word_trigrams")]

    def __str__(self) -> str:
        return self.word


class SearchEntry(models.Model):
    """A public listing as the shelves find, count and sort it.

    ``text`` holds the words by weight (title, summary, columns, card) and the facet values as words of their own, so
    that one index answers for both. ``tier`` is the share of all entries that it lies in, by chance and for good: the
    tiers are looked through in turn, each by an index of its own, until enough was found. ``price`` is of the lowest
    open offer, ``NOT_OFFERED`` without one, so that it sorts last; ``rows`` is 0 while the first version is being made.
    """

    NOT_OFFERED: ClassVar[int] = 2**63 - 1
    #: The tiers hold 1/64, 1/64, 1/32, 1/16, 1/8, 1/4 and 1/2 of the entries, by the last byte of their UUIDs.
    TIERS: ClassVar = (4, 8, 16, 32, 64, 128)

    listing = models.OneToOneField(Listing, models.CASCADE, primary_key=True, related_name="entry")
    text = SearchVectorField()
    cell = models.ForeignKey(SearchCell, models.PROTECT, related_name="entries")
    facets = ArrayField(models.CharField(max_length=140))
    columns = ArrayField(models.CharField(max_length=200))
    seller = models.CharField(max_length=39)
    generator = models.CharField(max_length=120)
    price = models.BigIntegerField()
    rows = models.PositiveBigIntegerField()
    shown_at = models.DateTimeField()
    tier = models.GeneratedField(
        expression=models.Func(
            models.Func(models.Func(models.F("listing"), function="uuid_send"), 15, function="get_byte"),
            models.Value([*TIERS]),
            function="width_bucket",
        ),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )

    class Meta:
        indexes: ClassVar = [
            GinIndex(fields=["text"], name="search_text", fastupdate=False),
            *(
                GinIndex(fields=["text"], name=f"search_text_{tier}", fastupdate=False, condition=models.Q(tier=tier))
                for tier in range(7)
            ),
            models.Index(fields=["-shown_at", "-listing"], name="search_newest"),
            models.Index(fields=["price", "-listing"], name="search_price"),
            models.Index(fields=["-rows", "-listing"], name="search_size"),
            models.Index(fields=["cell", "-shown_at", "-listing"], name="search_cell_newest"),
            models.Index(fields=["seller", "cell"], name="search_seller"),
            models.Index(fields=["generator", "cell"], name="search_generator"),
            models.Index(fields=["generator", "-shown_at", "-listing"], name="search_generator_newest"),
        ]

    def __str__(self) -> str:
        return f"entry of {self.listing_id}"
