"""The runs table: what it lists, finds, sorts and folds."""

import re
from datetime import timedelta

import pytest

from bench.many_runs import fill
from tests.factories import NOW, make_cluster, make_experiment, make_job
from tracker.models import Actor, Run, Submission
from tracker.recording import (
    NewPoint,
    append_points,
    archive_runs,
    create_run,
    delete_runs,
    describe_run,
    tag_runs,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(client, people):
    client.force_login(people.alice)
    return client


@pytest.fixture
def actor(people):
    return Actor(people.alice)


@pytest.fixture
def experiment(people):
    return make_experiment(people.alice)


@pytest.fixture
def runs(experiment, actor):
    """Six runs of three configurations with two seeds each; of the last no loss is finite."""
    made = []
    for place in range(6):
        lr = 10 ** -(place // 2)
        run, _ = create_run(
            experiment, actor=actor, seed=place % 2, config={"optim": {"lr": lr}, "depth": 12}
        )
        loss = place / 10 if place < 5 else float("nan")
        append_points(run, [NewPoint("loss", 1, loss), NewPoint("acc", 1, 0.5)], now=NOW)
        describe_run(run, actor=actor, name=f"trial-{place}")
        made.append(run)
    return made


def listed(answer):
    return [row.run.name for row in answer.context["page"]]


# --- what is listed


def test_all_runs_that_one_may_see_are_listed_newest_first(client, people, runs):
    for who, count in ((people.alice, 6), (people.rita, 6), (people.mallory, 0)):
        client.force_login(who)
        answer = client.get("/runs")
        assert len(listed(answer)) == count
    client.force_login(people.alice)
    assert listed(client.get("/runs"))[0] == "trial-5"


def test_a_newcomer_is_told_where_runs_come_from(alice):
    assert "No runs yet" in alice.get("/runs").text


def test_metrics_and_settings_that_differ_are_shown_by_themselves(alice, runs):
    answer = alice.get("/runs")
    assert [column.label for column in answer.context["columns"]] == ["acc", "loss", "optim.lr"]
    assert "NaN</td>" in answer.text


def test_columns_are_chosen_and_kept_in_the_address(alice, runs):
    answer = alice.get("/runs?columns=max.loss&columns=config.depth,user,created_at")
    assert [str(column.key) for column in answer.context["columns"]] == [
        "max.loss", "config.depth", "user", "created_at",
    ]  # fmt: skip
    assert "columns=max.loss&amp;columns=config.depth%2Cuser%2Ccreated_at" in answer.text


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=trial-3", ["trial-3"]),
        ("where=metrics.loss+<+0.2", ["trial-1", "trial-0"]),
        ("where=metrics.loss+<+0.2&sort=metrics.loss", ["trial-0", "trial-1"]),
        ("where=metrics.loss+%3D+NaN", ["trial-5"]),
        ("where=config.optim.lr+>+0.5+and+seed+%3D+1", ["trial-1"]),
        ("status=CREATED&q=trial-1", ["trial-1"]),
        ("status=FAILED", []),
    ],
)
def test_runs_are_found_and_sorted(alice, runs, query, names):
    for path in ("/runs", runs[0].experiment.get_absolute_url()):
        assert listed(alice.get(f"{path}?{query}")) == names


def test_what_is_missing_or_not_finite_is_sorted_last_either_way(alice, runs):
    for sort in ("metrics.loss", "-metrics.loss"):
        assert listed(alice.get(f"/runs?sort={sort}"))[-1] == "trial-5"


def test_headings_sort_one_way_then_the_other_then_no_more(alice, runs):
    def heading(query):
        answer = alice.get(f"/runs?{query}&columns=metrics.loss&q=trial")
        [column] = answer.context["columns"]
        assert ("aria-sort" in answer.text) == bool(column.order)
        return column.order, "sort=-metrics" in column.url, "sort=metrics" in column.url

    assert heading("") == ("", True, False)
    assert heading("sort=-metrics.loss") == ("descending", False, True)
    assert heading("sort=metrics.loss") == ("ascending", False, False)


