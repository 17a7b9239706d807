"""What is said about runs: names, notes, tags, parents; archived, deleted, restored, purged."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import timezone

from tests.factories import NOW, make_cluster, make_experiment
from tracker.bulk import Deed, do_to_runs
from tracker.models import Actor, AuditEntry, MetricSeries, Run, RunTag
from tracker.recording import (
    ConflictError,
    NewPoint,
    append_points,
    archive_runs,
    create_run,
    delete_runs,
    describe_run,
    purge_runs,
    restore_runs,
    tag_runs,
    unarchive_runs,
)
from tracker.tasks import prune

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor(people):
    return Actor(people.alice)


@pytest.fixture
def experiment(people):
    return make_experiment(people.alice)


@pytest.fixture
def run(experiment, actor):
    return create_run(experiment, actor=actor, seed=1)[0]


@pytest.fixture
def alice(client, people):
    client.force_login(people.alice)
    return client


def tags(run):
    return dict(RunTag.objects.filter(run=run).values_list("name", "value"))


def verbs(run):
    entries = AuditEntry.objects.filter(kind="run", object_id=run.pk)
    return list(entries.order_by("pk").values_list("verb", flat=True))


# --- said


def test_a_run_is_described_and_what_is_not_named_stays(run, actor):
    describe_run(run, actor=actor, name="first", notes="a\nb")
    run = describe_run(run, actor=actor, name="second")
    assert (run.name, run.notes) == ("second", "a\nb")
    describe_run(run, actor=actor, name="second")
    assert verbs(run) == ["create", "update", "update"]


def test_tags_are_merged_and_null_takes_one_away(run, actor):
    tag_runs([run], {"baseline": "", "dataset": "c4"}, actor=actor)
    tag_runs([run], {"dataset": "wiki", "baseline": None, "none": None}, actor=actor)
    assert tags(run) == {"dataset": "wiki"}


def test_runs_are_nested_without_circles_in_their_own_experiment(run, experiment, actor, people):
    child, _ = create_run(experiment, actor=actor)
    grandchild, _ = create_run(experiment, actor=actor)
    describe_run(child, actor=actor, parent=run)
    describe_run(grandchild, actor=actor, parent=child)
    other, _ = create_run(make_experiment(people.alice, name="other"), actor=actor)
    for parent, told in ((grandchild, "comes from it"), (run, "itself"), (other, "another exp")):
        with pytest.raises(ConflictError, match=told):
            describe_run(run, actor=actor, parent=parent)
    assert describe_run(child, actor=actor, parent=None).parent is None


# --- put aside


def test_archived_runs_are_seen_and_logged_to_as_ever(run, actor):
    assert archive_runs([run], actor=actor, at=NOW) == 1
    assert archive_runs([run], actor=actor, at=NOW) == 0
    assert actor.runs().get() == run
    assert append_points(run, [NewPoint("loss", 1, 1.0)], now=NOW) == 1
    assert unarchive_runs([run], actor=actor) == 1
    assert Run.objects.get().archived_at is None
    assert verbs(run) == ["create", "archive", "unarchive"]


def test_a_deleted_run_is_seen_by_nobody_until_it_is_restored(run, actor, people):
    assert delete_runs([run], actor=actor, at=NOW) == 1
    for who in (actor, Actor(people.staff)):
        assert not who.runs().exists()
        assert who.deleted_runs().get() == run
    assert restore_runs([run], actor=actor) == 1
    assert actor.runs().get() == run
    assert verbs(run) == ["create", "delete", "restore"]


def test_a_run_whose_job_has_not_ended_is_not_deleted_nor_others_with_it(run, experiment, actor):
    make_cluster()
    busy, _ = create_run(experiment, actor=actor, slurm_job_id=828)
    with pytest.raises(ConflictError, match="is CREATED: cancel it first"):
        delete_runs([run, busy], actor=actor, at=NOW)
    assert actor.runs().count() == 2


def test_logging_to_a_deleted_run_is_a_conflict_and_no_404(alice, run, actor):
    delete_runs([run], actor=actor, at=NOW)
    body = {"name": "loss", "value": 1}
    for path in (f"/runs/{run.pk}/metrics", f"/api/v1/runs/{run.pk}/metrics"):
        answer = alice.post(path, body, content_type="application/json")
        assert answer.status_code == 409
        assert "deleted; restore it" in answer.json()["detail"]
    assert alice.get(f"/api/v1/runs/{run.pk}").status_code == 404
    page = alice.get(f"/runs/{run.pk}", follow=True)
    assert "This run is deleted" in page.text
    assert [row.run for row in page.context["page"]] == [run]


def test_the_daily_purge_takes_runs_deleted_long_ago_with_their_points(
    run, experiment, actor, settings
):
    lately, _ = create_run(experiment, actor=actor)
    kept, _ = create_run(experiment, actor=actor)
    append_points(run, [NewPoint("loss", 1, 1.0)], now=NOW)
    describe_run(kept, actor=actor, parent=run)
    now = timezone.now()
    days = timedelta(days=settings.DELETED_RUN_KEEP_DAYS)
    delete_runs([run], actor=actor, at=now - days - timedelta(hours=1))
    delete_runs([lately], actor=actor, at=now - days + timedelta(hours=1))
    prune()
    assert set(Run.objects.all()) == {lately, kept}
    assert not MetricSeries.objects.exists()
    assert Run.objects.get(pk=kept.pk).parent is None
    assert verbs(run)[-1] == "purge"


def test_a_purge_is_bounded_and_leaves_the_rest_to_the_next(experiment, actor):
    runs = [create_run(experiment, actor=actor)[0] for _ in range(3)]
    delete_runs(runs, actor=actor, at=NOW)
    assert purge_runs(NOW + timedelta(days=1), most=2) == 2
    assert purge_runs(NOW + timedelta(days=1), most=2) == 1


# --- many at once


def test_a_deed_on_many_is_done_to_all_or_none(run, experiment, actor, people):
    private, _ = create_run(
        make_experiment(people.bob, shared=False, name="bobs"), actor=Actor(people.bob)
    )
    with pytest.raises(Http404):
        do_to_runs(Deed.ARCHIVE, [run.pk, private.pk], actor=actor, at=NOW)
    with pytest.raises(PermissionDenied, match="1 of these runs you may see"):
        do_to_runs(Deed.ARCHIVE, [run.pk], actor=Actor(people.rita), at=NOW)
    assert not Run.objects.exclude(archived_at=None).exists()


@pytest.mark.parametrize("who", ["bob", "staff"])
def test_members_and_staff_change_runs(run, people, who):
    actor = Actor(getattr(people, who))
    for deed in (Deed.TAG, Deed.ARCHIVE, Deed.UNARCHIVE, Deed.DELETE, Deed.RESTORE, Deed.UNTAG):
        assert do_to_runs(deed, [run.pk], actor=actor, at=NOW, tag="good") == 1
    assert tags(run) == {}


# --- the run's page


def test_the_page_of_a_run_shows_and_changes_what_is_said(alice, run, experiment, actor):
    path = f"/runs/{run.pk}/words"
    alice.post(path, {"save": "1", "name": "long <warm-up>", "notes": "one\ntwo"})
    alice.post(path, {"add": "1", "tag": "dataset: c4"})
    alice.post(path, {"add": "1", "tag": "baseline"})
    alice.post(path, {"untag": "baseline"})
    child, _ = create_run(experiment, actor=actor)
    describe_run(child, actor=actor, parent=run, name="inner")
    text = alice.get(f"/runs/{run.pk}").text
    assert "<h1>long &lt;warm-up&gt;</h1>" in text
    assert "one<br>two" in text
    assert "dataset: c4" in text
    assert "Take the tag baseline away" not in text
    assert f'href="/runs/{child.pk}">inner' in text
    assert f'href="/runs/{run.pk}">long &lt;warm-up&gt;' in alice.get(f"/runs/{child.pk}").text


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"add": "1", "tag": ""}, "Give the tag first"),
        ({"add": "1", "tag": ": c4"}, "Give the tag a name of 1 to 250 characters."),
        ({"add": "1", "tag": "x" * 251}, "Give the tag a name of 1 to 250 characters."),
        ({"save": "1", "name": "x" * 201}, "at most 200 characters"),
        ({"save": "1", "name": "a\0b"}, "Null characters are not allowed."),
    ],
)
def test_what_cannot_be_said_is_told(alice, run, form, told):
    answer = alice.post(f"/runs/{run.pk}/words", form, follow=True)
    assert told in answer.text
    assert not RunTag.objects.exists()
    assert Run.objects.get().name == ""


def test_a_run_is_archived_and_deleted_from_its_page(alice, run, experiment):
    path = f"/runs/{run.pk}/words"
    alice.post(path, {"deed": "archive"})
    assert "it is left out of the list of runs" in alice.get(f"/runs/{run.pk}").text
    answer = alice.post(path, {"deed": "delete"})
    assert answer["Location"] == experiment.get_absolute_url()
    assert Run.objects.get().deleted_at


def test_a_run_with_a_job_is_not_deleted_from_its_page(alice, experiment, actor):
    make_cluster()
    run, _ = create_run(experiment, actor=actor, slurm_job_id=828)
    answer = alice.post(f"/runs/{run.pk}/words", {"deed": "delete"}, follow=True)
    assert "It was not deleted. Run" in answer.text
    assert Run.objects.get().deleted_at is None


def test_a_reader_is_shown_words_and_no_forms(client, run, people, actor):
    describe_run(run, actor=actor, name="first", notes="seen by all")
    client.force_login(people.rita)
    text = client.get(f"/runs/{run.pk}").text
    assert "seen by all" in text
    assert "/words" not in text
