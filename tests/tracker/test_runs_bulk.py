"""What is done to ticked runs at once, and the views of the table that people keep."""

import re

import pytest

from tests.factories import make_experiment
from tracker.models import Actor, Run, RunTag, SavedView
from tracker.recording import create_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(client, people):
    client.force_login(people.alice)
    return client


@pytest.fixture
def experiment(people):
    return make_experiment(people.alice)


@pytest.fixture
def runs(experiment, people):
    return [create_run(experiment, actor=Actor(people.alice))[0] for _ in range(6)]


# --- ticked runs


def test_ticked_runs_are_tagged_archived_deleted_and_restored(alice, runs):
    ids = [run.pk for run in runs[:2]]

    def bar(deed, **form):
        back = {"next": "/runs?q=trial"}
        return alice.post("/runs/bulk", {"runs": ids, "deed": deed} | back | form)

    assert bar("tag", tag="dataset: c4")["Location"] == "/runs?q=trial"
    assert list(RunTag.objects.values_list("name", "value")) == [("dataset", "c4")] * 2
    bar("untag", tag="dataset")
    assert not RunTag.objects.exists()
    for deed, column in (("archive", "archived_at"), ("delete", "deleted_at")):
        bar(deed)
        assert Run.objects.exclude(**{column: None}).count() == 2
    bar("restore")
    bar("unarchive")
    assert Run.objects.filter(archived_at=None, deleted_at=None).count() == 6


def test_ticked_runs_are_compared(alice, runs):
    ids = [runs[0].pk, runs[1].pk]
    answer = alice.post("/runs/bulk", {"runs": ids, "deed": "compare"})
    assert answer["Location"] == f"/compare?runs={','.join(ids)}"


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"deed": "archive"}, "No run was ticked."),
        ({"runs": ["x"], "deed": "archive"}, "Nothing was done. 1 of these runs are none that"),
        ({"runs": ["x"], "deed": "burn"}, "Choose what to do"),
        ({"runs": ["x"], "deed": "tag"}, "Give the tag first"),
    ],
)
def test_a_bar_that_can_do_nothing_says_why(alice, runs, form, told):
    assert told in alice.post("/runs/bulk", form, follow=True).text


def test_a_reader_compares_and_changes_nothing(client, people, runs):
    client.force_login(people.rita)
    assert 'value="delete"' not in client.get("/runs").text
    form = {"runs": [runs[0].pk], "deed": "delete"}
    assert "you may see, and not change" in client.post("/runs/bulk", form, follow=True).text
    assert not Run.objects.exclude(deleted_at=None).exists()


def test_the_way_back_is_on_this_site(alice):
    for address in ("https://evil.example/", "//evil.example", "javascript:alert(1)", ""):
        assert alice.post("/runs/bulk", {"next": address})["Location"] == "/runs"


# --- views that people keep


def test_a_view_is_kept_chosen_replaced_and_deleted(alice, people, experiment):
    query = "q=trial&sort=-metrics.loss"
    for kept in ("q=old", f"{query}&page=3"):
        alice.post("/runs/views", {"name": "best", "query": kept})
    view = SavedView.objects.get()
    assert (view.owner, view.experiment, view.query) == (people.alice, None, query)
    text = alice.get(f"/runs?{query}").text
    assert re.search(r'href="\?q=trial&amp;sort=-metrics\.loss" aria-current="page">best', text)
    assert "best" not in alice.get(experiment.get_absolute_url()).text
    alice.post(f"/runs/views/{view.pk}/delete")
    assert not SavedView.objects.exists()


def test_a_view_of_an_experiment_stays_with_it(alice, experiment):
    form = {"name": "failed", "query": "status=FAILED", "experiment": experiment.pk}
    alice.post("/runs/views", form)
    assert "failed</a>" in alice.get(experiment.get_absolute_url()).text
    assert SavedView.objects.get().experiment == experiment


def test_views_are_nobody_elses(client, people, experiment):
    view = SavedView.objects.create(owner=people.alice, name="mine")
    client.force_login(people.mallory)
    assert client.post(f"/runs/views/{view.pk}/delete").status_code == 404
    form = {"name": "x", "query": "", "experiment": experiment.pk}
    assert client.post("/runs/views", form).status_code == 404
    assert "mine" not in client.get("/runs").text
