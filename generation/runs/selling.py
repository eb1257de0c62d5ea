"""A seller has a dataset made, or a new version of one: asked for, checked by the generator itself, then a run.

What comes of it is a draft listing that only the seller sees; ``catalog.moderation.show`` puts it on the shelf.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.urls import reverse

from catalog.models import Dataset, Listing
from generation.runs import checking, lifecycle
from generation.runs.checking import Problem
from generation.runs.models import GeneratorVersion, Making, Run
from generation.runs.thresholds import Threshold
from marketplace.accounts import notices
from marketplace.accounts.models import Account
from marketplace.accounts.notices import Notice
from marketplace.web.schema_forms import completed
from marketplace.work import queue
from marketplace.work.faults import WorkFault
from marketplace.work.leases import Lease

CHECK: Final = "runs.check_making"
TELL: Final = "runs.tell_seller"
#: So many runs of one account may be under way.
MOST_UNDER_WAY: Final = 3


def ask(
    account: Account,
    generator: GeneratorVersion,
    *,
    parameters: Mapping[str, Any],
    units: int,
    splits: Sequence[Mapping[str, Any]],
    dataset: Dataset | None = None,
    thresholds: Sequence[Threshold] = (),
    **told: str,
) -> Making:
    """Have a new version of ``dataset`` made; without it a new dataset, which ``told`` says name, title and so on of.

    It begins once an interactive worker has asked the generator whether it can. What does not keep the ``thresholds``
    is not published.
    """
    with transaction.atomic():
        making = Making.objects.create(
            account=account,
            dataset=dataset,
            generator=generator,
            parameters=completed(generator.description["parameters"], parameters),
            units=units,
            splits=list(splits),
            thresholds=[threshold.as_json() for threshold in thresholds],
            **told,
        )
        queue.enqueue(CHECK, making.id)
        return making


def check(lease: Lease) -> None:
    """Perform ``runs.check_making``: begin the run, or keep every reason why it cannot be made."""
    making = Making.objects.select_related("generator__generator__account").get(id=lease.subject)
    if making.state != Making.State.ASKED:
        return
    problems, _ = checking.check(
        making.generator,
        parameters=making.parameters,
        units=making.units,
        splits=making.splits,
        source=None,
        lease=lease,
    )
    with lease.finishing():
        account = Account.objects.select_for_update(no_key=True).get(id=making.account_id)
        making = Making.objects.select_related("dataset").get(id=making.id)
        problems += _in_the_way(account, making)
        if problems:
            _refuse(making, problems)
        else:
            _begin(account, making)


def give_up(making_id: UUID, fault: WorkFault) -> None:
    """Record why it could not be checked."""
    making = Making.objects.get(id=making_id)
    if making.state == Making.State.ASKED:
        _refuse(making, [{"field": "", "message": fault.message, "remedy": "Change the settings and try again."}])


def tell(lease: Lease) -> None:
    """Perform ``runs.tell_seller`` after the run: an e-mail that says how it ended."""
    with lease.finishing():
        making = Making.objects.select_related("run", "dataset__account").get(id=lease.subject)
        run, dataset = making.run, making.dataset
        if run is None or dataset is None or run.state == Run.State.CANCELLED:
            return
        path = reverse("runs:sell-dataset", args=[dataset.name])
        if run.state == Run.State.READY:
            subject, more = f"{dataset.title} is made", "Look at it, and put it on the shelf if it is not there yet."
        else:
            subject, more = f"{dataset.title} could not be made", run.fault_message
        notices.tell(dataset.account, Notice(subject, [f"{dataset}: {subject}.", more], path, "See the dataset"))


def _in_the_way(account: Account, making: Making) -> list[Problem]:
    """What else keeps the run from beginning: a name that was taken since, or too much at once."""
    problems = []
    under_way = Run.objects.under_way().filter(account=account)
    if making.dataset is None and Dataset.objects.filter(account=account, name=making.name).exists():
        message = f"You have a dataset called “{making.name}”."
        problems.append({"field": "name", "message": message, "remedy": "Choose another name."})
    if making.dataset is not None and under_way.filter(dataset=making.dataset).exists():
        message = "A version of this dataset is being made already."
        problems.append({"field": "", "message": message, "remedy": "Wait until it is made, or cancel it."})
    elif under_way.count() >= MOST_UNDER_WAY:
        message = f"{MOST_UNDER_WAY} runs of this account are under way already."
        problems.append({"field": "", "message": message, "remedy": "Wait until one of them has ended."})
    return problems


def _refuse(making: Making, problems: list[Problem]) -> None:
    making.state, making.problems = Making.State.REFUSED, problems
    making.save(update_fields=["state", "problems"])


def _begin(account: Account, making: Making) -> None:
    dataset = making.dataset or _draft(account, making)
    making.dataset = dataset
    making.run = lifecycle.plan_run(
        dataset=dataset,
        generator=making.generator,
        parameters=making.parameters,
        units=making.units,
        splits=making.splits,
        thresholds=making.thresholds,
    )
    making.state = Making.State.BEGUN
    making.save(update_fields=["dataset", "run", "state"])
    queue.enqueue(TELL, making.id, after=making.run.id)


def _draft(account: Account, making: Making) -> Dataset:
    """The new dataset with its draft listing, which nothing is offered for yet: that is the seller's to say."""
    dataset = Dataset.objects.create(account=account, name=making.name, title=making.title)
    modality = making.generator.description["modality"]
    Listing.objects.create(dataset=dataset, summary=making.summary, domain=making.domain, modality=modality)
    return dataset
