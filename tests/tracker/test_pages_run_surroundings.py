"""The part of a run's page that says where it ran."""

import pytest

from tests.factories import make_experiment
from tracker.models import Actor, Run
from tracker.recording import create_run
from tracker.views.run_surroundings import surroundings_of

TOLD_BY_THE_CLIENT = {
    "git": {"commit": "4f1e0c9", "branch": "main", "changed": True},
    "argv": ["train.py", "--name", "two words", "--api-token=***"],
    "folder": "/shared/ada",
    "host": "gpu03",
    "python": "3.11.2",
    "packages": {"torch": "2.9.0", "numpy": "2.3.1"},
    "gpus": ["NVIDIA A100", "NVIDIA A100"],
    "environment": {"SLURM_JOB_ID": "7", "CUDA_VISIBLE_DEVICES": "0,1"},
}


def shown(told):
    return surroundings_of(Run(surroundings=told))["surroundings"]


@pytest.mark.django_db
def test_the_page_says_where_a_run_ran(client, people):
    experiment = make_experiment(people.alice)
    run, _ = create_run(experiment, actor=Actor(people.alice))
    client.force_login(people.alice)
    assert "Where it ran" not in client.get(f"/runs/{run.pk}").text
    Run.objects.filter(pk=run.pk).update(surroundings=TOLD_BY_THE_CLIENT)
    page = client.get(f"/runs/{run.pk}").text
    assert "Where it ran" in page
    assert "commit 4f1e0c9 on main, with changes that were not committed" in page
    assert "gpu03" in page


def test_what_the_client_tells_is_in_words_and_nothing_is_said_twice():
    told = shown(TOLD_BY_THE_CLIENT)
    assert told.command == "train.py --name 'two words' '--api-token=***'"
    assert told.facts == [
        ("Code", "commit 4f1e0c9 on main, with changes that were not committed"),
        ("Folder", "/shared/ada"),
        ("Host", "gpu03"),
        ("GPUs", "2 × NVIDIA A100"),
        ("Python", "3.11.2"),
        ("Packages", "torch 2.9.0, numpy 2.3.1"),
    ]
    assert told.environment == [("CUDA_VISIBLE_DEVICES", "0,1"), ("SLURM_JOB_ID", "7")]


def test_what_another_program_tells_is_listed_by_its_name():
    told = shown({"git": "4f1e0c9", "argv": [1, "b"], "image": {"name": "nvcr", "tag": 24}})
    assert told.facts == [
        ("git", "4f1e0c9"), ("argv", '[1, "b"]'), ("image.name", "nvcr"), ("image.tag", "24"),
    ]  # fmt: skip
    assert told.command == ""


def test_a_run_that_told_nothing_has_no_such_part():
    assert surroundings_of(Run(surroundings={})) == {}
