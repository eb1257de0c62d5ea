"""The nearest spelling of words that no listing has."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from django.contrib.postgres.search import TrigramSimilarity
from django.db import connection, transaction

from catalog.models import SearchWord
from catalog.search.choices import Choice
from catalog.search.matching import total

_WORD = re.compile(r"\w{3,40}")
_MOST_WORDS = 8
# Two letters swapped in a short word leave few trigrams in common; what comes of so low a bound is compared by letters.
_SHARED_TRIGRAMS = 0.15
_CANDIDATES = 60
_ALIKE = 0.7


def respelt(words: str) -> str | None:
    """``words`` with those that nothing is called by replaced by the nearest that something is; None if there is none.

    What is returned finds something on the shelves.
    """
    unknown = [word for word in _WORD.findall(words)[:_MOST_WORDS] if not _found(word)]
    nearest = {word: near for word in unknown if (near := _nearest(word.lower()))}
    if not nearest:
        return None
    replaced = _WORD.sub(lambda match: nearest.get(match.group(), match.group()), words)
    return replaced if _found(replaced) else None


def _found(words: str) -> bool:
    return total(Choice(words, {}, "relevance")).number > 0


def _nearest(word: str) -> str | None:
    """The known word most like ``word`` that some listing has now."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pg_trgm.similarity_threshold', %s, true)", [str(_SHARED_TRIGRAMS)])
        similar = (
            SearchWord.objects.filter(word__trigram_similar=word)
            .annotate(shared=TrigramSimilarity("word", word))
            .order_by("-shared", "word")
        )
        known = list(similar.values_list("word", flat=True)[:_CANDIDATES])
    alike = sorted(known, key=lambda other: -SequenceMatcher(None, word, other).ratio())[:3]
    return next((w for w in alike if SequenceMatcher(None, word, w).ratio() >= _ALIKE and _found(w)), None)
