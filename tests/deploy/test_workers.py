"""The roles ``migrate``, ``worker`` and ``beat`` with production settings: they do real work, and end when asked to."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tests.deploy import production
from tests.deploy.production import Deployment, Ground, the_process
from tests.workers import until

pytestmark = pytest.mark.xdist_group("deploy")

_QUEUES = {"generation": "generation", "publishing": "publishing,housekeeping"}
_PLAN_A_RUN = "from tests.generation import made; print('run', made.a_run(made.the_dice(), units=20_000).id)"
_ENDED = "SELECT state FROM runs_run WHERE id = %s AND state IN ('ready', 'failed', 'cancelled')"


def test_migrate_makes_tables_bucket_and_the_house_and_the_second_time_changes_nothing(
    ground: Ground, deployment: Deployment
) -> None:
    assert "Applying runs." in ground.said and "house/card-transactions" in ground.said
    before = deployment.query("SELECT digest, number FROM runs_generatorversion ORDER BY 1")
    assert len(before) >= 4
    again = production.run(deployment.environment, "migrate")
    assert again.returncode == 0, again.stdout
    assert "No migrations to apply." in again.stdout
    assert deployment.query("SELECT digest, number FROM runs_generatorversion ORDER BY 1") == before


@pytest.mark.django_db
def test_a_bucket_that_cannot_be_made_ends_the_preparation_in_words(settings: Settings) -> None:
    settings.S3_BUCKET = "Not_A_Bucket"
    with pytest.raises(CommandError, match=r"does not take the bucket Not_A_Bucket: .* Check S3_ENDPOINT_URL"):
        call_command("prepare")


def test_workers_and_beat_make_a_run_whose_hints_were_lost_and_end_by_sigterm(deployment: Deployment) -> None:
    nobody = deployment.start("nobody", "health", "worker", "interactive")
    planned = production.run(deployment.environment, "manage", "shell", "--verbosity", "0", "-c", _PLAN_A_RUN)
    assert planned.returncode == 0, planned.stdout
    run = planned.stdout.split()[-1]
    deployment.broker.flush()
    for name, queues in _QUEUES.items():
        deployment.start(name, "worker", queues)
    deployment.start("beat", "beat")

    # A piece of the run: one of another queue says nothing of this worker, which may not listen to signals yet.
    until(lambda: _leased(deployment, "runs.%"), seconds=240, what="a piece of the run", logs=deployment.children)
    assert deployment.end("generation", grace=60) == 0
    assert not _leased(deployment, "runs.shard"), "the worker left its piece behind"
    deployment.start("generation", "worker", "generation")
    until(lambda: deployment.query(_ENDED, run) != [], seconds=240, what="the end of the run", logs=deployment.children)
    assert deployment.query(_ENDED, run) == [("ready",)]

    assert nobody.process and nobody.process.wait(240) != 0, "a worker that is not there was called well"
    assert production.run(deployment.environment, "health", "worker", _QUEUES["publishing"]).returncode == 0
    assert production.run(deployment.environment, "health", "beat").returncode == 0
    for name in ("generation", "publishing", "beat"):
        assert "celery" in the_process(deployment.children[name])
        assert deployment.end(name, grace=60) == 0, name


def _leased(deployment: Deployment, kind: str = "%") -> bool:
    return deployment.query("SELECT 1 FROM work_piece WHERE state = 'leased' AND kind LIKE %s", kind) != []