def test_a_filter_that_makes_no_sense_is_told_and_lists_nothing(alice, runs):
    answer = alice.get("/runs?where=loss+<+1")
    assert answer.status_code == 200
    assert "“loss” is no attribute of a run" in answer.text
    assert "metrics.loss or config.loss" in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert listed(answer) == []


@pytest.mark.parametrize(
    "query",
    ["sort=x", "columns=x", "which=x", "where=%00", "q=%00", "q=" + "x" * 201, "group=x",
     "parent=%00", "submission=x", "fold=%00&group=config", "group=start&fold=x", "page=x",
     "columns=%60", "sort=metrics.%22x", "group=config.%60x%60", "where=config.%60a%25s%60=1"],
)  # fmt: skip
def test_odd_addresses_are_no_server_errors(alice, runs, query):
    assert alice.get(f"/runs?{query}").status_code == 200


def test_states_are_counted_within_the_filter_and_taken_in_or_out(alice, runs):
    Run.objects.filter(name="trial-0").update(status="FAILED")
    answer = alice.get("/runs?where=metrics.loss+<+0.3&status=FAILED")
    chips = {chip["status"]: chip for chip in answer.context["chips"]}
    assert {status: chip["count"] for status, chip in chips.items()} == {"CREATED": 2, "FAILED": 1}
    assert chips["FAILED"]["is_on"] and "status" not in chips["FAILED"]["url"]
    assert "status=FAILED&status=CREATED" in chips["CREATED"]["url"]
    assert listed(answer) == ["trial-0"]


def test_archived_and_deleted_runs_have_lists_of_their_own(alice, runs, actor):
    archive_runs(runs[:1], actor=actor, at=NOW)
    delete_runs(runs[1:2], actor=actor, at=NOW)
    assert "trial-0" not in listed(alice.get("/runs")) and len(listed(alice.get("/runs"))) == 4
    assert listed(alice.get("/runs?which=archived")) == ["trial-0"]
    deleted = alice.get("/runs?which=deleted")
    assert listed(deleted) == ["trial-1"]
    assert deleted.context["page"][0].purged_at == NOW + timedelta(days=30)
    assert f"/runs/{runs[1].pk}" not in deleted.text  # its page is gone


def test_names_and_tags_are_shown_and_never_run(alice, runs, actor):
    describe_run(runs[0], actor=actor, name="<script>alert(1)</script>")
    tag_runs([runs[0]], {"<b>": "<i>", "`odd`": ""}, actor=actor)
    text = alice.get("/runs?group=config").text + alice.get("/runs").text
    assert "<script>alert" not in text and "<b>" not in text and "<i>" not in text


def test_a_script_gets_the_list_alone_and_a_clean_address(alice, runs):
    htmx = {"HX-Request": "true", "HX-Target": "runs-list"}
    answer = alice.get("/runs?q=trial-3&where=&group=", headers=htmx)
    assert "<html" not in answer.text and "trial-3" in answer.text
    assert answer["HX-Push-Url"] == "/runs?q=trial-3"
    back = alice.get("/runs?q=trial-3", headers=htmx | {"HX-History-Restore-Request": "true"})
    assert "<html" in back.text


def test_pages_of_the_table_ask_a_bounded_number_of_queries(
    alice, people, django_assert_max_num_queries
):
    experiment = fill(60, 3)
    cluster = make_cluster("other")
    for job_id, run in enumerate(Run.objects.all()):
        run.job = make_job(cluster, job_id=job_id + 1)
        run.save()
    shown = "columns=metrics.m00,config.optim.lr,tags.dataset,tag,user,duration_s"
    for path in ("/runs", f"/runs?{shown}&sort=-metrics.m01", "/runs?group=start"):
        with django_assert_max_num_queries(22):
            assert len(alice.get(path).context["page"].object_list) > 1
    with django_assert_max_num_queries(30):
        alice.get(experiment.get_absolute_url())


