"""The start page as its address fills it in."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils.html import strip_tags

from tests.tracker.starting.start import SCRIPT
from tracker.models import Experiment, ResourceRequest, Submission

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(client: Client, people) -> Client:
    client.force_login(people.alice)
    return client


def address(experiment: Experiment, **fields: str) -> str:
    return f"/experiments/{experiment.pk}/start?{urlencode(fields)}"


def words(html: str) -> str:
    return " ".join(strip_tags(html).split())


def test_fields_are_filled_in_and_what_differs_from_the_experiments_own_is_said(
    alice, experiment, cluster
) -> None:
    ResourceRequest.objects.create(
        experiment=experiment, cluster=cluster, partition="gpu", mem="8G", qos="high"
    )
    html = alice.get(
        address(
            experiment, partition="debug", mem="8G", time_limit_minutes="00:30:00", gres="gpu:1"
        )
    ).text
    for value in ("debug", "8G", "high", "00:30:00", "gpu:1"):
        assert f'value="{value}"' in html
    text = words(html)
    assert "Partition: debug in place of gpu" in text
    assert "Time limit: 00:30:00 in place of 00:10:00" in text  # of the script
    assert "GPUs and other GRES: gpu:1 in place of what Slurm gives by itself" in text
    assert "Memory:" not in text


def test_what_is_as_the_experiment_has_it_already_is_no_difference(alice, experiment, cluster):
    assert SCRIPT.count("--time=10") == 1
    text = alice.get(address(experiment, time_limit_minutes="10")).text
    assert 'value="10"' in text and "another request than" not in text


def test_what_is_filled_in_is_validated_as_if_typed(alice, experiment, cluster) -> None:
    there = address(experiment, time_limit_minutes="soon", nodes="many")
    assert 'value="soon"' in alice.get(there).text
    asks = {"key": "k1", "ask-time_limit_minutes": "soon", "ask-nodes": "many"}
    answer = alice.post(there, asks)
    assert answer.status_code == 400 and "“soon” is not a time limit" in answer.text
    assert not Submission.objects.exists()


def test_the_start_bears_the_key_of_the_address_through_a_preview(
    alice, experiment, cluster
) -> None:
    there = address(experiment, key="a1b2", partition="debug")
    html = alice.get(there).text
    assert 'name="key" value="a1b2"' in html
    form = {"key": "a1b2", "ask-partition": "debug"}
    action = re.search(r'<form class="form" method="post" action="([^"]+)"', html)[1]
    preview = alice.post(
        there.partition("?")[0] + action.replace("&amp;", "&"), form | {"preview": "1"}
    )
    assert 'name="key" value="a1b2"' in preview.text
    assert "Partition: debug in place of" in words(preview.text)
    alice.post(there, form)
    assert Submission.objects.get().key == "a1b2"


@pytest.mark.parametrize("odd", ["", "é", "a b", "%00", "x" * 65])
def test_a_key_that_is_none_is_not_taken(alice, experiment, cluster, odd) -> None:
    html = alice.get(f"/experiments/{experiment.pk}/start?key={odd}").text
    assert re.search(r'name="key" value="[0-9a-f]{32}"', html)
