"""The admin: every list answers, facts stay facts, and actions leave a trail."""

import csv
import io
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from tests.factories import NOW, make_cluster, make_experiment, make_job
from tracker.models import (
    Actor,
    Artifact,
    AuditEntry,
    Cluster,
    ClusterAccount,
    Experiment,
    Job,
    Poll,
    ResourceRequest,
    Run,
    StartEstimate,
    Submission,
    Token,
)
from tracker.recording import NewEstimate, NewPoint, append_points, create_run, publish_estimates

pytestmark = pytest.mark.django_db
MODELS = sorted(apps.get_app_config("tracker").get_models(), key=lambda model: model.__name__)
FACTS = [
    "job",
    "submission",
    "attempt",
    "poll",
    "startestimate",
    "auditentry",
    "run",
    "metricseries",
    "node",
]


@pytest.fixture
def staff(client, people):
    client.force_login(people.staff)
    return client


def list_of(model):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def page_of(obj):
    meta = obj._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[obj.pk])


def act(client, model, action, *objects):
    fields = {"action": action, "_selected_action": [obj.pk for obj in objects]}
    return client.post(list_of(model), fields, follow=True)


@pytest.fixture
def world(people):
    """One of nearly everything."""
    cluster = make_cluster()
    experiment = make_experiment(people.alice, cluster=cluster)
    ResourceRequest.objects.create(experiment=experiment, cluster=cluster, gres="gpu:2")
    job = make_job(cluster)
    run, _ = create_run(
        experiment, actor=Actor(people.alice), slurm_job_id=job.job_id, config={"lr": 0.1}
    )
    append_points(run, [NewPoint("loss", 1, float("nan"))], now=NOW)
    Artifact.objects.create(run=run, path="/data/1.pt")
    publish_estimates(NOW, [NewEstimate(job.pk, snapshot_at=NOW, p50_at=NOW)])
    Poll.objects.create(
        cluster=cluster, command="squeue", started_at=NOW, seconds=0.1, ok=True,
        raw=Poll.compress("828|PENDING\n" * 3000),
    )  # fmt: skip
    Token.issue(user=people.alice, scope="read")
    return cluster, experiment, run


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_model_is_listed_searched_and_shown(staff, world, model):
    assert admin.site.is_registered(model)
    assert staff.get(list_of(model)).status_code == 200
    if admin.site.get_model_admin(model).search_fields:
        assert staff.get(list_of(model), {"q": "8"}).status_code == 200
    for obj in model.objects.all()[:1]:
        assert staff.get(page_of(obj)).status_code == 200


@pytest.mark.parametrize("name", FACTS)
def test_facts_are_looked_at_and_not_typed_in(staff, world, name):
    model = apps.get_model("tracker", name)
    model_admin = admin.site.get_model_admin(model)
    assert staff.get(reverse(f"admin:tracker_{name}_add")).status_code == 403
    for obj in model.objects.all()[:1]:
        assert staff.post(page_of(obj), {}).status_code == 403
    assert not model_admin.has_change_permission(None)


@pytest.mark.parametrize("model", [Experiment, Run, Job, StartEstimate], ids=lambda m: m.__name__)
def test_long_lists_ask_a_bounded_number_of_queries(
    staff, people, model, django_assert_max_num_queries
):
    cluster = make_cluster()
    for number in range(30):
        experiment = make_experiment(people.alice, name=f"sweep {number}")
        job = make_job(cluster, job_id=number)
        create_run(experiment, actor=Actor(people.alice), slurm_job_id=number)
        publish_estimates(NOW, [NewEstimate(job.pk, snapshot_at=NOW)])
    with django_assert_max_num_queries(20):
        assert staff.get(list_of(model)).status_code == 200


def test_the_raw_output_of_a_poll_is_shown_readable_and_cut(staff, world):
    text = staff.get(page_of(Poll.objects.get())).text
    assert "828|PENDING" in text
    assert "16,000 more characters" in text


# --- actions


