"""The list of experiments, one experiment, and the form that makes and changes it."""

import pytest
from django.utils import timezone

from tests.factories import make_cluster, make_experiment, make_job
from tracker.models import (
    Actor,
    AuditEntry,
    Experiment,
    Membership,
    ResearchGroup,
    Run,
)
from tracker.recording import NewPoint, append_points, create_run

pytestmark = pytest.mark.django_db
ODD_NAMES = ['a "quoted" name', "two\nlines", "<script>alert(1)</script>", "x" * 200, "ünïcødé 🚀"]


@pytest.fixture
def alice(client, people):
    client.force_login(people.alice)
    return client


def names_on(page):
    return [experiment.name for experiment in page.context["page"]]


def test_a_newcomer_is_told_how_to_begin(alice):
    assert "Make the first experiment" in alice.get("/").text
    assert "No experiments yet" in alice.get("/experiments").text


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_shown_and_never_run(alice, people, name):
    experiment = make_experiment(people.alice, name=name, tags=["<b>", 'a"b'], description=name)
    create_run(experiment, actor=Actor(people.alice), config={name: {name: name}})
    run = experiment.runs.get()
    pages = ["/", "/experiments", f"/experiments/{experiment.pk}", f"/runs/{run.pk}"]
    for path in [*pages, f"/experiments/{experiment.pk}/edit"]:
        answer = alice.get(path)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "<b>" not in answer.text


def test_the_list_shows_what_one_may_see_and_nothing_else(client, people):
    make_experiment(people.alice, name="shared")
    make_experiment(people.alice, name="private", shared=False)
    for user, names in ((people.rita, ["shared"]), (people.mallory, [])):
        client.force_login(user)
        assert names_on(client.get("/experiments")) == names


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=vit", ["vit"]),
        ("q=WARM", ["vit"]),
        ("tag=paper", ["resnet"]),
        ("tag=pap", []),
        ("tag=größe", ["resnet"]),
        ("owner=bob", ["bobs"]),
        ("owner=nobody", []),
        ("archived=on", ["old"]),
        ("sort=name", ["bobs", "resnet", "vit"]),
        ("sort=runs", ["vit", "bobs", "resnet"]),
        ("sort=nonsense&page=nonsense", ["bobs", "resnet", "vit"]),
        ("page=999", ["bobs", "resnet", "vit"]),
        ("group=999999999999999999999", ["bobs", "resnet", "vit"]),
        ("q=%00", ["bobs", "resnet", "vit"]),
    ],
)
def test_the_list_is_searched_filtered_and_sorted(alice, people, query, names):
    vit = make_experiment(people.alice, name="vit", description="longer warm-up")
    make_experiment(people.alice, name="resnet", tags=["paper", "größe"])
    make_experiment(people.bob, name="bobs")
    make_experiment(people.alice, name="old", archived_at=timezone.now())
    create_run(vit, actor=Actor(people.alice))
    assert names_on(alice.get(f"/experiments?{query}")) == names


def test_a_search_without_result_says_so(alice, people):
    make_experiment(people.alice)
    assert "No experiment matches" in alice.get("/experiments?q=zzz").text
    assert "Nothing is archived" in alice.get("/experiments?archived=on").text


def test_a_long_list_has_pages_that_keep_the_search(alice, people):
    for number in range(51):
        make_experiment(people.alice, name=f"sweep {number}")
    answer = alice.get("/experiments?q=sweep")
    assert "?q=sweep&amp;page=2" in answer.text
    assert len(names_on(alice.get("/experiments?q=sweep&page=2"))) == 1


def test_the_number_of_queries_does_not_grow_with_the_list(
    alice, people, django_assert_max_num_queries
):
    for number in range(40):
        experiment = make_experiment(people.alice, name=f"sweep {number}")
        create_run(experiment, actor=Actor(people.alice))
    for path in ("/experiments", "/"):
        with django_assert_max_num_queries(12):
            alice.get(path)


def test_the_page_of_an_experiment_asks_a_bounded_number_of_queries(
    alice, people, django_assert_max_num_queries
):
    experiment, cluster = make_experiment(people.alice), make_cluster()
    for job_id in range(30):
        make_job(cluster, job_id=job_id)
        run, _ = create_run(experiment, actor=Actor(people.alice), slurm_job_id=job_id)
        append_points(run, [NewPoint("loss", 1, 0.5)], now=timezone.now())
    with django_assert_max_num_queries(24):
        answer = alice.get(f"/experiments/{experiment.pk}")
    assert answer.text.count("0.5</td>") == 30


def test_a_reader_sees_no_buttons_that_change(client, people):
    experiment = make_experiment(people.alice)
    client.force_login(people.rita)
    text = client.get(f"/experiments/{experiment.pk}").text
    assert "/edit" not in text
    assert "/archive" not in text
    assert "Issue a token" not in text


def test_runs_are_filtered_by_state(alice, people):
    experiment = make_experiment(people.alice)
    create_run(experiment, actor=Actor(people.alice))
    text = alice.get(f"/experiments/{experiment.pk}?status=FAILED").text
    assert "No run is failed" in text
    assert (
        "/runs/"
        not in alice.get(f"/experiments/{experiment.pk}?status=FAILED").text.split(
            "How to log to it"
        )[0]
    )


def test_nonsense_in_the_filter_of_runs_means_all(alice, people):
    experiment = make_experiment(people.alice)
    assert "No runs yet" in alice.get(f"/experiments/{experiment.pk}?status=nonsense").text


