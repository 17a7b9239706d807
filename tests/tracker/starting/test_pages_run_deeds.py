"""What is done to runs by hand on their pages: cancel, decide, look, adopt."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery import current_app
from django.test import Client
from django.utils import timezone

from tests.factories import make_cluster, make_job
from tests.tracker.fake_slurm import FakeSlurm
from tests.tracker.starting.start import Wish, begin, nobody_rings
from tracker import recording
from tracker.models import Actor, AuditEntry, Cluster, ClusterAccount, Job, JobHint, Run, Submission
from tracker.recording import create_run

# ruff: noqa: PLR0917 (fixtures)
pytestmark = pytest.mark.django_db
SHOWN = """\
JobId=828 JobName=vit
   UserId=qc-alice(1001) GroupId=lab(1001) MCS_label=N/A
   JobState=PENDING Reason=Resources Dependency=(null)
   StdErr=/home/qc-alice/jobs/828.err
   StdIn=/dev/null
   StdOut=/home/qc-alice/jobs/828.out
"""


@pytest.fixture
def alice(client: Client, people) -> Client:
    client.force_login(people.alice)
    return client


@pytest.fixture
def eager(django_capture_on_commit_callbacks):
    """Bells are heard at once, as if a worker were there."""
    before = current_app.conf.task_always_eager
    current_app.conf.task_always_eager = True
    yield lambda: django_capture_on_commit_callbacks(execute=True)
    current_app.conf.task_always_eager = before


def unclear(experiment, cluster) -> Run:
    begin(experiment, cluster, ring=nobody_rings)
    begun = recording.claim(Submission.objects.get().pk, timezone.now())
    recording.mark_unclear(begun, "It was sent 3 times without an answer.")
    return Run.objects.get()


# --- cancel


def test_cancelling_asks_once_more_and_then_tells_that_slurm_has_to_confirm(
    alice, experiment, cluster, slurm, eager
):
    slurm.write("scancel", "exit 0")
    for command in ("squeue", "sacct"):
        slurm.says(command, "")  # it takes its time
    begin(experiment, cluster)
    run = Run.objects.get()
    assert f'href="/runs/{run.pk}/cancel"' in alice.get(f"/runs/{run.pk}").text
    assert "Cancel this run?" in alice.get(f"/runs/{run.pk}/cancel").text
    assert not [call for call in slurm.calls if "scancel" in call]
    with eager():
        alice.post(f"/runs/{run.pk}/cancel")
    assert "scancel -- 828" in slurm.calls
    text = alice.get(f"/runs/{run.pk}").text
    assert "Cancelling was asked" in text
    assert "Slurm has not confirmed yet" in text
    assert "every 3s" in text


def test_what_was_not_sent_yet_is_taken_back(alice, experiment, cluster, slurm):
    begin(experiment, cluster, ring=nobody_rings)
    run = Run.objects.get()
    assert "nothing runs" in alice.get(f"/runs/{run.pk}/cancel").text
    text = alice.post(f"/runs/{run.pk}/cancel", follow=True).text
    assert "Taken back before Slurm had it" in text
    assert f'href="/runs/{run.pk}/cancel"' not in text
    assert not slurm.calls


def test_the_job_of_another_unix_user_is_not_offered_with_the_reason(
    alice, experiment, cluster, people
):
    make_job(cluster, 9, user="qc-bob")
    run, _ = create_run(experiment, actor=Actor(people.bob), cluster=cluster, slurm_job_id=9)
    text = alice.get(f"/runs/{run.pk}").text
    assert "only qc-bob cancels it" in text
    assert f'href="/runs/{run.pk}/cancel"' not in text
    assert "only qc-bob" in alice.get(f"/runs/{run.pk}/cancel", follow=True).text
    assert "It was not cancelled." in alice.post(f"/runs/{run.pk}/cancel", follow=True).text
    assert not Run.objects.filter(cancel_asked_at__isnull=False).exists()


def test_a_run_that_has_ended_or_has_no_job_offers_no_cancelling(alice, people, experiment):
    run, _ = create_run(experiment, actor=Actor(people.alice))
    for status in ("CREATED", "COMPLETED"):
        Run.objects.update(status=status)
        text = alice.get(f"/runs/{run.pk}").text
        assert "cancel" not in text.lower()
        answer = alice.get(f"/runs/{run.pk}/cancel", follow=True)
        assert "There is nothing to cancel." in answer.text


def test_runs_that_share_the_job_are_named_before_it_is_cancelled(
    alice, people, experiment, cluster
):
    make_job(cluster, 9, user="qc-alice")
    for seed in (1, 2, 3):
        run, _ = create_run(
            experiment, actor=Actor(people.alice), cluster=cluster, slurm_job_id=9, seed=seed
        )
    assert "The job holds 2 more runs" in alice.get(f"/runs/{run.pk}/cancel").text


def test_a_task_of_an_array_is_cancelled_alone_and_said_so(alice, experiment, cluster, slurm):
    slurm.write("sbatch", "echo 900")
    begin(experiment, cluster, Wish(seeds=(1, 2, 3)))
    make_job(cluster, 900, user="qc-alice", array_job_id=900, array_tasks=[0, 1, 2])
    Run.objects.update(job=Job.objects.get())
    run = Run.objects.get(array_task_id=1)
    assert "job 900_1" in alice.get(f"/runs/{run.pk}").text
    text = alice.get(f"/runs/{run.pk}/cancel").text
    assert "Job 900_1 on lab gets" in text
    assert "more run" not in text
    assert '/cancel"' not in alice.get("/jobs").text


def test_a_refused_cancelling_is_told_in_slurms_words(alice, experiment, cluster, slurm, eager):
    slurm.fails("scancel", "scancel: error: Kill job error on job id 828: Access/permission denied")
    begin(experiment, cluster)
    run = Run.objects.get()
    with eager():
        alice.post(f"/runs/{run.pk}/cancel")
    text = alice.get(f"/runs/{run.pk}").text
    assert "It could not be cancelled: Kill job error on job id 828: Access" in text
    assert "Slurm has not confirmed" not in text


def test_all_of_ones_own_are_counted_by_cluster_and_then_cancelled(
    alice, people, experiment, cluster, slurm, eager
):
    slurm.write("scancel", "exit 0")
    closed = make_cluster("closed")
    ClusterAccount.objects.create(user=people.alice, cluster=closed, unix_name="al")
    begin(experiment, cluster)
    job = make_job(closed, 5, user="al")
    create_run(experiment, actor=Actor(people.alice), cluster=closed, slurm_job_id=job.job_id)
    asked = " ".join(alice.get("/jobs/cancel-mine").text.split())
    assert "1 run waiting or running. Their jobs get" in asked
    assert "closed is only read" in asked
    assert "Cancel 1 run<" in asked
    with eager():
        text = alice.post("/jobs/cancel-mine", follow=True).text
    assert "Cancelling of 1 run on lab was asked" in text
    assert [call for call in slurm.calls if "scancel" in call] == ["scancel -- 828"]


def test_with_nothing_open_there_is_nothing_to_cancel(alice, cluster):
    text = alice.get("/jobs/cancel-mine").text
    assert "nothing of yours is open" in text
    assert "button-danger" not in text
    assert "Cancel all my runs" not in alice.get("/jobs").text


def test_whoever_is_nobody_on_the_clusters_is_told_so(client, people, cluster):
    client.force_login(people.bob)
    assert "which unix user you are" in client.get("/jobs/cancel-mine").text
    assert client.post("/jobs/cancel-mine").status_code == 302


def test_my_jobs_offers_to_cancel_those_that_are_tracked_and_open(
    alice, people, experiment, cluster
):
    for job_id in (1, 2):
        make_job(cluster, job_id, user="qc-alice")
    tracked, _ = create_run(experiment, actor=Actor(people.alice), cluster=cluster, slurm_job_id=1)
    text = alice.get("/jobs").text
    assert text.count('/cancel"') == 1
    assert f'href="/runs/{tracked.pk}/cancel"' in text
    assert "Cancel all my runs" in text
    Cluster.objects.update(submit_as="")
    assert f'href="/runs/{tracked.pk}/cancel"' not in alice.get("/jobs").text


# --- how it stands before Slurm has it


def live(client: Client, run: Run) -> str:
    return " ".join(client.get(f"/runs/{run.pk}/live").text.split())


def test_a_run_on_its_way_looks_again_soon(alice, experiment, cluster):
    begin(experiment, cluster, ring=nobody_rings)
    run = Run.objects.get()
    assert "On its way to Slurm" in live(alice, run)
    assert "every 3s" in live(alice, run)
    recording.claim(Submission.objects.get().pk, timezone.now())
    assert "Being sent to Slurm" in live(alice, run)
    recording.mark_sent(Submission.objects.get(), 828, timezone.now())
    assert "every 15s" in live(alice, run)


def test_silence_is_told_with_what_happens_next(alice, experiment, cluster, slurm):
    slurm.fails("sbatch", "sbatch: error: Unable to contact slurm controller (connect failure)")
    begin(experiment, cluster)
    text = live(alice, Run.objects.get())
    assert "Slurm does not answer; it is looked for and sent again when it does." in text
    assert "Unable to contact slurm controller" in text


def test_a_refusal_is_told_in_slurms_words(alice, experiment, cluster, slurm):
    slurm.fails(
        "sbatch",
        "sbatch: error: Batch job submission failed: Invalid partition name specified",
    )
    begin(experiment, cluster)
    text = live(alice, Run.objects.get())
    words = "Slurm refused it: Batch job submission failed: Invalid partition name specified."
    assert words in text
    assert text.count("Invalid partition") == 1


def test_the_page_is_loaded_anew_when_more_than_its_live_part_changed(alice, experiment, cluster):
    begin(experiment, cluster, ring=nobody_rings)
    run = Run.objects.get()
    page = alice.get(f"/runs/{run.pk}")
    seen, stage = page.context["version"], page.context["stage"]
    path = f"/runs/{run.pk}/live?seen={seen}&stage={stage}"
    assert alice.get(path).status_code == 204
    recording.claim(Submission.objects.get().pk, timezone.now())
    assert alice.get(path)["HX-Refresh"] == "true"


def test_a_wish_to_cancel_is_news_to_the_live_part(alice, experiment, cluster):
    begin(experiment, cluster)
    run = Run.objects.get()
    seen = alice.get(f"/runs/{run.pk}").context["version"]
    Run.objects.update(cancel_asked_at=timezone.now())
    assert alice.get(f"/runs/{run.pk}/live?seen={seen}").status_code == 200


# --- nobody knows


def test_an_unclear_submission_asks_its_people(alice, client, people, experiment, cluster):
    run = unclear(experiment, cluster)
    text = alice.get(f"/runs/{run.pk}").text
    assert "Does Slurm have the job of this run?" in text
    assert "It was sent 3 times without an answer." in text
    assert "This is its job" in text
    assert f'href="/runs/{run.pk}/cancel"' not in text
    client.force_login(people.rita)
    text = client.get(f"/runs/{run.pk}").text
    assert "Does Slurm have the job" in text
    assert "This is its job" not in text


def test_this_is_its_job(alice, experiment, cluster):
    run = unclear(experiment, cluster)
    make_job(cluster, 9, user="qc-alice")
    alice.post(f"/runs/{run.pk}/decide", {"slurm_job_id": "9"})
    run.refresh_from_db()
    assert (run.status, run.slurm_job_id, run.submission.state) == ("PENDING", 9, "sent")
    assert AuditEntry.objects.filter(verb="identify").exists()


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ("7", "7 is no job of qc-alice"),
        ("x", "Give the number of the job"),
        ("", "Give the number of the job"),
        ("-1", "Give the number of the job"),
        ("99999999999", "Give the number of the job"),
    ],
)
def test_a_job_that_it_cannot_be_is_refused(alice, experiment, cluster, typed, complaint):
    run = unclear(experiment, cluster)
    answer = alice.post(f"/runs/{run.pk}/decide", {"slurm_job_id": typed}, follow=True)
    assert complaint in answer.text
    assert Submission.objects.get().state == "unclear"


def test_there_is_no_such_job_and_it_is_sent_again(alice, experiment, cluster, slurm, eager):
    run = unclear(experiment, cluster)
    slurm.says("squeue", "")  # it does not show the new job yet
    with eager():
        alice.post(f"/runs/{run.pk}/decide", {"again": "1"})
    run.refresh_from_db()
    assert (run.status, run.slurm_job_id) == ("PENDING", 828)


def test_it_is_given_up(alice, experiment, cluster, slurm):
    run = unclear(experiment, cluster)
    alice.post(f"/runs/{run.pk}/decide", {"give_up": "1"})
    run.refresh_from_db()
    assert (run.status, run.submission.state) == ("CANCELLED", "withdrawn")
    again = alice.post(f"/runs/{run.pk}/decide", {"give_up": "1"}, follow=True)
    assert "there is nothing to give up" in again.text
    assert not slurm.calls


def test_of_a_run_from_elsewhere_there_is_nothing_to_decide(alice, people, experiment):
    run, _ = create_run(experiment, actor=Actor(people.alice))
    answer = alice.post(f"/runs/{run.pk}/decide", {"again": "1"}, follow=True)
    assert "was not started here" in answer.text


# --- what was sent


def test_the_page_keeps_what_was_sent_and_names_the_other_runs(alice, experiment, cluster):
    begin(experiment, cluster, Wish(seeds=(1, 2, 3)))
    run = Run.objects.get(array_task_id=1)
    begun = run.submission
    text = alice.get(f"/runs/{run.pk}").text
    assert f'?submission={begun.pk}"' in text
    assert "All 3 runs of this start" in text
    assert f'href="/compare?submission={begun.pk}">Compare them' in text
    assert [f">task {number}</a>" in text for number in (0, 1, 2)] == [True, False, True]
    assert f"--comment=queuecast:{begun.mark.partition(':')[2]}" in text
    assert "python train.py" in text
    assert "qc-alice" in text


def test_nonsense_in_the_filter_of_starts_means_all(alice, experiment, cluster):
    begin(experiment, cluster, ring=nobody_rings)
    for odd in ("x", "-1", "9" * 30, "²"):
        assert (
            Run.objects.get().pk in alice.get(f"/experiments/{experiment.pk}?submission={odd}").text
        )
    assert "has no start 999" in alice.get(f"/experiments/{experiment.pk}?submission=999").text


# --- Slurm asked now


@pytest.fixture
def followed(people, experiment, cluster, slurm: FakeSlurm) -> Run:
    slurm.write("scontrol", f"/bin/cat <<'END'\n{SHOWN}END")
    make_job(cluster, 828, user="qc-alice")
    run, _ = create_run(experiment, actor=Actor(people.alice), cluster=cluster, slurm_job_id=828)
    return run


def questions(slurm: FakeSlurm) -> list[str]:
    return [call for call in slurm.calls if "show job" in call]


def test_slurm_is_asked_when_somebody_looks_and_not_again_at_once(alice, followed, slurm):
    assert f'hx-get="/runs/{followed.pk}/slurm"' in alice.get(f"/runs/{followed.pk}").text
    assert not questions(slurm)
    for _ in range(3):
        text = alice.get(f"/runs/{followed.pk}/slurm").text
        assert "Reason=Resources" in text
        assert "0 s ago" in text
    assert questions(slurm) == ["scontrol -d show job 828"]


def test_where_the_output_goes_is_kept_with_the_job_unless_it_is_known(alice, followed):
    Job.objects.update(std_err="/known.err")
    alice.get(f"/runs/{followed.pk}/slurm")
    job = Job.objects.get()
    assert (job.std_out, job.std_err) == ("/home/qc-alice/jobs/828.out", "/known.err")


def test_a_name_with_lines_in_it_does_not_say_where_the_output_goes(alice, followed, slurm):
    forged = SHOWN.replace("JobName=vit", "JobName=vit\n   StdOut=/etc/passwd")
    slurm.write("scontrol", f"/bin/cat <<'END'\n{forged}END")
    alice.get(f"/runs/{followed.pk}/slurm")
    assert Job.objects.get().std_out == "/home/qc-alice/jobs/828.out"


def test_of_an_array_only_the_own_task_is_shown(alice, followed, slurm):
    other = SHOWN.replace("JobId=828", "JobId=829").replace("Resources", "Priority")
    slurm.write("scontrol", f"/bin/cat <<'END'\n{other}\n{SHOWN}\nEND")
    text = alice.get(f"/runs/{followed.pk}/slurm").text
    assert "Reason=Resources" in text
    assert "Reason=Priority" not in text


def test_all_users_together_ask_a_cluster_six_times_a_minute(
    alice, people, experiment, cluster, slurm, monkeypatch
):
    slurm.write("scontrol", 'echo "JobId=$4 JobName=x"')
    noon = timezone.now().replace(second=10, microsecond=0)
    monkeypatch.setattr(timezone, "now", lambda: noon)
    pages = []
    for job_id in range(100, 108):
        make_job(cluster, job_id, user="qc-alice")
        run, _ = create_run(
            experiment, actor=Actor(people.alice), cluster=cluster, slurm_job_id=job_id
        )
        pages.append(alice.get(f"/runs/{run.pk}/slurm").text)
    assert [f"JobId={job_id}" in page for job_id, page in enumerate(pages, 100)] == (
        [True] * 6 + [False] * 2
    )
    assert "asked too often just now: try again in 50 s" in pages[-1]
    monkeypatch.setattr(timezone, "now", lambda: noon + timedelta(seconds=55))
    assert "JobId=107" in alice.get(f"/runs/{run.pk}/slurm").text
    assert len(questions(slurm)) == 7


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("slurm_load_jobs error: Invalid job id specified", "has forgotten this job"),
        ("slurm_load_jobs error: Unable to contact slurm controller", "does not answer now"),
        ("slurm_load_jobs error: Access/permission denied", "does not show it"),
    ],
)
def test_no_answer_is_told_in_words_beside_the_last_one(
    alice, followed, slurm, monkeypatch, said, words
):
    alice.get(f"/runs/{followed.pk}/slurm")
    slurm.fails("scontrol", said)
    later = timezone.now() + timedelta(seconds=40)
    monkeypatch.setattr(timezone, "now", lambda: later)
    text = alice.get(f"/runs/{followed.pk}/slurm").text
    assert words in text
    assert "Reason=Resources" in text
    assert "40 s ago" in text


def test_a_recording_and_a_paused_cluster_are_not_asked(alice, followed, slurm):
    for change, words in (
        ({"polling_paused": True}, "Staff have paused"),
        ({"polling_paused": False, "transport": "capture"}, "is a recording"),
    ):
        Cluster.objects.update(**change)
        assert words in alice.get(f"/runs/{followed.pk}/slurm").text
    assert not questions(slurm)


def test_a_private_job_is_shown_to_its_own_user_only(client, people, followed):
    Cluster.objects.update(private_data=["jobs"])
    client.force_login(people.bob)
    assert client.get(f"/runs/{followed.pk}/slurm").status_code == 404
    client.force_login(people.alice)
    assert client.get(f"/runs/{followed.pk}/slurm").status_code == 200


# --- a job from elsewhere


def adopt(client: Client, experiment, job_id: str, **fields: str):
    path = f"/experiments/{experiment.pk}/adopt"
    return client.post(path, {"slurm_job_id": job_id} | fields, follow=True)


def test_a_job_submitted_elsewhere_becomes_a_run(alice, experiment, cluster):
    text = alice.get(f"/experiments/{experiment.pk}").text
    assert f"sbatch --comment=queuecast:{experiment.pk}" in text
    make_job(cluster, 9, user="qc-alice")
    answer = adopt(alice, experiment, " 9 ")
    run = Run.objects.get()
    assert (run.slurm_job_id, run.status) == (9, "PENDING")
    assert answer.redirect_chain[-1][0] == f"/runs/{run.pk}"
    assert "Job 9 is followed, as this run" in answer.text
    assert "was followed already" in adopt(alice, experiment, "9").text


@pytest.mark.parametrize(
    ("job_id", "complaint"),
    [
        ("", "This field is required"),
        ("train.sh", "is not a job id such as"),
        ("7", "It is being looked up"),
        ("9", "only its own user adopts it"),
    ],
)
def test_what_cannot_be_followed_is_told_at_the_field(
    alice, experiment, cluster, job_id, complaint
):
    make_job(cluster, 9, user="qc-bob")
    answer = adopt(alice, experiment, job_id)
    assert answer.status_code == 400
    assert complaint in answer.context["adopt"].errors["slurm_job_id"][0]
    assert not Run.objects.exists()
    assert JobHint.objects.exists() == (job_id == "7")


def test_of_several_clusters_one_is_named(alice, people, experiment, cluster):
    assert 'name="cluster"' not in alice.get(f"/experiments/{experiment.pk}").text
    other = make_cluster("other")
    ClusterAccount.objects.create(user=people.alice, cluster=other, unix_name="al")
    make_job(other, 9, user="al")
    assert 'name="cluster"' in alice.get(f"/experiments/{experiment.pk}").text
    assert adopt(alice, experiment, "9").status_code == 400
    adopt(alice, experiment, "9", cluster="other")
    assert Run.objects.get().cluster == other
