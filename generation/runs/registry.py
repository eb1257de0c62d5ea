"""The registry of generators: what may be run, by the digest of its code."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from generation.runner import Description, Runner
from generation.runner import Runtime as RunnerRuntime
from generation.runs.models import Generator, GeneratorVersion, Runtime
from marketplace.accounts.models import Account

#: The account whose generators run under the builder ``house``.
HOUSE = "house"


class DigestChanged(Exception):
    """The code changed and its version did not: a version is a digest and never changes."""


class NotConfined(Exception):
    """Code of strangers runs nowhere until it is confined, and no envelope may say that the house made it."""


def register(reference: str, account: Account) -> GeneratorVersion:
    """Ask the generator at ``reference`` (entry point or ``module:attribute``) what it is, and keep it.

    The generator is loaded in a runner child only. Registering the same code again returns what is there. Raises
    NotConfined for any account but the house's, DigestChanged, and generation.runner.RunnerFault when the generator
    cannot be loaded or described.
    """
    if account.slug != HOUSE:
        raise NotConfined(
            f"{account} is not the house. Generators of other accounts are taken once they run confined: no network, "
            "no secret, no more than they are given. Until then run yours with `lookalike run`."
        )
    with Runner(reference, scratch=settings.SCRATCH_DIR) as runner:
        description = runner.describe()
    with transaction.atomic():
        generator, _ = Generator.objects.get_or_create(account=account, name=description.name)
        known = generator.versions.filter(number=description.version).first()
        if known is None:
            return _add(generator, reference, description)
    if known.digest != description.digest:
        raise DigestChanged(
            f"{generator} {description.version} is registered with digest {known.digest[:12]}…, the code now has "
            f"{description.digest[:12]}…. Give the changed code a new version."
        )
    return known


def record_runtime(runtime: RunnerRuntime) -> Runtime:
    """Keep the document of a runtime that made data, once."""
    return Runtime.objects.get_or_create(id=runtime.id, defaults={"document": runtime.document})[0]


def _add(generator: Generator, reference: str, description: Description) -> GeneratorVersion:
    return GeneratorVersion.objects.create(
        generator=generator,
        number=description.version,
        digest=description.digest,
        reference=reference,
        description={
            "title": description.title,
            "summary": description.summary,
            "modality": description.modality,
            "source": description.source,
            "exact": description.exact,
            "keeps_rows": description.keeps_rows,
            "parameters": description.parameters_schema,
        },
    )