def test_a_long_list_has_pages(alice, people):
    fill(120, 1)
    answer = alice.get("/runs?page=3&sort=metrics.m00")
    assert len(listed(answer)) == 20
    assert "101–120 of 120 runs" in answer.text


# --- folded


def test_runs_of_one_configuration_fold_to_mean_and_spread_over_seeds(alice, runs):
    answer = alice.get("/runs?group=config&columns=metrics.loss")
    folds = answer.context["page"].object_list
    assert [(fold.label, fold.count) for fold in folds] == [
        ("lr 0.01", 2), ("lr 0.1", 2), ("lr 1", 2),
    ]  # fmt: skip
    # sample standard deviation of 0.2 and 0.3; of the newest only one value is finite
    assert [fold.cells[0] for fold in folds] == [
        ("0.4", ""), ("0.25 ± 0.071", "0.2 to 0.3"), ("0.05 ± 0.071", "0 to 0.1"),
    ]  # fmt: skip


def test_settings_whose_ends_are_alike_are_told_by_their_whole_names(alice, experiment, actor):
    for name in ("vit", "mlp"):
        optim = {"name": f"sgd-{name}", "nesterov": name == "vit"}
        create_run(experiment, actor=actor, config={"model": {"name": name}, "optim": optim})
    first = alice.get("/runs?group=config").context["page"][0]
    assert first.label == "model.name mlp, optim.name sgd-mlp, nesterov false"


def test_what_is_listed_is_compared_and_a_folded_experiment_by_its_configurations(
    alice, runs, experiment
):
    page = alice.get("/runs?where=metrics.loss+<+0.2").text
    assert f'href="/compare?runs={runs[1].pk},{runs[0].pk}">Compare all 2 of this page' in page
    assert "Compare all" not in alice.get("/runs?where=metrics.loss+<+0.1").text
    folded = alice.get(f"{experiment.get_absolute_url()}?group=config").text
    assert f'href="/compare?experiment={experiment.pk}&amp;group_by=config"' in folded


def test_folds_are_sorted_by_the_mean_of_a_metric(alice, runs):
    answer = alice.get("/runs?group=config&sort=metrics.loss&columns=metrics.loss")
    assert [fold.label for fold in answer.context["page"]] == ["lr 1", "lr 0.1", "lr 0.01"]


def test_a_fold_opens_to_its_runs_as_rows_and_as_a_list(alice, runs):
    fold = alice.get("/runs?group=config&columns=metrics.loss").context["page"][1]
    rows = alice.get(f"/runs{fold.rows_url}", headers={"HX-Request": "true"}).text
    assert re.findall(r"trial-\d", rows) == ["trial-3", "trial-2"]
    assert listed(alice.get(f"/runs{fold.url}")) == ["trial-3", "trial-2"]


def test_runs_fold_by_a_setting_a_parent_or_their_start(alice, runs, experiment, people, actor):
    describe_run(runs[1], actor=actor, parent=runs[0])
    sweep = Submission.objects.create(
        experiment=experiment, cluster=make_cluster(), unix_name="alice", request={},
        script="", mark="x", slurm_job_id=828,
    )  # fmt: skip
    Run.objects.filter(pk__in=[runs[2].pk, runs[3].pk]).update(submission=sweep)

    def folds(by):
        page = alice.get(f"/runs?group={by}").context["page"]
        return {fold.label: fold.count for fold in page}

    assert folds("config.optim.lr") == {"0.01": 2, "0.1": 2, "1": 2}
    assert folds("parent") == {"without a parent": 5, "trial-0": 1}
    assert folds("start") == {"not started here": 4, f"Start {sweep.pk}, job 828": 2}
    assert folds("experiment") == {"vit-small": 6}
    assert listed(alice.get("/runs?group=parent&fold=")) == [f"trial-{n}" for n in (5, 4, 3, 2, 0)]
    assert listed(alice.get(f"/runs?submission={sweep.pk}&sort=name")) == ["trial-2", "trial-3"]
    assert listed(alice.get(f"/runs?parent={runs[0].pk}")) == ["trial-1"]