def test_experiments_are_archived_and_restored_with_a_trail(staff, world):
    _, experiment, _ = world
    act(staff, Experiment, "archive", experiment)
    experiment.refresh_from_db()
    assert experiment.archived_at
    act(staff, Experiment, "restore", experiment)
    experiment.refresh_from_db()
    assert experiment.archived_at is None
    assert list(
        AuditEntry.objects.filter(kind="experiment", user__username="staff")
        .order_by("pk")
        .values_list("verb", flat=True)
    ) == ["archive", "restore"]


def test_polling_is_paused_and_resumed_with_a_trail(staff, world):
    cluster, _, _ = world
    for action, paused in (("pause", True), ("resume", False)):
        act(staff, Cluster, action, cluster)
        cluster.refresh_from_db()
        assert cluster.polling_paused is paused
        assert AuditEntry.objects.filter(verb=action, kind="cluster").count() == 1
    act(staff, Cluster, "resume", cluster)
    assert AuditEntry.objects.filter(verb="resume").count() == 1


# --- clusters


def add_cluster(client, **fields):
    typed = {
        "name": "lab", "transport": "local", "submit_as": "", "work_dir": "/home/{user}",
        "run_folder": "exp-{experiment}", "job_output": "jobs/%j.out",
    } | fields  # fmt: skip
    return client.post(reverse("admin:tracker_cluster_add"), typed)


@pytest.mark.parametrize(
    ("typed", "kept"), [('["jobs"]', ["jobs"]), ("", []), ("5", None), ('{"jobs": 1}', None)]
)
def test_private_data_is_a_list_of_words_or_refused_with_an_example(staff, typed, kept):
    answer = add_cluster(staff, private_data=typed)
    made = Cluster.objects.first()
    assert (made and made.private_data) == kept
    assert (kept is None) == ("Give a list of words" in answer.text)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"transport": "ssh"}, "ssh needs a host"),
        ({"submit_as": "ssh"}, "ssh needs a host"),
        ({"transport": "slurmrestd"}, "slurmrestd needs an address"),
        ({"submit_as": "slurmrestd"}, "slurmrestd needs an address"),
        ({"transport": "capture"}, "the folder that it was recorded into"),
        (
            {"transport": "capture", "location": "/data", "submit_as": "self"},
            "A capture is a recording",
        ),
        (
            {"transport": "ssh", "ssh_host": "login", "submit_as": "sudo"},
            "starts sbatch on this host",
        ),
        ({"log_roots": '["/"]'}, "every file of this host"),
        ({"log_roots": '["/home/.."]'}, "no absolute path"),
        ({"log_roots": '["home"]'}, "no absolute path"),
        ({"log_roots": '"/home"'}, "Give a list of folders"),
        ({"work_dir": "home/{user}"}, "no absolute path"),
        ({"run_folder": "{nobody}"}, "no other braces"),
        ({"ssh_host": "-oProxyCommand=x"}, "Give a host name"),
    ],
)
def test_a_cluster_that_could_not_work_is_refused_with_the_cure(staff, fields, complaint):
    answer = add_cluster(staff, **fields)
    assert complaint in answer.text
    assert not Cluster.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"submit_as": "sudo", "log_roots": '["/home", "/scratch"]'},
        {"transport": "ssh", "ssh_host": "login", "submit_as": "ssh"},
        {"transport": "slurmrestd", "rest_url": "http://127.0.0.1:6820", "submit_as": "slurmrestd"},
    ],
)
def test_a_cluster_is_added_with_what_its_ways_need(staff, fields):
    assert add_cluster(staff, **fields).status_code == 302
    made = Cluster.objects.get()
    assert {name: getattr(made, name) for name in fields if name != "log_roots"} == {
        name: value for name, value in fields.items() if name != "log_roots"
    }


def test_the_list_of_clusters_leads_to_their_polls(staff):
    make_cluster()
    assert 'href="/clusters/lab/polls"' in staff.get(list_of(Cluster)).text


# --- starting and cancelling