def test_the_snippets_name_this_experiment_and_hold_no_secret(alice, people, settings):
    settings.PUBLIC_URL = "https://queue.example"
    experiment = make_experiment(people.alice)
    text = alice.get(f"/experiments/{experiment.pk}").text
    assert "export TRACKER_API=https://token:SECRET@queue.example" in text
    assert f"export EXPERIMENT_ID={experiment.pk}" in text


# --- making and changing


def fields(**changes):
    return {"name": "vit", "description": "", "tags": "", "group": "", "cluster": ""} | changes


def test_a_new_experiment_belongs_to_whoever_makes_it(alice, people):
    answer = alice.post("/experiments/new", fields(tags="vit, paper ,vit"))
    experiment = Experiment.objects.get()
    assert answer["Location"] == f"/experiments/{experiment.pk}"
    assert (experiment.owner, experiment.tags) == (people.alice, ["vit", "paper"])
    assert AuditEntry.objects.filter(verb="create", kind="experiment").exists()


def test_a_request_is_kept_for_each_cluster_that_something_is_asked_of(alice, people):
    lab, other = make_cluster("lab"), make_cluster("other")
    ask = {
        f"cluster-{lab.pk}-partition": "gpu,long",
        f"cluster-{lab.pk}-gres": "gpu:a100:2",
        f"cluster-{lab.pk}-mem": "64G",
        f"cluster-{lab.pk}-time_limit_minutes": "1-12:00:00",
    }
    alice.post("/experiments/new", fields(**ask))
    request = Experiment.objects.get().requests.get()
    assert request.cluster == lab
    assert (request.gres, request.time_limit_minutes) == ("gpu:a100:2", 2160)
    path = f"/experiments/{request.experiment_id}/edit"
    assert "36:00:00" in alice.get(path).text or "1-12:00:00" in alice.get(path).text
    alice.post(path, fields(**{f"cluster-{other.pk}-nodes": "2"}))
    assert [one.cluster for one in Experiment.objects.get().requests.all()] == [other]


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("time_limit_minutes", "soon", "“soon” is not a time limit"),
        ("time_limit_minutes", "UNLIMITED", "is not a time limit"),
        ("time_limit_minutes", "0", "is not a time limit"),
        ("mem", "lots", "such as 64G"),
        ("gres", "2 gpus", "gpu:a100:2"),
        ("nodes", "0", "greater than or equal to 1"),
        ("nodes", "9" * 30, "less than or equal to"),
        ("partition", "gpu long", "joined by commas"),
        ("array", "9-0", "such as 0-7%2"),
        ("mail_user", "a b", "one address or user name"),
        ("account", "a\x00b", "Null characters"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_with_the_cure(
    alice, people, field, value, complaint
):
    cluster = make_cluster()
    answer = alice.post("/experiments/new", fields(**{f"cluster-{cluster.pk}-{field}": value}))
    assert answer.status_code == 400
    assert complaint in answer.text
    assert not Experiment.objects.exists()


@pytest.mark.parametrize("tags", ["x" * 65, ",".join(["a" * 70, "b"])])
def test_a_tag_that_is_too_long_is_refused(alice, people, tags):
    assert alice.post("/experiments/new", fields(tags=tags)).status_code == 400


def test_an_experiment_is_given_only_to_groups_where_one_is_more_than_a_reader(client, people):
    vision = ResearchGroup.objects.get()
    foreign = ResearchGroup.objects.create(name="foreign")
    client.force_login(people.rita)
    for group in (vision, foreign):
        assert client.post("/experiments/new", fields(group=group.pk)).status_code == 400
    client.force_login(people.bob)
    assert client.post("/experiments/new", fields(group=vision.pk)).status_code == 302


def test_a_member_changes_an_experiment_but_not_its_group(client, people):
    experiment = make_experiment(people.alice)
    bobs = ResearchGroup.objects.create(name="bobs")
    Membership.objects.create(group=bobs, user=people.bob, role="owner")
    client.force_login(people.bob)
    answer = client.post(
        f"/experiments/{experiment.pk}/edit", fields(name="renamed", group=bobs.pk)
    )
    assert answer.status_code == 302
    experiment.refresh_from_db()
    assert (experiment.name, experiment.group.name) == ("renamed", "vision")
    assert experiment.owner == people.alice


def test_readers_are_told_why_they_may_not_edit(client, people):
    experiment = make_experiment(people.alice)
    client.force_login(people.rita)
    answer = client.get(f"/experiments/{experiment.pk}/edit")
    assert answer.status_code == 403
    assert "Ask an owner of its group" in answer.text


def test_owners_archive_and_restore(alice, people):
    experiment = make_experiment(people.alice)
    path = f"/experiments/{experiment.pk}/archive"
    assert "is archived" in alice.post(path, follow=True).text
    assert names_on(alice.get("/experiments")) == []
    assert "back in the list" in alice.post(path, {"restore": "1"}, follow=True).text
    assert names_on(alice.get("/experiments")) == [experiment.name]


def test_home_counts_what_runs_and_waits(alice, people):
    experiment = make_experiment(people.alice)
    for status in ("RUNNING", "PENDING", "PENDING", "COMPLETED"):
        run, _ = create_run(experiment, actor=Actor(people.alice))
        Run.objects.filter(pk=run.pk).update(status=status)
    answer = alice.get("/")
    assert (answer.context["running"], answer.context["waiting"]) == (1, 2)


def test_home_shows_runs_made_in_a_colleagues_experiment_while_one_may_see_it(client, people):
    experiment = make_experiment(people.alice)
    create_run(experiment, actor=Actor(people.bob))
    client.force_login(people.bob)
    assert len(client.get("/").context["open_runs"]) == 1
    Membership.objects.filter(user=people.bob).delete()
    assert len(client.get("/").context["open_runs"]) == 0