@pytest.fixture
def open_cluster(people):
    """A demo's, so that root may be asked to submit; nothing is rung in these tests."""
    cluster = make_cluster(is_demo=True, submit_as="self")
    ClusterAccount.objects.create(user=people.staff, cluster=cluster, unix_name="qc-staff")
    return cluster


def test_experiments_are_started_and_what_stands_against_one_is_told(staff, people, open_cluster):
    ready = make_experiment(people.alice, name="ready", batch_script="#!/bin/sh\ntrue\n")
    empty = make_experiment(people.alice, name="empty")
    answer = act(staff, Experiment, "start", ready, empty)
    assert "“ready” was started on lab as qc-staff" in answer.text
    assert "“empty” was not started. Batch script is empty" in answer.text
    run = Run.objects.get()
    assert (run.experiment, run.status, run.created_by) == (ready, "SUBMITTING", people.staff)
    assert AuditEntry.objects.filter(verb="start", user=people.staff).exists()


def test_runs_are_cancelled_and_those_of_others_are_not(staff, people, open_cluster):
    experiment = make_experiment(people.alice)
    runs = []
    for job_id, user in ((1, "qc-staff"), (2, "qc-bob")):
        make_job(open_cluster, job_id, user=user)
        run, _ = create_run(
            experiment, actor=Actor(people.alice), cluster=open_cluster, slurm_job_id=job_id
        )
        runs.append(run)
    answer = act(staff, Run, "cancel", *runs)
    assert "Cancelling of 1 was asked" in answer.text
    assert "only qc-bob cancels it" in answer.text
    asked = Run.objects.filter(cancel_asked_at__isnull=False)
    assert [run.pk for run in asked] == [runs[0].pk]


def test_the_runs_of_one_submission_are_a_click_away(staff, people, open_cluster):
    experiment = make_experiment(people.staff, shared=False, batch_script="#!/bin/sh\ntrue\n")
    act(staff, Experiment, "start", experiment)
    create_run(experiment, actor=Actor(people.staff))
    begun = Submission.objects.get()
    link = f"{list_of(Run)}?submission__id__exact={begun.pk}"
    assert link in staff.get(list_of(Submission)).text
    assert "1 run" in staff.get(link).text
    assert begun.script.splitlines()[0] in staff.get(page_of(begun)).text


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "CANCELLED"])
def test_an_open_run_is_closed_with_a_trail(staff, world, people, status):
    _, experiment, _ = world
    run, _ = create_run(experiment, actor=Actor(people.alice))
    act(staff, Run, f"close_as_{status.lower()}", run)
    run.refresh_from_db()
    assert run.status == status
    assert AuditEntry.objects.filter(verb="update", object_id=run.pk).exists()


def test_a_run_that_has_ended_is_not_closed_again(staff, world):
    _, _, run = world
    Run.objects.filter(pk=run.pk).update(status="TIMEOUT")
    answer = act(staff, Run, "close_as_completed", run)
    assert "has ended as TIMEOUT and stays so" in answer.text
    run.refresh_from_db()
    assert run.status == "TIMEOUT"


def test_runs_are_exported_as_csv_without_formulas(staff, world):
    _, experiment, run = world
    Experiment.objects.filter(pk=experiment.pk).update(name='=HYPERLINK("x")')
    fields = {"action": "export_csv", "_selected_action": [run.pk]}
    answer = staff.post(list_of(Run), fields)
    text = b"".join(answer.streaming_content).decode()
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["id"] == run.pk
    assert row["experiment__name"] == '\'=HYPERLINK("x")'
    assert row["config"] == '{"lr": 0.1}'


def test_tokens_are_revoked_with_a_trail(staff, world):
    token = Token.objects.get()
    act(staff, Token, "revoke", token)
    token.refresh_from_db()
    assert token.revoked_at
    assert AuditEntry.objects.filter(verb="revoke", kind="token").exists()


# --- tokens and links


def add_token(client, user, **fields):
    return client.post(
        reverse("admin:tracker_token_add"), {"user": user.pk, "label": ""} | fields, follow=True
    )


def test_a_new_token_shows_its_secret_once(staff, people):
    answer = add_token(staff, people.bob, scope="user")
    (message,) = [str(m) for m in answer.context["messages"] if "only once" in str(m)]
    token = Token.find(message.rpartition(" ")[2])
    assert (token.user, token.scope, token.expires_at) == (people.bob, "user", None)
    assert AuditEntry.objects.filter(verb="issue", user=people.staff).exists()
    assert staff.get(page_of(token)).status_code == 200


def test_a_new_sign_in_token_is_shown_as_a_link_that_works(staff, people, client):
    later = timezone.now() + timedelta(hours=1)
    answer = add_token(
        staff, people.bob, scope="signin",
        expires_at_0=later.strftime("%Y-%m-%d"), expires_at_1=later.strftime("%H:%M:%S"),
    )  # fmt: skip
    (link,) = [str(m).rpartition(" ")[2] for m in answer.context["messages"] if "once" in str(m)]
    staff.logout()
    assert client.get(link.removeprefix("http://testserver"))["Location"] == "/"
    assert Token.objects.get().expires_at - later < timedelta(seconds=2)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"scope": "run"}, "names an experiment or a run"),
        ({"scope": "user", "expires_at_0": "2020-01-01", "expires_at_1": "00:00"}, "has passed"),
    ],
)
def test_a_token_that_would_open_nothing_is_refused(staff, people, fields, complaint):
    assert complaint in add_token(staff, people.bob, **fields).text
    assert not Token.objects.exists()


def test_staff_who_are_no_superusers_make_no_keys_of_others(client, people):
    people.rita.is_staff = True
    people.rita.save()
    people.rita.user_permissions.set(
        Permission.objects.filter(content_type__app_label__in=["tracker", "auth"])
    )
    client.force_login(people.rita)
    assert client.get(reverse("admin:tracker_token_add")).status_code == 403
    act(client, User, "make_link", people.staff)
    assert not Token.objects.exists()


def test_a_sign_in_link_is_made_for_a_user(staff, people):
    answer = act(staff, User, "make_link", people.bob)
    assert "/signin?token=" in answer.text
    assert Token.objects.get().user == people.bob


# --- changes by hand


def test_a_change_by_hand_is_in_the_audit_trail(staff, world):
    _, experiment, _ = world
    request = experiment.requests.get()
    fields = {
        "name": "renamed", "description": "", "tags": "[]", "owner": experiment.owner_id,
        "group": "", "cluster": "", "batch_script": "", "folder": "",
        "requests-TOTAL_FORMS": "1", "requests-INITIAL_FORMS": "1",
        "requests-0-id": request.pk, "requests-0-experiment": experiment.pk,
        "requests-0-cluster": request.cluster_id, "requests-0-gres": "gpu:4",
    }  # fmt: skip
    assert staff.post(page_of(experiment), fields).status_code == 302
    entry = AuditEntry.objects.get(verb="update", kind="experiment")
    assert "name" in entry.detail["fields"]
    request.refresh_from_db()
    assert request.gres == "gpu:4"


def test_deleting_an_experiment_takes_its_runs_and_leaves_a_trail(staff, world):
    _, experiment, run = world
    path = reverse("admin:tracker_experiment_delete", args=[experiment.pk])
    assert staff.post(path, {"post": "yes"}).status_code == 302
    assert not Run.objects.filter(pk=run.pk).exists()
    assert AuditEntry.objects.filter(verb="delete", kind="experiment").exists()


def test_nobody_deletes_the_audit_trail(staff, people):
    entry = AuditEntry.objects.create(user=people.alice, verb="x", kind="y", object_id="1")
    path = reverse("admin:tracker_auditentry_delete", args=[entry.pk])
    assert staff.post(path, {"post": "yes"}).status_code == 403


def test_pages_and_admin_link_to_each_other(staff):
    assert 'href="/admin/"' in staff.get("/").text
    assert 'href="/"' in staff.get("/admin/").text
